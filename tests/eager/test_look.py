"""Tensors open to look into: closed forms, graphs with values and adjoints, backpropagation in words."""

from __future__ import annotations

import math
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdiff as sd
import symdiff.eager as torch
from symdiff.eager import nn
from symdiff.eager.look import explain
from symdiff.errors import TensorError
from symdiff.ops import OPS, Op
from symdiff.ops.arrays import ARRAY_OPS

SVG = "{http://www.w3.org/2000/svg}"


def leaf(value: Any, name: str | None = None, dtype: Any = torch.float64) -> Any:
    return torch.tensor(value, dtype=dtype, requires_grad=True, name=name)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad_output: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, factor: float) -> Any:
        ctx.factor = factor
        ctx.save_for_backward(x)
        return x * factor, x * x

    @staticmethod
    def backward(ctx: Any, first: Any, second: Any) -> Any:
        (x,) = ctx.saved_tensors
        return first * ctx.factor + second * 2 * x, None


# ---- closed forms

TUTORIALS = [
    ("3*x**2", {"x": 3}, "6*x"),
    ("6*x**2 + 2*x + 4", {"x": 3}, "12*x + 2"),
    ("x**2", {"x": 9}, "2*x"),
    ("x**2 + 2*x + 1", {"x": 2}, "2*x + 2"),
    ("2*x**3 + x", {"x": 1}, "6*x**2 + 1"),
    ("sin(x/2**1.5)", {"x": 100}, None),
    ("u**3 + v**2 + 4*u*v", {"u": 3, "v": 4}, "3*u**2 + 4*v"),
    ("u**2 + v**3 + u*v", {"u": 2, "v": 4}, "2*u + v"),
    ("u*v + u**2", {"u": 1, "v": 2}, "v + 2*u"),
    ("u*v + (u*v)**2", {"u": 2, "v": 1}, "v + 2*u*v**2"),
    ("x**2 + y**3", {"x": 2, "y": 3}, "2*x"),
    ("x**3 + x**2", {"x": 2}, "3*x**2 + 2*x"),
    ("relu(x)", {"x": 2}, "where(x > 0, 1, 0)"),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("text", "at", "derivative"), TUTORIALS, ids=[row[0] for row in TUTORIALS])
def test_the_tutorials_formulas_come_back_as_they_were_written(
    text: str, at: dict[str, float], derivative: str | None, dtype: Any
) -> None:
    leaves = {name: leaf(x, name, dtype) for name, x in at.items()}
    y = eval(text, {"sin": torch.sin, "relu": torch.relu, **leaves})
    written = text.replace("2**1.5", repr(2**1.5))
    assert y.expression() == sd.parse(written)
    first = next(iter(at))
    assert y.derivative(first) == sd.parse(written).diff(first)
    if derivative is not None:
        assert y.derivative(first)(at) == sd.parse(derivative, variables=tuple(at))(at)
    y.backward()
    assert y.expression() == sd.parse(written)  # also when the graph was freed
    assert y.derivative(first)(at) == pytest.approx(float(leaves[first].grad), rel=1e-6)


def test_names_come_from_keywords_then_the_tensors_then_the_variables() -> None:
    a = leaf(2.0)
    b = leaf(3.0, "weight")
    y = a * b
    assert str(y.expression()) == "a*weight"
    assert str(y.expression(x=a)) == "x*weight"
    assert str(y.expression(x=a, w=b)) == "x*w"
    assert y.expression(e=a).variables == ("e", "weight")
    with pytest.raises(sd.VariableError, match="x and u are one tensor"):
        y.expression(x=a, u=a)
    with pytest.raises(sd.VariableError, match="does not depend on z"):
        y.expression(z=leaf(1.0))
    with pytest.raises(sd.OperationError, match="z names a tensor, and float is none"):
        y.expression(z=1.0)


def test_a_leaf_without_a_name_is_refused_with_how_to_name_it() -> None:
    y = sum(leaf([1.0, 2.0]) for _ in range(1)) * 2
    with pytest.raises(sd.VariableError, match=r"without a name, of shape \[2\].*y.expression\(x=...\).*name='x'"):
        y.expression()


