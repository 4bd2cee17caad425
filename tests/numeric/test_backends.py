"""Every backend gives the same: numbers, kinks, dead branches, nan and infinities; on floats and on arrays."""

from __future__ import annotations

import copy
import gc
import math
import os
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import symdiff as sd
from symdiff.dag import Node, nodes_of, symbols_of
from symdiff.numeric import memory
from symdiff.numeric.adjoint import adjoint
from symdiff.numeric.conditioning import moved
from symdiff.ops import OPS, Op
from tests.numeric.backends import BACKENDS, HAS_LLVM, by_every_backend
from tests.ops.judging import smooth_points
from tests.strategies import nodes

UNIT = 2.0**-53

ELEMENTARY = [op for op in OPS.values() if op.infix != "[]" and op.arity != 0 and not op.parameters]


def slack(node: Node, point: dict[str, float]) -> float:
    """How far two good evaluations may be apart: every function on the way is within 4 ulp, and so conditioned."""
    value, amount = moved(node, point)
    return 16 * UNIT * amount if math.isfinite(amount) and math.isfinite(value) else math.inf


def assert_same(got: Any, want: Any, node: Node, point: dict[str, float], what: str) -> None:
    got, want = float(got), float(want)
    if math.isfinite(got) and math.isfinite(want):
        assert abs(got - want) <= slack(node, point) + 1e-300, (what, got, want, point)
    else:
        assert got == want or (math.isnan(got) and math.isnan(want)), (what, got, want, point)


@pytest.mark.parametrize("op", ELEMENTARY, ids=[op.name for op in ELEMENTARY])
def test_every_row_is_the_same_everywhere(op: Op) -> None:
    points = smooth_points(op.name, 21)
    points = [point for point in points if len(point) == len(points[0])]
    names = tuple(f"x{i}" for i in range(len(points[0])))
    node = op(*sd.symbols(names)).node
    reference = sd.compile(sd.Expr(node), args=names, backend="numpy")
    columns = [np.array(column, float) for column in zip(*points, strict=True)]
    try:
        gradient = adjoint(node, names, False)
    except sd.UndifferentiableError:
        return
    want = reference.value_and_grad(*columns)
    for backend, F in by_every_backend(sd.Expr(node), names).items():
        arrays = F.value_and_grad(*columns)
        for k, point in enumerate(points):
            at = dict(zip(names, map(float, point), strict=True))
            floats = F.value_and_grad(*map(float, point))
            for got, one in ((floats, "floats"), ((arrays[0][k], [g[k] for g in arrays[1]]), "arrays")):
                assert_same(got[0], want[0][k], node, at, f"{backend} {one}")
                for g, w, partial in zip(got[1], want[1], gradient, strict=True):
                    assert_same(g, w[k], partial, at, f"{backend} {one}")


HARD = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.pi, 1e-300, 5e-324, 1e300, -1e300, 1e22, 710.0, -745.5]
HARD += [math.inf, -math.inf, math.nan]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_formulas_are_the_same_everywhere(data: st.DataObject) -> None:
    node = data.draw(nodes(8))
    note(f"{sd.Expr(node)}")
    names = symbols_of([node])
    if any(n.op.parameters or n.op.partials is None for n in nodes_of([node]) if hasattr(n, "op")):
        return
    rows = [
        [data.draw(st.one_of(st.sampled_from(HARD), st.floats(-10, 10))) for _ in names]
        for _ in range(data.draw(st.integers(2, 5)))
    ]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    if not names:
        return
    reference = sd.compile(sd.Expr(node), args=names, backend="numpy")
    want = reference.value_and_grad(*columns)
    gradient = adjoint(node, names, False)
    for backend, F in by_every_backend(sd.Expr(node), names).items():
        arrays = F.value_and_grad(*columns)
        for k, row in enumerate(rows):
            at = dict(zip(names, row, strict=True))
            floats = F.value_and_grad(*row)
            for got, one in ((floats, "floats"), ((arrays[0][k], [g[k] for g in arrays[1]]), "arrays")):
                assert_same(got[0], want[0][k], node, at, f"{backend} {one}")
                for g, w, partial in zip(got[1], want[1], gradient, strict=True):
                    assert_same(g, w[k], partial, at, f"{backend} {one}")


