"""Rows for the gamma and zeta functions and their kin, the error functions, and Lambert's W."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, e, either, eq, floor, ne, pi
from symdiff.ops.borrowed import AboutRoots, Remedy, from_mpmath, from_scipy, precisely
from symdiff.ops.core import Edge, Names, Op, operation
from symdiff.ops.exponential import SQRT2, exp, sqrt
from symdiff.ops.parts import times_exp_of_square


def _no_pole(x: Any) -> Any:
    return either(x > 0, ne(x, floor(x)))


def _gamma_at_the_ends(special: Any, x: Any) -> Any:
    """By DLMF 5.5.1, where SciPy overflows too early, and where it gives subnormal numbers two digits."""
    product = np.ones_like(x)
    for k in range(16):
        product = product * (x + k)
    return np.where(x > 0, special.gamma(x - 1) * (x - 1), special.gamma(x + 16) / product)


gamma: Op = operation(
    "gamma",
    1,
    from_scipy(
        "gamma",
        lambda special, x: special.gamma(x),
        Remedy(lambda y, x: (np.abs(x) > 170) & (np.abs(x) < 185) & (x != np.floor(x)), _gamma_at_the_ends),
    ),
    lambda x, y: (y * digamma(x),),
    domain=_no_pole,
    names=Names(python="math.gamma({0})", sympy="gamma", latex=r"\Gamma\left({0}\right)", arb="gamma", c="tgamma"),
    source="DLMF 5.2.2",
)


def _gammaln(special: Any, x: Any) -> Any:
    return special.gammaln(x)


def _log_gamma(mp: Any, x: Any) -> Any:
    return mp.log(abs(mp.gamma(x)))


lgamma: Op = operation(
    "lgamma",
    1,
    from_scipy(
        "lgamma",
        _gammaln,
        Remedy(lambda y, x: (np.abs(x - 1) < 0.1) | (np.abs(x - 2) < 0.2), AboutRoots(_gammaln, _log_gamma, 0.2)),
        Remedy(lambda y, x: (x < -2) & (np.abs(y) < 0.05), precisely(_log_gamma)),
    ),
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


def _reflected_psi(special: Any, x: Any) -> Any:
    """DLMF 5.5.4, with the distance from the pole taken before pi is."""
    return special.psi(1 - x) - np.pi / np.tan(np.pi * (x - np.rint(x)))


def _psi_by_mpmath(mp: Any, x: Any) -> Any:
    return mp.digamma(x)


digamma: Op = operation(
    "digamma",
    1,
    from_scipy(
        "digamma",
        lambda special, x: special.psi(x),
        Remedy(lambda y, x: (x < -0.75) & (x != np.floor(x)), _reflected_psi),
        Remedy(
            lambda y, x: (x < -0.75) & (x > -50) & (np.abs(y) < 0.3), AboutRoots(_reflected_psi, _psi_by_mpmath, 0.035)
        ),
        Remedy(lambda y, x: (x <= -50) & (x > -1e6) & (np.abs(y) < 0.1), precisely(_psi_by_mpmath)),
    ),
    lambda x, y: (polygamma(1, x),),
    domain=_no_pole,
    names=Names(sympy="digamma", latex=r"\psi\left({0}\right)", torch="digamma", arb="digamma"),
    source="DLMF 5.15.1",
)


def _polygamma(special: Any, n: Any, x: Any) -> Any:
    """SciPy's takes -x steps for x < 0, without end for -1e300; the pole at -50 stands for all beyond."""
    return special.polygamma(n, np.maximum(x, -50) if n > 0 else x)


def _reflected_polygamma(special: Any, n: Any, x: Any) -> Any:
    """DLMF 5.15.6 at x and at the point of the same phase in (0, 1): the derivative of the cotangent drops out."""
    fraction = x - np.floor(x)
    sign = np.where(n % 2, 1, -1)
    return special.polygamma(n, fraction) + sign * (special.polygamma(n, 1 - fraction) - special.polygamma(n, 1 - x))


def _cancels(y: Any, n: Any) -> Any:
    """Midway between poles: what each of the two contributes is ``n! * 2**(n + 1)``."""
    if n > 170:  # beyond, n! leaves the range, and so does y
        return np.zeros(np.shape(y), bool)
    return (n % 2 == 0) & (n > 0) & (np.abs(y) < 0.1 * math.factorial(int(n)) * 2.0 ** (n + 1))


def _polygamma_by_mpmath(mp: Any, n: Any, x: Any) -> Any:
    return mp.polygamma(n, x)


