"""Rows for functions that are integrals: exponential, logarithmic, sine, cosine and Fresnel."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, eq, ne, pi
from symdiff.ops.borrowed import AboutRoots, Remedy, from_scipy, precisely
from symdiff.ops.core import Edge, Names, Op, operation
from symdiff.ops.exponential import exp, log
from symdiff.ops.hyperbolic import cosh, sinh
from symdiff.ops.parts import alternating, product
from symdiff.ops.trigonometric import cos, sin, sinc


def _ei(special: Any, x: Any) -> Any:
    return special.expi(x)


def _ei_far(special: Any, x: Any) -> Any:
    """e^x/x times the asymptotic series (DLMF 6.12.2), in halves: e^x overflows before its quotient by x does."""
    series = np.ones_like(x)
    for k in range(38, 0, -1):
        series = 1 + series * k / x
    return np.exp(x / 2) / x * series * np.exp(x / 2)


def _shi_far(special: Any, x: Any) -> Any:
    return np.copysign(_ei_far(special, np.abs(x)) / 2, x)


def _li_by(ei: Callable[..., Any]) -> Callable[..., Any]:
    """Ei(log(x)), and to first order what rounding the logarithm lost, which is multiplied by x."""

    def li(special: Any, x: Any) -> Any:
        log_x = np.log(x)
        root = np.exp(-log_x / 2)
        lost = np.where(np.abs(log_x) > 1, x * root * root - 1, 0)
        return ei(special, log_x) + x * lost / log_x

    return li


_li = _li_by(_ei)

Ei: Op = operation(
    "Ei",
    1,
    from_scipy(
        "Ei",
        _ei,
        Remedy(lambda y, x: (x > 40) & (x < 800), _ei_far),  # SciPy's has too few terms at 40, and overflows at 700
        Remedy(lambda y, x: np.abs(x - 0.3725) < 0.03, AboutRoots(_ei, lambda mp, x: mp.ei(x), 0.035)),
    ),
    lambda x, y: (exp(x) / x,),
    domain=lambda x: ne(x, 0),
    names=Names(sympy="Ei", latex=r"\mathrm{Ei}\left({0}\right)", arb="ei"),
    source="principal value; DLMF 6.2.5",
)
li: Op = operation(
    "li",
    1,
    from_scipy(
        "li",
        lambda special, x: special.expi(np.log(x)),
        Remedy(lambda y, x: (x > 0) & np.isfinite(y) & (y != 0) & (x < 1e18), _li),
        Remedy(lambda y, x: (x >= 1e18) & np.isfinite(x), _li_by(_ei_far)),
        Remedy(lambda y, x: np.abs(x - 1.4514) < 0.04, AboutRoots(_li, lambda mp, x: mp.li(x), 0.045)),
    ),
    lambda x, y: (1 / log(x),),
    domain=lambda x: both(x >= 0, ne(x, 1)),
    smooth=lambda x: both(x > 0, ne(x, 1)),
    names=Names(sympy="li", latex=r"\mathrm{li}\left({0}\right)", arb="li"),
    source="principal value; DLMF 6.2.8",
)
Si: Op = operation(
    "Si",
    1,
    from_scipy("Si", lambda special, x: special.sici(x)[0]),
    lambda x, y: (sinc(x),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="Si", latex=r"\mathrm{Si}\left({0}\right)", arb="si"),
    source="DLMF 6.2.9",
)


def _ci(special: Any, x: Any) -> Any:
    return special.sici(x)[1]


Ci: Op = operation(
    "Ci",
    1,
    from_scipy(
        "Ci",
        lambda special, x: np.where(x < 0, np.nan, _ci(special, x)),
        Remedy(
            lambda y, x: (x > 0.5) & (x < 25) & (np.abs(y) * np.maximum(x, 1) < np.where(x > 3, 0.25, 0.05)),
            AboutRoots(_ci, lambda mp, x: mp.ci(x), 0.3),
        ),
        Remedy(lambda y, x: (x >= 25) & (np.abs(y) * x < 1e-3), precisely(lambda mp, x: mp.ci(x))),
    ),
    lambda x, y: (cos(x) / x,),
    domain=lambda x: x > 0,
    names=Names(sympy="Ci", latex=r"\mathrm{Ci}\left({0}\right)", arb="ci"),
    source="DLMF 6.2.11",
)
Shi: Op = operation(
    "Shi",
    1,
    from_scipy(
        "Shi",
        lambda special, x: special.shichi(x)[0],
        Remedy(lambda y, x: (np.abs(x) > 700) & (np.abs(x) < 800), _shi_far),
    ),
    lambda x, y: (sinh(x) / x,),
    edges=(Edge(lambda x: eq(x, 0), (1.0,)),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="Shi", latex=r"\mathrm{Shi}\left({0}\right)", arb="shi"),
    source="DLMF 6.2.15",
)


def _chi(special: Any, x: Any) -> Any:
    return special.shichi(x)[1]


Chi: Op = operation(
    "Chi",
    1,
    from_scipy(
        "Chi",
        lambda special, x: np.where(x < 0, np.nan, _chi(special, x)),
        Remedy(lambda y, x: (x > 700) & (x < 800), _shi_far),  # the same up to e^-x
        Remedy(lambda y, x: np.abs(x - 0.5238) < 0.04, AboutRoots(_chi, lambda mp, x: mp.chi(x), 0.05)),
    ),
    lambda x, y: (cosh(x) / x,),
    domain=lambda x: x > 0,
    names=Names(sympy="Chi", latex=r"\mathrm{Chi}\left({0}\right)", arb="chi"),
    source="DLMF 6.2.16",
)
expint: Op = operation(
    "expint",
    2,
    from_scipy("expint", lambda special, n, x: special.expn(n, x)),
    lambda n, x, y: (None, -y * (1 + 1 / x) if n == 0 else -expint(n - 1, x)),
    domain=lambda n, x: x > 0 if n < 2 else x >= 0,
    smooth=lambda n, x: x > 0,
    sign="positive",
    parameters=1,
    names=Names(sympy="expint", latex=r"E_{{0}}\left({1}\right)"),
    source="DLMF 8.19.2, 8.19.13",
)


def _fresnel_far(x: Any) -> tuple[Any, Any]:
    """S(x) and C(x) by DLMF 7.5.3, 7.5.4, 7.12.2 and 7.12.3, with the phase x**2 exact before it is reduced."""
    high, low = product(x, x)
    turns = np.fmod(high, 4) + low
    s, c = np.sin(np.pi / 2 * turns), np.cos(np.pi / 2 * turns)
    z = 1 / (np.pi * high)
    f, g = alternating(_ODD_FACTORIALS, z)
    f, g = f / (np.pi * x), g / (np.pi * x)
    half = np.copysign(0.5, x)
    return half - f * c - g * s, half + f * s - g * c


_ODD_FACTORIALS = list(accumulate(range(1, 32, 2), mul, initial=1))[:-1]  # 1, 1, 3, 15, 105, ...


def _is_far(y: Any, x: Any) -> Any:
    return (np.abs(x) > 6) & (np.abs(x) < 1e17)


fresnels: Op = operation(
    "fresnels",
    1,
    from_scipy(
        "fresnels", lambda special, x: special.fresnel(x)[0], Remedy(_is_far, lambda special, x: _fresnel_far(x)[0])
    ),
    lambda x, y: (sin(pi / 2 * x**2),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="fresnels", latex=r"S\left({0}\right)", arb="fresnel_s"),
    source="DLMF 7.2.8",
)
fresnelc: Op = operation(
    "fresnelc",
    1,
    from_scipy(
        "fresnelc", lambda special, x: special.fresnel(x)[1], Remedy(_is_far, lambda special, x: _fresnel_far(x)[1])
    ),
    lambda x, y: (cos(pi / 2 * x**2),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="fresnelc", latex=r"C\left({0}\right)", arb="fresnel_c"),
    source="DLMF 7.2.7",
)
