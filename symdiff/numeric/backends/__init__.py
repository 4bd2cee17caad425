"""Backends: one program in steps, evaluated by several means. What each gives is the same; how fast differs.

A kernel for arrays is made from a `Task` and called with flat arrays. Where it meets an infinity, a nan or an
edge, it says at which points, and these are evaluated again by the careful program (`symdiff.numeric.batch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from symdiff.numeric.steps import Steps

Shape = int | tuple[Any, ...]
"""How a function of floats gives its results: ``0``, ``(0, (1, 2))`` or ``(0, 1, 2)``; numbers of outputs."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a kernel for arrays has to do.

    Attributes:
        steps: the program. Outputs beyond ``len(summed)`` are only checked to be finite.
        varying: for each input, whether it is an array with a number for each point (else one for all).
        summed: for each result, whether it is summed over the points (else stored for each).
    """

    steps: Steps
    varying: tuple[bool, ...]
    summed: tuple[bool, ...]


NO_POINTS: Final = np.empty(0, np.intp)
"""What a kernel returns where all is well."""
NO_POINTS.flags.writeable = False

UNSHARED: Final = 10_000  # numbers; from products of longer vectors BLAS makes work for several threads


class Kernel(Protocol):
    """Evaluates a task."""

    def __call__(self, inputs: Sequence[Any], outputs: Sequence[NDArray[np.float64]]) -> NDArray[np.intp]:
        """Evaluate at n points.

        Args:
            inputs: for each input a float, or a C-contiguous float64 array of shape ``(n,)`` if it varies.
            outputs: for each result an array to write to: of shape ``(n,)``, or ``(1,)`` if it is summed.

        Returns:
            The points (ascending) to be evaluated again: where an input, an output or a guarded step is not finite.
            What is stored there means nothing, and sums leave them out.
        """
        ...


def arranged(shape: Shape, results: Sequence[Any]) -> Any:
    """The results as ``shape`` says."""
    if isinstance(shape, int):
        return results[shape]
    return tuple([results[part] if type(part) is int else arranged(part, results) for part in shape])
