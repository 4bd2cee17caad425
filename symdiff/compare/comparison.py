"""The comparison: closed form, reverse mode and SymPy on the same formula, and what may be said of them.

A float disagrees where its error is beyond what conditioning explains; there is no tolerance to
choose. The reference is SymPy's value to 50 digits. Where there is none, the two float paths are
held against each other, and the report says that nothing served as the reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from symdiff.compare.ulps import apart, distance, reference, ulps
from symdiff.dag import Node, flatten, rounded
from symdiff.errors import listed

if TYPE_CHECKING:
    from symdiff.compare.process import Answer

Status = Literal["proved", "agrees", "refuted", "undecided"]
Verdict = Literal["agrees", "ill-conditioned", "disagrees", "kink", "outside", "no reference"]

PER_OPERATION: Final = 4  # ulps: NumPy holds its functions to 4, and the condition counts each operation once
AT_LEAST: Final = 1  # ulp: half for the reference's nearest double, half for a condition estimated in floats
MANY: Final = 1000  # ulps, three digits: from here on, an error that conditioning explains is told in words


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial derivative in closed form.

    Attributes:
        names: the variables by which the formula was differentiated, in turn.
        node: the closed form.
        start: the formula itself, or for higher orders the closed form by ``names[:-1]``:
            where the reverse sweep that gives the last derivative starts.
        assumptions: conditions under which the closed form is the derivative, as text.
    """

    names: tuple[str, ...]
    node: Node
    start: Node
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Floats:
    """What the float paths say at one point: the value first, then each partial in its order.

    ``own`` is what a Python function of the user's gives by itself, None for what it does not give;
    empty where a formula was compared. ``unit`` is the unit roundoff of its arithmetic over that of
    doubles: 2**29 where it rounds to float32.
    """

    closed: tuple[float, ...]
    reverse: tuple[float, ...]
    kinks: tuple[str, ...] = ()
    own: tuple[float | None, ...] = ()
    unit: float = 1.0


