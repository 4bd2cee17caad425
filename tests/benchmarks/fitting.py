"""Least squares: the sum over 1e6 points of the squared residuals of a model, and its 10 partials by the parameters."""

from __future__ import annotations

from functools import partial

from tests.benchmarks.contest import Call, Contest
from tests.benchmarks.native import C
from tests.benchmarks.peers import Autograd, ByHand, Jax, Numba, Peer, Symdiff, Torch, TorchCompiled
from tests.benchmarks.point import floats
from tests.benchmarks.report import Bar
from tests.benchmarks.works import SQUARES, START, check_sums, measurements

PLAIN = Symdiff("without the extra", "numpy")
PEERS: tuple[Peer, ...] = (
    Symdiff("compiled", "llvm"),
    PLAIN,
    ByHand(),
    Numba(),
    Jax(),
    TorchCompiled(),
    Torch(),
    Autograd(),
    C(),
)


def prepare(peer: Peer, count: int) -> Call:
    return peer.sums(SQUARES, measurements(count), START)


def contest(count: int, label: str) -> Contest:
    return Contest(
        "fit",
        f"sum of squared residuals over {label} points and its partials by {len(START)} parameters, one thread",
        [peer.enter(partial(prepare, peer, count), floats, per_call=count) for peer in PEERS],
        partial(check_sums, count),
        unit="point",
        rounds=11,
        limit=180,
        bars=[Bar("torch.compile", 1.3), Bar("JAX, jit", 12.0)],
        group="least squares",
        label=f"{len(START)} parameters, {label} points",
    )


CONTESTS = [contest(10**6, "1e6")]
