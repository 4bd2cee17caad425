"""Many points: what users pass in, one input after the other, as flat arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.numeric.values import DOUBLE, common_shape


class Points:
    """The inputs of one evaluation.

    Args:
        values: floats and float arrays, one for each name.
        names: what they are called.

    Attributes:
        shape: to which all inputs broadcast.
        count: the number of points.
        dtype: of the results; None for floats.
        varying: for each input, whether it is an array with a number for each point; else it is one for all.
        are_flat: whether every such array lies in memory as kernels read it.

    Raises:
        ShapeError: the inputs do not broadcast together.
    """

    def __init__(self, values: Sequence[Any], names: Sequence[str]) -> None:
        self.shape = common_shape(values, names)
        self.count = math.prod(self.shape)
        is_array = [isinstance(value, np.ndarray) for value in values]
        dtypes = {value.dtype for value, array in zip(values, is_array, strict=True) if array}
        self.dtype = (dtypes.pop() if len(dtypes) == 1 else np.result_type(*values)) if dtypes else None
        if self.count == 1:
            self.varying = (True,) * len(values)
            self._values: list[Any] = [np.array(value, np.float64).reshape(1) for value in values]
            self.are_flat = True
            return
        self.varying = tuple([array and value.size > 1 for value, array in zip(values, is_array, strict=True)])
        self._values = [
            (self._flat(value) if many else float(np.sum(value))) if array else value  # a sum of one number, or of none
            for value, array, many in zip(values, is_array, self.varying, strict=True)
        ]
        self.are_flat = all(lies_flat(v) for v, many in zip(self._values, self.varying, strict=True) if many)

    def _flat(self, value: NDArray[Any]) -> NDArray[Any]:
        """All points in one axis, if nothing has to be copied for that; else in theirs."""
        if value.shape != self.shape:
            return np.broadcast_to(value, self.shape)
        return value.reshape(-1) if value.flags.c_contiguous else value

    def between(self, start: int, stop: int) -> list[Any]:
        """The inputs at a range of points: floats, and flat arrays of doubles."""
        if self.are_flat and stop - start == self.count:
            return self._values
        return [_part(v, start, stop) if many else v for v, many in zip(self._values, self.varying, strict=True)]


def lies_flat(array: NDArray[Any]) -> bool:
    """Whether an array lies in memory as kernels read it."""
    flags = array.flags
    return array.ndim == 1 and array.dtype is DOUBLE and flags.c_contiguous and flags.aligned


def _part(array: NDArray[Any], start: int, stop: int) -> NDArray[np.float64]:
    return np.require(array[start:stop] if array.ndim == 1 else array.flat[start:stop], np.float64, ["C", "A"])
