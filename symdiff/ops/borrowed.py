"""Values that NumPy lacks: from SciPy, and those that SciPy lacks from mpmath, both imported at the first call."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from symdiff.errors import MissingExtraError

DIGITS = 30  # of mpmath's working precision: what float64 needs, and room for cancellation


def from_scipy(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """The value of operation ``name``: ``rule(scipy.special, *args)``."""

    def value(*args: Any) -> Any:
        return _like(args, rule(_scipy_special(name), *args))

    return value


def from_mpmath(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A value point by point: ``rule(mp, *args)`` on integers and mpf; nan where it is complex or fails."""

    def at_point(*args: Any) -> float:
        mp = _mpmath()
        if any(np.isnan(arg) for arg in args):
            return np.nan
        try:
            y = rule(mp, *(int(arg) if isinstance(arg, np.integer) else mp.mpf(float(arg)) for arg in args))
            return float(y)
        except (ValueError, ZeroDivisionError, TypeError, mp.NoConvergence):
            return np.nan

    at_points = np.vectorize(at_point, otypes=[float])
    return lambda *args: _like(args, at_points(*args))


@cache
def _scipy_special(name: str) -> Any:
    try:
        return import_module("scipy.special")
    except ImportError as error:
        raise MissingExtraError(f"{name} needs SciPy: pip install 'symdiff[special]'") from error


@cache
def _mpmath() -> Any:
    mp = import_module("mpmath").MPContext()  # our own, so that nobody else's precision is touched
    mp.dps = DIGITS
    return mp


def _like(args: tuple[Any, ...], y: Any) -> Any:
    """``y`` in the float type of the arguments; a scalar where they are scalars."""
    dtype = np.result_type(*args)
    return np.asarray(y).astype(dtype if np.issubdtype(dtype, np.floating) else np.float64)[()]