def test_two_tensors_never_share_a_name() -> None:
    x = leaf(1.0)
    other = leaf(2.0, "x")
    with pytest.raises(sd.VariableError, match="without a name"):
        (x * other).expression()
    assert str((x * other).expression(y=x)) == "y*x"


def test_parameters_of_a_module_have_its_names() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    assert str(model(torch.tensor([2.0])).sum().expression()) == "tanh(2*model_0_weight[0,0] + model_0_bias[0])"


def test_an_intermediate_tensor_that_is_named_begins_the_formula() -> None:
    x = leaf(2.0)
    u = torch.sin(x) * x
    y = u**2 + u
    assert y.expression(u=u) == sd.parse("u**2 + u")
    assert y.derivative("u", u=u) == sd.parse("2*u + 1")


def test_an_elementwise_computation_is_one_formula_that_broadcasts() -> None:
    x = leaf([[1.0], [2.0]])
    w = leaf([0.5, -1.0, 3.0])
    y = torch.exp(x) * w + 2
    f = y.expression()
    assert f == sd.parse("exp(x)*w + 2")
    assert f(x=x.detach().numpy(), w=w.detach().numpy()) == pytest.approx(y.detach().numpy(), rel=1e-15)


def test_constants_are_numbers_by_their_shortest_decimals_and_arrays_may_have_names() -> None:
    w = leaf(0.5, dtype=torch.float32)
    data = torch.tensor([0.5, 0.1])
    assert (w * torch.tensor(0.1)).expression() == sd.parse("0.1*w")
    assert (0.1 * w).expression() == sd.parse("0.1*w")
    assert (w * torch.full((3,), 2.0)).expression() == sd.parse("2*w")
    assert (w * data).expression() == sd.parse("w*data")
    assert (w * data).sum().expression() == sd.parse("0.5*w + 0.1*w")
    assert (w * data).sum().expression(data=data) == sd.parse("w*data[0] + w*data[1]")
    assert (w * torch.tensor([1.0, 2.0])).expression() == sd.parse("[w, 2*w]")
    assert (w + 1e-30).expression() == sd.parse("w + 1e-30")


def wide(data: Any) -> Any:
    return torch.tensor(data, dtype=torch.float64)


ROWS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: x.sum(), "x[0] + x[1] + x[2]"),
    (lambda x: x.mean(), "(x[0] + x[1] + x[2])/3"),
    (lambda x: x @ x, "x[0]*x[0] + x[1]*x[1] + x[2]*x[2]"),
    (lambda x: wide([[1, 0, 2], [0, 3, 4]]) @ x, "[x[0] + 0*x[1] + 2*x[2], 0*x[0] + 3*x[1] + 4*x[2]]"),
    (lambda x: torch.einsum("i,j->", x, x[:2]), None),
    (lambda x: nn.functional.linear(x, wide([[1, 0, 2]]), wide([0.5])), "[x[0] + 0*x[1] + 2*x[2] + 0.5]"),
    (lambda x: x[1] * x[-1], "x[1]*x[2]"),
    (lambda x: x.flip(0)[:2], "[x[2], x[1]]"),
    (lambda x: torch.cat([x, x[:1] * 2])[2:], "[x[2], 2*x[0]]"),
    (lambda x: torch.stack([x, x * x]).sum(0), "[x[0] + x[0]*x[0], x[1] + x[1]*x[1], x[2] + x[2]*x[2]]"),
    (lambda x: x.cumsum(0), "[x[0], x[0] + x[1], x[0] + x[1] + x[2]]"),
    (lambda x: x.reshape(3, 1).expand(3, 2).T[1], "[x[0], x[1], x[2]]"),
    (lambda x: x.max(), "x[2]"),
    (lambda x: x.prod(), "x[0]*x[1]*x[2]"),
    (lambda x: torch.where(x > 1.5, x, 0 * x).sum(), "0*x[0] + x[1] + x[2]"),
    (lambda x: x.masked_fill(x > 2.5, 0.0), "[x[0], x[1], 0]"),
    (lambda x: x.float().double().sum() + x.clone().detach()[0], None),
    (lambda x: x.var(), None),
    (lambda x: x.softmax(0), None),
    (lambda x: x.norm(), None),
    (lambda x: torch.autograd.grad(x[0] ** 3 * x[1], x, create_graph=True)[0], "[x[1]*(3.0*x[0]**2), x[0]**3, 0]"),
]


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_rows_on_arrays_are_written_out_element_by_element(row: int) -> None:
    function, text = ROWS[row]
    x = leaf([1.0, 2.0, 3.0])
    y = function(x)
    f = y.expression()
    if text is not None:
        assert f == sd.parse(text)
    at = {name: float(x[int(name[2:-1])]) for name in f.variables}
    assert f(at) == pytest.approx(y.detach().numpy(), rel=1e-14)


