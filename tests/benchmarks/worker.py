"""A contestant's process: prepare, answer, and take the time."""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from tests.benchmarks.contest import BYTECODE, Call, Contest, Contestant, Measured


@dataclass(frozen=True)
class Opening:
    """What a process says first: the seconds until it had answered, what its first call took of them, the answer."""

    ready: float
    first: float
    answer: Any


def confinement(contestant: Contestant) -> dict[str, str]:
    """The environment that keeps a tool to its threads; some read theirs when they are imported."""
    threads = str(contestant.threads)
    libraries = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
    xla = "--xla_cpu_multi_thread_eigen=false" if contestant.threads == 1 else ""
    limits = {f"{library}_NUM_THREADS": threads for library in libraries}
    tools = {"XLA_FLAGS": xla, "JAX_PLATFORMS": "cpu", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return {**limits, **tools, **contestant.environment}


def play(program: str, name: str, index: int, environment: Mapping[str, str], pipe: Connection) -> None:
    """The contestant's side: prepare, answer, then a timed round for every word from the referee."""
    os.environ.update(environment)
    sys.dont_write_bytecode, sys.pycache_prefix = False, BYTECODE
    warnings.simplefilter("ignore")  # tools warn of their own code
    contest: Contest = import_module(program).CONTESTS[name]
    contestant = contest.contestants[index]
    if contestant.threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        began = time.perf_counter()
        call = contestant.prepare()
        seconds, result = timed(call, 1, contestant.threads)
        ready = time.perf_counter() - began
        pipe.send(("answer", Opening(ready, seconds, contestant.answer(result))))
        del result  # it would hold memory that the next call could use
        repeats = enough(call, contest.least, contestant.threads)
        while pipe.recv():
            contestant.reset()
            pipe.send(("seconds", timed(call, repeats, contestant.threads)[0]))
    except EOFError:
        pass
    except Exception as error:
        pipe.send(("failed", f"{type(error).__name__}: {error}".splitlines()[0][:80]))


def enough(call: Call, least: float, threads: int) -> int:
    """How many calls take so long that a clock can tell."""
    repeats = 1
    while least and timed(call, repeats, threads)[0] * repeats < least:
        repeats *= 2
    return repeats


def timed(call: Call, repeats: int, threads: int) -> tuple[float, Any]:
    """Seconds for one call, the mean over ``repeats``, and what the last one returned."""
    worked, began = processor_time(), time.perf_counter()
    for _ in range(repeats - 1):
        call()
    result = call()
    elapsed, worked = time.perf_counter() - began, processor_time() - worked
    if threads == 1 and elapsed > 1.05 * worked + 3e-4:  # others had the core
        elapsed = worked
    return (float(result) if isinstance(result, Measured) else elapsed / repeats), result


def processor_time() -> float:
    """Seconds that this process and those it waited for have worked."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
