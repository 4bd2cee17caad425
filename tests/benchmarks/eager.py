"""Eager tensors beside PyTorch and HIPS autograd: the tutorials' formulas, forward and backward, and a deep graph."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks.contest import Call, Contest, Contestant, Measured
from tests.benchmarks.memory import resident

Formula = Callable[..., Any]  # (module with sin, *values) -> value

FORMULAS: list[tuple[Formula, tuple[float, ...]]] = [
    (lambda m, x: 3 * x**2, (3.0,)),
    (lambda m, x: 6 * x**2 + 2 * x + 4, (3.0,)),
    (lambda m, x: x**2, (9.0,)),
    (lambda m, x: x**2 + 2 * x + 1, (2.0,)),
    (lambda m, x: 2 * x**3 + x, (1.0,)),
    (lambda m, x: x**3 + x**2, (2.0,)),
    (lambda m, x: m.sin(x / 2**1.5), (100.0,)),
    (lambda m, u, v: u**3 + v**2 + 4 * u * v, (3.0, 4.0)),
    (lambda m, u, v: u**2 + v**3 + u * v, (2.0, 4.0)),
    (lambda m, u, v: u * v + u**2, (1.0, 2.0)),
    (lambda m, u, v: u * v + (u * v) ** 2, (2.0, 1.0)),
    (lambda m, x, y: x**2 + y**3, (2.0, 3.0)),
]
DEPTH = 100_000
SHRINK, START = 0.99999, 0.5  # of the deep graph

Answers = list[tuple[float, list[list[float]]]]  # for each formula its value, and a list for each variable's gradient


def tensor_module(name: str) -> Any:
    """PyTorch on one thread, or what stands in for it here."""
    import importlib

    torch = importlib.import_module(name)
    if name == "torch":
        torch.set_num_threads(1)
    return torch


# ---- the tutorials' formulas


def along(point: Sequence[float], size: int) -> list[list[float]]:
    """For each variable the values at ``size`` points, of which the first is the tutorials'."""
    return [[x * (1 + i / size) for i in range(size)] for x in point]


def scalars(module: str) -> Call:
    torch = tensor_module(module)
    work = [(f, [torch.tensor(x, requires_grad=True) for x in point]) for f, point in FORMULAS]

    def call() -> Any:
        found = []
        for f, xs in work:
            for x in xs:
                x.grad = None
            y = f(torch, *xs)
            y.backward()
            found.append((y, xs))
        return found

    return call


def vectors(module: str, size: int = 10) -> Call:
    torch = tensor_module(module)
    work = [(f, [torch.tensor(xs, requires_grad=True) for xs in along(point, size)]) for f, point in FORMULAS]

    def call() -> Any:
        found = []
        for f, xs in work:
            for x in xs:
                x.grad = None
            y = f(torch, *xs).sum()
            y.backward()
            found.append((y, xs))
        return found

    return call


def of_tensors(found: Any) -> Answers:
    return [(y.item(), [listed(x.grad.tolist()) for x in xs]) for y, xs in found]


def autograd_scalars() -> Call:
    import autograd
    import autograd.numpy as anp

    work = [(autograd.value_and_grad(partial(f, anp), argnum=tuple(range(len(point)))), point) for f, point in FORMULAS]
    return lambda: [f(*point) for f, point in work]


def autograd_vectors(size: int = 10) -> Call:
    import autograd
    import autograd.numpy as anp

    def summed(f: Formula) -> Formula:
        return lambda *x: anp.sum(f(anp, *x))

    work = [
        (autograd.value_and_grad(summed(f), argnum=tuple(range(len(point)))), [np.array(x) for x in along(point, size)])
        for f, point in FORMULAS
    ]
    return lambda: [f(*xs) for f, xs in work]


def of_autograd(found: Any) -> Answers:
    return [(float(value), [listed(g) for g in gradient]) for value, gradient in found]


def listed(numbers: Any) -> list[float]:
    """One number or several as a list of floats."""
    return [float(x) for x in np.ravel(numbers)]


