"""Compiled formulas: what goes in and comes out, against mpmath, on floats and on arrays."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import symdiff as sd
from symdiff.ops import OPS, Op
from tests.numeric.exactly import derivative, value
from tests.ops.judging import smooth_points
from tests.test_dag import on_a_small_stack

ULP = 2.0**-52

FORMULAS = [
    "6*x**2 + 2*x + 4",
    "u**3 + v**2 + 4*u*v",
    "sin(x/(2*sqrt(2)))",
    "x*sin(x**2) + exp(-y)/z",
    "sqrt(x**2 + y**2 + z**2)",
    "x**y + y**x",
    "log(1 + exp(x - y))*tanh(z)",
    "where(x > 1, x**3, 2*x - 1)*y",
    "max(x, y, z)*min(x, 2)",
    "atan2(y, x)*hypot(x, y)",
    "(x + y)/(x - y + 3) - x**-2",
    "besselj(1, x)*erf(y)",
    "a*x**4 - b*x**3 + 2**x - 0.1",
]


def point_of(variables: tuple[str, ...]) -> dict[str, float]:
    return {name: 1.375 + 0.28125 * i for i, name in enumerate(variables)}


def assert_close(got: Any, want: Any, ulps: float = 64) -> None:
    """Well-conditioned formulas of at most 30 operations at one benign point: 64 ulp of the result or of 1."""
    assert got is not None
    assert abs(float(mp.mpf(float(got)) - want)) <= ulps * ULP * max(1.0, abs(float(want))), (got, want)


@pytest.mark.parametrize("text", FORMULAS)
def test_values_and_derivatives_agree_with_differences_in_mpmath(text: str) -> None:
    f = sd.parse(text)
    names = f.variables
    F = sd.compile(f)
    point = point_of(names)
    x = list(point.values())
    n = len(names)
    want = [derivative(f.node, point, name) for name in names]
    second = [[derivative(f.node, point, a, b) for b in names] for a in names]
    assert None not in want
    assert_close(F(*x), value(f.node, point))
    got, partials = F.value_and_grad(*x)
    assert got == F(*x)
    assert F.grad(*x) == partials
    assert f(point) == f.at(point).value == pytest.approx(got, rel=1e-14)  # perhaps by another backend
    assert tuple(f.at(point).grad.values()) == pytest.approx(partials, rel=1e-14)
    for p, w in zip(partials, want, strict=True):
        assert_close(p, w)
    along = [0.5 - 0.75 * i for i in range(n)]
    assert_close(F.jvp(x, along)[1], sum(a * w for a, w in zip(along, want, strict=True)))
    pulled = F.vjp(x, 2.5)[1]
    for p, w in zip(pulled, want, strict=True):
        assert_close(p, w * 2.5)
    assert F.jacobian(*x).shape == (1, n)
    H = F.hessian(*x)
    assert H.shape == (n, n)
    assert np.array_equal(H, H.T)
    hv = F.hvp(x, along)
    for i in range(n):
        for j in range(n):
            assert_close(H[i, j], second[i][j], 256)
        assert_close(hv[i], sum(a * w for a, w in zip(along, second[i], strict=True)), 256)
    p = np.array(x)
    assert F.packed(p) == F(*x)
    assert np.array_equal(F.packed.grad(p), partials)
    assert np.array_equal(F.packed.value_and_grad(p)[1], partials)
    assert np.array_equal(F.packed.hessian(p), H)
    assert np.array_equal(F.packed.jacobian(p), F.jacobian(*x))
    assert np.array_equal(F.packed.hvp(p, np.array(along)), hv)


@pytest.mark.parametrize("text", FORMULAS)
def test_arrays_give_what_floats_give(text: str) -> None:
    f = sd.parse(text)
    F = sd.compile(f)
    n = len(f.variables)
    xs = [np.linspace(0.3125 + 0.0625 * i, 2.75, 7) for i in range(n)]
    value_, partials = F.value_and_grad(*xs)
    _, along = F.jvp(xs, [np.ones(7)] * n)
    H = F.hessian(*xs)
    for k in range(7):
        x = [float(column[k]) for column in xs]
        one, grad = F.value_and_grad(*x)
        # powers and functions of NumPy and of the math module differ by an ulp or two, which the formula magnifies
        assert value_[k] == pytest.approx(one, rel=1e-13, abs=1e-14)
        assert [p[k] for p in partials] == pytest.approx(grad, rel=1e-12, abs=1e-13)
        assert along[k] == pytest.approx(F.jvp(x, [1.0] * n)[1], rel=1e-12, abs=1e-13)
        assert H[..., k] == pytest.approx(F.hessian(*x), rel=1e-12, abs=1e-12)


SCALARS = [o for o in OPS.values() if o.arity is None or o.arity > o.parameters]


@pytest.mark.parametrize("op", SCALARS, ids=[op.name for op in SCALARS])
def test_generated_code_says_what_the_row_says(op: Op) -> None:
    """Two libraries, each within an ulp or so: 2 ulp of the result, and of what one ulp of the argument makes of it."""
    if op.infix == "[]":
        pytest.skip("a vector is not compiled to scalar code")
    for args in smooth_points(op.name, 40):
        orders, numbers = args[: op.parameters], args[op.parameters :]
        names = [f"x{i}" for i in range(len(numbers))]
        f = op(*orders, *sd.symbols(names))
        F = sd.compile(f, args=names)
        got = F(*numbers)
        rows = [F(*[np.array([x]) for x in numbers])[0]]
        assert type(got) is float, (args, got)
        with np.errstate(all="ignore"):
            rows.append(float(op.value(*orders, *map(np.float64, numbers))))
            moved = [
                op.value(*orders, *[np.float64(x * (1 + ULP * (i == j))) for j, x in enumerate(numbers)])
                for i in range(len(numbers))
            ]
        slack = (
            2 * ULP * abs(rows[0]) + sum(abs(float(m) - rows[0]) for m in moved) + 1e-300
        )  # subnormal numbers have fewer bits
        for row in rows:
            assert abs(got - row) <= slack or got == row, (args, got, row)


@pytest.mark.parametrize("op", SCALARS, ids=[op.name for op in SCALARS])
def test_gradients_of_generated_code_are_those_of_arrays(op: Op) -> None:
    if op.infix == "[]" or op.partials is None:
        pytest.skip("no gradient to compare")
    for args in smooth_points(op.name, 15):
        orders, numbers = args[: op.parameters], args[op.parameters :]
        names = [f"x{i}" for i in range(len(numbers))]
        F = sd.compile(op(*orders, *sd.symbols(names)), args=names)
        try:
            _, grad = F.value_and_grad(*numbers)
        except sd.UndifferentiableError:
            return
        _, rows = F.value_and_grad(*[np.array([x]) for x in numbers])
        for got, row in zip(grad, rows, strict=True):
            assert type(got) is float, (args, got)
            # a partial is a few operations on the value; cancellation in one was seen to cost a hundred ulp
            assert got == pytest.approx(row[0], rel=1e-12, abs=1e-300, nan_ok=True), args


# ---- kinds of input


def test_floats_in_floats_out() -> None:
    F = sd.compile("x**2*y")
    for x in (3, 3.0, np.float64(3), Fraction(3), Decimal(3)):
        value_, grad = F.value_and_grad(x, 2)
        assert (value_, grad) == (18.0, (12.0, 9.0))
        assert type(value_) is float
        assert [type(g) for g in grad] == [float, float]
    assert F(True, 2) == 2.0


@pytest.mark.parametrize(
    "text", ["x > 0", "(x > 0)*x", "not x", "x and y", "x or y", "(x or y) + 1", "x == y", "x*(y <= x)", "not (x > y)"]
)
@pytest.mark.parametrize("point", [(2.0, 3.0), (0.0, 3.0), (-1.0, 0.0), (0.0, 0.0), (2.0, 2.0)])
def test_conditions_are_the_numbers_one_and_nought(text: str, point: tuple[float, float]) -> None:
    F = sd.compile(text, args=("x", "y"))
    got, grad = F.value_and_grad(*point)
    rows, columns = F.value_and_grad(*[np.array([x]) for x in point])
    assert type(got) is float
    assert [type(g) for g in grad] == [float, float]
    assert got == rows[0]
    assert grad == tuple(column[0] for column in columns)
    x, y = point
    want = {
        "x > 0": x > 0,
        "(x > 0)*x": (x > 0) * x,
        "not x": not x,
        "x and y": bool(x and y),
        "x or y": bool(x or y),
        "(x or y) + 1": bool(x or y) + 1,
        "x == y": x == y,
        "x*(y <= x)": x * (y <= x),
        "not (x > y)": not x > y,
    }
    assert got == float(want[text])


def test_lists_are_arrays_and_integers_become_floats() -> None:
    F = sd.compile("x**2")
    for x in ([1, 2], (1, 2), np.array([1, 2]), np.array([1, 2], dtype=np.uint8), [np.float64(1), 2]):
        value_, (grad,) = F.value_and_grad(x)
        assert value_.dtype == grad.dtype == np.float64
        assert np.array_equal(value_, [1, 4])
        assert np.array_equal(grad, [2, 4])
    assert np.array_equal(F([True, False]), [1, 0])


def test_float32_in_float32_out() -> None:
    F = sd.compile("x**2*y + sin(x) + pi")
    x, y = np.linspace(0, 1, 5, dtype=np.float32), np.float32(2)
    value_, grad = F.value_and_grad(x, y)
    assert value_.dtype == np.float32
    assert {g.dtype for g in grad} == {np.dtype(np.float32)}
    assert F.hessian(x, y).dtype == np.float32
    assert F.jvp([x, y], [x, y])[1].dtype == np.float32
    assert F(x, 2.0).dtype == np.float32
    assert F(x, y.astype(np.float64) * np.ones(5)).dtype == np.float64
    assert np.array_equal(value_, F(x.astype(float), 2.0).astype(np.float32))


def test_shapes_broadcast_and_every_derivative_has_the_common_shape() -> None:
    F = sd.compile("x*y + z")
    x, y = np.arange(3.0)[:, None], np.arange(4.0)
    value_, grad = F.value_and_grad(x, y, 1.0)
    assert value_.shape == (3, 4)
    assert [g.shape for g in grad] == [(3, 4)] * 3
    assert np.array_equal(grad[0], np.broadcast_to(y, (3, 4)))
    assert np.array_equal(grad[2], np.ones((3, 4)))
    assert all(g.flags.writeable for g in grad)
    assert F.jacobian(x, y, 1.0).shape == (1, 3, 3, 4)
    assert F.hessian(x, y, 1.0).shape == (3, 3, 3, 4)
    assert F.jvp([x, y, 1.0], [1.0, y, 0.0])[1].shape == (3, 4)
    assert [h.shape for h in F.hvp([x, y, 1.0], [1.0, 1.0, 1.0])] == [(3, 4)] * 3


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_arrays_pass_through(shape: tuple[int, ...]) -> None:
    F = sd.compile("x*log(y)")
    value_, grad = F.value_and_grad(np.ones(shape), 2.0)
    assert value_.shape == shape
    assert [g.shape for g in grad] == [shape, shape]
    assert F.hessian(np.ones(shape), 2.0).shape == (2, 2, *shape)
    assert len(F.kinks(np.ones(shape), 2.0)) == 0
    assert F.vjp([np.ones(shape), 2.0], np.ones(shape))[1][1] == 0.0


def test_arguments_are_not_written_to() -> None:
    x = np.array([-1.0, 0.0, 1.0])
    kept = x.copy()
    for text in ("x", "sqrt(x)", "x**2", "[x, x]"):
        result = sd.compile(text)(x)
        result[...] = 7.0
        assert np.array_equal(x, kept), text


def test_formulas_without_variables() -> None:
    F = sd.compile("2*pi")
    assert F() == 2 * math.pi
    assert F.value_and_grad() == (2 * math.pi, ())
    assert F.jvp([], []) == (2 * math.pi, 0.0)
    assert F.vjp([], 1.0) == (2 * math.pi, ())
    assert F.hvp([], []) == ()
    assert F.hessian().shape == (0, 0)
    assert F.jacobian().shape == (1, 0)
    assert F.packed([]) == 2 * math.pi
    assert sd.parse("1/3").at().value == 1 / 3
    assert np.array_equal(sd.compile("3", args=("x",))(np.ones(2)), [3, 3])


def test_args_give_the_order_and_wrt_what_is_differentiated() -> None:
    F = sd.compile("x/y", args=("z", "y", "x"), wrt=("x", "z"))
    value_, grad = F.value_and_grad(9.0, 2.0, 3.0)
    assert value_ == 1.5
    assert grad == (0.5, 0.0)
    assert F.jvp([9.0, 2.0, 3.0], [1.0, 5.0]) == (1.5, 0.5)
    assert F.hvp([9.0, 2.0, 3.0], [1.0, 5.0]) == (0.0, 0.0)
    assert F.vjp([9.0, 2.0, 3.0], 2.0)[1] == (1.0, 0.0)
    assert F.hessian(9.0, 2.0, 3.0).shape == (2, 2)
    assert F.packed.value_and_grad([9.0, 2.0, 3.0])[1].shape == (2,)
    none = sd.compile("x", wrt=())
    assert none.value_and_grad(2.0) == (2.0, ())


NAMES = [
    "self",
    "at",
    "lambda",
    "v0",
    "t1",
    "u0",
    "c0",
    "c1",
    "general",
    "kernel",
    "s",
    "math",
    "dot_0",
    "bar_0",
    "None",
    "True",
    "def",
    "class",
    "values",
    "value",
    "f",
    "float",
]


@pytest.mark.parametrize("first", NAMES)
def test_a_variable_may_be_called_anything(first: str) -> None:
    second = NAMES[NAMES.index(first) - 1]
    text = f"{first}**3*sin({second}) + sqrt({first})/{second}"
    f = sd.parse(text, variables=(first, second))
    point = {first: 1.25, second: 0.75}
    want = [derivative(f.node, point, name) for name in (first, second)]
    F = sd.compile(f)
    for grad in (F.grad(1.25, 0.75), f.at(point).grad.values(), F.vjp([1.25, 0.75], 1.0)[1]):
        for got, w in zip(grad, want, strict=True):
            assert_close(got, w)
    assert_close(F.jvp([1.25, 0.75], [1.0, 1.0])[1], sum(want))
    assert_close(F.hvp([1.25, 0.75], [1.0, 0.0])[1], derivative(f.node, point, first, second))
    assert f(**{first: 1.25, second: 0.75}) == f(point)
    if first in ("self", "at", "values", "value"):
        assert sd.parse(f"{first}*2")(**{first: 3}) == 6.0


# ---- the transposed product and the sum trick


VECTORS = ["[x*y, x + z, sin(z)]", "[x, 2]", "[x*x]", "[exp(x - y), where(x > y, x, y), 3*z, x*y*z]"]


@pytest.mark.parametrize("text", VECTORS)
@pytest.mark.parametrize("shapes", [((), (), ()), ((4,), (4,), (4,)), ((3, 1), (4,), ()), ((1,), (5,), (2, 1))])
def test_forward_and_reverse_products_are_transposes(text: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(5)
    F = sd.compile(text, args=("x", "y", "z"))
    x = [rng.uniform(0.5, 2, shape) if shape else float(rng.uniform(0.5, 2)) for shape in shapes]
    xdot = [rng.uniform(-1, 1, shape) if shape else float(rng.uniform(-1, 1)) for shape in shapes]
    y, ydot = F.jvp(x, xdot)
    assert np.shape(ydot) == np.shape(y)
    ybar = rng.uniform(-1, 1, np.shape(y))
    again, xbar = F.vjp(x, ybar)
    assert np.array_equal(again, y)
    assert [np.shape(bar) for bar in xbar] == list(shapes)
    left = float(np.sum(ybar * ydot))
    right = sum(float(np.sum(bar * dot)) for bar, dot in zip(xbar, xdot, strict=True))
    assert left == pytest.approx(right, rel=1e-12, abs=1e-13)  # sums of up to 80 terms of size 1


@pytest.mark.parametrize("text", VECTORS)
@pytest.mark.parametrize("shapes", [((), (), ()), ((4,), (4,), (4,)), ((3, 1), (4,), ()), ((2, 2), (), (2,))])
def test_vectors_have_a_leading_axis_for_their_components(text: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(6)
    f = sd.parse(text)
    F = sd.compile(f, args=("x", "y", "z"))
    x = [rng.uniform(0.5, 2, shape) if shape else float(rng.uniform(0.5, 2)) for shape in shapes]
    common = np.broadcast_shapes(*shapes)
    parts = [sd.compile(part, args=("x", "y", "z")) for part in f.components]
    y, grad = F.value_and_grad(*x)
    assert y.shape == (len(parts), *common)
    assert [g.shape for g in grad] == [y.shape] * 3
    J = F.jacobian(*x)
    assert J.shape == (len(parts), 3, *common)
    for i, part in enumerate(parts):
        one, partials = part.value_and_grad(*x)
        assert y[i] == pytest.approx(one, rel=1e-14)
        for j in range(3):
            assert grad[j][i] == pytest.approx(partials[j], rel=1e-14, abs=1e-16)
            assert J[i, j] == pytest.approx(partials[j], rel=1e-14, abs=1e-16)


def test_one_component_outside_its_domain_leaves_the_others_alone() -> None:
    F = sd.compile("[log(x), x**2, sqrt(x)**2]")
    for x in (-1.0, np.array([-1.0]), np.array([-1.0, 2.0])):
        value_, (grad,) = F.value_and_grad(x)
        assert np.array_equal(value_.reshape(3, -1)[:, 0], [np.nan, 1.0, np.nan], equal_nan=True)
        assert np.array_equal(grad.reshape(3, -1)[:, 0], [np.nan, -2.0, np.nan], equal_nan=True)


def test_a_cotangent_is_summed_over_the_axes_along_which_its_argument_was_stretched() -> None:
    F = sd.compile("x*y")
    x, y = np.arange(1.0, 4.0)[:, None], np.arange(1.0, 5.0)
    value_, (xbar, ybar) = F.vjp([x, y], np.ones((3, 4)))
    assert np.array_equal(value_, x * y)
    assert np.array_equal(xbar, np.full((3, 1), 10.0))
    assert np.array_equal(ybar, np.full(4, 6.0))
    _, (xbar, ybar) = F.vjp([np.arange(3.0), 2.0], 1.0)
    assert np.array_equal(xbar, [2, 2, 2])
    assert ybar == 3.0
    assert type(ybar) is float
    relu = sd.compile("relu(x)")
    x = np.linspace(-10, 10, 10)
    assert np.array_equal(relu.vjp([x], np.ones(10))[1][0], (x > 0) * 1.0)


# ---- errors


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sd.parse("x*y")(x=1), ["y"]),
        (lambda: sd.parse("x*y*z")(x=1), ["y", "z"]),
        (lambda: sd.parse("x")(x=1, q=2, r=3), ["q", "r"]),
        (lambda: sd.parse("x*y")(x=1, q=2), ["y", "q"]),
        (lambda: sd.parse("x")({"x": 1}, x=2), ["x", "twice"]),
        (lambda: sd.parse("x").at(5), ["name"]),
        (lambda: sd.parse("x")([1.0]), ["name"]),
        (lambda: sd.parse("x")(x="1"), ["x", "'1'"]),
        (lambda: sd.parse("x")(x=1j), ["x", "real"]),
        (lambda: sd.parse("x")(x=[1j]), ["x", "real"]),
        (lambda: sd.parse("x")(x=[[1], [1, 2]]), ["x", "rows"]),
        (lambda: sd.parse("x")(x=[1, None]), ["x", "real"]),
        (lambda: sd.parse("x")(x=np.array([object()])), ["x", "real"]),
        (lambda: sd.parse("x")(x=["a", "b"]), ["x", "real"]),
        (lambda: sd.parse("x")(x=b"1"), ["x", "real"]),
        (lambda: sd.parse("x")(x={}), ["x", "real"]),
        (lambda: sd.parse("x")(x=np.array(["2020-01-01"], dtype="datetime64[D]")), ["x", "real"]),
        (lambda: sd.parse("x")(x=None), ["x"]),
        (lambda: sd.compile("x*y")(1.0), ["2", "x, y"]),
        (lambda: sd.compile("x*y")(1.0, 2.0, 3.0), ["2", "x, y", "3"]),
        (lambda: sd.compile("x*y").value_and_grad(1.0, 2.0, 3.0), ["2", "x, y", "3"]),
        (lambda: sd.compile("[x, y]")(1.0, 2.0, 3.0), ["2", "x, y", "3"]),
        (lambda: sd.compile("3")(1.0), ["1"]),
        (lambda: sd.compile("x*y").packed([1.0]), ["2", "x, y"]),
        (lambda: sd.compile("x*y").jvp([1.0], [1.0, 2.0]), ["2", "x, y"]),
        (lambda: sd.compile("x*y").jvp([1.0, 2.0], [1.0]), ["tangents", "x, y"]),
        (lambda: sd.compile("x*y").vjp([1.0], 1.0), ["2", "x, y"]),
        (lambda: sd.compile("x*y").hvp([1.0, 2.0], [1.0]), ["2", "x, y"]),
        (lambda: sd.compile("x*y").hvp([1.0], [1.0, 2.0]), ["2", "x, y"]),
        (lambda: sd.compile("x*y", args=("x", "x")), ["x", "twice"]),
        (lambda: sd.compile("x*y*z", args=("x",)), ["y", "z"]),
        (lambda: sd.compile("x", wrt=("q", "r")), ["q", "r"]),
    ],
)
def test_what_is_wrong_with_the_variables_is_named(call: Any, words: list[str]) -> None:
    with pytest.raises(sd.VariableError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert "dot_" not in str(caught.value)
    assert "bar_" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: sd.compile("x*y")(x, y),
        lambda x, y: sd.compile("x*y").value_and_grad(x, y),
        lambda x, y: sd.compile("x*y").hessian(x, y),
        lambda x, y: sd.parse("x*y").at(x=x, y=y),
        lambda x, y: sd.parse("x*y")(x=x, y=y),
        lambda x, y: sd.compile("x*y").kinks(x, y) or sd.compile("abs(x)*y").kinks(x, y),
    ],
)
def test_arrays_that_do_not_broadcast_are_named_with_both_shapes(call: Any) -> None:
    with pytest.raises(sd.ShapeError) as caught:
        call(np.ones(2), np.ones((4, 3)))
    for word in ("x", "(2,)", "y", "(4, 3)"):
        assert word in str(caught.value)


def test_a_cotangent_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(sd.ShapeError):
        sd.compile("x*2").vjp([np.ones(3)], np.ones(2))


def test_a_vector_has_no_single_hessian() -> None:
    for call in (lambda F: F.hessian(1.0), lambda F: F.hvp([1.0], [1.0])):
        with pytest.raises(sd.OperationError, match="component"):
            call(sd.compile("[x, x**2]"))


# ---- depth and width


def test_depth_is_evaluated_and_differentiated_on_a_small_stack() -> None:
    n = 100_000

    def work() -> None:
        f = sd.parse("sin(" * n + "x" + ")" * n)
        y = t = 0.5
        slope = 1.0
        for _ in range(n):
            slope *= math.cos(t)
            t = math.sin(t)
        y = f(x=0.5)
        assert y == pytest.approx(t, rel=1e-10)  # rounding of 100,000 steps, each of which contracts
        # sin'(t) is 1 - t**2/2, and t falls like sqrt(3/k): the logarithm of the slope sums 100,000 roundings
        assert f.at(x=0.5).grad["x"] == pytest.approx(slope, rel=1e-9)
        assert f(x=np.array([0.5, 0.5]))[1] == pytest.approx(t, rel=1e-10)

    on_a_small_stack(work)


def test_a_long_sum_is_evaluated_on_both_sides_of_the_size_at_which_code_is_generated() -> None:
    for n in (100, 3000, 30_000):
        F = sd.compile("+".join(f"{i}*x" for i in range(n)))
        assert F(1.0) == n * (n - 1) / 2
        assert F.value_and_grad(2.0) == (n * (n - 1.0), (n * (n - 1) / 2,))


def test_many_variables() -> None:
    f = sd.parse("+".join(f"x{i}**2" for i in range(600)))
    F = sd.compile(f)
    x = [float(i) for i in range(600)]
    assert F.grad(*x) == tuple(2 * v for v in x)
    assert np.array_equal(F.packed.grad(np.array(x)), 2 * np.array(x))
