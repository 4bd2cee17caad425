"""Machine code: every step on hard numbers, on any processor; ends of arrays, sums, flags; functions of floats."""

from __future__ import annotations

import gc
import math
import platform
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import symdiff as sd
from symdiff.numeric.adjoint import adjoint
from symdiff.numeric.backends import Kernel, Task, llvm
from symdiff.numeric.program import compile_program
from symdiff.numeric.steps import Step, Steps, in_steps
from symdiff.ops import OPS, Op

pytest.importorskip("llvmlite")

from symdiff.numeric.backends.llvm import engine, local
from symdiff.numeric.backends.llvm.elementary import FUNCTIONS
from symdiff.numeric.backends.llvm.engine import Host, host
from symdiff.numeric.backends.llvm.lowering import LIBRARY, RULES
from symdiff.numeric.backends.llvm.scalar import scalar_function
from symdiff.numeric.backends.llvm.vector import array_kernel

Array = NDArray[np.float64]

NATIVE = host()
TARGETS: dict[str, Host] = {f"native, {width} lanes": replace(NATIVE, width=width) for width in (1, 2, 4, 8)}
if platform.machine() in ("x86_64", "AMD64"):
    plain = replace(NATIVE, cpu="x86-64", features="", has_fma=False)
    TARGETS |= {"SSE2": replace(plain, width=2), "SSE2, too many lanes": replace(plain, width=8)}
    if "+avx2" in NATIVE.features and "+fma" in NATIVE.features:
        TARGETS["AVX"] = replace(plain, features="+avx", width=4)
        TARGETS["AVX2 and FMA"] = replace(plain, features="+avx2,+fma", width=4, has_fma=True)
every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())

HARD = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 1e-5, 1e-300, 5e-324, 1e15 + 0.5, 2.0**53, 1e300, math.inf]
SIGNED = np.array([*HARD, *[-x for x in HARD], math.nan])
UNARY, BINARY = SIGNED, [grid.ravel() for grid in np.meshgrid(SIGNED, SIGNED)]


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", "")


def of_step(function: Any, arity: int, truths: Sequence[int] = (), guarded: bool = False) -> Steps:
    """A program of one step."""
    args = tuple(range(arity))
    code = [Step(function, args, arity, guarded)]
    return Steps({f"x{i}": i for i in args}, {}, code, [arity], arity + 1, {arity} if truths else set())


def of_text(text: str, names: Sequence[str] = ()) -> Steps:
    """Value and gradient of a formula."""
    f = sd.parse(text)
    names = names or f.variables
    return in_steps(compile_program([f.node, *adjoint(f.node, names, False)], names))


def evaluated(steps: Steps, values: Sequence[Any]) -> list[Any]:
    """The outputs, by NumPy."""
    slots: dict[int, Any] = dict(zip(steps.inputs.values(), values, strict=True)) | dict(steps.constants)
    with np.errstate(all="ignore"):
        for step in steps.code:
            function: Any = step.function.value if step.is_opaque else step.function  # type: ignore[union-attr]
            slots[step.slot] = function(*[slots[arg] for arg in step.args])
    return [slots[slot] for slot in steps.outputs]


def run(kernel: Kernel, values: Sequence[Any], summed: Sequence[bool]) -> tuple[list[Array], list[int]]:
    """The outputs, and where to look again."""
    n = next((len(value) for value in values if isinstance(value, np.ndarray)), 1)
    outputs = [np.full(1 if total else n + 2, 77.0) for total in summed]
    again = kernel(values, [output if total else output[1:-1] for output, total in zip(outputs, summed, strict=True)])
    assert again.dtype == np.intp
    for output, total in zip(outputs, summed, strict=True):
        assert total or (output[0] == output[-1] == 77.0), "written beyond the ends"
    return [output if total else output[1:-1] for output, total in zip(outputs, summed, strict=True)], again.tolist()


def kernel_of(steps: Steps, target: Host | None = None) -> Kernel:
    """All inputs vary, all outputs are stored."""
    return array_kernel(Task(steps, (True,) * len(steps.inputs), (False,) * len(steps.outputs)), target)


# ---- steps

EXACT = [name for name in RULES if name not in ("logaddexp", "logaddexp2")]


def is_test(name: str) -> bool:
    return name.startswith(("less", "greater", "is", "logical")) or name in ("equal", "not_equal", "signbit")


