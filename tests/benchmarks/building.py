"""The first call of a new process: from a formula that has been read to value and gradient at 1000 points.

What is imported, and the reading of the text, is outside the clock.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.arrays import answer
from tests.benchmarks.contest import Call, Contest, Contestant
from tests.benchmarks.peers import CasADi, Jax, Numba, Peer, Symdiff, TorchCompiled
from tests.benchmarks.works import CHAIN5, CHAIN20, CHAIN50, MIXED, Work, check_columns, columns

COUNT = 1000
NO_CACHE = {"SYMDIFF_CACHE_DIR": "", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
CACHE = {"SYMDIFF_CACHE_DIR": str(Path(tempfile.gettempdir(), "symdiff-benchmarks"))}


def prepare(peer: Peer, work: Work) -> Call:
    peer.ahead(work)
    given = columns(work, COUNT)
    return lambda: peer.arrays(work, given)()


def enter(peer: Peer, work: Work, environment: dict[str, str]) -> Contestant:
    return peer.enter(partial(prepare, peer, work), partial(answer, COUNT), environment=environment)


def contest(work: Work, peers: Sequence[Peer], nodes: str, ceiling: float, long: bool = False) -> Contest:
    cached = Symdiff("from the cache on disk", "llvm")  # its first process fills the cache
    mine = Symdiff("compiled", "llvm")
    plain = Symdiff("without the extra", "numpy")
    return Contest(
        f"build-{work.name}",
        f"first call in a new process of {work.name}, {nodes}: derivative, code, and values at {COUNT} points",
        [
            enter(mine, work, NO_CACHE),
            enter(cached, work, CACHE),
            *(enter(peer, work, NO_CACHE) for peer in (plain, *peers)),
        ],
        partial(check_columns, work, COUNT),
        unit="first call",
        rounds=5,
        limit=300,
        least=0,
        fresh=True,
        ceilings={mine.name: ceiling, cached.name: 3e-3},
        group="first call",
        label=f"{work.name}, {nodes}",
        long=long,
    )


CONTESTS = [
    contest(MIXED, (CasADi(), Jax(), Numba(), TorchCompiled()), "17 nodes, 35 with the gradient", 30e-3),
    contest(CHAIN5, (CasADi(), Jax(), Numba()), "59 nodes, 139 with the gradient", 30e-3),
    contest(CHAIN20, (CasADi(), Jax()), "269 nodes, 649 with the gradient", 150e-3),
    contest(CHAIN50, (CasADi(), Jax()), "689 nodes, 1669 with the gradient", 150e-3, long=True),
]
