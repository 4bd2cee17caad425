"""The parse loop: Lark's LALR(1) tables, run without what a chain of one-child rules costs.

An operand passes a dozen rules that only hand it on (atom, power, factor, term, ...). Where they
end depends on the state below, the rule and the next lexeme alone, so each such chain is walked
once and remembered. Accepts and rejects what Lark's own loop does.
"""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace
from typing import Any, Final

from lark import Lark
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_analysis import Shift

from symdiff.text.lexer import Lexeme, Source

_END: Final = "$END"


class Driver:
    """Parses a `Source` with the tables, the lexer and the callbacks of a Lark parser."""

    def __init__(self, lark: Lark) -> None:
        engine: Any = lark.parser.parser  # type: ignore[attr-defined]  # LALR_Parser
        table = engine.parser.parse_table
        self.lexer: Any = lark.parser.lexer  # type: ignore[attr-defined]
        self.first = table.start_states["start"]
        self.last = table.end_states["start"]
        self.gotos: dict[Any, dict[str, Any]] = {}
        self.shifts: dict[Any, dict[str, Any]] = {}
        self.reductions: dict[Any, dict[str, Any]] = {}
        for state, entries in table.states.items():
            moves = {name: to for name, (action, to) in entries.items() if action is Shift}
            self.gotos[state] = moves
            self.shifts[state] = moves
            self.reductions[state] = {
                name: (len(rule.expansion), engine.parser.callbacks[rule], rule.origin.name, _hands_on(rule))
                for name, (action, rule) in entries.items()
                if action is not Shift
            }
        self.settled: dict[tuple[Any, str, str], Any] = {}

    def parse(self, source: Source) -> Any:
        """The value of the start rule.

        Raises:
            UnexpectedToken: a lexeme that cannot follow; ``expected`` has the terminals that can.
        """
        states = [self.first]
        values: list[Any] = []
        shifts, reductions, settled = self.shifts, self.reductions, self.settled
        lexemes = self.lexer.lex(SimpleNamespace(text=source), None)
        for lexeme in chain(lexemes, [Lexeme(_END, "", len(source.text))]):
            kind = lexeme.type
            while True:
                state = states[-1]
                to = shifts[state].get(kind)
                if to is not None:
                    states.append(to)
                    values.append(lexeme)
                    break
                reduction = reductions[state].get(kind)
                if reduction is None:
                    raise UnexpectedToken(lexeme, self._expected(state))
                size, callback, origin, _ = reduction
                children = values[len(values) - size :]
                del states[len(states) - size :]
                del values[len(values) - size :]
                values.append(callback(children))
                key = (states[-1], origin, kind)
                to = settled.get(key)
                if to is None:
                    to = settled[key] = self._settle(*key)
                states.append(to)
                if to == self.last and kind == _END:
                    return values[-1]
        raise AssertionError("the end was accepted as a lexeme")

    def _settle(self, base: Any, origin: str, kind: str) -> Any:
        """The state on ``base`` after ``origin``, and after all rules that then only hand it on."""
        while True:
            state = self.gotos[base][origin]
            reduction = self.reductions[state].get(kind)
            if reduction is None or not reduction[3]:
                return state
            origin = reduction[2]

    def _expected(self, state: Any) -> set[str]:
        return {name for name in (*self.shifts[state], *self.reductions[state]) if name.isupper()}


def _hands_on(rule: Any) -> bool:
    """Whether a rule returns its one child as it is."""
    return rule.options.expand1 and not rule.alias and len(rule.expansion) == 1

