"""Distances in ulps, against the definition evaluated with mpmath at 200 digits."""

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdiff.compare.ulps import apart, reference, ulps

LARGEST = math.nextafter(math.inf, 0.0)


@given(st.floats(-1e300, 1e300), st.integers(-1000, 1000), st.integers(1, 10**12))
def test_ulps_is_the_error_over_the_unit_of_the_nearest_double(x: float, steps: int, den: int) -> None:
    true = Fraction(x) + Fraction(steps, den) * Fraction(math.ulp(x))
    with mpmath.workdps(700):
        exact = mpmath.mpf(true.numerator) / true.denominator
        want = abs(mpmath.mpf(x) - exact) / mpmath.mpf(math.ulp(float(true)))
        assert ulps(x, true) == pytest.approx(float(want), rel=1e-12, abs=1e-300)  # abs: exact zeros


@pytest.mark.parametrize(
    ("a", "true", "distance"),
    [
        (1.0, "1", 0.0),
        (1.0, "1.0000000000000001", 0.45036),
        (math.nan, "1", math.inf),
        (1.0, "nan", math.inf),
        (math.nan, "nan", 0.0),
        (math.inf, "inf", 0.0),
        (-math.inf, "inf", math.inf),
        (1.0, "inf", math.inf),
        (math.inf, "1e400", 0.0),
        (0.0, "0", 0.0),
        (-0.0, "0", 0.0),
        (5e-324, "0", 1.0),
        (0.0, "1e-400", 0.0),
        (5e-324, "1e-323", 1.024),
        (math.inf, str(int(LARGEST)), 1.0),
    ],
)
def test_special_values(a: float, true: str, distance: float) -> None:
    found = ulps(a, reference(true))
    assert found == distance or found == pytest.approx(distance, rel=1e-2, abs=1e-70)


def test_a_float_beside_an_overflowed_reference_is_measured_in_the_largest_unit() -> None:
    want = Fraction(10**309 - int(LARGEST), int(math.ulp(LARGEST)))
    assert ulps(LARGEST, reference("1e309")) == pytest.approx(float(want), rel=1e-15)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [(1.0, 1.0, 0.0), (1.0, math.nextafter(1.0, 2.0), 1.0), (math.nan, math.nan, 0.0), (math.inf, 1.0, math.inf)],
)
def test_apart(a: float, b: float, distance: float) -> None:
    assert apart(a, b) == distance == apart(b, a)
