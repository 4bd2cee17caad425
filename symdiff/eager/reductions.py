"""Sums and what is made of them. Only sum, mean and cumsum have rows; the others are compositions.

A composition is shown in graphs under its own name, and looks like one operation there.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from symdiff.eager import dtypes
from symdiff.eager.arrays import applied, whole
from symdiff.eager.joining import cat
from symdiff.eager.modes import no_grad
from symdiff.eager.operators import edge_of, elementwise, unary
from symdiff.eager.selections import gather
from symdiff.eager.shapes import axis_of, reshape
from symdiff.eager.storage import quietly, value
from symdiff.eager.tensor import Tensor, made, method, wrapped
from symdiff.errors import ElementError, TensorError
from symdiff.ops import OPS
from symdiff.ops.arrays import cumsum as cumsum_row
from symdiff.ops.arrays import mean as mean_row
from symdiff.ops.arrays import total


class Extremum(namedtuple("_Pair", ["values", "indices"])):  # a base with an attribute of its own
    """What ``max`` and ``min`` give along a dimension, and ``sort``."""

    __slots__ = ()
    name = "max"

    def __repr__(self) -> str:
        return f"torch.return_types.{self.name}(\nvalues={self.values!r},\nindices={self.indices!r})"


class Minimum(Extremum):
    """The same under another name."""

    __slots__ = ()
    name = "min"


class Sorted(Extremum):
    """The same under another name."""

    __slots__ = ()
    name = "sort"


def named(name: str, inputs: Sequence[Any], result: Tensor) -> Tensor:
    """Give the last node of a composition the name of the whole, with the composition's inputs."""
    if result._node is not None:
        result._node.rename(name if "Backward" in name else f"{name}Backward0", tuple(map(edge_of, inputs)))
    return result


def composite(name: str) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Show a function of one tensor in graphs under its own name."""

    def wrap(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @wraps(function)
        def call(self: Tensor, *args: Any, **options: Any) -> Tensor:
            return named(name, (self,), function(self, *args, **options))

        return call

    return wrap


def _axes(x: Tensor, dim: Any) -> tuple[int, ...] | None:
    """The dimensions to reduce; None for all."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return None
    if not isinstance(dim, tuple | list):
        return (axis_of(x, dim),) if x._value.ndim else None
    found = tuple(axis_of(x, d) for d in dim)
    if len(set(found)) < len(found):
        raise TensorError(f"a dimension appears twice in {list(dim)}")
    return found


def _count(x: Tensor, axes: tuple[int, ...] | None) -> int:
    return int(x._value.size if axes is None else np.prod([x._value.shape[i] for i in axes]))


def _floating(x: Tensor, what: str) -> Tensor:
    if not x._dtype.is_floating_point:
        raise TensorError(
            f"{what}(): could not infer output dtype. Input dtype must be floating point; got: {x._dtype}"
        )
    return x


@method("sum")
def sum_(self: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None) -> Tensor:
    """The sum over all elements, or over dimensions. Integers and booleans give int64."""
    dim = axis if dim is None else dim
    if dim is None and dtype is None and not keepdim:
        found = whole(total, self)
        if found is not None:
            return found
    x = self if dtype is None else self.to(dtype)
    if not x._dtype.is_floating_point and dtype is None:
        x = x.to(dtypes.int64)
    axes = _axes(x, dim)
    return applied(total, (x,), axes, keepdim, name="Sum" if axes is None else "SumBackward1")


@method()
def mean(self: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None) -> Tensor:
    """The mean over all elements, or over dimensions."""
    dim = axis if dim is None else dim
    if dim is None and dtype is None and not keepdim:
        found = whole(mean_row, self)
        if found is not None:
            return found
    x = _floating(self if dtype is None else self.to(dtype), "mean")
    axes = _axes(x, dim)
    return applied(mean_row, (x,), axes, keepdim, name="Mean" if axes is None else "MeanBackward1")


def _variance(x: Tensor, dim: Any, unbiased: bool, keepdim: bool, correction: float | None) -> Tensor:
    axes = _axes(x, dim)
    away = x - applied(mean_row, (_floating(x, "var"),), axes, True)
    free = _count(x, axes) - (correction if correction is not None else int(unbiased))
    return sum_(away * away, axes, keepdim) / float(max(free, 0))