@every_target
@pytest.mark.parametrize("name", [*EXACT, "logical_and", "logical_or", "logical_xor", "logical_not"])
def test_a_step_gives_the_bits_that_numpy_gives(name: str, target: Host) -> None:
    function = getattr(np, name)
    values = [UNARY] if function.nin == 1 else BINARY
    with np.errstate(all="ignore"):
        want = np.asarray(function(*values), float)
    [got], again = run(kernel_of(of_step(function, function.nin, is_test(name) * (1,)), target), values, [False])
    fine = np.setdiff1d(np.arange(want.size), again)
    np.testing.assert_array_equal(got[fine], want[fine])
    if name not in ("fmax", "fmin"):  # NumPy itself is of two minds about the sign of zero there
        np.testing.assert_array_equal(np.signbit(got[fine]), np.signbit(want[fine]))
    hard = np.flatnonzero(~np.isfinite([want, *values]).all(axis=0))
    assert not np.setdiff1d(hard, again).size
    if name not in ("remainder", "fmod"):  # flagged where the quotient has no whole part to speak of
        np.testing.assert_array_equal(again, hard)


def function_of(name: str) -> tuple[Any, int]:
    """NumPy's, or the row that SciPy evaluates; and how many arguments it takes."""
    function = getattr(np, name, None)
    if isinstance(function, np.ufunc):
        return function, function.nin
    pytest.importorskip("scipy.special")
    op = OPS[name]
    assert op.arity is not None
    return op, op.arity


def wanted(function: Any, values: Sequence[Any]) -> Array:
    with np.errstate(all="ignore"):
        found = np.asarray((function.value if isinstance(function, Op) else function)(*values), float)
    if function is OPS["lgamma"]:
        found[np.abs(values[0]) == 5e-324] = 744.4400719213812  # infinite in SciPy
    return found


@every_target
@pytest.mark.parametrize("name", sorted({*LIBRARY, *FUNCTIONS, "logaddexp", "logaddexp2"}))
def test_a_function_is_the_one_that_its_name_says(name: str, target: Host) -> None:
    """How accurate they are is tested with them."""
    function, arity = function_of(name)
    values = [UNARY] if arity == 1 else BINARY
    want = wanted(function, values)
    [got], again = run(kernel_of(of_step(function, arity), target), values, [False])
    fine = np.setdiff1d(np.arange(want.size), again)
    np.testing.assert_allclose(got[fine], want[fine], rtol=1e-14, atol=1e-307)  # 1e-14: SciPy's gamma
    assert not np.setdiff1d(np.flatnonzero(~np.isfinite(want)), again).size


@every_target
def test_truths_are_chosen_by_and_counted_as_numbers(target: Host) -> None:
    steps = of_text("where(x > 1 and y < 2, x*y, where(x <= 0 or not (y >= 1), x - y, sign(x) + (x > y)))", "xy")
    values = [x[np.abs(x) < 1e10] for x in (BINARY[0], BINARY[1][np.abs(BINARY[0]) < 1e10])]
    values = [x[: min(map(len, values))] for x in values]
    got, again = run(kernel_of(steps, target), values, [False] * 3)
    assert not again
    for result, want in zip(got, evaluated(steps, values), strict=True):
        np.testing.assert_array_equal(result, np.broadcast_to(want, result.shape))


def test_sums_and_products_of_truths_are_truths_as_in_numpy() -> None:
    code = [
        Step(np.less, (0, 1), 2),
        Step(np.greater, (0, 3), 4),
        Step(np.add, (2, 4), 5),
        Step(np.multiply, (2, 4), 6),
        Step(np.where, (5, 6, 2), 7),
        Step(np.where, (6, 0, 5), 8),
    ]
    steps = Steps({"x": 0, "y": 1}, {3: 0.5}, code, [5, 6, 7, 8], 9, {2, 4, 5, 6, 7})
    values = [np.linspace(-1, 2, 31), np.full(31, 1.0)]
    got, again = run(kernel_of(steps), values, [False] * 4)
    assert not again
    for result, want in zip(got, evaluated(steps, values), strict=True):
        np.testing.assert_array_equal(result, want)


