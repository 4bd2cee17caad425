"""Reading a formula: the time per token of long texts, and the time of the tutorials' formula."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.benchmarks.contest import Call, Contest, Contestant

KINDS = ("{k}*{a}**2*{b}", "sin({a} + {k}*{b})/{c}", "({a} - {b})*({b} + {c}**3)", "exp(-{a}**2/{k}.5)*{c}")
TOKENS = 45  # of a term of each kind, with the signs between them
TUTORIAL = [f"{a}*x**2 + {b}*x + 4" for a in range(6, 14) for b in range(2, 10)]  # another text each time


def formula(groups: int) -> str:
    """A sum of so many terms of each kind, in variables ``x0`` to ``x99``; a group takes some 94 characters."""
    chance = random.Random(1)
    terms = []
    for _ in range(groups):
        for kind in KINDS:
            a, b, c = (f"x{chance.randrange(100)}" for _ in range(3))
            terms.append(kind.format(a=a, b=b, c=c, k=chance.randrange(2, 1000)))
    return " + ".join(terms)


def long(groups: int) -> list[str]:
    return [formula(groups)]


def tutorial() -> list[str]:
    return TUTORIAL


def symdiff(texts: list[str]) -> Call:
    import symdiff as sd

    return lambda: [sd.parse(text) for text in texts]


def symengine(texts: list[str]) -> Call:
    from symengine import sympify

    return lambda: [sympify(text) for text in texts]


def sympy(texts: list[str]) -> Call:
    from sympy import Symbol
    from sympy.core.cache import clear_cache
    from sympy.parsing.sympy_parser import parse_expr

    names = {f"x{i}": Symbol(f"x{i}") for i in range(100)}

    def call() -> list[Any]:
        clear_cache()  # it would find what it read the time before
        return [parse_expr(text, local_dict=names) for text in texts]

    return call


def prepare(parser: Callable[[list[str]], Call], texts: Callable[[], list[str]]) -> Call:
    return parser(texts())


def readers(texts: Callable[[], list[str]], per_call: float, groups: int = 1) -> list[Contestant]:
    entrants: list[tuple[str, str, Callable[[list[str]], Call]]] = [("symdiff", "symdiff", symdiff)]
    if groups < 10_000:  # it takes minutes
        entrants.append(("SymEngine, sympify", "symengine", symengine))
    if groups < 1000:
        entrants.append(("SymPy, parse_expr", "sympy", sympy))
    return [
        Contestant(name, partial(prepare, parser, texts), (module,), len, per_call) for name, module, parser in entrants
    ]


def check(count: int, answer: int) -> None:
    assert answer == count


def contest(groups: int, size: str) -> Contest:
    return Contest(
        f"parse-{size}",
        f"reading a formula of {size}, time per token",
        readers(partial(long, groups), TOKENS * groups, groups),
        partial(check, 1),
        unit="token",
        rounds=5,
        limit=120,
        ceilings={"symdiff": 1 / 600_000} if groups > 10_000 else {},
        group="text and closed forms",
        label="" if size == "2kB" else f"reading a formula of {size}, a token",
        series=("parse", TOKENS * groups),
    )


CONTESTS = [
    contest(21, "2kB"),
    contest(212, "20kB"),
    contest(1060, "100kB"),
    contest(10_600, "1MB"),
    Contest(
        "parse-tutorial",
        f"reading {TUTORIAL[0]} and its like",
        readers(tutorial, len(TUTORIAL)),
        partial(check, len(TUTORIAL)),
        unit="formula",
        rounds=11,
        ceilings={"symdiff": 60e-6},
        group="text and closed forms",
        label=f"reading `{TUTORIAL[0]}`",
    ),
]
