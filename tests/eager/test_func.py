"""Functions of functions: their closed forms, their nesting, and that PyTorch gives and refuses the same."""

from __future__ import annotations

import gc
import importlib
import math
import threading
import time
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager import nn
from symdiff.eager.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp, vmap
from symdiff.errors import OperationError, SettingError, StateError, TensorError

Agree = Callable[..., Any]


@pytest.fixture
def agree() -> Agree:
    """The same source on PyTorch; the test is skipped where that is not installed."""
    return importlib.import_module("tests.eager.parity").agree  # type: ignore[no-any-return]


def float64(data: Any) -> torch.Tensor:
    return torch.tensor(data, dtype=torch.float64)


def close(found: torch.Tensor, expected: Any, rel: float = 1e-13) -> None:
    """Assert that a tensor holds these numbers; the tolerance is a few operations in float64."""
    np.testing.assert_allclose(found.detach().numpy(), np.asarray(expected), rtol=rel, atol=1e-300)


# ---- closed forms


@pytest.mark.parametrize("order", range(1, 6))
def test_grad_nests_to_any_order(order: int) -> None:
    f: Any = torch.sin
    for _ in range(order):
        f = grad(f)
    close(f(float64(0.75)), math.sin(0.75 + order * math.pi / 2), rel=1e-12)  # rounding of the shifted argument


def test_an_inner_variable_is_not_an_outer_one() -> None:
    # Siskind & Pearlmutter, "Perturbation confusion and referential transparency" (2005): 1, not 2.
    x = float64(3.0)
    assert grad(lambda x: x * grad(lambda y: x + y)(float64(1.0)))(x).item() == 1.0


def test_an_inner_variable_of_the_same_value_is_not_the_outer_one() -> None:
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(float64(3.0)).item() == 6.0  # of x * x


def test_forward_inside_of_reverse_and_the_other_way_round() -> None:
    def along(f: Any) -> Any:
        return lambda x: jvp(f, (x,), (torch.ones_like(x),))[1]

    x = float64(0.5)
    close(grad(along(torch.sin))(x), -math.sin(0.5))
    close(along(grad(torch.sin))(x), -math.sin(0.5))
    close(along(along(torch.sin))(x), -math.sin(0.5))
    close(jvp(lambda x: x * jvp(lambda y: x * y, (x,), (torch.ones_like(x),))[1], (x,), (float64(1.0),))[1], 1.0)


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    A = np.arange(6.0).reshape(2, 3)
    f = lambda x: float64(A) @ x  # noqa: E731
    x = float64([1.0, -2.0, 0.5])
    for J in (jacrev(f)(x), jacfwd(f)(x)):
        close(J, A)


def test_a_hessian_is_that_of_the_quadratic_form() -> None:
    A = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0], [4.0, 0.0, 1.0]])
    x = float64([1.0, -2.0, 0.5])
    close(hessian(lambda x: x @ float64(A) @ x)(x), A + A.T)


def test_a_hessian_of_several_outputs_has_their_axes_first() -> None:
    x = float64([0.5, 2.0])
    H = hessian(lambda x: torch.stack([x[0] ** 2 * x[1], x[1] ** 3, x[0]]))(x)
    assert H.shape == (3, 2, 2)
    close(H, [[[4.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 12.0]], [[0.0, 0.0], [0.0, 0.0]]])


def test_products_with_a_jacobian_are_adjoint() -> None:
    random = np.random.default_rng(5)
    A, x, v, w = (float64(random.standard_normal(s)) for s in ((4, 3), 3, 3, 4))
    f = lambda x: torch.tanh(A @ x) * x.sum()  # noqa: E731
    _, moved = jvp(f, (x,), (v,))
    _, pull = vjp(f, x)
    assert float(w @ moved) == pytest.approx(float(pull(w)[0] @ v), rel=1e-13)


def test_an_infinite_slope_goes_forward() -> None:
    _, moved = jvp(torch.sqrt, (float64([0.0, 4.0]),), (float64([1.0, 1.0]),))
    assert moved.tolist() == [math.inf, 0.25]


