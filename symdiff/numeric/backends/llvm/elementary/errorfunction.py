"""The error function, its complement, and gelu.

Sources: DLMF 7.2.1-2; M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981) 249-253, for ``exp(x**2)*erfc(x)``
as a polynomial in a fraction of x. The polynomials are minimax (Remez), refitted after each coefficient is rounded.
"""

from __future__ import annotations

import math
from typing import Final

from symdiff.numeric.backends.llvm.elementary.exponential import exp
from symdiff.numeric.backends.llvm.elementary.parts import Pair, at_most, magnitude, product, with_sign_of
from symdiff.numeric.backends.llvm.ir import Builder, Value

# erf x = x + x*P(x**2); relative error 2**-56.0 for |x| <= 1.0001
ERF: Final = (
    0.12837916709551256,
    -0.3761263890318346,
    0.11283791670942662,
    -0.02686617064293177,
    0.005223977604934945,
    -0.0008548325881557534,
    0.00012055292336788329,
    -1.4924691160364547e-05,
    1.6446896283545762e-06,
    -1.6204667883748195e-07,
    1.3704412190832571e-08,
    -7.768063739021725e-10,
)
# erf x = 1 - exp(-P(x)); relative error 2**-57.0 for 1 <= x <= 6
LOG_ERFC: Final = (
    5.027965550884902e-07,
    1.1283740899959802,
    0.6366436257322315,
    0.10270344609291016,
    -0.018990191496960213,
    -0.00041061015823681845,
    0.0019159245522846105,
    -0.0007706278966638026,
    0.0001350406325228259,
    2.027152756384739e-05,
    -2.2824418949836052e-05,
    8.66775542766747e-06,
    -2.135818447987819e-06,
    3.7332827654324587e-07,
    -4.6426223449698464e-08,
    3.934562018671695e-09,
    -2.0451318329816975e-10,
    4.929062735387476e-12,
)
# erfc x = exp(-x**2)*t*P(t - 11/60) with t = 1/(x + 2.5); relative error 2**-55.1 for 0.5 <= x <= 27.5
ERFC: Final = (
    0.9900319770625725,
    3.662498352001844,
    10.308202905205707,
    20.15884997731916,
    19.59387042494967,
    -18.570657751241374,
    -77.13580859556961,
    -2.793924410863638,
    277.280599644412,
    79.0156558266983,
    -1183.261903000142,
    -85.51774931108511,
    5758.022132818395,
    -3244.73100493139,
    -28116.608863284306,
    45876.33788671715,
    113513.16887785342,
    -415548.42290460755,
    -235405.49469924442,
    2699433.605944907,
    -428994.904834572,
    -9951090.661854569,
)
CENTRE: Final = 0.18333333333333332


def erf(b: Builder, x: Value) -> Value:
    """The error function."""
    size = at_most(b, magnitude(b, x), 6.0)
    y = b.select(size < 1.0, _near_zero(b, size), 1.0 - exp(b, -b.polynomial(size, LOG_ERFC)))
    return with_sign_of(b, y, x)


def erfc(b: Builder, x: Value) -> Value:
    """Its complement."""
    return _complement(b, (x, None))


def gelu(b: Builder, x: Value) -> Value:
    """x times the normal distribution's integral up to x; flagged where x is extreme."""
    b.flag(magnitude(b, x) > 1e300)
    root = math.sqrt(0.5)
    root_low = -4.833646656726457e-17  # what it lacks
    high, low = product(b, (-x, None), (b.constant(root), b.constant(root_low)))
    return (x * 0.5) * _complement(b, (high, low))


def _near_zero(b: Builder, x: Value) -> Value:
    return b.fma(x, b.polynomial(x * x, ERF), x)


def _complement(b: Builder, x: Pair) -> Value:
    """erfc of a number with what it lacks, which counts where the result is small."""
    sign = x[0] < 0.0
    size = at_most(b, magnitude(b, x[0]), 27.5)
    low = None if x[1] is None else b.select(sign, -x[1], x[1])
    square, lost = product(b, (size, low), (size, low))
    t = 1.0 / (size + 2.5)
    bell = exp(b, -square)
    small = b.fma(bell, -lost, bell) * (t * b.polynomial(t - CENTRE, ERFC))
    small = b.select(size < 0.5, 1.0 - _near_zero(b, size), small)
    return b.select(sign, 2.0 - small, small)
