"""Single points: where the textbook form fails, what is agreed at kinks, limits at edges, and the shared corpus."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from symdiff.ops import Op, find
from tests.ops.judging import UNIT, evaluate, floats, holds, partial, value

HARD: list[tuple[str, tuple[Any, ...]]] = [
    *(("tanh", (x,)) for x in (1e-300, 20.0, 40.0, 100.0, 300.0, -300.0)),
    *((name, (x,)) for name in ("asin", "acos", "atanh", "asech") for x in (1 - 1e-12, 1 - 2.0**-53, 1e-200)),
    *((name, (-1 + 1e-12,)) for name in ("asin", "acos", "atanh")),
    *((name, (x,)) for name in ("acosh", "asec", "acsc", "acoth") for x in (1 + 1e-12, 1 + 2.0**-52, 1e10, 1e200)),
    *((name, (-1 - 1e-12,)) for name in ("asec", "acsc", "acoth")),
    *((name, (x,)) for name in ("acsch", "acot") for x in (1e-300, -1e-200, 1e10, 1e200)),
    *((name, (x,)) for name in ("log1p", "expm1") for x in (1e-300, -1e-20, 1e-9)),
    *(("log1p", (x,)) for x in (-1 + 1e-12, 1e300)),
    *(("expm1", (x,)) for x in (-30.0, -600.0)),
    *((name, (x,)) for name in ("log", "log2", "log10") for x in (1 + 1e-12, 1 - 1e-12, 1e-300, 1e308)),
    *((name, (x,)) for name in ("sqrt", "cbrt") for x in (1e-300, 1e300)),
    *(("hypot", x) for x in ((1e200, 2e200), (1e-200, 3e-200), (1e200, 1.0), (3e-200, 1e-200, 2e-200))),
    *(("atan2", x) for x in ((1e200, 2e200), (1e-200, 3e-200), (1e-200, 1.0), (-1e-9, -1.0))),
    *((name, (x,)) for name in ("atan", "asinh") for x in (1e200, -1e8, 1e-200)),
    *(("sigmoid", (x,)) for x in (-700.0, -40.0, 40.0, 700.0)),
    *(("softplus", (x,)) for x in (-800.0, -700.0, -30.0, 30.0, 800.0)),
    *(("silu", (x,)) for x in (-600.0, -40.0, 700.0)),
    *(("gelu", (x,)) for x in (-30.0, -8.0, 8.0)),
    *((name, (x,)) for name in ("sech", "csch", "coth") for x in (1e-200, 300.0, -40.0)),
    *((name, (x,)) for name in ("sin", "cos", "tan", "sec") for x in (1e-300, 1e10, 1e22)),
    *((name, (x,)) for name in ("csc", "cot") for x in (1e-150, 1e10, 1e22)),
    *(("sinc", (x,)) for x in (1e-200, 1e-9, 1e-3, 100.0)),
    ("erfc", (20.0,)),
    ("erf", (5.0,)),
    ("erfi", (20.0,)),
    *((name, (x,)) for name in ("Ei", "Shi", "Chi") for x in (1e-9, 0.7, 99.0, 701.0)),
    *((name, (x,)) for name in ("Ei", "Shi") for x in (-1e-9, -701.0)),
    *(("lgamma", (x,)) for x in (1 + 1e-9, 2 - 1e-9, 1e200)),
    *(("logsumexp", x) for x in ((30.0, 40.0), (-700.0, 0.0), (1e-9, -40.0))),
    *(("lambertw", (x,)) for x in (1e-200, -1e-9, -0.36, 1e200)),
    *((name, (x, m)) for name in ("ellipf", "ellipe") for x in (1e-9, 0.5, 1.5) for m in (0.0, 1e-12, 0.5, -3.0)),
    *((name, (0.5, 1.0)) for name in ("ellipf", "ellipe")),
    *(("ellipk", (m,)) for m in (0.0, 1e-12, 1 - 1e-9, -1e9)),
    *(("polylog", (n, x)) for n in (1, 2, 3) for x in (1e-200, -1e-9, 0.999, -1e10)),
    *(("besselj", (n, 1e-9)) for n in (0, 1, 3)),
    *(("expint", (n, x)) for n in (0, 1, 2) for x in (1e-9, 600.0)),
]


@pytest.mark.parametrize(("name", "args"), HARD, ids=[f"{name}{args}" for name, args in HARD])
def test_accurate_where_the_textbook_form_is_not(name: str, args: tuple[Any, ...]) -> None:
    op = row(name)
    y, parts = evaluate(op, args)
    assert value(name, args).units(y) < 64
    for i, part in enumerate(parts):
        if part is not None:
            assert partial(name, args, i).units(part) < 64, i


def row(name: str) -> Op:
    op = find(name)
    assert op is not None
    return op


def derivatives(op: Op, args: tuple[Any, ...]) -> list[Any]:
    """The partials with the row's edges, and nan where the value is."""
    y, general = evaluate(op, args)
    parts = [math.nan if np.isnan(y) else part for part in general]
    for edge in op.edges:
        if holds(edge.where, args):
            limits = edge.partials if isinstance(edge.partials, tuple) else (edge.partials,) * len(parts)
            parts = [part if limit is None else limit for part, limit in zip(parts, limits, strict=True)]
    return parts


