"""The referee: answers are checked before anything is timed, turns are interleaved."""

from __future__ import annotations

import multiprocessing
import random
from typing import Any

from tests.benchmarks.contest import Contest
from tests.benchmarks.machine import versions
from tests.benchmarks.report import Report, Result
from tests.benchmarks.worker import Opening, confinement, play

PROGRAM = "tests.benchmarks.program"  # where a process finds the contests


def hold(contest: Contest, rounds: int | None = None, program: str = PROGRAM) -> Report:
    """Let everybody prepare and answer, then time the rounds; the results are in the contest's order."""
    players = [Player(contest, i, program) for i in range(len(contest.contestants))]
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
    return contest.report([player.result for player in players])


class Player:
    """The referee's side of one contestant's process."""

    def __init__(self, contest: Contest, index: int, program: str) -> None:
        self.contest, self.index, self.program = contest, index, program
        self.contestant = contest.contestants[index]
        self.result = Result(self.contestant.name, versions=versions(self.contestant.needs))
        self.process: multiprocessing.process.BaseProcess | None = None

    def begin(self) -> None:
        if why := self.contestant.missing():
            self.result.status = f"skipped: {why}"
            return
        opening = self.start()
        if opening is not None:
            self.result.ready = opening.ready
        if self.contest.fresh:
            self.stop()

    def start(self) -> Opening | None:
        """Start the process and check its first answer; None where that went wrong."""
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(
            target=play, args=(self.program, self.contest.name, self.index, confinement(self.contestant), theirs)
        )
        self.process.daemon = True
        self.process.start()
        theirs.close()
        opening: Opening | None = self.hear("preparing")
        if opening is not None:
            try:
                self.result.remark = self.contest.check(opening.answer) or ""
            except AssertionError as error:
                self.fail(f"wrong answer: {error}")
                return None
        return opening

    def take_turn(self) -> None:
        if self.result.status != "ok":
            return
        if self.contest.fresh:
            opening = self.start()
            seconds = opening.first if opening is not None else None
            self.stop()
        else:
            self.pipe.send("go")
            seconds = self.hear("timed")
        if seconds is not None:
            self.result.rounds.append(seconds / self.contestant.per_call)

    def hear(self, phase: str) -> Any:
        """What the process says next; None where it says nothing in time, or that it failed, and it is stopped."""
        if not self.pipe.poll(self.contest.limit):
            return self.fail(f"stopped after {self.contest.limit:.0f} s ({phase})")
        try:
            kind, what = self.pipe.recv()
        except EOFError:
            kind, what = "failed", "its process ended"
        return self.fail(f"failed: {what}") if kind == "failed" else what

    def fail(self, status: str) -> None:
        self.result.status = status.splitlines()[0]
        self.result.rounds.clear()
        self.stop()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
