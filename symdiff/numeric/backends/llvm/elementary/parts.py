"""What several elementary functions need."""

from __future__ import annotations

from typing import Final

from symdiff.numeric.backends.llvm.ir import Builder, Value

ROUND: Final = 6755399441055744.0  # 1.5 * 2**52: x + ROUND - ROUND is x to the nearest whole number, its low bits that
SIGN: Final = -(2**63)  # the bit that holds the sign
FRACTION: Final = (1 << 52) - 1  # the bits below the exponent
ONE: Final = 0x3FF << 52  # the bits of 1.0

LN2_HIGH: Final = float.fromhex("0x1.62e42fefa38p-1")  # 42 bits: times a whole number below 2**11 it is exact
LN2_LOW: Final = float.fromhex("0x1.ef35793c76730p-45")

Pair = tuple[Value, Value | None]
"""A number and what it lacks, if anything."""


def clamped(b: Builder, x: Value, low: float, high: float) -> Value:
    """x within bounds; nan stays."""
    x = at_most(b, x, high)
    return b.select(x < low, low, x)


def at_most(b: Builder, x: Value, high: float) -> Value:
    return b.select(x > high, high, x)


def magnitude(b: Builder, x: Value) -> Value:
    return b.intrinsic("fabs", x)


def with_sign_of(b: Builder, y: Value, x: Value) -> Value:
    return b.intrinsic("copysign", y, x)


def exponent(b: Builder, bits: Value, bias: Value | float = 1023.0) -> Value:
    """The exponent of positive doubles, given as bits, as a number: put into the last bits of 2**52."""
    return b.from_bits(bits.logical_right(52) | b.bits(b.constant(2.0**52))) - (bias + 2.0**52)


def square_root(b: Builder, x: Value, x_low: Value | None = None) -> tuple[Value, Value]:
    """The square root of ``x + x_low`` and what it lacks, to 4 bits; x is not subnormal.

    What it lacks is ``(x - y*y + x_low)/(2*y)``, where 1/y is guessed by halving the exponent.
    """
    y = b.intrinsic("sqrt", x)
    guess = b.from_bits(0x5FD6EB50C7B537A9 - b.bits(x).logical_right(1))  # 1/(2*y) to 3.5 %
    square, lost = b.two_product(y, y)
    rest = (x - square) - lost
    return y, (rest if x_low is None else rest + x_low) * guess


def quotient(b: Builder, x: Pair, y: tuple[Value, Value]) -> tuple[Value, Value]:
    """Of two numbers with what they lack."""
    inverse = 1.0 / y[0]
    near = x[0] * inverse
    back, lost = b.two_product(near, y[0])
    low = -(near * y[1]) if x[1] is None else b.fma(-near, y[1], x[1])
    return near, (((x[0] - back) - lost) + low) * inverse


def product(b: Builder, x: Pair, y: Pair) -> tuple[Value, Value]:
    """Of two numbers with what they lack, to about twice a double's digits.

    Source: T. J. Dekker, Numer. Math. 18 (1971) 224-242.
    """
    high, low = b.two_product(x[0], y[0])
    low = low if y[1] is None else b.fma(x[0], y[1], low)
    return high, low if x[1] is None else b.fma(x[1], y[0], low)
