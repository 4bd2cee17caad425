"""Rows for the hyperbolic functions and their inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, eq, ne
from symdiff.ops.core import Edge, Names, Op, operation
from symdiff.ops.exponential import hypot, sqrt

sinh: Op = operation(
    "sinh",
    1,
    np.sinh,
    lambda x, y: (cosh(x),),
    undoes=("asinh",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.sinh({0})", sympy="sinh", latex=r"\sinh\left({0}\right)", torch="sinh", arb="sinh", c="sinh"
    ),
    source="DLMF 4.34",
)
cosh: Op = operation(
    "cosh",
    1,
    np.cosh,
    lambda x, y: (sinh(x),),
    sign="positive",
    undoes=("acosh",),
    parity="even",
    exact=lambda x: 1 if x == 0 else None,
    names=Names(
        python="math.cosh({0})", sympy="cosh", latex=r"\cosh\left({0}\right)", torch="cosh", arb="cosh", c="cosh"
    ),
    source="DLMF 4.34",
)
tanh: Op = operation(
    "tanh",
    1,
    np.tanh,
    # 1 - y**2 is all error beyond x = 19; where cosh(x)**2 overflows, its inverse is below the smallest normal number
    lambda x, y: (1 / cosh(x) ** 2,),
    undoes=("atanh",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.tanh({0})", sympy="tanh", latex=r"\tanh\left({0}\right)", torch="tanh", arb="tanh", c="tanh"
    ),
    source="DLMF 4.34",
)


def _sech(x: Any) -> Any:
    z = np.exp(-np.abs(x))  # in range where cosh overflows
    return 2 * z / (1 + z * z)


def _csch(x: Any) -> Any:
    return np.copysign(2 * np.exp(-np.abs(x)) / -np.expm1(-2 * np.abs(x)), x)


sech: Op = operation(
    "sech",
    1,
    _sech,
    lambda x, y: (-y * tanh(x),),
    sign="positive",
    parity="even",
    exact=lambda x: 1 if x == 0 else None,
    names=Names(
        python="(1.0 / math.cosh({0}))", sympy="sech", latex=r"\operatorname{sech}\left({0}\right)", arb="sech"
    ),
    source="DLMF 4.34",
)
csch: Op = operation(
    "csch",
    1,
    _csch,
    lambda x, y: (-y * coth(x),),
    domain=lambda x: ne(x, 0),
    parity="odd",
    names=Names(
        python="(1.0 / math.sinh({0}))", sympy="csch", latex=r"\operatorname{csch}\left({0}\right)", arb="csch"
    ),
    source="DLMF 4.34",
)
coth: Op = operation(
    "coth",
    1,
    lambda x: 1 / np.tanh(x),
    lambda x, y: (-(csch(x) ** 2),),
    domain=lambda x: ne(x, 0),
    parity="odd",
    names=Names(
        # 1/tanh is off by 2.7 ulp in glibc
        python="math.copysign(1.0 + 2.0 / math.expm1(2.0 * min(abs({0}), 20.0)), {0})",
        sympy="coth",
        latex=r"\coth\left({0}\right)",
        arb="coth",
    ),
    source="DLMF 4.34",
)
asinh: Op = operation(
    "asinh",
    1,
    np.arcsinh,
    lambda x, y: (1 / hypot(1, x),),  # 1 + x**2 may overflow where its root does not
    aliases=("arcsinh",),
    undoes=("sinh",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.asinh({0})",
        sympy="asinh",
        latex=r"\operatorname{arsinh}\left({0}\right)",
        torch="asinh",
        arb="asinh",
        c="asinh",
    ),
    source="DLMF 4.38(ii)",
)
acosh: Op = operation(
    "acosh",
    1,
    np.arccosh,
    lambda x, y: (1 / (sqrt(x - 1) * sqrt(x + 1)),),  # one root of the product would overflow at 1e155
    domain=lambda x: x >= 1,
    smooth=lambda x: x > 1,
    sign="nonnegative",
    aliases=("arccosh",),
    exact=lambda x: 0 if x == 1 else None,
    names=Names(
        python="math.acosh({0})",
        sympy="acosh",
        latex=r"\operatorname{arcosh}\left({0}\right)",
        torch="acosh",
        arb="acosh",
        c="acosh",
    ),
    source="DLMF 4.38(ii)",
)
atanh: Op = operation(
    "atanh",
    1,
    np.arctanh,
    lambda x, y: (1 / ((1 - x) * (1 + x)),),
    domain=lambda x: both(x > -1, x < 1),
    aliases=("arctanh",),
    undoes=("tanh",),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.atanh({0})",
        sympy="atanh",
        latex=r"\operatorname{artanh}\left({0}\right)",
        torch="atanh",
        arb="atanh",
        c="atanh",
    ),
    source="DLMF 4.38(ii)",
)


# The last three take no 1/x: its rounding costs half the digits near |x| = 1, and it overflows below 6e-309.


def _acsch(x: Any) -> Any:
    a = np.abs(x)
    far = np.where(a > 1, np.arcsinh(1 / np.maximum(a, 1)), 0)
    near = np.minimum(a, 1)
    return np.copysign(np.where(a > 1, far, np.log1p(np.sqrt(1 + near * near)) - np.log(near)), x)


def _acoth(x: Any) -> Any:
    return np.copysign(np.log1p(2 / (np.abs(x) - 1)) / 2, x)


asech: Op = operation(
    "asech",
    1,
    lambda x: 2 * np.arcsinh(np.sqrt((1 - x) / 2) / np.sqrt(x)),
    lambda x, y: (-1 / (x * sqrt((1 - x) * (1 + x))),),
    domain=lambda x: both(x > 0, x <= 1),
    smooth=lambda x: both(x > 0, x < 1),
    sign="nonnegative",
    aliases=("arcsech",),
    names=Names(
        python="(2.0 * math.asinh(math.sqrt((1.0 - {0}) / 2.0) / math.sqrt({0})))",
        sympy="asech",
        latex=r"\operatorname{arsech}\left({0}\right)",
    ),
    source="acosh(1/x), by sinh(y/2)^2 = (cosh(y) - 1)/2; DLMF 4.37.8, 4.38(ii)",
)
acsch: Op = operation(
    "acsch",
    1,
    _acsch,
    lambda x, y: (-1 / (abs(x) * hypot(1, x)),),
    domain=lambda x: ne(x, 0),
    aliases=("arccsch",),
    parity="odd",
    names=Names(
        # below 6e-309 1/x overflows
        python="(math.asinh(1.0 / {0}) if abs({0}) > 1e-300"
        " else math.copysign(math.log(2.0) - math.log(abs({0})), {0}))",
        sympy="acsch",
        latex=r"\operatorname{arcsch}\left({0}\right)",
    ),
    source="asinh(1/x); DLMF 4.37.7, 4.38(ii)",
)
acoth: Op = operation(
    "acoth",
    1,
    _acoth,
    lambda x, y: (1 / ((1 - x) * (1 + x)),),
    domain=lambda x: abs(x) > 1,
    edges=(Edge(lambda x: eq(abs(x), 1), (-math.inf,)),),  # where the sign of a zero would decide
    aliases=("arccoth",),
    parity="odd",
    names=Names(
        python="math.copysign(math.log1p(2.0 / (abs({0}) - 1.0)) / 2.0, {0})",
        sympy="acoth",
        latex=r"\operatorname{arcoth}\left({0}\right)",
    ),
    source="atanh(1/x) = log(1 + 2/(x - 1))/2 for x > 1; DLMF 4.37.9, 4.38(ii)",
)