def test_value_and_gradient_come_together() -> None:
    x = float64([1.0, 2.0])
    value, gradient = value_and_grad(lambda x: (x**3).sum())(x)
    close(value, 9.0)
    close(gradient, [3.0, 12.0])
    (value, aux), gradient = value_and_grad(lambda x: ((x**3).sum(), x * 2), has_aux=True)(x)
    close(aux, [2.0, 4.0])


def test_a_custom_function_is_differentiated_forward_by_its_backward() -> None:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    x = float64([1.0, 2.0])
    close(jvp(Cube.apply, (x,), (float64([1.0, 10.0]),))[1], [3.0, 120.0])
    close(hessian(lambda x: Cube.apply(x).sum())(x), [[6.0, 0.0], [0.0, 12.0]])


# ---- what comes out


def test_results_are_constants_where_nobody_records() -> None:
    x = float64([1.0, 2.0])
    f = lambda x: ((x**2).sum(), x * 2)  # noqa: E731
    gradient, aux = grad(f, has_aux=True)(x)
    out, pull = vjp(lambda x: x**2, x)
    results = [
        gradient,
        aux,
        out,
        *pull(x),
        *jvp(lambda x: x**2, (x,), (x,)),
        jacrev(lambda x: x**2)(x),
        hessian(lambda x: x @ x)(x),
    ]
    assert not any(r.requires_grad for r in results)


def test_results_are_recorded_for_inputs_that_require_a_gradient() -> None:
    x = float64([1.0, 2.0]).requires_grad_()
    gradient = grad(lambda x: (x**3).sum())(x)
    gradient.sum().backward()
    assert x.grad is not None
    close(x.grad, [6.0, 12.0])


def test_results_are_recorded_for_what_a_function_closes_over() -> None:
    w = float64(3.0).requires_grad_()
    x = float64([1.0, 2.0])
    recorded, constant = grad(lambda x: (x**2 * w).sum())(x), grad(lambda x: (x**2).sum() + w)(x)
    assert (recorded.requires_grad, constant.requires_grad) == (True, False)
    recorded.sum().backward()
    assert w.grad is not None
    assert w.grad.item() == 6.0


def test_nothing_is_recorded_under_no_grad() -> None:
    x = float64(2.0).requires_grad_()
    with torch.no_grad():
        gradient = grad(lambda x: x**3)(x)
    assert (gradient.item(), gradient.requires_grad) == (12.0, False)


def test_an_inner_derivative_is_not_recorded_for_an_inner_variable_alone() -> None:
    w = float64(2.0)
    outer = grad(lambda w: grad(lambda x: x**2 * w)(float64(5.0)))(w)
    assert (outer.item(), outer.requires_grad) == (10.0, False)


def test_a_pull_back_may_be_differentiated_later() -> None:
    x = float64([1.0, 2.0])
    _, pull = vjp(lambda x: x**3, x)
    J = jacrev(lambda v: pull(v)[0])(x)
    close(J, [[3.0, 0.0], [0.0, 12.0]])
    assert not J.requires_grad
    v = float64([1.0, 1.0]).requires_grad_()
    pull(v)[0].sum().backward()
    assert v.grad is not None
    close(v.grad, [3.0, 12.0])


def test_gradients_of_leaves_are_left_alone() -> None:
    x = float64(2.0).requires_grad_()
    w = float64(3.0).requires_grad_()
    grad(lambda x: x**2 * w)(x)
    jacfwd(lambda x: x**2 * w)(x)
    assert x.grad is None
    assert w.grad is None


def test_a_graph_recorded_outside_survives() -> None:
    x = float64(2.0).requires_grad_()
    y = x**2
    grad(lambda z: z * y)(float64(1.0))
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 4.0


def test_changes_in_place_stay_inside() -> None:
    x = float64([1.0, 2.0])
    assert grad(lambda x: x.mul_(3).sum())(x).tolist() == [3.0, 3.0]
    assert x.tolist() == [1.0, 2.0]


def test_dtypes_are_those_of_the_arguments() -> None:
    x, w = torch.tensor([1.0, 2.0]), float64([1.0, 2.0])
    a, b = grad(lambda x, w: (x * w).sum(), argnums=(0, 1))(x, w)
    assert (a.dtype, b.dtype) == (torch.float32, torch.float64)
    assert jacfwd(lambda x: x * 2)(x).dtype == torch.float32


