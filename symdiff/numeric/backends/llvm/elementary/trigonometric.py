"""Sine, cosine and tangent: ``|x| = n*pi/2 + r``, then polynomials in r; sine and cosine of one argument share both.

Sources: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 8, for the reduction in
parts; T. J. Dekker, Numer. Math. 18 (1971) 224-242, for what is lost between them. The polynomials are minimax (Remez),
refitted after each coefficient is rounded.
"""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.elementary.parts import ROUND, SIGN, quotient
from symdiff.numeric.backends.llvm.ir import Builder, Value

LARGEST: Final = 2.0**30  # beyond it n has too many digits for the parts of pi/2
HALF_PI: Final = (  # three parts of 53 bits
    float.fromhex("0x1.921fb54442d18p+0"),
    float.fromhex("0x1.1a62633145c07p-54"),
    float.fromhex("-0x1.f1976b7ed8fbcp-110"),
)
TWO_BY_PI: Final = 0.6366197723675814

# sin r = r + r**3*S(r**2); relative error 2**-57.8 for |r| <= 0.7855
SIN: Final = (
    -0.1666666666666663,
    0.00833333333332192,
    -0.0001984126982946093,
    2.755731358338618e-06,
    -2.5050742532645364e-08,
    1.58959577199763e-10,
)
# cos r = 1 - r**2/2 + r**4*C(r**2); relative error 2**-63.9 for |r| <= 0.7855
COS: Final = (
    0.041666666666666595,
    -0.001388888888887335,
    2.4801587289009923e-05,
    -2.755731421960854e-07,
    2.0875705759631884e-09,
    -1.1358768071496257e-11,
)


def sin(b: Builder, x: Value) -> Value:
    """Sine."""
    quadrant, sine, cosine = _sine_and_cosine(b, x)
    y = b.select(_is_odd(quadrant), cosine[0] + cosine[1], sine[0] + sine[1])
    return b.from_bits(b.bits(y) ^ (((quadrant << 62) ^ b.bits(x)) & SIGN))


def cos(b: Builder, x: Value) -> Value:
    """Cosine."""
    quadrant, sine, cosine = _sine_and_cosine(b, x)
    y = b.select(_is_odd(quadrant), sine[0] + sine[1], cosine[0] + cosine[1])
    return b.from_bits(b.bits(y) ^ (((quadrant + 1) << 62) & SIGN))


def tan(b: Builder, x: Value) -> Value:
    """Tangent: the quotient, less what is lost in it and in its terms."""
    quadrant, sine, cosine = _sine_and_cosine(b, x)
    odd = _is_odd(quadrant)
    above = b.fast_two_sum(b.select(odd, cosine[0], sine[0]), b.select(odd, cosine[1], sine[1]))
    below = b.fast_two_sum(b.select(odd, sine[0], cosine[0]), b.select(odd, sine[1], cosine[1]))
    y, low = quotient(b, above, below)
    return b.from_bits(b.bits(y + low) ^ (((quadrant << 63) ^ b.bits(x)) & SIGN))


def sinc(b: Builder, x: Value) -> Value:
    """``sin(x)/x``."""
    return b.select(x.equals(0.0), 1.0, sin(b, x) / x)


def _is_odd(a: Value) -> Value:
    return (a << 63) < 0


def _sine_and_cosine(b: Builder, x: Value) -> tuple[Value, tuple[Value, Value], tuple[Value, Value]]:
    """The number of quarter turns in ``|x|`` (in the low bits), and the rest's sine and cosine as unrounded sums."""
    quadrant, r, low = _reduced(b, x)
    z = r * r
    half = z * 0.5
    # The sine of r + low: the term in low is low*(1 - z/2), of which the second part is felt near pi/4 only.
    sine = r, b.fma(z * r, b.polynomial(z, SIN), b.fma(-half, low, low))
    one, lost = b.fast_two_sum(b.constant(1.0), -half)
    cosine = one, b.fma(z * z, b.polynomial(z, COS), b.fma(-r, low, lost))
    return quadrant, sine, cosine


def _reduced(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """``|x| - n*pi/2`` as a number and what it lacks, and bits of which the last are n's."""
    x = b.intrinsic("fabs", x)
    b.flag(x > LARGEST)
    turns = b.fma(x, TWO_BY_PI, ROUND)
    n = turns - ROUND
    r = _less_exactly(b, x, n, HALF_PI[0])
    w, lost = b.two_product(n, b.constant(HALF_PI[1]))
    high = r - w
    low = ((r - high) - w) - b.fma(n, HALF_PI[2], lost)
    return b.bits(turns), high, low


def _less_exactly(b: Builder, x: Value, n: Value, part: float) -> Value:
    """``x - n*part``, which has no more than 53 bits if n is the nearest whole number to x/part."""
    if b.has_fma:
        return b.fma(n, -part, x)
    product, lost = b.two_product(n, b.constant(part))
    return (x - product) - lost
