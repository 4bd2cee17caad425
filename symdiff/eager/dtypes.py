"""The types of tensor elements, and how they combine."""

from __future__ import annotations

from functools import cache, reduce
from typing import Any, Final

import numpy as np

from symdiff.errors import OperationError, nearest


class dtype:  # the name that its users know
    """A type of elements; prints as its users know it (``torch.float32``).

    Attributes:
        name: ``"float32"``.
        numpy: the NumPy dtype.
        is_floating_point: whether tensors of it may require gradients.
    """

    __slots__ = ("is_floating_point", "name", "numpy", "rank")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.is_floating_point = self.numpy.kind == "f"
        self.rank = {"b": 0, "f": 2}.get(self.numpy.kind, 1)  # bool, integer, floating

    @property
    def is_complex(self) -> bool:
        """False: there are no complex tensors here."""
        return False

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


float32: Final = dtype("float32")
float64: Final = dtype("float64")
int8: Final = dtype("int8")
int16: Final = dtype("int16")
int32: Final = dtype("int32")
int64: Final = dtype("int64")
uint8: Final = dtype("uint8")
bool_: Final = dtype("bool")

DTYPES: Final = {t.name: t for t in (float32, float64, int8, int16, int32, int64, uint8, bool_)}
OF_NUMPY: Final = {t.numpy: t for t in DTYPES.values()}
_OF_PYTHON: Final = {float: float32, int: int64, bool: bool_}


class _Default:
    """The type of numbers with a point, and of results that must have one."""

    value = float32


def get_default_dtype() -> dtype:
    """The floating dtype that new tensors have."""
    return _Default.value


def set_default_dtype(value: Any) -> None:
    """Make new floating tensors float32 or float64.

    Raises:
        OperationError: another dtype.
    """
    found = as_dtype(value)
    if not found.is_floating_point:
        raise OperationError(f"the default dtype must be float32 or float64, not {found}")
    _Default.value = found
    promoted.cache_clear()


def as_dtype(value: Any) -> dtype:
    """The dtype for one of ours, a NumPy dtype or scalar type, a Python type, or a name.

    Raises:
        OperationError: there is no such dtype here.
    """
    if isinstance(value, dtype):
        return value
    if isinstance(value, type) and value in _OF_PYTHON:
        return _Default.value if value is float else _OF_PYTHON[value]
    try:
        found = OF_NUMPY.get(np.dtype(value).newbyteorder("="))
    except TypeError:
        found = None
    if found is not None:
        return found
    if np.dtype(value).kind == "c" if isinstance(value, np.dtype) else value is complex:
        raise OperationError("complex tensors are not supported; keep real and imaginary parts in two tensors")
    hints = nearest(str(value), DTYPES)
    raise OperationError(
        f"unknown dtype {value!r}; there are {', '.join(DTYPES)}" + (f" (did you mean {hints[0]!r}?)" if hints else "")
    )


def wider(a: dtype, b: dtype) -> dtype:
    """The narrowest dtype that holds both; an integer beside a floating dtype takes that one."""
    if a.is_floating_point != b.is_floating_point:
        return a if a.is_floating_point else b
    return OF_NUMPY[np.result_type(a.numpy, b.numpy)]


@cache
def promoted(dimensioned: tuple[dtype, ...], scalars: tuple[dtype, ...], numbers: tuple[type, ...]) -> dtype:
    """The dtype in which an operation works.

    Tensors with dimensions decide; tensors without and then Python numbers decide only where
    theirs is a higher category (bool, integer, floating).
    """
    groups = [group for group in (dimensioned, scalars, tuple(map(as_dtype, numbers))) if group]
    found, *lower = [reduce(wider, group) for group in groups]
    for other in lower:
        if other.rank > found.rank:
            found = wider(found, other)
    return found
