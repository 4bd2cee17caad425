"""Closed forms of large and of deep formulas: does the derivative stay in proportion to the function?"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.benchmarks.contest import Call, Contest, Contestant, forget_sympy

LEVELS = 40
START = 0.01  # where the iterates stay small


def rosenbrock(n: int) -> str:
    return " + ".join(f"100*(x{i + 1} - x{i}**2)**2 + (1 - x{i})**2" for i in range(n - 1))


def rosenbrock_gradient(n: int, x: list[float]) -> list[float]:
    """By hand, for the check."""
    g = [0.0] * n
    for i in range(n - 1):
        a = x[i + 1] - x[i] ** 2
        g[i] += -400 * x[i] * a - 2 * (1 - x[i])
        g[i + 1] += 200 * a
    return g


def spread(n: int) -> list[float]:
    return [math.sin(3.0 * i + 1.0) for i in range(n)]


def size(roots: list[Any], args: Callable[[Any], Any]) -> int:
    """Nodes, each counted once however often it is shared."""
    seen, stack = set(roots), list(roots)
    while stack:
        for arg in args(stack.pop()):
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return len(seen)


Answer = tuple[list[float], int]


def symdiff_rosenbrock(n: int) -> Call:
    import symdiff as sd

    f = sd.parse(rosenbrock(n))
    return lambda: sd.gradient(f)


def symdiff_answer(n: int, gradient: Any) -> Answer:
    import symdiff as sd

    partials = list(gradient.values())
    values = sd.compile(partials, args=tuple(gradient))(*spread(n))
    return list(values), size([partial.node for partial in partials], lambda node: node.args)


def sympy_rosenbrock(n: int) -> Call:
    from sympy import symbols, sympify

    x = symbols(f"x:{n}")
    f = sympify(rosenbrock(n))
    return lambda: [f.diff(variable) for variable in x]


def symengine_rosenbrock(n: int) -> Call:
    from symengine import Symbol, sympify

    x = [Symbol(f"x{i}") for i in range(n)]
    f = sympify(rosenbrock(n))
    return lambda: [f.diff(variable) for variable in x]


def substituted(n: int, gradient: list[Any]) -> Answer:
    at = {f"x{i}": x for i, x in enumerate(spread(n))}
    values = [float(g.subs({v: at[str(v)] for v in g.free_symbols})) for g in gradient]
    return values, size(gradient, lambda expression: expression.args)


def check_rosenbrock(n: int, answer: Answer) -> str:
    values, nodes = answer
    wanted = rosenbrock_gradient(n, spread(n))
    worst = max(abs(got - want) / max(abs(want), 1.0) for got, want in zip(values, wanted, strict=True))
    assert worst < 1e-11, f"relative error {worst:.1e}"
    return f"{nodes:,} nodes"


def iterate(f: Any, sin: Callable[[Any], Any], levels: int) -> Any:
    for _ in range(levels):
        f = sin(f) * f + f
    return f


def symdiff_iterate(levels: int) -> Call:
    import symdiff as sd

    f = iterate(sd.parse("x"), sd.sin, levels)
    return lambda: f.diff("x")


def sympy_iterate(levels: int) -> Call:
    from sympy import Symbol, sin

    x = Symbol("x")
    f = iterate(x, sin, levels)
    return lambda: f.diff(x)


def symengine_iterate(levels: int) -> Call:
    from symengine import Symbol, sin

    x = Symbol("x")
    f = iterate(x, sin, levels)
    return lambda: f.diff(x)


def symdiff_slope(derivative: Any) -> Answer:
    return [derivative(x=START)], size([derivative.node], lambda node: node.args)


def peer_slope(derivative: Any) -> Answer:
    """SymPy's and SymEngine's own evaluation takes the tree apart; the DAG is evaluated here, node by node."""
    functions: dict[str, Callable[[list[float]], float]] = {
        "Add": math.fsum,
        "Mul": math.prod,
        "Pow": lambda v: v[0] ** v[1],
        "sin": lambda v: math.sin(*v),
        "cos": lambda v: math.cos(*v),
    }
    nodes: dict[Any, float] = {}
    stack = [(derivative, False)]
    while stack:
        node, ready = stack.pop()
        if node in nodes:
            continue
        if not ready:
            stack.append((node, True))
            stack.extend((arg, False) for arg in node.args)
        elif not node.args:
            nodes[node] = START if node.is_Symbol else float(node)
        else:
            nodes[node] = functions[type(node).__name__]([nodes[arg] for arg in node.args])
    return [nodes[derivative]], len(nodes)


def check_iterate(levels: int, answer: Answer) -> str:
    (slope,), nodes = answer
    f, wanted = START, 1.0
    for _ in range(levels):
        f, wanted = math.sin(f) * f + f, wanted * (math.cos(f) * f + math.sin(f) + 1)
    assert abs(slope / wanted - 1) < 1e-10, f"{slope!r}, not {wanted!r}"
    return f"{nodes:,} nodes"


def entrant(name: str, module: str, prepare: Callable[[], Call], answer: Callable[[Any], Answer]) -> Contestant:
    return Contestant(name, prepare, (module,), answer, reset=forget_sympy if module == "sympy" else gc.collect)


def rosenbrock_contest(n: int) -> Contest:
    entrants: list[tuple[str, str, Callable[[int], Call], Callable[[int, Any], Answer]]] = [
        ("symdiff", "symdiff", symdiff_rosenbrock, symdiff_answer),
        ("SymEngine", "symengine", symengine_rosenbrock, substituted),
    ]
    if n <= 300:  # 1000 take a minute each time
        entrants.append(("SymPy", "sympy", sympy_rosenbrock, substituted))
    return Contest(
        f"rosenbrock-{n}",
        f"closed-form gradient of the Rosenbrock sum in {n:,} variables",
        [entrant(name, module, partial(go, n), partial(to, n)) for name, module, go, to in entrants],
        partial(check_rosenbrock, n),
        unit="gradient",
        rounds=5 if n < 1000 else 2,
        limit=300,
        least=0,
        group="text and closed forms",
        label=f"closed-form gradient of the Rosenbrock sum, {n} variables" if n < 1000 else "",
        series=("rosenbrock", n),
        long=n > 300,
    )


def iterate_contest(levels: int) -> Contest:
    entrants: list[tuple[str, str, Callable[[int], Call], Callable[[Any], Answer]]] = [
        ("symdiff", "symdiff", symdiff_iterate, symdiff_slope),
        ("SymEngine", "symengine", symengine_iterate, peer_slope),
    ]
    if levels <= 10:  # 20 take minutes
        entrants.append(("SymPy", "sympy", sympy_iterate, peer_slope))
    return Contest(
        f"iterate-{levels}",
        f"derivative of f(k+1) = sin(f(k))*f(k) + f(k), {levels} levels",
        [entrant(name, module, partial(go, levels), to) for name, module, go, to in entrants],
        partial(check_iterate, levels),
        unit="derivative",
        limit=30,
        least=0,
        series=("iterate", levels),
    )


CONTESTS = [*map(rosenbrock_contest, (30, 100, 300, 1000)), *map(iterate_contest, (5, 10, 20, LEVELS))]
