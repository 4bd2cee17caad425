"""Hyperbolic functions from one evaluation: ``|x| = n*ln(2) + r``, and polynomials for sinh r and cosh r.

With ``p, m = 2**(n-2) ± 2**(-n-2)``, half of cosh x is ``p*cosh r + m*sinh r`` and half of sinh x is
``m*cosh r + p*sinh r``: the two and their quotient tanh share all else, and none of them cancels near zero.

Source: DLMF 4.35.1-2. The polynomials are minimax (Remez), refitted after each coefficient is rounded.
"""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.elementary.exponential import LOG2_E
from symdiff.numeric.backends.llvm.elementary.parts import (
    LN2_HIGH,
    LN2_LOW,
    ROUND,
    SIGN,
    at_most,
    magnitude,
    with_sign_of,
)
from symdiff.numeric.backends.llvm.ir import Builder, Value

# sinh r = r + r**3*S(r**2); relative error 2**-61.7 for |r| <= 0.3467
SINH: Final = (
    0.16666666666666677,
    0.00833333333332145,
    0.00019841269886535984,
    2.75572438271821e-06,
    2.5109162925220152e-08,
)
# 2*cosh r = 2 + r**2 + r**4*C(r**2); relative error 2**-57.4 for |r| <= 0.3467
COSH: Final = (
    0.08333333333320689,
    0.0027777777854041455,
    4.960301676940274e-05,
    5.525062060647267e-07,
)
LARGEST: Final = 710.6  # sinh and cosh are infinite there, and n does not exceed 1025
_BIAS: Final = ROUND + 1021.0


def sinh(b: Builder, x: Value) -> Value:
    """Hyperbolic sine."""
    _flag_overflow(b, x)
    p, m, sine, cosine = _parts(b, x)
    return with_sign_of(b, b.fma(m, 2.0, b.fma(sine, p, cosine * m)), x)


def cosh(b: Builder, x: Value) -> Value:
    """Hyperbolic cosine."""
    _flag_overflow(b, x)
    p, m, sine, cosine = _parts(b, x)
    return b.fma(p, 2.0, b.fma(sine, m, cosine * p))


def tanh(b: Builder, x: Value) -> Value:
    """Hyperbolic tangent: the quotient, less what its rounding and that of the denominator add."""
    p, m, sine, cosine = _parts(b, x)
    above, below = b.fma(sine, p, cosine * m), b.fma(sine, m, cosine * p)
    inverse = 1.0 / b.fma(p, 2.0, below)
    y = b.fma(m, 2.0, above) * inverse
    rest = b.fma(b.fma(-y, p, m), 2.0, b.fma(-y, below, above))
    return with_sign_of(b, b.select(magnitude(b, x) > 20.0, 1.0, b.fma(rest, inverse, y)), x)


def _flag_overflow(b: Builder, x: Value) -> None:
    """Without fma, the last product overflows before the last sum makes it less."""
    if not b.has_fma:
        b.flag(magnitude(b, x) > 710.0)


def _parts(b: Builder, x: Value) -> tuple[Value, Value, Value, Value]:
    """For ``|x|``: p, m, ``2*sinh(r)`` and ``2*cosh(r) - 2``."""
    x = at_most(b, magnitude(b, x), LARGEST)
    biased = b.fma(x, LOG2_E, _BIAS)
    n = biased - _BIAS
    r = b.fma(n, -LN2_LOW, b.fma(n, -LN2_HIGH, x))
    large = b.bits(biased) << 52  # 2**(n-2)
    small = b.from_bits(SIGN - large)  # 2**(4-n), which is never subnormal
    p = b.fma(small, 2.0**-6, b.from_bits(large))
    m = b.fma(small, -(2.0**-6), b.from_bits(large))
    z = r * r
    twice = r + r
    return p, m, b.fma(z * twice, b.polynomial(z, SINH), twice), b.fma(z * z, b.polynomial(z, COSH), z)
