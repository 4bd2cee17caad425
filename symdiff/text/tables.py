"""The LALR(1) tables that Lark builds from grammar/expression.lark, kept beside this module.

Building them costs a third of a cold start, so they are stored in tables.json and Lark is
imported only where they do not fit the grammar: after an edit, ``symdiff.text.tables.store()``
writes them anew. A test compares them with what Lark builds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

STORED: Final = Path(__file__).with_name("tables.json")


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that the lexer and the parse loop need to know of the grammar.

    Attributes:
        digest: of the grammar's text.
        terminals: names and regular expressions, in the order in which they are tried.
        words: keywords, and their terminals.
        ignored: terminals that are dropped.
        rules: for each rule its origin, the name of its callback, how many symbols it has, which
            of their values the callback gets (None for all; those of a repetition are spliced in),
            and whether a single value is handed on as it is.
        shifts: for each state, the next state after a terminal, or after a rule's origin.
        reductions: for each state, the rule to reduce by before a terminal.
        first: the initial state.
        last: the final state.
    """

    digest: str
    terminals: list[tuple[str, str]]
    words: dict[str, str]
    ignored: list[str]
    rules: list[tuple[str, str, int, list[tuple[int, bool]] | None, bool]]
    shifts: list[dict[str, int]]
    reductions: list[dict[str, int]]
    first: int
    last: int


def load() -> Tables:
    """The stored tables, or fresh ones where the grammar has changed since."""
    grammar = grammar_text()
    tables = Tables(**json.loads(STORED.read_text(encoding="utf-8"))) if STORED.exists() else None
    return tables if tables is not None and tables.digest == digest(grammar) else build(grammar)


def grammar_text() -> str:
    """The grammar, from the source tree or from the installed package."""
    package = Path(__file__).parents[1]
    beside = package.parent / "grammar" / "expression.lark"
    return (beside if beside.is_file() else package / "grammar" / "expression.lark").read_text(encoding="utf-8")


def digest(grammar: str) -> str:
    return sha256(grammar.encode()).hexdigest()


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
        [(t.name, t.pattern.to_regexp()) for t in terminals if t not in words],
        {t.pattern.value: t.name for t in words},
        list(lark.ignore_tokens),
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


def _rule(rule: Any) -> tuple[str, str, int, list[tuple[int, bool]] | None, bool]:
    kept = [
        (i, not symbol.is_term and symbol.name.startswith("_"))
        for i, symbol in enumerate(rule.expansion)
        if not (symbol.is_term and symbol.filter_out)
    ]
    everything = len(kept) == len(rule.expansion) and not any(splice for _, splice in kept)
    name = rule.alias or rule.options.template_source or rule.origin.name
    hands_on = rule.options.expand1 and not rule.alias
    return str(rule.origin.name), str(name), len(rule.expansion), None if everything else kept, hands_on


def store() -> None:
    """Write the tables of the grammar beside this module."""
    rows = {name: json.dumps(value, ensure_ascii=False) for name, value in asdict(build(grammar_text())).items()}
    STORED.write_text(
        "{\n" + ",\n".join(f'"{name}": {text}' for name, text in rows.items()) + "\n}\n", encoding="utf-8"
    )
