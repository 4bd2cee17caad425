"""Selections of elements: by index, by place, by mask, and triangles and diagonals of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.eager.arrays import applied
from symdiff.eager.modes import MODE
from symdiff.eager.operators import elementwise
from symdiff.eager.shapes import axis_of, permuted, renamed, reshape, sizes_of, unsqueeze
from symdiff.eager.tensor import Tensor, made, method, wrapped
from symdiff.errors import ElementError, OperationError, ShapeError, TensorError
from symdiff.ops import OPS
from symdiff.ops.arrays import clone, index, is_basic


def index_key(x: Tensor, key: Any) -> tuple[Any, bool]:
    """A key for NumPy, with tensors as arrays, and whether it selects a view.

    Raises:
        ElementError: too many indices, or one outside of its dimension.
        OperationError: something that is no index.
    """
    parts = tuple(_index_part(part) for part in (key if isinstance(key, tuple) else (key,)))
    used = sum(
        1 if not isinstance(p, np.ndarray) or p.dtype != bool else p.ndim
        for p in parts
        if p is not None and p is not Ellipsis
    )
    if used > x._value.ndim:
        raise ElementError(f"too many indices for tensor of dimension {x._value.ndim}: {used}")
    basic = is_basic(parts)
    return ((*parts, Ellipsis) if basic and Ellipsis not in parts else parts), basic


def check_length_is_fixed() -> None:
    """Refuse, while a function is compiled, what selects as many elements as values say.

    Raises:
        TensorError: a function is being compiled.
    """
    if MODE.tracer is not None:
        raise TensorError(
            "a mask selects as many elements as its values say, and a compiled function must do the same on every "
            "call: use torch.where(mask, a, b)"
        )


def _index_part(part: Any) -> Any:
    if part is None or part is Ellipsis or type(part) is int:
        return part
    if isinstance(part, slice):
        ends = [None if end is None else int(end) for end in (part.start, part.stop, part.step)]
        if ends[2] is not None and ends[2] <= 0:
            raise ShapeError("step must be greater than zero; flip() reverses a dimension")
        return slice(*ends)
    if isinstance(part, Tensor):
        if part._dtype.rank == 2:
            raise ElementError(f"tensors used as indices must be long, int, or bool tensors, not {part._dtype}")
        if part._dtype.rank == 0:
            check_length_is_fixed()
        return int(part._value) if not part._value.ndim and part._dtype.rank == 1 else np.asarray(part._value)
    if isinstance(part, bool | list | range | np.ndarray):
        array = np.asarray(part)
        return array.astype(np.int64) if array.size == 0 else array
    if isinstance(part, np.integer):
        return int(part)
    raise OperationError(
        f"only integers, slices, ..., None, tensors and lists of integers are indices, not {part!r:.40}"
    )


@method("__getitem__")
def _getitem(self: Tensor, key: Any) -> Tensor:
    return selected(self, *index_key(self, key))


def selected(x: Tensor, parts: Any, basic: bool) -> Tensor:
    """The elements that a key selects."""
    try:
        return applied(index, (x,), parts, name=_index_name(parts) if basic else "Index")
    except IndexError as error:
        raise ElementError(f"{str(error).replace('axis', 'dimension')}; the tensor has shape {list(x.shape)}") from None


def _index_name(parts: Sequence[Any]) -> str:
    """What the graph shows for the last step of a basic key."""
    told = [part for part in parts if part is not Ellipsis]
    if not told:
        return "Alias"
    last = told[-1]
    return "Select" if type(last) is int else "Unsqueeze" if last is None else "Slice"


def _check_places(x: Tensor, dim: int, index: Tensor) -> None:
    """Places are counted from the front, unlike indices."""
    if MODE.tracer is None and index._value.size and index._value.min() < 0:
        raise ElementError(f"index {int(index._value.min())} is out of bounds for dimension {dim}: places count from 0")


@method()
def gather(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """The elements at the places that ``index`` gives along one dimension."""
    axis = axis_of(self, dim)
    _check_places(self, dim, index)
    if index._value.ndim != self._value.ndim:
        raise TensorError("Index tensor must have the same number of dimensions as input tensor")
    grid = list(np.indices(index._value.shape, sparse=True))
    grid[axis] = np.asarray(index._value)
    return renamed(selected(self, tuple(grid), False), "GatherBackward0")


@method()
def index_select(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at the places that ``index`` gives along one dimension."""
    _check_places(self, dim, index)
    key = (*(slice(None),) * axis_of(self, dim), np.asarray(index._value))
    return renamed(selected(self, key, False), "IndexSelectBackward0")


