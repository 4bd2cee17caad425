"""What a benchmark is.

A contest is one piece of work. A contestant prepares outside the clock, answers once (the contest checks it),
and is then called in rounds, one contestant after the other in shuffled order, each in a process of its own, so
that what a tool loads or allocates slows nobody else. A ratio is the median of the ratios within each round,
because a shared machine is slow for all of a round and not for all of a run.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.machine import described
from tests.benchmarks.report import Bar, Report, Result

Call = Callable[[], Any]


@dataclass(frozen=True)
class Contestant:
    """One tool at one piece of work.

    Attributes:
        name: how the table calls it, the tool before the first comma; the first contestant of a contest is symdiff.
        prepare: do what is not timed, and return what is: a function of nothing. If that function returns a
            `Measured`, this is the result, and not what the clock says.
        needs: modules that must be installed; its versions are those of the modules.
        programs: commands that must be there.
        answer: turn what the timed function returned into what the contest's check reads.
        per_call: how much work one call does, if contestants differ in that; times are divided by it.
        reset: done before each round and not timed, so that a round finds nothing that an earlier one left.
        threads: how many it may use. One is kept on one core, and what others' work delays there does not count.
        environment: variables of its process.
    """

    name: str
    prepare: Callable[[], Call]
    needs: tuple[str, ...] = ()
    answer: Callable[[Any], Any] = lambda result: result
    per_call: float = 1.0
    reset: Callable[[], object] = gc.collect
    threads: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    programs: tuple[str, ...] = ()

    def missing(self) -> str:
        """Why it cannot take part; empty if it can."""
        absent = [module for module in self.needs if importlib.util.find_spec(module) is None]
        absent += [program for program in self.programs if shutil.which(program) is None]
        return f"{' and '.join(absent)} not installed" if absent else ""


@dataclass(frozen=True)
class Contest:
    """One piece of work, and who does it.

    Attributes:
        name: how the command line calls it.
        title: what is done, in a line.
        contestants: symdiff first.
        check: raises AssertionError for a wrong answer; may return a remark for the table.
        unit: what a time is the time of.
        rounds: how often each is timed.
        limit: seconds after which a call, or a preparation, is stopped.
        least: shorter calls are repeated within a round, until a round takes this many seconds; 0 for work that
            would find its own results from the time before, and is done once a round.
        fresh: what is timed is the first call of a new process, every round.
        bars: what the ratios have to reach.
        ceilings: what the named contestants' own results must not exceed.
        best: a ratio is the best of the rounds, and not the median.
        quantity: what is measured: "s" or "MB".
        group, label: the table of the README and the row's name there; without a label it has no row.
        series: the plot and the place on its axis.
        long: left out of a quick run.
    """

    name: str
    title: str
    contestants: Sequence[Contestant]
    check: Callable[[Any], str | None] = lambda answer: None
    unit: str = "call"
    rounds: int = 7
    limit: float = 60.0
    least: float = 0.02
    fresh: bool = False
    bars: Sequence[Bar] = ()
    ceilings: Mapping[str, float] = field(default_factory=dict)
    best: bool = False
    quantity: str = "s"
    group: str = ""
    label: str = ""
    series: tuple[str, float] | None = None
    long: bool = False

    def report(self, results: Sequence[Result]) -> Report:
        """What it found, as data."""
        shared = {name: getattr(self, name) for name in ("title", "unit", "quantity", "best", "group", "label")}
        bars, ceilings = list(self.bars), dict(self.ceilings)
        more: dict[str, Any] = {"series": self.series, "machine": described(), **shared}
        return Report(self.name, results=list(results), bars=bars, ceilings=ceilings, **more)


class Measured(float):
    """A result that the timed function took itself: seconds, or what the contest measures instead."""


def forget_sympy() -> None:
    """What a contestant that uses SymPy resets: its cache of results."""
    from sympy.core.cache import clear_cache

    clear_cache()
    gc.collect()


BYTECODE: Final = str(Path(tempfile.gettempdir()) / "symdiff-benchmarks")
"""Where processes keep compiled modules, whatever the environment says: nobody compiles a tool at every start."""


def process(*arguments: str) -> Callable[[], Call]:
    """Prepare a call that runs this Python in a new process and returns what it printed."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONPYCACHEPREFIX": BYTECODE}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def call() -> str:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, timeout=60)
        if run.returncode:
            raise RuntimeError(run.stderr.strip().splitlines()[-1])
        return run.stdout

    return lambda: call
