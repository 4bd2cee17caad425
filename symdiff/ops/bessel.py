"""Rows for Bessel, spherical Bessel and Airy functions. Orders are literal integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np

from symdiff.ops.borrowed import AboutRoots, Remedy, from_scipy, precisely
from symdiff.ops.core import Names, Op, operation
from symdiff.ops.parts import alternating, product, quarter_turn_back

NEAR = 25.0  # up to here roots are expanded about; beyond, Hankel's series reaches 1e-17


def _amplitude(x: Any) -> Any:
    """Of the oscillation of J and Y; DLMF 10.17.3."""
    return np.sqrt(2 / (np.pi * np.abs(x)))


def _near(n: Any) -> Any:
    return np.maximum(NEAR, n * n / 2)


def _by_hankel(n: Any, x: Any) -> tuple[Any, Any]:
    """J_n(x) and Y_n(x) for large x; DLMF 10.17.3 and 10.17.4."""
    order = int(n)
    factors = (((2 * order) ** 2 - (2 * k - 1) ** 2) / (8 * k) for k in range(1, 28))
    p, q = alternating(list(accumulate(factors, mul, initial=1.0)), 1 / x)
    c, s = quarter_turn_back(x)
    for _ in range(order % 4):
        c, s = s, -c
    return _amplitude(x) * (p * c - q * s), _amplitude(x) * (p * s + q * c)


def _roots(fast: Callable[..., Any], rule: Callable[..., Any], which: int) -> tuple[Remedy, ...]:
    """SciPy's error is some ulp of the amplitude, which is much where the function is small."""

    def small(y: Any, x: Any, part: Any) -> Any:
        return np.abs(y) < part * _amplitude(x)

    def part(x: Any) -> Any:
        return np.minimum(0.25, 0.08 * np.abs(x))

    def far(special: Any, n: Any, x: Any) -> Any:
        return np.where((x < 0) & (n % 2 == 1), -1, 1) * _by_hankel(n, np.abs(x))[which]

    def left(n: Any, x: Any) -> Any:
        return (4 * n * n + 1) / (256 * np.abs(x))  # what cancels in Hankel's sum next to a root

    def is_far(y: Any, n: Any, x: Any, part: Any) -> Any:
        return (np.abs(x) >= _near(n)) & np.isfinite(x) & small(y, x, part)

    about_roots = AboutRoots(fast, rule, 0.3)
    return (
        Remedy(
            lambda y, n, x: (np.abs(x) > np.maximum(n, 0.8)) & (np.abs(x) < _near(n)) & small(y, x, part(x)),
            about_roots,
        ),
        # SciPy's have lost the phase at 1e16
        Remedy(lambda y, n, x: is_far(y, n, x, np.where(np.abs(x) > 1e8, np.inf, 0.1)), far),
        Remedy(lambda y, n, x: is_far(y, n, x, left(n, x)) & (np.abs(x) < 300), about_roots),
        Remedy(lambda y, n, x: is_far(y, n, x, left(n, x)) & (np.abs(x) >= 300), precisely(rule)),
    )


def _power_series(sign: float) -> Remedy:
    """J (sign -1) and I near 0, where SciPy's are off by the logarithm of x or underflow; DLMF 10.2.2, 10.25.2."""

    def value(special: Any, n: Any, x: Any) -> Any:
        series = np.ones_like(x)
        for k in range(14, 0, -1):
            series = 1 + sign * series * (x / 2) ** 2 / (k * (k + n))
        return (x / 2) ** n / special.gamma(n + 1) * series

    return Remedy(lambda y, n, x: (x * x < n + 1) & (n < 150), value)


def _jv(special: Any, n: Any, x: Any) -> Any:
    return special.jv(n, x)


