"""Copies of tensors, in their own dtype or another, with the graph or without it."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.eager import dtypes
from symdiff.eager.arrays import applied
from symdiff.eager.creation import check_device
from symdiff.eager.dtypes import as_dtype, dtype, float64, int64
from symdiff.eager.storage import value
from symdiff.eager.tensor import Tensor, made, method
from symdiff.eager.tensor import device as Device  # noqa: N812  # arguments are called device
from symdiff.errors import OperationError, TensorError
from symdiff.ops.arrays import cast, clone


@method()
def cpu(self: Tensor) -> Tensor:
    """The tensor itself: all tensors are on the processor."""
    return self


@method("to")
def converted(self: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False) -> Tensor:
    """The tensor in another dtype (given as such, as a name, or as a tensor's); itself where that is its own."""
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg._dtype
        elif isinstance(arg, Device) or (
            isinstance(arg, str) and arg.split(":", maxsplit=1)[0] in ("cpu", "cuda", "mps")
        ):
            device = arg
        elif not isinstance(arg, bool):
            dtype = arg
    check_device(device)
    kind = self._dtype if dtype is None else as_dtype(dtype)
    if kind is self._dtype:
        return self.clone() if copy else self
    if kind.is_floating_point and self._dtype.is_floating_point:
        out = applied(cast, (self,), kind.numpy, self._dtype.numpy)
        out._dtype = kind
        return out
    with np.errstate(all="ignore"):
        return made(value(self).astype(kind.numpy), kind)


@method("type")
def _type(self: Tensor, kind: Any = None) -> Any:
    """The tensor in another dtype; without one, the name of its type."""
    if kind is not None:
        return converted(self, kind)
    names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool"}
    return f"torch.{names.get(self._dtype.name, self._dtype.name)}Tensor"


def _conversion(name: str, kind: dtype) -> None:
    def convert(self: Tensor) -> Tensor:
        return converted(self, kind)

    convert.__doc__ = f"The tensor as {kind.name}."
    method(name)(convert)


for _name, _target in (
    ("float", dtypes.float32),
    ("double", float64),
    ("long", int64),
    ("int", dtypes.int32),
    ("bool", dtypes.bool_),
):
    _conversion(_name, _target)


@method("clone")
def _clone(self: Tensor, **_: Any) -> Tensor:
    """A copy that is part of the graph."""
    return applied(clone, (self,))


@method()
def detach(self: Tensor) -> Tensor:
    """The same memory without the graph: operations on it are not recorded for this tensor's inputs."""
    out = made(self._array(), self._dtype)
    out._cell = self._cell
    return out


@method()
def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off its graph, in place."""
    if self._base is not None:
        raise TensorError("can't detach views in-place; use detach() instead")
    self._node, self._requires, self._retains = None, False, False
    return self


def _get_data(self: Tensor) -> Tensor:
    """The same memory without the graph, and without a memory of changes: backward does not notice them."""
    return made(self._array(), self._dtype)


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise OperationError(f"data must be a tensor, not {type(value).__name__}")
    self._value = value._array()
    self._dtype = value._dtype


Tensor.data = property(_get_data, _set_data)  # type: ignore[attr-defined]
