"""Random formulas: every way to a derivative says the same, and mpmath says so too.

A float is allowed the error that rounding explains: ``UNITS`` times half an ulp times the sum of |adjoint(v) * v| over
every number v on the way (`symdiff.numeric.conditioning`). Half an ulp is what a field operation costs; the functions
of the math module and of NumPy are good to two ulp, that is to four units, and powers are multiplied out.
"""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mp

import symdiff as sd
from symdiff.dag import Node, Symbol
from symdiff.numeric.adjoint import adjoint, tangent
from symdiff.numeric.conditioning import moved
from tests.numeric.exactly import TooLargeError, certain, derivative, in_range, value, values

UNITS = 8.0
HALF_ULP = 2.0**-53
WORST = 1e9  # condition beyond which an error to first order says nothing

NUMBERS = ["0", "1", "2", "3", "7", "0.5", "0.1", "2.25", "1e-3", "1/3", "2/7", "pi", "-1", "-2", "10"]
FUNCTIONS = ["sin", "cos", "tan", "exp", "log", "sqrt", "cbrt", "abs", "atan", "asin", "sinh", "cosh", "tanh"]
FUNCTIONS += ["asinh", "expm1", "log1p", "sign", "relu"]
NAMES = ["x", "y", "z"]
BINARY = ["({} + {})", "({} - {})", "({})*({})", "({})/({})", "max({}, {})", "min({}, {})", "hypot({}, {})"]
POWERS = ["({})**2", "({})**3", "({})**-1", "({})**(1/2)", "({})**1.5", "({})**(-2)", "({})**(1/3)", "({})**0"]
CHOICES = ["where({} > {}, {}, {})", "where({} <= {}, {}, {})", "where({} == {}, {}, {})", "where(not {} < {}, {}, {})"]


def texts(depth: int = 5) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(NAMES) | st.sampled_from(NUMBERS).map("({})".format)
    if depth == 0:
        return leaf
    part = st.deferred(lambda: texts(depth - 1))
    return st.one_of(
        leaf,
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), part),
        st.builds(lambda form, a, b: form.format(a, b), st.sampled_from(BINARY), part, part),
        st.builds(lambda form, a, b: form.format(a, b), st.sampled_from(BINARY), part, part),
        st.builds(lambda form, a: form.format(a), st.sampled_from(POWERS), part),
        st.builds(lambda form, *parts: form.format(*parts), st.sampled_from(CHOICES), part, part, part, part),
        st.builds("({})**({})".format, part, st.sampled_from(NAMES)),
    )


ORDINARY = st.sampled_from([-3.7, -2.0, -1.25, -0.3, 0.2, 0.5, 0.9, 1.1, 1.7, 2.0, 3.3, 5.5])
ANY = ORDINARY | st.sampled_from([0.0, 1.0, -1.0, -0.0, 1e200, -1e200, 1e-200, 1e10, -4e5])


def points(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries(dict.fromkeys(NAMES, numbers))


def limited(examples: int) -> settings:
    unwanted = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=unwanted)


def allowed(node: Node, point: dict[str, float]) -> float | None:
    """The error that rounding explains, or None where that is beyond a first order's reach."""
    number, amount = moved(node, point)
    if not amount < math.inf or not math.isfinite(number) or (number and amount > WORST * abs(number)):
        return None
    return UNITS * HALF_ULP * amount + 1e-60  # the difference quotient of a constant is not quite 0


def check(what: str, got: float, want: Any, node: Node, point: dict[str, float]) -> None:
    bound = allowed(node, point)
    if bound is not None:
        with mp.workdps(40):
            error = abs(mp.mpf(got) - want)
            assert error <= bound, f"{what}: {got} is {mp.nstr(error, 5)} from {mp.nstr(want, 20)}, allowed {bound}"


def benign(f: sd.Expr, point: dict[str, float]) -> bool:
    """Whether floats hold everything on the way, and no comparison hangs by its last digit."""
    try:
        numbers = values(f.node, point)
        return in_range(numbers) and certain(f.node, point)[1]
    except TooLargeError:
        return False


def parsed(text: str) -> sd.Expr:
    return sd.parse(text, variables=NAMES)


@limited(120)
@given(texts(), points(ORDINARY))
def test_closed_form_program_and_forward_sweep_agree_with_mpmath(text: str, point: dict[str, float]) -> None:
    f = parsed(text)
    assume(benign(f, point))
    F = sd.compile(f)
    x = [point[name] for name in NAMES]
    want = value(f.node, point)
    got, grad = F.value_and_grad(*x)
    if want is None:
        assert not math.isfinite(got) or f.at(point).kinks, (got, point)
        return
    check("value", got, want, f.node, point)
    if f.at(point).kinks:
        return
    arrays = F.value_and_grad(*[np.array([v]) for v in x])
    dots = {name: Symbol(f"dot_{name}") for name in NAMES}
    for i, name in enumerate(NAMES):
        slope = derivative(f.node, point, name)
        if slope is None:
            continue
        closed = f.diff(name)
        check("closed form", closed(point), slope, closed.node, point)
        (swept,) = adjoint(f.node, [name], False)
        check("reverse sweep", grad[i], slope, swept, point)
        check("reverse sweep over arrays", arrays[1][i][0], slope, swept, point)
        along = {f"dot_{other}": float(other == name) for other in NAMES}
        (pushed,) = tangent([f.node], dots, False)
        check("forward sweep", F.jvp(x, list(along.values()))[1], slope, pushed, {**point, **along})