@dataclass(frozen=True, slots=True)
class Equality:
    """Whether our closed form is SymPy's. ``said`` is SymPy's word, which proves nothing."""

    status: Status
    how: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A float of one path: its value, its distance from the reference in ulps, the condition of its computation.

    An ulp is that of the arithmetic of the path: ``unit`` ulps of a double.
    """

    value: float
    ulps: float | None
    condition: float
    unit: float = 1.0

    @property
    def bound(self) -> float:
        """The error in ulps that the rounding of every operation explains."""
        return PER_OPERATION * max(1.0, self.condition) + AT_LEAST


@dataclass(frozen=True, slots=True)
class Quantity:
    """The value (``names`` is empty) or a partial at one point, by every path, and the reference."""

    names: tuple[str, ...]
    closed: Reading
    reverse: Reading
    reference: str | None
    note: str
    verdict: Verdict
    own: Reading | None = None

    @property
    def readings(self) -> dict[str, Reading]:
        """The paths that give this quantity, by what they are called in a sentence."""
        paths = {"closed form": self.closed, "reverse mode": self.reverse}
        return paths if self.own is None else paths | {"function": self.own}


@dataclass(frozen=True, slots=True)
class PointReport:
    """All quantities at one point."""

    at: Mapping[str, float]
    kinks: tuple[str, ...]
    quantities: tuple[Quantity, ...]


class Comparison:
    """The result of comparing: print it, ask ``.ok``, or take ``.to_dict()``.

    SymPy may still be at work: ``text``, ``partials`` and ``floats`` are there at once;
    everything else waits for SymPy, at most for its time limit. ``str`` is a report for 80
    columns, and rich renders the same in colour.
    """

    def __init__(
        self,
        text: str,
        node: Node,
        variables: Sequence[str],
        partials: Sequence[Partial],
        points: Sequence[Mapping[str, float]],
        floats: Sequence[Floats],
        answer: Answer | None,
        origin: str = "",
    ) -> None:
        self.text = text
        self.origin = origin
        self.node = node
        self.variables = tuple(variables)
        self.partials = tuple(partials)
        self.at = tuple(points)
        self.floats = tuple(floats)
        self._answer = answer

    # ---- SymPy

    @property
    def asked_sympy(self) -> bool:
        """Whether SymPy was asked at all."""
        return self._answer is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for SymPy; True once it has answered, failed or been stopped."""
        return self._answer is None or self._answer.wait(timeout)

    @cached_property
    def failure(self) -> str:
        """Why SymPy's answer is not complete; empty if it is."""
        if self._answer is None:
            return "SymPy was not asked"
        self.wait()
        return self._answer.failure or next((part["error"] for part in self._answer.named("formula")), "")

    def _part(self, name: str, index: int) -> dict[str, Any]:
        """SymPy's answer to one thing, or the ``error`` that stands for it."""
        if self._answer is None:
            return {"error": self.failure}
        self.wait()
        found = (part for part in self._answer.named(name) if part["index"] == index)
        return next(found, {"error": self.failure or "SymPy gave no answer"})

    def derivative(self, index: int) -> dict[str, Any]:
        """SymPy's derivative for a partial: ``text``, with ``node`` where it has a counterpart here; or ``error``."""
        from symdiff.compare.worker import decoded_rows
        from symdiff.dag import unflatten

        part = self._part("derivative", index)
        if "rows" not in part:
            return part
        return part | {"node": unflatten(decoded_rows(part["rows"]), [part["root"]])[0]}

    def equality(self, index: int) -> Equality:
        """Whether a closed form is equal to SymPy's derivative, and how that was found."""
        part = self._part("equality", index)
        if "error" in part:
            derivative = self._part("derivative", index)
            return Equality("undecided", derivative.get("error", part["error"]))
        how = part["how"]
        if part["status"] == "refuted":
            where = ", ".join(f"{name} = {x}" for name, x in part["point"].items())
            ours, theirs = (value[:24] for value in part["values"])
            how = f"they differ at {where or 'any point'}: ours {ours}, SymPy's {theirs}"
        return Equality(part["status"], how, self._part("word", index).get("said", ""))

    # ---- numbers

    @cached_property
    def points(self) -> tuple[PointReport, ...]:
        """Every quantity at every point, judged."""
        return tuple(self._point(i) for i in range(len(self.at)))

    def conditions(self, index: int) -> list[tuple[float, float]]:
        """The conditions of the closed form's and the reverse sweep's computation, for the value and each partial."""
        from symdiff.numeric.conditioning import condition

        at = dict(self.at[index])
        value = condition(self.node, at)
        return [(value, value)] + [
            (condition(p.node, at), condition(swept, at)) for p, swept in zip(self.partials, self._swept, strict=True)
        ]

    @cached_property
    def _swept(self) -> list[Node]:
        """The partials as the reverse sweep computes them, operation for operation: for their conditions."""
        from symdiff.numeric.adjoint import adjoint

        sweeps = {
            start: adjoint(start, self.variables, careful=False)
            for start in dict.fromkeys(p.start for p in self.partials)
        }
        return [sweeps[p.start][self.variables.index(p.names[-1])] for p in self.partials]

    def _point(self, index: int) -> PointReport:
        floats = self.floats[index]
        part = self._part("value", index)
        said = part.get("values", ["unknown: " + part.get("error", "")] * (1 + len(self.partials)))
        names = [(), *(p.names for p in self.partials)]
        conditions = self.conditions(index)
        own = floats.own or (None,) * len(names)
        quantities = [
            judged(*one, kinks=floats.kinks, value=floats.closed[0], own=x, unit=floats.unit)
            for *one, x in zip(names, floats.closed, floats.reverse, conditions, said, own, strict=True)
        ]
        return PointReport(self.at[index], floats.kinks, tuple(quantities))

    # ---- the outcome

    @cached_property
    def disagreements(self) -> tuple[str, ...]:
        """What does not agree, a sentence each."""
        found = [
            f"{derivative_name(p.names)}: the closed form is not SymPy's derivative; {equality.how}"
            for i, p in enumerate(self.partials)
            if (equality := self.equality(i)).status == "refuted"
        ]
        for point in self.points:
            where = ", ".join(f"{name} = {x!r}" for name, x in point.at.items())
            found += [f"{blame(q)} at {where}" for q in point.quantities if q.verdict == "disagrees"]
        return tuple(found)

    @property
    def ok(self) -> bool:
        """Whether nothing disagrees. A SymPy that gave no answer, and points at kinks, do not count."""
        return not self.disagreements

    def to_dict(self, latex: bool = False) -> dict[str, Any]:
        """The comparison for programs, ready for JSON; numbers that JSON lacks are "inf", "-inf", "nan".

        The schema, which only grows: ``schema`` ("symdiff.comparison/1"), ``formula``, ``variables``,
        ``ok``, ``disagreements`` (sentences), ``sympy`` (``asked``, ``failure``, empty if it answered),
        ``partials`` (for each: ``by``, the variables in turn; ``closed_form``, and its ``latex``
        if asked for; ``assumptions``; ``sympy``, its derivative or null; ``equality`` with ``status``,
        one of "proved", "agrees", "refuted", "undecided", ``how``, and ``sympy_says``), ``points`` (for each: ``at``;
        ``kinks``; ``quantities``, of which the first, with an empty ``by``, is the value: ``by``;
        ``reference``, a decimal of 50 digits or null; ``note``, why there is none, or what was lost;
        ``verdict``, one of "agrees", "ill-conditioned" (the error is large, and conditioning explains
        it), "disagrees", "kink", "outside" (the formula's real domain), "no reference"; ``closed_form`` and
        ``reverse_mode``, each with ``value``, ``ulps`` from the reference or null, ``condition``). Where a
        Python function was compared, also ``function``, which one and how it became a formula, and
        for each quantity ``function``: what it gave by itself, or null.
        """
        return {
            "schema": "symdiff.comparison/1",
            **({"function": self.origin} if self.origin else {}),
            "formula": self.text,
            "variables": list(self.variables),
            "ok": self.ok,
            "disagreements": list(self.disagreements),
            "sympy": {"asked": self.asked_sympy, "failure": self.failure if self.asked_sympy else ""},
            "partials": [self._partial_dict(i, latex) for i in range(len(self.partials))],
            "points": [_point_dict(point, bool(self.origin)) for point in self.points],
        }

    def _partial_dict(self, index: int, latex: bool) -> dict[str, Any]:
        from symdiff.text.format import to_latex, to_text

        partial, equality = self.partials[index], self.equality(index)
        return {
            "by": list(partial.names),
            "closed_form": to_text(partial.node),
            **({"latex": to_latex(partial.node)} if latex else {}),
            "assumptions": list(partial.assumptions),
            "sympy": self._part("derivative", index).get("text"),
            "equality": {"status": equality.status, "how": equality.how, "sympy_says": equality.said},
        }

    def __str__(self) -> str:
        from symdiff.compare.report import plain, sections

        return plain(sections(self))

    def __repr__(self) -> str:
        return f"<Comparison of {self.text[:40]!r}, {len(self.partials)} partials, {len(self.at)} points>"

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from symdiff.compare.report import rich_parts, sections

        yield from rich_parts(sections(self))


