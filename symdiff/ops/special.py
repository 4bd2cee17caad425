"""Rows for the gamma and zeta functions and their kin, the error functions, and Lambert's W."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, e, either, eq, floor, ne, pi
from symdiff.ops.borrowed import from_mpmath, from_scipy
from symdiff.ops.core import Edge, Names, Op, operation
from symdiff.ops.exponential import SQRT2, exp, sqrt


def _no_pole(x: Any) -> Any:
    return either(x > 0, ne(x, floor(x)))


gamma: Op = operation(
    "gamma",
    1,
    from_scipy("gamma", lambda special, x: special.gamma(x)),
    lambda x, y: (y * digamma(x),),
    domain=_no_pole,
    names=Names(python="math.gamma({0})", sympy="gamma", latex=r"\Gamma\left({0}\right)", arb="gamma", c="tgamma"),
    source="DLMF 5.2.2",
)
lgamma: Op = operation(
    "lgamma",
    1,
    from_scipy("lgamma", lambda special, x: special.gammaln(x)),
    lambda x, y: (digamma(x),),
    domain=_no_pole,
    names=Names(
        sympy="loggamma",  # complex for x < 0, where this is its real part
        latex=r"\ln\left|\Gamma\left({0}\right)\right|",
        torch="lgamma",
        c="lgamma",
    ),
    source="log|gamma(x)|; DLMF 5.2.2",
)
digamma: Op = operation(
    "digamma",
    1,
    from_scipy("digamma", lambda special, x: special.psi(x)),
    lambda x, y: (polygamma(1, x),),
    domain=_no_pole,
    names=Names(sympy="digamma", latex=r"\psi\left({0}\right)", torch="digamma", arb="digamma"),
    source="DLMF 5.15.1",
)
polygamma: Op = operation(
    "polygamma",
    2,
    from_scipy("polygamma", lambda special, n, x: special.polygamma(n, x)),
    lambda n, x, y: (None, polygamma(n + 1, x)),
    domain=lambda n, x: _no_pole(x),
    parameters=1,
    names=Names(sympy="polygamma", latex=r"\psi^{({0})}\left({1}\right)", torch="polygamma"),
    source="DLMF 5.15",
)
beta: Op = operation(
    "beta",
    2,
    from_scipy("beta", lambda special, a, b: special.beta(a, b)),
    lambda a, b, y: (y * (digamma(a) - digamma(a + b)), y * (digamma(b) - digamma(a + b))),
    domain=lambda a, b: both(_no_pole(a), _no_pole(b)),
    smooth=lambda a, b: both(both(_no_pole(a), _no_pole(b)), _no_pole(a + b)),
    names=Names(sympy="beta", latex=r"\mathrm{B}\left({args}\right)"),
    source="DLMF 5.12.1 and 5.2.2",
)
zeta: Op = operation(
    "zeta",
    1,
    from_scipy("zeta", lambda special, x: special.zeta(x)),
    lambda x, y: (zetaderivative(1, x),),
    domain=lambda x: ne(x, 1),
    names=Names(sympy="zeta", latex=r"\zeta\left({0}\right)", arb="zeta"),
    source="DLMF 25.2",
)
zetaderivative: Op = operation(
    "zetaderivative",
    2,
    from_mpmath(lambda mp, n, x: mp.zeta(x, 1, n)),
    lambda n, x, y: (None, zetaderivative(n + 1, x)),
    domain=lambda n, x: ne(x, 1),
    parameters=1,
    names=Names(latex=r"\zeta^{({0})}\left({1}\right)"),
    source="the n-th derivative of zeta; DLMF 25.2.6",
)


def _polylog(mp: Any, n: int, x: Any) -> Any:
    if n < 2:  # mpmath takes 1 - x first, which loses a small x
        return -mp.log1p(-x) if n == 1 else x / (1 - x)
    return mp.polylog(n, x)


def _polylog_domain(n: int, x: Any) -> Any:
    return x <= 1 if n > 1 else _polylog_smooth(n, x)


def _polylog_smooth(n: int, x: Any) -> Any:
    return x < 1 if n > 0 else ne(x, 1)


polylog: Op = operation(
    "polylog",
    2,
    from_mpmath(_polylog),
    lambda n, x, y: (None, polylog(n - 1, x) / x if n > 1 else 1 / (1 - x) ** (2 - n)),
    domain=_polylog_domain,
    smooth=_polylog_smooth,
    parameters=1,
    edges=(Edge(lambda n, x: eq(x, 0), (None, 1.0)),),
    names=Names(sympy="polylog", latex=r"\mathrm{Li}_{{0}}\left({1}\right)"),
    source="DLMF 25.12.10; order 1 is -log(1 - x), order 0 is x/(1 - x)",
)

erf: Op = operation(
    "erf",
    1,
    from_scipy("erf", lambda special, x: special.erf(x)),
    lambda x, y: (2 / sqrt(pi) * exp(-(x**2)),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(
        python="math.erf({0})",
        sympy="erf",
        latex=r"\operatorname{erf}\left({0}\right)",
        torch="erf",
        arb="erf",
        c="erf",
    ),
    source="DLMF 7.2.1",
)
erfc: Op = operation(
    "erfc",
    1,
    from_scipy("erfc", lambda special, x: special.erfc(x)),
    lambda x, y: (-2 / sqrt(pi) * exp(-(x**2)),),
    sign="positive",
    names=Names(
        python="math.erfc({0})",
        sympy="erfc",
        latex=r"\operatorname{erfc}\left({0}\right)",
        torch="erfc",
        arb="erfc",
        c="erfc",
    ),
    source="DLMF 7.2.2",
)
erfi: Op = operation(
    "erfi",
    1,
    from_scipy("erfi", lambda special, x: special.erfi(x)),
    lambda x, y: (2 / sqrt(pi) * exp(x**2),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="erfi", latex=r"\operatorname{erfi}\left({0}\right)", arb="erfi"),
    source="-i*erf(i*x); DLMF 7.2.1",
)


def _gelu(special: Any, x: Any) -> Any:
    return np.where(np.isneginf(x), 0, x) * special.erfc(-x / np.sqrt(2)) / 2  # -inf*0 is 0 here


gelu: Op = operation(
    "gelu",
    1,
    from_scipy("gelu", _gelu),
    lambda x, y: (erfc(-x / SQRT2) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi),),
    names=Names(
        python="({0} * math.erfc(-{0} / math.sqrt(2.0)) / 2.0)",
        latex=r"\operatorname{gelu}\left({0}\right)",
        torch="nn.functional.gelu",
    ),
    source="product rule on x*Phi(x), Phi the normal distribution; DLMF 7.2.2",
)


def _lambertw(special: Any, x: Any) -> Any:
    w = special.lambertw(np.asarray(x, dtype=np.float64))
    return np.where(x == -1 / np.e, -1, np.where(w.imag == 0, w.real, np.nan))  # SciPy has nan at the branch point


lambertw: Op = operation(
    "lambertw",
    1,
    from_scipy("lambertw", _lambertw),
    lambda x, y: (exp(-y) / (1 + y),),  # y/(x*(1 + y)) is 0/0 at 0
    domain=lambda x: x >= -1 / e,
    smooth=lambda x: x > -1 / e,
    names=Names(sympy="LambertW", latex=r"W\left({0}\right)", arb="lambertw"),
    source="DLMF 4.13.4",
)