@method()
def masked_select(self: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is true, along one dimension."""
    check_length_is_fixed()
    full = np.broadcast_to(mask._value, self._value.shape)
    return renamed(selected(self, (full,), False), "MaskedSelectBackward0")


@method()
def select(self: Tensor, dim: int, index: int) -> Tensor:
    """One slice along a dimension, which goes."""
    return selected(self, (*(slice(None),) * axis_of(self, dim), int(index), Ellipsis), True)


@method()
def narrow(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A range along a dimension; the start may count from the end.

    Raises:
        TensorError: the range leaves the dimension.
    """
    size = self._value.shape[axis_of(self, dim)]
    start = start + size if start < 0 else start
    if not 0 <= start <= size or length < 0 or start + length > size:
        raise TensorError(f"narrow: start ({start}) and length ({length}) exceed the dimension's size ({size})")
    return selected(self, (*(slice(None),) * axis_of(self, dim), slice(start, start + length), Ellipsis), True)


@method()
def flip(self: Tensor, *dims: Any) -> Tensor:
    """A copy with dimensions reversed."""
    axes = {axis_of(self, d) for d in sizes_of(dims)}
    if len(axes) < len(sizes_of(dims)):
        raise TensorError(f"a dimension appears twice in {list(sizes_of(dims))}")
    key = tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(self._value.ndim))
    return renamed(applied(clone, (applied(index, (self,), key),)), "FlipBackward0")


@method()
def unbind(self: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension."""
    return tuple(renamed(select(self, dim, i), "UnbindBackward0") for i in range(self._value.shape[axis_of(self, dim)]))


@method()
def split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along a dimension: all of one length (the last may be shorter), or of the lengths given."""
    length = self._value.shape[axis_of(self, dim)]
    if isinstance(split_size, int):
        if split_size <= 0:
            raise TensorError(f"split expects split_size be non-negative and not zero, but got {split_size}")
        lengths = [min(split_size, length - start) for start in range(0, max(length, 1), split_size)]
    else:
        lengths = list(split_size)
        if sum(lengths) != length:
            raise TensorError(f"split expects the lengths {lengths} to add up to {length}")
    starts = np.cumsum([0, *lengths]).tolist()
    name = "SplitBackward0" if isinstance(split_size, int) else "SplitWithSizesBackward0"
    return tuple(renamed(narrow(self, dim, start, n), name) for start, n in zip(starts, lengths, strict=False))


@method()
def chunk(self: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most that many parts along a dimension, of one length but the last."""
    if chunks <= 0:
        raise TensorError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return split(self, max(1, -(-self._value.shape[axis_of(self, dim)] // chunks)), dim)


@method()
def masked_fill(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy with one number where ``mask`` is true."""
    if mask._dtype.name != "bool":
        raise TensorError(f"masked_fill only supports boolean masks, but got mask with dtype {mask._dtype}")
    given = value if isinstance(value, Tensor) else made(self._dtype.numpy.type(value), self._dtype)
    return renamed(elementwise(OPS["where"], (mask, given, self)), "MaskedFillBackward0")


@method()
def nonzero(self: Tensor, *, as_tuple: bool = False) -> Any:
    """The places of elements that are not zero, one a row; as a tuple, the indices along each dimension."""
    check_length_is_fixed()
    if as_tuple:
        return tuple(wrapped(axis) for axis in np.nonzero(np.atleast_1d(self._value)))
    return wrapped(np.argwhere(self._value))


def _is_matrix(x: Tensor, name: str) -> None:
    if x._value.ndim < 2:
        raise TensorError(f"{name}: the tensor must have at least 2 dimensions, not {x._value.ndim}")


@method()
def tril(self: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of a matrix, with zeros above."""
    _is_matrix(self, "tril")
    return renamed(self * wrapped(np.tril(np.ones(self._value.shape, self._dtype.numpy), diagonal)), "TrilBackward0")


@method()
def triu(self: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of a matrix, with zeros below."""
    _is_matrix(self, "triu")
    return renamed(self * wrapped(np.triu(np.ones(self._value.shape, self._dtype.numpy), diagonal)), "TriuBackward0")


@method()
def diagonal(self: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as the last one; ``offset`` counts to the right, or down where negative."""
    first, second = axis_of(self, dim1), axis_of(self, dim2)
    if first == second or self._value.ndim < 2:
        error = TensorError if self._value.ndim > 1 else ElementError
        raise error(
            f"diagonal dimensions cannot be identical {dim1}, {dim2} of a tensor of {self._value.ndim} dimensions"
        )
    rest = [i for i in range(self._value.ndim) if i not in (first, second)]
    x = permuted(self, *rest, first, second)
    rows, columns = x._value.shape[-2:]
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = offset if offset >= 0 else -offset * columns
    flat = reshape(x, (*x._value.shape[:-2], rows * columns))
    return renamed(flat[..., start : start + length * (columns + 1) : columns + 1], "DiagonalBackward0")


@method()
def diag(self: Tensor) -> Tensor:
    """The diagonal of a matrix, or the matrix with that diagonal."""
    if self._value.ndim == 2:
        return diagonal(self)
    n = self._value.shape[0]
    return renamed(unsqueeze(self, 0) * wrapped(np.eye(n, dtype=self._dtype.numpy)), "DiagEmbedBackward0")
