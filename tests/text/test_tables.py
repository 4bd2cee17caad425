"""The stored tables and the parse loop, held against Lark itself."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from symdiff.dag import Apply, Const, Symbol, as_node
from symdiff.ops import OPS, find
from symdiff.text import tables
from symdiff.text.driver import Driver, UnexpectedLexemeError
from symdiff.text.format import to_text
from symdiff.text.lexer import BASED, Lexer, Source, UnknownCharacterError
from symdiff.text.parse import parse
from tests.strategies import nodes
from tests.test_corpora import NAMES, sample

GRAMMAR = tables.grammar_text()
LARK = Lark(GRAMMAR, parser="lalr", lexer="basic")
WORDS = "x y1 sin( f( ( ) [ ] , 2 0.5 1e3 + - * / ** ^ ² √( = == < <= and or not if else π · x[0]"
PIECES = WORDS.split(" ")  # without line ends: the lexer drops those that do not count, which Lark's cannot


class TreeMaker:
    """A reader that only records which rule was found."""

    operands: ClassVar[dict[str, Any]] = {}
    source: Source

    def __getattr__(self, name: str) -> Any:
        return lambda *parts: (name, *[self.source.lexeme(p).text if isinstance(p, int) else p for p in parts])


TABLES = tables.load()
LEXER = Lexer(TABLES)
TREES = TreeMaker()
DRIVER = Driver(TABLES, LEXER, TREES)


def by_lark(text: str) -> Any:
    def plain(node: Any) -> Any:
        if isinstance(node, Tree):
            return (str(node.data), *[plain(child) for child in node.children])
        return str(node) if isinstance(node, Token) else node

    try:
        return plain(LARK.parse(text))
    except UnexpectedInput:
        return None


def by_driver(text: str) -> Any:
    TREES.source = LEXER.cut(text)
    try:
        return DRIVER.parse(TREES.source)
    except (UnexpectedLexemeError, UnknownCharacterError):
        return None


def test_stored_tables_are_those_of_the_grammar() -> None:
    """After an edit of the grammar: python -c "from symdiff.text import tables; tables.store()"."""
    stored = json.loads(Path(tables.STORED).read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(tables.build(GRAMMAR)._asdict()))


def test_changed_grammar_is_read_by_lark(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = GRAMMAR.replace('"and"', '"und"')
    monkeypatch.setattr(tables, "grammar_text", lambda: changed)
    assert tables.load().words["und"] == "_AND"


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(" ".join))
def test_accepts_and_reads_what_lark_does(text: str) -> None:
    assert by_driver(text) == by_lark(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2x", "1/2x", "(x+1)(x-1)", "a = x ; a*2", "[x, y, 2]", "0 < x < y <= 1"),
        *("max(x, y, 1,)", "-x**-2 y", "√√x²", "x if y else not 2"),
    ],
)
def test_reads_every_kind_of_rule_as_lark_does(text: str) -> None:
    assert by_driver(text) is not None
    assert by_driver(text) == by_lark(text)


# ---- real formulas, and what becomes of them by a slip of the fingers

# How a formula is built of what Lark finds in it: the rule's parts without its signs.
BUILD: dict[str, Callable[..., Any]] = {
    "start": lambda node: node,
    "number": lambda text: Const(Fraction(text), True) if re.search("[.eE]", text) else Const(int(text)),
    "name": lambda text: Apply(OPS[text], ()) if text in ("pi", "e", "tau", "inf") else Symbol(text),
    "call": lambda name, *args: log(*args) if name == "log" else find(name)(*args),  # type: ignore[misc]
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "juxtaposed": lambda a, b: a * b,
    "over": lambda a, slash, b: a / b,
    "raised": lambda a, sign, b: a**b,
    "negative": lambda a: -a,
    "positive": lambda a: a,
}


def log(x: Any, base: Any = None) -> Any:
    return OPS["log"](x) if base is None else OPS["log"](x) / OPS["log"](base)


def built_by_lark(text: str) -> Any:
    """The formula that Lark's tree stands for, from the leaves up."""
    made: dict[int, Any] = {}
    tree = LARK.parse(text)
    for part in tree.iter_subtrees():
        children = [str(child) if isinstance(child, Token) else made[id(child)] for child in part.children]
        made[id(part)] = as_node(BUILD[part.data](*children))
    return made[id(tree)]


def slip(text: str, chance: random.Random) -> str:
    """The text with a character or a lexeme left out, put in, or changed for another."""
    pieces = list(text) if chance.random() < 0.5 else [*LEXER.cut(text).texts]
    i, j = (chance.randrange(len(pieces)) for _ in range(2))
    match chance.randrange(3):
        case 0:
            del pieces[i]
        case 1:
            pieces.insert(i, chance.choice(PIECES))
        case _:
            pieces[i], pieces[j] = pieces[j], pieces[i]
    return "".join(pieces)


def is_apart(text: str) -> bool:
    """Whether Lark's own lexer and ours mean the same: it takes the 'if' out of 'iffy', and reads 0x10 as a product."""
    words = tuple(TABLES.words)
    pieces = [piece.rstrip("( ") for piece in LEXER.cut(text).texts]
    return not any((p.startswith(words) and p not in words) or LEXER.kinds[p] == BASED for p in pieces)


@pytest.mark.filterwarnings("ignore::symdiff.errors.SymdiffWarning")
@pytest.mark.parametrize("corpus", NAMES)
def test_a_corpus_is_read_and_built_as_by_lark(corpus: str) -> None:
    for record in sample(corpus, 300):
        text = record["expr"]
        assert by_driver(text) is not None
        assert by_driver(text) == by_lark(text)
        assert parse(text) is built_by_lark(text), text


@pytest.mark.parametrize("corpus", NAMES)
def test_slips_in_a_corpus_are_accepted_and_rejected_as_by_lark(corpus: str) -> None:
    chance = random.Random(2026)
    for record in sample(corpus, 300):
        for _ in range(4):
            text = slip(record["expr"], chance)
            assert not is_apart(text) or by_driver(text) == by_lark(text), text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(nodes().map(to_text), st.integers(0, 2**32))
def test_slips_in_generated_formulas_are_accepted_and_rejected_as_by_lark(text: str, seed: int) -> None:
    assume("\n" not in text)
    assert by_driver(text) == by_lark(text)
    changed = slip(text, random.Random(seed))
    assert not is_apart(changed) or by_driver(changed) == by_lark(changed)