def check_formulas(size: int, answers: Answers) -> str:
    """Values and gradients against mpmath; float32 loses digits in the sine of 35."""
    import mpmath

    worst = 0.0
    with mpmath.workdps(30):
        for (f, point), (value, gradient) in zip(FORMULAS, answers, strict=True):
            places = list(zip(*along(point, size), strict=True))
            worst = max(worst, error(value, sum(f(mpmath, *map(mpmath.mpf, place)) for place in places)))
            for i, partials in enumerate(gradient):
                order = tuple(int(i == j) for j in range(len(point)))
                wanted = [mpmath.diff(partial(f, mpmath), place, order) for place in places]
                worst = max(worst, *map(error, partials, wanted))
    assert worst < 3e-5, f"relative error {worst:.1e}"
    return f"largest relative error {worst:.0e}"


def error(got: float, wanted: Any) -> float:
    return float(abs(got / wanted - 1))


def formulas_contest(
    name: str, title: str, size: int, work: Callable[[str], Call], theirs: Callable[[], Call]
) -> Contest:
    return Contest(
        f"eager-{name}",
        f"forward and backward of the tutorials' {len(FORMULAS)} formulas, {title}",
        [
            Contestant("symdiff, eager", partial(work, "symdiff.eager"), ("symdiff",), of_tensors),
            Contestant("PyTorch eager", partial(work, "torch"), ("torch",), of_tensors),
            Contestant("autograd", theirs, ("autograd",), of_autograd),
        ],
        partial(check_formulas, size),
        unit=f"{len(FORMULAS)} formulas",
        rounds=41,
        group="tensors",
        label=f"forward and backward of the tutorials' {len(FORMULAS)} formulas, {title}",
    )


# ---- a deep graph


class Swept(Measured):
    """The seconds of a backward pass, its gradient, and what is left in memory after it."""

    gradient: float
    remark: str


def deep(module: str, memory: Callable[[], float], unit: str) -> Call:
    """A call that builds a graph and times the pass through it; memory is asked for beforehand, in a run of its own."""
    torch = tensor_module(module)
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)

    def build(depth: int) -> Any:
        y = x
        for _ in range(depth // 2):
            y = torch.sin(y * SHRINK)
        return y

    remark = footprint(build, memory) + f" ({unit})"

    def call() -> Swept:
        x.grad = None
        y = build(DEPTH)
        began = time.perf_counter()
        y.backward()
        swept = Swept(time.perf_counter() - began)
        swept.gradient, swept.remark = x.grad.item(), remark
        return swept

    return call


def footprint(build: Callable[[int], Any], memory: Callable[[], float]) -> str:
    """What a graph takes, and what of it stays when its result is dropped, in words."""
    build(10).backward()  # what is made once does not count
    before = memory()
    y = build(DEPTH)
    held = memory() - before
    y.backward()
    del y
    return f"graph of {held:.0f} MB, {memory() - before:.2f} MB left when it is dropped"


def traced() -> float:
    """What Python has allocated since this was asked first, in MB."""
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0] / 1e6


def ours(module: str) -> Call:
    call = deep(module, traced, "tracemalloc")
    tracemalloc.stop()  # it costs time
    return call


def check_deep(answer: tuple[float, str]) -> str:
    y, wanted = START, 1.0
    for _ in range(DEPTH // 2):
        wanted *= SHRINK * math.cos(y * SHRINK)
        y = math.sin(y * SHRINK)
    gradient, remark = answer
    assert abs(gradient / wanted - 1) < 1e-9, f"{gradient!r}, not {wanted!r}"  # 100,000 roundings
    return remark


def of_sweep(swept: Swept) -> tuple[float, str]:
    return swept.gradient, swept.remark


CONTESTS = [
    formulas_contest("scalars", "on scalars", 1, scalars, autograd_scalars),
    formulas_contest("vectors", "on vectors of 10, summed", 10, vectors, autograd_vectors),
    Contest(
        "eager-deep",
        f"the backward pass through a graph {DEPTH:,} operations deep",
        [
            Contestant("symdiff, eager", partial(ours, "symdiff.eager"), ("symdiff",), of_sweep),
            Contestant(
                "PyTorch eager",
                partial(deep, "torch", resident, "resident, which its allocator keeps"),
                ("torch",),
                of_sweep,
            ),
        ],
        check_deep,
        unit="pass",
        least=0,
        group="tensors",
        label=f"backward through {DEPTH:,} operations",
    ),
]
