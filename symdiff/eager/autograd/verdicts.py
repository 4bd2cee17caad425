"""What the slopes of a function's values say of a column of a Jacobian."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from symdiff.eager.autograd.numerical import Slopes


@dataclass(frozen=True)
class Allowed:
    """What the user lets an element differ by: ``atol + rtol * |numerical|``."""

    atol: float
    rtol: float

    def of(self, value: Any) -> Any:
        """The difference that is let pass beside a numerical value; zero where there is none."""
        return np.nan_to_num(self.atol + self.rtol * np.abs(value), nan=0.0, posinf=0.0)


@dataclass(frozen=True)
class Verdict:
    """The elements of a column, by what can be said of each; vectors of booleans.

    Attributes:
        right: the difference is explained by the errors of both sides.
        wrong: it is not.
        kink: there is no derivative, only one from each side, and they differ.
        excused: it is wrong, within what the user allows.
        sure: it is right, and no finer step could say otherwise.
    """

    right: Any
    wrong: Any
    kink: Any
    excused: Any
    sure: Any


def judged(slopes: Slopes, column: Any, scales: Any, size: float, eps: float, allowed: Allowed) -> Verdict:
    """Compare a column of a Jacobian with slopes.

    Args:
        slopes: of the function's values.
        column: what is to be checked.
        scales: for each element the largest derivative of the same output: errors far below it do not matter.
        size: of the number that is differentiated by.
        eps: the relative rounding error of numbers.
        allowed: what the user lets pass.
    """
    with np.errstate(all="ignore"):
        minor = sqrt(eps) * scales  # what does not matter beside the largest slope of the same output
        off = np.abs(column - slopes.value)
        # The derivative is rounded as well: relative to its own size, and where terms cancel to that of its neighbours.
        room = 2 * slopes.error + eps ** (2 / 3) * np.abs(column) + 64 * eps * scales
        near = np.isfinite(column) & (off <= room)
        still = slopes.flat & (np.abs(slopes.value) <= 2 * slopes.error) & (column == 0)
        agrees = still | (near & (slopes.trusted | (~slopes.kink & (slopes.error <= minor))))
        agrees |= near & ~slopes.kink & (slopes.error <= faint(slopes.level, size, eps)) & (off <= slopes.error)
        differs = ~agrees & ~near & (slopes.trusted | slopes.flat)
        loose = allowed.of(slopes.value)
        excused = differs & (off <= loose)
        right = agrees | excused | (~differs & ~slopes.kink & (off + slopes.error <= loose))
        fine = slopes.error <= np.maximum(4 * sqrt(eps) * np.abs(slopes.value), minor)
    return Verdict(right, differs & ~excused, slopes.kink, excused, agrees & (fine | still))


def faint(level: Any, size: Any, eps: float) -> Any:
    """Slopes whose whole effect, over a step as large as what is stepped from, is in the last digits of the values.

    They are checked to that, not to a part of their own size: 2e-12 of the value in float64.
    """
    return eps**0.75 * np.abs(level) / np.maximum(np.abs(size), 1.0)
