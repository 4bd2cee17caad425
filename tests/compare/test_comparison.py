"""What is said of a comparison: verdicts, the report, the dict."""

import json
import math

import pytest

import symdiff as sd
from symdiff.compare.comparison import Comparison, judged, shown_ulps
from symdiff.compare.worker import answer  # noqa: F401  (the worker must be importable without SymPy)


def verdict(closed: float, reverse: float, said: str, condition: float = 1.0, **more: object) -> str:
    return judged(("x",), closed, reverse, (condition, condition), said, **more).verdict  # type: ignore[arg-type]


def off(x: float, ulps: int) -> float:
    return x + ulps * math.ulp(x)


@pytest.mark.parametrize(
    ("closed", "reverse", "said", "condition", "expected"),
    [
        (1.0, 1.0, "1", 1.0, "agrees"),
        (off(1.0, 5), 1.0, "1", 1.0, "agrees"),
        (off(1.0, 6), 1.0, "1", 1.0, "disagrees"),
        (1.0, off(1.0, 6), "1", 1.0, "disagrees"),
        (off(1.0, 40), 1.0, "1", 10.0, "agrees"),
        (off(1.0, 2000), 1.0, "1", 1e3, "ill-conditioned"),
        (1e-17, 0.0, "0", 1.0, "disagrees"),
        (1e-17, 0.0, "0", 1e17, "ill-conditioned"),
        (math.inf, math.inf, "1e400", 1.0, "agrees"),
        (math.inf, math.inf, "1e300", math.inf, "disagrees"),
        (1.0, 1.0, "unknown: why", 1.0, "no reference"),
        (1.0, 2.0, "unknown: why", 1.0, "disagrees"),
        (1.0, 2.0, "nan", 1.0, "disagrees"),
        (math.nan, math.nan, "complex", 1.0, "agrees"),
        (1.0, 1.0, "complex", 1.0, "disagrees"),
        (math.inf, -math.inf, "pole", 1.0, "disagrees"),
        (math.nan, 1.0, "1", 1.0, "disagrees"),
    ],
)
def test_a_float_disagrees_beyond_what_conditioning_explains(
    closed: float, reverse: float, said: str, condition: float, expected: str
) -> None:
    assert verdict(closed, reverse, said, condition) == expected


def test_a_partial_at_a_kink_is_a_convention_whatever_it_is() -> None:
    assert verdict(0.0, 0.0, "0", kinks=("abs(x)",)) == "kink"
    assert verdict(0.0, 1.0, "7", kinks=("abs(x)",)) == "kink"


def test_outside_the_real_domain_sympy_s_number_does_not_count() -> None:
    assert verdict(math.nan, math.nan, "-1", value=math.nan) == "outside"
    assert verdict(math.nan, math.nan, "-1", value=2.0) == "disagrees"


def test_the_tutorial_s_formula_agrees_and_is_proved() -> None:
    c = sd.compare("u**3 + v**2 + 4*u*v", at={"u": 3, "v": 4})
    assert c.ok
    assert [c.equality(i).status for i in range(2)] == ["proved", "proved"]
    (point,) = c.points
    assert [q.closed.value for q in point.quantities] == [91, 43, 20]
    assert [q.reverse.value for q in point.quantities] == [91, 43, 20]
    assert [q.reference for q in point.quantities] == ["91", "43", "20"]


def test_floats_are_there_before_sympy() -> None:
    c = sd.compare("x**2", at={"x": 3})
    assert c.floats[0].reverse == (9.0, 6.0)
    assert c.wait(60)


def test_sympy_out_of_time_is_reported_and_is_no_disagreement() -> None:
    text = "x"
    for _ in range(9):
        text = f"gamma({text}**x + sin({text}))"
    c = sd.compare(text, at={"x": 0.5}, time_limit=1.0)
    assert c.failure == "SymPy gave no answer after 1 s" or c.failure == "SymPy had not finished after 1 s"
    assert c.failure in str(c)
    again = sd.compare("x**2", at={"x": 3.0})
    assert again.ok
    assert not again.failure


def test_without_sympy_nothing_is_called_agreed_with_it() -> None:
    c = sd.compare("x**2", at={"x": 3}, sympy=False)
    assert c.ok
    assert c.points[0].quantities[1].verdict == "no reference"
    assert "No reference" in str(c)
    assert "proved" not in str(c)


def test_lost_digits_are_told() -> None:
    c = sd.compare("(1 - cos(x))/x**2", at={"x": 1e-8})
    assert c.ok
    assert "16 digits lost" in str(c)


def test_an_overflow_on_the_way_is_a_disagreement() -> None:
    c = sd.compare("sqrt(x**2 + y**2)", at={"x": 1e200, "y": 1e200})
    assert not c.ok
    assert "inf" in c.disagreements[0]


def test_second_order_by_several_variables() -> None:
    c = sd.compare("x**2*y", at={"x": 3, "y": 5}, order=2)
    assert [p.names for p in c.partials] == [("x", "x"), ("x", "y"), ("y", "y")]
    assert [q.closed.value for q in c.points[0].quantities] == [45, 10, 6, 0]
    assert c.ok


def test_the_report_fits_80_columns() -> None:
    c = sd.compare("x*sin(x**2) + y/x", at=[{"x": 1.5e-7, "y": -3e30}, {"x": 2, "y": 1}])
    assert max(map(len, str(c).splitlines())) <= 80


SCHEMA = {
    "schema": str,
    "formula": str,
    "variables": list,
    "ok": bool,
    "disagreements": list,
    "sympy": dict,
    "partials": list,
    "points": list,
}


def test_the_dict_is_json_with_the_documented_fields() -> None:
    c: Comparison = sd.compare("log(x)", at=[{"x": -1}, {"x": 2}])
    found = json.loads(json.dumps(c.to_dict(latex=True), allow_nan=False))
    assert {name: type(value) for name, value in found.items()} == SCHEMA
    assert found["schema"] == "symdiff.comparison/1"
    assert found["partials"][0].keys() == {"by", "closed_form", "latex", "assumptions", "sympy", "equality"}
    assert found["partials"][0]["equality"].keys() == {"status", "how", "sympy_says"}
    assert found["points"][0].keys() == {"at", "kinks", "quantities"}
    quantity = found["points"][0]["quantities"][1]
    assert quantity.keys() == {"by", "reference", "note", "verdict", "closed_form", "reverse_mode"}
    assert quantity["closed_form"] == {"value": "nan", "ulps": "inf", "condition": quantity["closed_form"]["condition"]}


@pytest.mark.parametrize(
    ("distance", "shown"), [(0.0, "0 ulp"), (0.26, "0.3 ulp"), (1e5, "1.0e+05 ulp"), (math.inf, "wrong"), (None, "")]
)
def test_distances_as_they_are_printed(distance: float | None, shown: str) -> None:
    assert shown_ulps(distance) == shown
