"""Nodes as text, LaTeX and MathML; what is printed reads back as the same object."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import pytest
from hypothesis import given, settings

from symdiff.dag import Const, Node, Symbol, as_node
from symdiff.errors import OperationError
from symdiff.ops import OPS
from symdiff.text.format import to_latex, to_mathml, to_text
from symdiff.text.parse import parse
from tests.strategies import nodes

pytestmark = pytest.mark.filterwarnings("ignore::symdiff.errors.SymdiffWarning")


@given(nodes())
@settings(max_examples=300, deadline=None)
def test_text_reads_back_as_the_same_object(node: Node) -> None:
    assert parse(to_text(node)) is node


@given(nodes())
@settings(max_examples=150, deadline=None)
def test_latex_is_balanced_and_mathml_is_well_formed(node: Node) -> None:
    latex = to_latex(node)
    assert latex.count(r"\left") == latex.count(r"\right") + latex.count(r"\leftarrow")
    assert latex.count(r"\begin") == latex.count(r"\end")
    depth = 0
    for char in latex.replace(r"\{", "").replace(r"\}", ""):
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    ElementTree.fromstring(to_mathml(node))


def swollen(levels: int) -> Node:
    node: Node = Symbol("x")
    for _ in range(levels):
        node = OPS["sin"](node * node) + node
    return node


def test_a_graph_whose_tree_is_huge_is_printed_as_named_lines() -> None:
    node: Node = Symbol("x")
    for _ in range(60):
        node = node * node
    text = to_text(node)
    assert text.startswith("t1 = x*x\nt2 = t1*t1\n")
    assert len(text) < 2000
    assert parse(text) is node


def test_named_lines_take_no_name_of_a_variable() -> None:
    node = swollen(40) + Symbol("t1") * Symbol("t2")
    assert "t3 = " in to_text(node)
    assert "t1 = " not in to_text(node)
    assert parse(to_text(node)) is node


@pytest.mark.parametrize("text", ["0.1", "6.626e-34", "1e22", "100.0", "0.0", "1e-05", "1/3", "-1/3", "2/4", "-0.5"])
def test_numbers_keep_their_kind(text: str) -> None:
    node = parse(text)
    assert parse(to_text(node)) is node
    assert to_text(node) == {"1e-05": "1e-5"}.get(text, text)


def test_floats_print_by_their_shortest_decimal() -> None:
    assert to_text(as_node(0.1)) == "0.1"
    assert to_text(as_node(5e-324)) == "5e-324"
    assert to_text(Const(Fraction(1, 2), decimal=True)) == "0.5"


def test_a_number_beyond_the_limit_of_the_language_is_refused() -> None:
    assert parse(to_text(as_node(10**4299))) is as_node(10**4299)
    with pytest.raises(OperationError, match="4,300 digits"):
        as_node(10**4301)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a-(b-c)", "a - (b - c)"),
        ("a-b-c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("a/b*c", "a/b*c"),
        ("(a**b)**c", "(a**b)**c"),
        ("a**b**c", "a**b**c"),
        ("-x**2", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("(-2)**2", "(-2)**2"),
        ("-2**2", "-2**2"),
        ("2**-x", "2**-x"),
        ("x*-y", "x*-y"),
        ("--x", "--x"),
        ("x - -y", "x - -y"),
        ("not (a and b)", "not (a and b)"),
        ("(a<b) + 1", "(a < b) + 1"),
        ("(a<b)<c", "(a < b) < c"),
        ("x if a<b else y", "where(a < b, x, y)"),
        ("[x, x**2]", "[x, x**2]"),
        ("2x", "2*x"),
    ],
)
def test_parentheses_stand_where_they_must(text: str, shown: str) -> None:
    assert to_text(parse(text)) == shown
    assert parse(shown) is parse(text)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x*(-y)", r"x \left(-y\right)"),
        ("x*(-2)", r"x \left(-2\right)"),
        ("2*3", r"2 \cdot 3"),
        ("x*3**y", r"x \cdot {3}^{y}"),
        ("2*x", "2 x"),
        ("a/(b+1)", r"\frac{a}{b + 1}"),
        ("1/3*x", r"\frac{1}{3} x"),
        ("alpha_1 + x12 + mass", r"\alpha_{1} + x_{12} + \mathrm{mass}"),
        ("6.6e-34", r"6.6 \cdot 10^{-34}"),
        ("6.6e-34**2", r"{\left(6.6 \cdot 10^{-34}\right)}^{2}"),
        ("(x+1)**2", r"{\left(x + 1\right)}^{2}"),
        ("x**(y+1)", r"{x}^{y + 1}"),
        ("(-x)**2", r"{\left(-x\right)}^{2}"),
        ("(1/2)**x", r"{\left(\frac{1}{2}\right)}^{x}"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
    ],
)
def test_latex_of(text: str, latex: str) -> None:
    assert to_latex(parse(text)) == latex