CONVENTIONS: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = [
    ("abs", (0.0,), (0,)),
    ("sign", (0.0,), (0,)),
    ("relu", (0.0,), (0,)),
    ("heaviside", (0.0,), (0,)),
    ("floor", (3.0,), (0,)),
    ("ceil", (3.0,), (0,)),
    ("round", (2.5,), (0,)),
    ("max", (2.0, 2.0), (1 / 2, 1 / 2)),
    ("min", (2.0, 2.0), (1 / 2, 1 / 2)),
    ("max", (2.0, 1.0, 2.0), (1 / 2, 0, 1 / 2)),
    ("min", (2.0, 2.0, 2.0), (1 / 3, 1 / 3, 1 / 3)),
    ("min", (2.0, 1.0, 2.0), (0, 1, 0)),
    ("max", (2.0,), (1,)),
    ("clip", (0.0, 0.0, 1.0), (1 / 2, 1 / 2, 0)),
    ("clip", (1.0, 0.0, 1.0), (1 / 2, 0, 1 / 2)),
    ("clip", (0.5, 0.0, 1.0), (1, 0, 0)),
    ("clip", (2.0, 0.0, 1.0), (0, 0, 1)),
    ("mod", (6.0, 3.0), (1, -2)),
    ("mod", (-5.0, 3.0), (1, 2)),
    ("lt", (1.0, 1.0), (0, 0)),
    ("where", (1.0, 5.0, 7.0), (0, 1, 0)),
    ("where", (0.0, 5.0, 7.0), (0, 0, 1)),
]


@pytest.mark.parametrize(("name", "args", "want"), CONVENTIONS)
def test_convention_at_a_kink(name: str, args: tuple[float, ...], want: tuple[float, ...]) -> None:
    assert tuple(evaluate(row(name), args)[1]) == want


@pytest.mark.parametrize("name", ["abs", "sign", "relu", "heaviside", "floor", "ceil", "cbrt"])
def test_a_kink_is_not_smooth(name: str) -> None:
    op = row(name)
    assert not holds(op.smooth, (0.0,))
    assert holds(op.smooth, (0.25,))


@pytest.mark.parametrize(
    ("name", "args", "want"),
    [
        ("pow", (0.0, 0.0), [0.0, -math.inf]),
        ("pow", (0.0, 2.0), [0.0, 0.0]),
        ("pow", (-3.0, 0.0), [0.0, math.nan]),
        ("Shi", (0.0,), [1.0]),
        ("asec", (-1.0,), [math.inf]),
        ("acsc", (-1.0,), [-math.inf]),
        ("acoth", (-1.0,), [-math.inf]),
        ("polylog", (2, 0.0), [None, 1.0]),
        ("polylog", (1, 0.0), [None, 1.0]),
        ("polylog", (0, 0.0), [None, 1.0]),
    ],
)
def test_limit_at_an_edge(name: str, args: tuple[Any, ...], want: list[Any]) -> None:
    np.testing.assert_equal(derivatives(row(name), args), want)


