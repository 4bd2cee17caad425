"""Parameters: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.eager.dtypes import get_default_dtype
from symdiff.eager.tensor import KINDS, Tensor, wrapped
from symdiff.errors import OperationError, TensorError


class Parameter(Tensor):
    """A leaf tensor that belongs to a model and is trained.

    It shares memory with the tensor that it is made of.

    Args:
        data: a tensor of any shape; none makes a parameter without elements.
        requires_grad: whether backward passes fill its gradient.

    Raises:
        OperationError: the data are no tensor.
        TensorError: a gradient is required of a tensor that is not of floating point.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = wrapped(np.zeros(0, get_default_dtype().numpy))
        if not isinstance(data, Tensor):
            raise OperationError(f"a Parameter is made of a tensor, not of {_kind(data)}: Parameter(torch.tensor(...))")
        if requires_grad and not data._dtype.is_floating_point:
            raise TensorError(f"only Tensors of floating point dtype can require gradients; this one is {data._dtype}")
        self._value = data._array()
        self._dtype = data._dtype
        self._cell = data._cell
        self._requires = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


KINDS.add(Parameter)


def clear_grad(parameter: Tensor, set_to_none: bool) -> None:
    """Drop a gradient, or fill it with zeros that no graph leads to."""
    gradient = parameter._grad
    if set_to_none or gradient is None:
        parameter.grad = None
    elif gradient.requires_grad:
        parameter.grad = gradient.detach().zero_()
    else:
        gradient.zero_()


def _kind(data: Any) -> str:
    return type(data).__name__
