"""What a benchmark is, and the referee: answers are checked before anything is timed, turns are interleaved.

A contest is one piece of work. A contestant prepares outside the clock, answers once (the contest checks it),
and is then called in rounds, one contestant after the other, each in a process of its own, so that what a tool
loads or allocates slows nobody else. Times are medians over the rounds. A ratio is the median of the ratios
within each round, because a shared machine is slow for all of a round and not for all of a run.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from typing import Any

Call = Callable[[], Any]
MINE = "symdiff"


@dataclass(frozen=True)
class Contestant:
    """One tool at one piece of work.

    Attributes:
        name: how the table calls it; the first contestant of a contest is symdiff.
        prepare: do what is not timed, and return what is: a function of nothing. If that function returns a
            `Seconds`, this is the time, and not what the clock says.
        needs: modules that must be installed; its versions are those of the modules.
        answer: turn what the timed function returned into what the contest's check reads.
        per_call: how much work one call does, if contestants differ in that; times are divided by it.
        reset: done before each round and not timed, so that a round finds nothing that an earlier one left.
    """

    name: str
    prepare: Callable[[], Call]
    needs: tuple[str, ...] = ()
    answer: Callable[[Any], Any] = lambda result: result
    per_call: float = 1.0
    reset: Callable[[], object] = gc.collect

    def missing(self) -> str:
        """Why it cannot take part; empty if it can."""
        absent = [module for module in self.needs if importlib.util.find_spec(module) is None]
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
    """

    name: str
    title: str
    contestants: Sequence[Contestant]
    check: Callable[[Any], str | None] = lambda answer: None
    unit: str = "call"
    rounds: int = 7
    limit: float = 60.0
    least: float = 0.02


class Seconds(float):
    """A time that the timed function took itself."""


@dataclass
class Result:
    """How one contestant fared: the seconds of each round, or why there are none."""

    contestant: str
    status: str = "ok"
    remark: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def times(self, other: Result) -> tuple[float, float, float]:
        """How many times as long as ``other`` it takes: the quartiles over the rounds."""
        ratios = [a / b for a, b in zip(self.seconds, other.seconds, strict=False)]
        low, middle, high = statistics.quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
        return low, middle, high


def hold(contest: Contest, rounds: int | None = None) -> list[Result]:
    """Let everybody prepare and answer, then time the rounds; return a result each, in the contest's order."""
    players = [Player(contest, i) for i in range(len(contest.contestants))]
    try:
        for player in players:
            player.begin()
        turns = [player for player in players if player.result.status == "ok"]
        for _ in range(rounds or contest.rounds):
            random.shuffle(turns)
            for player in turns:
                player.take_turn()
    finally:
        for player in players:
            player.stop()
    return [player.result for player in players]


class Player:
    """The referee's side of one contestant's process."""

    def __init__(self, contest: Contest, index: int) -> None:
        self.contest, self.index = contest, index
        self.contestant = contest.contestants[index]
        self.result = Result(self.contestant.name, versions=versions(self.contestant.needs))
        self.process: multiprocessing.process.BaseProcess | None = None

    def begin(self) -> None:
        if why := self.contestant.missing():
            self.result.status = f"skipped: {why}"
            return
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=play, args=(self.contest.name, self.index, theirs), daemon=True)
        self.process.start()
        theirs.close()
        answer = self.hear("preparing")
        if self.result.status == "ok":
            try:
                self.result.remark = self.contest.check(answer) or ""
            except AssertionError as error:
                self.result.status = f"wrong answer: {error}"
                self.stop()

    def take_turn(self) -> None:
        if self.process is not None:
            self.pipe.send("go")
            seconds = self.hear("timed")
            if self.result.status == "ok":
                self.result.seconds.append(seconds / self.contestant.per_call)

    def hear(self, phase: str) -> Any:
        """What the process says next; where it says nothing in time, it is stopped."""
        if not self.pipe.poll(self.contest.limit):
            self.result.status = f"stopped after {self.contest.limit:.0f} s ({phase})"
            self.stop()
            return None
        try:
            kind, what = self.pipe.recv()
        except EOFError:
            kind, what = "failed", "its process ended"
        if kind == "failed":
            self.result.status = f"failed: {what}"
            self.stop()
        return what

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def play(contest_name: str, index: int, pipe: Connection) -> None:
    """The contestant's side: prepare, answer, then a timed round for every word from the referee."""
    from tests.benchmarks.program import CONTESTS

    contest = CONTESTS[contest_name]
    contestant = contest.contestants[index]
    try:
        call = contestant.prepare()
        pipe.send(("answer", contestant.answer(call())))
        repeats = 1
        while contest.least and timed(call, repeats) * repeats < contest.least:
            repeats *= 2
        while pipe.recv():
            contestant.reset()
            pipe.send(("seconds", timed(call, repeats)))
    except EOFError:
        pass
    except Exception as error:
        pipe.send(("failed", f"{type(error).__name__}: {error}".splitlines()[0][:80]))


def timed(call: Call, repeats: int) -> float:
    """Seconds for one call, the mean over ``repeats``."""
    began = time.perf_counter()
    for _ in range(repeats):
        result = call()
    elapsed = (time.perf_counter() - began) / repeats
    return float(result) if isinstance(result, Seconds) else elapsed


def forget_sympy() -> None:
    """What a contestant that uses SymPy resets: its cache of results."""
    from sympy.core.cache import clear_cache

    clear_cache()
    gc.collect()


def versions(modules: Sequence[str]) -> dict[str, str]:
    """The versions of those that are installed."""
    found = {}
    for module in modules:
        try:
            found[module] = version(module)
        except PackageNotFoundError:
            continue
    return found


def process(*arguments: str) -> Callable[[], Call]:
    """Prepare a call that runs this Python in a new process and returns what it printed."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONUTF8": "1"}

    def call() -> str:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, timeout=60)
        if run.returncode:
            raise RuntimeError(run.stderr.strip().splitlines()[-1])
        return run.stdout

    return lambda: call


def table(contest: Contest, results: Sequence[Result]) -> Iterator[str]:
    """The lines of a Markdown table of the results."""
    mine = results[0]
    yield f"### {contest.name}: {contest.title}"
    yield ""
    yield f"| tool | time a {contest.unit} | relative to {MINE} | in half of the rounds | remark |"
    yield "|---|---:|---:|---:|---|"
    for result in results:
        if result.status == "ok" and result.seconds:
            ratio, spread = compared(result, mine)
            yield f"| {result.contestant} | {readable(result.median)} | {ratio} | {spread} | {result.remark} |"
        else:
            yield f"| {result.contestant} | - | - | - | {result.status} |"
    yield ""


def compared(result: Result, mine: Result) -> tuple[str, str]:
    """The ratio of two results and the range in which its middle half lies, for the table."""
    if not mine.seconds:
        return "-", "-"
    low, middle, high = result.times(mine)
    return f"{middle:.3g}", f"{low:.3g} to {high:.3g}" if result is not mine else ""


def readable(seconds: float) -> str:
    """A time with three digits and a unit."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def as_json(contest: Contest, results: Sequence[Result]) -> str:
    """The same as data: every round's seconds, versions and statuses."""
    rows = [vars(result) for result in results]
    return json.dumps({"contest": contest.name, "title": contest.title, "unit": contest.unit, "results": rows})
