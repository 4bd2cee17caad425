"""Python functions run on tensors, for `symdiff.compare`: their formula, and the gradient that they give themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symdiff.comparing import Run
from symdiff.eager.creation import tensor
from symdiff.eager.dtypes import dtype, float32, float64
from symdiff.eager.gradients import grad
from symdiff.eager.look.formulas import closed_form
from symdiff.eager.look.naming import Names
from symdiff.eager.modes import enable_grad
from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, TensorError
from symdiff.expr import Expr
from symdiff.text.names import checked_name, spelled
from symdiff.tracing import arranged, function_name


def run_on_tensors(function: Callable[..., Any], point: Mapping[str, Any]) -> Run:
    """What a function gives on tensors at a point: on float64, or where its own tensors do not fit these, on float32.

    Tensors of its own that require gradients, as the parameters of a module do, are constants.

    Raises:
        OperationError: it returns no tensor of one element.
    """
    try:
        return _run(function, point, float64)
    except TensorError:
        return _run(function, point, float32)


def _run(function: Callable[..., Any], point: Mapping[str, Any], kind: dtype) -> Run:
    leaves = {checked_name(name): _leaf(name, value, kind) for name, value in point.items()}
    positional, named = arranged(function, leaves, by_name=True)
    with enable_grad():
        y = function(*positional, **named)
        if not isinstance(y, Tensor) or y._value.size != 1:
            what = f"a tensor of shape {list(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
            raise OperationError(
                f"{function_name(function)} returned {what}; compare needs one number: y.sum(), or y[0]"
            )
        y = y.reshape(())
    parts = grad(y, [*leaves.values()], retain_graph=True, materialize_grads=True) if y._requires else ()
    at: dict[str, float] = {}
    gradient: dict[str, float] = {}
    for name, x in leaves.items():
        at |= _by_element(name, x)
    for name, part in zip(leaves, parts, strict=bool(parts)):
        gradient |= _by_element(name, part)
    unit = float(np.finfo(y._dtype.numpy).eps) / float(np.finfo(np.float64).eps)
    return Run(float(y), at, gradient, lambda: _formula(y, leaves, at), unit)


def _leaf(name: str, value: Any, kind: dtype) -> Tensor:
    x = tensor(value.tolist() if isinstance(value, Tensor) else value, dtype=kind, requires_grad=True)
    x.name = checked_name(name)
    return x


def _formula(y: Tensor, leaves: Mapping[str, Tensor], at: Mapping[str, float]) -> Expr:
    found = closed_form(y, Names({}, None), {*leaves.values()})
    return Expr(found.node, tuple(at))


def _by_element(name: str, x: Tensor) -> dict[str, float]:
    """The elements of a tensor by the names that formulas give them."""
    array = np.asarray(x._value)
    return {spelled(name, place) if place else name: float(array[place]) for place in np.ndindex(array.shape)}
