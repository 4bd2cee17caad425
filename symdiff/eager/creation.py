"""Making tensors: from data, and by formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symdiff.eager import dtypes
from symdiff.eager.dtypes import as_dtype, int64
from symdiff.eager.tensor import Tensor, made, method, wrapped
from symdiff.eager.tensor import device as Device  # noqa: N812  # arguments are called device
from symdiff.errors import OperationError, ShapeError, TensorError


def tensor(
    data: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None, name: str | None = None
) -> Tensor:
    """A leaf tensor with a copy of numbers, nested lists, an array or a tensor.

    Args:
        data: the elements.
        dtype: that of ``data`` if None; numbers with a point give the default dtype (float32).
        requires_grad: whether operations on it are recorded; floating dtypes only.
        device: only ``"cpu"`` exists.
        name: what formulas, graphs and messages call it.

    Raises:
        ShapeError: nested lists of different lengths.
        OperationError: elements that are no real numbers, or an unknown dtype.
        TensorError: ``requires_grad`` on integers or booleans.
    """
    check_device(device)
    out = wrapped(_elements(data, dtype))
    if requires_grad:
        out.requires_grad = True
    if name is not None:
        out.name = name
    return out


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ``data``, sharing memory with an array of a supported dtype; a tensor is itself."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and dtype is None:
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: Any) -> Tensor:
    """A leaf tensor on the memory of an array (of its native byte order).

    Raises:
        OperationError: no array, or of a dtype that is not supported.
    """
    if not isinstance(array, np.ndarray):
        raise OperationError(f"expected np.ndarray (got {type(array).__name__})")
    kind = as_dtype(array.dtype)
    return made(array if array.dtype.isnative else array.astype(kind.numpy), kind)


def check_device(device: Any) -> None:
    """Refuse another device than the processor."""
    if device is not None:
        Device(device)


def _elements(data: Any, kind: Any) -> Any:
    """An array of its own, or a scalar, of a supported dtype."""
    wanted = None if kind is None else as_dtype(kind)
    if isinstance(data, Tensor):
        array = np.array(data._value)
    elif isinstance(data, np.ndarray | np.generic):
        array = np.array(data)
    else:
        array = _of_lists(data)
        if wanted is None and array.dtype == np.float64 and not _has_doubles(data):
            wanted = dtypes.get_default_dtype()
    found = as_dtype(array.dtype) if wanted is None else wanted
    if array.dtype.kind not in "biuf":
        raise OperationError(_no_numbers(array))
    with np.errstate(all="ignore"):
        array = array.astype(found.numpy, copy=False)
    return array if array.ndim else array[()]


def _has_doubles(data: Any) -> bool:
    """Whether a list's first element is NumPy's float64, which stays one."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.float64)


def _of_lists(data: Any) -> Any:
    data = _plain(data)
    try:
        array = np.array(data)
    except (ValueError, OverflowError) as error:
        if "inhomogeneous" in str(error):
            raise ShapeError(f"the nested lists are ragged: {_first_ragged(data)}") from None
        raise OperationError(f"these are no numbers that a tensor can hold: {error}") from None
    if array.size == 0 and array.dtype == np.float64:
        return array
    if array.dtype.kind not in "biuf":
        raise (TensorError if array.dtype.kind == "O" else OperationError)(_no_numbers(array))
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def _plain(data: Any) -> Any:
    """Lists of tensors as lists of numbers."""
    if isinstance(data, Tensor):
        return data.tolist()
    return (
        [_plain(part) for part in data]
        if isinstance(data, list | tuple) and any(isinstance(p, Tensor | list | tuple) for p in data)
        else data
    )


def _first_ragged(data: Any) -> str:
    """Where two parts of nested lists differ in length."""
    level = [("data", data)]
    while level:
        lengths = {len(part) if isinstance(part, Sequence) else None for _, part in level}
        if len(lengths) > 1:
            return ", ".join(f"{name} has {_extent(part)}" for name, part in level[:4])
        level = [(f"{name}[{i}]", p) for name, part in level if isinstance(part, Sequence) for i, p in enumerate(part)]
    return "their lengths differ"


def _extent(part: Any) -> str:
    return f"{len(part)} elements" if isinstance(part, Sequence) else "no elements, it is a number"


def _no_numbers(array: Any) -> str:
    if array.dtype.kind == "c":
        return "complex numbers are not supported; keep real and imaginary parts in two tensors"
    first = array.ravel()[0] if array.size else None
    value = first.item() if isinstance(first, np.generic) else first
    return f"could not infer dtype of {type(value).__name__}: {first!r:.40}"


# ---- by shape


