"""Slopes of functions of one number from their values alone, with an estimate of the error.

A slope is estimated at many steps, each a quarter of the one before, by formulas of high order on
nine equidistant points. An estimate may be wrong by what formulas of lower order differ from it
(truncation), and by the noise of the values divided by the step (rounding); the noise is what the
differences of high order leave of the values when their smooth part is gone. Estimates count when
they agree, within their errors, at steps next to each other: the finer ones where there are
several such opinions. Each side alone is judged the same way, which tells kinks from slopes.

Source of the noise estimate: Moré & Wild, "Estimating computational noise", SIAM J. Sci. Comput.
33 (2011), after Hamming's use of difference tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb, frexp, ldexp, log2, sqrt
from typing import Any, Final

import numpy as np

Line = Callable[[float], Any]  # from a step to the values there: a vector of float64

_OFFSETS: Final = range(-4, 5)
_UNEVEN: Final = 837 / 1024  # whole numbers, and powers of two, are where functions are special; still exact to add

# Slopes from the values at nine points, of order 4, 6 and 8, and at five points on one side, of order 2, 3 and 4.
_ORDER_4: Final = [0, 0, 70, -560, 0, 560, -70, 0, 0]
_ORDER_6: Final = [0, -14, 126, -630, 0, 630, -126, 14, 0]
_ORDER_8: Final = [3, -32, 168, -672, 0, 672, -168, 32, -3]
_BOTH: Final = np.array([_ORDER_4, _ORDER_6, _ORDER_8]) / 840
_SIDE: Final = np.array([[-18, 24, -6, 0, 0], [-22, 36, -18, 4, 0], [-25, 48, -36, 16, -3]]) / 12


@dataclass(frozen=True)
class Slopes:
    """What the values say of the slope of each component at 0; vectors throughout.

    Attributes:
        value: the slope; the likeliest one where it is not trusted.
        error: what it may be wrong by.
        trusted: whether that is little beside the slope, or beside the variation of the values, at
            several steps.
        flat: whether the values are the same, bit for bit, near 0.
        left, right: the slopes from either side.
        kink: whether these are trusted and differ.
        level: the values at 0.
        reason: why the slope of a component is not trusted.
    """

    value: Any
    error: Any
    trusted: Any
    flat: Any
    left: Any
    right: Any
    kink: Any
    level: Any
    reason: Callable[[int], str]


class Probe:
    """Asks a function for its slope at 0; values are computed once for each step.

    Args:
        line: the function, whose values need not be finite.
        size: what number the step is added to: steps are beside it.
        eps: the relative rounding error of values.
    """

    def __init__(self, line: Line, size: float, eps: float) -> None:
        self._line = line
        self._eps = eps
        self._known: dict[float, Any] = {}
        exponent = frexp(size)[1] if size else 0
        bits = -round(log2(eps))
        self._usual = exponent + exponent % 2 - 8
        below = 0 if size else bits // 2  # beside 0, steps may be as small as they like
        self._steps = sorted({*_window(exponent, bits + below), *_window(0, bits + below)}, reverse=True)

    def usual(self) -> Slopes:
        """From two steps that suit a function which varies as its argument does; 15 values."""
        return self._seen([self._usual, self._usual - 2])

    def thorough(self) -> Slopes:
        """From all steps between far and next to nothing; some 150 values."""
        return self._seen(self._steps)

    def _values(self, exponent: int) -> Any:
        """The values at nine points, a row each."""
        steps = [ldexp(_UNEVEN * j, exponent) for j in _OFFSETS]
        for t in steps:
            if t not in self._known:
                self._known[t] = np.asarray(self._line(t), np.float64)
        return np.stack([self._known[t] for t in steps])

    def _seen(self, exponents: Iterable[int]) -> Slopes:
        both, likeliest, left, right = _Opinion(), _Opinion(), _Opinion(), _Opinion()
        tables = []
        with np.errstate(all="ignore"):
            for exponent in exponents:
                values, step = self._values(exponent), ldexp(_UNEVEN, exponent)
                value, error, counts = _estimate(values, 4, step, _BOTH, self._eps)
                both.hear(value, error, counts)
                likeliest.hear(value, error, np.isfinite(error))
                right.hear(*_estimate(values[4:], 0, step, _SIDE, self._eps))
                left.hear(*_estimate(values[4::-1], 0, -step, _SIDE, self._eps))
                tables.append((step, values))
            return _concluded(both, likeliest, left, right, tables, self._eps, near=ldexp(4.0, self._usual - 2))


def _window(exponent: int, bits: int) -> range:
    """The exponents of steps beside a number of that binary exponent; all are even, so that steps meet."""
    top = exponent + exponent % 2
    return range(top + 2, max(top - bits + 10, -1022), -2)


def _estimate(values: Any, middle: int, step: float, formulas: Any, eps: float) -> tuple[Any, Any, Any]:
    """The slope at one step, what it may be wrong by, and whether that is little: 1e-4 of it in float64."""
    low, medium, value = formulas @ values / step
    spread = np.maximum(np.abs(value - medium), np.abs(medium - low) / 16)
    error = spread + _SAFETY * noise(values, eps) * np.linalg.norm(formulas[-1]) / abs(step)
    variation = np.abs(values - values[middle]).max(axis=0) / abs(4 * step)
    return value, error, (error <= eps**0.25 * np.abs(value)) | (error <= sqrt(eps) * variation)


class _Opinion:
    """The best estimate so far, from steps that become finer."""

    def __init__(self) -> None:
        self.value: Any = np.nan
        self.error: Any = np.inf
        self.support: Any = 0
        self._rival: Any = np.nan
        self._rival_error: Any = np.nan

    @property
    def trusted(self) -> Any:
        """Whether steps next to each other agree."""
        return np.asarray(self.support) >= 2

    def hear(self, value: Any, error: Any, counts: Any) -> None:
        """Take estimates of the next step into account, those that count."""
        first = counts & np.isnan(self.value)
        agrees = counts & (np.abs(value - self.value) <= error + self.error)
        differs = counts & ~first & ~agrees
        # Finer steps see more; but one alone may be rounding that went unnoticed.
        wins = differs & (np.abs(value - self._rival) <= error + self._rival_error)
        better = first | (agrees & (error < self.error)) | (wins & (error <= self._rival_error))
        rival = wins & ~better
        self.value = np.where(better, value, np.where(rival, self._rival, self.value))
        self.error = np.where(better, error, np.where(rival, self._rival_error, self.error))
        self.support = np.where(wins, 2, np.where(first, 1, self.support + agrees))
        waits = differs & ~wins
        self._rival = np.where(waits, value, np.nan)
        self._rival_error = np.where(waits, error, np.nan)


_SAFETY: Final = 8.0  # standard deviations: the noise is estimated from few differences


def noise(values: Any, eps: float) -> Any:
    """How large errors in equidistant values are, from their differences of the highest orders."""
    count = len(values)
    found = np.maximum(eps * np.abs(values).max(axis=0), _LEAST)
    for order in range(count - 1 - count // 4, count):
        left_over = np.abs(np.diff(values, order, axis=0)).max(axis=0)
        found = np.maximum(found, left_over / sqrt(comb(2 * order, order)))
    return found


_LEAST: Final = 5e-324  # what underflow loses


def _concluded(
    both: _Opinion,
    likeliest: _Opinion,
    left: _Opinion,
    right: _Opinion,
    tables: Sequence[tuple[float, Any]],
    eps: float,
    near: float,
) -> Slopes:
    below, below_error, below_known = _side(left, _still(tables, slice(0, 5), 4) >= near)
    above, above_error, above_known = _side(right, _still(tables, slice(4, 9), 0) >= near)
    gap = np.abs(above - below)
    # Seen from both sides at once a kink is noise; where there is less of it, finer steps found the function smooth.
    smooth = both.trusted & (both.error < gap / 2)
    kink = below_known & above_known & (gap > 2 * (below_error + above_error)) & ~smooth
    met = left.trusted & right.trusted & ~kink & ~both.trusted
    trusted = (both.trusted | met) & ~kink
    value = np.where(both.trusted, both.value, np.where(met, (below + above) / 2, likeliest.value))
    error = np.where(
        met, np.maximum(left.error, right.error) + gap, np.where(both.trusted, both.error, likeliest.error)
    )
    reach = _still(tables, slice(0, 9), 4)
    flat = (reach > 4 * tables[-1][0]) & ~trusted & ~kink
    unseen = 4 * eps * np.abs(tables[-1][1][4]) / np.where(flat, reach, 1.0)
    zero = flat & (unseen < error)
    return Slopes(
        value=np.where(zero, 0.0, value),
        error=np.where(zero, unseen, error),
        trusted=trusted,
        flat=flat,
        left=below,
        right=above,
        kink=kink,
        level=tables[-1][1][4],
        reason=lambda i: _reason([(step, values[:, i]) for step, values in tables], eps),
    )


def _side(opinion: _Opinion, still: Any) -> tuple[Any, Any, Any]:
    """The slope from one side, what it may be wrong by, and whether it is known: 0 where values there stay the same."""
    return np.where(still, 0.0, opinion.value), np.where(still, 0.0, opinion.error), opinion.trusted | still


def _still(tables: Sequence[tuple[float, Any]], part: slice, middle: int) -> Any:
    """How far from 0 the values are the same, bit for bit, on the sides of ``part``, which has 0 at ``middle``."""
    still: Any = True
    reach: Any = 0.0
    for step, values in reversed(tables):
        still = still & (values[part] == values[part][middle]).all(axis=0)
        reach = np.where(still, 4 * step, reach)
    return reach


def _reason(tables: Sequence[tuple[float, Any]], eps: float) -> str:
    """Why the values of one component, for steps that become finer, tell no slope."""
    step, fine = tables[-1]
    if not np.isfinite(fine[4]):
        return f"the function is {fine[4]} there"
    for side, values in (("above", fine[5:]), ("below", fine[:4])):
        if not np.isfinite(values).any():
            return f"the function has no finite values {side} the point, however near"
    rise = np.abs(fine[3:6] - fine[4]).max()
    if rise > 1e6 * eps * np.abs(fine).max() and _is_monotonic(fine[:5]) and _is_monotonic(fine[4:]):
        return f"the function changes by {rise:.3g} over a step of {step:.3g}: it jumps there, or its slope is infinite"
    return f"its values waver by about {noise(fine, eps):.1g}, which hides their slope"


def _is_monotonic(values: Any) -> bool:
    turns = np.diff(values)
    return bool((turns >= 0).all() or (turns <= 0).all())