def compare_nodes(
    node: Node,
    variables: Sequence[str],
    partials: Sequence[Partial],
    points: Sequence[Mapping[str, float]] = (),
    *,
    floats: Callable[[int], Floats],
    text: str,
    origin: str = "",
    sympy: bool = True,
    time_limit: float = 10.0,
) -> Comparison:
    """Compare a formula's closed forms, its reverse sweep and SymPy at some points.

    Args:
        node: the formula, as the user wrote it.
        variables: its variables, in their order.
        partials: the closed forms to compare.
        points: a value for each variable.
        floats: what every path gives, at the point of that number.
        text: the formula as it is printed.
        origin: the Python function that it comes from, and how; empty for a formula.
        sympy: whether SymPy is asked; its process answers while the floats are computed.
        time_limit: seconds after which SymPy's process is stopped.
    """
    answer = None
    if sympy:
        from symdiff.compare.process import shared
        from symdiff.compare.worker import encoded_rows

        rows, (root, *roots) = flatten([node, *(p.node for p in partials)])
        question = {
            "rows": encoded_rows(rows),
            "root": root,
            "partials": [[p.names, r] for p, r in zip(partials, roots, strict=True)],
            "points": [{name: x.hex() for name, x in point.items()} for point in points],
        }
        answer = shared().ask(question, time_limit)
    return Comparison(text, node, variables, partials, points, [floats(i) for i in range(len(points))], answer, origin)


# ---- judging


