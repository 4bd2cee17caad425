"""Rows on whole arrays: several results at once, sums, shapes, selections and products of matrices.

Every row here is linear in each of its arguments, so that its derivative is its transpose, which
is written with the same rows: ``sum`` and ``expand`` are each other's. What is not linear is a
plain function of these rows and the elementwise ones, and has no rule (`symdiff.eager`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np

from symdiff.ops.core import Names, Op, Overloads, operation

Shape = tuple[int, ...]


def _stacked(*parts: Any) -> Any:
    return np.stack(np.broadcast_arrays(*parts))


vector: Op = operation(
    "vector",
    None,
    _stacked,
    None,  # derivatives go by component
    infix="[]",
    names=Names(sympy="Tuple", latex=r"\begin{pmatrix} {rows} \end{pmatrix}", torch="stack"),
    source="the components along a new leading axis",
)


@dataclass(frozen=True, slots=True, eq=False)
class ArrayOp:
    """An operation on whole arrays, linear in each of them.

    Attributes:
        name: its name in the table.
        value: ``(*arrays, *parameters) -> array``; a row that is a ``view`` gives one where NumPy can.
        pull_back: ``(ybar, i, args, *parameters)``: the cotangent of argument ``i``, with rows and
            operators alone; a single number stands for an array of copies of it. ``args`` are the
            arguments where the row has ``saves``, else their shapes.
        saves: whether the transpose needs the arguments (a product does, a sum does not).
        view: whether the result shares the argument's memory.
        torch: what PyTorch calls it, for the names of its graph.
        source: where value and transpose can be checked.
    """

    name: str
    value: Callable[..., Any]
    pull_back: Callable[..., Any]
    saves: bool = False
    view: bool = False
    torch: str = ""
    source: str = ""

    def __call__(self, args: tuple[Any, ...], *parameters: Any) -> Any:
        """Apply to arrays or to values that overload the table; the first overloading one decides."""
        for arg in args:
            if isinstance(arg, Overloads):
                return arg.apply_array(self, args, parameters)
        return self.value(*args, *parameters)

    def __repr__(self) -> str:
        return f"<array operation {self.name}>"


ARRAY_OPS: Final[dict[str, ArrayOp]] = {}
"""The rows on whole arrays, by name."""


def array_operation(name: str, value: Callable[..., Any], pull_back: Callable[..., Any], **rest: Any) -> ArrayOp:
    """Add a row on whole arrays and return it. See `ArrayOp` for the fields.

    Raises:
        ValueError: the name is taken.
    """
    if name in ARRAY_OPS:
        raise ValueError(f"the table already has an array operation {name!r}")
    ARRAY_OPS[name] = ArrayOp(name, value, pull_back, **rest)
    return ARRAY_OPS[name]


# ---- sums, and what they are the transposes of


def _kept(shape: Shape, axes: tuple[int, ...] | None) -> Shape:
    """The shape of a reduction that keeps the axes it sums over."""
    return tuple(1 if axes is None or i in axes else n for i, n in enumerate(shape))


def _spread(ybar: Any, shape: Shape, axes: tuple[int, ...] | None, kept: bool) -> Any:
    if axes is None and not isinstance(ybar, Overloads):
        return ybar.reshape(())[()] if kept else ybar  # one number stands for all its copies
    return expand((ybar if kept else reshape((ybar,), _kept(shape, axes)),), shape)


def _count(shape: Shape, axes: tuple[int, ...] | None) -> int:
    return prod(shape if axes is None else [shape[i] for i in axes])


_MANY = 64  # rows, from which on a product with ones is faster than a sum over the first axis (up to 7 times)


@lru_cache(maxsize=64)
def _ones(n: int, dtype: Any) -> Any:
    return np.ones(n, dtype)


def _reduced(x: Any, axes: tuple[int, ...] | None, kept: bool) -> Any:
    if axes == (0,) and not kept and x.ndim == 2 and x.shape[0] >= _MANY and x.shape[1] > 1 and x.dtype.kind == "f":
        return np.dot(_ones(x.shape[0], x.dtype), x)
    return x.sum(axis=axes, keepdims=kept) if kept else np.add.reduce(x, axis=axes)


def _sum_to(x: Any, shape: Shape) -> Any:
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    axes = tuple([i for i, n in enumerate(x.shape) if i < lead or (shape[i - lead] == 1 and n != 1)])
    summed = _reduced(x, axes, False) if axes else x
    return summed if getattr(summed, "shape", None) == shape else np.reshape(summed, shape)


def _mean(x: Any, axes: tuple[int, ...] | None, kept: bool) -> Any:
    return _reduced(x, axes, kept) / _count(x.shape, axes)


total: ArrayOp = array_operation(
    "sum",
    _reduced,
    lambda ybar, i, shapes, axes, kept: _spread(ybar, shapes[0], axes, kept),
    torch="Sum",
    source="the transpose of a sum gives every term the same cotangent",
)
mean: ArrayOp = array_operation(
    "mean",
    _mean,
    lambda ybar, i, shapes, axes, kept: _spread(ybar / _count(shapes[0], axes), shapes[0], axes, kept),
    torch="Mean",
    source="a sum divided by the number of its terms",
)
expand: ArrayOp = array_operation(
    "expand",
    lambda x, shape: np.broadcast_to(x, shape),
    lambda ybar, i, shapes, shape: sum_to((ybar,), shapes[0]),
    view=True,
    torch="Expand",
    source="copies along axes; the transpose sums over them",
)
sum_to: ArrayOp = array_operation(
    "sum_to",
    _sum_to,
    lambda ybar, i, shapes, shape: expand((ybar,), shapes[0]),
    torch="SumTo",
    source="the transpose of broadcasting: the sum over the axes that were copied",
)
cumsum: ArrayOp = array_operation(
    "cumsum",
    lambda x, axis: np.cumsum(x, axis=axis, dtype=x.dtype),
    lambda ybar, i, shapes, axis: _from_the_end(ybar, len(shapes[0]), axis),
    torch="Cumsum",
    source="a lower triangle of ones; its transpose sums from the end",
)


def _from_the_end(ybar: Any, rank: int, axis: int) -> Any:
    backwards = tuple(slice(None, None, -1) if i == axis else slice(None) for i in range(rank))
    return index((cumsum((index((ybar,), backwards),), axis),), backwards)


# ---- shapes

reshape: ArrayOp = array_operation(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    lambda ybar, i, shapes, shape: reshape((ybar,), shapes[0]),
    view=True,
    torch="View",
    source="the same elements in the same order",
)
permute: ArrayOp = array_operation(
    "permute",
    lambda x, axes: np.transpose(x, axes),
    lambda ybar, i, shapes, axes: permute((ybar,), tuple(int(k) for k in np.argsort(axes))),
    view=True,
    torch="Permute",
    source="the inverse permutation undoes it",
)
clone: ArrayOp = array_operation(
    "clone",
    lambda x: np.copy(x, order="C"),
    lambda ybar, i, shapes: ybar,
    torch="Clone",
    source="the identity",
)
cast: ArrayOp = array_operation(
    "cast",
    lambda x, dtype, before: x.astype(dtype),
    lambda ybar, i, shapes, dtype, before: cast((ybar,), before, dtype),
    torch="ToCopy",
    source="rounding to another dtype counts as the identity",
)


# ---- selections


def _put(x: Any, key: Any, shape: Shape) -> Any:
    out = np.zeros_like(x, shape=shape)
    if is_basic(key):
        out[key] = x  # no element is selected twice
    else:
        np.add.at(out, key, x)
    return out


def is_basic(key: Any) -> bool:
    """Whether NumPy takes a view for this key: whole numbers, slices, None and ``...`` alone."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or type(part) is int or isinstance(part, slice) for part in parts)


