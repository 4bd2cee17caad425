"""Many formulas: reading them from lines, comparing one after the other, and the summary.

A line is a formula, or a JSON object with ``expr`` and either ``points``, a list, or one point at
its top level. A point has ``at``, and may have reference values: ``value``, ``grad``, and ``cond``,
the condition numbers of the two. Empty lines and lines that begin with ``#`` are passed over.
"""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from symdiff.compare.comparison import Comparison, Quantity, Reading, derivative_name, is_explained, json_number
from symdiff.compare.report import Line
from symdiff.compare.ulps import apart, ulps
from symdiff.errors import SymdiffError

AHEAD: Final = 4  # formulas whose floats are computed while SymPy is still at an earlier one
EXPLAINED: Final = 4  # ulps times the condition number that a file gives
OUTSIDE: Final = 1000  # ... beyond which a reference and a float disagree


@dataclass(frozen=True, slots=True)
class Given:
    """A point of a file, with its references, and the condition numbers of value and gradient, if it has them."""

    at: Mapping[str, float]
    value: float | None = None
    grad: Mapping[str, float | None] = field(default_factory=dict)
    cond: tuple[float, float] | None = None
    edge: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A line of a file that is to be compared."""

    line: int
    name: str
    formula: str
    points: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read or compared, and why."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A float beside the reference of the file: the error in ulps over the condition number, and its cause."""

    what: str
    path: str
    at: Mapping[str, float]
    value: float
    reference: float
    ratio: float
    explained: bool
    cause: str

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {x!r}" for name, x in self.at.items())
        return f"{self.what}, {self.path}: {self.value!r}, not {self.reference!r}, at {where}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A formula that was compared, and every gradient component beside the file's reference."""

    record: Record
    comparison: Comparison
    findings: tuple[Finding, ...]
    compared: int  # gradient components, counted once for each path

    @property
    def ok(self) -> bool:
        """Whether the comparison agrees, and no float is off the file's reference beyond reason."""
        return self.comparison.ok and all(f.explained or f.ratio <= OUTSIDE for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The comparison's dict with ``line``, ``id`` and ``against_file``, the floats off the file's references.

        Each of these has ``of`` ("df/dx"), ``path``, ``at``, ``value``, ``reference``, ``ratio`` (the error
        in ulps over the condition number), ``explained`` (by rounding, as our condition has it) and ``cause``.
        """
        against = [
            {
                "of": f.what,
                "path": f.path,
                "at": {name: json_number(x) for name, x in f.at.items()},
                "value": json_number(f.value),
                "reference": json_number(f.reference),
                "ratio": json_number(f.ratio),
                "explained": f.explained,
                "cause": f.cause,
            }
            for f in self.findings
        ]
        return self.comparison.to_dict() | {
            "line": self.record.line,
            "id": self.record.name,
            "ok": self.ok,
            "against_file": against,
        }


def read_lines(lines: Iterable[str]) -> Iterator[Record | BadLine]:
    """The formulas of a file, in their order."""
    for number, text in enumerate(lines, 1):
        stripped = text.strip().lstrip("\ufeff")
        if not stripped or stripped.startswith("#"):
            continue
        if not stripped.startswith("{"):
            yield Record(number, "", stripped)
            continue
        try:
            yield _record(number, json.loads(stripped))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as why:
            said = f"no field {why}" if isinstance(why, KeyError) else str(why)
            yield BadLine(number, f"not a formula with points: {said}")


def compare_many(
    records: Iterable[Record | BadLine], compare: Callable[[Record], Comparison]
) -> Iterator[Outcome | BadLine]:
    """Compare the records one after the other; what one of them raises becomes its `BadLine`.

    Args:
        records: from `read_lines`.
        compare: starts the comparison of one record; SymPy may still be at work when it returns.
    """
    pending: deque[tuple[Record, Comparison] | BadLine] = deque()
    for record in records:
        pending.append(record if isinstance(record, BadLine) else _begun(record, compare))
        if len(pending) > AHEAD:
            yield _finished(pending.popleft())
    while pending:
        yield _finished(pending.popleft())


def _begun(record: Record, compare: Callable[[Record], Comparison]) -> tuple[Record, Comparison] | BadLine:
    try:
        return record, compare(record)
    except SymdiffError as why:
        return BadLine(record.line, str(why))
    except Exception as why:  # our own mistake: it fails this line, is told as what it is, and the rest is done
        return BadLine(record.line, f"symdiff failed, please report this: {type(why).__name__}: {why}")


def _finished(begun: tuple[Record, Comparison] | BadLine) -> Outcome | BadLine:
    if isinstance(begun, BadLine):
        return begun
    record, comparison = begun
    findings: list[Finding] = []
    compared = 0
    for given, point in zip(record.points, comparison.points, strict=False):
        by_name = {q.names: q for q in point.quantities}
        wanted = {(): given.value} | {(name,): value for name, value in given.grad.items()}
        for names, true in wanted.items():
            q = by_name.get(names)
            if q is None or true is None or given.edge:
                continue
            compared += 2 * bool(names)
            cond = given.cond[1 if names else 0] if given.cond else None
            found = (_held(q, path, r, given, true, cond) for path, r in _paths(q))
            findings += [f for f in found if f is not None]
    return Outcome(record, comparison, tuple(findings), compared)


def _paths(q: Quantity) -> tuple[tuple[str, Reading], tuple[str, Reading]]:
    return ("closed form", q.closed), ("reverse mode", q.reverse)


def _held(q: Quantity, path: str, r: Reading, given: Given, true: float, cond: float | None) -> Finding | None:
    """A finding where a float is off by more than the file's condition number explains, or ours where it has none."""
    reference = Fraction(true) if math.isfinite(true) else true
    error = ulps(r.value, reference)
    if cond is None:
        cond = r.condition if math.isfinite(r.condition) else 1.0
    ratio = error / max(1.0, cond)
    if ratio <= EXPLAINED:
        return None
    measured = Reading(r.value, error, r.condition)
    explained = is_explained(measured, reference)
    cause = _cause(measured, r.ulps, explained, q)
    return Finding(derivative_name(q.names), path, given.at, r.value, true, ratio, explained, cause)


def _cause(r: Reading, from_sympy: float | None, explained: bool, q: Quantity) -> str:
    """Why a float is off, measured: by SymPy's digits, and by our own estimate of the condition."""
    error = r.ulps or 0.0
    if from_sympy is not None and from_sympy <= EXPLAINED:
        return f"{from_sympy:.1f} ulp from SymPy's value: the file reads decimal literals as doubles, symdiff exactly"
    if explained:
        return f"conditioning: {error:.3g} ulp; by this way of computing it, the condition is {r.condition:.3g}"
    if q.verdict == "kink":
        return "an edge of an operation"
    if apart(q.closed.value, q.reverse.value) == 0:
        return f"{error:.3g} ulp, the same by both paths; the condition is {r.condition:.3g}"
    return f"{error:.3g} ulp; the condition is {r.condition:.3g}"


# ---- reading


def _record(line: int, data: Mapping[str, Any]) -> Record:
    formula = data["expr"]
    if not isinstance(formula, str):
        raise TypeError("expr must be a text")
    points = data.get("points", [data] if "at" in data else [])
    return Record(line, str(data.get("id", "")), formula, tuple(_given(p) for p in points))


def _given(p: Mapping[str, Any]) -> Given:
    value, gradient = _double(p.get("value")), p.get("grad") or {}
    return Given(
        at={str(name): _coordinate(name, x) for name, x in p["at"].items()},
        value=value,
        grad={str(name): _double(x) for name, x in gradient.items()},
        cond=None if p.get("cond") is None else (float(p["cond"][0]), float(p["cond"][1])),
        edge=bool(p.get("edge", False)),
    )


def _coordinate(name: str, x: Any) -> float:
    if isinstance(x, bool) or not isinstance(x, int | float | str):
        raise TypeError(f"the coordinate {name} is no number: {json.dumps(x)[:40]}")
    return float(x)


def _double(x: Any) -> float | None:
    """A reference: a number, ``inf``, ``-inf``, ``nan``; None for one that is missing or "undefined"."""
    return None if x is None or x == "undefined" else float(x)


# ---- the summary


class Summary:
    """Counts over many outcomes, and the worst of them. The exit status follows from it."""

    def __init__(self) -> None:
        self.formulas = 0
        self.points = 0
        self.agreed = 0
        self.unanswered = 0
        self.bad: list[BadLine] = []
        self.equalities: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.worst_ulps = 0.0
        self.components = 0
        self.findings: list[tuple[Record, Finding]] = []

    def add(self, outcome: Outcome | BadLine) -> None:
        """Count one more."""
        if isinstance(outcome, BadLine):
            self.bad.append(outcome)
            return
        c = outcome.comparison
        self.formulas += 1
        self.points += len(c.at)
        self.agreed += outcome.ok
        self.unanswered += bool(c.asked_sympy and c.failure)
        if c.asked_sympy:
            self.equalities.update(c.equality(i).status for i in range(len(c.partials)))
        quantities = [q for point in c.points for q in point.quantities]
        self.verdicts.update(q.verdict for q in quantities)
        errors = [r.ulps or 0.0 for q in quantities if q.verdict == "agrees" for r in (q.closed, q.reverse)]
        self.worst_ulps = max([self.worst_ulps, *errors])
        self.components += outcome.compared
        self.findings += [(outcome.record, f) for f in outcome.findings]

    @property
    def exit_status(self) -> int:
        """2 where a line was bad, else 1 where something disagreed, else 0."""
        return 2 if self.bad else int(self.agreed < self.formulas)

    @property
    def share_explained(self) -> float:
        """The share of gradient components within 4 ulps times the file's condition number."""
        off = sum(f.what != "f" for _, f in self.findings)
        return 1.0 - off / self.components if self.components else math.nan

    def to_dict(self) -> dict[str, Any]:
        """The counts for programs. ``bad_lines`` were not compared: each counts as a failure."""
        return {
            "schema": "symdiff.summary/1",
            "formulas": self.formulas,
            "points": self.points,
            "agreed": self.agreed,
            "disagreed": self.formulas - self.agreed,
            "sympy_unanswered": self.unanswered,
            "bad_lines": [{"line": bad.line, "message": bad.message} for bad in self.bad],
            "closed_forms": dict(sorted(self.equalities.items())),
            "numbers": dict(sorted(self.verdicts.items())),
            "worst_ulps": json_number(self.worst_ulps),
            "file_references": {
                "components": self.components,
                "share_within_4_ulp_times_condition": None if not self.components else self.share_explained,
                "worst_ratio": json_number(self._worst_ratio),
            },
        }

    @property
    def _worst_ratio(self) -> float:
        return max((f.ratio for _, f in self.findings if f.what != "f"), default=float(bool(self.components)))

    def lines(self) -> Iterator[Line]:
        """The summary as lines of a report."""
        disagreed = self.formulas - self.agreed
        yield Line(((f"{_counted(self.formulas, 'formula')}, {_counted(self.points, 'point')}", ""),))
        counts = [(f"{self.agreed} agreed", "agreed")]
        counts += [(f", {disagreed} disagreed", "disagreed" if disagreed else "")]
        counts += [(f", {_counted(len(self.bad), 'bad line')} skipped = failed", "disagreed")] if self.bad else []
        if self.equalities:
            counts += [
                (f", {self.unanswered} without a full answer from SymPy", "undecided" if self.unanswered else "")
            ]
        yield Line(tuple(counts))
        if self.equalities:
            words = {"proved": "proved equal to SymPy's", "agrees": "agree, not proved"}
            told = [f"{n} {words.get(status, status)}" for status, n in self.equalities.most_common()]
            yield Line(((f"closed forms: {', '.join(told)}", ""),), indent=4)
        if self.points:
            told = [f"{n} {status}" for status, n in self.verdicts.most_common() if status != "agrees"]
            agreeing = f"{self.verdicts['agrees']} agree with SymPy's, the largest error {self.worst_ulps:.1f} ulp"
            first = [agreeing] if self.verdicts["agrees"] else []
            yield Line(((f"numbers: {', '.join(first + told)}", ""),), indent=4)
        if self.components:
            yield from self._reference_lines()

    def _reference_lines(self) -> Iterator[Line]:
        share = f"{self.share_explained:.1%} of {self.components} within {EXPLAINED} ulp times the condition number"
        told = f"gradients against the file: {share}, the worst at {self._worst_ratio:.3g} times it"
        yield Line(((told, ""),), indent=4)
        for record, f in sorted(self.findings, key=lambda pair: -pair[1].ratio):
            style = "faint" if f.explained or f.ratio <= OUTSIDE else "disagreed"
            yield Line(((f"  {f.ratio:9.3g}  ", style), (f"line {record.line} {record.name}  {f}", "")), indent=13)


def outcome_line(outcome: Outcome) -> Line:
    """One formula in one line of a long list."""
    c, record = outcome.comparison, outcome.record
    statuses = [c.equality(i).status for i in range(len(c.partials))] if c.asked_sympy else []
    counted = Counter(statuses)
    told = ", ".join(f"{n} {status}" for status, n in counted.most_common())
    quantities = [q for point in c.points for q in point.quantities]
    errors = [r.ulps for q in quantities if q.verdict == "agrees" for r in (q.closed, q.reverse) if r.ulps is not None]
    numbers = f"   {len(quantities)} numbers within {max(errors):.1f} ulp" if errors else ""
    word = "agreed" if outcome.ok else "disagreed"
    name = record.name or record.formula
    shown = name if len(name) <= 28 else name[:27] + "…"
    return Line(
        ((f"{record.line:5}  ", "faint"), (f"{word:9}", word), (f"  {shown:28}  {told}{numbers}", "")), indent=18
    )


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def gradient_names(points: Sequence[Given]) -> tuple[str, ...]:
    """The variables for which a file has derivatives, in its order; empty where it has none."""
    return tuple(dict.fromkeys(name for p in points for name in p.grad))