@every_target
@pytest.mark.parametrize("divisor", ["varies", "is uniform", "is constant", "is a power of two"])
def test_a_quotient_has_the_bits_of_a_division(divisor: str, target: Host) -> None:
    """Divisions by the same number are done by its reciprocal, and corrected."""
    chance = np.random.default_rng(3)
    x = chance.uniform(1, 2, 3000) * 2.0 ** chance.integers(-300, 300, 3000) * chance.choice([-1.0, 1.0], 3000)
    x[:4] = 0.0, -0.0, 1.0, 2.0 - 2.0**-52
    y = chance.uniform(1, 2, 3000) * 2.0 ** chance.integers(-300, 300, 3000)
    y[4:8] = 2.0 - 2.0**-52, 1.0 + 2.0**-52, 3.0, 0.1
    fixed = {"is a power of two": -0.25}.get(divisor, 1.1)
    code = [Step(np.divide, (0, 1), 2, True), Step(np.negative, (0,), 3), Step(np.divide, (3, 1), 4, True)]
    if "is" in divisor.split() and divisor != "is uniform":
        steps, values = Steps({"x": 0}, {1: fixed}, code, [2, 4], 5), [x]
    else:
        steps, values = Steps({"x": 0, "y": 1}, {}, code, [2, 4], 5), [x, y if divisor == "varies" else fixed]
    kernel = array_kernel(Task(steps, tuple(isinstance(v, np.ndarray) for v in values), (False, False)), target)
    got, again = run(kernel, values, [False, False])
    assert not again
    for result, want in zip(got, evaluated(steps, values), strict=True):
        np.testing.assert_array_equal(result, want)
        np.testing.assert_array_equal(np.signbit(result), np.signbit(want))


@every_target
def test_a_quotient_that_nobody_guards_is_a_division(target: Host) -> None:
    """By way of a reciprocal 1/inf would be nan, and nobody would look again."""
    code = [
        Step(np.divide, (0, 1), 2, True),
        Step(np.divide, (3, 1), 4, True),
        Step(np.divide, (5, 1), 6),
        Step(np.greater, (0, 1), 7),
        Step(np.where, (7, 2, 6), 8),
        Step(np.where, (7, 4, 6), 9),
    ]
    steps = Steps({"x": 0, "y": 1}, {3: 2.0, 5: 3.0}, code, [8, 9], 10, {7})
    x, y = np.array([6.0, 1.0, 6.0]), np.array([2.0, math.inf, 4.0])
    got, again = run(kernel_of(steps, target), [x, y], [False, False])
    assert set(again) <= {1}
    np.testing.assert_array_equal(got, [[3.0, 0.0, 1.5], [1.0, 0.0, 0.5]])


def test_what_has_no_machine_code_is_named_once() -> None:
    assert llvm.lacking(of_text("exp(x) + besselj(0, x)*besselj(0, y) + erf(x)")) == ("besselj",)
    assert llvm.lacking(of_text("x*y/log(x)")) == ()


def test_a_ufunc_that_only_has_the_name_of_numpys_is_lacking() -> None:
    imposter = np.frompyfunc(math.sin, 1, 1)
    imposter_step = Step(imposter, (0,), 1)
    named = type("Named", (), {"__name__": "sin"})()
    assert llvm.lacking(Steps({"x": 0}, {}, [imposter_step], [1], 2)) == (imposter_step.name,)
    assert llvm.lacking(Steps({"x": 0}, {}, [Step(named, (0,), 1)], [1], 2)) == ("sin",)


def test_a_row_that_only_has_the_name_of_ours_is_lacking() -> None:
    ours = OPS["erf"]
    theirs = replace(ours, value=lambda x: x)
    assert llvm.lacking(Steps({"x": 0}, {}, [Step(ours, (0,), 1)], [1], 2)) == ()
    assert llvm.lacking(Steps({"x": 0}, {}, [Step(theirs, (0,), 1)], [1], 2)) == ("erf",)


# ---- arrays

FORMULA = "exp(-a*(x - b)**2)/a + sin(x*y)*log(1 + y*y)*cos(x*y) + a*b*max(x, y)"
NAMES = ("a", "b", "x", "y")


