"""From nothing to an answer: importing, and the whole command from cold start. Files are in the page cache."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.contest import Call, Contest, Contestant, Measured, process
from tests.benchmarks.report import Bar


def importing(modules: str) -> Callable[[], Call]:
    """Prepare a call that measures, inside a new process, how long an import takes there."""
    code = f"from time import perf_counter as t; a = t(); import {modules}; print(t() - a)"
    start = process("-c", code)

    def prepare() -> Call:
        run = start()
        return lambda: Measured(run())

    return prepare


NUMPY = "import numpy; print(64, 38)"
SYMPY = """
from sympy import Symbol
from sympy.parsing.sympy_parser import parse_expr
x = Symbol("x", real=True)
f = parse_expr("6*x**2+2*x+4", local_dict={"x": x})
d = f.diff(x)
print(d, float(f.subs(x, 3)), float(d.subs(x, 3)))
"""
SYMENGINE = """
import symengine
x = symengine.Symbol("x")
f = symengine.sympify("6*x**2+2*x+4")
d = f.diff(x)
print(d, float(f.subs(x, 3)), float(d.subs(x, 3)))
"""
TORCH = """
import torch
x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
f = 6 * x**2 + 2 * x + 4
f.backward()
print(f.item(), x.grad.item())
"""
JAX = """
import jax
jax.config.update("jax_enable_x64", True)
print(*jax.value_and_grad(lambda x: 6 * x**2 + 2 * x + 4)(3.0))
"""


def check_cold(printed: str) -> None:
    assert "64" in printed, printed
    assert "38" in printed, printed


CONTESTS = [
    Contest(
        "import",
        "import of the package, inside a new process",
        [
            Contestant("symdiff", importing("symdiff"), ("symdiff",)),
            Contestant("NumPy", importing("numpy"), ("numpy",)),
            Contestant("llvmlite", importing("llvmlite.binding"), ("llvmlite",)),
            Contestant("SymPy", importing("sympy"), ("sympy",)),
            Contestant("SymEngine", importing("symengine"), ("symengine",)),
            Contestant("CasADi", importing("casadi"), ("casadi",)),
            Contestant("Numba", importing("numba"), ("numba",)),
            Contestant("JAX", importing("jax"), ("jax",)),
            Contestant("PyTorch", importing("torch"), ("torch",)),
        ],
        unit="import",
        rounds=11,
        least=0,
        group="start",
        label="import",
    ),
    Contest(
        "cold",
        '`symdiff "6*x**2+2*x+4" --at x=3 --no-sympy` as a whole process; the others print derivative and values',
        [
            Contestant("symdiff", process("-m", "symdiff", "6*x**2+2*x+4", "--at", "x=3", "--no-sympy"), ("symdiff",)),
            Contestant("NumPy, import alone", process("-c", NUMPY), ("numpy",)),
            Contestant("SymPy", process("-c", SYMPY), ("sympy",)),
            Contestant("SymEngine", process("-c", SYMENGINE), ("symengine",)),
            Contestant("PyTorch, no closed form", process("-c", TORCH), ("torch",)),
            Contestant("JAX, no closed form", process("-c", JAX), ("jax",)),
        ],
        check_cold,
        unit="process",
        rounds=15,
        least=0,
        bars=[Bar("NumPy, import alone", 1 / 1.4), Bar("SymEngine", 1.0)],
        group="start",
        label="a whole process: derivative and value of `6*x**2+2*x+4` at 3",
    ),
]