def gradients(row: int) -> tuple[Any, Any]:
    """A leaf, and the recorded gradient by it of the squares of a row's result."""
    x = leaf([1.0, 2.0, 3.0], "x")
    y = ROWS[row][0](x)
    return x, torch.autograd.grad((y * y).sum(), x, create_graph=True)[0]


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_recorded_gradients_are_written_out_like_any_result(row: int) -> None:
    x, g = gradients(row)
    f = g.expression()
    values = x.detach().numpy()
    at = {name: values[int(name[2:-1])] if name != "x" else values for name in f.variables}
    assert f(at) == pytest.approx(g.detach().numpy(), rel=1e-13)


def test_every_row_on_arrays_is_among_them() -> None:
    x = leaf([1.0, 2.0, 3.0])
    w = leaf([[1.0], [2.0]])
    written = x * 1
    written[0] = 5.0
    results = [written.sum(), torch.autograd.grad((x.reshape(1, 3) * w).sum(), x, create_graph=True)[0]]
    results += [function(x) for function, _ in ROWS] + [gradients(row)[1] for row in range(len(ROWS))]
    seen = {node.operation for y in results for node in y.graph().operations}
    assert seen >= ARRAY_OPS.keys()
    assert results[1].expression() == sd.parse("[w[0,0] + w[1,0], w[0,0] + w[1,0], w[0,0] + w[1,0]]")


POINTS = [(0.3, 0.6, 0.7, 0.2), (2.5, 1.5, 1.2, 3.0), (-0.4, 1.1, 0.5, 0.1), (1.3, 2.2, 1.7, 4.0)]
rows = [op for op in OPS.values() if op.arity != 0 and op.name.isidentifier() and not op.condition and op.infix != "[]"]


@pytest.mark.parametrize("op", rows, ids=[op.name for op in rows])
def test_every_row_of_the_table_has_a_formula_and_a_place_in_the_graph(op: Op) -> None:
    count = 3 if op.arity is None else op.arity
    for point in POINTS:
        leaves = {f"x{i}": leaf(x, f"x{i}") for i, x in enumerate(point[: count - op.parameters])}
        orders = [max(op.least, 1)] * op.parameters
        if op.name == "where":
            leaves.pop("x0")
            orders = [torch.tensor(True)]
        y = op(*orders, *leaves.values())
        if math.isfinite(float(y)):
            break
    f = y.expression()
    symbols = [sd.symbols(name) for name in leaves]
    assert f == (symbols[0] if op.name == "where" else op(*orders, *symbols))
    at = {name: float(x) for name, x in leaves.items()}
    assert f(at) == pytest.approx(float(y), rel=1e-12)
    graph = y.graph()
    for edge in graph.edges:
        assert float(edge.share) == pytest.approx(float(graph[edge.argument].adjoint), rel=1e-12, nan_ok=True)
        assert np.ndim(edge.derivative) == 0


