"""Value and all partial derivatives at one new point: floats in, floats out, everything prepared beforehand."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.benchmarks.contest import Call, Contest
from tests.benchmarks.peers import Autograd, CasADi, Jax, Numba, Peer, PyTensor, Symdiff, SymEngine, SymPy, Torch
from tests.benchmarks.report import Bar
from tests.benchmarks.works import CHAIN20, GAUSS, MIXED, PLANCK, QUADRATIC, Work, check_points, listed

COMPILED, PLAIN = Symdiff("compiled", "llvm"), Symdiff("without the extra", "python")
PEERS: tuple[Peer, ...] = (
    COMPILED,
    PLAIN,
    SymPy(),
    SymEngine(),
    CasADi(),
    Numba(),
    Jax(),
    Torch(),
    Autograd(),
    PyTensor(),
)
BARS = (
    Bar("Numba, njit", 1.0),
    Bar("CasADi, buffer", 1.0),
    Bar("JAX, jit", 50.0),
    Bar("SymPy, lambdify with cse", 1.2, PLAIN.name),
)


def prepare(peer: Peer, work: Work) -> Call:
    """A call that goes through all points."""
    evaluate, points = peer.point(work), work.points()
    return lambda: [evaluate(*point) for point in points]


def floats(answer: Any) -> list[float]:
    return list(map(float, listed(answer)))


def all_floats(answers: list[Any]) -> list[list[float]]:
    return list(map(floats, answers))


def contest(work: Work) -> Contest:
    count = len(work.names)
    return Contest(
        f"point-{work.name}",
        f"value and {count} partial{'s' * (count > 1)} at one new point",
        [peer.enter(partial(prepare, peer, work), all_floats, per_call=len(work.points())) for peer in PEERS],
        partial(check_points, work),
        unit="point",
        rounds=15,
        limit=180,
        bars=BARS,
        group="one point",
        label=f"{work.name}: value and {count} partial{'s' * (count > 1)}",
    )


CONTESTS = [contest(work) for work in (QUADRATIC, GAUSS, PLANCK, MIXED, CHAIN20)]
