"""Sine and cosine together, against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp
from numpy.typing import NDArray

from symdiff.numeric.backends import sincos
from symdiff.numeric.backends.sincos import SCRATCH


def both(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    results = [np.empty(x.size) for _ in range(2 + SCRATCH)]
    sincos.sincos(x, *results)
    return results[0], results[1]


def padded(x: list[float]) -> NDArray[np.float64]:
    """The numbers among so many that they are not left to NumPy's own functions."""
    return np.concatenate([x, np.linspace(-50.0, 50.0, sincos._LEAST)])


def units(got: NDArray[np.float64], x: NDArray[np.float64], function: Callable[[Any], Any]) -> float:
    """The largest error in units in the last place."""
    with mp.workdps(60):
        return max(
            abs(float((mp.mpf(float(y)) - function(mp.mpf(float(a)))) / float(np.spacing(abs(y)))))
            for y, a in zip(got, x, strict=True)
        )


@pytest.mark.parametrize("largest", [0.8, 4.0, 300.0, 99_999.0])
def test_errors_are_below_one_unit_in_the_last_place(largest: float) -> None:
    x = np.random.default_rng(0).uniform(-largest, largest, sincos._LEAST)
    sine, cosine = both(x)
    assert units(sine[:1000], x[:1000], mp.sin) < 0.85
    assert units(cosine[:1000], x[:1000], mp.cos) < 0.85


def test_errors_are_small_next_to_multiples_of_half_pi() -> None:
    k = np.unique(np.geomspace(1, sincos._LARGEST / 2, 500).astype(int))
    exact = k * (np.pi / 2)
    x = padded([*exact, *np.nextafter(exact, 0.0), *-exact])
    sine, cosine = both(x)
    assert units(sine[: 3 * k.size], x[: 3 * k.size], mp.sin) < 0.85
    assert units(cosine[: 3 * k.size], x[: 3 * k.size], mp.cos) < 0.85


def test_zeros_keep_their_sign_and_small_numbers_their_digits() -> None:
    small = [0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-17]
    sine, cosine = both(padded(small))
    assert sine[:6].tolist() == small
    assert np.signbit(sine[:6]).tolist() == np.signbit(small).tolist()
    assert cosine[:6].tolist() == [1.0] * 6


@pytest.mark.parametrize("hard", [np.nan, np.inf, -np.inf, 1e6, -1e300])
def test_what_is_too_large_is_left_to_numpy(hard: float) -> None:
    x = padded([hard])
    with np.errstate(invalid="ignore"):
        sine, cosine = both(x)
        assert np.array_equal(sine, np.sin(x), equal_nan=True)
        assert np.array_equal(cosine, np.cos(x), equal_nan=True)


@pytest.mark.parametrize("n", [10, sincos._LEAST])
@pytest.mark.parametrize("place", [0, 1])
def test_a_result_may_replace_the_argument(n: int, place: int) -> None:
    x = np.linspace(-9.0, 9.0, n)
    want = both(x)
    results = [np.empty(n) for _ in range(2 + SCRATCH)]
    results[place][:] = x
    sincos.sincos(results[place], *results)
    assert np.array_equal(results[0], want[0])
    assert np.array_equal(results[1], want[1])