def test_what_was_written_in_place_is_part_of_the_formula() -> None:
    x = leaf(2.0)
    y = torch.zeros(3, dtype=torch.float64)
    y[0] = x
    y[1:] += x * 3
    y *= 2
    assert y.expression() == sd.parse("[2*x, 2*(3*x), 2*(3*x)]")
    z = x * 3
    z.zero_()
    z += x
    assert z.expression() in (sd.parse("x"), sd.parse("0 + x"))


def test_a_changed_constant_is_noticed() -> None:
    x, c = leaf(2.0), torch.tensor(3.0, dtype=torch.float64)
    y = x + c
    c += 1
    with pytest.raises(TensorError, match="was changed in place since"):
        y.expression()
    with pytest.raises(TensorError, match="was changed in place since"):
        y.graph()
    assert (x + c).expression() == sd.parse("x + 4")


def test_changed_leaves_do_not_matter_to_the_formula_but_to_the_graph() -> None:
    x = leaf(2.0)
    y = x * x
    with torch.no_grad():
        x += 1
    assert y.expression() == sd.parse("x*x")
    with pytest.raises(TensorError, match="compute the result again"):
        y.graph()


def test_a_function_with_its_own_backward_has_no_formula_but_its_result_can_be_named() -> None:
    x = leaf(3.0)
    s = Square.apply(x)
    with pytest.raises(TensorError, match=r"SquareBackward, recorded at .*test_look.py:\d+.*u=u"):
        (s + 1).expression()
    assert (s + 1).expression(s=s) == sd.parse("s + 1")


def test_what_cannot_be_a_formula_is_refused() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(sd.OperationError, match=r"not of shape \[2, 2\]: take y\[0\]"):
        (x @ x).expression()
    with pytest.raises(TensorError, match="nothing was recorded"):
        torch.ones(2).expression()
    with pytest.raises(TensorError, match="nothing was recorded"):
        x.detach().sum().expression()
    with pytest.raises(TensorError, match="the limit is 100,000"):
        (leaf(np.ones((60, 60)), "a") @ leaf(np.ones((60, 60)), "b")).sum().expression()
    with pytest.raises(TensorError, match="takes 1,000,001 symbols, numbers and operations"):
        leaf(np.ones(1_000_000), "a")[:1].sum().expression()
    with pytest.raises(sd.OperationError, match="nan is not a number"):
        (leaf(1.0, "z") * math.nan).expression()


def test_a_derivative_by_a_variable_that_does_not_occur_is_refused() -> None:
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    assert y.derivative("x[0]") == sd.parse("2*x[0]")
    with pytest.raises(sd.VariableError, match=r"no variable x in the result's formula .*x\[0\], x\[1\]"):
        y.derivative("x")
    assert (leaf(2.0, "t") ** 3).derivative("t", 2) == sd.parse("6*t")
    t = leaf(2.0)
    assert (t**3).derivative(t) == sd.parse("3*t**2")


# ---- random computations

UNARY = ["sin", "exp", "tanh", "relu", "sigmoid", "abs", "atan", "neg", "square"]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1),
    torch.maximum,
    lambda a, b: a + 2.5,
    lambda a, b: 0.75 - b,
    lambda a, b: a**2,
    lambda a, b: torch.hypot(a, b),
]
ARRAYS: list[Callable[[Any], Any]] = [
    lambda a: a.sum() + a,
    lambda a: a.mean() * a,
    lambda a: a.flip(0),
    lambda a: torch.cat([a[1:], a[:1]]),
    lambda a: a @ a + a,
    lambda a: a.cumsum(0),
    lambda a: a[torch.tensor([0, 0, 1])],
    lambda a: a.reshape(3, 1).T.reshape(3),
    lambda a: a * torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64),
]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("unary"), st.sampled_from(UNARY), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("binary"), st.sampled_from(range(len(BINARY))), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("array"), st.sampled_from(range(len(ARRAYS))), st.integers(0, 9), st.just(0)),
    ),
    min_size=1,
    max_size=6,
)
points = st.lists(st.floats(-2, 2).map(lambda x: round(x, 3)), min_size=3, max_size=3)


