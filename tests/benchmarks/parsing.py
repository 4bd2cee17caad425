"""Reading a long formula: time per token, on a text of one megabyte and on a tenth of it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial

from tests.benchmarks.contest import Call, Contest, Contestant

LONG, SHORT, FEW = 1_000_000, 100_000, 20_000  # characters
TOKEN = re.compile(r"\d+\.?\d*|[A-Za-z_]\w*|\*\*|[-+*/(),]")


def formula(length: int) -> str:
    """A sum of terms of mixed kinds, in variables ``x0`` to ``x99``."""
    chance = random.Random(1)
    terms, size = [], 0
    while size < length:
        a, b, c = (f"x{chance.randrange(100)}" for _ in range(3))
        k = chance.randrange(2, 1000)
        term = chance.choice(
            [f"{k}*{a}**2*{b}", f"sin({a} + {k}*{b})/{c}", f"({a} - {b})*({b} + {c}**3)", f"exp(-{a}**2/{k}.5)*{c}"]
        )
        terms.append(term)
        size += len(term) + 3
    return " + ".join(terms)


def symdiff(text: str) -> Call:
    import symdiff as sd

    return lambda: sd.parse(text)


def symengine(text: str) -> Call:
    from symengine import sympify

    return lambda: sympify(text)


def sympy(text: str) -> Call:
    from sympy import Symbol
    from sympy.parsing.sympy_parser import parse_expr

    names = {f"x{i}": Symbol(f"x{i}") for i in range(100)}
    return lambda: parse_expr(text, local_dict=names)


def reader(name: str, parser: Callable[[str], Call], module: str, length: int) -> Contestant:
    text = formula(length)
    return Contestant(
        f"{name}, {length:,} characters",
        partial(parser, text),
        (module,),
        answer=lambda result: None,
        per_call=len(TOKEN.findall(text)),
    )


CONTESTS = [
    Contest(
        "parse",
        "reading a formula, time per token (10 µs are 100,000 tokens a second)",
        [
            reader("symdiff", symdiff, "symdiff", LONG),
            reader("symdiff", symdiff, "symdiff", SHORT),
            reader("SymEngine", symengine, "symengine", FEW),
            reader("SymPy parse_expr", sympy, "sympy", FEW),
        ],
        unit="token",
        rounds=5,
        limit=120,
    )
]