besselj: Op = operation(
    "besselj",
    2,
    from_scipy(
        "besselj",
        lambda special, n, x: np.where(np.isinf(x), 0, special.jv(n, x)),
        _power_series(-1),
        *_roots(_jv, lambda mp, n, x: mp.besselj(n, x), 0),
    ),
    lambda n, x, y: (None, -besselj(1, x) if n == 0 else (besselj(n - 1, x) - besselj(n + 1, x)) / 2),
    parameters=1,
    names=Names(sympy="besselj", latex=r"J_{{0}}\left({1}\right)", arb="bessel_j", c="jn"),
    source="DLMF 10.6.1, 10.6.3",
)


def _yv(special: Any, n: Any, x: Any) -> Any:
    return np.where(x < 0, np.nan, np.where(np.isinf(x), 0, special.yv(n, x)))


def _y0(mp: Any, x: Any) -> Any:
    """Y_0 by Neumann's series (Abramowitz & Stegun 9.1.89) in J_2k by backward recurrence: ten times mpmath's speed."""
    above, j, norm, series = mp.zero, mp.one, mp.zero, mp.zero
    for k in range(2 * int(2 * x / 3 + 30), 0, -1):
        if k % 2 == 0:
            norm, series = norm + 2 * j, series + (-1) ** (k // 2) * 2 * j / k
        above, j = j, 2 * k / x * j - above
    return 2 / mp.pi * ((mp.log(x / 2) + mp.euler) * j - 2 * series) / (norm + j)


def _yv_by_mpmath(mp: Any, n: Any, x: Any) -> Any:
    """From Y_0 by DLMF 10.5.2 and 10.6.1: mpmath takes the other orders as limits, which is slow."""
    before = _y0(mp, x) if x < 300 else mp.bessely(0, x)
    y = (mp.besselj(1, x) * before - 2 / (mp.pi * x)) / mp.besselj(0, x)
    for k in range(1, int(n)):
        before, y = y, 2 * k / x * y - before
    return y if n else before


bessely: Op = operation(
    "bessely",
    2,
    from_scipy("bessely", _yv, *_roots(_yv, _yv_by_mpmath, 1)),
    lambda n, x, y: (None, -bessely(1, x) if n == 0 else (bessely(n - 1, x) - bessely(n + 1, x)) / 2),
    domain=lambda n, x: x > 0,
    parameters=1,
    names=Names(sympy="bessely", latex=r"Y_{{0}}\left({1}\right)", arb="bessel_y", c="yn"),
    source="DLMF 10.6.1, 10.6.3",
)


def _besseli(special: Any, n: Any, x: Any) -> Any:
    return special.i0(x) if n == 0 else special.i1(x) if n == 1 else special.iv(n, x)


def _besselk(special: Any, n: Any, x: Any) -> Any:
    return np.where(x < 0, np.nan, special.k0(x) if n == 0 else special.kv(n, x))


def _kv_far(special: Any, n: Any, x: Any) -> Any:
    """In halves, since e^-x may be subnormal."""
    return special.kve(n, x) * np.exp(-x / 2) * np.exp(-x / 2)


besseli: Op = operation(
    "besseli",
    2,
    from_scipy("besseli", _besseli, _power_series(1)),
    lambda n, x, y: (None, besseli(1, x) if n == 0 else (besseli(n - 1, x) + besseli(n + 1, x)) / 2),
    parameters=1,
    names=Names(sympy="besseli", latex=r"I_{{0}}\left({1}\right)", arb="bessel_i"),
    source="DLMF 10.29.1, 10.29.3",
)
besselk: Op = operation(
    "besselk",
    2,
    from_scipy(
        "besselk",
        _besselk,
        Remedy(lambda y, n, x: (x > 300) & (x < 1e4), _kv_far),
    ),
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


def _sphericalj_at_0(special: Any, n: Any, x: Any) -> Any:
    """DLMF 10.53.1."""
    series = np.ones_like(x)
    for k in range(14, 0, -1):
        series = 1 - series * x * x / (2 * k * (2 * n + 2 * k + 1))
    return x**n / math.prod(range(1, 2 * int(n) + 2, 2)) * series


def _sphericalj_by_mpmath(mp: Any, n: Any, x: Any) -> Any:
    return mp.sign(x) ** int(n) * mp.sqrt(mp.pi / (2 * abs(x))) * mp.besselj(n + mp.mpf(1) / 2, abs(x))


sphericalj: Op = operation(
    "sphericalj",
    2,
    from_scipy(
        "sphericalj",
        _sphericalj,
        Remedy(lambda y, n, x: (x * x < n + 1) & (n < 100), _sphericalj_at_0),
        Remedy(
            lambda y, n, x: (n > 0) & (np.abs(x) > n + 1) & (np.abs(x) < NEAR) & (np.abs(x * y) < 0.2),
            AboutRoots(_sphericalj, _sphericalj_by_mpmath, 0.25),
        ),
    ),
    lambda n, x, y: (
        None,
        -sphericalj(1, x) if n == 0 else (n * sphericalj(n - 1, x) - (n + 1) * sphericalj(n + 1, x)) / (2 * n + 1),
    ),
    parameters=1,
    names=Names(sympy="jn", latex=r"\mathsf{j}_{{0}}\left({1}\right)"),
    source="DLMF 10.51.2",
)


# Coefficients of the asymptotic expansions, of the functions and of their derivatives; DLMF 9.7.2.
_U = list(accumulate(((6 * k - 5) * (6 * k - 1) / (72 * k) for k in range(1, 32)), mul, initial=1.0))
_V = [(6 * k + 1) / (1 - 6 * k) * u for k, u in enumerate(_U)]


def _zeta(x: Any) -> tuple[Any, Any]:
    """2/3*x**(3/2) in two parts, since rounding it would cost x**(3/2) ulp."""
    root = np.sqrt(x)
    square = product(root, root)
    high, low = product(x, root)
    low = low + x * (((x - square[0]) - square[1]) / (2 * root))
    result = 2 * high / 3
    tripled = product(3.0, result)
    return result, (((2 * high - tripled[0]) - tripled[1]) + 2 * low) / 3


def _airy_left(index: int, x: Any) -> Any:
    """Ai, Ai', Bi or Bi' far to the left; DLMF 9.7.9 to 9.7.12."""
    high, low = _zeta(-x)
    c, s = quarter_turn_back(high, low)
    p, q = alternating(_V if index % 2 else _U, 1 / high)
    wave = (c * p + s * q, s * p - c * q, c * q - s * p, c * p + s * q)[index]
    return _airy_amplitude(index, x) * wave


def _airy_right(index: int, x: Any) -> Any:
    """Far to the right; DLMF 9.7.5 to 9.7.8. The exponential in halves: it leaves the range first."""
    sign = -1 if index < 2 else 1
    high, low = _zeta(x)
    series = np.polynomial.polynomial.polyval(sign / high, _V if index % 2 else _U)
    half = np.exp(sign * high / 2)
    factor = (0.5, -0.5, 1.0, 1.0)[index] * _airy_amplitude(index, x)
    return factor * series * (1 + sign * low) * half * half


def _airy_amplitude(index: int, x: Any) -> Any:
    quarter = np.sqrt(np.sqrt(np.abs(x)))
    return (quarter if index % 2 else 1 / quarter) / np.sqrt(np.pi)


def _bi_series(special: Any, x: Any) -> Any:
    """For x > 0, where no term is negative; DLMF 9.4.3."""
    f = g = np.ones_like(x)
    for k in range(50, 0, -1):
        f, g = 1 + f * x**3 / (3 * k * (3 * k - 1)), 1 + g * x**3 / (3 * k * (3 * k + 1))
    return 0.61492662744600073515 * f + 0.44828835735382635791 * x * g


def _bi_prime_series(special: Any, x: Any) -> Any:
    """DLMF 9.4.4."""
    f = g = np.ones_like(x)
    for k in range(50, 0, -1):
        f, g = 1 + f * x**3 / (3 * k * (3 * k + 2)), 1 + g * x**3 / (3 * k * (3 * k - 2))
    return 0.61492662744600073515 * x * x / 2 * f + 0.44828835735382635791 * g


def _airy_taylor() -> list[float]:
    """The coefficients of Ai about 2.25; DLMF 9.2.1."""
    a = [0.023654658557747446207, -0.037758570992018513126]
    a.append(2.25 / 2 * a[0])
    for k in range(1, 28):
        a.append((2.25 * a[k] + a[k - 1]) / ((k + 1) * (k + 2)))
    return a


_AI = [_airy_taylor(), [k * a for k, a in enumerate(_airy_taylor())][1:]]  # of Ai, and of Ai'


def _ai_between(index: int) -> Callable[..., Any]:
    """By SciPy's scaled function beyond 2.25. Below, that loses two digits, and in the series no terms cancel."""

    def value(special: Any, x: Any) -> Any:
        high, low = _zeta(x)
        beyond = special.airye(x)[index] * np.exp(-high) * (1 - low)
        return np.where(x < 2.25, np.polynomial.polynomial.polyval(np.minimum(x - 2.25, 0), _AI[index]), beyond)

    return value


def _airy(name: str, index: int, between: Callable[..., Any]) -> Callable[..., Any]:
    """``between`` is for x from 1 to 10."""

    def fast(special: Any, x: Any) -> Any:
        return special.airy(x)[index]

    def rule(mp: Any, x: Any) -> Any:
        return (mp.airyai if index < 2 else mp.airybi)(x, derivative=index % 2)

    def small(y: Any, x: Any, part: Any) -> Any:
        return np.abs(y) < part * _airy_amplitude(index, x)

    return from_scipy(
        name,
        fast,
        Remedy(lambda y, x: (x > 1) & (x <= 10), between),
        Remedy(lambda y, x: x > 10, lambda special, x: _airy_right(index, np.minimum(x, 1e4))),  # there 0 or inf
        Remedy(lambda y, x: (x < -10) & (x > -1e10), lambda special, x: _airy_left(index, x)),
        Remedy(
            lambda y, x: (x < -0.8) & (x >= -10) & small(y, x, 0.08 * np.minimum(np.abs(x), 6)),
            AboutRoots(fast, rule, 0.3),
        ),
        Remedy(
            lambda y, x: (x < -10) & (x > -1e10) & small(y, x, 3e-3 / np.abs(x * np.sqrt(np.abs(x)))), precisely(rule)
        ),
    )


airyai: Op = operation(
    "airyai",
    1,
    _airy("airyai", 0, _ai_between(0)),
    lambda x, y: (airyaiprime(x),),
    names=Names(sympy="airyai", latex=r"\mathrm{Ai}\left({0}\right)", arb="airy_ai"),
    source="DLMF 9.2",
)
airyaiprime: Op = operation(
    "airyaiprime",
    1,
    _airy("airyaiprime", 1, _ai_between(1)),
    lambda x, y: (x * airyai(x),),
    names=Names(sympy="airyaiprime", latex=r"\mathrm{Ai}'\left({0}\right)"),
    source="DLMF 9.2.1",
)
airybi: Op = operation(
    "airybi",
    1,
    _airy("airybi", 2, _bi_series),
    lambda x, y: (airybiprime(x),),
    names=Names(sympy="airybi", latex=r"\mathrm{Bi}\left({0}\right)", arb="airy_bi"),
    source="DLMF 9.2",
)
airybiprime: Op = operation(
    "airybiprime",
    1,
    _airy("airybiprime", 3, _bi_prime_series),
    lambda x, y: (x * airybi(x),),
    names=Names(sympy="airybiprime", latex=r"\mathrm{Bi}'\left({0}\right)"),
    source="DLMF 9.2.1",
)
