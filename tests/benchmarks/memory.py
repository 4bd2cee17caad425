"""Resident memory, and what of it stays behind after many different formulas."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.benchmarks.contest import Call, Contest, Contestant, Measured

FORMULAS, WARM = 200_000, 10_000


class Gained(Measured):
    """The seconds for a formula, and the megabytes that all of them left behind."""

    megabytes: float


def resident() -> float:
    """Resident memory in MB; where the system does not say, the largest there has been."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def forget_peak() -> None:
    """Let `peak` count from here on, where the system can."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")


def peak() -> float:
    """The most resident memory there has been, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def loop(work: Callable[[str], object], count: int = FORMULAS) -> Call:
    """A call that does ``work`` on ``count`` formulas, the first time that it is called."""

    @cache
    def call() -> Gained:
        began = time.perf_counter()
        for i in range(count):
            if i == WARM:
                before = resident()
            work(f"{i + 2}*x**2 + sin({i}.5*y)/(x + {i + 3})")
        measured = Gained((time.perf_counter() - began) / count)
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
    return loop(lambda text: parse_expr(text).diff(x), WARM + 2000)


def remark(megabytes: float) -> str:
    return f"resident memory {megabytes:+.1f} MB"


CONTESTS = [
    Contest(
        "kept",
        f"parse and differentiate {FORMULAS:,} different formulas; memory gained after the first {WARM:,}",
        [
            Contestant("symdiff", symdiff, ("symdiff",), lambda measured: measured.megabytes),
            Contestant("SymEngine", symengine, ("symengine",), lambda measured: measured.megabytes),
            Contestant(f"SymPy, {WARM + 2000:,} formulas", sympy, ("sympy",), lambda measured: measured.megabytes),
        ],
        remark,
        unit="formula",
        rounds=1,
        limit=600,
        least=0,
        long=True,
    )
]
