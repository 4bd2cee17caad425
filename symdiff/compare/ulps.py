"""Distances between a double and a reference of many digits, exact: rational arithmetic, no rounding."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from symdiff.dag import rounded

Reference = Fraction | float
"""An exact number, or an infinity or nan as a float."""

BEYOND: Final = Fraction(2) ** 1024  # where an infinity stands when its distance to a number is asked for


def reference(text: str) -> Reference:
    """The number that a decimal text stands for: exact, or one of ``inf``, ``-inf``, ``nan``."""
    try:
        return Fraction(text)
    except ValueError:
        return float(text)


def ulps(a: float, true: Reference) -> float:
    """How far ``a`` is from ``true``, in units in the last place of the double nearest to ``true``.

    0 where both are nan or the same infinity, and where ``true`` is beyond the largest double
    and ``a`` the infinity that it rounds to; infinite where only one is nan, or only ``true``
    an infinity. Below the smallest normal double the unit is the smallest subnormal one.
    """
    if isinstance(true, float):
        return 0.0 if a == true or (math.isnan(a) and math.isnan(true)) else math.inf
    nearest = rounded(true)
    if a == nearest and not math.isfinite(a):
        return 0.0
    if math.isnan(a):
        return math.inf
    return rounded(distance(a, true) / Fraction(math.ulp(nearest if math.isfinite(nearest) else LARGEST)))


def distance(a: float, true: Fraction) -> Fraction:
    """``|a - true|`` exactly, an infinite ``a`` standing at two to the 1024."""
    return abs((Fraction(a) if math.isfinite(a) else BEYOND if a > 0 else -BEYOND) - true)


LARGEST: Final = math.nextafter(math.inf, 0.0)


def apart(a: float, b: float) -> float:
    """How far two doubles are from each other, in units in the last place of the larger."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return rounded(abs(Fraction(a) - Fraction(b)) / Fraction(math.ulp(max(abs(a), abs(b)))))
