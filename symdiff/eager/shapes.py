"""Shapes and selections of tensors: views where NumPy gives one, recorded by rows on whole arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.eager.arrays import applied
from symdiff.eager.tensor import Size, Tensor, method
from symdiff.errors import ElementError, OperationError, TensorError
from symdiff.ops.arrays import clone, expand, permute
from symdiff.ops.arrays import reshape as reshape_row


def sizes_of(given: Sequence[Any]) -> tuple[int, ...]:
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


def renamed(out: Tensor, name: str) -> Tensor:
    """Show the node of a result under another name."""
    if out._node is not None:
        out._node.rename(name)
    return out


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
    out = applied(reshape_row, (x,), _filled(x, sizes_of(shape)), name=name)
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
    shape, start, end = self._value.shape, axis_of(self, start_dim), axis_of(self, end_dim)
    if len(shape) < 2:
        return self if shape else reshape(self, 1)
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
    shape, wanted = self._value.shape, sizes_of(sizes)
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
    times = sizes_of(counts)
    if len(times) < self._value.ndim:
        raise TensorError(f"repeat needs a count for each of the {self._value.ndim} dimensions, not {list(times)}")
    shape = (1,) * (len(times) - self._value.ndim) + self._value.shape
    spread = expanded(
        reshape(self, tuple(m for n in shape for m in (1, n))),
        tuple(m for c, n in zip(times, shape, strict=True) for m in (c, n)),
    )
    flat = reshape(spread, tuple(c * n for c, n in zip(times, shape, strict=True)))
    return renamed(flat if flat._base is None else applied(clone, (flat,)), "RepeatBackward0")


@method("permute")
def permuted(self: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order."""
    sizes = sizes_of(dims)
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