@every_target
@pytest.mark.parametrize("summed", [False, True], ids=["stored", "summed"])
def test_any_number_of_points(target: Host, summed: bool) -> None:
    steps = of_text(FORMULA, NAMES)
    kernel = array_kernel(Task(steps, (False, False, True, True), (summed,) * 5), target)
    chance = np.random.default_rng(5)
    for n in [*range(41), 1023, 1024, 1025, 5000]:
        values = [0.7, 1.3, *chance.normal(size=(2, n))]
        got, again = run(kernel, values, [summed] * 5)
        assert not again
        for result, want in zip(got, evaluated(steps, values), strict=True):
            whole = np.broadcast_to(want, (n,))
            if summed:
                np.testing.assert_allclose(result, [math.fsum(whole)], rtol=1e-13, atol=1e-13)
            else:
                np.testing.assert_allclose(result, whole, rtol=1e-13, atol=1e-14)


@every_target
def test_stored_and_summed_results_of_one_kernel(target: Host) -> None:
    steps = of_text("x**2*y + a", ("x", "y", "a"))
    values = [np.linspace(0, 1, 21), np.linspace(1, 2, 21), 3.0]
    summed = (True, False, True, False)
    got, again = run(array_kernel(Task(steps, (True, True, False), summed), target), values, summed)
    value, by_x, by_y, by_a = (np.broadcast_to(want, (21,)) for want in evaluated(steps, values))
    assert not again
    np.testing.assert_allclose(got[0], math.fsum(value))
    np.testing.assert_allclose(got[2], math.fsum(by_y))
    np.testing.assert_array_equal(got[1], by_x)
    np.testing.assert_array_equal(got[3], by_a)


@every_target
def test_a_sum_over_many_points_loses_nothing(target: Host) -> None:
    x = np.random.default_rng(1).uniform(0, 1, 1_000_003)
    kernel = array_kernel(Task(Steps({"x": 0}, {}, [], [0], 1), (True,), (True,)), target)
    [[got]], _ = run(kernel, [x], [True])
    assert got == pytest.approx(math.fsum(x), rel=4e-16)
    [[got]], again = run(kernel, [np.full(5000, 1e308)], [True])
    assert got == math.inf
    assert not again


@every_target
def test_a_sum_keeps_what_a_larger_part_swallows(target: Host) -> None:
    x = np.repeat([1.0, 2.0**60, -(2.0**60)], 1024)
    kernel = array_kernel(Task(Steps({"x": 0}, {}, [], [0], 1), (True,), (True,)), target)
    for part in (x, np.roll(x, 1024), x[::-1].copy()):
        [[got]], _ = run(kernel, [part], [True])
        assert got == 1024.0


def test_results_that_depend_on_no_array() -> None:
    steps = of_text("a*b + sin(a)", ("a", "b"))
    kernel = array_kernel(Task(steps, (False, False), (False, True, False)))
    outputs = [np.empty(11), np.empty(1), np.empty(11)]
    assert not kernel([0.5, 2.0], outputs).size
    want = evaluated(steps, [0.5, 2.0])
    assert (outputs[0] == want[0]).all()
    assert outputs[1] == pytest.approx(11 * want[1])
    assert (outputs[2] == want[2]).all()


def test_arrays_may_begin_anywhere_and_be_read_only() -> None:
    raw = np.zeros(8 * 20 + 3, np.uint8)
    x = raw[3:].view(np.float64)
    x[:] = np.arange(20.0)
    x.flags.writeable = False
    got, again = run(kernel_of(of_text("x**2")), [x], [False, False])
    assert not again
    np.testing.assert_array_equal(got[0], np.arange(20.0) ** 2)


@pytest.mark.parametrize("most", [0, 1000], ids=["called", "written out"])
def test_functions_that_are_called_give_what_they_give_written_out(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_MOST_WRITTEN_OUT", most)
    steps = of_text("sin(x)*cos(x) + exp(x)*sin(y) + logsumexp(x, y) + tanh(x)/cosh(x)*(x > y) + x**y")
    values = [np.linspace(0.1, 3, 50), np.linspace(-2, 2, 50)]
    got, again = run(kernel_of(steps), values, [False] * 3)
    assert not again
    for result, want in zip(got, evaluated(steps, values), strict=True):
        np.testing.assert_allclose(result, want, rtol=1e-13)


def test_functions_that_are_called_flag_what_they_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = of_step(np.sin, 1)
    x = np.array([0.5, 1e22, 2.0])
    _, want = run(kernel_of(steps), [x], [False])
    monkeypatch.setattr(local, "_MOST_WRITTEN_OUT", 0)
    _, again = run(kernel_of(steps), [x], [False])
    assert again == want == [1]


# ---- flags


@every_target
@pytest.mark.parametrize("summed", [False, True], ids=["stored", "summed"])
def test_points_where_an_output_is_not_finite_are_flagged_and_not_summed(target: Host, summed: bool) -> None:
    chance = np.random.default_rng(9)
    kernel = array_kernel(Task(of_text("x*y"), (True, True), (summed,) * 3), target)
    for n in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 1030]:
        for bad in (math.nan, math.inf, -math.inf):
            x, y = chance.normal(size=(2, n))
            where = np.flatnonzero(chance.random(n) < 0.2)
            x[where] = bad
            got, again = run(kernel, [x, y], [summed] * 3)
            assert again == where.tolist()
            if summed:
                rest = np.setdiff1d(np.arange(n), where)
                assert got[0] == pytest.approx(math.fsum(x[rest] * y[rest]), abs=1e-12)
                assert got[1] == pytest.approx(math.fsum(y[rest]), abs=1e-12)


