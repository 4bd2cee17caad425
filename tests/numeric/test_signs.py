"""Programs with fewer steps, against the same programs with all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symdiff as sd
from symdiff.numeric.adjoint import adjoint
from symdiff.numeric.backends.signs import without_negations
from symdiff.numeric.program import compile_program
from symdiff.numeric.steps import Steps, evaluate, in_steps

FORMULAS = {  # and how many negations are left
    "exp(-((x - y)/z)**2/2)/(sqrt(2*pi)*z)": 0,
    "x - (-y)": 0,
    "-x + y": 0,
    "-x - y": 1,
    "-(x + y)": 1,
    "-x - (-y)": 0,
    "z + (-x)*(-y)": 0,
    "z - (-x)*y": 0,
    "sin(-x)*(-y)/3": 1,
    "z - 2*(-x)": 0,
    "-(x/4)": 0,
    "3/(-x) + y": 0,
    "-x**2*y/z": 1,
    "exp(-x)*(-x)": 1,
    "exp(-x)*x*(-y)": 2,
    "1/(-x)/(-y) + z": 0,
    "x*0 - (-y)*0": 0,
}


def program(text: str, gradient: bool) -> Steps:
    names = ("x", "y", "z")
    node = sd.parse(text).node
    return in_steps(compile_program([node, *adjoint(node, names, False)] if gradient else [node], names))


def points() -> list[np.ndarray]:
    values = [0.0, -0.0, 1.0, -1.0, 0.1, -3.7, 5e-324, 1e308, -1e308, math.inf, -math.inf]
    return list(np.meshgrid(values, values, values))


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("text", FORMULAS)
def test_results_are_the_same_bit_for_bit(text: str, gradient: bool) -> None:
    steps = program(text, gradient)
    fewer = without_negations(steps)
    assert len(fewer.code) <= len(steps.code)
    for got, want in zip(evaluate(fewer, points()), evaluate(steps, points()), strict=True):
        assert np.array_equal(got, want, equal_nan=True)
        numbers = ~np.isnan(want)
        assert np.array_equal(np.signbit(got)[numbers], np.signbit(want)[numbers])


@pytest.mark.parametrize("text", FORMULAS)
def test_guarded_steps_are_infinite_where_they_were(text: str) -> None:
    steps = program(text, True)
    found = []
    for some in (steps, without_negations(steps)):
        some.outputs = [step.slot for step in some.code if step.guarded]
        found.append([np.isfinite(result) for result in evaluate(some, points())])
    assert np.array_equal(*[np.all(np.broadcast_arrays(True, *finite), axis=0) for finite in found])


@pytest.mark.parametrize(("text", "left"), FORMULAS.items())
def test_few_negations_are_left(text: str, left: int) -> None:
    code = without_negations(program(text, False)).code
    assert [step.function for step in code].count(np.negative) == left


def test_dividing_by_a_power_of_two_is_multiplying() -> None:
    names = [step.name for step in without_negations(program("x/4 + y/3", False)).code]
    assert sorted(names) == ["add", "divide", "multiply"]
