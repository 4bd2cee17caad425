"""Every form of the language, as the same object that operators build."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable

import pytest

from symdiff.dag import Const, Symbol, as_node
from symdiff.errors import OperationError, SourceError
from symdiff.ops import OPS
from symdiff.text.format import to_latex, to_mathml, to_text
from symdiff.text.names import checked_name
from symdiff.text.parse import parse

# Two ways to write the same formula.
SAME = [
    ("x^2", "x**2"),
    ("2^3^x", "2**(3**x)"),
    ("-x**2", "-(x**2)"),
    ("2**-x", "2**(-x)"),
    ("x**-2**y", "x**(-(2**y))"),
    ("+x", "x"),
    ("x - -y", "x - (-y)"),
    ("1/3", "(1)/(3)"),
    (".5", "0.5"),
    ("1.", "1.0"),
    ("1E3", "1000.0"),
    ("2x", "2*x"),
    ("3(x+1)", "3*(x+1)"),
    ("(x+1)(x-1)", "(x+1)*(x-1)"),
    ("2 sin(x)", "2*sin(x)"),
    ("sin(x)cos(x)", "sin(x)*cos(x)"),
    ("x y z", "(x*y)*z"),
    ("2 pi x", "(2*pi)*x"),
    ("2x**2", "2*(x**2)"),
    ("x^2 y", "x**2*y"),
    ("-2x", "-(2*x)"),
    ("e²x", "e**2*x"),
    ("x²", "x**2"),
    ("x⁻¹", "x**-1"),
    ("x⁺²", "x**2"),
    ("x¹²", "x**12"),
    ("x²³", "x**23"),
    ("(x+1)²", "(x+1)**2"),
    ("2·x", "2*x"),
    ("2×x", "2*x"),
    ("2⋅x", "2*x"),
    ("x−1", "x-1"),
    ("x÷2", "x/2"),
    ("√(x)", "sqrt(x)"),
    ("√x", "sqrt(x)"),
    ("√2x", "sqrt(2)*x"),
    ("π", "pi"),
    ("𝜋", "pi"),
    ("𝑥₁", "x1"),
    ("e\u0301", "é"),
    ("x\u00a0+\u20031", "x+1"),
    ("\ufeffx+1", "x+1"),
    ("x ≤ y", "x <= y"),
    ("x ≥ y", "x >= y"),
    ("x ≠ y", "x != y"),
    ("a < b < c", "(a < b) and (b < c)"),
    ("a or b and c", "a or (b and c)"),
    ("not a and b", "(not a) and b"),
    ("not a == b", "not (a == b)"),
    ("a if c else b", "where(c, a, b)"),
    ("a if c else b if d else x", "where(c, a, where(d, b, x))"),
    ("log(x, b)", "log(x)/log(b)"),
    ("ln(x)", "log(x)"),
    ("arcsin(x)", "asin(x)"),
    ("max(a, b,)", "max(a, b)"),
    ("x[ 0 ]", "x[0]"),
    ("x[0, 1]", "x[0,1]"),
    ("x[007]", "x[7]"),
    ("r = x + 1\nr*r", "(x + 1)*(x + 1)"),
    ("r = x; s = r*r; s + r", "x*x + x"),
    ("r = x\r\n\r\n# a comment\r\nr + 1 # another\r\n", "x + 1"),
    ("(x +\n 1)", "x + 1"),
    ("r = x\n(r + 1)", "x + 1"),
    ("sum(i**2, i, 1, 3)", "1**2 + 2**2 + 3**2"),
    ("prod(x - i, i, 0, 2)", "(x - 0)*(x - 1)*(x - 2)"),
    ("sum(x[i]*x[i+1], i, 0, 1)", "x[0]*x[1] + x[1]*x[2]"),
    ("sum(sum(x[i,j], i, 0, 1), j, 0, 1)", "(x[0,0] + x[1,0]) + (x[0,1] + x[1,1])"),
    ("sum(i, i, 2, 1)", "0"),
    ("prod(i, i, 2, 1)", "1"),
    ("sum(7, i, 1, 2)", "7 + 7"),
    ("diff(x**2, x)", "2*x"),
    ("diff(x**3, x, 2)", "6*x"),
    ("diff(x**2*y, x, y)", "2*x"),
    ("diff(x**2, x, 0)", "x**2"),
    ("diff(x, y)", "0"),
]


@pytest.mark.parametrize(("text", "other"), SAME)
def test_both_are_the_same_formula(text: str, other: str) -> None:
    assert parse(text) is parse(other)


def test_operators_build_what_the_parser_reads() -> None:
    x, y = Symbol("x"), Symbol("y")
    assert parse("x + 2*y") is x + 2 * y
    assert parse("-x**2/3") is -(x**2) / 3
    assert parse("1/3") is as_node(1) / 3
    assert parse("0.1*x") is 0.1 * x
    assert parse("not x") is OPS["not"](x)
    assert parse("[x, y]") is OPS["vector"](x, y)


@pytest.mark.parametrize("name", ["E", "I", "S", "N", "Q", "beta", "gamma", "lambda", "λ", "None", "self", "x_1", "漢"])
def test_no_such_name_is_reserved(name: str) -> None:
    assert parse(name) is Symbol(name)
    assert parse(f"2*{name}") is 2 * Symbol(name)


@pytest.mark.parametrize("name", ["pi", "tau", "e", "inf"])
def test_constants_unless_declared_variables(name: str) -> None:
    assert parse(name) is OPS[name]() or not parse(name).args
    assert parse(name) is not Symbol(name)
    assert parse(f"{name}*x", variables=(name,)) is Symbol(name) * Symbol("x")


def test_a_number_is_exact() -> None:
    assert parse("9**9**9**9") is as_node(9) ** (as_node(9) ** (as_node(9) ** as_node(9)))
    assert parse("0.1") is not parse("1/10")
    assert float(parse("6.02e23")) == 6.02e23  # type: ignore[arg-type]
    assert parse("9" * 4300) is Const(int("9" * 4300))


@pytest.mark.parametrize(("name", "spelled"), [("x", "x"), ("𝑥", "x"), ("x[ 0]", "x[0]"), ("lambda", "lambda")])
def test_names_of_variables(name: str, spelled: str) -> None:
    assert checked_name(name) == spelled


@pytest.mark.parametrize("name", ["", "2x", "_x", "x y", "x²", "½", "xⁿ", "if", "ｉｆ", "x[i]", "x[-1]", "x[", "x.y"])
def test_what_no_formula_could_contain_is_no_name(name: str) -> None:
    with pytest.raises(OperationError):
        checked_name(name)


# ---- depth and length

DEEP = 100_000


def shallowly(work: Callable[[], object]) -> object:
    """Run in a thread with a small stack, under a small recursion limit."""
    answer: list[object] = []

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:
            answer.append(error)

    before, limit = threading.stack_size(512 * 1024), sys.getrecursionlimit()
    thread = threading.Thread(target=run)
    sys.setrecursionlimit(200)
    try:
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(before)
    return answer[0]


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEEP + "x" + ")" * DEEP,
        "sin(" * DEEP + "x" + ")" * DEEP,
        "x" + "+x" * DEEP,
        "-" * DEEP + "x",
        "1/(" * DEEP + "x" + ")" * DEEP,
        "x" + "**x" * DEEP,
        "x" + " x" * DEEP,
        "not " * DEEP + "x",
        "√" * DEEP + "x",
        "x if y else " * (DEEP // 2) + "z",  # printed as where(...), within the limit of lexemes
        "x" + "<y" * DEEP,
        "max(" + "x," * DEEP + "y)",
        "[" + "x," * DEEP + "y]",
        "".join(f"a{i} = x\n" for i in range(DEEP)) + "x",
    ],
    ids=lambda text: text[:6],
)
def test_depth_is_no_limit(text: str) -> None:
    def work() -> bool:
        node = parse(text)
        return parse(to_text(node)) is node

    parse("x")  # the tables are made once, outside
    assert shallowly(work) is True


@pytest.mark.parametrize("piece", ["sin(", "1/(", "(x+1)*(", "-("])
def test_deep_formulas_are_typeset(piece: str) -> None:
    count = DEEP // 4
    node = parse(piece * count + "x" + ")" * count)
    answer = shallowly(lambda: len(to_latex(node)) + len(to_mathml(node)))
    assert isinstance(answer, int), answer


@pytest.mark.parametrize(
    "text",
    ["(" * DEEP + "x", "sin(" * DEEP, "(" * DEEP + "x" + ")" * (DEEP + 1), "[" * DEEP, "(" * DEEP + "]", "-" * DEEP],
    ids=lambda text: text[:6],
)
def test_a_deep_mistake_is_reported(text: str) -> None:
    parse("x")
    answer = shallowly(lambda: parse(text))
    assert isinstance(answer, SourceError), answer
    assert str(answer)


@pytest.mark.parametrize("piece", ["x+", "2x*", "sin(x)-", "x[0]/", "1.5e3+", "gamma*x y+", "max(x,y,z)+"])
def test_time_is_linear(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count + "x"
        start = time.process_time()
        parse(text)
        return time.process_time() - start

    seconds(1000)
    short = min(seconds(2_000) for _ in range(3))
    assert min(seconds(20_000) for _ in range(2)) < 40 * short + 0.2


def test_a_text_may_be_read_while_another_is() -> None:
    """A collection, and with it a finalizer, may begin in the middle of reading."""
    read: list[str] = []

    class Reads:
        def __del__(self) -> None:
            read.append(to_text(parse("x + 1")))

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for i in range(20):
            cycle: list[object] = [Reads()]
            cycle.append(cycle)
            del cycle
            assert to_text(parse(f"sin(y_{i})*{i} + y_{i}")) == f"sin(y_{i})*{i} + y_{i}"
    finally:
        gc.set_threshold(*threshold)
    assert set(read) == {"x + 1"}