def _constructed(cls: type[Tensor], *data: Any, **_: Any) -> Tensor:
    """``Tensor([1, 2])`` is a tensor of the default dtype, ``Tensor(2, 3)`` one of that shape."""
    if cls is not Tensor:
        return object.__new__(cls)
    if data and all(isinstance(n, int) for n in data):
        return zeros(*data)
    return tensor(data[0] if data else [], dtype=dtypes.get_default_dtype())


Tensor.__new__ = _constructed  # type: ignore[assignment,method-assign]


def shape_of(size: Sequence[Any], named: Any = None) -> tuple[int, ...]:
    """Sizes given one by one, as one tuple, or by name.

    Raises:
        OperationError: a size that is no whole number.
        TensorError: a negative size.
    """
    size = size if named is None else (named,)
    given = tuple(size[0]) if len(size) == 1 and isinstance(size[0], tuple | list) else tuple(size)
    for n in given:
        if isinstance(n, bool) or not isinstance(n, int | np.integer | Tensor):
            raise OperationError(f"sizes must be whole numbers, not {n!r}")
    shape = tuple(int(n) for n in given)
    if any(n < 0 for n in shape):
        raise TensorError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def leaf_of(value: Any, requires_grad: bool) -> Tensor:
    """A leaf on an array of its own."""
    out = wrapped(value if value.ndim else value[()])
    if requires_grad:
        out.requires_grad = True
    return out


def numpy_dtype(kind: Any) -> Any:
    """The NumPy dtype asked for; that of the default dtype if None."""
    return (dtypes.get_default_dtype() if kind is None else as_dtype(kind)).numpy


def zeros(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of zeros of that shape."""
    check_device(device)
    return leaf_of(np.zeros(shape_of(shape, size), numpy_dtype(dtype)), requires_grad)


def ones(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of ones of that shape."""
    check_device(device)
    return leaf_of(np.ones(shape_of(shape, size), numpy_dtype(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of that shape; zeros, so that nothing depends on what memory held."""
    return zeros(*size, dtype=dtype, requires_grad=requires_grad, device=device)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of that shape with one number everywhere, of the number's dtype."""
    check_device(device)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = as_dtype(type(value)) if dtype is None else as_dtype(dtype)
    return leaf_of(
        np.full(shape_of((size,) if isinstance(size, int) else (tuple(size),)), value, kind.numpy), requires_grad
    )


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix of n rows and m columns."""
    return leaf_of(np.eye(*shape_of((n, n if m is None else m)), dtype=numpy_dtype(dtype)), requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """The numbers from start up to, without, end, by step; of one bound alone, from 0 up to it."""
    check_device(device)
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise TensorError(f"arange from {start} to {end} is never reached by steps of {step}")
    whole = all(isinstance(n, int) for n in (start, end, step))
    kind = (int64 if whole else dtypes.get_default_dtype()) if dtype is None else as_dtype(dtype)
    return leaf_of(
        np.arange(start, end, step, dtype=np.int64 if whole else np.float64).astype(kind.numpy), requires_grad
    )


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """``steps`` numbers from start to end, both included, at equal distances."""
    check_device(device)
    (count,) = shape_of((steps,))
    kind = numpy_dtype(dtype)
    return leaf_of(_spaced(kind.type(start), kind.type(end), count, kind), requires_grad)


def _spaced(start: Any, end: Any, count: int, kind: Any) -> Any:
    """A step of the dtype, taken from either end to the middle, so that both ends and symmetry are exact."""
    if count < 2:
        return np.full(count, start, kind)
    step = float((end - start) / kind.type(count - 1))
    places = np.arange(count)
    low = float(start) + step * places  # in double, rounded once: as a fused multiply-add would do
    high = float(end) - step * (count - 1 - places)
    return np.where(places < count // 2, low, high).astype(kind)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None) -> Tensor:
    """``steps`` powers of ``base``, the exponents at equal distances from start to end."""
    return leaf_of(
        np.logspace(float(start), float(end), shape_of((steps,))[0], base=base).astype(numpy_dtype(dtype)), False
    )


def like(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function that takes shape and dtype from a tensor."""

    def of_tensor(x: Tensor, *args: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
        return make(tuple(x.shape), *args, dtype=dtype or x._dtype, requires_grad=requires_grad)

    of_tensor.__doc__ = f"``{make.__name__}`` with the shape and dtype of a tensor."
    return of_tensor


zeros_like = like(zeros)
ones_like = like(ones)
empty_like = like(empty)
full_like = like(full)


@method()
def new_zeros(self: Tensor, *size: Any) -> Tensor:
    """Zeros of this dtype."""
    return zeros(*size, dtype=self._dtype)


@method()
def new_ones(self: Tensor, *size: Any) -> Tensor:
    """Ones of this dtype."""
    return ones(*size, dtype=self._dtype)


@method()
def new_tensor(self: Tensor, data: Any) -> Tensor:
    """A tensor of this dtype."""
    return tensor(data, dtype=self._dtype)
