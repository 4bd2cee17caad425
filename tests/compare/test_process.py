"""SymPy's process: reuse, the time limit, death, and that nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from symdiff.compare.process import SympyProcess
from symdiff.compare.worker import answer, decoded_rows, encoded_rows
from symdiff.dag import Node, Symbol, flatten, unflatten
from symdiff.text.parse import parse


def question(formula: str, derivatives: dict[str, str], *points: dict[str, float]) -> dict[str, Any]:
    nodes = [parse(formula), *map(parse, derivatives.values())]
    rows, (root, *roots) = flatten(nodes)
    return {
        "rows": encoded_rows(rows),
        "root": root,
        "partials": [[[name], r] for name, r in zip(derivatives, roots, strict=True)],
        "points": [{name: x.hex() for name, x in point.items()} for point in points],
    }


SQUARE = question("x**2", {"x": "2*x"}, {"x": 3.0})


@pytest.fixture
def process() -> Iterator[SympyProcess]:
    one = SympyProcess()
    yield one
    one.close()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def tower() -> Node:
    """Shared seven times a level: a tree of 7**30 leaves, on which SymPy does not end."""
    node: Node = Symbol("x")
    for _ in range(30):
        node = node * (node + node * node) * (node - 2) + parse("sin(x)")
    return node


def endless() -> dict[str, Any]:
    rows, (root,) = flatten([tower()])
    return {"rows": encoded_rows(rows), "root": root, "partials": [[["x"], root]], "points": []}


def test_it_answers_and_is_reused(process: SympyProcess) -> None:
    first = process.ask(SQUARE, 30.0)
    assert first.wait(60)
    assert first.failure == ""
    pid = process.pid
    second = process.ask(SQUARE, 30.0)
    assert second.wait(60)
    assert second.parts == first.parts
    assert process.pid == pid
    assert next(second.named("value"))["values"] == ["9", "6"]
    assert next(second.named("equality"))["status"] == "proved"


def test_asking_does_not_wait(process: SympyProcess) -> None:
    began = time.perf_counter()
    process.ask(SQUARE, 30.0)
    assert time.perf_counter() - began < 0.2  # SymPy alone takes longer to import


def test_it_is_killed_at_its_limit_and_the_next_question_is_answered(process: SympyProcess) -> None:
    assert process.ask(SQUARE, 30.0).wait(60)
    pid = process.pid
    assert pid is not None
    began = time.perf_counter()
    slow = process.ask(endless(), 1.0)
    after = process.ask(SQUARE, 30.0)
    assert slow.wait(60)
    assert time.perf_counter() - began < 5
    assert slow.failure == "SymPy gave no answer after 1 s"
    assert after.wait(60)
    assert after.failure == ""
    assert not is_running(pid)


def test_a_dead_process_is_replaced(process: SympyProcess) -> None:
    assert process.ask(SQUARE, 30.0).wait(60)
    pid = process.pid
    assert pid is not None
    slow = process.ask(endless(), 30.0)
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    assert slow.wait(60)
    assert slow.failure == "SymPy's process was ended by signal 9"
    after = process.ask(SQUARE, 30.0)
    assert after.wait(60)
    assert after.failure == ""


def test_closing_ends_it_in_the_middle_of_anything(process: SympyProcess) -> None:
    assert process.ask(SQUARE, 30.0).wait(60)
    pid = process.pid
    assert pid is not None
    slow = process.ask(endless(), 30.0)
    process.close()
    assert slow.wait(10)
    assert slow.failure
    assert not is_running(pid)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_child_does_not_outlive_its_parent(how: signal.Signals) -> None:
    script = (
        "import sys, time\n"
        "from symdiff.compare.process import SympyProcess\n"
        "from tests_question import question\n"
        "p = SympyProcess(); p.ask(question, 60.0)\n"
        "while p.pid is None or not p.version: time.sleep(0.01)\n"
        "print(p.pid, flush=True); time.sleep(60)\n"
    )
    script = script.replace("from tests_question import question", f"question = {endless()!r}")
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(how)
    parent.wait(10)
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def test_rows_survive_json_whatever_their_size() -> None:
    node = parse(f"x*{'7' * 900}/3 + 0.1")
    rows, roots = flatten([node])
    assert unflatten(decoded_rows(encoded_rows(rows)), roots)[0] is node


def parts(asked: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [part for part in answer(asked) if part["part"] == kind]


def test_a_wrong_form_is_refuted_with_both_values() -> None:
    (found,) = parts(question("sin(x)", {"x": "cos(x)*(1 + 1e-30)"}), "equality")
    assert found["status"] == "refuted"
    assert found["point"].keys() == {"x"}
    ours, theirs = found["values"]
    assert ours != theirs
    assert ours[:20] == theirs[:20]


def test_what_only_sympy_knows_is_quoted_as_its_word() -> None:
    asked = question("sin(x)**2", {"x": "sin(2*x)"})
    (found,) = parts(asked, "equality")
    (word,) = parts(asked, "word")
    assert found["status"] == "agrees"
    assert word["said"] == "SymPy: the difference simplifies to 0"


@pytest.mark.parametrize(
    ("formula", "at", "value"),
    [
        ("sqrt(x)", -1.0, "complex"),
        ("exp(x)", -1e300, "unknown: beyond 2**50000, or below its reciprocal"),
        ("exp(x)", 1e20, "unknown: beyond 2**50000, or below its reciprocal"),
        ("1/x", 0.0, "pole"),
        ("exp(x)", 1000.0, "1.9700711140170469938888793522433231253169379853238e434"),
        ("(1 - cos(x))/x**2", 1e-8, None),
    ],
)
def test_values_are_told_as_they_are(formula: str, at: float, value: str | None) -> None:
    (found,) = parts(question(formula, {}, {"x": at}), "value")
    if value is None:
        assert found["values"][0].startswith("0.4999999999999999958333")
    else:
        assert found["values"][0] == value


def test_infinite_points_are_not_put_to_sympy() -> None:
    (found,) = parts(question("atan(x)", {}, {"x": float("inf")}), "value")
    assert found["values"][0].startswith("unknown")


def test_what_sympy_leaves_unevaluated_is_no_reference() -> None:
    found = parts(question("floor(x)", {"x": "0"}, {"x": 1.5}), "value")
    assert found[0]["values"] == ["1", "unknown: SymPy leaves Derivative(floor(x), x) unevaluated"]