index: ArrayOp = array_operation(
    "index",
    lambda x, key: x[key],
    lambda ybar, i, shapes, key: put((ybar,), key, shapes[0]),
    view=True,
    torch="Index",
    source="selected elements; the transpose adds each back to its place",
)
put: ArrayOp = array_operation(
    "put",
    _put,
    lambda ybar, i, shapes, key, shape: index((ybar,), key),
    torch="IndexPut",
    source="zeros with the elements added at their places: the transpose of a selection",
)


def _part(shapes: Sequence[Shape], i: int, axis: int) -> tuple[slice, ...]:
    """The place of the i-th array in a concatenation."""
    start = sum(shape[axis] for shape in shapes[:i])
    return (*(slice(None),) * axis, slice(start, start + shapes[i][axis]))


cat: ArrayOp = array_operation(
    "cat",
    lambda *values: np.concatenate(values[:-1], axis=values[-1]),
    lambda ybar, i, shapes, axis: index((ybar,), _part(shapes, i, axis)),
    torch="Cat",
    source="arrays one after the other; the transpose takes each one's part",
)

Steps = tuple[tuple[ArrayOp, tuple[Any, ...]], ...]


def through(x: Any, steps: Steps) -> Any:
    """Apply rows of one argument one after the other: how a view comes from its base."""
    for row, parameters in steps:
        x = row((x,), *parameters)
    return x


