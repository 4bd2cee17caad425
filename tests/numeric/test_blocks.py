"""Arrays in blocks, against the rows' own values on whole arrays, and against mpmath."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import symdiff as sd
from symdiff.numeric.adjoint import adjoint
from symdiff.numeric.backends import Task, blocks
from symdiff.numeric.backends.blockcode import BlockCode
from symdiff.numeric.backends.checks import to_check
from symdiff.numeric.program import Program, compile_program
from symdiff.numeric.steps import Steps, evaluate, in_steps
from tests.numeric.exactly import value

BLOCK = blocks.UNSHARED

FORMULAS = [
    "exp(-((x - y)/z)**2/2)/(sqrt(2*pi)*z)",
    "sin(x*y)*exp(-z**2) + log(1 + x**2)*tanh(y*z) + cos(x - z)/(1 + y**2)",
    "where(x > 1, x**3, log(x))*y",
    "where(x > y and not z < 1, x, y*z)",
    "(x > 1)*y + (y <= z)",
    "max(x, y, z)*min(x, 2) + clip(y, 0, z) - abs(x)",
    "besselj(1, x)*erf(y)",
    "x**y + 3*z/x",
    "floor(x)*round(y) + sign(z)*mod(x, 2) + heaviside(y)",
    "x",
    "y + 0*x",
]


@cache
def programs(text: str) -> Program:
    """The value and the gradient by x, y and z."""
    f = sd.parse(text)
    names = ("x", "y", "z")
    return compile_program([f.node, *adjoint(f.node, names, False)], names)


def by_rows(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """All slots of a program, on whole arrays."""
    registers: list[Any] = [None] * program.slots
    for slot, given in [*zip(program.inputs.values(), inputs, strict=True), *program.constants.items()]:
        registers[slot] = given
    with np.errstate(all="ignore"):
        for instruction in program.code:
            registers[instruction.slot] = instruction.op.value(*[registers[arg] for arg in instruction.args])
    return registers


def points(n: int, varying: Sequence[bool], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(1.0, 1.0, n) if many else 1.375 for many in varying]


def run(steps: Steps, inputs: Sequence[Any], summed: tuple[bool, ...], n: int) -> tuple[list[Any], NDArray[np.intp]]:
    varying = tuple(isinstance(given, np.ndarray) for given in inputs)
    outputs = [np.full(1 if total else n, 7.0) for total in summed]
    again = blocks.array_kernel(Task(steps, varying, summed))(inputs, outputs)
    return outputs, again


def hard(program: Program, inputs: Sequence[Any], n: int) -> NDArray[np.bool_]:
    """The points at which a result, or an operation with a domain or an edge, is not finite."""
    slots = by_rows(program, inputs)
    looked_at = [i.slot for i in program.code if i.op.domain is not None or i.op.edges]
    found = np.zeros(n, np.bool_)
    for slot in [*program.outputs, *looked_at]:
        found |= ~np.isfinite(slots[slot])
    return found


def assert_same(got: Any, want: Any) -> None:
    """Not bit for bit: NumPy's loops round differently in the last few numbers of a stretch."""
    scale = np.max(np.abs(want), initial=0.0)
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-15 * scale)


