"""Rows for functions that are integrals: exponential, logarithmic, sine, cosine and Fresnel."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, eq, ne, pi
from symdiff.ops.borrowed import from_scipy
from symdiff.ops.core import Edge, Names, Op, operation
from symdiff.ops.exponential import exp, log
from symdiff.ops.hyperbolic import cosh, sinh
from symdiff.ops.trigonometric import cos, sin, sinc


def _ei(special: Any, x: Any) -> Any:
    """SciPy's, and beyond 700, where that overflows too early, e^x/x times the asymptotic series (DLMF 6.12.2)."""
    far = np.clip(x, 700, 1e4)
    series = 1.0
    for k in range(12, 0, -1):
        series = 1 + series * k / far
    return np.where(x > 700, np.exp(far / 2) / far * series * np.exp(far / 2), special.expi(x))


def _shi(special: Any, x: Any) -> Any:
    return np.where(np.abs(x) > 700, np.copysign(_ei(special, np.abs(x)) / 2, x), special.shichi(x)[0])


def _chi(special: Any, x: Any) -> Any:
    return np.where(x < 0, np.nan, np.where(x > 700, _ei(special, x) / 2, special.shichi(x)[1]))


Ei: Op = operation(
    "Ei",
    1,
    from_scipy("Ei", _ei),
    lambda x, y: (exp(x) / x,),
    domain=lambda x: ne(x, 0),
    names=Names(sympy="Ei", latex=r"\mathrm{Ei}\left({0}\right)", arb="ei"),
    source="principal value; DLMF 6.2.5",
)
li: Op = operation(
    "li",
    1,
    from_scipy("li", lambda special, x: special.expi(np.log(x))),
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
Ci: Op = operation(
    "Ci",
    1,
    from_scipy("Ci", lambda special, x: np.where(x < 0, np.nan, special.sici(x)[1])),
    lambda x, y: (cos(x) / x,),
    domain=lambda x: x > 0,
    names=Names(sympy="Ci", latex=r"\mathrm{Ci}\left({0}\right)", arb="ci"),
    source="DLMF 6.2.11",
)
Shi: Op = operation(
    "Shi",
    1,
    from_scipy("Shi", _shi),
    lambda x, y: (sinh(x) / x,),
    edges=(Edge(lambda x: eq(x, 0), (1.0,)),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="Shi", latex=r"\mathrm{Shi}\left({0}\right)", arb="shi"),
    source="DLMF 6.2.15",
)
Chi: Op = operation(
    "Chi",
    1,
    from_scipy("Chi", _chi),
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
fresnels: Op = operation(
    "fresnels",
    1,
    from_scipy("fresnels", lambda special, x: special.fresnel(x)[0]),
    lambda x, y: (sin(pi / 2 * x**2),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="fresnels", latex=r"S\left({0}\right)", arb="fresnel_s"),
    source="DLMF 7.2.8",
)
fresnelc: Op = operation(
    "fresnelc",
    1,
    from_scipy("fresnelc", lambda special, x: special.fresnel(x)[1]),
    lambda x, y: (cos(pi / 2 * x**2),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="fresnelc", latex=r"C\left({0}\right)", arb="fresnel_c"),
    source="DLMF 7.2.7",
)
