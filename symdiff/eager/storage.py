"""The arrays behind tensors: how they change in place, and how a tracer sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symdiff.eager import frames
from symdiff.eager.modes import MODE


def live(tensor: Any) -> Any:
    """The array of a tensor, for reading and for changing in place; while tracing, the tracer's."""
    return tensor._array() if MODE.tracer is None else MODE.tracer.adopt(tensor)


def value(tensor: Any) -> Any:
    """The array or scalar of a tensor, for reading; while tracing, the tracer's."""
    return tensor._value if MODE.tracer is None else MODE.tracer.adopt(tensor)


def filled(number: Any, shape: tuple[int, ...]) -> Any:
    """An array of copies of one number, also where that is traced."""
    if MODE.tracer is not None:
        return np.broadcast_to(number, shape).copy()
    array = np.empty(shape, getattr(number, "dtype", np.float64))
    array.fill(number)  # half the time of np.full
    return array


def owner(array: Any) -> Any:
    """The array that owns the memory of a view; itself where it is none."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def changed(tensor: Any, operation: str) -> None:
    """Note that a tensor's array was changed in place, by what, and where in the user's code."""
    cell = tensor._cell
    cell[:] = (cell[0] + 1, operation, frames.place())


def quietly(function: Callable[..., Any], *args: Any) -> Any:
    """Call without NumPy's warnings: infinities and nan flow as IEEE 754 says."""
    with np.errstate(all="ignore"):
        return function(*args)