def computed(program: Any, pool: list[Any], arrays: bool) -> list[Any]:
    """Everything that a random program computes, in order."""
    for kind, which, i, j in program:
        a, b = pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]
        if kind == "unary":
            pool.append(getattr(torch, which)(a))
        elif kind == "binary":
            pool.append(BINARY[which](a, b))
        elif arrays:
            pool.append(ARRAYS[which](a))
    return pool


@given(steps, points, points)
@settings(deadline=None, max_examples=150)
def test_value_and_gradient_of_the_formula_are_the_tensors_own(program: Any, p: list[float], q: list[float]) -> None:
    x, w = leaf(p), leaf(q)
    last = computed(program, [x, w], arrays=True)[-1]
    y = (last * last).sum() + x.sum() * 0.5 + w[0]
    f = y.expression()
    at = {f"{name}[{i}]": v for name, values in (("x", p), ("w", q)) for i, v in enumerate(values)}
    point = {name: at[name] for name in f.variables}
    evaluation = f.at(point)
    own = dict(zip(("x", "w"), torch.autograd.grad(y, [x, w]), strict=True))
    assert evaluation.value == pytest.approx(float(y), rel=1e-9, abs=1e-9)
    if not evaluation.kinks:  # at a tie the formula is the branch that was taken, and the tensors split
        for name, partial in evaluation.grad.items():
            assert partial == pytest.approx(float(own[name[0]][int(name[2:-1])]), rel=1e-7, abs=1e-7)


