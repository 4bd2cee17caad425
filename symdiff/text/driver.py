"""The parse loop: LALR(1) tables, run without what a chain of one-child rules costs.

An operand passes a dozen rules that only hand it on (atom, power, factor, term, ...). Where they
end depends on the state below, the rule and the next lexeme alone, so each such chain is walked
once and remembered, in the row of steps of its state. Names and numbers go straight there, and
only values that a rule keeps are stacked. Accepts and rejects what Lark's own loop does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from symdiff.text.lexer import END, Lexeme, Lexer, Source
from symdiff.text.tables import Tables

# What to do in a state before a lexeme: the callback of a rule, or None to take the lexeme; the
# states that go onto the stack; the state that comes next, or its rule; how much of the stack the
# rule takes away, or the callback of an operand; and how many values (one index, or an _OPERAND).
_Step = tuple[Callable[..., Any] | None, tuple["_Row", ...], Any, Any, int]
_OPERAND: Final = 2


class UnexpectedLexemeError(Exception):
    """A lexeme that cannot follow, and the terminals that can."""

    def __init__(self, lexeme: Lexeme, expected: set[str]) -> None:
        super().__init__(lexeme, expected)
        self.lexeme = lexeme
        self.expected = expected


class _NoStepError(Exception):
    """A lexeme for which a state has no step."""


class _Row(dict[str, Any]):
    """The steps of a state by the next lexeme, each worked out when it is first wanted.

    A row after a rule does not settle which of the rules that hand its value on ends the chain; it
    is never below another, and the rows that are hold rows by their rules' origins too.
    """

    __slots__ = ("driver", "origin", "state")

    def __init__(self, driver: Driver, state: int, origin: str = "") -> None:
        self.driver = driver
        self.state = state
        self.origin = origin

    def __missing__(self, key: str) -> Any:
        self[key] = found = self.driver.found(self, key)
        return found


class Driver:
    """Parses a `Source`, calling a method of ``reader`` for each rule.

    A method gets the values of the rule's parts: what their rules returned, and the indices of
    lexemes. What ``reader.operands`` has for a lexeme stands for it without a call.
    """

    def __init__(self, tables: Tables, lexer: Lexer, reader: Any) -> None:
        self.tables = tables
        self.lexer = lexer
        self.reader = reader
        self.callbacks = [_callback(reader, *rule) for rule in tables.rules]
        self.origins = frozenset(rule[0] for rule in tables.rules)
        self.rows: dict[int, _Row] = {}

    def parse(self, source: Source) -> Any:
        """The value of the start rule.

        Raises:
            UnexpectedLexemeError, UnknownCharacterError, SourceError: a lexeme that cannot follow.
        """
        kinds, operands = self.lexer.kinds, self.reader.operands
        row = self._row(self.tables.first)
        stack: list[_Row] = []  # of those below
        values: list[Any] = []
        i = -1
        try:
            for i, text in source.numbered():
                kind = kinds[text]
                callback, below, to, cut, count = row[kind]
                while callback is not None:
                    if count == 2:
                        last = values.pop()
                        values[-1] = callback(values[-1], last)
                    elif count == 1:
                        values[-1] = callback(values[-1])
                    elif count:
                        values[-count:] = [callback(*values[-count:])]
                    if cut:
                        del stack[cut:]
                    row = stack[-1][to]
                    callback, below, to, cut, count = row[kind]
                stack += below
                row = to
                if count == _OPERAND:
                    values.append(operands[text] if text in operands else cut(i))
                elif count:
                    values.append(i)
        except _NoStepError:
            self._check(source, i)
            raise AssertionError("the tables have a step that the driver lacks") from None
        return values[-1]

    def found(self, row: _Row, key: str) -> Any:
        """The row after a rule on top of a state, or the step of a row before a lexeme."""
        if key in self.origins:
            return _Row(self, row.state, key)
        first, _, second = key.partition(" ")
        step = self._step(row, first)
        if not second or step[0] is not None:
            return step
        _, above, to, _, more = self._step(step[2], second)  # two lexemes in one, such as 'sin('
        return None, step[1] + above, to, 0, step[4] + more

    def _step(self, row: _Row, kind: str) -> _Step:
        tables = self.tables
        state = self._settled(row.state, row.origin, kind) if row.origin else row.state
        here = (self._row(state),)
        to = tables.shifts[state].get(kind)
        if to is not None:
            operand = self._operand_rule(to)
            if operand is not None:
                return None, here, here[0][tables.rules[operand][0]], self.callbacks[operand], _OPERAND
            return None, here, self._row(to), 0, int(kind in tables.kept)
        if state == tables.last and kind == END:
            return None, here, row, 0, 0
        i = tables.reductions[state].get(kind)
        if i is None:
            raise _NoStepError
        origin, _, size, splices, hands_on = tables.rules[i]
        return self.callbacks[i], here, origin, 1 - size, 0 if hands_on else len(splices)

    def _row(self, state: int) -> _Row:
        row = self.rows.get(state)
        if row is None:
            row = self.rows[state] = _Row(self, state)
        return row

    def _settled(self, base: int, origin: str, kind: str) -> int:
        """The state on ``base`` after ``origin``, and after all rules that then only hand it on."""
        rules = self.tables.rules
        while True:
            state = self.tables.shifts[base][origin]
            i = self.tables.reductions[state].get(kind)
            if i is None or not (rules[i][4] and rules[i][2] == 1):
                return state
            origin = rules[i][0]

    def _operand_rule(self, state: int) -> int | None:
        """The rule by which a state makes a lexeme a value, if there is nothing else to do there."""
        found = set(self.tables.reductions[state].values())
        i = found.pop() if len(found) == 1 and not self.tables.shifts[state] else None
        return i if i is not None and self.tables.rules[i][2] == 1 else None

    def _check(self, source: Source, last: int) -> None:
        """Refuse a lexeme where it cannot follow those before it, by the tables as Lark made them."""
        self.lexer.check_limits(source, last)
        shifts, reductions = self.tables.shifts, self.tables.reductions
        states = [self.tables.first]
        kinds = [self.lexer.kinds[text] for text in source.texts[:last]]
        for kind in " ".join([*kinds, source.lexeme(last).type]).split(" "):
            while kind not in shifts[states[-1]]:
                i = reductions[states[-1]].get(kind)
                if i is None:
                    raise UnexpectedLexemeError(source.lexeme(last), {*shifts[states[-1]], *reductions[states[-1]]})
                origin, _, size, *_ = self.tables.rules[i]
                del states[-size:]
                if (origin, kind) == ("start", END):
                    return
                states.append(shifts[states[-1]][origin])
            states.append(shifts[states[-1]][kind])
        self.lexer.check_base(source, last)


def _callback(reader: Any, origin: str, name: str, size: int, splices: list[bool], hands_on: bool) -> Any:
    """What turns the values of a rule's parts into its own value."""
    if origin.startswith("_"):  # a repetition, to be spliced into the rule that contains it
        return _grown if splices[0] else _begun
    method = getattr(reader, name, _no_rule)
    if True not in splices:
        return method

    def spliced(*values: Any) -> Any:
        parts: list[Any] = []
        for value, splice in zip(values, splices, strict=True):
            if splice:
                parts += value
            else:
                parts.append(value)
        return method(*parts)

    return spliced


def _begun(*values: Any) -> list[Any]:
    return list(values)


def _grown(values: list[Any], *more: Any) -> list[Any]:
    values += more  # in place: it is nobody else's
    return values


def _no_rule(*values: Any) -> Any:
    raise AssertionError("a rule of the grammar has no callback")
