"""Making tensors: from data, by formulas, at random."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symdiff.eager import dtypes
from symdiff.eager.arrays import applied
from symdiff.eager.dtypes import as_dtype, dtype, float64, int64
from symdiff.eager.inplace import check_leaf, write
from symdiff.eager.modes import MODE
from symdiff.eager.tensor import Tensor, made, method, wrapped
from symdiff.eager.tensor import device as Device  # noqa: N812  # arguments are called device
from symdiff.errors import OperationError, ShapeError, TensorError
from symdiff.ops.arrays import cast, clone


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
    _check_device(device)
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


def _check_device(device: Any) -> None:
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


def _shape(size: Sequence[Any], named: Any = None) -> tuple[int, ...]:
    size = size if named is None else (named,)
    given = tuple(size[0]) if len(size) == 1 and isinstance(size[0], tuple | list) else tuple(size)
    for n in given:
        if isinstance(n, bool) or not isinstance(n, int | np.integer | Tensor):
            raise OperationError(f"sizes must be whole numbers, not {n!r}")
    shape = tuple(int(n) for n in given)
    if any(n < 0 for n in shape):
        raise TensorError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def _leaf(value: Any, requires_grad: bool) -> Tensor:
    out = wrapped(value if value.ndim else value[()])
    if requires_grad:
        out.requires_grad = True
    return out


def _kind(kind: Any) -> Any:
    return (dtypes.get_default_dtype() if kind is None else as_dtype(kind)).numpy


def zeros(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of zeros of that shape."""
    _check_device(device)
    return _leaf(np.zeros(_shape(shape, size), _kind(dtype)), requires_grad)


def ones(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of ones of that shape."""
    _check_device(device)
    return _leaf(np.ones(_shape(shape, size), _kind(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of that shape; zeros, so that nothing depends on what memory held."""
    return zeros(*size, dtype=dtype, requires_grad=requires_grad, device=device)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of that shape with one number everywhere, of the number's dtype."""
    _check_device(device)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = as_dtype(type(value)) if dtype is None else as_dtype(dtype)
    return _leaf(
        np.full(_shape((size,) if isinstance(size, int) else (tuple(size),)), value, kind.numpy), requires_grad
    )


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix of n rows and m columns."""
    return _leaf(np.eye(*_shape((n, n if m is None else m)), dtype=_kind(dtype)), requires_grad)


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
    _check_device(device)
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise TensorError(f"arange from {start} to {end} is never reached by steps of {step}")
    whole = all(isinstance(n, int) for n in (start, end, step))
    kind = (int64 if whole else dtypes.get_default_dtype()) if dtype is None else as_dtype(dtype)
    return _leaf(np.arange(start, end, step, dtype=np.int64 if whole else np.float64).astype(kind.numpy), requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """``steps`` numbers from start to end, both included, at equal distances."""
    _check_device(device)
    (count,) = _shape((steps,))
    kind = _kind(dtype)
    return _leaf(_spaced(kind.type(start), kind.type(end), count, kind), requires_grad)


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
    return _leaf(np.logspace(float(start), float(end), _shape((steps,))[0], base=base).astype(_kind(dtype)), False)


def _like(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(x: Tensor, *args: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
        return make(tuple(x.shape), *args, dtype=dtype or x._dtype, requires_grad=requires_grad)

    like.__doc__ = f"``{make.__name__}`` with the shape and dtype of a tensor."
    return like


zeros_like = _like(zeros)
ones_like = _like(ones)
empty_like = _like(empty)
full_like = _like(full)


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


# ---- at random


class Generator:
    """A source of random numbers; the stream is NumPy's PCG64, not PyTorch's."""

    def __init__(self, device: Any = None) -> None:
        _check_device(device)
        self.random = np.random.default_rng()
        self._lock = threading.Lock()

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream over from a seed; returns the generator."""
        self.random = np.random.default_rng(seed % 2**64)
        return self


DEFAULT: Final = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the random stream over: the same seed gives the same numbers."""
    return DEFAULT.manual_seed(seed)


def drawn(draw: Callable[[np.random.Generator], Any], generator: Generator | None = None) -> Any:
    """Random numbers from a generator, one thread at a time.

    Raises:
        OperationError: while a function is being compiled, which would draw them once for all.
    """
    if MODE.tracer is not None:
        raise OperationError(
            "random numbers cannot be drawn inside a compiled function; draw them outside and pass them in"
        )
    source = generator or DEFAULT
    with source._lock:
        return np.asarray(draw(source.random))


def rand(
    *size: Any, dtype: Any = None, requires_grad: bool = False, generator: Generator | None = None, device: Any = None
) -> Tensor:
    """Uniform on [0, 1)."""
    _check_device(device)
    shape, kind = _shape(size), _kind(dtype)
    return _leaf(drawn(lambda random: random.random(shape, kind), generator), requires_grad)


def randn(
    *size: Any, dtype: Any = None, requires_grad: bool = False, generator: Generator | None = None, device: Any = None
) -> Tensor:
    """Normal with mean 0 and variance 1."""
    _check_device(device)
    shape, kind = _shape(size), _kind(dtype)
    return _leaf(drawn(lambda random: random.standard_normal(shape, kind), generator), requires_grad)


def randint(*bounds_and_size: Any, dtype: Any = None, generator: Generator | None = None) -> Tensor:
    """Whole numbers: ``randint(high, size)`` below high, ``randint(low, high, size)`` from low."""
    *bounds, size = bounds_and_size
    low, high = (0, *bounds) if len(bounds) == 1 else bounds
    kind = int64 if dtype is None else as_dtype(dtype)
    if high <= low:
        raise TensorError(f"randint needs low < high, not {low} and {high}")
    return _leaf(drawn(lambda random: random.integers(low, high, _shape((size,))), generator).astype(kind.numpy), False)


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The whole numbers below n in random order."""
    return _leaf(drawn(lambda random: random.permutation(n), generator).astype(np.int64), False)


rand_like = _like(rand)
randn_like = _like(randn)


@method()
def uniform_(self: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Overwrite with numbers uniform on [a, b)."""
    check_leaf(self)
    write(self, drawn(lambda random: random.uniform(a, b, self._value.shape)), "uniform_")
    return self


@method()
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Overwrite with normal numbers."""
    check_leaf(self)
    write(self, drawn(lambda random: random.normal(mean, std, self._value.shape)), "normal_")
    return self


# ---- copies and conversions


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
    _check_device(device)
    kind = self._dtype if dtype is None else as_dtype(dtype)
    if kind is self._dtype:
        return self.clone() if copy else self
    if kind.is_floating_point and self._dtype.is_floating_point:
        out = applied(cast, (self,), kind.numpy, self._dtype.numpy)
        out._dtype = kind
        return out
    with np.errstate(all="ignore"):
        return wrapped(self._value.astype(kind.numpy))


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
