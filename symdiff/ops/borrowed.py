"""Values that NumPy lacks: from SciPy, and those that SciPy lacks from mpmath, both imported at the first call.

SciPy's values are good nearly everywhere. Where one is not, a remedy takes over, for those points alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from symdiff.errors import MissingExtraError

DIGITS = 30  # of mpmath's working precision: what float64 needs, and room for cancellation
AT_A_ROOT = 45  # at the float next to a root 17 digits cancel
TERMS = 14  # of a polynomial about a root: with a radius of a tenth of the way to a singularity they reach 1e-17


_contexts = threading.local()


class Remedy(NamedTuple):
    """Where a value is inaccurate, and what is right there."""

    where: Callable[..., Any]  # ``(y, *args)`` -> the points
    value: Callable[..., Any]  # ``(scipy.special, *args)`` -> the values, of those points alone, in float64


def from_scipy(name: str, rule: Callable[..., Any], *remedies: Remedy) -> Callable[..., Any]:
    """The value of operation ``name``: ``rule(scipy.special, *args)``, after all ``remedies`` in turn."""

    def value(*args: Any) -> Any:
        special = _scipy_special(name)
        y = rule(special, *args)
        if remedies:
            with np.errstate(all="ignore"):  # what a remedy meets on its way says nothing about the arguments
                for remedy in remedies:
                    y = _mended(special, y, args, remedy)
        return _like(args, y)

    return value


def from_mpmath(rule: Callable[..., Any], digits: int = DIGITS) -> Callable[..., Any]:
    """A value point by point: ``rule(mp, *args)`` on integers and mpf; nan where it is complex or fails."""

    def at_point(*args: Any) -> float:
        mp = _mpmath(digits)
        if any(np.isnan(arg) for arg in args):
            return np.nan
        try:
            y = rule(mp, *(int(arg) if isinstance(arg, np.integer) else mp.mpf(float(arg)) for arg in args))
            return float(y)
        except (ValueError, ZeroDivisionError, TypeError, mp.NoConvergence):
            return np.nan

    at_points = np.vectorize(at_point, otypes=[float])
    return lambda *args: _like(args, at_points(*args))


def precisely(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A remedy's value by mpmath at every point, also next to a root: for few points, a tenth of a millisecond each."""
    value = from_mpmath(rule, AT_A_ROOT)
    return lambda special, *args: value(*args)


class AboutRoots:
    """A remedy's value near simple roots of ``rule(mp, *orders, x)``.

    It is ``(x - root) * g(x)`` with a polynomial g, where the root is kept in two parts. What mpmath finds out
    about a root (in some milliseconds) is remembered. ``fast`` shows where the roots are, roughly.
    """

    def __init__(self, fast: Callable[..., Any], rule: Callable[..., Any], radius: float) -> None:
        self.fast = fast
        self.rule = rule
        self.radius = radius
        self.slowly = precisely(rule)
        self.known: dict[tuple[float, ...], tuple[float, float, Any]] = {}

    def __call__(self, special: Any, *args: Any) -> Any:
        *orders, x = args
        x = np.asarray(x, dtype=float)
        guess = self._by_newton(special, orders, x)
        y = np.empty_like(x)
        cells = np.rint(4 * guess)
        for cell in np.unique(cells):
            here = cells == cell
            y[here] = self._expanded(orders, cell, float(guess[here].flat[0]), x[here])
        lost = np.isnan(y)  # no root so near
        if np.any(lost):
            y[lost] = self.slowly(special, *orders, x[lost])
        return y

    def _by_newton(self, special: Any, orders: list[Any], x: Any) -> Any:
        step = 1e-5
        y, left, right = (self.fast(special, *orders, t) for t in (x, x - step, x + step))
        return x - 2 * step * y / (right - left)

    def _expanded(self, orders: list[Any], cell: float, guess: float, x: Any) -> Any:
        key = (*map(float, orders), cell)
        if key not in self.known:
            self.known[key] = self._about(orders, guess)
        high, low, g = self.known[key]
        away = (x - high) - low
        return away * np.where(np.abs(away) <= g.domain[1], g(away), np.nan)

    def _about(self, orders: list[Any], guess: float) -> tuple[float, float, Any]:
        mp = _mpmath(AT_A_ROOT)

        def f(x: Any) -> Any:
            return self.rule(mp, *orders, x)

        small = mp.mpf(10) ** -36  # findroot would be led away by steps beyond its own rounding
        root = mp.findroot(f, mp.mpf(guess), tol=small)
        root = mp.nint(root) if abs(root - mp.nint(root)) < small else root
        radius = min(self.radius, abs(float(root)) / 10)  # there may be a singularity at 0
        slopes = np.vectorize(lambda away: float(f(root + float(away)) / float(away)), otypes=[float])
        g = np.polynomial.Chebyshev.interpolate(slopes, TERMS - 1, domain=[-radius, radius])
        return float(root), float(root - float(root)), g


def _mended(special: Any, y: Any, args: tuple[Any, ...], remedy: Remedy) -> Any:
    points = remedy.where(y, *args)
    if not np.any(points):
        return y
    if np.ndim(y) == 0:
        return remedy.value(special, *map(np.float64, args))
    y, points = np.array(y), np.broadcast_to(points, np.shape(y))
    y[points] = remedy.value(special, *(_lanes(arg, points) for arg in args))
    return y


def _lanes(arg: Any, points: Any) -> Any:
    if np.ndim(arg) == 0:
        return np.float64(arg)
    return np.broadcast_to(arg, points.shape)[points].astype(float)


@cache
def _scipy_special(name: str) -> Any:
    try:
        return import_module("scipy.special")
    except ImportError as error:
        raise MissingExtraError(f"{name} needs SciPy: pip install 'symdiff[special]'") from error


def _mpmath(digits: int) -> Any:
    """A context of this thread's own: mpmath raises and restores the precision while it works."""
    contexts: dict[int, Any] = _contexts.__dict__.setdefault("by_digits", {})
    if digits not in contexts:
        contexts[digits] = import_module("mpmath").MPContext()
        contexts[digits].dps = digits
    return contexts[digits]


def _like(args: tuple[Any, ...], y: Any) -> Any:
    """``y`` in the float type of the arguments; a scalar where they are scalars."""
    dtype = np.result_type(*args)
    return np.asarray(y).astype(dtype if np.issubdtype(dtype, np.floating) else np.float64)[()]
