"""Rows with kinks and jumps: absolute value, rounding, extrema, steps.

At a kink the partial is the stated convention (DESIGN: abs 0, relu 0, extrema 1/n at a tie,
clip 1/2 at its ends, steps 0); the row's ``smooth`` set says that it is one.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, eq, floor, ne, where
from symdiff.ops.core import Names, Op, operation

absolute: Op = operation(
    "abs",
    1,
    np.abs,
    lambda x, y: (sign(x),),
    smooth=lambda x: ne(x, 0),
    sign="nonnegative",
    exact=abs,
    parity="even",
    names=Names(python="abs({0})", sympy="Abs", latex=r"\left| {0} \right|", torch="abs", arb="abs", c="fabs"),
    source="d|x|/dx = sign(x), x != 0; convention 0 at 0",
)
sign: Op = operation(
    "sign",
    1,
    np.sign,
    lambda x, y: (0,),
    smooth=lambda x: ne(x, 0),
    exact=lambda x: (x > 0) - (x < 0),
    parity="odd",
    names=Names(
        python="({0} / abs({0}) if {0} else 0.0)",
        sympy="sign",
        latex=r"\operatorname{sign}\left({0}\right)",
        torch="sign",
        arb="sgn",
    ),
    source="constant on either side of 0; convention 0 at 0",
)
ceil: Op = operation(
    "ceil",
    1,
    np.ceil,
    lambda x, y: (0,),
    smooth=lambda x: ne(x, floor(x)),
    exact=math.ceil,
    names=Names(
        python="float(math.ceil({0}))", sympy="ceiling", latex=r"\lceil {0} \rceil", torch="ceil", arb="ceil", c="ceil"
    ),
    source="constant between integers; convention 0 at them",
)
rounded: Op = operation(
    "round",
    1,
    np.rint,
    lambda x, y: (0,),
    smooth=lambda x: ne(x - floor(x), 0.5),
    exact=round,
    names=Names(
        python="float(round({0}))",
        sympy="round",
        latex=r"\operatorname{round}\left({0}\right)",
        torch="round",
        c="nearbyint",
    ),
    source="IEEE 754-2019, 5.9, ties to even; constant between halves, convention 0 at them",
)


def _shares(args: tuple[Any, ...], y: Any) -> tuple[Any, ...]:
    """One part in n for each of the n arguments that reach the extremum."""
    reached = [eq(arg, y) for arg in args]
    return tuple(one / reduce(lambda a, b: a + b, reached) for one in reached)


def _ordered(args: tuple[Any, ...]) -> Any:
    """No two arguments are equal. A tie below the extremum is not a kink, but is marked too."""
    tests = [ne(a, b) for i, a in enumerate(args) for b in args[:i]]
    return reduce(both, tests) if tests else eq(0, 0)


def _max_partials(*values: Any) -> tuple[Any, ...]:
    *args, y = values
    if len(args) == 2:
        return heaviside(args[0] - args[1]), heaviside(args[1] - args[0])
    return _shares(tuple(args), y) if len(args) > 1 else (1,)


def _min_partials(*values: Any) -> tuple[Any, ...]:
    *args, y = values
    if len(args) == 2:
        return heaviside(args[1] - args[0]), heaviside(args[0] - args[1])
    return _shares(tuple(args), y) if len(args) > 1 else (1,)


maximum: Op = operation(
    "max",
    None,
    lambda *args: reduce(np.maximum, args),
    _max_partials,
    smooth=lambda *args: _ordered(args),
    exact=max,
    names=Names(
        python="({0} if {0} >= {1} or {0} != {0} else {1})",
        sympy="Max",
        latex=r"\max\left({args}\right)",
        torch="maximum",
        arb="max",
        c="fmax",
    ),
    source="one where the argument is the largest; 1/n each at a tie of n",
)
minimum: Op = operation(
    "min",
    None,
    lambda *args: reduce(np.minimum, args),
    _min_partials,
    smooth=lambda *args: _ordered(args),
    exact=min,
    names=Names(
        python="({0} if {0} <= {1} or {0} != {0} else {1})",
        sympy="Min",
        latex=r"\min\left({args}\right)",
        torch="minimum",
        arb="min",
        c="fmin",
    ),
    source="one where the argument is the smallest; 1/n each at a tie of n",
)
clip: Op = operation(
    "clip",
    3,
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    lambda x, low, high, y: (
        heaviside(x - low) * heaviside(high - x),
        heaviside(low - x) * heaviside(high - low),
        where(low > high, 1, heaviside(x - high)),
    ),
    smooth=lambda x, low, high: both(ne(x, low), ne(x, high)),
    names=Names(sympy="clip", latex=r"\operatorname{clip}\left({args}\right)", torch="clamp"),
    source="min(max(x, low), high); 1/2 at either end",
)
mod: Op = operation(
    "mod",
    2,
    np.mod,
    lambda x, m, y: (1, -floor(x / m)),
    domain=lambda x, m: ne(m, 0),
    smooth=lambda x, m: both(ne(m, 0), ne(x / m, floor(x / m))),
    names=Names(python="({0} % {1})", sympy="Mod", latex=r"{0} \bmod {1}", torch="remainder"),
    source="x - m*floor(x/m), with the sign of m",
)
relu: Op = operation(
    "relu",
    1,
    lambda x: np.maximum(x, 0),
    lambda x, y: (where(x > 0, 1, 0),),
    smooth=lambda x: ne(x, 0),
    sign="nonnegative",
    names=Names(
        python="({0} if {0} > 0.0 or {0} != {0} else 0.0)",
        sympy="relu",
        latex=r"\operatorname{relu}\left({0}\right)",
        torch="relu",
    ),
    source="max(x, 0); convention 0 at 0",
)
heaviside: Op = operation(
    "heaviside",
    1,
    lambda x: np.heaviside(x, 0.5),
    lambda x, y: (0,),
    smooth=lambda x: ne(x, 0),
    sign="nonnegative",
    names=Names(
        python="(1.0 if {0} > 0.0 else 0.0 if {0} < 0.0 else {0} + 0.5)",
        sympy="Heaviside",
        latex=r"\theta\left({0}\right)",
        torch="heaviside",
    ),
    source="DLMF 1.16(iv), with the value 1/2 at 0; convention 0 for its derivative there",
)
