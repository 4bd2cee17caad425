"""Every operation again, by mpmath: what the rows are judged by. Shares no code with symdiff.

Conventions: real; acot(x) is atan(1/x), asec and acsc those of 1/x; elliptic functions take the parameter m.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp


def elliptic_integral(a: int, b: int, phi: Any, m: Any) -> Any:
    def integrand(t: Any) -> Any:
        return mp.sin(t) ** (2 * a) / size / mp.power(1 - m * mp.sin(t) ** 2, b + mp.mpf(1) / 2)

    size = mp.sin(phi) ** (2 * a) if abs(phi) < 1 else 1  # quad's tolerance is absolute
    quarters = [mp.sign(phi) * k * mp.pi / 2 for k in range(int(abs(phi) / (mp.pi / 2)) + 1)]
    return size * mp.quad(integrand, [*quarters, phi])


ORACLE: dict[str, Callable[..., Any]] = {
    # arithmetic, logic, constants
    "neg": lambda a: -a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: mp.power(a, b),
    "lt": lambda a, b: mp.mpf(a < b),
    "le": lambda a, b: mp.mpf(a <= b),
    "gt": lambda a, b: mp.mpf(a > b),
    "ge": lambda a, b: mp.mpf(a >= b),
    "eq": lambda a, b: mp.mpf(a == b),
    "ne": lambda a, b: mp.mpf(a != b),
    "and": lambda a, b: mp.mpf(a != 0 and b != 0),
    "or": lambda a, b: mp.mpf(a != 0 or b != 0),
    "not": lambda a: mp.mpf(a == 0),
    "where": lambda c, a, b: a if c != 0 else b,
    "pi": lambda: +mp.pi,
    "tau": lambda: 2 * mp.pi,
    "e": lambda: +mp.e,
    "inf": lambda: mp.inf,
    # kinks and jumps
    "abs": lambda x: abs(x),
    "sign": lambda x: mp.sign(x),
    "floor": lambda x: mp.floor(x),
    "ceil": lambda x: mp.ceil(x),
    "round": lambda x: mp.nint(x),
    "max": lambda *args: max(args),
    "min": lambda *args: min(args),
    "clip": lambda x, low, high: min(max(x, low), high),
    "mod": lambda x, m: x - m * mp.floor(x / m),
    "relu": lambda x: max(x, mp.mpf(0)),
    "heaviside": lambda x: (mp.sign(x) + 1) / 2,
    # exponentials, logarithms, roots
    "exp": lambda x: mp.exp(x),
    "expm1": lambda x: mp.expm1(x),
    "log": lambda x: mp.log(x),
    "log1p": lambda x: mp.log1p(x),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "sqrt": lambda x: mp.sqrt(x),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "hypot": lambda *args: mp.sqrt(mp.fsum(args, squared=True)),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "logsumexp": lambda *args: max(args) + mp.log1p(mp.fsum(mp.exp(x - max(args)) for x in sorted(args)[:-1])),
    # circular
    "sin": lambda x: mp.sin(x),
    "cos": lambda x: mp.cos(x),
    "tan": lambda x: mp.tan(x),
    "sec": lambda x: 1 / mp.cos(x),
    "csc": lambda x: 1 / mp.sin(x),
    "cot": lambda x: 1 / mp.tan(x),
    "asin": lambda x: mp.asin(x),
    "acos": lambda x: mp.acos(x),
    "atan": lambda x: mp.atan(x),
    "asec": lambda x: mp.acos(1 / x),
    "acsc": lambda x: mp.asin(1 / x),
    "acot": lambda x: mp.atan(1 / x),
    "atan2": lambda y, x: mp.atan2(y, x),
    "sinc": lambda x: mp.sinc(x),
    # hyperbolic
    "sinh": lambda x: mp.sinh(x),
    "cosh": lambda x: mp.cosh(x),
    "tanh": lambda x: mp.tanh(x),
    "sech": lambda x: 1 / mp.cosh(x),
    "csch": lambda x: 1 / mp.sinh(x),
    "coth": lambda x: 1 / mp.tanh(x),
    "asinh": lambda x: mp.asinh(x),
    "acosh": lambda x: mp.acosh(x),
    "atanh": lambda x: mp.atanh(x),
    "asech": lambda x: mp.acosh(1 / x),
    "acsch": lambda x: mp.asinh(1 / x),
    "acoth": lambda x: mp.atanh(1 / x),
    # gamma, zeta, errors
    "gamma": lambda x: mp.gamma(x),
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "digamma": lambda x: mp.digamma(x),
    "polygamma": lambda n, x: mp.polygamma(n, x),
    "beta": lambda a, b: mp.beta(a, b),
    "zeta": lambda x: mp.zeta(x),
    "zetaderivative": lambda n, x: mp.zeta(x, derivative=int(n)),
    "polylog": lambda n, x: mp.polylog(n, x) if n > 1 else [x / (1 - x), -mp.log1p(-x)][n],
    "erf": lambda x: mp.erf(x),
    "erfc": lambda x: mp.erfc(x),
    "erfi": lambda x: mp.erfi(x),
    "lambertw": lambda x: mp.lambertw(x),
    # Bessel and Airy
    "besselj": lambda n, x: mp.besselj(n, x),
    "bessely": lambda n, x: mp.bessely(n, x),
    "besseli": lambda n, x: mp.besseli(n, x),
    "besselk": lambda n, x: mp.besselk(n, x),
    "sphericalj": lambda n, x: x**n * mp.hyp0f1(n + mp.mpf(3) / 2, -(x**2) / 4) / mp.fac2(2 * n + 1),
    "airyai": lambda x: mp.airyai(x),
    "airyaiprime": lambda x: mp.airyai(x, derivative=1),
    "airybi": lambda x: mp.airybi(x),
    "airybiprime": lambda x: mp.airybi(x, derivative=1),
    # integrals
    "Ei": lambda x: mp.ei(x),
    "li": lambda x: mp.li(x),
    "Si": lambda x: mp.si(x),
    "Ci": lambda x: mp.ci(x),
    "Shi": lambda x: mp.shi(x),
    "Chi": lambda x: mp.chi(x),
    "expint": lambda n, x: mp.expint(n, x),
    "fresnels": lambda x: mp.fresnels(x),
    "fresnelc": lambda x: mp.fresnelc(x),
    "ellipf": lambda phi, m: mp.ellipf(phi, m),
    "ellipe": lambda phi, m: mp.ellipe(phi, m),
    "ellipk": lambda m: mp.ellipk(m),
    "ellipint": elliptic_integral,
}
