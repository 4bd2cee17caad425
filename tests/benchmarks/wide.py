"""Value and gradient at one point of formulas in many variables, given as text: the Rosenbrock sum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks.contest import Call, Contest, Contestant
from tests.benchmarks.growth import rosenbrock, rosenbrock_gradient, spread
from tests.benchmarks.works import held

Sum = Callable[[int], Call]


def rosenbrock_sum(m: Any, x: Any) -> Any:
    """As somebody writes it who has vectors."""
    return m.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def symdiff(backend: str | None, n: int) -> Call:
    import symdiff as sd

    names = [f"x{i}" for i in range(n)]
    evaluate = sd.compile(rosenbrock(n), args=names, backend=backend).packed.value_and_grad
    x = np.array(spread(n))
    return lambda: evaluate(x)


def by_hand(n: int) -> Call:
    x = np.array(spread(n))

    def call() -> Any:
        a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
        gradient = np.zeros(n)
        gradient[1:] = 200 * a
        gradient[:-1] -= 400 * x[:-1] * a + 2 * b
        return 100 * (a @ a) + b @ b, gradient

    return call


def casadi(n: int) -> Call:
    import casadi

    x = casadi.SX.sym("x", n)
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    f = 100 * casadi.dot(a, a) + casadi.dot(b, b)
    function = casadi.Function("f", [x], [f, casadi.gradient(f, x)])
    buffer, go = function.buffer()
    given, value = np.array(spread(n)), np.zeros(1)
    buffer.set_arg(0, given.data)
    buffer.set_res(0, value.data)

    def call(owners: Any = (function, buffer, given)) -> Any:  # ``go`` keeps nothing
        gradient = np.empty(n)
        buffer.set_res(1, gradient.data)
        go()
        return value[0], gradient

    return call


def autograd(n: int) -> Call:
    import autograd as package
    import autograd.numpy as anp

    evaluate = package.value_and_grad(partial(rosenbrock_sum, anp))
    x = np.array(spread(n))
    return lambda: evaluate(x)


def jax(n: int) -> Call:
    import jax as package

    package.config.update("jax_enable_x64", True)
    evaluate = package.jit(package.value_and_grad(partial(rosenbrock_sum, package.numpy)))
    x = np.array(spread(n))

    def call() -> Any:
        value, gradient = evaluate(x)
        return float(value), np.asarray(gradient)

    return call


def torch(n: int) -> Call:
    import torch as package

    package.set_num_threads(1)
    x = package.tensor(spread(n), dtype=package.float64, requires_grad=True)

    def call() -> Any:
        value = rosenbrock_sum(package, x)
        (gradient,) = package.autograd.grad(value, [x])
        return value.item(), gradient.numpy()

    return call


def answer(result: Any) -> list[float]:
    value, gradient = result
    return [float(value), *map(float, gradient)]


def check(n: int, got: list[float]) -> str:
    x = np.array(spread(n))
    wanted = [float(rosenbrock_sum(np, x)), *rosenbrock_gradient(n, spread(n))]
    return f"largest relative error {held(got, wanted, 1e-10):.0e}"


def contest(n: int) -> Contest:
    entrants: list[tuple[str, str, Sum]] = [
        ("symdiff", "symdiff", partial(symdiff, None)),
        ("symdiff, without the extra", "symdiff", partial(symdiff, "wavefront")),
        ("NumPy, vectors by hand", "numpy", by_hand),
        ("CasADi, buffer", "casadi", casadi),
        ("JAX, vectors, jit", "jax", jax),
        ("PyTorch eager, vectors", "torch", torch),
        ("autograd, vectors", "autograd", autograd),
    ]
    return Contest(
        f"wide-{n}",
        f"value and gradient of the Rosenbrock sum in {n:,} variables at a point; vectors: not from the text",
        [Contestant(name, partial(prepare, n), (module,), answer) for name, module, prepare in entrants],
        partial(check, n),
        unit="point",
        rounds=7,
        limit=180,
        group="one point",
        label=f"the Rosenbrock sum, {n:,} variables" if n in (1000, 10_000) else "",
        series=("wide", n),
        long=n > 1000,
    )


CONTESTS = [contest(n) for n in (10, 100, 1000, 10_000)]
