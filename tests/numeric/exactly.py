"""A formula's value and derivatives in mpmath, by a walk of its own over the nodes.

Real numbers only: whatever is undefined there (a division by zero, the root of a negative number) is None, and so is
what contains it, except where an untaken branch does. Shares with symdiff the node classes and nothing that computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mpmath import mp

from symdiff.dag import Apply, Const, Node, Symbol
from tests.oracles import ORACLE

LARGEST = 10.0**6  # of an exponent; the results of larger ones have too many digits to be computed
FLOATS = (mp.mpf(10) ** -290, mp.mpf(10) ** 290)


class TooLargeError(Exception):
    """A number on the way that mpmath should not be asked for."""


def value(node: Node, point: Mapping[str, Any], digits: int = 40) -> Any:
    """The value at a point, or None where there is none. Small formulas alone: this recurses."""
    with mp.workdps(digits):
        return _value(node, {name: mp.mpf(x) for name, x in point.items()}, {})


def values(node: Node, point: Mapping[str, Any], digits: int = 40) -> list[Any]:
    """Every number on the way to the value, in no order."""
    with mp.workdps(digits):
        found: dict[Node, Any] = {}
        _value(node, {name: mp.mpf(x) for name, x in point.items()}, found)
        return [x for x in found.values() if x is not None]


def certain(node: Node, point: Mapping[str, Any]) -> tuple[Any, bool]:
    """The value, and whether the precision was enough: the same number results from more digits."""
    first, second = value(node, point, 60), value(node, point, 120)
    if first is None or second is None:
        return second, first is second
    with mp.workdps(60):
        return second, abs(first - second) <= abs(second) * mp.mpf(10) ** -25


def derivative(node: Node, point: Mapping[str, Any], *names: str) -> Any:
    """A central difference of each order at 160 digits; None at a kink or an edge, and where there is no value.

    The step is 1e-40, so a difference has 80 digits for the first order and half of what is left for each further one.
    """
    with mp.workdps(160):
        at = {name: mp.mpf(x) for name, x in point.items()}
        if not names:
            return _value(node, at, {})
        step = mp.mpf(10) ** (-40 if len(names) == 1 else -25)

        def shifted(moves: tuple[int, ...]) -> Any:
            moved = dict(at)
            for name, move in zip(names, moves, strict=True):
                moved[name] += move * step
            return _value(node, moved, {})

        def difference(so_far: tuple[int, ...], side: tuple[int, int]) -> Any:
            if len(so_far) == len(names):
                return shifted(so_far)
            pair = [difference((*so_far, move), side) for move in side]
            return None if None in pair else (pair[1] - pair[0]) / (step * (side[1] - side[0]))

        left, middle, right = (difference((), side) for side in ((-1, 0), (-1, 1), (0, 1)))
        if None in (left, middle, right):
            return None
        size = max(abs(left), abs(right), mp.mpf(1))
        return middle if abs(left - right) <= size * mp.mpf(10) ** -12 else None


def _value(node: Node, point: Mapping[str, Any], known: dict[Node, Any]) -> Any:
    if node in known:
        return known[node]
    known[node] = result = _computed(node, point, known)
    return result


def _computed(node: Node, point: Mapping[str, Any], known: dict[Node, Any]) -> Any:
    match node:
        case Symbol(name):
            return point[name]
        case Const(number):
            return mp.mpf(number.numerator) / number.denominator
        case Apply(op, args):
            if op.name == "where":
                condition = _value(args[0], point, known)
                return None if condition is None else _value(args[1 if condition else 2], point, known)
            given = [_value(arg, point, known) for arg in args]
            if None in given:
                return None
            _refuse_large(op.name, given)
            return _real(op.name, given)
        case _:
            raise AssertionError(type(node).__name__)


def _real(name: str, given: list[Any]) -> Any:
    if name == "pow" and given[0] < 0 and given[1] != mp.floor(given[1]):
        return None
    if name == "pow" and not given[0] and given[1] < 0:
        return None
    if name in ("acsch", "asech", "acoth", "acot", "asec", "acsc") and not given[0]:
        return None
    if name == "mod" and not given[1]:
        return None
    if name in ("log", "log2", "log10") and given[0] <= 0:
        return None
    try:
        result = ORACLE[name](*given)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    if isinstance(result, mp.mpc):
        return None if result.imag else result.real
    return result if mp.isfinite(result) else None


def _refuse_large(name: str, given: list[Any]) -> None:
    if any(x and abs(mp.log10(abs(x))) > LARGEST for x in given):
        raise TooLargeError(name)
    if name == "pow" and given[0] and abs(given[1] * mp.log(abs(given[0]))) > LARGEST:
        raise TooLargeError(name)
    if name not in ("add", "sub", "mul", "div", "neg", "abs", "sign", "sqrt", "cbrt", "pow", "max", "min", "relu"):
        arithmetic = ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "log", "atan", "asinh", "hypot", "clip")
        if name not in arithmetic and any(abs(x) > LARGEST for x in given):
            raise TooLargeError(name)


def in_range(numbers: list[Any]) -> bool:
    """Whether floats can hold all of them without overflow or underflow."""
    return all(not x or FLOATS[0] < abs(x) < FLOATS[1] for x in numbers)