def judged(
    names: tuple[str, ...],
    closed: float,
    reverse: float,
    conditions: tuple[float, float],
    said: str,
    *,
    kinks: Sequence[str] = (),
    value: float = 0.0,
    own: float | None = None,
    unit: float = 1.0,
) -> Quantity:
    """Hold floats against what SymPy ``said``: a decimal, or a word for why there is none.

    Args:
        names: the variables of the partial; empty for the value.
        closed: the float from the closed form.
        reverse: the float from the reverse sweep.
        conditions: of the two computations.
        said: as `symdiff.compare.worker` writes values.
        kinks: operations that are at an edge at this point: what they give is a convention.
        value: the formula's value there; nan outside its real domain.
        own: what the user's function gives; its computation is that of the reverse sweep.
        unit: the ulp of its arithmetic, in ulps of a double.
    """
    word, _, why = said.partition(": ")
    true = None if word in ("unknown", "nan", "complex", "pole") else reference(said)
    given = [(closed, conditions[0], 1.0), (reverse, conditions[1], 1.0)]
    if own is not None:
        given.append((own, conditions[1], unit))
    readings = [Reading(x, None if true is None else ulps(x, true) / u, c, u) for x, c, u in given]
    verdict: Verdict
    note = {"complex": "not a real number", "pole": "a pole", "nan": "SymPy: nan", "unknown": why}.get(word, "")
    if true is not None and all(is_explained(r, true) for r in readings):
        worst = max(r.ulps or 0.0 for r in readings)
        verdict = "agrees" if worst < MANY else "ill-conditioned"
        note = note if worst < MANY else f"{min(16, round(math.log10(min(worst, 1e16))))} digits lost"
    elif math.isnan(value) and all(math.isnan(r.value) for r in readings):
        verdict, note = "outside", note or "outside the real domain of the formula as written"
    elif word == "complex":
        verdict = "agrees" if not any(math.isfinite(r.value) for r in readings) else "disagrees"
    elif true is None:
        together = all(apart(closed, r.value) <= readings[0].bound + r.bound * r.unit for r in readings[1:])
        verdict = "no reference" if together else "disagrees"
    else:
        verdict = "disagrees"
    if kinks and (verdict == "disagrees" or (names and verdict != "outside")):
        verdict, note = "kink", "a convention, not a derivative"
    by_code = readings[2] if own is not None else None
    return Quantity(names, readings[0], readings[1], None if true is None else said, note, verdict, by_code)


def is_explained(reading: Reading, true: Fraction | float) -> bool:
    """Whether rounding explains the error. The unit is the larger of the two numbers': either may be the zero."""
    assert reading.ulps is not None
    if not math.isfinite(reading.value) or not isinstance(true, Fraction):
        return reading.ulps <= AT_LEAST  # the estimate is one of first order: it knows no overflow
    if reading.ulps <= reading.bound:
        return True
    unit = math.ulp(max(abs(reading.value), abs(rounded(true)))) * reading.unit
    return rounded(distance(reading.value, true)) <= reading.bound * unit


def blame(q: Quantity) -> str:
    """What is wrong with a quantity, in a clause."""
    what = derivative_name(q.names)
    if q.reference is None:
        return f"{what}: {listed(f'{path} {r.value!r}' for path, r in q.readings.items())} disagree"
    true = reference(q.reference)
    wrong = {path: r for path, r in q.readings.items() if not is_explained(r, true)}
    same: dict[str, list[str]] = {}
    for path, r in wrong.items():
        same.setdefault(repr(r.value), []).append(path)
    told = listed(_told(paths, wrong[paths[0]]) for paths in same.values())
    return f"{what}: {told}; SymPy has {q.reference}"


def _told(paths: Sequence[str], r: Reading) -> str:
    return f"the {paths[0]} is {_off(r)}" if len(paths) == 1 else f"{listed(paths)} are {_off(r)}"


def _off(r: Reading) -> str:
    if not math.isfinite(r.value):
        return repr(r.value)
    return f"{r.value!r}, off by {shown_ulps(r.ulps)} where rounding explains {r.bound:.3g}"


def shown_ulps(distance: float | None) -> str:
    """A distance in ulps as it is printed."""
    if distance is None:
        return ""
    if distance == 0 or math.isinf(distance):
        return "0 ulp" if distance == 0 else "wrong"
    return f"{distance:.1f} ulp" if distance < 1000 else f"{distance:.1e} ulp"


def derivative_name(names: Sequence[str]) -> str:
    """``f``, ``df/dx``, ``d2f/dx2`` or ``d2f/dxdy``."""
    if not names:
        return "f"
    order = len(names)
    below = f"d{names[0]}{order if order > 1 else ''}" if len(set(names)) == 1 else "".join(f"d{n}" for n in names)
    return f"d{order if order > 1 else ''}f/{below}"


# ---- as a dict


def _point_dict(point: PointReport, of_function: bool) -> dict[str, Any]:
    return {
        "at": {name: json_number(x) for name, x in point.at.items()},
        "kinks": list(point.kinks),
        "quantities": [
            {
                "by": list(q.names),
                "reference": q.reference,
                "note": q.note,
                "verdict": q.verdict,
                "closed_form": _reading_dict(q.closed),
                "reverse_mode": _reading_dict(q.reverse),
                **({"function": q.own and _reading_dict(q.own)} if of_function else {}),
            }
            for q in point.quantities
        ],
    }


def _reading_dict(reading: Reading) -> dict[str, Any]:
    return {
        "value": json_number(reading.value),
        "ulps": None if reading.ulps is None else json_number(reading.ulps),
        "condition": json_number(reading.condition),
    }


def json_number(x: float) -> float | str:
    """A float, or the word for what JSON has no number for."""
    return x if math.isfinite(x) else str(x)