def test_containers_are_those_of_arguments_and_results() -> None:
    Pair = namedtuple("Pair", ["a", "b"])
    tree = OrderedDict(w=float64([1.0, 2.0]), rest=[float64(3.0), Pair(float64(4.0), (float64(5.0),))])
    found = grad(lambda t: (t["w"] ** 2).sum() * t["rest"][1].b[0])(tree)
    assert type(found) is OrderedDict
    assert type(found["rest"][1]) is Pair
    assert [found["w"].tolist(), found["rest"][0].item(), found["rest"][1].b[0].item()] == [[10.0, 20.0], 0.0, 5.0]


def test_jacobians_have_the_results_containers_outside() -> None:
    J = jacrev(lambda d: {"s": d["x"].sum(), "p": (d["x"] * d["k"],)})({"x": float64([1.0, 2.0]), "k": float64(3.0)})
    assert J["s"]["x"].tolist() == [1.0, 1.0]
    assert J["p"][0]["k"].tolist() == [1.0, 2.0]


def test_empty_tensors_have_empty_jacobians() -> None:
    x = torch.zeros(0, dtype=torch.float64)
    assert jacrev(lambda x: x * 2)(x).shape == (0, 0)
    assert jacfwd(lambda x: x.sum())(x).shape == (0,)
    assert jacrev(lambda x: x[:0] * 2)(float64([1.0, 2.0])).shape == (0, 2)


