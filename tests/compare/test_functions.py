"""Python functions held against their formulas: run on symbols, on numbers and on tensors."""

from __future__ import annotations

import math
from typing import Any

import pytest

import symdiff as sd
import symdiff.eager as torch
from symdiff import comparing
from symdiff.errors import TensorError


def test_a_function_is_compared_like_its_formula_and_with_its_own_gradient() -> None:
    c = sd.compare(lambda x: torch.sin(x) * x, at={"x": 2.0}, sympy=False)
    assert c.ok
    assert c.text == "sin(x)*x"
    (point,) = c.floats
    assert point.own == point.reverse
    assert "from the function, run on symbols" in str(c)


def test_without_tensors_a_function_gives_its_value_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "RECORDERS", [])
    c = sd.compare(lambda x: sd.sin(x) / x, at=[{"x": 2.0}, {"x": 0.0}], sympy=False)
    assert c.floats[0].own == (math.sin(2.0) / 2.0, None)
    assert math.isnan(c.floats[1].own[0])
    assert c.ok


def branch(x: Any) -> Any:
    return x**2 if x > 1 else x**3


def test_a_branch_that_the_formula_did_not_take_shows_as_a_disagreement() -> None:
    c = sd.compare(branch, at=[{"x": 2.0}, {"x": 1.0}, {"x": -1.0}])
    assert c.text == "x**2"
    assert "branch, recorded on tensors at x = 2" in str(c)
    assert [q.verdict for point in c.points for q in point.quantities] == [
        *("agrees", "agrees"),
        *("agrees", "disagrees"),  # the values meet at 1, the derivatives do not
        *("disagrees", "disagrees"),
    ]
    assert not c.ok
    assert c.disagreements[0].startswith("df/dx: the function is 3.0, off by")
    assert sd.compare(branch, at={"x": 0.5}).ok  # there the formula is the other branch
    assert not sd.compare(branch, at=[{"x": 2.0}, {"x": 0.5}], sympy=False).ok


def test_a_function_that_knows_symbols_from_numbers_is_found_out() -> None:
    c = sd.compare(lambda x: x**2 if isinstance(x, sd.Expr) else x**3, at={"x": 2.0}, sympy=False)
    assert c.disagreements == (
        "f: closed form 4.0, reverse mode 4.0 and function 8.0 disagree at x = 2.0",
        "df/dx: closed form 4.0, reverse mode 4.0 and function 12.0 disagree at x = 2.0",
    )


def test_arrays_are_compared_element_by_element() -> None:
    c = sd.compare(lambda w, b: (w * w).sum() * b, at={"w": [1.0, 2.0], "b": 3.0}, sympy=False)
    assert c.variables == ("w[0]", "w[1]", "b")
    assert c.floats[0].own == (15.0, 6.0, 12.0, 5.0)
    assert c.ok


def test_a_function_that_rounds_to_float32_is_judged_by_its_own_rounding() -> None:
    data = torch.linspace(-1, 1, 5)
    c = sd.compare(lambda w: ((w * data - 0.1) ** 2).mean(), at={"w": 0.3})
    assert c.floats[0].unit == 2**29
    assert [q.verdict for q in c.points[0].quantities] == ["agrees", "agrees"]
    own = c.points[0].quantities[0].own
    assert own is not None
    assert own.ulps is not None
    assert own.ulps < 10


def test_a_module_is_a_function_whose_parameters_are_constants() -> None:
    from symdiff.eager import nn

    torch.manual_seed(0)
    layer = nn.Linear(2, 1)
    c = sd.compare(layer, at={"x": [1.0, -2.0]}, sympy=False)
    assert c.variables == ("x[0]", "x[1]")
    assert c.floats[0].closed[1:] == pytest.approx(layer.weight.flatten().tolist(), rel=1e-7)
    assert c.ok


def test_to_dict_says_what_the_function_gave() -> None:
    found = sd.compare(branch, at=[{"x": 2.0}, {"x": 1.0}], sympy=False).to_dict()
    assert found["function"] == "branch, recorded on tensors at x = 2"
    assert [q["function"]["value"] for q in found["points"][1]["quantities"]] == [1.0, 3.0]
    plain = sd.compare("x**2", at={"x": 2.0}, sympy=False).to_dict()
    assert "function" not in plain
    assert "function" not in plain["points"][0]["quantities"][0]


def test_higher_orders_of_a_function_have_no_own_derivative() -> None:
    c = sd.compare(lambda x: x**3, at={"x": 2.0}, order=2, sympy=False)
    assert c.floats[0].own == (8.0, None)
    assert c.ok


@pytest.mark.parametrize(
    ("function", "at", "error", "said"),
    [
        (lambda x: x * 2, {"x": [1.0, 2.0]}, sd.OperationError, r"returned a tensor of shape \[2\]"),
        (lambda x: math.sin(x), {"x": 1.0}, sd.OperationError, "returned a float"),
        (lambda x: x.pow(2).foo(), {"x": 1.0}, AttributeError, "foo"),
        (lambda x, y: x * y, {"x": 1.0}, sd.VariableError, "y"),
        (lambda x: x, {"x": 1.0, "y": 2.0}, sd.VariableError, "y"),
        (lambda x: x.detach() * 1, {"x": 1.0}, TensorError, "nothing was recorded"),
    ],
)
def test_functions_that_cannot_be_compared_are_refused(function: Any, at: Any, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        sd.compare(function, at=at, sympy=False)


def test_without_a_point_a_function_must_run_on_symbols() -> None:
    assert sd.compare(lambda x: x**2, sympy=False).text == "x**2"
    with pytest.raises(sd.OperationError, match="whether x > 1 holds is not known"):
        sd.compare(branch)