@every_target
def test_points_where_a_guarded_step_is_not_finite_are_flagged(target: Host) -> None:
    code = [Step(np.divide, (0, 1), 2, True), Step(np.greater, (2, 1), 3), Step(np.where, (3, 0, 1), 4)]
    steps = Steps({"x": 0, "y": 1}, {}, code, [4], 5, {3})
    x, y = np.ones(20), np.ones(20)
    y[[0, 5, 19]] = 0.0
    _, again = run(kernel_of(steps, target), [x, y], [False])
    assert again == [0, 5, 19]


def test_a_guarded_step_that_shows_in_an_output_is_not_looked_at_twice() -> None:
    steps = of_text("sqrt(x) + 1/x")
    [got, _], again = run(kernel_of(steps), [np.array([1.0, 0.0, -1.0, 4.0])], [False, False])
    assert again == [1, 2]
    assert got[3] == 2.25


def test_outputs_beyond_the_results_are_only_checked() -> None:
    steps = Steps({"x": 0}, {}, [Step(np.log, (0,), 1)], [0, 1], 2)
    got, again = run(array_kernel(Task(steps, (True,), (False,))), [np.array([1.0, -1.0, 2.0])], [False])
    assert again == [1]
    np.testing.assert_array_equal(got, [[1.0, -1.0, 2.0]])


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("n", [3, 50])
def test_where_something_uniform_is_not_finite_every_point_is_flagged(n: int, summed: bool) -> None:
    steps = of_text("x + 1/a", ("x", "a"))
    kernel = array_kernel(Task(steps, (True, False), (summed,) * 3))
    got, again = run(kernel, [np.ones(n), 0.0], [summed] * 3)
    assert again == list(range(n))
    assert not summed or np.concatenate(got).tolist() == [0.0, 0.0, 0.0]


def test_what_an_elementary_function_does_not_know_is_flagged() -> None:
    """Huge angles: sine and cosine are right there by the C library only."""
    x = np.array([0.5, 1e22, 2.0])
    got, again = run(kernel_of(of_step(np.sin, 1)), [x], [False])
    fine = np.setdiff1d(np.arange(3), again)
    np.testing.assert_allclose(got[0][fine], np.sin(x)[fine], rtol=1e-15)


def test_flags_beyond_the_first_stretch_have_their_places() -> None:
    x = np.ones(100_003)
    bad = np.array([0, 7, 8, 1023, 1024, 65_537, 100_002])
    x[bad] = math.nan
    for summed in (False, True):
        _, again = run(array_kernel(Task(of_step(np.exp, 1), (True,), (summed,))), [x], [summed])
        assert again == bad.tolist()


# ---- functions of floats


