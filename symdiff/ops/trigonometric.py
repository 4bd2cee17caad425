"""Rows for the circular functions, their inverses, and sin(x)/x. Angles are in radians."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, either, eq, ne
from symdiff.ops.bessel import sphericalj
from symdiff.ops.core import Edge, Names, Op, operation
from symdiff.ops.exponential import hypot, sqrt

sin: Op = operation(
    "sin",
    1,
    np.sin,
    lambda x, y: (cos(x),),
    undoes=("asin",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(python="math.sin({0})", sympy="sin", latex=r"\sin\left({0}\right)", torch="sin", arb="sin", c="sin"),
    source="DLMF 4.20",
)
cos: Op = operation(
    "cos",
    1,
    np.cos,
    lambda x, y: (-sin(x),),
    undoes=("acos",),
    parity="even",
    exact=lambda x: 1 if x == 0 else None,
    names=Names(python="math.cos({0})", sympy="cos", latex=r"\cos\left({0}\right)", torch="cos", arb="cos", c="cos"),
    source="DLMF 4.20",
)
tan: Op = operation(
    "tan",
    1,
    np.tan,
    lambda x, y: (sec(x) ** 2,),
    domain=lambda x: ne(cos(x), 0),
    undoes=("atan",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(python="math.tan({0})", sympy="tan", latex=r"\tan\left({0}\right)", torch="tan", arb="tan", c="tan"),
    source="DLMF 4.20",
)
sec: Op = operation(
    "sec",
    1,
    lambda x: 1 / np.cos(x),
    lambda x, y: (y * tan(x),),
    domain=lambda x: ne(cos(x), 0),
    parity="even",
    exact=lambda x: 1 if x == 0 else None,
    names=Names(python="(1.0 / math.cos({0}))", sympy="sec", latex=r"\sec\left({0}\right)", arb="sec"),
    source="DLMF 4.20",
)
csc: Op = operation(
    "csc",
    1,
    lambda x: 1 / np.sin(x),
    lambda x, y: (-y * cot(x),),
    domain=lambda x: ne(sin(x), 0),
    parity="odd",
    names=Names(python="(1.0 / math.sin({0}))", sympy="csc", latex=r"\csc\left({0}\right)", arb="csc"),
    source="DLMF 4.20",
)
cot: Op = operation(
    "cot",
    1,
    lambda x: 1 / np.tan(x),
    lambda x, y: (-(csc(x) ** 2),),
    domain=lambda x: ne(sin(x), 0),
    parity="odd",
    names=Names(python="(1.0 / math.tan({0}))", sympy="cot", latex=r"\cot\left({0}\right)", arb="cot"),
    source="DLMF 4.20",
)
asin: Op = operation(
    "asin",
    1,
    np.arcsin,
    lambda x, y: (1 / sqrt((1 - x) * (1 + x)),),  # 1 - x**2 would cancel near |x| = 1
    domain=lambda x: both(x >= -1, x <= 1),
    smooth=lambda x: both(x > -1, x < 1),
    aliases=("arcsin",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.asin({0})", sympy="asin", latex=r"\arcsin\left({0}\right)", torch="asin", arb="asin", c="asin"
    ),
    source="DLMF 4.24(ii)",
)
acos: Op = operation(
    "acos",
    1,
    np.arccos,
    lambda x, y: (-1 / sqrt((1 - x) * (1 + x)),),
    domain=lambda x: both(x >= -1, x <= 1),
    smooth=lambda x: both(x > -1, x < 1),
    sign="nonnegative",
    aliases=("arccos",),
    exact=lambda x: 0 if x == 1 else None,
    names=Names(
        python="math.acos({0})", sympy="acos", latex=r"\arccos\left({0}\right)", torch="acos", arb="acos", c="acos"
    ),
    source="DLMF 4.24(ii)",
)
atan: Op = operation(
    "atan",
    1,
    np.arctan,
    lambda x, y: (1 / (1 + x**2),),
    aliases=("arctan",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.atan({0})", sympy="atan", latex=r"\arctan\left({0}\right)", torch="atan", arb="atan", c="atan"
    ),
    source="DLMF 4.24(ii)",
)


def _leg(x: Any) -> Any:
    """sqrt(x**2 - 1). With it asec and acsc need not round 1/x, which costs half the digits near |x| = 1."""
    a = np.abs(x)
    near = np.minimum(a, 1e150)  # beyond, the product would overflow, and the root is a
    return np.where(a > near, a, np.sqrt((near - 1) * (near + 1)))


asec: Op = operation(
    "asec",
    1,
    lambda x: np.arctan2(_leg(x), np.copysign(1, x)),
    lambda x, y: (1 / (abs(x) * sqrt((x - 1) * (x + 1))),),
    domain=lambda x: abs(x) >= 1,
    smooth=lambda x: abs(x) > 1,
    sign="nonnegative",
    edges=(Edge(lambda x: eq(abs(x), 1), (math.inf,)),),  # where the sign of a zero would decide
    aliases=("arcsec",),
    names=Names(
        python="math.atan2(math.sqrt((abs({0}) - 1.0) * (abs({0}) + 1.0)), math.copysign(1.0, {0}))",
        sympy="asec",
        latex=r"\operatorname{arcsec}\left({0}\right)",
    ),
    source="acos(1/x); DLMF 4.23.8, 4.24(ii)",
)
acsc: Op = operation(
    "acsc",
    1,
    lambda x: np.copysign(np.arctan2(1, _leg(x)), x),
    lambda x, y: (-1 / (abs(x) * sqrt((x - 1) * (x + 1))),),
    domain=lambda x: abs(x) >= 1,
    smooth=lambda x: abs(x) > 1,
    edges=(Edge(lambda x: eq(abs(x), 1), (-math.inf,)),),  # where the sign of a zero would decide
    aliases=("arccsc",),
    parity="odd",
    names=Names(
        python="(math.copysign(math.atan2(1.0, math.sqrt((abs({0}) - 1.0) * (abs({0}) + 1.0))), {0})"
        " if abs({0}) < 1e150 else 1.0 / {0})",
        sympy="acsc",
        latex=r"\operatorname{arccsc}\left({0}\right)",
    ),
    source="asin(1/x); DLMF 4.23.7, 4.24(ii)",
)
acot: Op = operation(
    "acot",
    1,
    lambda x: np.where(x == 0, np.nan, np.arctan(np.divide(1, x)))[()],
    lambda x, y: (-1 / (1 + x**2),),
    domain=lambda x: ne(x, 0),
    aliases=("arccot",),
    parity="odd",
    names=Names(python="math.atan(1.0 / {0})", sympy="acot", latex=r"\operatorname{arccot}\left({0}\right)"),
    source="atan(1/x); DLMF 4.23.9, 4.24(ii)",
)
atan2: Op = operation(
    "atan2",
    2,
    np.arctan2,
    # by the hypotenuse twice: x**2 + y**2 may overflow or vanish where the partials do not
    lambda y, x, angle: (x / hypot(y, x) / hypot(y, x), -y / hypot(y, x) / hypot(y, x)),
    smooth=lambda y, x: either(ne(y, 0), x > 0),
    aliases=("arctan2",),
    names=Names(
        python="math.atan2({0}, {1})",
        sympy="atan2",
        latex=r"\operatorname{atan2}\left({args}\right)",
        torch="atan2",
        arb="atan2",
        c="atan2",
    ),
    source="IEEE 754-2019, 9.2, which also gives 0 at the origin; jump on the negative x axis",
)


def _sinc(x: Any) -> Any:
    nonzero = np.where(x == 0, 1, x)
    return np.where(x == 0, 1, np.where(np.isinf(x), 0, np.sin(nonzero) / nonzero))[()]


sinc: Op = operation(
    "sinc",
    1,
    _sinc,
    lambda x, y: (-sphericalj(1, x),),  # cos(x)/x - sin(x)/x**2 would cancel near 0
    parity="even",
    exact=lambda x: 1 if x == 0 else None,
    names=Names(
        python="(math.sin({0}) / {0} if {0} else 1.0)",
        sympy="sinc",
        latex=r"\operatorname{sinc}\left({0}\right)",
        arb="sinc",
    ),
    source="sin(x)/x, 1 at 0; DLMF 10.49.3, 10.51.2",
)