# ---- many points, in pieces and threads


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 4095, 4097, 70_001])
def test_the_number_of_points_makes_no_difference(backend: str, n: int) -> None:
    F = sd.compile("exp(-x**2)*sin(x*y) + log(y)/x", backend=backend)
    x, y = np.linspace(0.5, 3, n), np.linspace(2, 1, n)
    value, grad = F.value_and_grad(x, y)
    for k in {0, n // 3, n - 1}:
        one, partials = F.value_and_grad(float(x[k]), float(y[k]))
        assert value[k] == pytest.approx(one, rel=1e-14)
        assert [g[k] for g in grad] == pytest.approx(partials, rel=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_hard_points_among_many_are_what_they_are_alone(backend: str) -> None:
    F = sd.compile("where(x == 0, 1, sin(x)/x) + x*log(y) + abs(x - y)", backend=backend)
    rng = np.random.default_rng(3)
    n = 10_000
    x, y = rng.uniform(0.5, 2, (2, n))
    hard = rng.choice(n, 300, replace=False)
    x[hard[:100]] = 0.0
    y[hard[50:200]] = 0.0
    x[hard[200:]] = y[hard[200:]]
    x[hard[250:260]] = 1e300
    value, grad = F.value_and_grad(x, y)
    for k in hard:
        one, partials = F.value_and_grad(float(x[k]), float(y[k]))
        assert value[k] == pytest.approx(one, rel=1e-13, nan_ok=True)
        assert [g[k] for g in grad] == pytest.approx(list(partials), rel=1e-12, abs=1e-14, nan_ok=True)
    easy = np.setdiff1d(np.arange(n), hard)
    again, _ = F.value_and_grad(x[easy], y[easy])
    assert np.allclose(value[easy], again, rtol=1e-15, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_give_what_one_gives(backend: str, threads: int) -> None:
    x = np.linspace(0.1, 5, 1_100_003)
    one = sd.compile("exp(-x)*sin(a*x)*tanh(x) + x**b", args=("x", "a", "b"), backend=backend, threads=1)
    many = sd.compile("exp(-x)*sin(a*x)*tanh(x) + x**b", args=("x", "a", "b"), backend=backend, threads=threads)
    want, got = one.value_and_grad(x, 1.5, 0.5), many.value_and_grad(x, 1.5, 0.5)
    for w, g in zip((want[0], *want[1]), (got[0], *got[1]), strict=True):
        assert np.allclose(w, g, rtol=1e-15, atol=0)
    total, partials = one.sum_and_grad(x, 1.5, 0.5)
    again, sums = many.sum_and_grad(x, 1.5, 0.5)
    assert total == pytest.approx(again, rel=1e-14)
    assert sums[1:] == pytest.approx(partials[1:], rel=1e-13)
    assert np.allclose(sums[0], partials[0], rtol=1e-15, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_sum_of_a_fit_is_the_sum_over_the_points(backend: str) -> None:
    F = sd.compile("(a*exp(-b*x) + c - y)**2", args=("x", "y", "a", "b", "c"), wrt=("a", "b", "c"), backend=backend)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 3, (2, 5003))
    total, grad = F.sum_and_grad(x, y, 1.5, 0.7, 0.1)
    value, partials = F.value_and_grad(x, y, 1.5, 0.7, 0.1)
    assert total == pytest.approx(math.fsum(value), rel=1e-14)
    assert grad == pytest.approx([math.fsum(p) for p in partials], rel=1e-13)
    assert [type(number) for number in (total, *grad)] == [float] * 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sum_has_the_hard_points_in_it(backend: str) -> None:
    F = sd.compile("a*x*log(x) + abs(x - 1)", args=("x", "a"), wrt=("a",), backend=backend)
    x = np.ones(1001)
    x[[0, 500, 1000]] = 2.0
    x[7] = 0.0
    total, (slope,) = F.sum_and_grad(x, 3.0)
    value, (partial,) = F.value_and_grad(x, 3.0)
    assert total == pytest.approx(np.sum(value), rel=1e-14, nan_ok=True)
    assert slope == pytest.approx(np.sum(partial), rel=1e-14, nan_ok=True)


# ---- what arrays there are


ARRAYS: dict[str, Any] = {
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "big-endian": lambda x: x.astype(">f8"),
    "integers": lambda x: (10 * x).astype(np.int64),
    "booleans": lambda x: x > 1,
    "strided": lambda x: np.repeat(x, 3)[::3],
    "reversed": lambda x: x[::-1],
    "read-only": lambda x: np.frombuffer(x.tobytes()),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64),
    "Fortran": lambda x: np.asfortranarray(x.reshape(4, -1)),
    "transposed": lambda x: x.reshape(4, -1).T,
    "broadcast": lambda x: np.broadcast_to(x, (3, x.size)),
    "list": lambda x: x.tolist(),
    "0-d": lambda x: np.array(x[3]),
    "of one": lambda x: x[3:4],
    "of one, in two axes": lambda x: x[3:4, None],
    "empty": lambda x: x[:0],
    "overlapping": lambda x: np.lib.stride_tricks.sliding_window_view(x, 3),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ARRAYS)
def test_any_array_of_real_numbers_will_do(kind: str, backend: str) -> None:
    base = np.linspace(0.25, 2.0, 40)
    x = ARRAYS[kind](base)
    plain = np.array(x, dtype=np.float64)
    F = sd.compile("x**2*exp(-x) + 1", backend=backend)
    value, (slope,) = F.value_and_grad(x)
    single = np.asarray(x).dtype in (np.dtype(np.float32), np.dtype(np.float16))
    assert np.asarray(value).dtype == np.asarray(slope).dtype == (np.float32 if single else np.float64)
    assert np.shape(value) == np.shape(slope) == plain.shape
    tolerance = 2.0**-23 if single else 1e-15
    assert np.allclose(value, plain**2 * np.exp(-plain) + 1, rtol=tolerance, atol=0)
    assert np.allclose(slope, (2 * plain - plain**2) * np.exp(-plain), rtol=4 * tolerance, atol=tolerance)


REFUSED: dict[str, Any] = {
    "complex": np.ones(3, complex),
    "objects": np.array([1.0, None], dtype=object),
    "text": np.array(["1", "2"]),
    "dates": np.array(["2026-01-01"], dtype="datetime64[D]"),
    "masked": np.ma.masked_array([1.0, 2.0], [False, True]),
    "ragged": [[1.0], [1.0, 2.0]],
    "records": np.ones(2, dtype=[("a", float)]),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_array_of_real_numbers_is_refused_by_name(kind: str, backend: str) -> None:
    F = sd.compile("height**2", backend=backend)
    with pytest.raises(sd.VariableError, match="height"):
        F.value_and_grad(REFUSED[kind])


@pytest.mark.parametrize("backend", BACKENDS)
def test_float32_is_computed_in_double_and_rounded_once(backend: str) -> None:
    x = np.linspace(0, 1, 101, dtype=np.float32)
    F = sd.compile("(1 + x)**2 - 1 - 2*x", backend=backend)
    assert np.array_equal(F(x), F(x.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_are_the_callers_own(backend: str) -> None:
    F = sd.compile("[x, x*y, 3]", args=("x", "y"), backend=backend)
    x = np.linspace(0, 1, 30_000)
    first, _ = F.value_and_grad(x, 2.0)
    kept = first.copy()
    second, _ = F.value_and_grad(x + 1, 3.0)
    second[...] = -1.0
    assert np.array_equal(first, kept)
    assert np.array_equal(x, np.linspace(0, 1, 30_000))


def test_memory_of_results_is_used_again_only_when_nobody_holds_it() -> None:
    F = sd.compile("2*x")
    x = np.linspace(0, 1, 50_000)
    held = [F(x + i) for i in range(5)]
    part = F(x + 9)[10:20]
    for _ in range(20):
        F(x - 1)
    assert all(np.array_equal(h, 2 * (x + i)) for i, h in enumerate(held))
    assert np.array_equal(part, 2 * (x[10:20] + 9))


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_threads_may_call_one_function(backend: str) -> None:
    F = sd.compile("sin(x)*exp(y)", backend=backend)
    x = np.linspace(0, 3, 20_011)
    want = F.value_and_grad(x, 0.5)
    wrong: list[int] = []

    def call() -> None:
        for i in range(10):
            got = F.value_and_grad(x, 0.5)
            alone = F.value_and_grad(0.25, 0.5)
            if (
                not np.array_equal(got[0], want[0])
                or not np.array_equal(got[1][1], want[1][1])
                or alone[0] != F(0.25, 0.5)
            ):
                wrong.append(i)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


# ---- what was chosen


def test_a_function_says_what_it_chose_and_why() -> None:
    F = sd.compile("x**2")
    assert F.backend == ("llvm" if HAS_LLVM else "python")
    F.value_and_grad(np.ones(10))
    assert F.backend == "numpy"
    assert "machine code" in F.report() or "llvmlite" in F.report()
    assert F.report().count("\n") == 2


@pytest.mark.skipif(not HAS_LLVM, reason="llvmlite is not installed")
def test_arrays_get_machine_code_once_it_pays() -> None:
    F = sd.compile("exp(-x)*sin(x)")
    x = np.linspace(0, 1, 100_000)
    seen = []
    for _ in range(20):
        F.value_and_grad(x)
        seen.append(F.backend)
    assert seen[0] == "numpy"
    assert seen[-1] == "llvm"


def test_without_the_extra_the_report_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symdiff.numeric.backends.llvm.available", lambda: False)
    F = sd.compile("x**2")
    assert F.backend == "python"
    assert "pip install 'symdiff[jit]'" in F.report()
    assert F(np.ones(1_000_000))[0] == 1.0
    with pytest.raises(sd.MissingExtraError, match="symdiff\\[jit\\]"):
        sd.compile("x**2", backend="llvm")


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(sd.SettingError, match="python, numpy, wavefront"):
        sd.compile("x", backend="fortran")
    with pytest.raises(sd.SettingError, match="at least 1"):
        sd.compile("x", threads=0)


def test_wide_formulas_are_evaluated_by_level() -> None:
    n = 300
    text = "+".join(f"100*(x{i + 1}-x{i}**2)**2+(1-x{i})**2" for i in range(n - 1))
    F = sd.compile(text)
    p = np.linspace(-1, 1.5, n)
    value, grad = F.packed.value_and_grad(p)
    assert F.backend == "wavefront"
    want = sd.compile(text, backend="python").packed.value_and_grad(p)
    assert value == pytest.approx(want[0], rel=1e-14)
    assert np.allclose(grad, want[1], rtol=1e-13, atol=1e-12)


# ---- what once went wrong


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_empty_array_does_not_go_with_a_longer_one(backend: str) -> None:
    F = sd.compile("x + y", backend=backend)
    for x, y in ((np.empty(0), np.ones(5)), (np.ones(5), np.empty(0))):
        with pytest.raises(sd.ShapeError, match="x has shape"):
            F(x, y)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sum_beyond_the_range_is_infinite(backend: str) -> None:
    F = sd.compile("a*x", args=("a", "x"), wrt=("x",), backend=backend)
    assert F.sum_and_grad(1.0, np.full(2 << 20, 1e302))[0] == math.inf


@pytest.mark.parametrize("backend", BACKENDS)
def test_float32_overflows_in_silence(backend: str) -> None:
    F = sd.compile("a*x**9", args=("a", "x"), wrt=("a",), backend=backend)
    x = np.full(3, 1e30, np.float32)
    assert F(np.float32(1), x)[0] == math.inf
    assert F.sum_and_grad(np.float32(1), x)[0] == math.inf


@pytest.mark.parametrize("backend", BACKENDS)
def test_arguments_that_are_missing_or_none_are_refused(backend: str) -> None:
    F = sd.compile("x*y", backend=backend)
    for values in ((1.0,), (), (1.0, 2.0, 3.0), (1.0, None, 2.0)):
        with pytest.raises(sd.VariableError, match="x, y"):
            F(*values)
    with pytest.raises(sd.VariableError):
        F(1.0, None)


def test_arrays_from_a_pickle_are_arrays_of_doubles() -> None:
    x = pickle.loads(pickle.dumps(np.linspace(0, 1, 9)))
    total, (slope,) = sd.compile("a*x", args=("a", "x"), wrt=("a",)).sum_and_grad(2.0, x)
    assert (type(total), type(slope)) == (float, float)
    assert (total, slope) == (9.0, 4.5)


@pytest.mark.skipif(not HAS_LLVM, reason="llvmlite is not installed")
def test_numpy_takes_over_where_machine_code_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(task: Any) -> Any:
        raise RuntimeError("no executable memory")

    monkeypatch.setattr("symdiff.numeric.backends.llvm.array_kernel", fail)
    F = sd.compile("x**2")
    x = np.linspace(0, 1, 10**7)
    assert np.array_equal(F(x), x**2)
    assert np.array_equal(F(x), x**2)
    assert F.backend == "numpy"
    assert "no executable memory" in F.report()


def test_one_memory_does_not_serve_two_processes() -> None:
    """Blocks are private: what a child of fork computes is not seen by its parent."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    code = """
import os
import numpy as np
import symdiff as sd

F = sd.compile("2*x", backend="numpy")
x = np.arange(50_000.0)
mine = F(x)
child = os.fork()
if not child:
    del mine
    F(x + 1000)
    os._exit(0)
os.waitpid(child, 0)
assert np.array_equal(mine, 2 * x), mine[:3]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_memory_that_is_given_back_in_a_collection_does_no_harm() -> None:
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for i in range(3000):
            cycle: list[Any] = [memory.empty(20_000 + 1000 * (i % 40))]
            cycle.append(cycle)
    finally:
        gc.set_threshold(*threshold)
    arrays = [memory.empty(20_000) for _ in range(20)]
    for i, array in enumerate(arrays):
        array.fill(i)
    assert all((array == i).all() for i, array in enumerate(arrays))


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b in ("numpy", "llvm")])
def test_interrupting_a_long_evaluation_ends_it(backend: str) -> None:
    code = f"""
import os, signal, threading, time
import numpy as np
import symdiff as sd

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born to ignore it
F = sd.compile("sin(x*y)*exp(-x*y)*tanh(x + y)", backend="{backend}")
x, y = np.linspace(0, 1, 30_000)[:, None], np.linspace(0, 1, 30_000)
F.sum_and_grad(x[:100], y[:100])
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    F.sum_and_grad(x, y)
except KeyboardInterrupt:
    print("ended", time.monotonic() - began)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout.startswith("ended"), run.stderr
    assert float(run.stdout.split()[1]) < 5


@pytest.mark.parametrize(
    ("text", "point", "want"),
    [
        ("y**x", {"x": -2.5, "y": -math.inf}, math.nan),
        ("where(log(x) > 0, 1, 2)", {"x": math.nan}, math.nan),
        ("1/0**z", {"z": -math.inf}, math.nan),
        ("exp(asinh(x)**(-1.1))", {"x": -math.inf}, math.nan),
        ("1/x", {"x": math.inf}, 0.0),
    ],
)
def test_what_is_not_finite_among_the_arguments_is_the_same_everywhere(text: str, point: Any, want: float) -> None:
    f = sd.parse(text, variables=tuple(point))
    x = list(point.values())
    for backend, F in by_every_backend(f, f.variables).items():
        ways = [F(*x), F.value_and_grad(*x)[0], F(*[np.array([v]) for v in x])[0], f(point), f.at(point).value]
        ways += [F(*[np.full(10, v) for v in x])[7], F.sum_and_grad(*[np.array([v]) for v in x])[0]]
        assert np.array_equal(ways, [want] * len(ways), equal_nan=True), (backend, ways)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cotangent_has_the_shape_of_the_result(backend: str) -> None:
    vector, scalar = sd.compile(["x", "y"], backend=backend), sd.compile("x*y + sin(x)", backend=backend)
    a = np.array([1.0, 2.0, 3.0])
    for F, primals, cotangent in (
        (vector, (1.0, 2.0), np.ones(3)),
        (scalar, (a, 2.0), np.ones((3, 1))),
        (scalar, (1.0, 2.0), np.ones(3)),
    ):
        with pytest.raises(sd.ShapeError, match="the cotangent has shape"):
            F.vjp(primals, cotangent)
    for cotangent in (1.0, np.ones(1), [1.0, 1.0]):
        assert vector.vjp((1.0, 2.0), cotangent)[1] == (1.0, 1.0)


def test_a_function_that_was_used_can_be_pickled_and_copied() -> None:
    F = sd.compile("x*y", wrt=("y",))
    F(1.0, 2.0), F.value_and_grad(np.ones(3), 2.0)
    for G in (pickle.loads(pickle.dumps(F)), copy.deepcopy(F)):
        assert G.value_and_grad(3.0, 2.0) == F.value_and_grad(3.0, 2.0) == (6.0, (3.0,))


def test_shapes_without_variables_to_differentiate_by() -> None:
    assert sd.compile(["x", "y"], wrt=()).jacobian(np.ones(2), np.ones(2)).shape == (2, 0, 2)
    assert sd.compile("x*y", wrt=()).jacobian(np.ones(2), np.ones(2)).shape == (1, 0, 2)
    assert sd.compile("x*y", wrt=()).jacobian(1.0, 2.0).shape == (1, 0)


def test_results_that_no_memory_holds_are_a_memory_error() -> None:
    with pytest.raises(MemoryError):
        sd.compile("x + y")(np.ones((10**7, 1)), np.ones((1, 10**7)))


def test_numbers_where_lists_are_wanted_are_refused() -> None:
    F = sd.compile("x*y")
    for call in (
        lambda: F.jvp((1.0, 2.0), 1.0),
        lambda: F.hvp(1.0, (1.0, 2.0)),
        lambda: F.packed(1.0),
        lambda: F.packed.grad(None),
    ):
        with pytest.raises(sd.VariableError):
            call()


def test_few_points_do_not_load_the_compiler() -> None:
    code = """
import sys
import numpy as np
import symdiff as sd

print(sd.parse("exp(-x)*sin(x)").at(x=np.linspace(0, 1, 100)).value[0])
assert "llvmlite" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_has_no_machine_code_stays_with_numpy_and_says_so() -> None:
    F = sd.compile("besselj(0, x)*exp(x)")
    F(np.linspace(0.5, 1, 200_000))
    F(np.linspace(0.5, 1, 200_000))
    assert F.backend == "numpy"
    assert "no machine code for besselj" in F.report() or "llvmlite" in F.report()


@pytest.mark.parametrize("backend", BACKENDS)
def test_sums_of_opposite_infinities_are_nan_in_silence(backend: str) -> None:
    F = sd.compile("a/x", args=("a", "x"), wrt=("a",), backend=backend)
    total, (slope,) = F.sum_and_grad(1.0, np.array([0.0, -0.0, 1.0]))
    assert math.isnan(total)
    assert math.isnan(slope)
    x, y = np.array([[0.0], [1.0]]), np.array([1.0, -1.0])
    _, (xbar, _) = sd.compile("y/x", args=("x", "y"), backend=backend).vjp([x, y], np.ones((2, 2)))
    assert math.isnan(xbar[0, 0])