class Recorder:
    """What is called where the function of floats cannot answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any) -> Any:
        self.calls.append(args)
        if "raise" in args:
            raise ZeroDivisionError("as asked")
        return "general"


MANY = (0, (1, (2, 1)), ())


@pytest.fixture
def general() -> Recorder:
    return Recorder()


def test_a_function_of_floats_gives_floats_in_the_shape_asked_for(general: Recorder) -> None:
    steps = of_text("x**2*y + sin(x)")
    want = [float(value) for value in evaluated(steps, [0.5, 2.0])]
    assert scalar_function(steps, 0, general)(0.5, 2.0) == want[0]
    assert scalar_function(steps, (2,), general)(0.5, 2.0) == (want[2],)
    assert scalar_function(steps, MANY, general)(0.5, 2.0) == (want[0], (want[1], (want[2], want[1])), ())
    assert scalar_function(steps, (), general)(0.5, 2.0) == ()
    assert not general.calls


def test_a_function_of_nothing(general: Recorder) -> None:
    constant = scalar_function(Steps({}, {0: 2.5}, [], [0], 1), (0, 0), general)
    assert constant() == (2.5, 2.5)
    assert constant(1.0) == "general"


class Float(float):
    """Not exactly a float."""


@pytest.mark.parametrize(
    "args",
    [
        *[(), (1.0,), (1.0, 2.0, 3.0), (1, 2.0), (1.0, Float(2.0)), (1.0, np.float64(2.0)), (True, 1.0), ("a", 1.0)],
        *[(None, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, -1.0), (1e200, 1e200)],
    ],
    ids=str,
)
def test_what_it_does_not_know_goes_to_general_unchanged(args: tuple[Any, ...], general: Recorder) -> None:
    function = scalar_function(of_text("x*x*log(y)", "xy"), (0, (1, 2)), general)
    assert function(*args) == "general"
    assert len(general.calls) == 1
    assert all(a is b for a, b in zip(general.calls[0], args, strict=True))


def test_a_guarded_step_that_is_not_finite_goes_to_general(general: Recorder) -> None:
    code = [Step(np.divide, (1, 0), 2, True), Step(np.arctan, (2,), 3)]
    function = scalar_function(Steps({"x": 0}, {1: 1.0}, code, [3], 4), 0, general)
    assert function(0.0) == "general"
    assert function(2.0) == math.atan(0.5)


def test_an_output_that_is_only_checked_goes_to_general(general: Recorder) -> None:
    function = scalar_function(Steps({"x": 0}, {}, [Step(np.log, (0,), 1)], [0, 1], 2), 0, general)
    assert function(2.0) == 2.0
    assert function(-2.0) == "general"


def test_exceptions_of_general_are_passed_on(general: Recorder) -> None:
    function = scalar_function(of_text("x*y"), 0, general)
    with pytest.raises(ZeroDivisionError, match="as asked"):
        function(1.0, "raise")
    assert function(2.0, 3.0) == 6.0


def test_keywords_are_refused(general: Recorder) -> None:
    with pytest.raises(TypeError, match="keyword"):
        scalar_function(of_text("x*y"), 0, general)(x=1.0, y=2.0)


def test_its_name_and_what_it_is(general: Recorder) -> None:
    function = scalar_function(of_text("x*y"), 0, general)
    assert function.__name__ == "function"
    assert function.__doc__ == "A formula as machine code."


@pytest.mark.parametrize("name", sorted({*RULES, *LIBRARY}))
def test_every_step_on_floats(name: str, general: Recorder) -> None:
    function, arity = function_of(name)
    compiled = scalar_function(of_step(function, arity, is_test(name) * (1,)), 0, general)
    values = [UNARY] if arity == 1 else BINARY
    points = zip(*[column.tolist() for column in values], strict=True)
    for args, want in zip(points, wanted(function, values).tolist(), strict=True):
        got = compiled(*args)
        if not all(map(math.isfinite, (want, *args))):
            assert got == "general"
        elif got != "general" or name not in FUNCTIONS:
            assert got == pytest.approx(want, rel=1e-14, abs=1e-307), args  # 1e-14: SciPy's gamma
            assert math.copysign(1, got) == math.copysign(1, want) or name in ("fmax", "fmin", "lgamma"), args


def test_a_long_program_is_compiled_in_haste(general: Recorder) -> None:
    steps = of_text(" + ".join(f"sin({i}*x)*cos({i}*x)" for i in range(1, 400)))
    assert len(steps.code) > 2000
    [value, slope] = scalar_function(steps, (0, 1), general)(0.7)
    want = evaluated(steps, [0.7])
    assert value == pytest.approx(want[0], rel=1e-12)
    assert slope == pytest.approx(want[1], rel=1e-11)  # the sum of 800 terms of both signs


def test_another_processor(general: Recorder) -> None:
    for target in TARGETS.values():
        function = scalar_function(of_text("floor(x)*y + sqrt(x)"), 0, general, target)
        assert function(2.25, 3.0) == 7.5


# ---- the compiler


def test_what_is_tried_on_systems_that_nobody_has_seen() -> None:
    assert engine.runs()


def test_the_compiler_is_imported_when_it_is_used() -> None:
    program = "import sys; from symdiff.numeric.backends import llvm; sys.exit('llvmlite' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_code_that_is_none_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        engine.compiled("define", NATIVE, 2)
    with pytest.raises(RuntimeError):
        engine.Library(b"no object code", ["f"])


# ---- memory and threads


def resident() -> int:
    """Kilobytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_nothing_is_left_of_functions_and_kernels_that_are_gone() -> None:
    steps = of_text("x*y + 1")

    def build(count: int) -> int:
        for _ in range(count):
            general = Recorder()
            assert scalar_function(steps, (0, (1, 2)), general)(1.0, 2.0) == (3.0, (2.0, 1.0))
            kernel_of(steps)
        gc.collect()
        return resident()

    before = build(50)
    assert build(100) - before < 2000


