"""Rows for elliptic integrals, with the parameter m = k^2.

All are members of one family that is closed under differentiation by m: ``ellipint(a, b, phi, m)`` is the
integral of ``sin(t)**(2*a) / (1 - m*sin(t)**2)**(b + 1/2)`` for t from 0 to phi. The textbook partials by
m, in F and E, are 0/0 at m = 0 and at m = 1, and cancel near phi = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symdiff.ops.arithmetic import both, either, pi
from symdiff.ops.borrowed import from_mpmath, from_scipy
from symdiff.ops.core import Names, Op, operation
from symdiff.ops.exponential import sqrt
from symdiff.ops.trigonometric import cos, sin


def _delta(phi: Any, m: Any) -> Any:
    """1 - m*sin(phi)**2, without cancellation near phi = pi/2, m = 1."""
    return cos(phi) ** 2 + (1 - m) * sin(phi) ** 2


def _finite(phi: Any, m: Any) -> Any:
    """The way from 0 to phi meets no singularity."""
    return either(m < 1, both(abs(phi) < pi / 2, m * sin(phi) ** 2 < 1))


def _by_carlson(phi: Any, m: Any, integral: Callable[[Any, Any, Any], Any]) -> Any:
    """``integral(sin, cos**2, delta)`` for ``|phi| <= pi/2``, continued by periods for m < 1."""
    periods = np.where(m < 1, np.rint(phi / np.pi), 0)
    r = phi - periods * np.pi
    s, c2 = np.sin(r), np.cos(r) ** 2
    inside = np.where((m < 1) | (np.abs(phi) <= np.pi / 2), integral(s, c2, c2 + (1 - m) * s * s), np.nan)
    return inside + np.where(periods == 0, 0, 2 * periods * integral(1.0, 0.0, 1 - m))


def _ellipf(special: Any, phi: Any, m: Any) -> Any:
    beyond = _by_carlson(phi, m, lambda s, c2, delta: s * special.elliprf(c2, delta, 1.0))
    return np.where(m <= 1, special.ellipkinc(phi, m), beyond)  # SciPy's stops at m = 1


def _ellipe(special: Any, phi: Any, m: Any) -> Any:
    def second(s: Any, c2: Any, delta: Any) -> Any:
        return s * special.elliprf(c2, delta, 1.0) - m * s**3 / 3 * special.elliprd(c2, delta, 1.0)

    return np.where(m <= 1, special.ellipeinc(phi, m), _by_carlson(phi, m, second))


def _d(special: Any, phi: Any, m: Any) -> Any:
    return _by_carlson(phi, m, lambda s, c2, delta: s**3 / 3 * special.elliprd(c2, delta, 1.0))


def _d_over_delta(special: Any, phi: Any, m: Any) -> Any:
    return _by_carlson(phi, m, lambda s, c2, delta: s**3 / 3 * special.elliprd(c2, 1.0, delta))


def _by_quadrature(mp: Any, a: int, b: int, phi: Any, m: Any) -> Any:
    def up_to(angle: Any) -> Any:
        def integrand(t: Any) -> Any:
            s = mp.sin(t)
            return (s / top) ** (2 * a) / (mp.cos(t) ** 2 + (1 - m) * s * s) ** (b + mp.mpf(1) / 2)

        top = mp.sin(angle) or 1  # taken out, because the tolerance of the quadrature is absolute
        return top ** (2 * a) * mp.quad(integrand, [0, angle])

    periods = mp.nint(phi / mp.pi) if m < 1 else 0
    return up_to(phi - periods * mp.pi) + (2 * periods * up_to(mp.pi / 2) if periods else 0)


_CARLSON = {(1, 0): from_scipy("ellipint", _d), (1, 1): from_scipy("ellipint", _d_over_delta)}
_QUADRATURE = from_mpmath(_by_quadrature)


def _ellipint(a: Any, b: Any, phi: Any, m: Any) -> Any:
    orders = int(a), int(b)
    return _CARLSON[orders](phi, m) if orders in _CARLSON else _QUADRATURE(*orders, phi, m)


ellipf: Op = operation(
    "ellipf",
    2,
    from_scipy("ellipf", _ellipf),
    lambda phi, m, y: (1 / sqrt(_delta(phi, m)), ellipint(1, 1, phi, m) / 2),
    domain=_finite,
    names=Names(sympy="elliptic_f", latex=r"F\left({0}\,\middle|\,{1}\right)"),
    source="parameter m = k^2; DLMF 19.2.4, under the integral sign",
)
ellipe: Op = operation(
    "ellipe",
    2,
    from_scipy("ellipe", _ellipe),
    lambda phi, m, y: (sqrt(_delta(phi, m)), -ellipint(1, 0, phi, m) / 2),
    domain=lambda phi, m: either(m <= 1, both(abs(phi) <= pi / 2, m * sin(phi) ** 2 <= 1)),
    smooth=_finite,
    names=Names(sympy="elliptic_e", latex=r"E\left({0}\,\middle|\,{1}\right)"),
    source="parameter m = k^2; DLMF 19.2.5, under the integral sign",
)
ellipk: Op = operation(
    "ellipk",
    1,
    from_scipy("ellipk", lambda special, m: special.ellipk(m)),
    lambda m, y: (ellipint(1, 1, pi / 2, m) / 2,),
    domain=lambda m: m < 1,
    sign="positive",
    names=Names(sympy="elliptic_k", latex=r"K\left({0}\right)"),
    source="parameter m = k^2; DLMF 19.2.8, under the integral sign",
)
ellipint: Op = operation(
    "ellipint",
    4,
    _ellipint,
    lambda a, b, phi, m, y: (
        None,
        None,
        sin(phi) ** (2 * a) / (sqrt(_delta(phi, m)) * _delta(phi, m) ** b),
        (2 * b + 1) * ellipint(a + 1, b + 1, phi, m) / 2,
    ),
    domain=lambda a, b, phi, m: _finite(phi, m),
    parameters=2,
    names=Names(latex=r"I_{{0},{1}}\left({2}\,\middle|\,{3}\right)"),
    source="DLMF 19.2.6 for (1, 0), 19.25(i); by Carlson's R_D, DLMF 19.16.5",
)
