"""Python code run on symbols: the formula that comes out, and what is said where none can."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symdiff as sd
import symdiff.eager as torch


def polynomial(x: Any, y: Any, n: int = 2) -> Any:
    total = 1
    for _ in range(n):
        total = total * x + y
    return total


@pytest.mark.parametrize(
    ("function", "names", "text"),
    [
        (lambda x: 6 * x**2 + 2 * x + 4, None, "6*x**2 + 2*x + 4"),
        (lambda u, v: u**3 + v**2 + 4 * u * v, None, "u**3 + v**2 + 4*u*v"),
        (lambda x, y: sd.sin(x) / y, "a b", "sin(a)/b"),
        (lambda x: sd.where(x > 0, x, 0), "x", "where(x > 0, x, 0)"),
        (lambda x: sd.where(x == 0, 1, sd.sin(x) / x), "x", "where(x == 0, 1, sin(x)/x)"),
        (lambda x: abs(x) + round(x) + x % 2, "x", "abs(x) + round(x) + mod(x, 2)"),
        (lambda *xs: xs[0] * xs[1], "x[0] x[1]", "x[0]*x[1]"),
        (polynomial, None, "(1*x + y)*x + y"),
        (lambda x, *, k: x * k, None, "x*k"),
        (lambda x: torch.relu(torch.exp(x)) + torch.where(x > 0, x, 0), "x", "relu(exp(x)) + where(x > 0, x, 0)"),
        (lambda x: x.sin().pow(2) + x.maximum(1), "x", "sin(x)**2 + max(x, 1)"),
        (lambda x: (x, x**2), "x", "[x, x**2]"),
        (lambda x: np.array([x, 2 * x]), "x", "[x, 2*x]"),
        (lambda x: np.float64(0.5) * x, "x", "0.5*x"),
        (lambda x: 0.5 if isinstance(x, float) else sd.pi, "x", "pi"),
        (sd.atan2, "y x", "atan2(y, x)"),
    ],
)
def test_a_function_becomes_the_formula_that_it_computes(function: Any, names: str | None, text: str) -> None:
    assert sd.trace(function, names) == sd.parse(text)


def test_the_variables_are_those_named_in_their_order() -> None:
    f = sd.trace(lambda a, b, c: c * a, "y x z")
    assert f.variables == ("y", "x", "z")
    assert str(f) == "z*y"
    assert sd.trace(polynomial).variables == ("x", "y")
    assert f(y=2, x=0, z=3) == 6


def test_what_comes_out_is_an_expression_like_any_other() -> None:
    f = sd.trace(lambda x: sd.log(x) * x, "x")
    assert type(f) is sd.Expr
    assert f.diff("x") == sd.parse("log(x)*x").diff("x")
    assert f.at(x=2.0).grad["x"] == pytest.approx(math.log(2) + 1, rel=1e-15)


def test_a_deep_function_does_not_recurse() -> None:
    def deep(x: Any) -> Any:
        y = x
        for _ in range(20_000):
            y = sd.sin(y)
        return y

    assert 0 < sd.trace(deep, "x")(x=1.0) < 1


def branches(x: Any) -> Any:
    if x > 0:
        return x
    return -x


def is_zero(x: Any) -> Any:
    return 1 if x == 0 else x


def counts(x: Any) -> Any:
    return sum(1 for _ in range(x))


@pytest.mark.parametrize(
    ("function", "said", "hint"),
    [
        (branches, "whether x > 0 holds is not known", "where(condition, a, b)"),
        (is_zero, "whether x == 0 holds is not known", "where(condition, a, b)"),
        (lambda x: max(x, 0), "is not known", "sd.max"),
        (lambda x: x > 0 and x, "is not known", "where"),
        (lambda x: float(x), "x is a formula, and has no value as a float", "f(x=3)"),
        (lambda x: math.sin(2 * x), "2*x is a formula", "sd.sin(x) for math.sin(x)"),
        (lambda x: math.exp(x), "x is a formula", "sd.exp(x) for math.exp(x)"),
        (lambda x: int(x), "no value as an int", "sd.floor"),
        (counts, "no whole number to count to", "def f(x, n=10)"),
        (lambda x: np.sin(x), "NumPy's functions take numbers", "sd.sin(x) for np.sin(x)"),
        (lambda x: x[0], "x is one number, and has no element 0", "name the elements"),
        (lambda x: len(x), "has no length", "a parameter for each"),
        (lambda x: list(x), "has no elements", "a parameter for each"),
        (lambda x: x.sum(), "has no attribute 'sum'", "y.expression()"),
        (lambda x: x // 2, "unsupported operand type(s) for //: symbol and 'int'", ""),
        (lambda x: None, "the function returned nothing; is a return missing?", ""),
        (lambda x: "x", "returned a str, which is no formula", ""),
        (lambda x: [[x]], "rows within rows", ""),
        (lambda x: 1j * x, "a formula cannot hold a complex", ""),
    ],
)
def test_a_function_that_needs_a_value_is_refused_with_what_to_write(
    function: Callable[..., Any], said: str, hint: str
) -> None:
    with pytest.raises(sd.OperationError) as caught:
        sd.trace(function, "x")
    assert said in str(caught.value)
    assert hint in str(caught.value)


def test_the_message_says_where() -> None:
    with pytest.raises(sd.OperationError, match=r"test_trace.py:\d+: if x > 0:"):
        sd.trace(branches)
    with pytest.raises(sd.OperationError, match=r"test_trace.py:\d+: .*x // 2"):
        sd.trace(lambda x: x // 2)


@pytest.mark.parametrize(
    ("function", "names", "said"),
    [
        (lambda x, y: x, "x", "missing a required argument: 'y'"),
        (lambda x: x, "x y", "too many positional arguments"),
        (lambda x: x, "x x", "given twice: x"),
        (lambda *xs: xs[0], None, "name them"),
    ],
)
def test_names_that_do_not_fit_the_parameters_are_refused(function: Any, names: str | None, said: str) -> None:
    with pytest.raises(sd.VariableError, match=said):
        sd.trace(function, names)


def test_only_functions_are_traced() -> None:
    with pytest.raises(sd.OperationError, match="trace runs a Python function, not str"):
        sd.trace("x**2")  # type: ignore[arg-type]
