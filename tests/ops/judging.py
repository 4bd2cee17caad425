"""How far a row is from its oracle, in units that do not ask for a tolerance.

One unit is half an ulp of the result, plus what half an ulp of each argument makes of it: the error that
conditioning explains. A good implementation stays within a few units everywhere in its domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp

from symdiff.ops import OPS, Op
from tests.oracles import ORACLE

UNIT = 2.0**-53
STEP = mp.mpf(2) ** -60


@dataclass(frozen=True)
class Reference:
    """A true number, and by how much one unit of every argument moves it."""

    true: Any
    moved: Any

    def units(self, got: Any) -> float:
        """The error of ``got``; 0 where it is right to the last bit, or both are out of range."""
        with mp.workdps(40):
            if not np.isfinite(got):
                return 0.0 if abs(self.true) > mp.mpf(1.7e308) and np.sign(got) == mp.sign(self.true) else np.inf
            error = abs(mp.mpf(float(got)) - self.true)
            tiny = mp.mpf(2) ** -1060  # below the normal range floats are equally spaced
            return float(error / (UNIT * (abs(self.true) + self.moved) + tiny))


@cache
def value(name: str, args: tuple[Any, ...]) -> Reference:
    with mp.workdps(40):
        return _moved(ORACLE[name], _exact(args))


@cache
def partial(name: str, args: tuple[Any, ...], i: int) -> Reference:
    """By differences, at rising precision until two agree: tanh(300) is 1 to 260 digits."""

    def derivative(*at: Any) -> Any:
        return mp.diff(lambda t: ORACLE[name](*at[:i], t, *at[i + 1 :]), at[i], relative=at[i] != 0)

    digits = 20
    with mp.workdps(digits):
        before = derivative(*_exact(args))
    while True:
        digits *= 2
        assert digits < 2000, f"no derivative of {name} at {args}"
        with mp.workdps(digits):
            now = derivative(*_exact(args))
            if abs(now - before) <= abs(now) * mp.mpf(10) ** -18 and (now != 0 or digits > 600):
                return _moved(derivative, _exact(args))
            before = now


def _exact(args: tuple[Any, ...]) -> list[Any]:
    return [arg if isinstance(arg, int) else mp.mpf(arg) for arg in args]


def _moved(f: Any, at: list[Any]) -> Reference:
    true = f(*at)
    nearby = [[*at[:i], x * (1 + STEP), *at[i + 1 :]] for i, x in enumerate(at) if isinstance(x, mp.mpf)]
    return Reference(true, sum((abs(f(*there) - true) for there in nearby), mp.zero) / STEP)


def floats(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(arg if isinstance(arg, int) else np.float64(arg) for arg in args)


def evaluate(op: Op, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """The value and the partials, by the general rule, whatever the edges."""
    x = floats(args)
    with np.errstate(all="ignore"):
        y = op(*x)
        return y, op.partials(*x, y) if op.partials else ()


def holds(condition: Any, args: tuple[Any, ...]) -> bool:
    with np.errstate(all="ignore"):
        return condition is None or bool(condition(*floats(args)))


def inside(op: Op, args: tuple[Any, ...]) -> bool:
    return holds(op.domain, args)


def smooth(op: Op, args: tuple[Any, ...]) -> bool:
    return holds(op.smooth or op.domain, args)


def arguments(op: Op, rng: np.random.Generator) -> tuple[Any, ...]:
    """Any arguments at all: orders first, then numbers of every size up to 100."""
    orders = [int(n) for n in rng.integers(op.least, 4, size=op.parameters)]
    count = (op.arity or int(rng.integers(2, 5))) - op.parameters
    small, wide, log = rng.uniform(-2, 2, count), rng.uniform(-30, 30, count), 10.0 ** rng.uniform(-6, 2, count)
    numbers = np.choose(rng.integers(4, size=count), [small, wide, log, -log])
    return (*orders, *map(float, numbers))


@cache
def smooth_points(name: str, count: int) -> list[tuple[Any, ...]]:
    """Arguments at which the row is smooth and its value in range, by rejection."""
    op, found = OPS[name], list[tuple[Any, ...]]()
    rng = np.random.default_rng(sum(map(ord, name)))
    for _ in range(100_000):
        args = arguments(op, rng)
        if name == "clip" and args[1] > args[2]:
            continue  # its partials are those of low <= high
        if smooth(op, args) and np.isfinite(evaluate(op, args)[0]):
            found.append(args)
            if len(found) == count:
                break
    return found
