"""From text to all partial derivatives as closed forms, over formulas of the Feynman Lectures.

The formulas and the reference gradients come from the corpora where they lie beside the checkout, and a dozen
formulas with finite differences at high precision stand in where they do not.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.contest import Call, Contest, Contestant, forget_sympy
from tests.benchmarks.report import Bar

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "feynman_shared.jsonl"
EMBEDDED = [
    "exp(-(theta/sigma)**2/2)/(sqrt(2*pi)*sigma)",
    "sqrt((x2 - x1)**2 + (y2 - y1)**2)",
    "G*m1*m2/((x2 - x1)**2 + (y2 - y1)**2 + (z2 - z1)**2)",
    "m_0/sqrt(1 - v**2/c**2)",
    "q1*q2/(4*pi*epsilon*r**2)",
    "(x - u*t)/sqrt(1 - u**2/c**2)",
    "n_0*exp(-m*g*x/(k*T))",
    "h*omega**3/(pi**2*c**2*(exp(h*omega/(k*T)) - 1))",
    "x1*(cos(omega*t) + alpha*cos(omega*t)**2)",
    "I_0*sin(n*theta/2)**2/sin(theta/2)**2",
    "asin(lambd/(n*d))",
    "1/(1/d1 + n/d2)",
]
CANCELLING = ("feynman-bonus.11", "feynman-iii.9.52")  # at their points nobody's closed form keeps a digit
CONSTANTS = re.compile(r"\b([IE])\b")  # SymEngine reads these as constants; they get a trailing underscore there


@dataclass(frozen=True)
class Formula:
    """A text, its variables, one point, and the gradient there."""

    text: str
    names: tuple[str, ...]
    point: tuple[float, ...]
    gradient: tuple[float, ...]


@cache
def formulas() -> tuple[Formula, ...]:
    if not CORPUS.is_file():
        return tuple(map(embedded, EMBEDDED))
    found = []
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["id"] in CANCELLING:
            continue
        there = row["points"][0]
        names = tuple(there["at"])
        found.append(
            Formula(row["expr"], names, tuple(there["at"].values()), tuple(there["grad"][name] for name in names))
        )
    return tuple(found)


def count() -> int:
    """How many there are, without their references."""
    return len(formulas()) if CORPUS.is_file() else len(EMBEDDED)


def embedded(text: str) -> Formula:
    """A formula whose reference is a central difference at 60 digits."""
    import mpmath
    import sympy

    f = sympy.sympify(text, locals={name: sympy.Symbol(name) for name in ("beta", "gamma", "I_0", "G")})
    symbols = sorted(f.free_symbols, key=str)
    point = tuple(2.0 - 0.1 * i for i in range(len(symbols)))  # where all of them are real
    value = sympy.lambdify(symbols, f, "mpmath")
    with mpmath.workdps(60):
        unit = [tuple(int(i == j) for j in range(len(symbols))) for i in range(len(symbols))]
        gradient = tuple(float(mpmath.diff(value, tuple(map(mpmath.mpf, point)), order)) for order in unit)
    return Formula(text, tuple(map(str, symbols)), point, gradient)


Gradients = list[list[Any]]


def symdiff() -> Call:
    import symdiff as sd

    rows = formulas()

    def call() -> Gradients:
        found = []
        for row in rows:
            gradient = sd.gradient(sd.parse(row.text, variables=row.names))
            found.append([gradient[name] for name in row.names])
        return found

    return call


def symdiff_values(gradients: Gradients) -> Gradients:
    return [
        [partial(dict(zip(row.names, row.point, strict=True))) for partial in gradient]
        for row, gradient in zip(formulas(), gradients, strict=True)
    ]


def sympy() -> Call:
    from sympy import Symbol
    from sympy.parsing.sympy_parser import parse_expr

    rows = formulas()

    def call() -> Gradients:
        found = []
        for row in rows:
            symbols = {name: Symbol(name) for name in row.names}
            f = parse_expr(row.text, local_dict=symbols)
            found.append([f.diff(symbol) for symbol in symbols.values()])
        return found

    return call


def symengine() -> Call:
    from symengine import Symbol, sympify

    rows = formulas()

    def call() -> Gradients:
        found = []
        for row in rows:
            f = sympify(CONSTANTS.sub(r"\1_", row.text))
            found.append([f.diff(Symbol(CONSTANTS.sub(r"\1_", name))) for name in row.names])
        return found

    return call


def substituted(gradients: Gradients) -> Gradients:
    """Values of SymPy's or SymEngine's gradients."""
    found = []
    for row, gradient in zip(formulas(), gradients, strict=True):
        at = dict(zip(row.names, row.point, strict=True))
        at |= {CONSTANTS.sub(r"\1_", name): x for name, x in at.items()}
        found.append([float(g.subs({v: at[str(v)] for v in g.free_symbols})) for g in gradient])
    return found


def check(answer: Sequence[Sequence[float]]) -> str:
    worst = 0.0
    for row, gradient in zip(formulas(), answer, strict=True):
        scale = max(map(abs, row.gradient))
        for name, got, want in zip(row.names, gradient, row.gradient, strict=True):
            error = abs(got - want) / max(abs(want), 1e-6 * scale)
            assert error < 1e-7, f"d/d{name} of {row.text} is {got!r}, not {want!r}"
            worst = max(worst, error)
    return f"largest relative error {worst:.0e}"


def entrant(
    name: str,
    module: str,
    prepare: Callable[[], Call],
    answer: Callable[[Any], Any],
    reset: Callable[[], object] = gc.collect,
) -> Contestant:
    return Contestant(name, prepare, (module,), answer, count(), reset)


CONTESTS = [
    Contest(
        "physics",
        f"text to closed-form gradient, {'the Feynman formulas' if CORPUS.is_file() else 'a dozen formulas'}",
        [
            entrant("symdiff", "symdiff", symdiff, symdiff_values),
            entrant("SymPy, parse_expr and diff", "sympy", sympy, substituted, forget_sympy),
            entrant("SymEngine, sympify and diff", "symengine", symengine, substituted),
        ],
        check,
        unit="formula",
        limit=120,
        least=0,
        bars=[Bar("SymPy, parse_expr and diff", 50.0), Bar("SymEngine, sympify and diff", 1 / 5)],
        group="text and closed forms",
        label=f"text to closed-form gradient, {count()} physics formulas, each",
    )
]
