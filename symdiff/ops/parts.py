"""Arithmetic in two parts, where rounding an argument once would cost digits of the result.

A pair ``high, low`` stands for the sum. Arrays and floats alike; no function of SciPy's is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

_SPLIT = 2.0**27 + 1


def leading(x: Any) -> Any:
    """x to 26 bits, so that its square is exact. Source: Dekker (1971), Numer. Math. 18."""
    shifted = _SPLIT * x
    return shifted - (shifted - x)


def product(a: Any, b: Any) -> tuple[Any, Any]:
    """a*b exactly. Source: Dekker (1971), Numer. Math. 18."""
    high = a * b
    a1, b1 = leading(a), leading(b)
    a2, b2 = a - a1, b - b1
    return high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2


def times_exp_of_square(factor: Any, x: Any, scale: float) -> Any:
    """``factor * exp(scale*x**2)`` for a power of two as scale: rounding x**2 would cost x**2 ulp.

    In halves, since the exponential alone may leave the range.
    """
    x1 = leading(x)
    half = np.exp(scale / 2 * x1 * x1)
    return factor * np.exp(scale * (x - x1) * (x + x1)) * half * half


def quarter_turn_back(high: Any, low: Any = 0.0) -> tuple[Any, Any]:
    """cos and sin of ``high + low - pi/4``, both to the last digits also next to their roots.

    (cos t + sin t)(cos t - sin t) = cos 2t, and of the factors the one that does not cancel is taken.
    """
    s, c = _turned(np.sin(high), np.cos(high), low)
    twice = _turned(np.sin(2 * high), np.cos(2 * high), 2 * low)[1]
    cosine, sine = c + s, s - c
    cancels = np.abs(cosine) < np.abs(sine)
    dividing = np.where(cancels, sine, cosine)
    better = -twice / dividing
    return np.where(cancels, better, cosine) / math.sqrt(2), np.where(cancels, sine, better) / math.sqrt(2)


def _turned(s: Any, c: Any, angle: Any) -> tuple[Any, Any]:
    return s * np.cos(angle) + c * np.sin(angle), c * np.cos(angle) - s * np.sin(angle)


def alternating(coefficients: Sequence[Any], x: Any) -> tuple[Any, Any]:
    """``a0 - a2*x**2 + a4*x**4 - ...`` and ``a1*x - a3*x**3 + ...``."""
    even = odd = 0.0
    for k in range(len(coefficients) // 2 - 1, -1, -1):
        even = coefficients[2 * k] - x * x * even
        odd = coefficients[2 * k + 1] - x * x * odd
    return even, x * odd
