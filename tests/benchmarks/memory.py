"""What stays behind after many different formulas: resident memory, and the time for each."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.benchmarks.contest import Call, Contest, Contestant, Seconds

FORMULAS, WARM = 200_000, 10_000


class Measured(Seconds):
    """The seconds for a formula, and the megabytes that all of them left behind."""

    megabytes: float


def resident() -> float:
    """Resident memory in MB; where the system does not say, the largest there has been."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def loop(work: Callable[[str], object], count: int = FORMULAS) -> Call:
    """A call that does ``work`` on ``count`` formulas, the first time that it is called."""

    @cache
    def call() -> Measured:
        began = time.perf_counter()
        for i in range(count):
            if i == WARM:
                before = resident()
            work(f"{i + 2}*x**2 + sin({i}.5*y)/(x + {i + 3})")
        measured = Measured((time.perf_counter() - began) / count)
        measured.megabytes = resident() - before
        return measured

    return call


def symdiff() -> Call:
    import symdiff as sd

    return loop(lambda text: sd.parse(text).diff("x"))


def symengine() -> Call:
    from symengine import Symbol, sympify

    x = Symbol("x")
    return loop(lambda text: sympify(text).diff(x))


def sympy() -> Call:
    from sympy import Symbol
    from sympy.parsing.sympy_parser import parse_expr

    x = Symbol("x")
    return loop(lambda text: parse_expr(text).diff(x), 2 * WARM)


def remark(megabytes: float) -> str:
    return f"resident memory {megabytes:+.1f} MB"


CONTESTS = [
    Contest(
        "memory",
        f"parse and differentiate {FORMULAS:,} different formulas; memory gained after the first {WARM:,}",
        [
            Contestant("symdiff", symdiff, ("symdiff",), lambda measured: measured.megabytes),
            Contestant("SymEngine", symengine, ("symengine",), lambda measured: measured.megabytes),
            Contestant(f"SymPy, {2 * WARM:,} formulas", sympy, ("sympy",), lambda measured: measured.megabytes),
        ],
        remark,
        unit="formula",
        rounds=1,
        limit=600,
        least=0,
    )
]
