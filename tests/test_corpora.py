"""Real formulas against references that no symbolic tool had a hand in, where the corpora are at hand.

The corpora lie in ``../shared/corpora`` beside the checkout; their README says how the references were made.
Each partial derivative is computed twice, by the reverse sweep and by evaluating the closed form. Errors are
counted in roundings, 2**-53 of the reference, over the point's condition number: what an evaluation in float64
must lose is not held against it.

The tests take a sample of the largest corpus. All of it, with the failures listed::

    python -m tests.test_corpora rubi
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import symdiff as sd
from symdiff.numeric.conditioning import condition

CORPORA = Path(__file__).parent.parent.parent / "shared" / "corpora"
NAMES = ("feynman", "functions", "hard", "nist", "rubi")
ROUNDING = 2.0**-53

Record = dict[str, Any]


@cache
def records(name: str) -> list[Record]:
    """The rows of a corpus; skips the test that asks where there is none."""
    path = CORPORA / f"{name}_shared.jsonl"
    if not path.is_file():
        pytest.skip(f"no {path.name} in ../shared/corpora beside the checkout")
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sample(name: str, count: int) -> list[Record]:
    """The same ``count`` rows on every run."""
    rows = records(name)
    return random.Random(2026).sample(rows, min(count, len(rows)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One number and its reference. ``what`` is the value, or a variable with the path that gave the partial."""

    id: str
    at: Mapping[str, float]
    what: str
    got: float
    want: float
    error: float  # in roundings over the condition number
    ulps: float  # in ulps of the reference over the condition number

    def __str__(self) -> str:
        return f"{self.error:9.3g}  {self.id}  {self.what}: {self.got!r}, not {self.want!r}  at {dict(self.at)}"


def judge(record: Record) -> Iterator[Finding]:
    """Evaluate a row, every way, at its points where float64 can answer, and measure the errors."""
    points = [p for p in record.get("points", [record]) if not p.get("edge") and float64_suffices(p)]
    wanted = list(dict.fromkeys(name for p in points for name in p["grad"]))
    if not points:
        return
    names = tuple(points[0]["at"])
    f = sd.parse(record["expr"], variables=names)
    compiled = sd.compile(f, args=names, wrt=tuple(wanted))
    closed = {name: f.diff(name) for name in wanted}
    for p in points:
        at = {name: float(x) for name, x in p["at"].items()}
        value, partials = compiled.value_and_grad(*at.values())
        c_value, c_gradient = p.get("cond", (1.0, 1.0))
        yield from compared(record, p, "value", value, p["value"], c_value)
        for name, swept in zip(wanted, partials, strict=True):
            if name in p["grad"]:
                yield from compared(record, p, f"d/d{name}, reverse", swept, p["grad"][name], c_gradient)
                yield from compared(record, p, f"d/d{name}, closed", closed[name](at), p["grad"][name], c_gradient)


def float64_suffices(p: Record) -> bool:
    """Whether evaluating the text as it stands, in float64, gives the value to within its condition number.

    Elsewhere an intermediate result overflows, or all digits cancel, and only another formula would help.
    """
    if "f64_value" not in p:
        return True
    plain, exact = float(p["f64_value"]), float(p["value"])
    return abs(plain - exact) <= 1000 * ROUNDING * max(1.0, p["cond"][0]) * abs(exact)


def compared(record: Record, p: Record, what: str, got: Any, reference: float | str, cond: float) -> Iterator[Finding]:
    if reference == "undefined":
        return
    got, want = float(got), float(reference)
    if got == want or (got != got and want != want):
        error = ulps = 0.0
    elif not math.isfinite(got) or not math.isfinite(want):
        error = ulps = math.inf
    else:
        scale = max(1.0, cond) * abs(want)
        if want == 0.0:  # the condition in absolute terms, of which only the hard corpus knows
            absolute = p.get("acond", {"value": 0.0, "grad": {}})
            scale = float(absolute["value"] if what == "value" else absolute["grad"].get(what.split(",")[0][3:], 0.0))
        error = abs(got - want) / max(ROUNDING * scale, 5e-324)
        ulps = abs(got - want) / (math.ulp(want) * max(1.0, cond)) if want else error
    yield Finding(record["id"], p["at"], what, got, want, error, ulps)


def findings(rows: list[Record]) -> list[Finding]:
    return [finding for row in rows for finding in judge(row)]


def listed(found: list[Finding]) -> str:
    worst = sorted(found, key=lambda finding: -finding.error)
    return "\n".join([f"{len(found)} beyond the bar, in roundings over the condition number:", *map(str, worst[:40])])


