"""The stored tables and the parse loop, held against Lark itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from symdiff.text import tables
from symdiff.text.driver import Driver, UnexpectedLexemeError
from symdiff.text.lexer import Lexeme, Source, UnknownCharacterError

GRAMMAR = tables.grammar_text()
LARK = Lark(GRAMMAR, parser="lalr", lexer="basic")
WORDS = "x y1 sin( f( ( ) [ ] , 2 0.5 1e3 + - * / ** ^ ² √( = == < <= and or not if else π · x[0]"
PIECES = WORDS.split(" ")  # without line ends: the lexer drops those that do not count, which Lark's cannot


class TreeMaker:
    """A reader that only records which rule was found."""

    def __getattr__(self, name: str) -> Any:
        return lambda children: (name, *[c.text if isinstance(c, Lexeme) else c for c in children])


DRIVER = Driver(tables.load(), TreeMaker())


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
    try:
        return DRIVER.parse(Source(text))
    except (UnexpectedLexemeError, UnknownCharacterError):
        return None


def test_stored_tables_are_those_of_the_grammar() -> None:
    """After an edit of the grammar: python -c "from symdiff.text import tables; tables.store()"."""
    stored = json.loads(tables.STORED.read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(asdict(tables.build(GRAMMAR))))


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
