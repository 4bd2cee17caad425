"""The formulas whose value and gradient are measured, with references that no contestant shares."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Work:
    """A formula.

    Attributes:
        name: how contests are called after it.
        text: in what is the same language here and in Python.
        names: the arguments.
        wrt: those to differentiate by; all if empty.
        by_hand: ``(numpy, *columns) -> (value, partials)``, as somebody would write it who wants speed.
    """

    name: str
    text: str
    names: tuple[str, ...]
    wrt: tuple[str, ...] = ()
    by_hand: Callable[..., Any] | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        return self.wrt or self.names

    @property
    def positions(self) -> tuple[int, ...]:
        """The places of the variables among the arguments."""
        return tuple(map(self.names.index, self.variables))

    def on(self, module: Any) -> Callable[..., Any]:
        """The formula as a Python function over the functions of a module."""
        scope = {name: getattr(module, name) for name in re.findall(r"([a-z]+)\(", self.text)}
        exec(f"def formula({', '.join(self.names)}):\n    return {self.text}\n", scope)
        function: Callable[..., Any] = scope["formula"]
        return function

    def points(self, count: int = 64) -> list[tuple[float, ...]]:
        chance = random.Random(11)
        return [tuple(chance.uniform(0.5, 2.0) for _ in self.names) for _ in range(count)]


# ---- the formulas


def quadratic_by_hand(m: Any, x: Any) -> Any:
    return 6 * x * x + 2 * x + 4, (12 * x + 2,)


def gauss_by_hand(m: Any, x: Any, mu: Any, sigma: Any) -> Any:
    u = (x - mu) / sigma
    f = m.exp(-0.5 * u * u) / sigma
    a = f * u / sigma
    return f, (-a, a, (u * u - 1) * f / sigma)


def planck_by_hand(m: Any, h: Any, nu: Any, c: Any, k: Any, T: Any) -> Any:
    y = h * nu / (k * T)
    e = m.exp(y)
    below = e - 1
    f = 2 * h * nu * nu * nu / (c * c * below)
    z = f * e / below * y
    return f, ((f - z) / h, (3 * f - z) / nu, -2 * f / c, z / k, z / T)


def mixed_by_hand(m: Any, x: Any, y: Any) -> Any:
    e, t, above = m.exp(-x * y), m.tanh(y), 1 + x * x
    u, logarithm = x + 2 * y, m.log(above)
    f, c = e * m.sin(u), e * m.cos(u)
    return f + logarithm * t, (c - y * f + 2 * x / above * t, 2 * c - x * f + logarithm * (1 - t * t))


def chain_by_hand(m: Any, *x: Any) -> Any:
    value, partials = 0.0, [0.0] * len(x)
    for i, (a, b) in enumerate(itertools.pairwise(x)):
        e, u, below, square = m.exp(-a * b), a + 2 * b, 1 + b * b, a * a
        f, c, q = e * m.sin(u), e * m.cos(u), square / below
        value = value + f + a * q
        partials[i] = partials[i] + (c - b * f + 3 * q)
        partials[i + 1] = 2 * c - a * f - 2 * a * b * q / below
    return value, tuple(partials)


def chain(count: int) -> Work:
    """A sum over neighbours among that many variables."""
    names = tuple(f"x{i}" for i in range(count))
    terms = (f"exp(-{a}*{b})*sin({a} + 2*{b}) + {a}**3/(1 + {b}**2)" for a, b in itertools.pairwise(names))
    return Work(f"chain{count}", " + ".join(terms), names, by_hand=chain_by_hand)


QUADRATIC = Work("quadratic", "6*x**2 + 2*x + 4", ("x",), by_hand=quadratic_by_hand)
GAUSS = Work("gauss", "exp(-((x - mu)/sigma)**2/2)/sigma", ("x", "mu", "sigma"), by_hand=gauss_by_hand)
PLANCK = Work("planck", "2*h*nu**3/(c**2*(exp(h*nu/(k*T)) - 1))", ("h", "nu", "c", "k", "T"), by_hand=planck_by_hand)
MIXED = Work("mixed", "exp(-x*y)*sin(x + 2*y) + log(1 + x**2)*tanh(y)", ("x", "y"), by_hand=mixed_by_hand)
CHAIN5, CHAIN20, CHAIN50 = chain(5), chain(20), chain(50)


# ---- least squares


def model_by_hand(m: Any, t: Any, y: Any, *a: Any) -> Any:
    e, angle = m.exp(-a[1] * t), a[2] * t + a[3]
    wave, slope = e * m.cos(angle), -a[0] * e * m.sin(angle)
    u = (t - a[5]) / a[6]
    bump, rise = m.exp(-u * u), m.tanh(a[8] * t)
    r = a[0] * wave + a[4] * bump + a[7] * rise + a[9] - y
    d = 2 * r
    width = d * (2 * a[4] / a[6]) * u * bump
    partials = (d * wave, -a[0] * d * t * wave, d * slope * t, d * slope, d * bump, width, width * u)
    return r * r, (*partials, d * rise, a[7] * d * t * (1 - rise * rise), d)


PARAMETERS = tuple(f"a{i}" for i in range(10))
START = (1.2, 0.8, 3.1, 0.3, 0.9, 2.1, 0.6, 0.5, 1.0, 0.1)  # where the gradient is asked for
SQUARES = Work(
    "squares",
    "(a0*exp(-a1*t)*cos(a2*t + a3) + a4*exp(-((t - a5)/a6)**2) + a7*tanh(a8*t) + a9 - y)**2",
    ("t", "y", *PARAMETERS),
    PARAMETERS,
    model_by_hand,
)


def measurements(count: int) -> Columns:
    """Times, and what a model with other parameters and noise gives there."""
    chance = np.random.default_rng(5)
    t = chance.uniform(0.0, 4.0, count)
    y = 1.3 * np.exp(-0.7 * t) * np.cos(3 * t + 0.4) + 0.8 * np.exp(-(((t - 2) / 0.5) ** 2)) + 0.6 * np.tanh(1.1 * t)
    return [t, y + 0.2 + 0.05 * chance.normal(size=count)]


# ---- references


def columns(work: Work, count: int) -> Columns:
    """For each argument its values, the same in every process."""
    chance = np.random.default_rng(5)
    return [chance.uniform(0.5, 2.0, count) for _ in work.names]


def at_point(work: Work, point: Sequence[float]) -> list[Any]:
    """Value and partials, by mpmath and its numerical differentiation, to more digits than a float has."""
    import mpmath

    f = work.on(mpmath)
    with mpmath.workdps(40):
        exact = tuple(map(mpmath.mpf, point))
        orders = [tuple(int(i == j) for j in range(len(point))) for i in work.positions]
        return [f(*exact), *(mpmath.diff(f, exact, order) for order in orders)]


TINY = 1e-30  # so small that its square is nothing beside 1


def at_columns(work: Work, values: Sequence[Any]) -> Columns:
    """Value and partials at many points: the imaginary part of an analytic function at x + ih is h times its slope."""
    f = work.on(np)
    found = [f(*values)]
    for i in work.positions:
        moved = [value + TINY * 1j if i == j else value for j, value in enumerate(values)]
        found.append(f(*moved).imag / TINY)
    return found


def listed(results: Any) -> list[Any]:
    """Value and partials in one list, from ``(value, partials)`` as from ``[value, *partials]``."""
    value, *rest = results
    nested = isinstance(rest[0], (tuple, list)) or np.ndim(rest[0]) > np.ndim(value)
    return [value, *(rest[0] if nested else rest)]


def picked(count: int) -> list[int]:
    """Some of the places in a column: both ends, where vectors of several numbers end, and others."""
    ends = [0, 1, 2, count // 2, *range(count - 9, count)]
    return sorted({*ends, *np.random.default_rng(6).integers(0, count, 20).tolist()} & set(range(count)))


def condensed(results: Sequence[Any], count: int) -> list[list[float]]:
    """Of each result the sum, and the numbers at the picked places. A result must be a column of doubles."""
    lists = []
    for result in results:
        column = np.asarray(result)
        assert column.dtype == np.float64, f"{column.dtype}, not float64"
        assert column.shape == (count,), f"shape {column.shape}, not {(count,)}"
        lists.append([float(column.sum()), *column[picked(count)].tolist()])
    return lists


@cache
def wanted_columns(work: Work, count: int) -> list[list[float]]:
    return condensed(at_columns(work, columns(work, count)), count)


@cache
def wanted_sums(count: int) -> list[float]:
    return [float(column.sum()) for column in at_columns(SQUARES, [*measurements(count), *START])]


def held(got: Sequence[float], wanted: Sequence[Any], tolerance: float) -> float:
    """The largest relative error, of numbers far below the others' size relative to that size."""
    assert len(got) == len(wanted), f"{len(got)} numbers, not {len(wanted)}"
    size = max(abs(want) for want in wanted)
    errors = [float(abs(a - b) / max(abs(b), 1e-3 * size)) for a, b in zip(got, wanted, strict=True)]
    assert all(error < tolerance for error in errors), f"relative error {max(errors):.1e}"  # nan fails too
    return max(errors)


def check_points(work: Work, answers: Sequence[Sequence[float]]) -> str:
    """The first of the points."""
    points = work.points(len(answers))
    worst = max(held(answers[i], at_point(work, points[i]), 1e-12) for i in range(min(3, len(points))))
    return f"largest relative error {worst:.0e}"


def check_columns(work: Work, count: int, answer: Sequence[Sequence[float]]) -> str:
    wanted = wanted_columns(work, count)
    assert len(answer) == len(wanted), f"{len(answer)} results, not {len(wanted)}"
    worst = 0.0
    for got, want in zip(answer, wanted, strict=True):
        held(got[:1], want[:1], 1e-10)  # the sum would hide errors of the numbers beside it
        worst = max(worst, held(got[1:], want[1:], 1e-10))
    return f"largest relative error {worst:.0e}"


def check_sums(count: int, answer: Sequence[float]) -> str:
    return f"largest relative error {held(answer, wanted_sums(count), 1e-9):.0e}"