def test_general_lives_as_long_as_the_function() -> None:
    general = Recorder()
    alive = weakref.ref(general)
    function = scalar_function(of_text("x*y"), 0, general)
    del general
    gc.collect()
    assert function(1, 2) == "general"
    del function
    gc.collect()
    assert alive() is None


def test_a_cycle_through_general_is_collected() -> None:
    general: Any = Recorder()
    general.function = scalar_function(of_text("x*y"), 0, general)
    alive = weakref.ref(general)
    del general
    gc.collect()
    assert alive() is None


def test_the_function_may_be_dropped_while_it_runs() -> None:
    holder: list[Callable[..., Any]] = []

    def general(*args: Any) -> str:
        holder.clear()
        gc.collect()
        return "gone"

    holder.append(scalar_function(of_text("x*y"), 0, general))
    assert holder[0](1, 2) == "gone"


def test_results_are_counted_right(general: Recorder) -> None:
    function = scalar_function(of_text("x*y"), (0, (1, 2)), general)
    value, pair = result = function(1.5, 2.5)
    assert sys.getrefcount(result) == 2
    assert sys.getrefcount(value) == 3  # ours, in the tuple, and as the argument of this call
    assert sys.getrefcount(pair) == 3
    blocks = sys.getallocatedblocks()
    for _ in range(1000):
        function(1.5, 2.5)
        function(1, 2)
        general.calls.clear()
    assert sys.getallocatedblocks() - blocks < 50


def test_running_out_of_memory_on_the_way_leaves_nothing_behind(general: Recorder) -> None:
    testing = pytest.importorskip("_testcapi", reason="this Python comes without its own tests")
    function = scalar_function(of_text("x*y"), tuple((0, (1, i % 3)) for i in range(200)), general)
    want = function(1.5, 2.5)
    failed = 0

    def attempt(after: int) -> Any:
        testing.set_nomemory(after, after + 1)
        try:
            return function(1.5, 2.5)
        except MemoryError:
            return None
        finally:
            testing.remove_mem_hooks()

    for after in range(0, 1300, 3):
        result = attempt(after)
        assert result is None or result == want
        failed += result is None
    assert failed > 100
    del result
    gc.collect()
    blocks = sys.getallocatedblocks()
    for after in range(0, 1300, 3):
        attempt(after)
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 200


def test_threads_build_and_call_at_once() -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(4):
                steps = of_text(f"x*y + {number}*x + {i}*sin(y)")
                x, y = np.linspace(0, 1, 1001), np.linspace(1, 2, 1001)
                kernel = kernel_of(steps)
                for _ in range(20):
                    got, again = run(kernel, [x, y], [False] * 3)
                    assert not again
                    np.testing.assert_allclose(got[0], evaluated(steps, [x, y])[0], rtol=1e-14)
                assert scalar_function(steps, 0, Recorder())(1.0, 2.0) == pytest.approx(2 + number + i * math.sin(2))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_one_kernel_in_many_threads() -> None:
    steps = of_text(FORMULA, NAMES)
    kernel = array_kernel(Task(steps, (False, False, True, True), (False,) * 4 + (True,)))
    points = [np.random.default_rng(i).normal(size=(2, 20_000)) for i in range(8)]
    found: list[Any] = [None] * 8

    def work(i: int) -> None:
        for _ in range(10):
            found[i] = run(kernel, [0.7, 1.3, *points[i]], [False] * 4 + [True])[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        again = run(kernel, [0.7, 1.3, *points[i]], [False] * 4 + [True])[0]
        for got, want in zip(found[i], again, strict=True):
            np.testing.assert_array_equal(got, want)
