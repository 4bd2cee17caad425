"""Powers and roots.

Sources: P. T. P. Tang, ACM TOMS 16 (1990) 378-400 for the logarithm, here to 66 bits; P. W. Markstein, IA-64 and
Elementary Functions (2000) for powers and roots without division. The polynomials are minimax (Remez), refitted after
each coefficient is rounded.
"""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.elementary.exponential import BIAS, EXP2, scaled
from symdiff.numeric.backends.llvm.elementary.logarithm import split
from symdiff.numeric.backends.llvm.elementary.parts import (
    Pair,
    clamped,
    magnitude,
    product,
    quotient,
    square_root,
    with_sign_of,
)
from symdiff.numeric.backends.llvm.ir import Builder, Value

MOST_FACTORS: Final = 64  # of which repeated multiplication is faster than a logarithm
MOST_ROOTS: Final = 3.5  # and of which roots
LARGEST_EXPONENT: Final = 2.0**29

# log2((1 + s)/(1 - s)) = s*(A + z*(B + z*P(z))) with z = s**2; relative error 2**-66.2 for |s| <= 0.1716
LOG2_A: Final = (float.fromhex("0x1.71547652b82fep+1"), float.fromhex("0x1.777d0ffda0d24p-55"))
LOG2_B: Final = (float.fromhex("0x1.ec709dc3a03fdp-1"), float.fromhex("0x1.d27f05548af0cp-55"))
LOG2: Final = (
    0.5770780163556178,
    0.4121985830919857,
    0.3205989022665138,
    0.2623077016586309,
    0.22198397659227412,
    0.19125558316853916,
    0.19038210223431923,
)
# m**(-1/3) = P(m - 1); relative error 2**-33.2 for 0.707 <= m <= 1.415
ROOT: Final = (
    1.0000000000264109,
    -0.3333333364343166,
    0.22222220843342252,
    -0.17283888614371248,
    0.14403371514323404,
    -0.12486377635014845,
    0.11096443455202824,
    -0.09957245377474623,
    0.09109777330173131,
    -0.0931784986425595,
    0.09511022183784891,
    -0.054179340155229926,
)


def power(b: Builder, x: Value, y: Value) -> Value:
    """x**y. Where y varies, flagged unless x is positive and finite; for small constant y written for that y."""
    if y.number is not None and abs(y.number) < LARGEST_EXPONENT:
        return _constant_power(b, x, y.number)
    b.flag(~((x > 0.0) & (x < float("inf")) & (magnitude(b, y) < LARGEST_EXPONENT)))
    return _logarithmic(b, x, y)


def _constant_power(b: Builder, x: Value, y: float) -> Value:
    if y == int(y) and abs(y) <= MOST_FACTORS:
        return _repeated(b, (x, None), int(y))
    if 2 * y == int(2 * y) and abs(y) <= MOST_ROOTS:
        return _of_root(b, x, int(2 * y))
    size = magnitude(b, x)
    result = _logarithmic(b, size, b.constant(y))
    if y != int(y):
        result = b.select(x < 0.0, float("nan"), result)
    beyond = size if y > 0 else b.select(x.differs(x), x, 0.0)
    result = b.select(size < float("inf"), result, beyond)
    result = b.select(size.equals(0.0), 0.0 if y > 0 else float("inf"), result)
    return with_sign_of(b, result, x) if y % 2 == 1 else result


def _of_root(b: Builder, x: Value, n: int) -> Value:
    """``sqrt(x)**n``; flagged at -inf and where what the root lacks is not known."""
    b.flag(x.equals(float("-inf")))
    x = x + 0.0  # the root of -0.0 is to be 0.0
    if n == 1:
        return b.intrinsic("sqrt", x)
    b.flag((x > 0.0) & (x < 2.0**-960))
    return _repeated(b, square_root(b, x), n)


