"""Interning: one object per structure, however and wherever it was built, and nothing held for nothing."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.dag import Apply, Const, Node, Symbol, as_node, build, nodes_of
from symdiff.errors import OperationError
from symdiff.ops import OPS

DEEP = 100_000


def on_a_small_stack(work: Callable[[], Any]) -> Any:
    """What ``work`` returns, or raises, in a thread with 512 KB of stack and 200 frames."""
    limit, size = sys.getrecursionlimit(), threading.stack_size(512 * 1024)
    outcome: list[Any] = []

    def run() -> None:
        sys.setrecursionlimit(200)
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    assert outcome, "the thread ended without an answer"
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def test_the_same_text_is_the_same_object() -> None:
    for text in ("x", "3", "x + 2*sin(y)**3", "where(x > 0, sqrt(x), -x)", "[x, x*y]", "besselj(2, x)", "pi"):
        assert sd.parse(text).node is sd.parse(text).node, text


def test_operators_and_functions_build_what_the_parser_builds() -> None:
    x, y = sd.symbols("x y")
    pairs = [
        (x + y, "x + y"),
        (x - y, "x - y"),
        (x * y, "x*y"),
        (x / y, "x/y"),
        (x**y, "x**y"),
        (-x, "-x"),
        (+x, "x"),
        (abs(x), "abs(x)"),
        (x % y, "mod(x, y)"),
        (1 + x, "1 + x"),
        (1 - x, "1 - x"),
        (2 * x, "2*x"),
        (2 / x, "2/x"),
        (2**x, "2**x"),
        (7 % x, "mod(7, x)"),
        (-(x**2), "-x**2"),
        (x**-1, "x**-1"),
        (x * 0.5, "x*0.5"),
        (x * Fraction(1, 3), "x*(1/3)"),
        (x + Decimal("0.10"), "x + 0.10"),
        (x < y, "x < y"),
        (x <= y, "x <= y"),
        (x > y, "x > y"),
        (x >= y, "x >= y"),
        (sd.sin(x) * 2, "sin(x)*2"),
        (sd.where(x > 0, x, 0), "where(x > 0, x, 0)"),
        (sd.max(x, y, 3), "max(x, y, 3)"),
        (sd.pi * x, "pi*x"),
        (sd.sqrt(sd.pi) * x, "sqrt(pi)*x"),
        (sd.ln(x), "log(x)"),
        (sd.arcsin(x), "asin(x)"),
    ]
    for built, text in pairs:
        assert built.node is sd.parse(text).node, text


def test_numbers_are_exact() -> None:
    assert as_node(0.1) is Const(Fraction(1, 10), decimal=True)
    assert sd.parse("0.1").node is as_node(0.1)
    assert sd.parse("1/3").node is Const(Fraction(1, 3))
    assert sd.parse("2/6").node is not Const(Fraction(1, 3)), "what was written is kept"
    assert as_node(10**400) is Const(10**400)
    assert float(Const(10**400)) == np.inf
    assert as_node(1e-320) is Const(Fraction("1e-320"), decimal=True)
    assert as_node(np.float64(2.5)) is as_node(2.5)


def test_one_is_not_one_point_nought_and_true_is_one() -> None:
    assert as_node(1) is not as_node(1.0)
    assert as_node(1) is as_node(True)
    assert sd.parse("1").node is not sd.parse("1.0").node
    assert type(as_node(True).literal) is int
    assert as_node(0.0) is as_node(-0.0)


def test_nan_and_foreign_values_are_refused() -> None:
    for value in (float("nan"), "x", 1j, None, [1], np.ones(2)):
        with pytest.raises(sd.OperationError):
            as_node(value)
    with pytest.raises(sd.OperationError, match="array"):
        np.ones(2) * sd.symbols("x")


def test_infinities_are_the_constant_of_the_language() -> None:
    assert as_node(float("inf")) is sd.parse("inf").node
    assert as_node(float("-inf")) is sd.parse("-inf").node


def test_wrong_argument_counts_and_orders_are_refused() -> None:
    x = sd.symbols("x")
    for call in (
        lambda: sd.sin(x, x),
        lambda: sd.sin(),
        lambda: sd.where(x > 0, x),
        lambda: sd.besselj(x, x),
        lambda: sd.besselj(0.5, x),
        lambda: sd.besselj(-1, x),
    ):
        with pytest.raises((sd.OperationError, TypeError)):
            call()


def test_a_formula_has_no_truth_value() -> None:
    x = sd.symbols("x")
    with pytest.raises(TypeError, match="truth"):
        bool(x > 0)
    with pytest.raises(TypeError, match="truth"):
        bool(x.node)
    assert (x == x) is True
    assert (x == sd.symbols("y")) is False
    assert x != 3


def test_copies_are_the_object_itself() -> None:
    f = sd.parse("x*sin(y) + 1/3")
    assert copy.copy(f) is f
    assert copy.deepcopy(f) is f
    assert copy.deepcopy([f.node])[0] is f.node
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(f, protocol))
        assert again == f
        assert again.node is f.node
        assert (again.variables, again.source) == (f.variables, f.source)


def test_a_pickled_closed_form_keeps_its_assumptions_and_variables() -> None:
    f = sd.parse("x/x + 0*y").simplify()
    again = pickle.loads(pickle.dumps(f))
    assert again.assumptions == f.assumptions != ()
    assert again.variables == ("x", "y")
    assert np.isnan(again(x=0, y=1))


def test_a_pickle_is_read_in_another_process() -> None:
    f = sd.parse("x**2*sin(y) + 0.1 + 1/3 + besselj(2, x)")
    code = "import pickle, sys; f = pickle.load(sys.stdin.buffer); print(f, f.diff('y'))"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(f), capture_output=True, check=True)
    assert done.stdout.decode().strip() == f"{f} {f.diff('y')}"


@pytest.mark.parametrize(
    "text",
    [
        "sin(" * DEEP + "x" + ")" * DEEP,
        "+".join(["x"] * DEEP),
        "-" * DEEP + "x",
        "2**" * DEEP + "x",
    ],
    ids=["calls", "sums", "signs", "powers"],
)
def test_depth_costs_no_stack(text: str) -> None:
    def work() -> None:
        f = sd.parse(text)
        assert sd.parse(text) == f
        assert hash(f) == hash(sd.parse(text))
        assert copy.copy(f) is f
        assert copy.deepcopy(f) is f
        assert copy.deepcopy(f.node) is f.node
        assert pickle.loads(pickle.dumps(f)).node is f.node
        assert pickle.loads(pickle.dumps(f.node)) is f.node
        assert len(repr(f)) < 300
        del f
        gc.collect()

    on_a_small_stack(work)


def test_a_deep_formula_is_freed_without_recursion() -> None:
    def work() -> None:
        node: Node = Symbol("freed_deep")
        for _ in range(DEEP):
            node = Apply(OPS["sin"], (node,))
        del node
        gc.collect()

    on_a_small_stack(work)


def _count() -> int:
    from symdiff.dag import _TABLE

    gc.collect()
    gc.collect()
    assert _TABLE.size == sum(map(len, _TABLE.nodes.values()))
    return _TABLE.size


def test_collecting_lets_go_of_what_nobody_holds() -> None:
    before = _count()
    held = sd.parse(" + ".join(f"sin(held_{i})*{i + 1_000_000}" for i in range(1000)))
    size = len(nodes_of([held.node]))
    between = _count()
    assert before + size - 60 <= between <= before + size + 60  # small numbers may be there already
    del held
    assert _count() <= before + 60


def test_what_is_held_survives_collecting() -> None:
    f = sd.parse("sin(kept_a)*cos(kept_b)")
    numbers = [id(node) for node in nodes_of([f.node])]
    gc.collect()
    assert [id(node) for node in nodes_of([sd.parse("sin(kept_a)*cos(kept_b)").node])] == numbers


def test_threads_that_build_the_same_formulas_get_the_same_objects() -> None:
    texts = [f"sin(a{i}*x)**{i} + exp(b{i} - x)/{i + 2}" for i in range(400)]
    results: list[list[Node]] = []
    errors: list[BaseException] = []
    start = threading.Barrier(4)

    def build() -> None:
        try:
            start.wait()
            results.append([sd.parse(text).node for text in texts])
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=build) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not errors
    assert len(results) == 4
    for nodes in results[1:]:
        assert all(a is b for a, b in zip(results[0], nodes, strict=True))


def test_threads_survive_sweeps_beneath_them() -> None:
    """Nodes that die are swept while other threads build and compare the same ones."""
    errors: list[BaseException] = []

    def build() -> None:
        try:
            x = Symbol("x")
            for i in range(12_000):
                first = Apply(OPS["mul"], (x, Const(i)))
                second = Apply(OPS["mul"], (x, Const(i)))
                assert first is second, i
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=build) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            gc.collect()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not errors


LOOP = """
import os, sys
import symdiff as sd

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

first, last = int(sys.argv[1]), int(sys.argv[2])
for i in range(last):
    f = sd.parse(f"a{i}*x + {i}*y")
    if i == first:
        before = resident()
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_loop_over_different_formulas_does_not_grow() -> None:
    # The bound is 20 MB over 200,000 formulas; fewer here for the time they take, with the bound in proportion. A leak
    # of a single node of 100 bytes for each formula would be 6 MB, of all their nodes 50 MB.
    count = 70_000
    done = subprocess.run([sys.executable, "-c", LOOP, "10000", str(count)], capture_output=True, check=True)
    assert float(done.stdout) < 20 * (count - 10_000) / 190_000


@pytest.mark.parametrize(("name", "count"), [("add", 1), ("neg", 2), ("pow", 3), ("lt", 1)])
def test_operators_refuse_another_number_of_arguments(name: str, count: int) -> None:
    with pytest.raises(OperationError, match=f"{name} takes"):
        build(OPS[name], (Symbol("x"),) * count)
