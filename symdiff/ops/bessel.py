"""Rows for Bessel, spherical Bessel and Airy functions. Orders are literal integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.ops.borrowed import from_scipy
from symdiff.ops.core import Names, Op, operation

besselj: Op = operation(
    "besselj",
    2,
    from_scipy("besselj", lambda special, n, x: np.where(np.isinf(x), 0, special.jv(n, x))),
    lambda n, x, y: (None, -besselj(1, x) if n == 0 else (besselj(n - 1, x) - besselj(n + 1, x)) / 2),
    parameters=1,
    names=Names(sympy="besselj", latex=r"J_{{0}}\left({1}\right)", arb="bessel_j", c="jn"),
    source="DLMF 10.6.1, 10.6.3",
)


def _bessely(special: Any, n: int, x: Any) -> Any:
    return np.where(x < 0, np.nan, np.where(np.isinf(x), 0, special.yv(n, x)))


bessely: Op = operation(
    "bessely",
    2,
    from_scipy("bessely", _bessely),
    lambda n, x, y: (None, -bessely(1, x) if n == 0 else (bessely(n - 1, x) - bessely(n + 1, x)) / 2),
    domain=lambda n, x: x > 0,
    parameters=1,
    names=Names(sympy="bessely", latex=r"Y_{{0}}\left({1}\right)", arb="bessel_y", c="yn"),
    source="DLMF 10.6.1, 10.6.3",
)


def _besseli(special: Any, n: int, x: Any) -> Any:
    """By the leading term near 0, where SciPy's underflows from 1e-154 on."""
    return np.where(np.abs(x) < 1e-9, (x / 2) ** n / special.gamma(n + 1), special.iv(n, x))


besseli: Op = operation(
    "besseli",
    2,
    from_scipy("besseli", _besseli),
    lambda n, x, y: (None, besseli(1, x) if n == 0 else (besseli(n - 1, x) + besseli(n + 1, x)) / 2),
    parameters=1,
    names=Names(sympy="besseli", latex=r"I_{{0}}\left({1}\right)", arb="bessel_i"),
    source="DLMF 10.29.1, 10.29.3",
)
besselk: Op = operation(
    "besselk",
    2,
    from_scipy("besselk", lambda special, n, x: np.where(x < 0, np.nan, special.kv(n, x))),
    lambda n, x, y: (None, -besselk(1, x) if n == 0 else -(besselk(n - 1, x) + besselk(n + 1, x)) / 2),
    domain=lambda n, x: x > 0,
    sign="positive",
    parameters=1,
    names=Names(sympy="besselk", latex=r"K_{{0}}\left({1}\right)", arb="bessel_k"),
    source="DLMF 10.29.1, 10.29.3",
)


def _sphericalj(special: Any, n: Any, x: Any) -> Any:
    """By parity, because SciPy wants x >= 0 for real x."""
    return np.where(x < 0, (-1) ** n, 1) * special.spherical_jn(n, np.abs(x))


sphericalj: Op = operation(
    "sphericalj",
    2,
    from_scipy("sphericalj", _sphericalj),
    lambda n, x, y: (
        None,
        -sphericalj(1, x) if n == 0 else (n * sphericalj(n - 1, x) - (n + 1) * sphericalj(n + 1, x)) / (2 * n + 1),
    ),
    parameters=1,
    names=Names(sympy="jn", latex=r"\mathsf{j}_{{0}}\left({1}\right)"),
    source="DLMF 10.51.2",
)

airyai: Op = operation(
    "airyai",
    1,
    from_scipy("airyai", lambda special, x: special.airy(x)[0]),
    lambda x, y: (airyaiprime(x),),
    names=Names(sympy="airyai", latex=r"\mathrm{Ai}\left({0}\right)", arb="airy_ai"),
    source="DLMF 9.2",
)
airyaiprime: Op = operation(
    "airyaiprime",
    1,
    from_scipy("airyaiprime", lambda special, x: special.airy(x)[1]),
    lambda x, y: (x * airyai(x),),
    names=Names(sympy="airyaiprime", latex=r"\mathrm{Ai}'\left({0}\right)"),
    source="DLMF 9.2.1",
)
airybi: Op = operation(
    "airybi",
    1,
    from_scipy("airybi", lambda special, x: special.airy(x)[2]),
    lambda x, y: (airybiprime(x),),
    names=Names(sympy="airybi", latex=r"\mathrm{Bi}\left({0}\right)", arb="airy_bi"),
    source="DLMF 9.2",
)
airybiprime: Op = operation(
    "airybiprime",
    1,
    from_scipy("airybiprime", lambda special, x: special.airy(x)[3]),
    lambda x, y: (x * airybi(x),),
    names=Names(sympy="airybiprime", latex=r"\mathrm{Bi}'\left({0}\right)"),
    source="DLMF 9.2.1",
)
