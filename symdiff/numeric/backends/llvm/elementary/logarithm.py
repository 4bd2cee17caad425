"""Logarithms: ``x = 2**n * m`` with m between sqrt(1/2) and sqrt(2), and ``log m = 2*atanh((m - 1)/(m + 1))``.

Sources: P. T. P. Tang, ACM TOMS 16 (1990) 378-400; K. C. Ng's arrangement of the sum in fdlibm (1993), in which what is
rounded before the last step is small. The polynomial is minimax (Remez), refitted after each coefficient is rounded.
"""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.elementary.parts import FRACTION, LN2_HIGH, LN2_LOW, ONE, exponent, with_sign_of
from symdiff.numeric.backends.llvm.ir import Builder, Value

# 2*atanh(s) = 2*s + s**3*L(s**2); relative error 2**-59.5 for |s| <= 0.1716
LOG: Final = (
    0.6666666666666734,
    0.39999999999416663,
    0.28571428742039473,
    0.22222198601454035,
    0.18183563180844428,
    0.15314072629090944,
    0.1479579354857116,
)
SMALLEST: Final = 2.0**-1022  # that is not subnormal
LOG2_E: Final = (float.fromhex("0x1.71547652b82fep+0"), float.fromhex("0x1.777d0ffda0d24p-56"))
LOG10_E: Final = (float.fromhex("0x1.bcb7b1526e50ep-2"), float.fromhex("0x1.95355baaafad3p-57"))
LOG10_2: Final = (float.fromhex("0x1.34413509f78p-2"), float.fromhex("0x1.fef311f12b358p-46"))  # the first of 42 bits
_ROOT: Final = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


def log(b: Builder, x: Value) -> Value:
    """Natural logarithm."""
    n, f = split(b, x)
    return _with_ends(b, x, b.fma(n, LN2_HIGH, f - _defect(b, f, n * LN2_LOW)))


def log2(b: Builder, x: Value) -> Value:
    """Logarithm to base 2."""
    n, f = split(b, x)
    high, low = _times(b, f, _defect(b, f, 0.0), *LOG2_E)
    total, lost = b.fast_two_sum(n, high)
    return _with_ends(b, x, total + (lost + low))


def log10(b: Builder, x: Value) -> Value:
    """Logarithm to base 10."""
    n, f = split(b, x)
    high, low = _times(b, f, _defect(b, f, 0.0), *LOG10_E)
    total, lost = b.fast_two_sum(n * LOG10_2[0], high)
    return _with_ends(b, x, total + (lost + b.fma(n, LOG10_2[1], low)))


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x)."""
    larger, smaller = b.select(x > 1.0, x, 1.0), b.select(x > 1.0, 1.0, x)
    u = larger + smaller
    n, f, shrink = _split_normal(b, u)
    lost = ((smaller - (u - larger)) * shrink) * 0.5  # of u, and so of f
    corrected = f + lost
    t = _defect(b, corrected, b.fma(n, LN2_LOW, (f - corrected) + lost))
    return with_sign_of(b, _with_ends(b, u, b.fma(n, LN2_HIGH, corrected - t)), x)


def split(b: Builder, x: Value) -> tuple[Value, Value]:
    """``n, f`` with ``x = 2**n * (1 + f)`` and 1 + f in [sqrt(1/2), sqrt(2)), exactly."""
    subnormal = x < SMALLEST
    bits, f = _fraction(b, b.select(subnormal, x * 2.0**54, x))
    return exponent(b, bits, b.select(subnormal, 1077.0, 1023.0)), f


def _split_normal(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """The same for x that is not subnormal, and 2**(1-n)."""
    bits, f = _fraction(b, x)
    shrink = b.from_bits((0x7FF << 52) - (bits & ~FRACTION))
    return exponent(b, bits), f, shrink


def _fraction(b: Builder, x: Value) -> tuple[Value, Value]:
    """f, and bits of which the exponent is n's."""
    bits = b.bits(x) + (ONE - _ROOT)
    return bits, b.from_bits((bits & FRACTION) + _ROOT) - 1.0


def _defect(b: Builder, f: Value, low: Value | float) -> Value:
    """``f - log(1 + f) - low``, which is small beside f."""
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    return half_square - b.fma(s, b.fma(z, b.polynomial(z, LOG), half_square), low)


def _times(b: Builder, f: Value, defect: Value, high: float, low: float) -> tuple[Value, Value]:
    """``(f - defect) * (high + low)`` as a number and what it lacks."""
    y, lost = b.fast_two_sum(f, -defect)
    product, rest = b.two_product(y, b.constant(high))
    return product, b.fma(lost, high, b.fma(y, low, rest))


def _with_ends(b: Builder, x: Value, y: Value) -> Value:
    """y, or what the logarithm is at zero, below it, at infinity and at nan."""
    y = b.select(x < float("inf"), y, x)
    y = b.select(x.equals(0.0), float("-inf"), y)
    return b.select(x < 0.0, float("nan"), y)
