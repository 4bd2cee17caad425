"""Programs by level, against the same steps one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdiff as sd
from symdiff.dag import Node, Symbol, as_node, build
from symdiff.numeric.adjoint import adjoint
from symdiff.numeric.backends.levels import TOTAL, grouped
from symdiff.numeric.backends.wavefront import Wavefront, pays
from symdiff.numeric.program import compile_program
from symdiff.numeric.steps import Steps, evaluate, in_steps
from symdiff.ops import OPS


def value_and_gradient(text: str) -> Steps:
    f = sd.parse(text)
    return in_steps(compile_program([f.node, *adjoint(f.node, f.variables, False)], f.variables))


def rosenbrock(n: int) -> str:
    return "+".join(f"100*(x{i + 1}-x{i}**2)**2+(1-x{i})**2" for i in range(n - 1))


def assert_same(steps: Steps, p: np.ndarray, rel: float = 1e-12) -> None:
    """Terms are added in another order: relative to the largest result."""
    want = np.array([float(result) for result in evaluate(steps, list(p))])
    got = Wavefront(steps)(p)
    if got is None:
        found = [step.slot for step in steps.code if step.guarded]
        guarded = Steps(steps.inputs, steps.constants, steps.code, [*steps.outputs, *found], steps.slots, steps.truths)
        assert not np.isfinite(evaluate(guarded, list(p))).all()
    else:
        np.testing.assert_allclose(got, want, rtol=rel, atol=rel * np.max(np.abs(want), initial=0.0))


WIDE = {
    "rosenbrock": rosenbrock(100),
    "a chain to the right": "+(".join(f"sin(x{i})**2" for i in range(50)) + ")" * 49,
    "differences": "-".join(f"x{i}**2*exp(-x{i})" for i in range(40)),
    "negative": "-(" + "+".join(f"x{i}*x{i + 1}" for i in range(40)) + ")",
    "constants that differ": "+".join(f"(x{i}-{i * i}/7)**2" for i in range(60)),
    "constants that repeat": "+".join(f"{i % 3 + 2}*x{i}*x{(7 * i) % 60}" for i in range(60)),
    "factors that repeat": "+".join(f"x{i // 20}*y{i}" for i in range(60)),
    "sums of many lengths": "+".join("(" + "+".join(f"x{j}" for j in range(i + 1)) + ")**2" for i in range(30)),
    "sums of one length": "*".join("(" + "+".join(f"x{j}/{i + 2}" for j in range(20)) + ")" for i in range(8)),
    "few rows, many columns": "+".join(
        "exp(" + "+".join(f"{i + j + 1}*x{j}" for j in range(12)) + ")" for i in range(50)
    ),
    "branches": "+".join(f"where(x{i} > x{i + 1} and x{i} < 1, x{i}**3, 2*x{i + 1})" for i in range(40)),
    "extrema": "+".join(f"max(x{i}, x{i + 1}, {i}/40)*abs(x{i})" for i in range(40)),
    "opaque": "+".join(f"besselj(1, x{i})*erf(x{i + 1})" for i in range(20)),
    "one term": "x0",
    "no input": "3",
    "the same term again": "+".join(f"x0*{i}" for i in range(1, 12)) + "+y",
}


@pytest.mark.parametrize("text", WIDE.values(), ids=WIDE.keys())
def test_wide_formulas_are_those_of_single_steps(text: str) -> None:
    steps = value_and_gradient(text)
    rng = np.random.default_rng(0)
    for _ in range(3):
        assert_same(steps, rng.uniform(0.1, 0.9, len(steps.inputs)))


def test_long_sums_take_few_groups() -> None:
    assert len(grouped(value_and_gradient(rosenbrock(500)))) == len(grouped(value_and_gradient(rosenbrock(50)))) <= 15
    terms = "+".join(f"sin(x{i})" for i in range(1000))
    assert [key[1] for key in grouped(value_and_gradient(terms))].count(TOTAL) == 1


def test_only_wide_programs_pay() -> None:
    assert pays(value_and_gradient(rosenbrock(500)))
    assert not pays(value_and_gradient(rosenbrock(10)))
    deep = "x"
    for _ in range(400):
        deep = f"sin({deep})"
    assert not pays(value_and_gradient(deep))


def test_what_is_not_finite_gives_nothing() -> None:
    wavefront = Wavefront(value_and_gradient("+".join(f"log(x{i})*x{i + 1}" for i in range(50))))
    p = np.linspace(1.0, 2.0, 51)
    assert wavefront(p) is not None
    for hard in (0.0, -1.0, np.nan, np.inf):
        p[20] = hard
        assert wavefront(p) is None
    p[20] = 1.0
    assert wavefront(p) is not None


def test_an_infinity_that_the_result_forgets_gives_nothing() -> None:
    wavefront = Wavefront(value_and_gradient("+".join(f"exp(-1/abs(x{i}))" for i in range(50))))
    p = np.ones(50)
    assert wavefront(p) is not None
    p[7] = 0.0
    assert wavefront(p) is None


def test_large_results_are_finite() -> None:
    result = Wavefront(value_and_gradient("+".join(f"1e200*x{i}" for i in range(20))))(np.ones(20))
    assert result is not None
    assert result[1:].tolist() == [1e200] * 20


def test_results_are_fresh() -> None:
    wavefront = Wavefront(value_and_gradient(rosenbrock(20)))
    first = wavefront(np.zeros(20))
    assert first is not None
    kept = first.copy()
    second = wavefront(np.ones(20))
    assert second is not None
    assert second[0] == 0.0
    assert first.tolist() == kept.tolist()


def test_threads_share_a_program() -> None:
    wavefront = Wavefront(value_and_gradient(rosenbrock(300)))
    at = [np.full(300, 0.01 * i) for i in range(40)]
    want = [wavefront(p) for p in at]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for got, expected in zip(pool.map(wavefront, at), want, strict=True):
                assert np.array_equal(got, expected)  # type: ignore[arg-type]


# Operations on rows of nodes, element by element; tests are of inputs alone, which rounding does not touch.
WIDTH = 6
ROWS = {name: OPS[name] for name in ("add", "sub", "mul", "neg", "abs", "sin", "exp", "max", "where", "div")}


@st.composite
def wide_programs(draw: st.DrawFn) -> Steps:
    """Rows of operations on earlier rows, shifted or reversed, and sums along some of them as results."""
    names = tuple(f"x{i}" for i in range(WIDTH))
    first: list[Node] = [Symbol(name) for name in names]
    rows = [first, [as_node(draw(st.integers(-2, 2))) for _ in names]]
    for name in draw(st.lists(st.sampled_from([*ROWS, "add", "add"]), min_size=1, max_size=8)):
        op = ROWS[name]
        args = [_turned(draw, rows[draw(st.integers(0, len(rows) - 1))]) for _ in range(op.arity or 2)]
        if name == "where":
            args[0] = [build(OPS["lt"], (a, as_node(0.3))) for a in _turned(draw, first)]
        if name == "exp":
            args = [[build(OPS["sin"], (a,)) for a in args[0]]]
        rows.append([build(op, parts) for parts in zip(*args, strict=True)])
    total = rows[-1][0]
    for node, _ in product(rows[-1][1:], range(draw(st.integers(1, 2)))):
        total = build(OPS[draw(st.sampled_from(["add", "sub"]))], (total, node))
    return in_steps(compile_program([total, *rows[draw(st.integers(0, len(rows) - 1))]], names))


def _turned(draw: st.DrawFn, row: list[Node]) -> list[Node]:
    shift = draw(st.integers(0, 2))
    row = row[shift:] + row[:shift]
    return row[::-1] if draw(st.booleans()) else row


@settings(max_examples=150, deadline=None)
@given(wide_programs(), st.lists(st.integers(-8, 8), min_size=WIDTH, max_size=WIDTH))
def test_random_programs_are_those_of_single_steps(steps: Steps, eighths: list[int]) -> None:
    assert_same(steps, np.array(eighths) / 8, rel=1e-9)  # of sums that cancel, the largest term may be far larger