@limited(60)
@given(texts(3), points(ORDINARY))
def test_hessians_agree_with_mpmath(text: str, point: dict[str, float]) -> None:
    f = parsed(text)
    assume(benign(f, point))
    assume(not f.at(point).kinks)
    F = sd.compile(f)
    x = [point[name] for name in NAMES]
    H = F.hessian(*x)
    columns = [F.hvp(x, e) for e in np.eye(3).tolist()]
    for i, a in enumerate(NAMES):
        first = adjoint(f.node, [a], False)[0]
        for j, b in enumerate(NAMES):
            want = derivative(f.node, point, a, b)
            if want is None:
                continue
            (second,) = adjoint(first, [b], False)
            (other,) = adjoint(adjoint(f.node, [b], False)[0], [a], False)
            bounds = [allowed(node, point) for node in (first, second, other)]
            if None in bounds:
                continue
            closed = f.diff(a, b)
            check("closed form", closed(point), want, closed.node, point)
            slack = 4 * max(bounds[1:])  # forward over reverse rounds elsewhere, but as often
            assert abs(H[i, j] - want) <= slack, (a, b, H[i, j], want)
            assert abs(columns[j][i] - want) <= slack, (a, b, columns[j][i], want)


@limited(120)
@given(texts(), points(ANY))
@example("sqrt(x)**2", {"x": -1.0, "y": 0.0, "z": 0.0})
@example("(x**2)**(1/2)", {"x": -2.0, "y": 0.0, "z": 0.0})
@example("(x**3)**(1/3)", {"x": -2.0, "y": 0.0, "z": 0.0})
@example("(x*y)**(1/2)", {"x": -2.0, "y": -3.0, "z": 0.0})
@example("(x**y)**2", {"x": -2.0, "y": 0.5, "z": 0.0})
@example("((x)**2)**(y)", {"x": -2.0, "y": 0.5, "z": 0.0})
@example("(exp(x))**(y)/exp(x*y)", {"x": -2.0, "y": 0.5, "z": 0.0})
@example("where(x > 0, x/x, y)", {"x": 0.0, "y": 0.5, "z": 0.0})
@example("(x)**(y)*x", {"x": 0.0, "y": -0.5, "z": 0.0})
@example("(x)**(y)*(x)**-1", {"x": -2.0, "y": 3.0, "z": 0.0})
def test_simplify_keeps_the_value_and_the_holes(text: str, point: dict[str, float]) -> None:
    f = parsed(text)
    simple = f.simplify()
    try:
        before, sure = certain(f.node, point)
        after, certain_too = certain(simple.node, point)
        holds = all(value(condition.node, point, 60) for condition in simple.assumptions)
    except TooLargeError:
        return
    if before is None:
        assert after is None or not holds, f"{simple} is {after} where {f} is undefined"
    elif sure and certain_too:
        assert after is not None, f"{simple} is undefined where {f} is {before}"
        assert holds, f"{simple.assumptions} exclude a point at which {f} is {before}"
        with mp.workdps(60):
            size = max([abs(x) for x in values(f.node, point) if mp.isfinite(x)], default=mp.mpf(1))
            assert abs(after - before) <= size * mp.mpf(10) ** -30, f"{simple} is {after}, {f} is {before}"


@limited(100)
@given(texts(), points(ANY))
def test_where_nothing_is_marked_closed_form_and_reverse_mode_are_both_finite_or_both_nan(
    text: str, point: dict[str, float]
) -> None:
    f = parsed(text)
    evaluation = f.at(point)
    try:
        assume(in_range(values(f.node, point)))  # an overflow on the way is not a property of the formula
    except TooLargeError:
        return
    if evaluation.kinks:
        return
    for name in NAMES:
        df = f.diff(name)
        closed, reverse = df(point), evaluation.grad[name]
        try:
            assume(in_range(values(df.node, point)))
        except TooLargeError:
            return
        assert math.isnan(closed) == math.isnan(reverse), (name, str(df), closed, reverse)
        assert math.isfinite(closed) == math.isfinite(reverse), (name, str(df), closed, reverse)


@limited(120)
@given(texts())
def test_simplifying_and_differentiating_end_in_one_form(text: str) -> None:
    f = parsed(text)
    simple = f.simplify()
    assert simple.simplify().node is simple.node
    for name in ("x", "y"):
        df = f.diff(name)
        assert sd.gradient(f)[name] == df
        assert df.simplify().node is df.node, f"{df} becomes {df.simplify()}"


@limited(120)
@given(texts())
def test_printed_forms_parse_back_and_pickles_load(text: str) -> None:
    f = parsed(text)
    for e in (f, f.simplify(), f.diff("x"), f.diff("x", "y")):
        assert sd.parse(str(e)).node is e.node
        again = pickle.loads(pickle.dumps(e))
        assert again.node is e.node
        assert again.assumptions == e.assumptions
        for condition in e.assumptions:
            assert sd.parse(str(condition)).node is condition.node
        e.latex()
        e.mathml()


@limited(100)
@given(texts(4), points(ORDINARY))
def test_floats_and_arrays_say_the_same(text: str, point: dict[str, float]) -> None:
    f = parsed(text)
    F = sd.compile(f)
    assume(benign(f, point))
    x = [point[name] for name in NAMES]
    got = F(*x)
    (row,) = F(*[np.array([v]) for v in x])
    assert type(got) is float
    if not math.isfinite(got):
        assert not math.isfinite(row)
        return
    bound = allowed(f.node, point)
    if bound is not None:
        assert abs(got - row) <= 2 * bound
