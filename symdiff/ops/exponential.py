"""Rows for exponentials, logarithms, roots, and the smooth steps and ramps made of them."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import eq, ne
from symdiff.ops.core import Edge, Names, Op, exact, operation

exp: Op = operation(
    "exp",
    1,
    np.exp,
    lambda x, y: (y,),
    sign="positive",
    undoes=("log",),
    exact=lambda x: 1 if x == 0 else None,
    names=Names(python="math.exp({0})", sympy="exp", latex="e^{{0}}", torch="exp", arb="exp", c="exp"),
    source="DLMF 4.7(ii)",
)
expm1: Op = operation(
    "expm1",
    1,
    np.expm1,
    lambda x, y: (exp(x),),  # y + 1 would cancel where exp(x) is small
    undoes=("log1p",),
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.expm1({0})",
        latex=r"\operatorname{expm1}\left({0}\right)",
        torch="expm1",
        arb="expm1",
        c="expm1",
    ),
    source="chain rule on e^x - 1",
)
log: Op = operation(
    "log",
    1,
    np.log,
    lambda x, y: (1 / x,),
    domain=lambda x: x > 0,
    aliases=("ln",),
    undoes=("exp",),
    exact=lambda x: 0 if x == 1 else None,
    names=Names(python="math.log({0})", sympy="log", latex=r"\ln\left({0}\right)", torch="log", arb="log", c="log"),
    source="DLMF 4.7(i)",
)
log1p: Op = operation(
    "log1p",
    1,
    np.log1p,
    lambda x, y: (1 / (1 + x),),
    domain=lambda x: x > -1,
    undoes=("expm1",),
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.log1p({0})",
        latex=r"\operatorname{log1p}\left({0}\right)",
        torch="log1p",
        arb="log1p",
        c="log1p",
    ),
    source="chain rule on log(1 + x)",
)
LN2 = exact(log, 2)
LN10 = exact(log, 10)

log2: Op = operation(
    "log2",
    1,
    np.log2,
    lambda x, y: (1 / LN2 / x,),  # x*log(2) may not be in range where x is
    domain=lambda x: x > 0,
    exact=lambda x: 0 if x == 1 else None,
    names=Names(python="math.log2({0})", latex=r"\log_2\left({0}\right)", torch="log2", c="log2"),
    source="chain rule on log(x)/log(2)",
)
log10: Op = operation(
    "log10",
    1,
    np.log10,
    lambda x, y: (1 / LN10 / x,),
    domain=lambda x: x > 0,
    exact=lambda x: 0 if x == 1 else None,
    names=Names(python="math.log10({0})", latex=r"\log_{ 10}\left({0}\right)", torch="log10", c="log10"),
    source="chain rule on log(x)/log(10)",
)
sqrt: Op = operation(
    "sqrt",
    1,
    np.sqrt,
    lambda x, y: (1 / (2 * y),),
    domain=lambda x: x >= 0,
    smooth=lambda x: x > 0,
    sign="nonnegative",
    canonical=lambda x: x ** Fraction(1, 2),
    names=Names(python="math.sqrt({0})", sympy="sqrt", latex=r"\sqrt{{0}}", torch="sqrt", arb="sqrt", c="sqrt"),
    source="DLMF 4.4(iii), exponent 1/2",
)
SQRT2 = exact(sqrt, 2)

cbrt: Op = operation(
    "cbrt",
    1,
    np.cbrt,
    lambda x, y: (1 / (3 * y**2),),
    smooth=lambda x: ne(x, 0),
    # no sympy name: SymPy's cbrt is the principal root, complex for x < 0
    parity="odd",
    exact=lambda x: x if x in (0, 1) else None,
    names=Names(
        # math.cbrt is off by 3 ulp in glibc; 1.85e-17 is what 1/3 lacks as a float
        python="(math.copysign(math.pow(abs({0}), 1.0 / 3.0)"
        " + math.pow(abs({0}), 1.0 / 3.0) * (1.850371707708594e-17 * math.log(abs({0}))), {0}) if {0} else {0})",
        latex=r"\sqrt[3]{{0}}",
        c="cbrt",
    ),
    source="the real root: implicit derivative of y^3 = x",
)
hypot: Op = operation(
    "hypot",
    None,
    lambda *args: reduce(np.hypot, args[1:], np.abs(args[0])),
    lambda *values: tuple(arg / values[-1] for arg in values[:-1]),
    smooth=lambda *args: ne(hypot(*args), 0),
    edges=(Edge(lambda *args: eq(hypot(*args), 0), 0.0),),  # 0 lies between all slopes of the cone
    sign="nonnegative",
    names=Names(
        python="math.hypot({args})",
        latex=r"\operatorname{hypot}\left({args}\right)",
        torch="hypot",
        arb="hypot",
        c="hypot",
    ),
    source="chain rule on sqrt(x1^2 + x2^2 + ...)",
)


def _sigmoid(x: Any) -> Any:
    z = np.exp(-np.abs(x))
    return np.where(x < 0, z, 1) / (1 + z)


def _silu(x: Any) -> Any:
    """Beyond -700 by exp(x + 40)*exp(-40): exp(x) may be subnormal where its product with x is not."""
    x = np.maximum(x, -800)  # where it is 0
    far = x < -700
    z = np.exp(-np.abs(np.where(far, x + 40, x)))
    y = x * np.where(x < 0, z, 1) / (1 + z)
    return np.where(far, y * math.exp(-40), y)


sigmoid: Op = operation(
    "sigmoid",
    1,
    _sigmoid,
    lambda x, y: (y * sigmoid(-x),),  # y*(1 - y) would cancel where y is near 1
    sign="positive",
    names=Names(
        python="(1.0 / (1.0 + math.exp(-{0})) if {0} >= 0.0 else math.exp({0}) / (1.0 + math.exp({0})))",
        latex=r"\sigma\left({0}\right)",
        torch="sigmoid",
    ),
    source="chain rule on 1/(1 + e^-x)",
)
softplus: Op = operation(
    "softplus",
    1,
    lambda x: np.logaddexp(x, 0),
    lambda x, y: (sigmoid(x),),
    sign="positive",
    names=Names(
        python="(max({0}, 0.0) + math.log1p(math.exp(-abs({0}))))",
        latex=r"\operatorname{softplus}\left({0}\right)",
        torch="nn.functional.softplus",
    ),
    source="chain rule on log(1 + e^x)",
)
silu: Op = operation(
    "silu",
    1,
    _silu,
    lambda x, y: (sigmoid(x) * (1 + x * sigmoid(-x)),),
    names=Names(
        python="({0} / (1.0 + math.exp(-{0})) if {0} >= -700.0 else {0} * math.exp({0} + 40.0) * math.exp(-40.0))",
        latex=r"\operatorname{silu}\left({0}\right)",
        torch="nn.functional.silu",
    ),
    source="product rule on x*sigmoid(x)",
)
logsumexp: Op = operation(
    "logsumexp",
    None,
    lambda *args: reduce(np.logaddexp, args),
    lambda *values: tuple(exp(arg - values[-1]) for arg in values[:-1]),
    names=Names(latex=r"\operatorname{logsumexp}\left({args}\right)"),
    source="chain rule on log(e^x1 + e^x2 + ...)",
)