def test_levels_of_several_threads_do_not_mix() -> None:
    found: dict[int, list[float]] = {}

    def work(k: int) -> None:
        found[k] = [grad(grad(lambda x: x**3 * k))(float64(float(i))).item() for i in range(30)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {k: [6.0 * i * k for i in range(30)] for k in range(4)}


def test_a_level_is_left_when_its_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: x / (1 // 0))(float64(1.0))
    assert torch.is_grad_enabled()
    assert not grad(torch.sin)(float64(1.0)).requires_grad


def test_graphs_are_let_go() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(weakref.ref(x))
        return (x**2).sum()

    out, pull = vjp(f, float64([1.0, 2.0]))
    hessian(f)(float64([1.0, 2.0]))
    del out, pull
    gc.collect()
    assert [ref() for ref in seen] == [None, None]


@pytest.mark.parametrize("transform", [grad, lambda f: lambda x: jvp(f, (x,), (x,))[1]])
def test_a_function_may_be_100_000_operations_deep(transform: Any) -> None:
    def deep(x: Any) -> Any:
        for _ in range(50_000):
            x = x * 1.0 + 0.0
        return x

    assert transform(deep)(float64(1.0)).item() == 1.0


def test_an_inner_gradient_costs_its_own_graph_only() -> None:
    def steps(n: int) -> float:
        def descend(x: Any) -> Any:
            for _ in range(n):
                x = x - 0.1 * grad(lambda y: y**2)(x)
            return x

        start = time.perf_counter()
        assert grad(descend)(float64(1.0)).item() == pytest.approx(0.8**n, rel=1e-12)
        return time.perf_counter() - start

    few = min(steps(50) for _ in range(3))
    assert steps(400) < 40 * few  # linear is 8; quadratic would be 64


# ---- maps


def test_a_map_gives_the_gradient_of_every_sample() -> None:
    w, X = float64([1.0, -2.0]), float64([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]])
    rows = vmap(grad(lambda w, x: (x @ w) ** 2), in_dims=(None, 0))(w, X)
    close(rows, [2 * (x @ w.numpy()) * x for x in X.numpy()])


def test_a_map_is_differentiated() -> None:
    x = float64([0.5, 1.0, 2.0])
    close(grad(lambda x: vmap(lambda a: a**3)(x).sum())(x), 3 * x.numpy() ** 2)
    close(hessian(lambda x: vmap(lambda a: a**3)(x).sum())(x), np.diag(6 * x.numpy()))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_a_map_goes_along_any_axis_and_back(dim: int) -> None:
    m = float64(np.arange(6.0).reshape(2, 3))
    close(vmap(lambda r: r * 2, in_dims=dim, out_dims=dim)(m), 2 * m.numpy())


def test_a_map_over_nothing_has_shape_and_dtype() -> None:
    found = vmap(lambda r: (r.sum(), r > 0))(torch.zeros(0, 3, dtype=torch.float64))
    assert [(r.shape, r.dtype) for r in found] == [((0,), torch.float64), ((0, 3), torch.bool)]


def test_random_numbers_are_drawn_as_said() -> None:
    x = torch.zeros(4)
    draw = lambda a: a + torch.rand(())  # noqa: E731
    same = vmap(draw, randomness="same")(x).tolist()
    assert len({*same}) == 1
    assert len({*vmap(draw, randomness="different")(x).tolist()}) == 4
    with pytest.raises(TensorError, match="randomness"):
        vmap(draw)(x)


# ---- modules with other parameters


def test_a_module_is_called_with_other_parameters_and_keeps_its_own() -> None:
    layer = nn.Linear(2, 1).double()
    own = layer.weight
    other = {"weight": float64([[1.0, 2.0]]), "bias": float64([0.5])}
    close(functional_call(layer, other, (float64([3.0, 4.0]),)), [11.5])
    assert layer.weight is own
    with pytest.raises(TensorError):
        functional_call(layer, other, (float64([1.0, 2.0, 3.0]),))
    assert layer.weight is own


def test_shared_parameters_are_replaced_everywhere() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(1, 1, bias=False).double()
            self.b = nn.Linear(1, 1, bias=False).double()
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return self.b(self.a(x))

    given = {"a.weight": float64([[3.0]])}
    assert functional_call(Twice(), given, (float64([1.0]),)).item() == 9.0
    with pytest.raises(SettingError, match="different tensors"):
        functional_call(Twice(), {**given, "b.weight": float64([[4.0]])}, (float64([1.0]),))


def test_the_gradient_of_a_model_is_that_of_backward() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    x = float64(np.random.default_rng(0).standard_normal((5, 2)))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    found = grad(lambda p: (functional_call(model, p, (x,)) ** 2).mean())(parameters)
    (model(x) ** 2).mean().backward()
    for name, p in model.named_parameters():
        close(found[name], p.grad.numpy(), rel=1e-12)  # sums of fifteen products


# ---- refusals


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda x: grad(torch.sin)(x), TensorError, r"shape \[2\].*sum\(\) or mean\(\)"),
        (lambda x: grad(lambda x: 3.0)(x), TensorError, "must return a Tensor, not float"),
        (lambda x: grad(lambda x: x.sum(), argnums=1)(x), TensorError, "argnum=1, but only 1 positional"),
        (lambda x: grad(lambda x: x.sum(), argnums=())(x), TensorError, "non-empty"),
        (lambda x: grad(lambda x, y: x.sum(), argnums=(0, -2))(x, x), TensorError, "unique"),
        (lambda x: grad(lambda x: x.sum())(x.long()), TensorError, "floating point"),
        (lambda x: grad(lambda x: x)(2.0), SettingError, "2.0 is a float"),
        (lambda x: grad(lambda x: x.sum(), has_aux=True)(x), TensorError, r"\(output, aux\)"),
        (lambda x: vjp(lambda x: (x, x), x)[1](x), TensorError, r"\(\*, \*\)"),
        (lambda x: vjp(torch.sin, x)[1](x[0]), TensorError, "shape"),
        (lambda x: vjp(lambda x: 2.0, x), TensorError, "only tensors, got float"),
        (lambda x: jvp(torch.sin, x, x), TensorError, "tuples"),
        (lambda x: jvp(torch.sin, (x,), (x, x)), TensorError, "containers"),
        (lambda x: jvp(torch.sin, (x,), (x[0],)), TensorError, r"shape \[2\] of its primal, not one of \[\]"),
        (lambda x: jvp(lambda x: torch.ones(1), (x,), (x,), strict=True), TensorError, "independent"),
        (lambda x: jacrev(torch.sin, chunk_size=0)(x), SettingError, "chunk_size"),
        (lambda x: vmap(torch.sin)(), SettingError, "no inputs"),
        (lambda x: vmap(torch.sin)(x[0]), SettingError, r"in_dim=0 .* shape \[\]"),
        (lambda x: vmap(torch.add)(x, torch.ones(3)), SettingError, r"one length, not \[2, 3\]"),
        (lambda x: vmap(torch.sin, in_dims=None)(x), SettingError, "in_dims must be int"),
        (lambda x: vmap(torch.sin, in_dims=(0, 0))(x), SettingError, r"\(\*, \*\) does not fit \(\*,\)"),
        (lambda x: vmap(torch.mul)(x, 2.0), SettingError, "type float .* None"),
        (lambda x: vmap(lambda a: 1.0)(x), SettingError, "only return Tensors, got type float"),
        (lambda x: vmap(lambda a: a, out_dims=None)(x), SettingError, "differs between slices"),
        (lambda x: vmap(torch.sin, chunk_size=0)(x), SettingError, "chunk_size"),
        (lambda x: vmap(torch.sin, randomness="some")(x), TensorError, "'error', 'different', or 'same'"),
        (lambda x: functional_call(nn.Linear(2, 1), 3, x), SettingError, "not int"),
        (lambda x: functional_call(nn.Linear(2, 1), {"weight": 3.0}, x), OperationError, "'weight' must be a Tensor"),
        (
            lambda x: functional_call(nn.Linear(2, 1), {"wieght": x}, x, strict=True),
            StateError,
            "did you mean 'weight'",
        ),
    ],
)
def test_a_refusal_says_why(call: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        call(torch.tensor([1.0, 2.0]))


# ---- the same as PyTorch

GIVEN = """
    from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp, vmap
    x = torch.tensor([0.5, -1.0], dtype=torch.float64)
    s = torch.tensor(0.75, dtype=torch.float64)
    m = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
    w = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    i = torch.tensor([1, 2])
"""

SAME = """
    grad(lambda x, y: (x * y).sum(), argnums=-1)(x, x + 1)
    grad(lambda d: d['a'].sum() * d['b'][0])({'a': x, 'b': [s, x]})
    grad(lambda x: x if x > 0 else -x)(s)
    grad_and_value(lambda x: (x.sum(), {'a': x * 2}), has_aux=True)(x)
    grad(lambda x: torch.tensor(1.0))(x)
    grad(lambda x: x.detach() * x)(s)
    vjp(lambda x: {'a': x * 2}, x)[1]({'a': x})
    vjp(lambda x: (x * 2, x + 1), x, has_aux=True)[2]
    vjp(lambda x: (x * 2, s), x)[1]((x, s))
    jvp(lambda x: s * 1, (x,), (x,))
    jvp(lambda x: (x * 2, x), (x,), (x,), has_aux=True)
    jvp(lambda d, y: d['a'] * y, ({'a': x}, s), ({'a': x}, s))
    jacrev(lambda x, y: (x * 2, x.sum()), argnums=(0,))(x, x)
    jacrev(lambda d: d['a'] * 2)({'a': x})
    jacrev(lambda x: (x * 2, x + 1), has_aux=True)(x)
    jacrev(lambda x: s * 1)(x)
    jacrev(torch.sin, chunk_size=1)(x)
    jacfwd(lambda x, y: (x * 2, x * y.sum()), argnums=(0, 1))(x, x)
    jacfwd(lambda x: x.reshape(1, 2) @ x)(x)
    hessian(lambda x, y: (x * y**2).sum(), argnums=(0, 1))(x, x)
    hessian(lambda d: (d['a'] ** 2).sum())({'a': x})
    hessian(lambda x: x**3)(x)
    vmap(lambda d: d['a'] * d['b'], in_dims=({'a': 0, 'b': None},))({'a': x, 'b': s})
    vmap(lambda a: [a * 2, (a, a)])(x)
    vmap(lambda a: (a, a * 2), out_dims=(0, 1))(m)
    vmap(lambda a: a, out_dims=-1)(m)
    vmap(lambda a, k=None: a * k)(x, k=x)
    vmap(lambda a: s * 1, out_dims=None)(x)
    vmap(lambda a, b: a * b, in_dims=(0, None))(x, 2.0)
    vmap(jacfwd(lambda a: a**2))(m)
    jacrev(vmap(lambda a: a @ a))(m)
    grad(lambda x: vmap(lambda a: a**2)(x).sum())(x)
"""

REFUSED = """
    RuntimeError  grad(torch.sin)(x)
    RuntimeError  grad(lambda x: x[:1] * 2)(x)
    RuntimeError  grad(lambda x: 3.0)(s)
    RuntimeError  grad(lambda x: (x.sum(), x))(x)
    RuntimeError  grad(lambda x: x.sum(), argnums=1)(x)
    RuntimeError  grad(lambda x, y: x.sum(), argnums=(0, 0))(x, x)
    RuntimeError  grad(lambda x, y: x.sum(), argnums=[0])(x, x)
    RuntimeError  grad(lambda x: x.sum())(i)
    RuntimeError  grad(lambda x: x.sum(), has_aux=True)(x)
    ValueError    grad(lambda x: x * 2)(2.0)
    ValueError    grad(lambda d: d['a'].sum() * d['b'])({'a': x, 'b': 2.0})
    RuntimeError  vjp(lambda x: x * 2, x)[1](s)
    RuntimeError  vjp(lambda x: (x * 2, x), x)[1](s)
    RuntimeError  vjp(lambda x: 2.0, x)
    RuntimeError  jvp(torch.sin, x, x)
    RuntimeError  jvp(torch.sin, (x,), (x, x))
    RuntimeError  jvp(torch.sin, (x,), (s,))
    RuntimeError  jvp(lambda x: s, (x,), (x,), strict=True)
    RuntimeError  jacrev(lambda x: x * 2, argnums=2)(x)
    RuntimeError  jacrev(lambda x: 1.0)(x)
    ValueError    jacrev(torch.sin, chunk_size=0)(x)
    ValueError    vmap(lambda: s)()
    ValueError    vmap(lambda a: a)(s)
    ValueError    vmap(lambda a, b: a.sum() * b.sum())(x, m)
    ValueError    vmap(lambda a: a, in_dims=None)(x)
    ValueError    vmap(lambda a, b: a, in_dims=(None, None))(x, x)
    ValueError    vmap(lambda a: a, in_dims=(0, 0))(x)
    ValueError    vmap(lambda a: a, in_dims=1)(x)
    ValueError    vmap(lambda a, b: a * b)(x, 2.0)
    ValueError    vmap(lambda a: 1.0)(x)
    ValueError    vmap(lambda a: a, out_dims=None)(x)
    ValueError    vmap(lambda a: (a, a), out_dims=(0, 1, 1))(m)
    IndexError    vmap(lambda a: a, out_dims=2)(m)
    RuntimeError  vmap(lambda a: a + torch.rand(()))(x)
    ValueError    vmap(lambda a: a, chunk_size=0)(x)
"""


@pytest.mark.parametrize("expression", [line.strip() for line in SAME.strip().splitlines()])
def test_it_gives_what_pytorch_gives(agree: Agree, expression: str) -> None:
    agree(GIVEN, f"r = {expression}", units=64, scale=1.0)  # sums of products of numbers up to 30


@pytest.mark.parametrize("line", [line.strip() for line in REFUSED.strip().splitlines()])
def test_it_refuses_what_pytorch_refuses(agree: Agree, line: str) -> None:
    kind, expression = line.split(maxsplit=1)
    error = {"RuntimeError": RuntimeError, "ValueError": ValueError, "IndexError": IndexError}[kind]
    agree(GIVEN, f"r = {expression}", raises=error)


MORE = {
    "whether results are recorded": """
        recorded = grad(lambda x: (x**2 * w).sum())(x).requires_grad
        constant = grad(lambda x: (x**2).sum() + w)(x).requires_grad
        y, pull = vjp(lambda x: x * 2, x)
        pulled = pull(x)[0].requires_grad, pull(x.clone().requires_grad_())[0].requires_grad
        nested = grad(lambda z: grad(lambda x: x * z)(s))(s).requires_grad
        later = grad(lambda v: pull(v)[0].sum())(x).requires_grad
    """,
    "modules": """
        layer = nn.Linear(2, 1).double()
        weight = torch.ones(1, 2, dtype=torch.float64)
        bias = torch.zeros(1, dtype=torch.float64)
        a = functional_call(layer, {"weight": weight, "bias": bias}, x)
        b = functional_call(layer, [{"weight": weight}, {"bias": bias}], (x,))
        c = functional_call(layer, {"weight": weight, "bias": bias, "other": x}, kwargs={"input": x})
        del layer
    """,
}


@pytest.mark.parametrize("name", MORE)
def test_programs_do_the_same(agree: Agree, name: str) -> None:
    agree(GIVEN, MORE[name])
