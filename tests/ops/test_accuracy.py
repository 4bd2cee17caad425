"""Digits, counted in ulp of the true value and without credit for conditioning: a row sees the exact argument.

The oracle is mpmath at 40 digits; where the shared corpora lie beside the checkout, their functions as well.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import symdiff as sd
from symdiff.ops import OPS, Op, find
from tests.oracles import ORACLE

ELEMENTARY = 1.0  # one function of the C library or of NumPy's SIMD loops
COMPOSED = 2.5  # a few of them after each other
SPECIAL = 64.0
LIBRARY = {  # compositions inside the C library, which NumPy uses where it has no loop of its own
    **dict.fromkeys(("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"), COMPOSED),
    "log10": 1.6,  # glibc's, which still is exact at powers of ten; log2(x)*log10(2) would not be
    "cbrt": 3.0,  # glibc's
}
TEMPLATES = {
    "cbrt": 1.1,  # the power, and one sum
    "gelu": 2000.0,  # the argument x/sqrt(2) of erfc is rounded, which costs x**2 ulp: at -37, of 1e-300
}


def is_special(op: Op) -> bool:
    return op.value.__module__ == "symdiff.ops.borrowed"


def bound(op: Op) -> float:
    if op.name in LIBRARY:
        return LIBRARY[op.name]
    return SPECIAL if is_special(op) else ELEMENTARY if isinstance(op.value, np.ufunc) else COMPOSED


def numeric(op: Op) -> bool:
    """One real argument, and a value that is rounded."""
    return (op.arity or 0) - op.parameters == 1 and not op.condition and op.exact not in (math.floor, math.ceil, round)


ROWS = [op for op in OPS.values() if numeric(op)]
UNARY = [op for op in ROWS if not op.parameters]
every_row = pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)


def ulps(got: Any, true: Any) -> float:
    """The error of a float, in units in the last place of the true value."""
    nearest = float(true)
    if not math.isfinite(got) or not math.isfinite(nearest):
        return 0.0 if got == nearest else math.inf
    return float(abs(mp.mpf(float(got)) - true) / mp.mpf(math.ulp(nearest)))


@cache
def true(name: str, args: tuple[Any, ...]) -> Any:
    """By mpmath at 40 digits, and more where those cancel; None where there is no real value."""
    with mp.workdps(40 if name not in ("lgamma", "digamma", "polygamma") else 60):
        try:
            y = ORACLE[name](*(arg if isinstance(arg, int) else mp.mpf(arg) for arg in args))
        except (ValueError, ZeroDivisionError):
            return None
        return y if isinstance(y, mp.mpf) and mp.isfinite(y) else None


def worst(op: Op, value: Callable[..., Any], points: Iterable[tuple[Any, ...]]) -> tuple[float, tuple[Any, ...]]:
    found = [(0.0, tuple[Any, ...]())]
    for args in points:
        want = true(op.name, args)
        if want is not None:
            found.append((ulps(value(*args), want), args))
    return max(found)


# found among a million: of silu, asec, acsc and coth
WORST = [-745.13, -6.774443245094353, 1.0000001141557313, 4302229.74045499, -0.5968414485404279]


@cache
def everywhere(special: bool) -> list[float]:
    """Of every size and sign; near 1, where inverses end; near multiples of pi/2, where circular functions vanish."""
    rng = np.random.default_rng(7)
    size = 20 if special else 60
    near_1 = rng.choice([-1, 1], size) * (1 - rng.choice([-1, 1], size) * 2.0 ** -rng.integers(1, 52, size))
    quarters = rng.integers(1, 10_000, size) * (np.pi / 2)
    spans = [rng.uniform(-a, a, size) for a in (1, 3, 25, 100)]
    if special:
        return np.concatenate([near_1, *spans, 10.0 ** rng.uniform(-6, 3, size)]).tolist()
    bits = rng.integers(0, 2**64, 4 * size, dtype=np.uint64).view(np.float64)
    huge = 10.0 ** rng.uniform(8, 308, size)
    subnormal = rng.integers(1, 2**52, size).view(np.float64)
    return np.concatenate([near_1, quarters, *spans, bits[np.isfinite(bits)], huge, subnormal, WORST]).tolist()


def cheap(op: Op, x: float) -> bool:
    """mpmath would write out exp(x) to its last digit, and takes |x| steps to a digamma function."""
    exponential = "exp" in op.names.python or "h(" in op.names.python or op.name in ("silu", "sigmoid", "softplus")
    return not (exponential and abs(x) > 2000) and not (is_special(op) and abs(x) > 1000)


def points(op: Op) -> list[tuple[Any, ...]]:
    orders = [(2,), (3,)] if op.parameters else [()]
    few = 40 if op.parameters or op.name in ("zetaderivative", "polylog") else 400
    xs = [x for x in everywhere(is_special(op)) if cheap(op, x)]
    return [(*order, x) for order in orders for x in xs[:: max(1, len(xs) // few)]]


@every_row
def test_value_is_right_to_a_few_ulp(op: Op) -> None:
    with np.errstate(all="ignore"):
        error, args = worst(op, op.value, points(op))
    assert error <= bound(op), args


@pytest.mark.parametrize("op", [op for op in UNARY if not is_special(op)], ids=lambda op: op.name)
def test_an_array_of_values_is_right_to_a_few_ulp(op: Op) -> None:
    """NumPy's loops for arrays are others than the C library's functions."""
    at = [args[0] for args in points(op)]
    with np.errstate(all="ignore"):
        values = dict(zip(at, op.value(np.array(at)), strict=True))
    error, args = worst(op, values.__getitem__, [(x,) for x in at])
    assert error <= bound(op), args


@pytest.mark.parametrize("op", [op for op in UNARY if op.names.python], ids=lambda op: op.name)
def test_generated_code_is_right_to_a_few_ulp(op: Op) -> None:
    template = eval("lambda x: " + op.names.python.replace("{0}", "x"), {"math": math})

    def value(x: float) -> float:
        try:
            return float(template(x))
        except (ArithmeticError, ValueError):
            return float(op.value(x))  # to which a program turns, too

    with np.errstate(all="ignore"):
        error, args = worst(op, value, points(op))
    assert error <= TEMPLATES.get(op.name, bound(op)), args


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("x", [5.319372648326541e255, 1.5986289000543612e74, 1.2853022199154463e174])
def test_the_phase_is_kept_where_it_is_hardest(name: str, x: float) -> None:
    """The floats nearest to multiples of pi/2, where the last 15 to 20 bits of a value are lost.

    The C library reduces an argument beyond 1e8 to 90 bits. Of such floats one in 2**38 is as near as that.
    """
    got, want = OPS[name](x), true(name, (x,))
    assert abs(mp.mpf(float(got)) - want) <= mp.mpf(2) ** -90 * max(1, abs(want)) ** 2 + abs(want) * 2.0**-52


ROOTS: list[tuple[str, tuple[Any, ...]]] = [
    *(
        ("lgamma", (x,))
        for x in (1.0, 2.0, 1 + 2.0**-52, 1 - 2.0**-53, 1.0001, 1.99999999, 2.05, -2.4570247382208006, -3.9)
    ),
    *(("digamma", (x,)) for x in (1.4616321449683623, -2.610720868444145, -0.9999999999, -31.99999999993058)),
    *(("digamma", (x,)) for x in (-0.5040830082644554, -83.78813979771562)),
    *(("polygamma", (n, x)) for n in (2, 4) for x in (-1.5, -8.49871012859468, -1000.4999)),
    *(("zeta", (x,)) for x in (-9.999999999998979, -2 + 1e-12, -3.7, -100.3, -168.2)),
    *(("gamma", (x,)) for x in (171.6243769563027, -171.11800515946416, -176.3, -0.9999999999)),
    *(("erfc", (x,)) for x in (0.9, 5.2, 23.60141274075607, 26.5)),
    *(("erfi", (x,)) for x in (4.2, -22.832301990958562, 26.67)),
    *(("gelu", (x,)) for x in (-5.0, -30.0, -37.874711891349975)),
    *(("lambertw", (x,)) for x in (-0.3678794411714423, -0.36787944117, -0.367879, -0.36)),
    *(("besselj", (0, x)) for x in (2.404825557695773, 5.520078110286311, 18.2, 71.47, 1e17, 1e200)),
    *(("besselj", (3, x)) for x in (6.380161895923984, -16.223731836698278, 1e-90, 1e-8, 0.5)),
    *(("besselj", (1, x)) for x in (1e-300, 3.8317, 10.0, 13.32369193631422, 5e9)),
    *(("bessely", (n, x)) for n in (0, 1, 2) for x in (0.8935769662791675, 3.957678419314858, 36.9, 1e18)),
    *(("besseli", (n, x)) for n in (0, 3) for x in (1e-90, 1e-5, 690.0)),
    *(("besselk", (n, x)) for n in (0, 1, 3) for x in (1e-200, 1.97, 698.49, 740.0)),
    *(("sphericalj", (n, x)) for n in (1, 3) for x in (1e-30, 1e-5, 4.493409457909064, -6.987932000500519)),
    *(("airyai", (x,)) for x in (-2.338107410459767, -6.787148465510342, 2.05, 94.1, -177.95241166827861, -1e9)),
    *(("airyaiprime", (x,)) for x in (-1.0187929716474710, -8.493338309596522, 2.01, 94.9, -138.5973586321534)),
    *(("airybi", (x,)) for x in (-1.173713222709128, -9.531595519059525, 3.77, 99.1, -163.4)),
    *(("airybiprime", (x,)) for x in (-2.294439682614123, -6.775958310752166, 3.8, 97.4, -50.76288728085021)),
    *(("Ei", (x,)) for x in (0.3725074107813666, 0.3725, 40.16023959475332, 712.0)),
    *(("li", (x,)) for x in (1.4513692348833810, 1.4513692, 1.0012, 1e-246, 4e18, 1e300)),
    *(("Ci", (x,)) for x in (0.6165, 3.3841804225511867, 31.4, 1e6)),
    *(("Chi", (x,)) for x in (0.5238225713898644, 0.5, 709.0)),
    *((name, (x,)) for name in ("fresnels", "fresnelc") for x in (6.5, 12345.678, -1e5, 1e9 + 0.5)),
]


@pytest.mark.parametrize(("name", "args"), ROOTS, ids=[f"{name}{args}" for name, args in ROOTS])
def test_a_special_function_keeps_its_digits_next_to_roots_poles_and_ends(name: str, args: tuple[Any, ...]) -> None:
    want = true(name, args)
    *orders, x = args
    assert ulps(OPS[name](*args), want) <= SPECIAL
    assert ulps(OPS[name](*orders, np.array([1.0, x]))[1], want) <= SPECIAL


CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "functions_shared.jsonl"
AMPLIFIED = {"fresnels", "fresnelc", "lambertw"}  # whose derivatives amplify the rounding of x**2, or of W near -1


def records() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in CORPUS.read_text().splitlines() if CORPUS.exists() else ():
        record = json.loads(line)
        if not record["edge"]:
            found.setdefault(record["func"], []).append(record)
    return found


RECORDS = records()
no_corpus = [pytest.param("", marks=pytest.mark.skip("no shared corpora here"))]


@pytest.mark.parametrize("func", RECORDS or no_corpus)
def test_values_and_derivatives_of_the_corpus_keep_their_digits(func: str) -> None:
    """The reference is a float itself; a derivative that under- or overflows on its way is left to other tests."""
    op = find(func)
    f = sd.parse(RECORDS[func][0]["expr"], variables=tuple(RECORDS[func][0]["at"]))
    wrong = []
    for record in RECORDS[func]:
        result = f.at({name: float(x) for name, x in record["at"].items()})
        errors = [ulps(result.value, record["value"])]
        if func not in AMPLIFIED:
            wanted = {name: float(want) for name, want in record["grad"].items() if want != "undefined"}
            errors += [ulps(result.grad[name], want) for name, want in wanted.items() if 1e-300 < abs(want) < 1e300]
        if max(errors) > (SPECIAL if op is None or is_special(op) else 32.0):
            wrong.append((record["at"], errors))
    assert not wrong


def test_orders_whose_factorial_leaves_the_range_are_no_error() -> None:
    assert np.isinf(OPS["polygamma"].value(400, np.float64(1.5)))
    assert np.isfinite(OPS["polygamma"].value(160, np.float64(1.5)))


def test_threads_do_not_share_a_precision() -> None:
    """mpmath raises and restores it while it works; a context of all threads would be left at any."""
    points = [-15.1 - i / 7 for i in range(8)]
    alone = [float(OPS["zetaderivative"].value(1, np.float64(x))) for x in points]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda x: float(OPS["zetaderivative"].value(1, np.float64(x))), points))
    finally:
        sys.setswitchinterval(interval)
    assert together == alone
