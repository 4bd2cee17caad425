"""To SymPy and back, over the whole table: SymPy's value of the counterpart against the row's own."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from symdiff.compare.bridge import counterpart, from_sympy, to_sympy
from symdiff.dag import Apply, Const, Node, Symbol, build, nodes_of
from symdiff.errors import OperationError
from symdiff.ops import OPS, Op

POINTS = (0.3, 0.8, 1.7, 2.5, -0.6, -1.4)
X, Y, Z = Symbol("x"), Symbol("y"), Symbol("z")


def has_counterpart(op: Op) -> bool:
    try:
        counterpart(op)
    except OperationError:
        return False
    return True


def applied(op: Op) -> Node:
    """The operation on its orders and then on x, y, z."""
    count = 2 if op.arity is None else op.arity
    orders = [Const(max(op.least, 2))] * op.parameters
    return build(op, (*orders, *(X, Y, Z)[: count - op.parameters]))


def sympy_value(e: Any, at: dict[str, float]) -> float:
    """SymPy's real value, or nan."""
    exact = {sympy.Symbol(n, real=True): sympy.Rational(*x.as_integer_ratio()) for n, x in at.items()}
    value = e.subs(exact)
    if value in (sympy.true, sympy.false):
        return float(bool(value))
    value = value.evalf(30)
    return float(value) if value.is_extended_real and value is not sympy.nan else math.nan


numeric = [op for op in OPS.values() if has_counterpart(op) and op.name != "vector"]
every_numeric = pytest.mark.parametrize("op", numeric, ids=[op.name for op in numeric])


@every_numeric
def test_the_counterpart_has_the_same_values(op: Op) -> None:
    node = applied(op)
    names = [n.name for n in nodes_of([node]) if isinstance(n, Symbol)]
    there = to_sympy(node)
    compared = 0
    for i in range(len(POINTS)):
        at = {name: POINTS[(i + 2 * j) % len(POINTS)] for j, name in enumerate(names)}
        orders = [float(arg) for arg in node.args if isinstance(arg, Const)]
        with np.errstate(all="ignore"):
            ours = float(op.value(*orders, *at.values()))
        theirs = sympy_value(there, at)
        if math.isnan(ours) or math.isnan(theirs):
            continue
        compared += 1
        assert ours == pytest.approx(theirs, rel=1e-12)
    assert compared >= (1 if op.parameters or not names else 2)


@pytest.mark.parametrize("op", [op for op in numeric if op.arity == 1], ids=lambda op: op.name)
def test_outside_the_real_domain_neither_has_a_value(op: Op) -> None:
    there = to_sympy(applied(op))
    for x in POINTS:
        with np.errstate(all="ignore"):
            ours = float(op.value(x))
        assert math.isnan(ours) == math.isnan(sympy_value(there, {"x": x})), x


@every_numeric
def test_there_and_back_keeps_the_value(op: Op) -> None:
    node = applied(op)
    names = [n.name for n in nodes_of([node]) if isinstance(n, Symbol)]
    back = from_sympy(to_sympy(node))
    for i in range(len(POINTS)):
        at = {name: POINTS[(i + 2 * j) % len(POINTS)] for j, name in enumerate(names)}
        ours, again = evaluated(node, at), evaluated(back, at)
        if not math.isnan(ours) and not math.isnan(again):
            assert again == pytest.approx(ours, rel=1e-11)


def evaluated(node: Node, at: dict[str, float]) -> float:
    values: dict[Node, float] = {}
    for n in nodes_of([node]):
        if isinstance(n, Symbol):
            values[n] = at[n.name]
        elif isinstance(n, Const):
            values[n] = float(n)
        else:
            assert isinstance(n, Apply)
            with np.errstate(all="ignore"):
                values[n] = float(n.op.value(*(values[arg] for arg in n.args)))
    return values[node]


def test_numbers_stay_exact() -> None:
    assert to_sympy(Const(Fraction(1, 10), decimal=True)) == sympy.Rational(1, 10)
    assert from_sympy(sympy.Rational(1, 3)) is Const(Fraction(1, 3))
    assert from_sympy(sympy.Float(0.1)) is Const(Fraction(1, 10), decimal=True)
    assert from_sympy(sympy.pi) is Apply(OPS["pi"], ())
    assert from_sympy(-sympy.oo) is -Apply(OPS["inf"], ())


def test_symbols_are_real() -> None:
    assert to_sympy(build(OPS["sqrt"], (X**2,))) == sympy.Abs(sympy.Symbol("x", real=True))


def test_a_negative_cube_root_is_real() -> None:
    assert to_sympy(build(OPS["cbrt"], (Const(-8),))) == -2


def test_sums_and_products_come_back_as_they_are_written() -> None:
    x, y = sympy.symbols("x y", real=True)
    assert from_sympy(x - y) is X - Y
    assert from_sympy(x / y) is X / Y
    assert from_sympy(-x) is -X
    assert from_sympy(2 * x) is 2 * X
    assert from_sympy(sympy.sqrt(x)) is build(OPS["sqrt"], (X,))
    assert from_sympy(1 / x) is 1 / X


def test_a_piecewise_without_default_has_no_value_outside() -> None:
    x = sympy.Symbol("x", real=True)
    node = from_sympy(sympy.Piecewise((x, x > 0), (2 * x, x < -1)))
    assert [type(n.op.value) for n in nodes_of([node]) if isinstance(n, Apply) and n.op.name == "where"]


def test_conditions_count_as_numbers() -> None:
    node = (X > 1) * 3
    assert sympy_value(to_sympy(node), {"x": 2.0}) == 3
    assert sympy_value(to_sympy(node), {"x": 0.0}) == 0


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (sympy.Derivative(sympy.floor(sympy.Symbol("x")), sympy.Symbol("x")), "unevaluated"),
        (sympy.I, "ImaginaryUnit"),
        (sympy.zoo, "ComplexInfinity"),
        (sympy.DiracDelta(sympy.Symbol("x")), "DiracDelta"),
        ("open('/etc/hostname')", "not a str"),
    ],
)
def test_what_has_no_counterpart_is_named(expression: Any, said: str) -> None:
    with pytest.raises(OperationError, match=said):
        from_sympy(expression)


def test_depth_is_no_obstacle_on_our_side() -> None:
    node: Node = X
    for _ in range(50_000):
        node = node + 1
    assert to_sympy(node) == sympy.Symbol("x", real=True) + 50_000