polygamma: Op = operation(
    "polygamma",
    2,
    from_scipy(
        "polygamma",
        _polygamma,
        Remedy(lambda y, n, x: (n > 0) & (x < -50) & (x != np.floor(x)), _reflected_polygamma),
        Remedy(
            lambda y, n, x: (x < 0) & (x > -50) & _cancels(y, n),
            AboutRoots(_polygamma, _polygamma_by_mpmath, 0.03),
        ),
        Remedy(lambda y, n, x: (x <= -50) & (x > -1e6) & _cancels(y, n), precisely(_polygamma_by_mpmath)),
    ),
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


def _reflected_zeta(special: Any, x: Any) -> Any:
    """DLMF 25.4.1, with sin(pi*x/2) from the distance to its root, and (2*pi)**x from 2*pi in two parts."""
    turns = np.rint(x / 2)
    sine = np.where(turns % 2, -1, 1) * np.sin(np.pi / 2 * (x - 2 * turns))
    power = np.power(2 * np.pi, x) * (1 + x * 3.8981718325193755e-17)
    return sine * power / np.pi * (-x * special.gamma(-x)) * special.zeta(1 - x)


zeta: Op = operation(
    "zeta",
    1,
    from_scipy(
        "zeta",
        lambda special, x: special.zeta(x),
        Remedy(lambda y, x: (x < -1) & (x >= -170), _reflected_zeta),
        Remedy(lambda y, x: (x < -170) & (x > -300) & (y != 0), precisely(lambda mp, x: mp.zeta(x))),
    ),
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


def _erfc(special: Any, x: Any) -> Any:
    return times_exp_of_square(special.erfcx(x), x, -1)


erfc: Op = operation(
    "erfc",
    1,
    from_scipy("erfc", lambda special, x: special.erfc(x), Remedy(lambda y, x: (x > 0.5) & (x < 28), _erfc)),
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


def _erfi(special: Any, x: Any) -> Any:
    return times_exp_of_square(2 / np.sqrt(np.pi) * special.dawsn(x), x, 1)


erfi: Op = operation(
    "erfi",
    1,
    from_scipy(
        "erfi", lambda special, x: special.erfi(x), Remedy(lambda y, x: (np.abs(x) > 1) & (np.abs(x) < 27), _erfi)
    ),
    lambda x, y: (2 / sqrt(pi) * exp(x**2),),
    parity="odd",
    exact=lambda x: 0 if x == 0 else None,
    names=Names(sympy="erfi", latex=r"\operatorname{erfi}\left({0}\right)", arb="erfi"),
    source="-i*erf(i*x); DLMF 7.2.1",
)


def _gelu(special: Any, x: Any) -> Any:
    return np.where(np.isneginf(x), 0, x) * special.erfc(-x / np.sqrt(2)) / 2  # -inf*0 is 0 here


def _gelu_left(special: Any, x: Any) -> Any:
    return times_exp_of_square(x / 2 * special.erfcx(-x / np.sqrt(2)), x, -0.5)


gelu: Op = operation(
    "gelu",
    1,
    from_scipy("gelu", _gelu, Remedy(lambda y, x: (x < -1) & (x > -40), _gelu_left)),
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
    return np.where(w.imag == 0, w.real, np.nan)


def _branch_series(count: int) -> list[float]:
    """The coefficients of W(x) in sqrt(2*(e*x + 1)). Source: Corless et al. (1996), (4.22) to (4.25)."""
    mu, alpha = [-1.0, 1.0], [2.0, -1.0]
    for k in range(2, count):
        alpha.append(sum(mu[j] * mu[k + 1 - j] for j in range(2, k)))
        mu.append(
            (k - 1) / (k + 1) * (mu[k - 2] / 2 + alpha[k - 2] / 4) - alpha[k] / 2 - mu[k - 1] / (k + 1),
        )
    return mu


_BRANCH = _branch_series(24)


def _near_the_branch_point(special: Any, x: Any) -> Any:
    distance = (x + 0.36787944117144233) - 1.2428753672788363e-17  # from -1/e, which is kept in two parts
    return np.polynomial.polynomial.polyval(np.sqrt(2 * np.e * np.maximum(distance, 0)), _BRANCH)


lambertw: Op = operation(
    "lambertw",
    1,
    from_scipy("lambertw", _lambertw, Remedy(lambda y, x: (x >= -1 / np.e) & (x < -0.357), _near_the_branch_point)),
    lambda x, y: (exp(-y) / (1 + y),),  # y/(x*(1 + y)) is 0/0 at 0
    domain=lambda x: x >= -1 / e,
    smooth=lambda x: x > -1 / e,
    names=Names(sympy="LambertW", latex=r"W\left({0}\right)", arb="lambertw"),
    source="DLMF 4.13.4",
)
