"""Several tensors made into one: one after the other, stacked, or chosen between."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from symdiff.eager.arrays import applied
from symdiff.eager.dtypes import wider
from symdiff.eager.operators import edge_of, elementwise
from symdiff.eager.selections import check_length_is_fixed
from symdiff.eager.shapes import axis_of, expanded, reshape, transpose, unsqueeze
from symdiff.eager.tensor import Tensor, method, wrapped
from symdiff.errors import OperationError, TensorError
from symdiff.ops import OPS
from symdiff.ops.arrays import cat as cat_row


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after the other along a dimension.

    Raises:
        TensorError: no tensors, or shapes that differ elsewhere; the message shows them.
    """
    given = _common_dtype(tensors)
    axis = axis_of(given[0], dim)
    shapes = [x._value.shape for x in given]
    if any(
        shape[:axis] + shape[axis + 1 :] != shapes[0][:axis] + shapes[0][axis + 1 :] or not shape for shape in shapes
    ):
        raise TensorError(
            f"cat along dimension {axis} of tensors with shapes {', '.join(str(list(s)) for s in shapes)}"
        )
    return applied(cat_row, given, axis)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new dimension."""
    given = _common_dtype(tensors)
    shapes = {x._value.shape for x in given}
    if len(shapes) > 1:
        raise TensorError(
            f"stack expects each tensor to be equal size, but got {' and '.join(str(list(s)) for s in shapes)}"
        )
    axis = axis_of(given[0], dim, 1)
    inputs = tuple(map(edge_of, given))
    out = applied(cat_row, [unsqueeze(x, axis) for x in given], axis)
    if out._node is not None:
        out._node.rename("StackBackward0", inputs)
    return out


def _common_dtype(tensors: Sequence[Tensor]) -> list[Tensor]:
    given = list(tensors)
    if not given:
        raise TensorError("expected a non-empty list of Tensors")
    for x in given:
        if not isinstance(x, Tensor):
            raise OperationError(f"expected Tensor as element in argument 0, but got {type(x).__name__}")
    if len({x._dtype for x in given}) == 1:
        return given
    kind = reduce(wider, [x._dtype for x in given])
    return [x.to(kind) for x in given]


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one after the other along the second dimension; vectors along their only one."""
    return cat(tensors, 0 if tensors[0]._value.ndim < 2 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors as rows, or rows below rows."""
    return cat([x.unsqueeze(0) if x._value.ndim < 2 else x for x in tensors], 0)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid: one tensor of the grid's shape for each vector; ``"xy"`` swaps the first two.

    Raises:
        TensorError: another indexing.
    """
    if indexing not in ("ij", "xy"):
        raise TensorError(f"meshgrid's indexing must be 'ij' or 'xy', not {indexing!r}")
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors
    shape = tuple(x.numel() for x in given)
    grids = [expanded(reshape(x, (*(1,) * i, -1, *(1,) * (len(shape) - i - 1))), shape) for i, x in enumerate(given)]
    return tuple(transpose(g, 0, 1) if indexing == "xy" and len(shape) > 1 else g for g in grids)


def where(condition: Any, a: Any = None, b: Any = None) -> Any:
    """``a`` where the condition holds, else ``b``; with the condition alone, the places where it holds."""
    if a is None and b is None:
        check_length_is_fixed()
        return tuple(wrapped(axis) for axis in np.nonzero(np.atleast_1d(condition._value)))
    if not isinstance(condition, Tensor):
        return OPS["where"](condition, a, b)
    return elementwise(OPS["where"], (condition, a, b))


@method("where")
def _where(self: Tensor, condition: Tensor, other: Any) -> Any:
    return where(condition, self, other)
