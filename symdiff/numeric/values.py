"""What users give a function: checked, converted, put in order; and what it gives back, summed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Sized
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symdiff.errors import ShapeError, VariableError, listed

DOUBLE: Final = np.dtype(np.float64)


def real(value: Any, name: str) -> Any:
    """A float, or a float array, of what the user gave for a variable.

    Raises:
        VariableError: it is neither a real number nor an array of them.
    """
    if type(value) is float or (type(value) is np.ndarray and value.dtype is DOUBLE):
        return value
    if type(value) is np.ndarray and value.dtype == DOUBLE:
        return value.view(DOUBLE)  # from a pickle, which brings a type of its own
    if isinstance(value, int | Fraction | Decimal | np.float64):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, np.ma.MaskedArray):
        raise VariableError(f"{name} is a masked array; fill what is masked (x.filled(nan)), or leave it out")
    try:
        array = np.asarray(value)
    except ValueError:
        raise VariableError(f"{name} is no array: its rows differ in length") from None
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or isinstance(value, str | bytes):
        raise VariableError(f"{name} must be a real number or an array of them, not {value!r:.40}")
    return array.astype(np.float32 if array.dtype.itemsize <= 4 else np.float64, copy=False)


def common_shape(values: Sequence[Any], names: Sequence[str]) -> tuple[int, ...]:
    """The shape to which all values broadcast.

    Raises:
        ShapeError: they do not; the message names the arrays with their shapes.
    """
    shapes = [value.shape if isinstance(value, np.ndarray) else np.shape(value) for value in values]
    if len(stretched := set(shapes) - {()}) < 2:
        return stretched.pop() if stretched else ()
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        told = [f"{name} has shape {shape}" for name, shape in zip(names, shapes, strict=True) if shape]
        raise ShapeError(f"the arrays do not broadcast together: {listed(told)}") from None


def summed(part: Any, shape: tuple[int, ...]) -> Any:
    """A cotangent summed over the axes along which its argument was broadcast."""
    if np.shape(part) == shape:
        return part
    extra = np.ndim(part) - len(shape)
    with np.errstate(all="ignore"):  # of infinities
        part = np.sum(part, axis=tuple(range(extra)))
        stretched = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(part)[i] != 1)
        total = np.sum(part, axis=stretched, keepdims=True) if stretched else part
    return float(total) if shape == () and isinstance(total, np.float64) else total


def check_names(args: Sequence[str], wrt: Sequence[str], used: Sequence[str]) -> None:
    """Refuse arguments given twice or missing, and foreign names to differentiate by."""
    twice = [name for name, count in Counter(args).items() if count > 1]
    known = frozenset(args)
    missing = [name for name in used if name not in known]
    foreign = [name for name in wrt if name not in known]
    if twice:
        raise VariableError(f"given twice: {listed(twice)}")
    if missing:
        raise VariableError(f"args lacks {listed(missing)}, which the formula contains")
    if foreign:
        raise VariableError(f"wrt names {listed(foreign)}, which is not among args")


def check_count(what: str, given: Sequence[Any], wrt: Sequence[str]) -> None:
    """Refuse too few or too many of something that there is one of for each name."""
    if not isinstance(given, Sized):
        raise VariableError(f"expected {len(wrt)} {what} in a list ({', '.join(wrt)}), not {given!r:.40}")
    if len(given) != len(wrt):
        raise VariableError(f"expected {len(wrt)} {what} ({', '.join(wrt)}), got {len(given)}")


def mapped(names: Sequence[str], given: Mapping[str, Any]) -> list[Any]:
    """Values in the order of ``names``.

    Raises:
        VariableError: names missing or unknown; the message names all of them.
    """
    missing = [name for name in names if name not in given]
    known = frozenset(names)
    unknown = [name for name in given if name not in known]
    if missing or unknown:
        parts = [f"no value for {listed(missing)}"] * bool(missing)
        parts += [f"{listed(unknown)} not in the formula"] * bool(unknown)
        raise VariableError(f"{'; '.join(parts)} (its variables: {', '.join(names) or 'none'})")
    return [given[name] for name in names]


def accurate_sum(parts: Sequence[float]) -> float:
    """The sum, rounded once unless something overflows."""
    numbers = [float(part) for part in parts]  # NumPy's would warn
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return sum(numbers)
