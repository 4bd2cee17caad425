"""Sine and cosine of the same numbers together, by NumPy's arithmetic on whole arrays.

NumPy's own go number by number through branches: 11 to 28 ns for both, by how well these are predicted; this takes
12 ns on 10,000 numbers, whatever they are. Errors are below 0.85 units in the last place.

Source: the reduction in three parts and the polynomials of FreeBSD's msun, k_sin.c, k_cos.c and e_rem_pio2.c.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SCRATCH: Final = 6  # arrays that `sincos` needs
_LEAST: Final = 4096  # numbers; for fewer, the overhead of 60 calls is too much
_LARGEST: Final = 100_000.0  # beyond, the reduction would lose digits

_TWO_OVER_PI: Final = np.array(2 / np.pi)
_ROUNDER: Final = np.array(1.5 * 2.0**52)  # adding it rounds to a whole number, which is then in the last bits
_PARTS: Final = [  # of pi/2: 33 bits, the next 33 bits, the rest
    np.array(float.fromhex(part)) for part in ("0x1.921fb544p+0", "0x1.0b4611a6p-34", "0x1.3198a2e037073p-69")
]
_HALF: Final = np.array(0.5)
_ONE: Final = np.array(1.0)
_SINE: Final = [  # of (r - sin(r))/r**3, by powers of r**2
    np.array(c)
    for c in (
        1.66666666666666324348e-01,
        -8.33333333332248946124e-03,
        1.98412698298579493134e-04,
        -2.75573137070700676789e-06,
        2.50507602534068634195e-08,
        -1.58969099521155010221e-10,
    )
]
_COSINE: Final = [  # of (cos(r) - 1 + r**2/2)/r**4
    np.array(c)
    for c in (
        4.16666666666666019037e-02,
        -1.38888888888741095749e-03,
        2.48015872894767294178e-05,
        -2.75573143513906633035e-07,
        2.08757232129817482790e-09,
        -1.13596475577881948265e-11,
    )
]
_BIT_0: Final = np.array(1, np.int64)
_BIT_1: Final = np.array(2, np.int64)
_SIGN: Final = np.array(np.iinfo(np.int64).min, np.int64)


def sincos(x: Array, sine: Array, cosine: Array, *scratch: Array) -> None:
    """Write sin(x) and cos(x). ``x`` may be one of the results, but none of the ``SCRATCH`` other arrays."""
    if x.size < _LEAST or not -_LARGEST <= np.minimum.reduce(x) <= np.maximum.reduce(x) <= _LARGEST:  # or nan
        np.cos(x, scratch[0])
        np.sin(x, sine)
        np.copyto(cosine, scratch[0])
        return
    quadrant, r, low, z, w, v = scratch
    _reduce(x, quadrant, r, low, z, w)
    np.multiply(r, r, z)
    # cos(r - low) = w + ((1 - w - z/2) + z**2*P(z) + r*low) with w = 1 - z/2
    _polynomial(z, _COSINE, cosine)
    np.multiply(cosine, z, cosine)
    np.multiply(cosine, z, cosine)
    np.multiply(r, low, v)
    np.add(cosine, v, cosine)
    np.multiply(z, _HALF, v)
    np.subtract(_ONE, v, w)
    np.multiply(low, w, low)
    np.subtract(_ONE, w, sine)
    np.subtract(sine, v, sine)
    np.add(cosine, sine, cosine)
    np.add(cosine, w, cosine)
    # sin(r - low) = r - (r*z*P(z) + low*w), a difference, so that it is -0.0 at -0.0
    _polynomial(z, _SINE, sine)
    np.multiply(sine, z, sine)
    np.multiply(sine, r, sine)
    np.add(sine, low, sine)
    np.subtract(r, sine, sine)
    _turn(quadrant, sine, cosine, z, w)


def _reduce(x: Array, quadrant: Array, r: Array, low: Array, k: Array, part: Array) -> None:
    """``x = k*pi/2 + r - low`` with k in the last bits of ``quadrant``.

    The products with the first two parts are exact, and so is the first difference.
    """
    np.multiply(x, _TWO_OVER_PI, quadrant)
    np.add(quadrant, _ROUNDER, quadrant)
    np.subtract(quadrant, _ROUNDER, k)
    np.multiply(k, _PARTS[0], low)
    np.subtract(x, low, low)
    np.multiply(k, _PARTS[1], part)
    np.subtract(low, part, r)
    np.subtract(low, r, low)
    np.subtract(low, part, low)
    np.multiply(k, _PARTS[2], part)
    np.subtract(part, low, low)


def _polynomial(z: Array, coefficients: list[Array], result: Array) -> None:
    *others, last = coefficients
    np.multiply(z, last, result)
    for c in others[:0:-1]:
        np.add(result, c, result)
        np.multiply(result, z, result)
    np.add(result, others[0], result)


def _turn(quadrant: Array, sine: Array, cosine: Array, z: Array, w: Array) -> None:
    """Exchange both in odd quadrants, and set the signs, bit by bit."""
    turns, odd, difference = quadrant.view(np.int64), z.view(np.int64), w.view(np.int64)
    s, c = sine.view(np.int64), cosine.view(np.int64)
    np.bitwise_and(turns, _BIT_0, odd)
    np.negative(odd, odd)  # all bits, or none
    np.bitwise_xor(s, c, difference)
    np.bitwise_and(difference, odd, difference)
    np.bitwise_xor(s, difference, s)
    np.bitwise_xor(c, difference, c)
    np.bitwise_and(turns, _BIT_1, turns)
    np.negative(turns, turns)
    np.bitwise_and(turns, _SIGN, turns)  # the sine is negative in quadrants 2 and 3
    np.bitwise_xor(s, turns, s)
    np.bitwise_and(odd, _SIGN, odd)
    np.bitwise_xor(turns, odd, turns)  # the cosine in 1 and 2
    np.bitwise_xor(c, turns, c)
