"""Jacobians and Hessians at given inputs: closed forms, what strict refuses, and that PyTorch gives the same."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager.autograd import functional
from symdiff.eager.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
from symdiff.errors import OperationError, SettingError, TensorError

Agree = Callable[..., Any]


@pytest.fixture
def agree() -> Agree:
    """The same source on PyTorch; the test is skipped where that is not installed."""
    return importlib.import_module("tests.eager.parity").agree  # type: ignore[no-any-return]


def float64(data: Any) -> torch.Tensor:
    return torch.tensor(data, dtype=torch.float64)


A = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0], [4.0, 0.0, 1.0]])
X = float64([1.0, -2.0, 0.5])
V = float64([0.5, 1.0, -1.0])


def quadratic(x: Any) -> Any:
    return x @ float64(A) @ x


def close(found: torch.Tensor, expected: Any) -> None:
    """Assert that a tensor holds these numbers, to a few operations in float64."""
    np.testing.assert_allclose(found.detach().numpy(), np.asarray(expected), rtol=1e-14)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_the_jacobian_of_a_linear_map_is_its_matrix(strategy: str) -> None:
    close(jacobian(lambda x: float64(A) @ x, X, strategy=strategy), A)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_the_hessian_of_a_quadratic_form_is_its_matrix(strategy: str) -> None:
    close(hessian(quadratic, X, outer_jacobian_strategy=strategy), A + A.T)


def test_products_are_those_with_the_matrices() -> None:
    x, v = X.numpy(), V.numpy()
    linear = lambda x: float64(A) @ x  # noqa: E731
    for value, product, expected in (
        (*vjp(linear, X, V), v @ A),
        (*jvp(linear, X, V), A @ v),
    ):
        close(value, A @ x)
        close(product, expected)
    for value, product in (vhp(quadratic, X, V), hvp(quadratic, X, V)):
        close(value, x @ A @ x)
        close(product, (A + A.T) @ v)


def test_a_product_with_a_jacobian_does_not_take_that_with_its_transpose() -> None:
    class Turned(torch.autograd.Function):
        """Its backward has no symmetric derivative, which tells both products apart."""

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.sum()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * (float64(A) @ x)

    close(vhp(Turned.apply, X, V)[1], V.numpy() @ A)
    close(hvp(Turned.apply, X, V)[1], A @ V.numpy())


def test_results_are_constants_unless_their_graph_is_asked_for() -> None:
    x = X.clone().requires_grad_()
    f = lambda x: (x**3).sum()  # noqa: E731
    for found in (jacobian(f, x), hessian(f, x), *vjp(f, x), *jvp(f, x, V), *vhp(f, x, V), *hvp(f, x, V)):
        assert not found.requires_grad
    for found in (
        jacobian(f, x, create_graph=True),
        hessian(f, x, create_graph=True),
        *vjp(f, x, create_graph=True),
        *jvp(f, x, V, create_graph=True),
        *vhp(f, x, V, create_graph=True),
        *hvp(f, x, V, create_graph=True),
    ):
        assert found.requires_grad


def test_the_graph_of_a_hessian_leads_to_third_derivatives() -> None:
    x = X.clone().requires_grad_()
    hessian(lambda x: (x**4).sum(), x, create_graph=True).sum().backward()
    assert x.grad is not None
    close(x.grad, 24 * X.numpy())


def test_graphs_are_recorded_under_no_grad_where_they_are_asked_for() -> None:
    x = X.clone().requires_grad_()
    with torch.no_grad():
        assert jacobian(torch.sin, x, create_graph=True).requires_grad
        assert not jacobian(torch.sin, x).requires_grad


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: jacobian(lambda x: V, X, strict=True), "Output 0 .* does not require gradients"),
        (lambda: jacobian(lambda x, y: x * 2, (X, V), strict=True), "Output 0 .* independent of input 1"),
        (lambda: jacobian(lambda x: x * 2, X, strict=True, create_graph=True), "jacobian .* independent of input 0"),
        (lambda: hessian(lambda x: x.sum(), X, strict=True), "respect to input 0 is independent"),
        (lambda: vjp(lambda x, y: x * 2, (X, V), X, strict=True), "independent of input 1"),
        (lambda: jvp(lambda x: V, X, V, strict=True), "Output 0"),
        (lambda: hvp(lambda x: x.sum(), X, V, strict=True), "respect to input 0 is independent"),
        (lambda: vhp(lambda x: x.sum(), X, V, strict=True), "respect to input 0 is independent"),
    ],
)
def test_strict_refuses_what_does_not_depend(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(TensorError, match=told):
        call()


def test_strict_lets_pass_what_depends() -> None:
    f = lambda x, y: (x * y, x + y**2)  # noqa: E731
    strict, loose = jacobian(f, (X, V), strict=True), jacobian(f, (X, V))
    assert [[part.tolist() for part in row] for row in strict] == [[part.tolist() for part in row] for row in loose]


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: jacobian(lambda x, y: x, [X, X]), OperationError, "inputs given to jacobian .* not list"),
        (lambda: jacobian(lambda x, y: x, (X, 2.0)), OperationError, "number 1 is a float"),
        (lambda: jacobian(lambda x: 2.0, X), OperationError, "outputs .* not float"),
        (lambda: jacobian(lambda x: (x, 2.0), X), OperationError, "number 1 is a float"),
        (lambda: jacobian(torch.sin, torch.tensor([1, 2])), TensorError, "floating point"),
        (lambda: jacobian(torch.sin, X, strategy="both"), SettingError, "not 'both'"),
        (lambda: hessian(torch.sin, X), TensorError, r"single element, not the shape \[3\]"),
        (lambda: hessian(lambda x: (x.sum(),), X), TensorError, "single Tensor, not a tuple"),
        (lambda: vjp(torch.sin, X), TensorError, "v can only be None if the function returns"),
        (lambda: vjp(torch.sin, X, V[:2]), TensorError, "invalid size"),
        (lambda: vjp(torch.sin, X, 2.0), TensorError, "invalid size: .* got float"),
        (lambda: vjp(torch.sin, X, (V, V)), TensorError, "1 tensors, one for each, not 2"),
        (lambda: jvp(torch.sin, X), TensorError, "v can only be None if the inputs"),
        (lambda: hvp(quadratic, X, V[0]), TensorError, "invalid size"),
    ],
)
def test_a_refusal_says_why(call: Callable[[], Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        call()


def test_the_module_gives_what_it_says() -> None:
    assert set(functional.__all__) == {"hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"}


# ---- the same as PyTorch

GIVEN = """
    import torch.autograd.functional as A
    x = torch.tensor([0.5, -1.0], dtype=torch.float64)
    y = torch.tensor([2.0, 3.0], dtype=torch.float64)
    s = torch.tensor(0.75, dtype=torch.float64)
    i = torch.tensor([1, 2])
    f = lambda x: (x**3).sum()
