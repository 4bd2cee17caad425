"""Exponentials: ``x = n*ln(2) + r``, a polynomial in r, and 2**n put into the exponent.

Sources: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 6; P. T. P. Tang, ACM TOMS 15
(1989) 144-157 and 18 (1992) 211-222. The polynomials are minimax (Remez), refitted after each coefficient is rounded.
"""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.elementary.parts import LN2_HIGH, LN2_LOW, ROUND, clamped, magnitude, with_sign_of
from symdiff.numeric.backends.llvm.ir import Builder, Value

LOG2_E: Final = 1.4426950408889634
HALF_LOG_9_8: Final = 0.05889151782819173
LARGEST: Final = 709.4  # beyond it n is 1024, and 2**n no double
BIAS: Final = ROUND + 1023.0

# e**r = 1 + r + r**2*P(r); relative error 2**-56.8 for |r| <= 0.3467
EXP: Final = (
    0.500000000000001,
    0.16666666666666669,
    0.04166666666652336,
    0.008333333333326129,
    0.0013888888947552783,
    0.0001984126987801069,
    2.4801487539555783e-05,
    2.755725004399763e-06,
    2.763259606148179e-07,
    2.5107603645630057e-08,
)
# The same; relative error 2**-63.3 for -0.288 <= r <= 0.406
EXPM1: Final = (
    0.5,
    0.1666666666666666,
    0.04166666666666786,
    0.008333333333339507,
    0.0013888888887985205,
    0.00019841269825877556,
    2.480158974164981e-05,
    2.7557324060515523e-06,
    2.755448884185222e-07,
    2.5072519620059935e-08,
    2.2085549373115665e-09,
)
# 2**r = 1 + r*P(r); relative error 2**-59.4 for |r| <= 0.5001
EXP2: Final = (
    0.6931471805599453,
    0.2402265069591007,
    0.055504108664822964,
    0.009618129107629656,
    0.0013333558146155005,
    0.00015403530391040404,
    1.525273404735374e-05,
    1.3215488774815625e-06,
    1.0177980837609289e-07,
    7.054153879522247e-09,
    4.466304562885581e-10,
    2.6766832142465758e-11,
)


def exp(b: Builder, x: Value) -> Value:
    """e**x."""
    x = clamped(b, x, -746.0, 710.0)
    biased, n = _nearest(b, x)
    if b.has_fma:
        r = b.fma(n, -LN2_LOW, b.fma(n, -LN2_HIGH, x))
        p = b.fma(r, b.fma(r, b.polynomial(r, EXP), 1.0), 1.0)
    else:
        r, low = _rest(b, x, n)
        p = (r + (r * r * b.polynomial(r, EXP) + low)) + 1.0
    return scaled(b, p, biased, n)


def exp2(b: Builder, x: Value) -> Value:
    """2**x."""
    x = clamped(b, x, -1076.0, 1025.0)
    biased = x + BIAS
    n = biased - BIAS
    r = x - n
    return scaled(b, b.fma(r, b.polynomial(r, EXP2), 1.0), biased, n)


def expm1(b: Builder, x: Value) -> Value:
    """e**x - 1; flagged where it is about to overflow.

    Here r lies between log(3/4) and log(3/2), so that n changes where the result has a new exponent, and what is
    rounded before the last step is small beside it.
    """
    b.flag(x > LARGEST)
    within = clamped(b, x, -40.0, LARGEST)
    biased, n = _nearest(b, within - HALF_LOG_9_8)
    r, low = _rest(b, within, n)
    scale = b.from_bits(b.bits(biased) << 52)
    whole = scale - 1.0
    high = b.fma(scale, r, whole)  # scale*r is exact, and smaller than whole unless that is 0
    lost = b.fma(scale, r, whole - high) + ((scale - whole) - 1.0)
    return with_sign_of(b, high + b.fma(scale * r * r, b.polynomial(r, EXPM1), b.fma(scale, low, lost)), x)


def silu(b: Builder, x: Value) -> Value:
    """``x/(1 + e**-x)``, in which nothing overflows; flagged at -inf."""
    b.flag(x.equals(float("-inf")))
    decay = exp(b, -magnitude(b, x))
    return x * (b.select(x < 0.0, decay, 1.0) / (b.constant(1.0) + decay))


def scaled(b: Builder, p: Value, biased: Value, n: Value) -> Value:
    """``p * 2**n`` in two steps, of which the second over- or underflows as it should; ``biased`` is ``n + BIAS``."""
    half = b.bits(b.fma(n, 0.5, BIAS)) << 52
    return b.from_bits(b.bits(p) + ((b.bits(biased) << 52) - half)) * b.from_bits(half)


def _nearest(b: Builder, x: Value) -> tuple[Value, Value]:
    """The n next to x/ln(2): with `BIAS`, so that shifted to the exponent it is 2**n, and without."""
    biased = b.fma(x, LOG2_E, BIAS)
    return biased, biased - BIAS


def _rest(b: Builder, x: Value, n: Value) -> tuple[Value, Value]:
    """``x - n*ln(2)`` as a number and what it lacks."""
    high = b.fma(n, -LN2_HIGH, x)
    low = n * LN2_LOW
    r = high - low
    return r, (high - r) - low