def _repeated(b: Builder, x: Pair, n: int) -> Value:
    """``x**n`` by squaring, each product with what it lacks."""
    if x[1] is None and n in (0, 1, 2, -1):
        return (b.constant(1.0), x[0], x[0] * x[0], 1.0 / x[0])[n]
    base = x if n > 0 else _reciprocal(b, x)
    result = base
    for digit in bin(abs(n))[3:]:
        result = product(b, result, result)
        if digit == "1":
            result = product(b, result, base)
    high, low = result
    y = high if low is None else high + low
    y = b.select(y.differs(y), high, y)  # beyond the largest double, what is lacking is nan
    return with_sign_of(b, y, x[0]) if n % 2 else y  # where it is zero


def _reciprocal(b: Builder, x: Pair) -> Pair:
    y = 1.0 / x[0]
    one, lost = product(b, x, (y, None))
    return y, ((1.0 - one) - lost) * y


def _logarithmic(b: Builder, x: Value, y: Value) -> Value:
    """``2**(y*log2(x))`` for positive x."""
    high, low = _log2(b, x)
    whole, lost = b.two_product(high, y)
    within = clamped(b, whole, -1076.0, 1025.0)
    biased = within + BIAS
    n = biased - BIAS
    r = (within - n) + b.fma(low, y, lost)
    return scaled(b, b.fma(r, b.polynomial(r, EXP2), 1.0), biased, n)


def _log2(b: Builder, x: Value) -> tuple[Value, Value]:
    """The logarithm to base 2 and what it lacks, to 64 bits together."""
    n, f = split(b, x)
    s, s_low = quotient(b, (f, None), b.fast_two_sum(b.constant(2.0), f))
    z, z_low = b.two_product(s, s)
    z_low = b.fma(s + s, s_low, z_low)
    rest = b.polynomial(z, LOG2)
    p = b.fma(z, rest, LOG2_B[0])
    p_low = b.fma(z_low, rest, b.fma(z, rest, LOG2_B[0] - p) + LOG2_B[1])
    square, square_low = product(b, (z, z_low), (p, p_low))
    factor, lost = b.fast_two_sum(b.constant(LOG2_A[0]), square)
    high, low = product(b, (s, s_low), (factor, lost + (square_low + LOG2_A[1])))
    total, lost = b.fast_two_sum(n, high)
    return total, lost + low


def cbrt(b: Builder, x: Value) -> Value:
    """Cube root: m**(-1/3) to 33 bits, times m**(2/3), and a step of Newton's."""
    size = magnitude(b, x)
    n, f = split(b, size)
    biased = b.fma(n, 1.0 / 3.0, BIAS)
    over = b.fma(biased - BIAS, -3.0, n)  # 2**over stays with m: -1, 0 or 1
    m = (f + 1.0) * b.select(over > 0.0, 2.0, b.select(over < 0.0, 0.5, 1.0))
    root = b.polynomial(f, ROOT) * b.select(over > 0.0, 2.0 ** (-1 / 3), b.select(over < 0.0, 2.0 ** (1 / 3), 1.0))
    square = root * root
    y = m * square
    (y2, y2_low) = b.two_product(y, y)
    (y3, y3_low) = b.two_product(y2, y)
    y = b.fma((m - y3) - b.fma(y2_low, y, y3_low), square * (1.0 / 3.0), y)
    y = y * b.from_bits(b.bits(biased) << 52)
    return with_sign_of(b, b.select((size > 0.0) & (size < float("inf")), y, size), x)


def hypot(b: Builder, x: Value, y: Value) -> Value:
    """sqrt(x**2 + y**2); flagged where a square may over- or underflow."""
    x, y = magnitude(b, x), magnitude(b, y)
    larger, smaller = b.select(x > y, x, y), b.select(x > y, y, x)
    b.flag((larger > 2.0**500) | ((larger < 2.0**-480) & (larger > 0.0)) | larger.differs(larger))
    square, lost = b.two_product(larger, larger)
    total, low = b.fast_two_sum(square, b.fma(smaller, smaller, lost))
    root, root_low = square_root(b, total, low)
    return root + root_low
