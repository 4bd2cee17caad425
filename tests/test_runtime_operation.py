"""A row added at run time works in every pass, and is gone when it is removed; a wrong row is noticed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import symdiff as sd
from symdiff.dag import nodes_of
from symdiff.ops import OPS, Names, Op, find, function_names, operation, remove
from tests.numeric.exactly import derivative


def add_cubic() -> Op:
    return operation(
        "cubic",
        1,
        lambda x: x**3 - x,
        lambda x, y: (3 * x**2 - 1,),
        smooth=lambda x: OPS["ne"](x, 5),
        parity="odd",
        exact=lambda x: x**3 - x,
        aliases=("kubisch",),
        names=Names(latex=r"\operatorname{cub}\left({0}\right)", python="({0} * {0} * {0} - {0})"),
        source="x*(x - 1)*(x + 1)",
    )


@pytest.fixture
def cubic() -> Iterator[Op]:
    op = add_cubic()
    yield op
    if find("cubic") is op:
        remove(op)


def test_a_new_row_is_read_and_written(cubic: Op) -> None:
    f = sd.parse("2*cubic(x*y) + kubisch(1)")
    assert str(f) == "2*cubic(x*y) + cubic(1)"
    assert sd.parse(str(f)).node is f.node
    assert f == 2 * sd.cubic(sd.symbols("x") * sd.symbols("y")) + sd.kubisch(sd.parse("1"))
    assert r"\operatorname{cub}\left(" in f.latex()
    assert "cubic" in f.mathml()
    assert "cubic" in dir(sd)


def test_a_new_row_is_differentiated_and_simplified(cubic: Op) -> None:
    f = sd.parse("cubic(x)")
    assert str(f.diff("x")) == "3*x**2 - 1"
    assert str(f.diff("x", 2)) == "6*x"
    assert str(sd.diff("sin(cubic(x))*y", "x", "y")) == "(3*x**2 - 1)*cos(cubic(x))"
    assert str(sd.simplify("cubic(-x) + cubic(2)")) == "6 - cubic(x)"
    assert str(sd.gradient("y*cubic(x)")["y"]) == "cubic(x)"
    assert [[str(e) for e in row] for row in sd.hessian("cubic(x)*y")] == [["6*x*y", "3*x**2 - 1"], ["3*x**2 - 1", "0"]]
    assert str(f.substitute(x=3).simplify()) == "24"


def test_a_new_row_is_compiled(cubic: Op) -> None:
    F = sd.compile("y*cubic(x)")
    assert F(2.0, 3.0) == 18.0
    assert F.value_and_grad(2.0, 3.0) == (18.0, (33.0, 6.0))
    x = np.array([0.0, 1.0, 2.0])
    value, grad = F.value_and_grad(x, 3.0)
    assert np.array_equal(value, [0, 0, 18])
    assert np.array_equal(grad[0], [-3, 6, 33])
    assert F(x.astype(np.float32), 3.0).dtype == np.float32
    assert F.jvp([2.0, 3.0], [1.0, 1.0]) == (18.0, 39.0)
    assert F.vjp([x, 3.0], 1.0)[1][1] == 6.0
    assert np.array_equal(F.hessian(2.0, 3.0), [[36, 11], [11, 0]])
    assert F.hvp([2.0, 3.0], [1.0, 0.0]) == (36.0, 11.0)
    assert np.array_equal(sd.compile("[cubic(x), x]").jacobian(2.0), [[11], [1]])


def test_a_new_row_is_pickled_and_its_kinks_are_named(cubic: Op) -> None:
    f = sd.parse("cubic(x)*y")
    assert pickle.loads(pickle.dumps(f)) == f
    assert pickle.loads(pickle.dumps(cubic)) is cubic
    assert f.at(x=2, y=1).kinks == ()
    (kink,) = f.at(x=5, y=1).kinks
    assert str(kink) == "cubic(x)"


def test_messages_suggest_a_new_row(cubic: Op) -> None:
    with pytest.raises(sd.SourceError) as caught:
        sd.parse("x*cubik(x)")
    assert "cubic" in str(caught.value)
    with pytest.raises(sd.SourceError, match="cubic takes 1 argument"):
        sd.parse("cubic(x, y)")
    with pytest.raises(sd.OperationError, match="cubic takes 1 argument"):
        sd.cubic(sd.symbols("x"), 2)


def test_a_new_row_is_compared(cubic: Op) -> None:
    comparison = sd.compare("x*cubic(x)", at={"x": 3}, sympy=False)
    assert comparison.ok


def test_a_name_is_taken_once(cubic: Op) -> None:
    before = dict(OPS)
    for name, aliases in (("cubic", ()), ("kubisch", ()), ("sin", ()), ("ln", ()), ("fresh", ("cubic",))):
        with pytest.raises(ValueError, match="already"):
            operation(name, 1, np.sin, None, aliases=aliases)
    assert dict(OPS) == before


def test_a_removed_row_is_gone_everywhere() -> None:
    names = function_names()
    op = add_cubic()
    f = sd.parse("cubic(x)")
    text, pickled, df = str(f), pickle.dumps(f), f.diff("x")
    remove(op)
    assert function_names() == names
    assert find("cubic") is None
    assert find("kubisch") is None
    assert "cubic" not in dir(sd)
    with pytest.raises(AttributeError, match="cubic"):
        _ = sd.cubic
    with pytest.raises(sd.SourceError, match="unknown function 'cubic'"):
        sd.parse(text)
    with pytest.raises(sd.SourceError, match="unknown function 'kubisch'"):
        sd.parse("kubisch(x)")
    with pytest.raises(KeyError, match="cubic"):
        pickle.loads(pickled)
    with pytest.raises(sd.SourceError) as caught:
        sd.parse("cubik(x)")
    assert "cubic" not in str(caught.value)
    assert df(x=2) == 11.0
    assert sd.parse("cubic*2").variables == ("cubic",)
    again = add_cubic()
    try:
        assert sd.parse("cubic(x)")(x=2) == 6.0
        assert sd.parse("cubic(x)").node is not f.node
    finally:
        remove(again)


def test_a_row_removed_from_the_built_in_table_is_gone_and_comes_back() -> None:
    op = OPS["sinc"]
    order = list(OPS.items())
    remove(op)
    try:
        with pytest.raises(sd.SourceError, match="unknown function 'sinc'"):
            sd.parse("sinc(x)")
    finally:
        OPS.clear()
        OPS.update(order)
    assert sd.parse("sinc(x)")(x=0) == 1.0


# ---- mutations

TESTED = {
    "mul": ("x*y", 0),
    "div": ("x/y", 1),
    "pow": ("x**y", 0),
    "exp": ("exp(x)", 0),
    "log": ("log(x)", 0),
    "sqrt": ("sqrt(x)", 0),
    "cbrt": ("cbrt(x)", 0),
    "sin": ("sin(x)", 0),
    "cos": ("cos(x)", 0),
    "tan": ("tan(x)", 0),
    "asin": ("asin(x/9)", 0),
    "atan": ("atan(x)", 0),
    "atan2": ("atan2(x, y)", 1),
    "sinh": ("sinh(x)", 0),
    "tanh": ("tanh(x)", 0),
    "asinh": ("asinh(x)", 0),
    "erf": ("erf(x)", 0),
    "gamma": ("gamma(x)", 0),
    "abs": ("abs(x)", 0),
    "hypot": ("hypot(x, y)", 1),
    "sigmoid": ("sigmoid(x)", 0),
    "logsumexp": ("logsumexp(x, y)", 0),
    "besselj": ("besselj(1, x)", 1),
    "relu": ("relu(x)", 0),
    "max": ("max(x, y)", 0),
    "log1p": ("log1p(x)", 0),
}


def errors(text: str) -> list[float]:
    """The relative error of a gradient by each way there is, against a difference in mpmath."""
    f = sd.parse(text)
    point = {"x": 1.6875, "y": 1.3125}
    point = {name: point[name] for name in f.variables}
    x = list(point.values())
    F = sd.compile(f)
    ways: list[Any] = [
        [f.diff(name)(point) for name in f.variables],
        F.grad(*x),
        [F.jvp(x, e)[1] for e in np.eye(len(x)).tolist()],
        [g[0] for g in F.grad(*[np.array([v]) for v in x])],
    ]
    want = [derivative(f.node, point, name) for name in f.variables]
    return [
        max(float(abs(mp.mpf(float(g)) - w) / max(abs(w), mp.mpf(10) ** -10)) for g, w in zip(way, want, strict=True))
        for way in ways
    ]


@pytest.mark.parametrize("name", TESTED)
def test_a_partial_wrong_by_one_part_in_a_million_is_seen_by_every_way(name: str) -> None:
    text, i = TESTED[name]
    op = OPS[name]
    right = op.partials
    assert right is not None
    assert max(errors(text)) < 1e-13  # a few operations at one point at which all are well conditioned

    def wrong(*args: Any) -> tuple[Any, ...]:
        return tuple(part if part is None or j != i else part * 1.000001 for j, part in enumerate(right(*args)))

    object.__setattr__(op, "partials", wrong)
    try:
        assert min(errors(text)) > 1e-8
    finally:
        object.__setattr__(op, "partials", right)


def test_every_pass_knows_every_kind_of_node() -> None:
    f = sd.parse("x + 1/3 + pi")
    assert {type(node).__name__ for node in nodes_of([f.node])} == {"Symbol", "Const", "Apply"}
    assert f.diff("x")(x=1) == 1.0
    assert f.simplify()(x=1) == f(x=1)
    assert f.latex()
    assert f.mathml()