"""

SAME = """
    A.jacobian(lambda x: x * 2, (x,))
    A.jacobian(lambda x: (x * 2,), x)
    A.jacobian(lambda x, y: (x * y, x.sum()), (x, y))
    A.jacobian(lambda x: s, x)
    A.jacobian(lambda m: m @ m.T, torch.stack([x, y]))
    A.jacobian(torch.sin, x, vectorize=True)
    A.jacobian(torch.sin, x, vectorize=True, strategy='forward-mode')
    A.hessian(f, (x,))
    A.hessian(lambda x, y: (x * y**2).sum(), (x, y))
    A.hessian(lambda x: f(x).reshape(1, 1), x)
    A.hessian(lambda x: x.sum(), x)
    A.vjp(lambda x: x[:1], x)
    A.vjp(lambda x, y: (x * y, x), (x, y), (x, y))
    A.vjp(lambda x, y: (x * y).sum(), (x, y))
    A.vjp(lambda x: s, x, s)
    A.jvp(lambda s: x * s, s)
    A.jvp(lambda x, y: (x * y, x), (x, y), (y, x))
    A.jvp(lambda x: s, x, x)
    A.hvp(f, x, y)
    A.hvp(lambda s: s**3, s)
    A.hvp(lambda x, y: (x * y**2).sum(), (x, y), (y, x))
    A.hvp(lambda x: x.sum(), x, x)
    A.vhp(f, x, y)
    A.vhp(lambda x, y: (x * y**2).sum(), (x, y), (y, x))
"""

REFUSED = """
    TypeError     A.jacobian(lambda x, y: x * y, [x, x])
    TypeError     A.jacobian(lambda x, y: x * y, (x, 2.0))
    TypeError     A.jacobian(lambda x: 2.0, x)
    TypeError     A.jacobian(lambda x: (x, 2.0), x)
    RuntimeError  A.jacobian(lambda x: x * 2.0, i)
    RuntimeError  A.jacobian(lambda x: s, x, strict=True)
    RuntimeError  A.jacobian(lambda x, y: x * 2, (x, y), strict=True)
    RuntimeError  A.jacobian(lambda x: x * 2, x, strict=True, create_graph=True)
    RuntimeError  A.hessian(torch.sin, x)
    RuntimeError  A.hessian(lambda x: (f(x), f(x)), x)
    RuntimeError  A.hessian(lambda x: x.sum(), x, strict=True)
    RuntimeError  A.vjp(torch.sin, x)
    RuntimeError  A.vjp(lambda x: (x.sum(), x.sum()), x)
    RuntimeError  A.vjp(torch.sin, x, s)
    RuntimeError  A.vjp(torch.sin, x, (x, x))
    RuntimeError  A.vjp(lambda x: s, x, s, strict=True)
    RuntimeError  A.jvp(torch.sin, x)
    RuntimeError  A.jvp(torch.sin, x, s)
    RuntimeError  A.jvp(lambda x: s, x, x, strict=True)
    RuntimeError  A.hvp(torch.sin, x, x)
    RuntimeError  A.hvp(f, x)
    RuntimeError  A.hvp(lambda x: x.sum(), x, x, strict=True)
    RuntimeError  A.vhp(lambda x: x.sum(), x, x, strict=True)
"""


@pytest.mark.parametrize("expression", [line.strip() for line in SAME.strip().splitlines()])
def test_it_gives_what_pytorch_gives(agree: Agree, expression: str) -> None:
    agree(GIVEN, f"r = {expression}", units=64, scale=1.0)  # sums of products of numbers up to 30


@pytest.mark.parametrize("line", [line.strip() for line in REFUSED.strip().splitlines()])
def test_it_refuses_what_pytorch_refuses(agree: Agree, line: str) -> None:
    kind, expression = line.split(maxsplit=1)
    agree(GIVEN, f"r = {expression}", raises={"RuntimeError": RuntimeError, "TypeError": TypeError}[kind])
