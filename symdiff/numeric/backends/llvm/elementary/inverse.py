"""Inverse trigonometric and inverse hyperbolic functions.

Sources: DLMF 4.24(iii) for the reductions of arctangent and arcsine, 4.37(iv) for logarithmic forms. The polynomials
are minimax (Remez), refitted after each coefficient is rounded.
"""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.elementary.logarithm import log1p
from symdiff.numeric.backends.llvm.elementary.parts import (
    FRACTION,
    LN2_HIGH,
    LN2_LOW,
    ONE,
    SIGN,
    at_most,
    exponent,
    magnitude,
    quotient,
    square_root,
    with_sign_of,
)
from symdiff.numeric.backends.llvm.ir import Builder, Value

TAN_EIGHTH: Final = 0.41421356237309503  # tan(pi/8)
HALF_PI: Final = (float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a62633145c07p-54"))
LARGEST: Final = 2.0**500  # whose square is finite

# arctan t = t + t**3*A(t**2); relative error 2**-59.3 for |t| <= 0.4143
ARCTAN: Final = (
    -0.333333333333332,
    0.19999999999953674,
    -0.14285714280199271,
    0.11111110783450973,
    -0.09090897755510892,
    0.07692060160996232,
    -0.06663103394489539,
    0.05847884715342729,
    -0.05039286063619853,
    0.03806415901537045,
    -0.01790686190925725,
)
# arcsin s = s + s**3*A(s**2); relative error 2**-55.8 for |s| <= 0.5001
ARCSIN: Final = (
    0.16666666666665403,
    0.07500000000338584,
    0.044642856826947554,
    0.03038195919676012,
    0.022371756558112913,
    0.017359728047670497,
    0.013884998539996165,
    0.012170808983110157,
    0.006520899038872741,
    0.019548062500083774,
    -0.016255961833233426,
    0.03193442527135022,
)
# arctanh s = s + s**3*A(s**2); relative error 2**-55.6 for |s| <= 0.2025
ARCTANH: Final = (
    0.33333333333336923,
    0.19999999997773335,
    0.14285714752373538,
    0.11111064819736317,
    0.09093357850965572,
    0.0762153047154047,
    0.07711545047057225,
)


def arctan(b: Builder, x: Value) -> Value:
    """Arctangent."""
    size = at_most(b, magnitude(b, x), 2.0**60)  # beyond, the result is pi/2
    beyond = size > 1.0
    steep, flat = b.select(beyond, 1.0, size), b.select(beyond, size, 1.0)
    high, low = _angle(b, steep, flat)
    high, low = _reflected(b, beyond, high, low)
    return with_sign_of(b, high + low, x)


def arctan2(b: Builder, y: Value, x: Value) -> Value:
    """The angle of the point (x, y); flagged where a coordinate is extreme, or both are zero."""
    rise, run = magnitude(b, y), magnitude(b, x)
    beyond = rise > run
    small, large = b.select(beyond, run, rise), b.select(beyond, rise, run)
    b.flag((large > 2.0**990) | (large < 2.0**-900))
    high, low = _angle(b, small, large)
    high, low = _reflected(b, beyond, high, low)
    behind = x < 0.0
    total, lost = b.fast_two_sum(b.constant(2.0 * HALF_PI[0]), -high)
    return with_sign_of(b, b.select(behind, total + (lost + (2.0 * HALF_PI[1] - low)), high + low), y)


def _angle(b: Builder, y: Value, x: Value) -> tuple[Value, Value]:
    """The arctangent of y/x for ``0 <= y <= x`` as an unrounded sum: of (y - x)/(x + y) above pi/8, less pi/4."""
    above = y > x * TAN_EIGHTH
    minus, plus = b.select(above, x, 0.0), b.select(above, y, 0.0)
    rise, run = y - minus, x + plus
    t, low = quotient(b, (rise, y - (rise + minus)), (run, plus - (run - x)))
    z = t * t
    rest = b.fma(z * t, b.polynomial(z, ARCTAN), low + b.select(above, HALF_PI[1] * 0.5, 0.0))
    base = b.select(above, HALF_PI[0] * 0.5, 0.0)
    high = base + t
    return high, ((base - high) + t) + rest


def _reflected(b: Builder, mask: Value, high: Value, low: Value) -> tuple[Value, Value]:
    """pi/2 less the sum where the mask is set; the sum elsewhere."""
    total, lost = b.fast_two_sum(b.constant(HALF_PI[0]), -high)
    return b.select(mask, total, high), b.select(mask, lost + (HALF_PI[1] - low), low)


def arcsin(b: Builder, x: Value) -> Value:
    """Arcsine: of ``|x|`` above 1/2, pi/2 less twice that of sqrt((1 - x)/2)."""
    beyond, high, low = _half_arcsine(b, x)
    total, lost = b.fast_two_sum(b.constant(HALF_PI[0]), -2.0 * high)
    return with_sign_of(b, b.select(beyond, total + (lost + b.fma(low, -2.0, HALF_PI[1])), high + low), x)


def arccos(b: Builder, x: Value) -> Value:
    """Arccosine: twice that arcsine, or pi less that, or within 1/2 what the arcsine leaves of pi/2."""
    beyond, high, low = _half_arcsine(b, x)
    high, low = b.select(beyond, high + high, high), b.select(beyond, low + low, low)
    negative = x < 0.0
    base = b.select(beyond, b.select(negative, 2.0 * HALF_PI[0], 0.0), HALF_PI[0])
    base_low = b.select(beyond, b.select(negative, 2.0 * HALF_PI[1], 0.0), HALF_PI[1])
    flip = b.bits(b.select(beyond, -x, x)) & SIGN  # the term is added where this is set, else subtracted
    term, term_low = b.from_bits(b.bits(-high) ^ flip), b.from_bits(b.bits(-low) ^ flip)
    total = base + term
    return total + (((base - total) + term) + (base_low + term_low))


def _half_arcsine(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """Whether ``|x|`` exceeds 1/2, and the arcsine of it or of sqrt((1 - |x|)/2) as an unrounded sum."""
    size = magnitude(b, x)
    beyond = size > 0.5
    z = b.select(beyond, 0.5 - size * 0.5, size * size)
    root, lost = square_root(b, z)
    s = b.select(beyond, root, size)
    return beyond, s, b.fma(z * s, b.polynomial(z, ARCSIN), b.select(beyond, lost, 0.0))


def arcsinh(b: Builder, x: Value) -> Value:
    """Inverse hyperbolic sine, ``log1p(x + x**2/(1 + sqrt(1 + x**2)))``; flagged where the square overflows."""
    size = magnitude(b, x)
    b.flag(size > LARGEST)
    square = size * size
    return with_sign_of(b, log1p(b, size + square / (b.intrinsic("sqrt", square + 1.0) + 1.0)), x)


def arccosh(b: Builder, x: Value) -> Value:
    """Inverse hyperbolic cosine, ``log1p(t + sqrt(t**2 + 2*t))`` with t = x - 1; flagged where the square overflows."""
    b.flag(x > LARGEST)
    t = x - 1.0
    y = log1p(b, t + b.intrinsic("sqrt", b.fma(t, t, t + t)))
    return b.select(x < 1.0, float("nan"), y)


def arctanh(b: Builder, x: Value) -> Value:
    """Inverse hyperbolic tangent: ``(1 + x)/(1 - x)`` is 2**n times m near 1, and arctanh x is n*ln(2)/2 + arctanh s.

    There is s = (m - 1)/(m + 1), in which 2**n is multiplied out.
    """
    size = magnitude(b, x)
    one = b.constant(1.0)
    (plus, plus_low), (minus, minus_low) = b.fast_two_sum(one, size), b.fast_two_sum(one, -size)
    bits = ((b.bits(plus) - b.bits(minus) + (1 << 51)) & ~FRACTION) + ONE
    n, power = exponent(b, bits), b.from_bits(bits)
    minus = minus * power
    s = ((plus - minus) + b.fma(minus_low, -power, plus_low)) / (plus + minus)
    z = s * s
    rest = b.fma(z * s, b.polynomial(z, ARCTANH), n * (0.5 * LN2_LOW))
    y = b.fma(n, 0.5 * LN2_HIGH, s + rest)
    y = b.select(size < 1.0, y, b.select(size.equals(1.0), float("inf"), float("nan")))
    return with_sign_of(b, y, x)