def gradients(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.what != "value"]


@pytest.mark.parametrize("name", NAMES)
def test_every_formula_parses_differentiates_and_evaluates(name: str) -> None:
    for record in sample(name, 300):
        point = record.get("points", [record])[0]
        at = {variable: float(x) for variable, x in point["at"].items()}
        f = sd.parse(record["expr"], variables=tuple(at))
        there = f.at(at)
        for variable in point["grad"]:
            derivative = f.diff(variable)
            assert sd.parse(str(derivative), variables=f.variables).node is derivative.node
            assert isinstance(derivative(at), float)
            assert variable in there.grad


def test_physics_formulas_have_exact_gradients() -> None:
    """Within 4 ulps times the condition number for 95 %, and 1000 for all but what `CANCELLING` lists."""
    found = gradients(findings(records("feynman")))
    for path in ("reverse", "closed"):
        ways = [finding for finding in found if finding.what.endswith(path)]
        near = sum(finding.ulps <= 4 for finding in ways)
        assert near >= 0.95 * len(ways), f"{path}: {near} of {len(ways)} within 4 ulps"
    beyond = [finding for finding in found if not finding.ulps <= 1000]
    assert {(finding.id, finding.what[3:].split(",")[0]) for finding in beyond} <= CANCELLING, listed(beyond)
    formulas = {record["id"]: sd.parse(record["expr"]) for record in records("feynman")}
    for finding in beyond:  # the measured cause: the partial cancels by more than the 53 bits there are
        partial = formulas[finding.id].diff(finding.what[3:].split(",")[0])
        assert condition(partial.node, finding.at) > 2.0**50, finding


# The corpus has one condition number for the whole gradient of a point. These partials are differences of two
# terms that agree in all digits of a double: d/du of (sin(u)/u)**2 and of (sin(n*u)/sin(u))**2 at u = 1e-11.
CANCELLING = {
    ("feynman-bonus.11", "alpha"),
    ("feynman-bonus.11", "delta"),
    ("feynman-iii.9.52", "omega"),
    ("feynman-iii.9.52", "omega_0"),
}


def test_antiderivatives_give_back_their_integrands() -> None:
    """99 % of the partials, and of the values, within 1000 roundings times the condition number."""
    found = findings(sample("rubi", 1000))
    beyond = [finding for finding in found if not finding.error <= 1000]
    assert len(beyond) <= 0.01 * len(found), listed(beyond)


def test_regression_models_agree_at_their_points() -> None:
    """No condition number is given here; 1e-12 allows for the largest, of exp(-b*x) at b*x near 100."""
    beyond = [finding for finding in findings(records("nist")) if not finding.error * ROUNDING <= 1e-12]
    assert not beyond, listed(beyond)


def test_hard_formulas_lose_no_more_than_their_condition() -> None:
    """All values, and 98 % of the partials: the condition is the formula's, and some derivatives cancel on their own.

    The derivative of ``sin(x)/x`` near 0 is the difference of two large terms although ``sin(x)/x`` is not.
    """
    found = findings(records("hard"))
    beyond = [finding for finding in found if not finding.error <= 1000]
    assert not [finding for finding in beyond if finding.what == "value"], listed(beyond)
    assert len(beyond) <= 0.02 * len(gradients(found)), listed(beyond)


def main(names: list[str]) -> int:
    """Judge whole corpora and list what lies beyond the bar; return the exit status."""
    status = 0
    if not CORPORA.is_dir():
        print("no corpora in ../shared/corpora beside the checkout", file=sys.stderr)
        return 2
    for name in names or NAMES:
        began, found, broken = time.perf_counter(), [], []
        for record in records(name):
            try:
                found += judge(record)
            except Exception as error:
                broken.append(
                    f"{record['id']}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                )
        beyond = [finding for finding in found if not finding.error <= 1000]
        print(f"{name}: {len(found)} numbers of {len(records(name))} rows in {time.perf_counter() - began:.0f} s")
        for path in ("value", "reverse", "closed"):
            ways = [finding for finding in found if finding.what.endswith(path)]
            if ways:
                near, far = (sum(finding.ulps <= bar for finding in ways) / len(ways) for bar in (4, 1000))
                print(f"  {path:<8}{near:8.2%} within 4 ulps times the condition number, {far:8.2%} within 1000")
        for line in [*map(str, sorted(beyond, key=lambda finding: -finding.error)), *broken]:
            print(" ", line)
        status |= bool(beyond or broken)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
