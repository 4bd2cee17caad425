"""Value and all partial derivatives at many points, as columns in new memory: one thread, several, and the memory."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from tests.benchmarks.contest import Call, Contest, Contestant, Measured
from tests.benchmarks.memory import forget_peak, peak, resident
from tests.benchmarks.native import C
from tests.benchmarks.peers import (
    Autograd,
    ByHand,
    CasADi,
    Jax,
    Numba,
    NumExpr,
    Peer,
    PyTensor,
    Symdiff,
    SymEngine,
    SymPy,
    Torch,
    TorchCompiled,
)
from tests.benchmarks.report import Bar
from tests.benchmarks.works import CHAIN5, GAUSS, MIXED, PLANCK, Work, check_columns, columns, condensed, listed

COMPILED, PLAIN = Symdiff("compiled", "llvm"), Symdiff("without the extra", "numpy")
FAST: tuple[Peer, ...] = (COMPILED, PLAIN, ByHand(), NumExpr(), Numba(), Jax(), TorchCompiled(), C())
OTHERS: tuple[Peer, ...] = (Torch(), SymPy(), SymEngine(), CasADi(), Autograd(), PyTensor())
ONE_EXPONENTIAL = (GAUSS, PLANCK)
SIZES = {10**k: f"1e{k}" for k in range(2, 8)}


def prepare(peer: Peer, work: Work, count: int) -> Call:
    return peer.arrays(work, columns(work, count))


def answer(count: int, results: Any) -> list[list[float]]:
    return condensed(listed(results), count)


def bars(work: Work) -> list[Bar]:
    """What is asked from 1e4 points on."""
    compiled = {
        "JAX, jit": 3.0 if work in ONE_EXPONENTIAL else 8.0,
        "torch.compile": 1.8,
        "Numba, njit": 5.0,
        "numexpr": 15.0,
        "C, libmvec": 1 / 1.3,
    }
    plain = {"JAX, jit": 1.5, "numexpr": 3.0, "NumPy, by hand": 2.0}
    mine = [Bar(other, factor) for other, factor in compiled.items()]
    return mine + [Bar(other, factor, PLAIN.name) for other, factor in plain.items()]


def enter(peer: Peer, work: Work, count: int) -> Contestant:
    return peer.enter(partial(prepare, peer, work, count), partial(answer, count), per_call=count)


def contest(work: Work, count: int) -> Contest:
    entrants = (*FAST, *OTHERS) if count <= 10**5 else FAST
    return Contest(
        f"arrays-{work.name}-{SIZES[count]}",
        f"{work.name}, value and {len(work.names)} partials at {SIZES[count]} points, one thread",
        [enter(peer, work, count) for peer in entrants],
        partial(check_columns, work, count),
        unit="point",
        rounds=9,
        limit=180,
        bars=bars(work) if count >= 10**4 else (),
        group="arrays, one thread",
        label=f"{work.name}, {SIZES[count]} points" if count in (10**4, 10**6) else "",
        series=(f"arrays-{work.name}", count),
    )


# ---- several threads


def threads_contest(work: Work, count: int) -> Contest:
    two, one = Symdiff("", "llvm", 2), Symdiff("", "llvm")
    one.name = "one thread, symdiff"
    entrants: tuple[Peer, ...] = (two, one, Jax(2), TorchCompiled(2))
    contestants = [enter(peer, work, count) for peer in entrants]
    contestants[1] = replace(contestants[1], threads=2)  # both by the same clock, on any core
    return Contest(
        f"threads-{work.name}",
        f"{work.name}, {SIZES[count]} points, two threads: the best of the pairs",
        contestants,
        partial(check_columns, work, count),
        unit="point",
        rounds=30,
        limit=180,
        bars=[Bar(one.name, 1.6)],
        best=True,
        group="two threads",
        label=f"{work.name}, {SIZES[count]} points",
    )


# ---- memory


class Footprint(Measured):
    """Megabytes that a call took beyond its results at its peak, and the answer."""

    answer: list[list[float]]


def footprint(peer: Peer, work: Work, count: int) -> Call:
    """A call that is watched. What is made once, for any size, is made before."""
    peer.arrays(work, columns(work, 1000))()
    call = prepare(peer, work, count)

    def watched() -> Footprint:
        before = resident()
        forget_peak()
        results = listed(call())
        beyond = peak() - before - 8e-6 * count * len(results)
        found = Footprint(max(beyond, 0.1))  # less cannot be told
        found.answer = answer(count, results)
        return found

    return watched


def memory_contest(work: Work, count: int) -> Contest:
    entrants: tuple[Peer, ...] = (COMPILED, PLAIN, ByHand(), NumExpr(), Numba(), Jax(), TorchCompiled())
    return Contest(
        f"memory-{work.name}",
        f"{work.name}, {SIZES[count]} points: memory beyond the {len(work.names) + 1} results, at its peak",
        [peer.enter(partial(footprint, peer, work, count), lambda found: found.answer) for peer in entrants],
        partial(check_columns, work, count),
        unit="call",
        rounds=3,
        limit=180,
        least=0,
        fresh=True,
        ceilings={COMPILED.name: 10.0, PLAIN.name: 10.0},
        quantity="MB",
        group="memory beyond the results",
        label=f"{work.name}, {SIZES[count]} points",
        long=True,
    )


CONTESTS = [
    *(contest(MIXED, 10**k) for k in range(2, 7)),
    *(contest(work, count) for work in (GAUSS, PLANCK, CHAIN5) for count in (10**4, 10**6)),
    *(threads_contest(work, 10**6) for work in (GAUSS, MIXED, CHAIN5)),
    memory_contest(MIXED, 10**7),
]