@given(steps, points, points)
@settings(deadline=None, max_examples=100)
def test_the_adjoints_are_what_backward_gives_and_the_sums_of_the_shares(
    program: Any, p: list[float], q: list[float]
) -> None:
    x, w = leaf(p), leaf(q)
    pool = computed(program, [x, w], arrays=True)
    y = (pool[-1] * 2.0).sum() + (x * w).sum()
    named = {f"n{i}": t for i, t in {id(t): t for t in pool}.items() if t.requires_grad}
    graph = y.graph(**named)
    expected = torch.autograd.grad(y, [*named.values()], allow_unused=True)
    for name, part in zip(named, expected, strict=True):
        if part is not None:
            np.testing.assert_allclose(graph[name].adjoint, part.numpy(), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(graph[name].value, named[name].detach().numpy(), rtol=1e-14)
    received: dict[str, Any] = {}
    for edge in graph.edges:
        received[edge.argument] = received.get(edge.argument, 0) + edge.share
    for name, total in received.items():
        np.testing.assert_allclose(total, graph[name].adjoint, rtol=1e-9, atol=1e-9)


# ---- graphs


def test_the_graph_has_operations_values_adjoints_and_derivatives() -> None:
    x, y = leaf(2.0), leaf(3.0)
    z = x**2 + y**3
    z.backward()
    graph = z.graph()
    assert list(graph.nodes) == ["x", "y", "v1", "v2", "z"]
    assert [node.formula for node in graph.operations] == ["x**2", "y**3", "v1 + v2"]
    assert [node.operation for node in graph.operations] == ["pow", "pow", "add"]
    assert [float(node.value) for node in graph.nodes.values()] == [2, 3, 4, 27, 31]
    assert [float(node.adjoint) for node in graph.nodes.values()] == [4, 27, 1, 1, 1]
    assert [(e.user, e.argument, e.text) for e in graph.edges] == [
        ("v1", "x", "2*x = 4"),
        ("v2", "y", "3*y**2 = 27"),
        ("z", "v1", "1"),
        ("z", "v2", "1"),
    ]
    assert "test_look.py" in graph["v1"].place
    assert x.grad == 4  # and nothing was added


def test_the_graph_as_text_has_a_row_for_every_value_and_the_result_first() -> None:
    x, y = leaf(2.0), leaf(3.0)
    z = x**2 + y**3
    assert str(z.graph()).splitlines() == [
        "    computed as  value  dz/d  local derivatives",
        "z   v1 + v2      31     1     ∂z/∂v1 = 1, ∂z/∂v2 = 1",
        "v2  y**3         27     1     ∂v2/∂y = 3*y**2 = 27",
        "v1  x**2         4      1     ∂v1/∂x = 2*x = 4",
        "x   leaf         2      4",
        "y   leaf         3      27",
    ]


def test_intermediate_variables_of_the_caller_name_the_nodes() -> None:
    x = leaf(2.0)
    inner = x * x
    outer = torch.sin(inner)
    assert [node.name for node in outer.graph().operations] == ["inner", "outer"]


def test_names_that_are_made_up_take_none_of_the_users() -> None:
    y, v1 = leaf(2.0), leaf(3.0)
    assert list((torch.sin(y * v1) * y).graph().nodes) == ["y", "v1", "v2", "v3", "y1"]
    assert (leaf(2.0) * 2).graph().result == "y"


def boxes(svg: str) -> tuple[list[ET.Element], list[ET.Element]]:
    groups = list(ET.fromstring(svg).iter(f"{SVG}g"))
    return (
        [g for g in groups if g.get("class", "").startswith("node")],
        [g for g in groups if g.get("class") == "edge"],
    )


def test_the_drawing_has_every_node_and_edge_once() -> None:
    u, v = leaf(3.0), leaf(4.0)
    f = u**3 + v**2 + 4 * u * v
    graph = f.graph()
    nodes, edges = boxes(graph.svg())
    assert len(nodes) == len(graph) == 8
    assert len(edges) == len(graph.edges) == 9
    text = "".join(ET.fromstring(graph.svg()).itertext())
    assert all(word in text for word in ("f = v3 + v5", "value 91", "df/du = 43", "3*u**2 = 27", "v4 = 12"))
    assert graph._repr_svg_() == graph.svg()
    assert graph.dot().count(" -> ") == 9


def test_a_large_graph_is_folded_with_a_note() -> None:
    x, y = leaf(0.5), leaf(0.25)
    s = x
    for _ in range(100):
        s = torch.sin(s * y) + x
    graph = s.graph()
    nodes, edges = boxes(graph.svg())
    assert len(nodes) == 60
    assert "243 values more" in graph.svg()
    assert "the 59 values nearest to s, of 302" in graph.svg()
    assert 59 < len(edges) < 120
    assert "242 values more" in str(graph)


def test_shared_leaves_products_of_matrices_and_kinks_are_told() -> None:
    w = leaf([1.0, 2.0])
    a = torch.tensor([[1.0, 2.0], [3.0, -1.5]], dtype=torch.float64)
    loss = torch.relu(a @ w - wide([0.0, 0.0])).mean()
    graph = loss.graph()
    assert [n.formula for n in graph.operations] == ["matmul(a, w)", "v1 - 0", "relu(v2)", "mean(v3)"]
    assert not graph["v3"].is_smooth
    assert "∂v3/∂v2 = where(v2 > 0, 1, 0) = [1, 0], not differentiable here" in str(graph)
    assert "not differentiable here" in graph.svg()
    assert "v3 = relu(v2)   (not differentiable here: a number for its derivative is a convention)" in str(
        explain(loss)
    )
    edge = next(e for e in graph.edges if e.user == "v1")
    assert edge.derivative is None
    assert edge.formula.startswith("reshape(sum_to(matmul(permute(a, [1, 0]), reshape(dloss/dv1, [2, 1]))")
    assert np.asarray(edge.share) == pytest.approx(np.asarray(graph["w"].adjoint))


def test_functions_with_their_own_backward_are_part_of_the_graph() -> None:
    x = leaf(3.0)
    y = Square.apply(x) * 2
    y.backward()
    graph = y.graph()
    assert graph["v1"].formula == "Square(x)"
    assert [e.text for e in graph.edges if e.user == "v1"] == ["Square.backward(dy/dv1)"]
    assert float(graph["x"].adjoint) == 12
    a, b = Both.apply(x, 5.0)
    both = (a * b).graph()
    assert float(both["x"].adjoint) == pytest.approx(5 * 9 + 15 * 6)
    assert sum(float(e.share) for e in both.edges if e.argument == "x") == pytest.approx(135)


def test_a_result_of_several_elements_has_the_adjoints_of_its_sum_or_of_a_given_gradient() -> None:
    x = leaf([2.0, 3.0])
    y = x * x
    assert y.graph()["x"].adjoint.tolist() == [4, 6]
    assert y.graph(torch.tensor([1.0, 10.0], dtype=torch.float64))["x"].adjoint.tolist() == [4, 60]


def test_values_that_are_not_finite_are_told_as_they_are() -> None:
    x = leaf([1000.0, 0.0, -1.0])
    y = torch.exp(x).sum() + torch.log(x).sum()
    graph = y.graph()
    assert math.isnan(float(graph["y"].value))
    assert float(graph["y"].adjoint) == 1
    assert "[inf, 1, 0.3679]" in str(graph)
    assert not graph["v3"].is_smooth
    assert "nan" in str(explain(y))
    assert str(y.expression()) == "exp(x[0]) + exp(x[1]) + exp(x[2]) + (log(x[0]) + log(x[1]) + log(x[2]))"


def test_a_leaf_is_a_graph_of_one_node() -> None:
    x = leaf(2.0)
    assert len(x.graph()) == 1
    assert x.expression() == sd.parse("x")
    assert "dx/dx = 1" in str(explain(x))


# ---- in words


def test_backpropagation_is_told_step_by_step() -> None:
    x = leaf(2.0)
    u = x * x
    z = u * x - 1
    assert str(explain(z)).splitlines() == [
        "Forward, from the leaves:",
        "  x = 2",
        "then",
        "  u = x*x = 4",
        "  v1 = u*x = 8",
        "  z = v1 - 1 = 7",
        "",
        "Backward, from z. An operation adds its adjoint times its local derivatives to the adjoints of its arguments:",
        "  dz/dz = 1",
        "z = v1 - 1",
        "  dz/dv1 = dz/dz * ∂z/∂v1 = 1 * 1 = 1",
        "v1 = u*x",
        "  dz/du = dz/dv1 * ∂v1/∂u = 1 * x = 1 * 2 = 2",
        "  dz/dx += dz/dv1 * ∂v1/∂x = 1 * u = 1 * 4 = 4",
        "u = x*x",
        "  dz/dx += dz/du * ∂u/∂x = 2 * x = 2 * 2 = 4",
        "  dz/dx += dz/du * ∂u/∂x = 2 * x = 2 * 2 = 4",
        "",
        "The gradient:",
        "  dz/dx = 4 + 4 + 4 = 12",
    ]
    assert str(z.explain()) == str(explain(z))


def test_copies_are_summed_in_words_too() -> None:
    b = leaf(0.5)
    data = torch.tensor([1.0, 2.0], dtype=torch.float64)
    y = (b * data).sum()
    assert "  dy/db = dy/dv1 * ∂v1/∂b = the sum of [1, 1] * data = the sum of [1, 1] * [1, 2] = 3" in str(explain(y))


def test_explaining_adds_no_gradient_and_frees_nothing() -> None:
    x = leaf(2.0)
    y = x * x
    explain(y)
    y.graph()
    assert x.grad is None
    y.backward()
    assert x.grad == 4


# ---- deep


def test_depth_does_not_matter() -> None:
    x, c = leaf(0.5), leaf(0.9)
    y = x
    for i in range(20_000):
        y = torch.sin(y) if i % 2 else y * c
    begin = time.perf_counter()
    f = y.expression()
    assert f(x=0.5, c=0.9) == pytest.approx(float(y), rel=1e-9)
    graph = y.graph()
    assert len(graph) == 20_002
    assert len(str(graph).splitlines()) == 62
    assert len(boxes(graph.svg())[0]) == 60
    assert "more" in str(explain(y))
    assert repr(graph) == "<Graph of y: 20002 nodes, 30000 edges>"
    assert time.perf_counter() - begin < 60