@method()
@composite("Var")
def var(
    self: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> Tensor:
    """The variance; by default divided by n - 1."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return _variance(self, dim, unbiased, keepdim, correction)


@method()
@composite("Std")
def std(
    self: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> Tensor:
    """The standard deviation; by default of n - 1."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return unary("sqrt")(_variance(self, dim, unbiased, keepdim, correction))  # type: ignore[no-any-return]


@method()
@composite("Cumsum")
def cumsum(self: Tensor, dim: int) -> Tensor:
    """The sums up to each element along a dimension."""
    x = self if self._dtype.is_floating_point else self.to(dtypes.int64)
    return applied(cumsum_row, (x,), axis_of(x, dim)) if x._value.ndim else x.clone()


@method()
def prod(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The product of all elements, or along a dimension.

    Halves are multiplied with each other until one element is left, so that the derivative is
    right where elements are zero, to any order.
    """
    return named("Prod" if dim is None else "ProdBackward1", (self,), _product(self, dim, keepdim))


def _product(self: Tensor, dim: Any, keepdim: bool) -> Tensor:
    x = self if self._dtype.is_floating_point else self.to(dtypes.int64)
    axis = 0 if dim is None else axis_of(x, dim)
    x = reshape(x, -1) if dim is None or not x._value.ndim else x
    while x._value.shape[axis] > 1:
        half = x._value.shape[axis] // 2
        product = x.narrow(axis, 0, half) * x.narrow(axis, half, half)
        rest = x.narrow(axis, 2 * half, x._value.shape[axis] - 2 * half)
        x = cat([product, rest], axis) if rest._value.shape[axis] else product
    if not x._value.shape[axis]:
        x = wrapped(np.ones((*x._value.shape[:axis], 1, *x._value.shape[axis + 1 :]), x._dtype.numpy))
    if x._base is not None:  # one factor: the result must not share its memory
        x = x.clone()
    if dim is None:
        return reshape(x, (1,) * self._value.ndim if keepdim else ())
    return x if keepdim else x.squeeze(axis)


# ---- extrema


def _extremum(name: str, row: str) -> Callable[..., Any]:
    pick = getattr(np, f"arg{name}")
    pair = Extremum if name == "max" else Minimum

    def extremum(self: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, Tensor):
            return elementwise(OPS[row], (self, dim))
        if dim is None:
            return named(f"{name.capitalize()}Backward1", (self,), _shared(self, None, False, getattr(np, name)))
        axis = axis_of(self, dim)
        _not_empty(self, name, axis)
        if not self._value.ndim:
            return pair(self.clone(), wrapped(np.int64(0)))
        places = made(pick(_nan_first(value(self), name), axis=axis, keepdims=True), dtypes.int64)
        values = gather(self, axis, places)
        if not keepdim:
            values, places = values.squeeze(axis), places.squeeze(axis)
        return pair(named(name.capitalize(), (self,), values), places)

    extremum.__doc__ = (
        f"The {row}imum of all elements; along a dimension with its place; or of two tensors, elementwise."
    )
    return extremum


def _nan_first(value: Any, name: str) -> Any:
    """NumPy's argmax and argmin find a nan as PyTorch's do; booleans become integers."""
    return value.astype(np.int8) if value.dtype == bool else value


def _not_empty(x: Tensor, name: str, axis: int | None) -> None:
    if not x._value.size and (axis is None or not x._value.shape[axis]):
        raise (TensorError if axis is None else ElementError)(
            f"{name}(): the tensor has no elements; its shape is {list(x.shape)}"
        )


def _shared(x: Tensor, dim: Any, keepdim: bool, reduce: Callable[..., Any]) -> Tensor:
    """The extremum over dimensions; elements that tie share the gradient evenly."""
    axes = _axes(x, dim)
    _not_empty(x, reduce.__name__, None)
    best = quietly(lambda: reduce(value(x), axis=axes, keepdims=True))
    if not x._requires:
        return wrapped(best if keepdim else (best.reshape(()) if axes is None else np.squeeze(best, axes))[()])
    with no_grad():
        reached = x == made(best, x._dtype)
        weights = reached.to(x._dtype)
        weights = weights / sum_(weights, axes, True)
        there = x.detach().masked_fill(~reached, 0.0)
    # the value comes from x alone; elements that are not reached may be infinite
    return sum_(elementwise(OPS["where"], (reached, x, there)) * weights, axes, keepdim)


method("max")(_extremum("max", "max"))
method("min")(_extremum("min", "min"))


@method()
@composite("Amax")
def amax(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The maximum over dimensions; elements that tie share the gradient evenly."""
    return _shared(self, dim, keepdim, np.max)


@method()
@composite("Amin")
def amin(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The minimum over dimensions; elements that tie share the gradient evenly."""
    return _shared(self, dim, keepdim, np.min)


def _place(name: str) -> Callable[..., Tensor]:
    pick = getattr(np, name)

    def place(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        axis = None if dim is None else axis_of(self, dim)
        if not self._value.size and (axis is None or not self._value.shape[axis]):
            raise ElementError(f"{name}(): Expected reduction dim to be specified for an empty tensor")
        found = pick(_nan_first(value(self), name), axis=axis if self._value.ndim else None, keepdims=keepdim)
        return made(found, dtypes.int64)

    place.__doc__ = f"Where the {name[3:]}imum is: among all elements in their order, or along a dimension."
    return place


method("argmax")(_place("argmax"))
method("argmin")(_place("argmin"))


# ---- made of exponentials


@method()
@composite("Logsumexp")
def logsumexp(self: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(x)))`` over dimensions, without overflow."""
    top = _top(_floating(self, "logsumexp"), dim)
    logarithm: Tensor = unary("log")(sum_(unary("exp")(self - top), dim, keepdim))
    return logarithm + top.reshape(logarithm.shape)  # type: ignore[no-any-return]


def _top(x: Tensor, dim: Any) -> Tensor:
    """The largest element over dimensions as a constant, 0 where it is infinite."""
    given = value(x)
    axes = _axes(x, dim)
    if not given.size:
        kept = tuple(1 if axes is None or i in axes else n for i, n in enumerate(given.shape))
        return made(np.zeros(kept, given.dtype), x._dtype)
    best = np.max(given, axis=axes, keepdims=True)
    return made(np.where(np.isfinite(best), best, 0).astype(given.dtype), x._dtype)


@method()
@composite("Softmax")
def softmax(self: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """``exp(x)/sum(exp(x))`` along a dimension, without overflow."""
    x = _floating(self if dtype is None else self.to(dtype), "softmax")
    axis = axis_of(x, -1 if dim is None else dim)
    powers = unary("exp")(x - _top(x, axis))
    return powers / sum_(powers, axis, True)  # type: ignore[no-any-return]


@method()
@composite("LogSoftmax")
def log_softmax(self: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`, without its loss of digits."""
    x = _floating(self if dtype is None else self.to(dtype), "log_softmax")
    return x - logsumexp(x, axis_of(x, -1 if dim is None else dim), True)


@method()
@composite("LinalgVectorNorm")
def norm(self: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The p-norm of all elements, or over dimensions; ``"fro"`` is 2."""
    x = _floating(self, "norm")
    if p in ("fro", 2):
        return unary("sqrt")(sum_(x * x, dim, keepdim))  # type: ignore[no-any-return]
    size = unary("abs")(x)
    if p == 1:
        return sum_(size, dim, keepdim)
    if p in (float("inf"), float("-inf")):
        return amax(size, dim, keepdim) if p > 0 else amin(size, dim, keepdim)
    if p == 0:
        return sum_((x != 0).to(x._dtype), dim, keepdim)
    return sum_(size**p, dim, keepdim) ** (1 / p)  # type: ignore[no-any-return]


# ---- booleans


def _truth(name: str, claim: str) -> Callable[..., Tensor]:
    test = getattr(np, name)

    def truth(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        return wrapped(test(value(self), axis=_axes(self, dim), keepdims=keepdim))

    truth.__doc__ = f"Whether {claim}."
    return truth


method("any")(_truth("any", "any element is not zero"))
method("all")(_truth("all", "all elements are not zero"))


@method()
def sort(self: Tensor, dim: int = -1, descending: bool = False) -> Any:
    """The elements in order along a dimension, and their places."""
    axis = axis_of(self, dim)
    keys = -value(self) if descending else value(self)
    places = made(np.argsort(keys, axis=axis, kind="stable"), dtypes.int64)
    return Sorted(named("Sort", (self,), gather(self, axis, places)), places)


@method()
def argsort(self: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """The places of the elements in order along a dimension."""
    return sort(self, dim, descending).indices  # type: ignore[no-any-return]
