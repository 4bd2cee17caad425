"""Value and all partial derivatives at one new point: floats in, floats out, everything prepared beforehand."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.benchmarks.contest import Call, Contest, Contestant


@dataclass(frozen=True)
class Work:
    """A formula as text and as the same formula in Python, over the functions of a module."""

    name: str
    text: str
    names: tuple[str, ...]
    python: Callable[..., Any]  # (module with exp, sin, ..., *values) -> value

    @property
    def points(self) -> list[tuple[float, ...]]:
        chance = random.Random(11)
        return [tuple(chance.uniform(0.5, 2.0) for _ in self.names) for _ in range(64)]


def chain(m: Any, *x: Any) -> Any:
    """The sum over neighbours of exp(-a*b)*sin(a + 2*b) + a**3/(1 + b**2)."""
    terms = [m.exp(-a * b) * m.sin(a + 2 * b) + a**3 / (1 + b**2) for a, b in itertools.pairwise(x)]
    return sum(terms[1:], terms[0])


CHAIN = tuple(f"x{i}" for i in range(20))
WORKS = [
    Work("quadratic", "6*x**2 + 2*x + 4", ("x",), lambda m, x: 6 * x**2 + 2 * x + 4),
    Work(
        "gauss",
        "exp(-((x - mu)/sigma)**2/2)/sigma",
        ("x", "mu", "sigma"),
        lambda m, x, mu, sigma: m.exp(-(((x - mu) / sigma) ** 2) / 2) / sigma,
    ),
    Work(
        "planck",
        "2*h*nu**3/(c**2*(exp(h*nu/(k*T)) - 1))",
        ("h", "nu", "c", "k", "T"),
        lambda m, h, nu, c, k, T: 2 * h * nu**3 / (c**2 * (m.exp(h * nu / (k * T)) - 1)),
    ),
    Work(
        "chain20",
        " + ".join(f"exp(-{a}*{b})*sin({a} + 2*{b}) + {a}**3/(1 + {b}**2)" for a, b in itertools.pairwise(CHAIN)),
        CHAIN,
        chain,
    ),
]


def at_next_point(work: Work, evaluate: Callable[..., Any]) -> Call:
    """A call that evaluates at the next of the points, and at the first one when it is first called."""
    following = itertools.cycle(work.points).__next__
    return lambda: evaluate(*following())


def symdiff(work: Work) -> Call:
    import symdiff as sd

    return at_next_point(work, sd.compile(sd.parse(work.text), args=work.names).value_and_grad)


def sympy(work: Work) -> Call:
    from sympy import Symbol, lambdify
    from sympy.parsing.sympy_parser import parse_expr

    symbols = {name: Symbol(name) for name in work.names}
    f = parse_expr(work.text, local_dict=symbols)
    gradient = [f.diff(symbol) for symbol in symbols.values()]
    return at_next_point(work, lambdify(list(symbols.values()), [f, *gradient], "math", cse=True))


def symengine(work: Work) -> Call:
    from symengine import Lambdify, Symbol, sympify

    symbols = [Symbol(name) for name in work.names]
    f = sympify(work.text)
    return at_next_point(work, partial(_listed, Lambdify(symbols, [f, *(f.diff(s) for s in symbols)], cse=True)))


def _listed(function: Callable[[Sequence[float]], Any], *x: float) -> Any:
    return function(x)


def torch(work: Work) -> Call:
    import torch

    torch.set_num_threads(1)

    def evaluate(*point: float) -> tuple[float, list[float]]:
        x = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in point]
        value = work.python(torch, *x)
        value.backward()
        return value.item(), [variable.grad.item() for variable in x]

    return at_next_point(work, evaluate)


def jax(work: Work) -> Call:
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    f = jax.jit(jax.value_and_grad(lambda x: work.python(jax.numpy, *(x[i] for i in range(len(work.names))))))

    def evaluate(*point: float) -> tuple[float, Any]:
        value, gradient = f(np.array(point))
        return float(value), np.asarray(gradient)

    return at_next_point(work, evaluate)


def flat(answer: Any) -> list[float]:
    """Value and partials in one list, from ``(value, partials)`` as from ``[value, *partials]``."""
    value, *rest = answer
    return [float(number) for number in (value, *(rest[0] if hasattr(rest[0], "__len__") else rest))]


def check(work: Work, answer: Sequence[float]) -> str:
    import mpmath

    with mpmath.workdps(40):
        point = tuple(map(mpmath.mpf, work.points[0]))
        f = partial(work.python, mpmath)
        n = len(point)
        orders = [(0,) * n, *(tuple(int(i == j) for j in range(n)) for i in range(n))]
        wanted = [f(*point), *(mpmath.diff(f, point, order) for order in orders[1:])]
        worst = max(abs(got / want - 1) for got, want in zip(answer, wanted, strict=True))
    assert worst < 1e-12, f"relative error {float(worst):.1e}"
    return f"largest relative error {float(worst):.0e}"


def contest(work: Work) -> Contest:
    entrants: list[tuple[str, str, Callable[[Work], Call]]] = [
        ("symdiff F.value_and_grad", "symdiff", symdiff),
        ("SymPy lambdify, math, cse", "sympy", sympy),
        ("SymEngine Lambdify, cse", "symengine", symengine),
        ("PyTorch eager backward", "torch", torch),
        ("JAX jit(value_and_grad)", "jax", jax),
    ]
    return Contest(
        f"point-{work.name}",
        f"value and {len(work.names)} partial{'s' * (len(work.names) > 1)} at one new point",
        [Contestant(name, partial(prepare, work), (module,), flat) for name, module, prepare in entrants],
        partial(check, work),
        unit="point",
        rounds=11,
        limit=120,
    )


CONTESTS = [contest(work) for work in WORKS]