@pytest.mark.parametrize(
    ("name", "args", "want"),
    [
        ("log", (0.0,), -math.inf),
        ("log1p", (-1.0,), -math.inf),
        ("sech", (1000.0,), 0.0),
        ("coth", (1e300,), 1.0),
        ("csch", (-1000.0,), -0.0),
        ("csch", (0.0,), math.inf),
        ("sinc", (0.0,), 1.0),
        ("sinc", (math.inf,), 0.0),
        ("silu", (-math.inf,), 0.0),
        ("gelu", (-math.inf,), 0.0),
        ("sigmoid", (-math.inf,), 0.0),
        ("softplus", (math.inf,), math.inf),
        ("logsumexp", (math.inf, 1.0), math.inf),
        ("logsumexp", (-math.inf, 1.0), 1.0),
        ("logsumexp", (-math.inf, -math.inf), -math.inf),
        ("cbrt", (-8.0,), -2.0),
        ("hypot", (3.0, -4.0), 5.0),
        ("hypot", (-3.0,), 3.0),
        ("atanh", (1.0,), math.inf),
        ("acoth", (-1.0,), -math.inf),
        ("asech", (0.0,), math.inf),
        ("acot", (-1.0,), -math.pi / 4),
        ("acot", (0.0,), math.nan),
        ("lambertw", (-1.0,), math.nan),
        ("lambertw", (-math.exp(-1),), -1.0),
        ("Ci", (-1.0,), math.nan),
        ("expint", (2, 0.0), 1.0),
        ("ellipk", (1.0,), math.inf),
        ("ellipf", (2.0, 1.0), math.inf),
        ("ellipf", (3.0, 2.0), math.nan),
        ("sphericalj", (1, 0.0), 0.0),
        ("besselj", (0, math.inf), 0.0),
        ("Ei", (math.inf,), math.inf),
        ("Shi", (-716.0,), -6.302514553020446e307),
    ],
)
def test_value_at_an_edge(name: str, args: tuple[Any, ...], want: float) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(row(name)(*floats(args)), want, rtol=1e-7)  # lambertw near its branch point


@pytest.mark.parametrize("x", [-1e300, -800.0, -40.0, 0.0, 40.0, 800.0, 1e300])
@pytest.mark.parametrize("name", ["sigmoid", "silu", "gelu"])
def test_smooth_steps_raise_no_warning(name: str, x: float) -> None:
    row(name)(np.float64(x))
    row(name)(np.array([x]))


CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "functions_shared.jsonl"
ORDERED = {"polygamma1", "polylog2", "polylog3", "expint1", "expint2", "expint5", "besselj0", "besselj1", "besselj3"}
BEYOND_EXP = {"Ei", "Shi", "Chi"}
ORDERED |= {"bessely0", "besselk0", "besseli0"}


def records() -> dict[str, list[dict[str, Any]]]:
    if not CORPUS.exists():
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for line in CORPUS.read_text().splitlines():
        record = json.loads(line)
        found.setdefault(record["func"], []).append(record)
    return found


RECORDS = records()


@pytest.mark.parametrize("func", RECORDS or [pytest.param("", marks=pytest.mark.skip("no shared corpora here"))])
def test_agrees_with_the_corpus(func: str) -> None:
    """Within the bar of its README: 1000 * 2**-53 * max(1, cond)."""
    name, orders = (func[:-1], (int(func[-1]),)) if func in ORDERED else (func, ())
    op = row(name)
    wrong = []
    for record in RECORDS[func]:
        args = (*orders, *map(float, record["at"].values()))
        got = [evaluate(op, args)[0], *derivatives(op, args)[len(orders) :]]
        want = [record["value"], *record["grad"].values()]
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            if not agrees(op, args, i, g, w):
                wrong.append((record["at"], ("value", *record["grad"])[i], float(g), w))
    assert not wrong, wrong


def agrees(op: Op, args: tuple[Any, ...], i: int, got: Any, want: float | str) -> bool:
    if want == "undefined":
        return True
    want = float(want)
    if i > 0 and math.isnan(got) and not all(map(math.isfinite, args)):
        return True  # a partial is evaluated as written, and at infinity that may be inf/inf
    if math.isinf(abs(want) * (1 + 1000 * UNIT)):
        return bool(abs(got) > 1.79e308 and np.sign(got) == np.sign(want))
    if op.name in BEYOND_EXP and i > 0 and not -709 < args[0] < 709:
        return not math.isnan(got)  # exp, sinh and cosh overflow before their quotient by x does
    if op.name in ("fresnels", "fresnelc") and i > 0 and abs(args[0]) > 1e8:
        return True  # such a float is an even integer, and sin(pi/2*x**2) exactly 0: no rounded pi shows that
    if not math.isfinite(want) or not math.isfinite(got):
        return bool(np.array_equal(got, want, equal_nan=True))
    smallest = 2.0**-1022 * (1000 * UNIT)  # subnormal numbers are equally spaced
    if abs(got - want) <= 1000 * UNIT * abs(want) + smallest:
        return True
    if not all(map(math.isfinite, args)):
        return False
    judged = value(op.name, args) if i == 0 else partial(op.name, args, i - 1 + op.parameters)
    with mp.workdps(40):
        return bool(abs(mp.mpf(float(got)) - mp.mpf(want)) <= 1000 * UNIT * (abs(judged.true) + judged.moved))
