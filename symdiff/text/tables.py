"""The LALR(1) tables that Lark builds from grammar/expression.lark, kept beside this module.

Building them costs a third of a cold start, so they are stored in tables.json and Lark is
imported only where they do not fit the grammar: after an edit, ``symdiff.text.tables.store()``
writes them anew. A test compares them with what Lark builds.
"""

from __future__ import annotations

import json
import re
from os import path
from typing import Any, Final, NamedTuple
from zlib import crc32

STORED: Final = path.join(path.dirname(__file__), "tables.json")
_GROUP: Final = r"(?<!\\)\((?!\?)"  # one that captures would be found in place of its lexeme


class Tables(NamedTuple):
    """Everything that the lexer and the parse loop need to know of the grammar.

    Attributes:
        digest: of the grammar's text.
        terminals: names and regular expressions, in the order in which they are tried.
        words: keywords, and their terminals.
        ignored: terminals that are dropped.
        kept: terminals whose lexemes are values.
        rules: for each rule its origin, the name of its callback, how many symbols it has, for each of their values
            whether it is that of a repetition, to be spliced in, and whether a single value is handed on as it is.
        shifts: for each state, the next state after a terminal, or after a rule's origin.
        reductions: for each state, the rule to reduce by before a terminal.
        first: the initial state.
        last: the final state.
    """

    digest: int
    terminals: list[tuple[str, str]]
    words: dict[str, str]
    ignored: list[str]
    kept: list[str]
    rules: list[tuple[str, str, int, list[bool], bool]]
    shifts: list[dict[str, int]]
    reductions: list[dict[str, int]]
    first: int
    last: int


def load() -> Tables:
    """The stored tables, or fresh ones where the grammar has changed since."""
    grammar = grammar_text()
    tables = Tables(**json.loads(_read(STORED))) if path.exists(STORED) else None
    return tables if tables is not None and tables.digest == digest(grammar) else build(grammar)


def grammar_text() -> str:
    """The grammar, from the source tree or from the installed package."""
    package = path.dirname(path.dirname(__file__))
    beside, inside = (path.join(folder, "grammar", "expression.lark") for folder in (path.dirname(package), package))
    return _read(beside if path.isfile(beside) else inside)


def _read(name: str) -> str:
    with open(name, encoding="utf-8") as file:
        return file.read()


def digest(grammar: str) -> int:
    """A number that changes with the grammar; against slips, not against malice, and without a library to load."""
    return crc32(grammar.encode())


def build(grammar: str) -> Tables:
    """What Lark makes of a grammar."""
    from lark import Lark
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import Shift

    lark = Lark(grammar, parser="lalr", lexer="basic")
    engine: Any = lark.parser.parser
    table = engine.parser.parse_table
    shifts: dict[Any, dict[str, Any]] = {}
    reductions: dict[Any, dict[str, Any]] = {}
    for state, row in table.states.items():
        shifts[state] = {name: to for name, (action, to) in sorted(row.items()) if action is Shift}
        reductions[state] = {name: rule for name, (action, rule) in sorted(row.items()) if action is not Shift}
    number = _numbered(shifts, table.start_states["start"])
    rules = sorted({rule for row in reductions.values() for rule in row.values()}, key=str)
    index = {rule: i for i, rule in enumerate(rules)}
    terminals = sorted(lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    words = [t for t in terminals if isinstance(t.pattern, PatternStr) and t.pattern.value.isalpha()]
    return Tables(
        digest(grammar),
        [(t.name, re.sub(_GROUP, "(?:", t.pattern.to_regexp())) for t in terminals if t not in words],
        {t.pattern.value: t.name for t in words},
        list(lark.ignore_tokens),
        sorted(
            {symbol.name for rule in rules for symbol in rule.expansion if symbol.is_term and not symbol.filter_out}
        ),
        [_rule(rule) for rule in rules],
        [{name: number[to] for name, to in shifts[state].items()} for state in number],
        [{name: index[rule] for name, rule in reductions[state].items()} for state in number],
        number[table.start_states["start"]],
        number[table.end_states["start"]],
    )


def _numbered(shifts: dict[Any, dict[str, Any]], start: Any) -> dict[Any, int]:
    """States in the order in which they are met from the first; Lark's own order changes from run to run."""
    number = {start: 0}
    for state in (met := [start]):
        for to in shifts[state].values():
            if to not in number:
                number[to] = len(number)
                met.append(to)
    return number


def _rule(rule: Any) -> tuple[str, str, int, list[bool], bool]:
    splices = [
        not symbol.is_term and symbol.name.startswith("_")
        for symbol in rule.expansion
        if not (symbol.is_term and symbol.filter_out)
    ]
    name = rule.alias or rule.options.template_source or rule.origin.name
    hands_on = rule.options.expand1 and not rule.alias and splices == [False]
    return str(rule.origin.name), str(name), len(rule.expansion), splices, hands_on


def store() -> None:
    """Write the tables of the grammar beside this module."""
    rows = {name: json.dumps(value, ensure_ascii=False) for name, value in build(grammar_text())._asdict().items()}
    with open(STORED, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f'"{name}": {text}' for name, text in rows.items()) + "\n}\n")
