"""Shapes and selections of tensors: views where NumPy gives one, recorded by rows on whole arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from symdiff.eager.arrays import applied
from symdiff.eager.dtypes import wider
from symdiff.eager.operators import elementwise
from symdiff.eager.tensor import Size, Tensor, made, method, wrapped
from symdiff.errors import ElementError, OperationError, ShapeError, TensorError
from symdiff.ops import OPS
from symdiff.ops.arrays import cat as cat_row
from symdiff.ops.arrays import clone, expand, index, is_basic, permute
from symdiff.ops.arrays import reshape as reshape_row


def _sizes(given: Sequence[Any]) -> tuple[int, ...]:
    """Sizes given one by one or as one tuple."""
    parts = given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given
    return tuple(int(n) for n in parts)


def axis_of(x: Tensor, dim: Any, extra: int = 0) -> int:
    """A dimension counted from the front.

    Raises:
        ElementError: there is no such dimension.
    """
    rank = max(x._value.ndim + extra, 1)
    if not isinstance(dim, int | np.integer):
        raise OperationError(f"a dimension must be a whole number, not {dim!r:.40}")
    if not -rank <= dim < rank:
        raise ElementError(f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})")
    return int(dim) % rank  # type: ignore[no-any-return]


# ---- the same elements in another shape


def _filled(x: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with its -1 replaced by what is left."""
    size = int(x._value.size)
    known = int(np.prod([n for n in shape if n != -1], dtype=np.int64)) if shape else 1
    if shape.count(-1) == 1 and known and size % known == 0:
        shape = tuple(size // known if n == -1 else n for n in shape)
        known = size
    if known != size or any(n < 0 for n in shape):
        raise TensorError(
            f"shape '{list(shape)}' is invalid for input of size {size}: the tensor has shape {list(x.shape)}"
        )
    return shape


@method()
def view(self: Tensor, *shape: Any) -> Tensor:
    """The same memory in another shape; one length may be -1.

    Raises:
        TensorError: the number of elements differs, or the memory does not allow it without a copy.
    """
    return _reshaped(self, shape, "View", True)


@method()
def reshape(self: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape: a view where the memory allows it, else a copy."""
    return _reshaped(self, shape, "View", False)


def _reshaped(x: Tensor, shape: Sequence[Any], name: str, must_share: bool) -> Tensor:
    out = applied(reshape_row, (x,), _filled(x, _sizes(shape)), name=name)
    if out._base is None and out._value.size:
        if must_share:
            raise TensorError(
                "view size is not compatible with input tensor's size and stride. Use .reshape(...) instead."
            )
        if out._node is not None:
            out._node.rename("UnsafeViewBackward0")
    return out


@method()
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same memory in the shape of another tensor."""
    return view(self, tuple(other.shape))


@method()
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor."""
    return reshape(self, tuple(other.shape))


@method()
def flatten(self: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start to end as one."""
    if not self._value.ndim:
        return reshape(self, 1)
    shape, start, end = self._value.shape, axis_of(self, start_dim), axis_of(self, end_dim)
    return reshape(self, (*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :]))


@method()
def ravel(self: Tensor) -> Tensor:
    """All elements along one dimension."""
    return reshape(self, -1)


@method()
def squeeze(self: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of length 1, or without those given where they have length 1."""
    shape = self._value.shape
    axes = range(len(shape)) if dim is None else [axis_of(self, d) for d in (dim if isinstance(dim, tuple) else (dim,))]
    kept = tuple(n for i, n in enumerate(shape) if not (n == 1 and i in axes))
    return applied(reshape_row, (self,), kept, name="Squeeze" if dim is None else "SqueezeBackward1")


@method()
def unsqueeze(self: Tensor, dim: int) -> Tensor:
    """With a dimension of length 1 put in."""
    axis, shape = axis_of(self, dim, 1), self._value.shape
    return applied(reshape_row, (self,), (*shape[:axis], 1, *shape[axis:]), name="Unsqueeze")


@method("expand")
def expanded(self: Tensor, *sizes: Any) -> Tensor:
    """Copies along dimensions of length 1 and new leading ones, without using memory; -1 keeps a length."""
    shape, wanted = self._value.shape, _sizes(sizes)
    lead = len(wanted) - len(shape)
    filled = tuple(shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(wanted))
    return applied(expand, (self,), filled)


@method()
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Copies along dimensions to the shape of another tensor."""
    return expanded(self, tuple(other.shape))


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Copies along dimensions to that shape, without using memory."""
    return expanded(x, tuple(shape))


@method()
def repeat(self: Tensor, *counts: Any) -> Tensor:
    """The tensor copied ``counts[i]`` times along each dimension."""
    times = _sizes(counts)
    shape = (1,) * (len(times) - self._value.ndim) + self._value.shape
    spread = expanded(
        reshape(self, tuple(m for n in shape for m in (1, n))),
        tuple(m for c, n in zip(times, shape, strict=True) for m in (c, n)),
    )
    return _named(reshape(spread, tuple(c * n for c, n in zip(times, shape, strict=True))), "RepeatBackward0")


@method("permute")
def permuted(self: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order."""
    sizes = _sizes(dims)
    axes = tuple(axis_of(self, d) for d in sizes) if len(sizes) == self._value.ndim else sizes
    if sorted(axes) != list(range(self._value.ndim)):
        raise TensorError(f"permute needs each of the {self._value.ndim} dimensions once, not {list(axes)}")
    return applied(permute, (self,), axes)


@method()
def transpose(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    return _exchanged(self, axis_of(self, dim0), axis_of(self, dim1), "Transpose")


def _exchanged(x: Tensor, a: int, b: int, name: str) -> Tensor:
    axes = list(range(x._value.ndim))
    if axes:
        axes[a], axes[b] = axes[b], axes[a]
    return applied(permute, (x,), tuple(axes), name=name)


@method()
def t(self: Tensor) -> Tensor:
    """The transpose of a matrix; a vector is itself."""
    if self._value.ndim > 2:
        raise TensorError(f"t() expects a tensor with <= 2 dimensions, but self is {self._value.ndim}D")
    return (
        _exchanged(self, 0, 1, "T")
        if self._value.ndim == 2
        else applied(permute, (self,), tuple(range(self._value.ndim)), name="T")
    )


def _reversed(self: Tensor) -> Tensor:
    return applied(permute, (self,), tuple(reversed(range(self._value.ndim))), name="Permute")


def _matrix_transposed(self: Tensor) -> Tensor:
    return _exchanged(self, self._value.ndim - 2, self._value.ndim - 1, "Transpose")


Tensor.T = property(_reversed)  # type: ignore[attr-defined]
Tensor.mT = property(_matrix_transposed)  # type: ignore[attr-defined]


@method()
def contiguous(self: Tensor) -> Tensor:
    """The tensor in its own order in memory: itself, or a copy."""
    return self if is_contiguous(self) else applied(clone, (self,))


@method()
def is_contiguous(self: Tensor) -> bool:
    """Whether the elements lie in memory in their own order."""
    return not isinstance(self._value, np.ndarray) or bool(self._value.flags.c_contiguous)


@method()
def stride(self: Tensor, dim: int | None = None) -> Any:
    """The steps in memory, in elements, from one element to the next along each dimension."""
    steps = tuple(s // self._value.itemsize for s in np.asarray(self._value).strides)
    return steps if dim is None else steps[dim]


@method()
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one dimension."""
    return Size(self._value.shape) if dim is None else self._value.shape[axis_of(self, dim)]


@method()
def dim(self: Tensor) -> int:
    """The number of dimensions."""
    return int(self._value.ndim)


@method()
def numel(self: Tensor) -> int:
    """The number of elements."""
    return int(self._value.size)


method("nelement")(numel)


@method()
def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return int(self._value.itemsize)


@method()
def is_floating_point(self: Tensor) -> bool:
    """Whether the dtype is floating."""
    return self._dtype.is_floating_point


@method()
def is_complex(self: Tensor) -> bool:
    """False: there are no complex tensors here."""
    return False


# ---- selections


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


@method()
def gather(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """The elements at the places that ``index`` gives along one dimension."""
    axis = axis_of(self, dim)
    if index._value.ndim != self._value.ndim:
        raise TensorError("Index tensor must have the same number of dimensions as input tensor")
    grid = list(np.indices(index._value.shape, sparse=True))
    grid[axis] = np.asarray(index._value)
    return _named(selected(self, tuple(grid), False), "GatherBackward0")


@method()
def index_select(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at the places that ``index`` gives along one dimension."""
    key = (*(slice(None),) * axis_of(self, dim), np.asarray(index._value))
    return _named(selected(self, key, False), "IndexSelectBackward0")


@method()
def masked_select(self: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is true, along one dimension."""
    full = np.broadcast_to(mask._value, self._value.shape)
    return _named(selected(self, (full,), False), "MaskedSelectBackward0")


def _named(out: Tensor, name: str) -> Tensor:
    if out._node is not None:
        out._node.rename(name)
    return out


@method()
def select(self: Tensor, dim: int, index: int) -> Tensor:
    """One slice along a dimension, which goes."""
    return selected(self, (*(slice(None),) * axis_of(self, dim), int(index), Ellipsis), True)


@method()
def narrow(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A range along a dimension."""
    return selected(self, (*(slice(None),) * axis_of(self, dim), slice(start, start + length), Ellipsis), True)


@method()
def flip(self: Tensor, *dims: Any) -> Tensor:
    """A copy with dimensions reversed."""
    axes = {axis_of(self, d) for d in _sizes(dims)}
    key = tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(self._value.ndim))
    return _named(applied(clone, (applied(index, (self,), key),)), "FlipBackward0")


@method()
def unbind(self: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension."""
    return tuple(_named(select(self, dim, i), "UnbindBackward0") for i in range(self._value.shape[axis_of(self, dim)]))


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
    return tuple(_named(narrow(self, dim, start, n), name) for start, n in zip(starts, lengths, strict=False))


@method()
def chunk(self: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most that many parts along a dimension, of one length but the last."""
    if chunks <= 0:
        raise TensorError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return split(self, max(1, -(-self._value.shape[axis_of(self, dim)] // chunks)), dim)


# ---- several tensors


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
    inputs = tuple((x._node or x) if x._requires else None for x in given)
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
        return tuple(wrapped(axis) for axis in np.nonzero(np.atleast_1d(condition._value)))
    if not isinstance(condition, Tensor):
        return OPS["where"](condition, a, b)
    return elementwise(OPS["where"], (condition, a, b))


@method("where")
def _where(self: Tensor, condition: Tensor, other: Any) -> Any:
    return where(condition, self, other)


@method()
def masked_fill(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy with one number where ``mask`` is true."""
    if mask._dtype.name != "bool":
        raise TensorError(f"masked_fill only supports boolean masks, but got mask with dtype {mask._dtype}")
    given = value if isinstance(value, Tensor) else made(self._dtype.numpy.type(value), self._dtype)
    return _named(elementwise(OPS["where"], (mask, given, self)), "MaskedFillBackward0")


@method()
def nonzero(self: Tensor, *, as_tuple: bool = False) -> Any:
    """The places of elements that are not zero, one a row; as a tuple, the indices along each dimension."""
    if as_tuple:
        return tuple(wrapped(axis) for axis in np.nonzero(np.atleast_1d(self._value)))
    return wrapped(np.argwhere(self._value))


@method()
def tril(self: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of a matrix, with zeros above."""
    return _named(self * wrapped(np.tril(np.ones(self._value.shape, self._dtype.numpy), diagonal)), "TrilBackward0")


@method()
def triu(self: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of a matrix, with zeros below."""
    return _named(self * wrapped(np.triu(np.ones(self._value.shape, self._dtype.numpy), diagonal)), "TriuBackward0")


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
    return _named(flat[..., start : start + length * (columns + 1) : columns + 1], "DiagonalBackward0")


@method()
def diag(self: Tensor) -> Tensor:
    """The diagonal of a matrix, or the matrix with that diagonal."""
    if self._value.ndim == 2:
        return diagonal(self)
    n = self._value.shape[0]
    return _named(unsqueeze(self, 0) * wrapped(np.eye(n, dtype=self._dtype.numpy)), "DiagEmbedBackward0")