def _replaced(base: Any, new: Any, steps: Steps) -> Any:
    out = np.copy(base, order="C")
    if steps and steps[-1][0] is index:
        through(out, steps[:-1])[steps[-1][1][0]] = new  # a mask or list of places gives no view
    else:
        through(out, steps)[...] = new
    return out


replace: ArrayOp = array_operation(
    "replace",
    _replaced,
    lambda ybar, i, shapes, steps: through(ybar, steps) if i else replace((ybar, 0.0), steps),
    torch="CopySlices",
    source="a part of an array overwritten: the part's cotangent goes to what was written, the rest to the array",
)


# ---- products


def _product(a: Any, b: Any) -> Any:
    # of two matrices the same, in a quarter of the time where the inner length is 1
    return np.dot(a, b) if a.ndim == b.ndim == 2 else np.matmul(a, b)


def _swapped(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.swapaxes(-1, -2)
    rank = len(x.shape)
    return permute((x,), (*range(rank - 2), rank - 1, rank - 2))


def _matmul_back(ybar: Any, i: int, args: tuple[Any, ...]) -> Any:
    """For ``y = a @ b``: ``ybar @ b.T`` and ``a.T @ ybar``, with vectors as matrices of one row or column."""
    a, b = args
    if isinstance(ybar, np.ndarray) and a.ndim == b.ndim == 2:  # the case that must be fast
        return np.dot(ybar, b.T) if i == 0 else np.dot(a.T, ybar)
    shape = tuple(args[i].shape)
    if len(a.shape) == 1:
        a = reshape((a,), (1, *a.shape))
        ybar = reshape((ybar,), (*ybar.shape[:-1], 1, *ybar.shape[-1:]) if len(b.shape) > 1 else (1,))
    if len(b.shape) == 1:
        b = reshape((b,), (*b.shape, 1))
        ybar = reshape((ybar,), (*ybar.shape, 1))
    part = matmul((ybar, _swapped(b))) if i == 0 else matmul((_swapped(a), ybar))
    if part.shape == shape:
        return part
    if len(shape) == 1:  # a vector that was used as a matrix, by every matrix of a stack
        return reshape((sum_to((part,), tuple(part.shape[-2:])),), shape)
    return sum_to((part,), shape)


matmul: ArrayOp = array_operation(
    "matmul",
    _product,
    _matmul_back,
    saves=True,
    torch="Mm",
    source="Giles, 'Collected matrix derivative results for forward and reverse mode AD' (2008), section 2.2.2",
)


def _affine_back(ybar: Any, i: int, args: tuple[Any, ...]) -> Any:
    x, weight, bias = args
    if i == 0:
        return matmul((ybar, weight))
    if i == 2:
        return sum_to((ybar,), tuple(bias.shape))
    if len(x.shape) != 2:  # a vector, or a batch of batches
        x = reshape((x,), (-1, x.shape[-1]))
        ybar = reshape((ybar,), (-1, ybar.shape[-1]))
    return matmul((_swapped(ybar), x))


affine: ArrayOp = array_operation(
    "affine",
    lambda x, weight, bias: _product(x, weight.T) + bias,
    _affine_back,
    saves=True,
    torch="Addmm",
    source="x @ weight.T + bias: the transposes of a product and of broadcasting",
)


def _einsum_back(ybar: Any, i: int, args: tuple[Any, ...], terms: tuple[str, ...], out: str) -> Any:
    """The cotangent of one operand: the product of the cotangent with the others, over the other letters."""
    others = [arg for k, arg in enumerate(args) if k != i]
    return einsum((ybar, *others), (out, *(term for k, term in enumerate(terms) if k != i)), terms[i])


def _einsum(*values: Any) -> Any:
    *arrays, terms, out = values
    return np.einsum(f"{','.join(terms)}->{out}", *arrays)


einsum: ArrayOp = array_operation(
    "einsum",
    _einsum,
    _einsum_back,
    saves=True,
    torch="Einsum",
    source="linear in each operand; every letter of a term stands in another term or in the result, none twice in one",
)
