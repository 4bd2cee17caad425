"""Kinks, dead branches, infinities and nan: what the numbers are where there is no derivative, or nearly none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from tests.numeric.backends import by_every_backend

INF, NAN = math.inf, math.nan


def same(a: Any, b: Any) -> bool:
    """Equal up to 1e-12, which is rounding for these short formulas; nan is nan."""
    return np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-12, atol=1e-14, equal_nan=True)


def gradients(text: str, point: dict[str, float]) -> dict[str, list[float]]:
    """The gradient by every way there is, on every backend; all must agree."""
    f = sd.parse(text, variables=tuple(point))
    x, n = list(point.values()), len(point)
    unit = np.eye(n).tolist()
    rows = [np.array([v, v]) for v in x]
    found = {"at": list(f.at(point).grad.values())}
    for backend, F in by_every_backend(f, f.variables).items():
        ways = {
            "value_and_grad": list(F.value_and_grad(*x)[1]),
            "arrays": [g[1] for g in F.value_and_grad(*rows)[1]],
            "sum of arrays": [np.sum(g[:1]) for g in F.sum_and_grad(*rows)[1]],
            "jvp": [F.jvp(x, e)[1] for e in unit],
            "jvp of arrays": [F.jvp(rows, [np.full(2, c) for c in e])[1][1] for e in unit],
            "vjp": list(F.vjp(x, 1.0)[1]),
            "vjp of arrays": [bar[0] for bar in F.vjp(rows, np.ones(2))[1]],
            "jacobian": F.jacobian(*x)[0].tolist(),
            "packed": F.packed.grad(np.array(x)).tolist(),
        }
        found |= {f"{way} by {backend}": grad for way, grad in ways.items()}
    return found


def hessians(text: str, point: dict[str, float]) -> dict[str, Any]:
    f = sd.parse(text, variables=tuple(point))
    x = list(point.values())
    found = {}
    for backend, F in by_every_backend(f, f.variables).items():
        found[f"hessian by {backend}"] = F.hessian(*x)
        found[f"hvp by {backend}"] = [F.hvp(x, e) for e in np.eye(len(x)).tolist()]
        found[f"hessian of arrays by {backend}"] = F.hessian(*[np.array([v, v]) for v in x])[..., 1]
    return found


KINKS = [
    ("abs(x)", {"x": 0}, [0], "abs"),
    ("relu(x)", {"x": 0}, [0], "relu"),
    ("max(x, y)", {"x": 1, "y": 1}, [0.5, 0.5], "max"),
    ("min(x, y)", {"x": 1, "y": 1}, [0.5, 0.5], "min"),
    ("max(x, y, z)", {"x": 1, "y": 1, "z": 1}, [1 / 3, 1 / 3, 1 / 3], "max"),
    ("min(x, y, z)", {"x": 1, "y": 1, "z": 2}, [0.5, 0.5, 0], "min"),
    ("max(x, 0)", {"x": 0}, [0.5], "max"),
    ("clip(x, 0, 1)", {"x": 0}, [0.5], "clip"),
    ("clip(x, 0, 1)", {"x": 1}, [0.5], "clip"),
    ("floor(x)", {"x": 2}, [0], "floor"),
    ("ceil(x)", {"x": 2}, [0], "ceil"),
    ("round(x)", {"x": 2.5}, [0], "round"),
    ("sign(x)", {"x": 0}, [0], "sign"),
    ("heaviside(x)", {"x": 0}, [0], "heaviside"),
    ("mod(x, y)", {"x": 6, "y": 2}, [1, -3], "mod"),
    # a kink of a part is one of the whole
    ("3*abs(x) + x", {"x": 0}, [1], "abs"),
    ("x*abs(x)", {"x": 0}, [0], "abs"),
    ("where(x >= 0, x, -x)", {"x": 0}, [1], "ge"),
    # limits at edges, and zero times infinity
    ("sqrt(x**4)", {"x": 0}, [0], "sqrt"),
    ("sqrt(x**2 + y**2)", {"x": 0, "y": 0}, [0, 0], "sqrt"),
    ("x**y", {"x": 0, "y": 2}, [0, 0], "pow"),
    ("x**1.5", {"x": 0}, [0], "pow"),
    ("0*sqrt(x)", {"x": 0}, [0], "sqrt"),
    ("sqrt(relu(x))", {"x": -1}, [0], "sqrt"),
    ("sqrt(x)", {"x": 0}, [INF], "sqrt"),
    ("log(x)", {"x": 0}, [INF], "log"),
    ("1/x", {"x": 0}, [-INF], "div"),
    ("hypot(x, y)", {"x": 0, "y": 0}, [0, 0], "hypot"),
]


@pytest.mark.parametrize(("text", "point", "want", "name"), KINKS, ids=[f"{row[0]}@{row[1]}" for row in KINKS])
def test_the_convention_at_a_kink_is_the_table_and_is_marked(text: str, point: dict, want: list, name: str) -> None:
    point = {key: float(x) for key, x in point.items()}
    for way, got in gradients(text, point).items():
        assert same(got, want), (way, got)
    assert name in [kink.operation for kink in sd.parse(text).at(point).kinks]


@pytest.mark.parametrize("text", sorted({row[0] for row in KINKS}))
def test_away_from_a_kink_nothing_is_marked(text: str) -> None:
    f = sd.parse(text)
    point = {name: 0.7 + 0.21 * i for i, name in enumerate(f.variables)}
    assert f.at(point).kinks == ()


def test_kinks_name_the_operation_its_argument_and_the_points() -> None:
    f = sd.parse("abs(x - 1)*y + max(x, y)")
    evaluation = f.at(x=np.array([0.0, 1.0, 2.0]), y=np.array([0.5, 1.0, 2.0]))
    kinks = {str(kink): kink.points for kink in evaluation.kinks}
    assert set(kinks) == {"abs(x - 1)", "max(x, y)"}
    assert kinks["abs(x - 1)"].tolist() == [False, True, False]
    assert kinks["max(x, y)"].tolist() == [False, True, True]
    (kink,) = f.at(x=1.0, y=0.0).kinks
    assert (kink.operation, kink.argument, kink.points) == ("abs", "x - 1", True)
    assert "abs(x - 1)" in repr(f.at(x=1.0, y=0.0))


def test_a_kink_in_a_branch_that_is_not_taken_is_none() -> None:
    assert sd.parse("where(x > 1, abs(x), x)").at(x=0.0).kinks == ()
    assert sd.parse("where(x > -1, abs(x), x)").at(x=0.0).kinks != ()


DEAD = [
    ("where(x > 0, sqrt(x), x)", -1, 1, 0),
    ("where(x > 0, sqrt(x), 0)", -1, 0, 0),
    ("where(x > 0, sqrt(x), 0)", 4, 0.25, -1 / 32),
    ("where(x == 0, 1, sin(x)/x)", 0, 0, 0),
    ("where(x == 0, 1, sin(x)/x)", math.pi, -1 / math.pi, 2 / math.pi**2),
    ("where(x > 0, log(x), x**2)", -3, -6, 2),
    ("where(x > 0, log(x), where(x < -1, sqrt(-x), x**2))", -0.5, -1, 2),
    ("where(x > 0, log(x), where(x < -1, sqrt(-x), x**2))", 2, 0.5, -0.25),
    ("where(x > 0, log(x), where(x < -1, sqrt(-x), x**2))", -4, -0.25, -1 / 32),
    ("x*where(x > 0, log(x), x)", -3, -6, 2),
    ("sin(where(x > 0, sqrt(x), x))", -1, math.cos(1), math.sin(1)),
    ("where(x > 0, 1/0, x)", -1, 1, 0),
    ("where(x > 0, x, inf)", 1, 1, 0),
    ("where(x > 0, x*inf, x**2)", -1, -2, 2),
    ("where(x > 0, (inf - inf)*x, x**2)", -1, -2, 2),
    ("where(x > 0, exp(1000*x)*x, x**2)", -1, -2, 2),
    ("where(x < 0, exp(1000*x), x**2)", 1, 2, 2),
    ("where(x < 5, x**3, exp(1000*x)/exp(1000*x))", 2, 12, 12),
    ("where(x > 0, gamma(x), x**2)", -1, -2, 2),
    ("where(x > 0, acosh(x + 1), 3*x)", -1, 3, 0),
    ("where(x != 0, 1/x, x**2)", 0, 0, 2),
    ("where(x != 0, x*log(abs(x)), 0)", 0, 0, 0),
    ("where(abs(x) < 1, sqrt(1 - x**2), 0)", 2, 0, 0),
    ("x**2 if x > 0 else -log(-x)", 1, 2, 2),
    ("where(x > 0 and x < 2, sqrt(x*(2 - x)), x**2)", 3, 6, 2),
    ("where(x < 0 or x > 2, x**2, sqrt(x*(2 - x)))", 3, 6, 2),
    ("where(not (x > 0), x**2, log(x))", -2, -4, 2),
    # a condition that is undefined where nobody asks for it
    ("where(x <= 0, x, where(log(x) > 0, x**2, 2*x))", -1, 1, 0),
    ("where(x <= 0, x, where(log(x) > 0, x**2, 2*x))", 2, 4, 2),
]


@pytest.mark.parametrize(("text", "x", "slope", "bend"), DEAD, ids=[f"{row[0]}@{row[1]:.3g}" for row in DEAD])
def test_a_branch_that_is_not_taken_poisons_nothing(text: str, x: float, slope: float, bend: float) -> None:
    point = {"x": float(x)}
    for way, got in gradients(text, point).items():
        assert same(got, [slope]), (way, got)
    for way, got in hessians(text, point).items():
        assert same(got, [[bend]]), (way, got)
    f = sd.parse(text)
    assert same(f.diff("x")(point), slope)
    assert same(f.diff("x", 2)(point), bend)


def test_dead_branches_are_decided_point_by_point() -> None:
    F = sd.compile("where(x > 0, sqrt(x), x**2)")
    x = np.array([-2.0, 0.25, 4.0])
    value, (slope,) = F.value_and_grad(x)
    assert np.array_equal(value, [4.0, 0.5, 2.0])
    assert np.array_equal(slope, [-4.0, 1.0, 0.25])
    assert same(F.hessian(x)[0, 0], [2.0, -2.0, -1 / 32])
    assert np.array_equal(F.jvp([x], [np.ones(3)])[1], slope)


@pytest.mark.parametrize(
    ("text", "x", "want"),
    [
        # an infinite partial times zero from above, and from below
        ("0*sqrt(x)", 0, 0),
        ("sqrt(x**4)", 0, 0),
        ("sqrt(0*x)", 1, 0),
        ("log(1 + 0*sqrt(x))", 0, 0),
        # an infinite cotangent times a zero partial
        ("log(x**2)", 0, 0),
        ("sqrt(abs(x)**3)", 0, 0),
        ("cbrt(x**3)", 0, 0),
    ],
)
def test_zero_times_infinity_is_zero_in_both_sweeps_and_marked(text: str, x: float, want: float) -> None:
    point = {"x": float(x)}
    for way, got in gradients(text, point).items():
        assert same(got, [want]), (way, got)
    assert sd.parse(text).at(point).kinks


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("log(x)", -1.0),
        ("sqrt(x)", -1.0),
        ("asin(x)", 2.0),
        ("x/x", 0.0),
        ("0*log(x)", 0.0),
        ("0/x", 0.0),
        ("exp(-1/x)", 0.0),
        ("atan(1/x)", 0.0),
        ("sqrt(x)**2", -1.0),
        ("exp(log(x))", -1.0),
        ("x**0.5", -4.0),
        ("(-8)**x", 1 / 3),
        ("(-8)**(1/3)*x", 1.0),
        ("x", NAN),
        ("x**2", NAN),
        ("x*0", NAN),
        ("x - x", INF),
        ("x*0", INF),
        ("sin(x)", INF),
        ("inf*x", 0.0),
        ("x - inf + inf", 1.0),
        ("abs(x)", NAN),
        ("sign(x)", NAN),
        ("max(x, 1)", NAN),
        ("relu(x)", NAN),
        ("floor(x)", NAN),
        ("heaviside(x)", NAN),
        ("clip(x, 0, 1)", NAN),
    ],
)
def test_where_the_value_is_nan_so_is_the_derivative(text: str, x: float) -> None:
    f = sd.parse(text)
    F = sd.compile(f)
    assert math.isnan(f(x=x))
    for way, got in gradients(text, {"x": x}).items():
        assert np.isnan(got).all(), (way, got)
    for way, got in hessians(text, {"x": x}).items():
        assert np.isnan(got).all(), (way, got)
    value, (slope,) = F.value_and_grad(np.array([x, 0.5]))
    assert math.isnan(value[0])
    assert math.isnan(slope[0])
    assert math.isnan(f.diff("x")(x=x)), "the closed form"
    assert math.isnan(f.diff("x", 2)(x=x)), "the closed form of the second derivative"


@pytest.mark.parametrize(
    ("text", "x", "want"),
    [
        ("exp(x)", 1000.0, INF),
        ("x**2", 1e200, 2e200),
        ("x**3", -1e200, INF),
        ("tanh(x)", 1000.0, 0.0),
        ("tanh(x)", -INF, 0.0),
        ("atan(x)", INF, 0.0),
        ("1/x", INF, 0.0),
        ("exp(-x)", INF, 0.0),
        ("x", INF, 1.0),
        ("3*x", -INF, 3.0),
        ("1/x", 1e-200, -INF),
        ("sigmoid(x)", -1000.0, 0.0),
        ("softplus(x)", 1000.0, 1.0),
        ("sqrt(1 + x**2)", 1e100, 1.0),
        ("log(x)", 1e-310, INF),
        ("cbrt(x)", -8.0, 1 / 12),
        ("2**x", 2000.0, INF),
    ],
)
def test_huge_points_and_infinities_have_their_limits(text: str, x: float, want: float) -> None:
    for way, got in gradients(text, {"x": x}).items():
        assert same(got, [want]), (way, got)
    assert same(sd.parse(text).diff("x")(x=x), want), "the closed form"


def test_no_warning_escapes_and_no_error_state_is_left_behind() -> None:
    before = np.geterr()
    F = sd.compile("log(x)/x + sqrt(x)")
    with np.errstate(all="raise"):
        F.value_and_grad(np.array([-1.0, 0.0, 1.0, INF, NAN, 1e-310]))
        F.hessian(np.array([-1.0, 0.0]))
        F(0.0)
    assert np.geterr() == before
