"""The parse loop: LALR(1) tables, run without what a chain of one-child rules costs.

An operand passes a dozen rules that only hand it on (atom, power, factor, term, ...). Where they
end depends on the state below, the rule and the next lexeme alone, so each such chain is walked
once and remembered. Accepts and rejects what Lark's own loop does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from symdiff.text.lexer import Lexeme, Lexer, Source
from symdiff.text.tables import Tables

_END: Final = "$END"
Callback = Callable[[list[Any]], Any]


class UnexpectedLexemeError(Exception):
    """A lexeme that cannot follow, and the terminals that can."""

    def __init__(self, lexeme: Lexeme, expected: set[str]) -> None:
        super().__init__(lexeme, expected)
        self.lexeme = lexeme
        self.expected = expected


class Driver:
    """Parses a `Source`, calling a method of ``reader`` for each rule."""

    def __init__(self, tables: Tables, reader: Any) -> None:
        self.tables = tables
        self.lexer = Lexer(tables)
        callbacks = [_callback(reader, *rule) for rule in tables.rules]
        self.reductions = [
            {kind: (tables.rules[i][2], callbacks[i], tables.rules[i][0]) for kind, i in row.items()}
            for row in tables.reductions
        ]
        self.settled: dict[tuple[int, str, str], int] = {}

    def parse(self, source: Source) -> Any:
        """The value of the start rule.

        Raises:
            UnexpectedLexemeError: a lexeme that cannot follow.
        """
        last, shifts = self.tables.last, self.tables.shifts
        reductions, settled = self.reductions, self.settled
        states = [self.tables.first]
        values: list[Any] = []
        for lexeme in chain(self.lexer.cut(source), [Lexeme(_END, "", len(source.text))]):
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
                    raise UnexpectedLexemeError(lexeme, self._expected(state))
                size, callback, origin = reduction
                start = len(values) - size
                children = values[start:]
                del states[start + 1 :], values[start:]
                values.append(callback(children))
                key = (states[-1], origin, kind)
                to = settled.get(key)
                if to is None:
                    to = settled[key] = self._settle(*key)
                states.append(to)
                if to == last and kind == _END:
                    return values[-1]
        raise AssertionError("the end was accepted as a lexeme")

    def _settle(self, base: int, origin: str, kind: str) -> int:
        """The state on ``base`` after ``origin``, and after all rules that then only hand it on."""
        rules = self.tables.rules
        while True:
            state = self.tables.shifts[base][origin]
            i = self.tables.reductions[state].get(kind)
            if i is None or not (rules[i][4] and rules[i][2] == 1):
                return state
            origin = rules[i][0]

    def _expected(self, state: int) -> set[str]:
        names = (*self.tables.shifts[state], *self.tables.reductions[state])
        return {name for name in names if name.isupper()}


def _callback(reader: Any, origin: str, name: str, size: int, kept: Any, hands_on: bool) -> Callback:
    """What turns the values of a rule's symbols into its own value."""
    method: Callback = _as_they_are if origin.startswith("_") else getattr(reader, name, _no_rule)
    if kept is None:
        return itemgetter(0) if hands_on and size == 1 else method
    if hands_on and len(kept) == 1 and not kept[0][1]:
        return itemgetter(kept[0][0])
    if not any(splice for _, splice in kept):
        if len(kept) == 1:
            (place, _) = kept[0]
            return lambda children: method([children[place]])
        if len(kept) == 2:
            (one, _), (two, _) = kept
            return lambda children: method([children[one], children[two]])
        places = [i for i, _ in kept]
        return lambda children: method([children[i] for i in places])

    def spliced(children: list[Any]) -> Any:
        first, splice = kept[0]
        parts: list[Any] = children[first] if splice else [children[first]]  # grown in place: it is nobody else's
        for i, splice in kept[1:]:
            if splice:
                parts += children[i]
            else:
                parts.append(children[i])
        return parts[0] if hands_on and len(parts) == 1 else method(parts)

    return spliced


def _as_they_are(children: list[Any]) -> list[Any]:
    """A repetition's values, to be spliced into those of the rule that contains it."""
    return children


def _no_rule(children: list[Any]) -> Any:
    raise AssertionError("a rule of the grammar has no callback")