@pytest.mark.parametrize("n", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
@pytest.mark.parametrize("text", FORMULAS)
def test_results_sums_and_flags_are_those_of_whole_arrays(text: str, n: int) -> None:
    program = programs(text)
    steps = in_steps(program)
    count = len(steps.outputs)
    for varying in [(True, True, True), (True, False, False), (False, True, True)]:
        inputs = points(n, varying)
        flagged = hard(program, inputs, n)
        good = ~flagged
        slots = by_rows(program, inputs)
        want = [np.broadcast_to(np.asarray(slots[slot], np.float64), n)[good] for slot in program.outputs]
        for summed in [(False,) * count, (True,) * count, tuple(i % 2 == 0 for i in range(count))]:
            got, again = run(steps, inputs, summed, n)
            assert again.tolist() == np.flatnonzero(flagged).tolist()
            for result, expected, total in zip(got, want, summed, strict=True):
                if total:
                    size = math.fsum(np.abs(expected))
                    assert float(result[0]) == pytest.approx(math.fsum(expected), rel=0, abs=1e-14 * size)
                else:
                    assert_same(result[good], expected)


@pytest.mark.parametrize("text", FORMULAS[:3])
def test_results_agree_with_mpmath(text: str) -> None:
    x, y, z = np.array([0.5, 1.5, 2.25]), np.array([1.25, 0.75, 0.5]), np.array([1.0, 2.0, 0.25])
    got, _ = run(in_steps(programs(text)), [x, y, z], (False,) * 4, 3)
    for i in range(3):
        want = float(value(sd.parse(text).node, {"x": x[i], "y": y[i], "z": z[i]}))
        assert got[0][i] == pytest.approx(want, rel=1e-14)


def test_only_checked_results_are_flagged_too() -> None:
    steps = in_steps(programs("log(x)*y"))
    x = np.array([1.0, 0.0, 2.0])
    got, again = run(steps, [x, 2.0, 3.0], (False,), 3)
    assert again.tolist() == [1]
    assert got[0][[0, 2]].tolist() == [0.0, 2.0 * np.log(2.0)]


def test_an_infinity_that_the_result_forgets_is_flagged() -> None:
    x = np.array([1.0, 0.0, -2.0, 0.5])
    _, again = run(in_steps(compile_program([sd.parse("exp(-1/abs(x))").node], ("x",))), [x], (False,), 4)
    assert again.tolist() == [1]


def test_results_so_large_that_their_product_overflows_are_not_flagged() -> None:
    got, again = run(in_steps(programs("x*1e200 + y")), points(100, (True,) * 3), (False,) * 4, 100)
    assert not again.size
    assert np.isfinite(got[0]).all()


def test_what_is_nowhere_finite_is_flagged_everywhere_and_sums_to_nothing() -> None:
    steps = in_steps(compile_program([sd.parse("x + log(y)").node, sd.parse("y").node], ("x", "y")))
    got, again = run(steps, [np.ones(5), 0.0], (True, True), 5)
    assert again.tolist() == [0, 1, 2, 3, 4]
    assert [float(total[0]) for total in got] == [0.0, 0.0]
    got, again = run(steps, [np.full(5, np.nan), 1.0], (True, True), 5)
    assert again.size == 5
    assert [float(total[0]) for total in got] == [0.0, 0.0]


def test_sums_over_blocks_are_rounded_once() -> None:
    n = 64 * BLOCK
    x = np.repeat(np.tile([1e15, 0.25, -1e15, 0.25], 16), BLOCK)
    got, _ = run(in_steps(compile_program([sd.parse("x").node], ("x",))), [x], (True,), n)
    assert float(got[0][0]) == 0.25 * n / 2


def test_only_slots_that_can_hide_an_infinity_are_checked() -> None:
    steps = in_steps(programs("log(x)*y"))
    assert to_check(steps) < {*steps.inputs.values(), *steps.outputs, *(step.slot for step in steps.code)}
    steps = in_steps(compile_program([sd.parse("sin(1/x)*y + 1").node], ("x", "y")))
    assert to_check(steps) == {steps.inputs["x"], *steps.outputs}  # 1/x is finite where x is not


def test_a_chain_needs_no_buffer_but_its_result() -> None:
    chain = in_steps(compile_program([sd.parse("exp(-((x - y)/z)**2/2)").node], ("x", "y", "z")))
    assert BlockCode(Task(chain, (True, False, False), (False,))).numbers == 0
    assert BlockCode(Task(chain, (True, False, False), (True,))).numbers == 1


def test_inputs_are_not_written_to() -> None:
    inputs = points(2 * BLOCK, (True, True, True))
    for given in inputs:
        given.flags.writeable = False
    run(in_steps(programs(FORMULAS[1])), inputs, (False,) * 4, 2 * BLOCK)


def test_results_that_are_inputs_constants_or_one_another_are_stored_too() -> None:
    roots = [sd.parse(text).node for text in ("x*y", "x", "3", "y", "x*y", "sin(y)")]
    n = BLOCK + 5
    x = np.linspace(0.0, 1.0, n)
    steps = in_steps(compile_program(roots, ("x", "y")))
    got, again = run(steps, [x, 2.0], (False,) * 6, n)
    assert not again.size
    for result, want in zip(got, [x * 2.0, x, 3.0, 2.0, x * 2.0, np.sin(2.0)], strict=True):
        assert np.array_equal(result, np.broadcast_to(want, n))
    got, _ = run(steps, [x, 2.0], (True,) * 6, n)
    assert [float(total[0]) for total in got] == pytest.approx([n, n / 2, 3 * n, 2 * n, n, n * math.sin(2.0)])


def test_no_points_are_no_trouble() -> None:
    got, again = run(in_steps(programs(FORMULAS[0])), [np.empty(0), 1.0, 0.0], (False, True, True, True), 0)
    assert not again.size
    assert [float(total[0]) for total in got[1:]] == [0.0] * 3


def test_threads_share_a_kernel() -> None:
    steps = in_steps(programs(FORMULAS[1]))
    n = 8 * BLOCK
    inputs = points(n, (True, True, True))
    kernel = blocks.array_kernel(Task(steps, (True,) * 3, (False,) * 4))
    want = [np.empty(n) for _ in range(4)]
    kernel(inputs, want)
    got = [np.empty(n) for _ in range(4)]
    parts = [slice(i * n // 13, (i + 1) * n // 13) for i in range(13)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda part: kernel([x[part] for x in inputs], [o[part] for o in got]), parts))
    for result, expected in zip(got, want, strict=True):
        assert_same(result, expected)


def test_memory_does_not_grow_with_the_points() -> None:
    steps = in_steps(programs(FORMULAS[2]))
    kernel = blocks.array_kernel(Task(steps, (True,) * 3, (False,) * 4))
    inputs = [np.abs(x) for x in points(100 * BLOCK, (True,) * 3)]
    outputs = [np.empty(100 * BLOCK) for _ in range(4)]
    kernel(inputs, outputs)
    tracemalloc.start()
    kernel(inputs, outputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * BLOCK * 8  # bytes: a few blocks


@pytest.mark.parametrize("text", FORMULAS)
def test_evaluate_broadcasts(text: str) -> None:
    program = programs(text)
    inputs = [np.linspace(0.5, 2.0, 5)[:, None], np.linspace(1.0, 3.0, 4, dtype=np.float32), 0.75]
    slots = by_rows(program, [np.asarray(given, np.float64) for given in inputs])
    for got, slot in zip(evaluate(in_steps(program), inputs), program.outputs, strict=True):
        assert_same(*np.broadcast_arrays(got, slots[slot]))
