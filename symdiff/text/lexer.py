"""The lexer: one regular expression, made from the terminals of the grammar.

It yields lexemes that know their place and nothing else, and drops line ends inside brackets, where they do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from symdiff.errors import LimitError, SourceError, Span
from symdiff.text.names import misfit, normal
from symdiff.text.tables import Tables

# What the slowest texts of this many lexemes take stays below five seconds; a megabyte of
# ordinary formula has 650,000.
MAX_LEXEMES: Final = 700_000

_OPENING: Final = frozenset({"LPAR", "LSQB"})
_CLOSING: Final = frozenset({"RPAR", "RSQB"})
_BASE: Final = re.compile(r"[xXbBoO][0-9a-fA-F]")  # what follows the 0 of 0x10, 0b11, 0o17


class Lexeme:
    """A piece of the text: its terminal, its characters and where they start."""

    __slots__ = ("start_pos", "text", "type")

    def __init__(self, terminal: str, text: str, start_pos: int) -> None:
        self.type = terminal
        self.text = text
        self.start_pos = start_pos

    @property
    def end(self) -> int:
        return self.start_pos + len(self.text)

    @property
    def span(self) -> Span:
        return Span(self.start_pos, self.end)


class UnknownCharacterError(Exception):
    """A character that begins nothing; the parser words the report."""

    def __init__(self, lexeme: Lexeme) -> None:
        super().__init__(lexeme)
        self.lexeme = lexeme


class Lexer:
    """Cuts a `Source` into lexemes."""

    def __init__(self, tables: Tables) -> None:
        groups = [f"(?P<{name}>{pattern})" for name, pattern in tables.terminals]
        self.pattern = re.compile("|".join([*groups, r"(?P<UNKNOWN>[\s\S])"]))
        self.words = tables.words
        self.ignored = frozenset(tables.ignored)

    def cut(self, source: Source) -> Iterator[Lexeme]:
        """The lexemes in order.

        Raises:
            UnknownCharacterError: a character that begins nothing.
            LimitError: more lexemes than the limit.
        """
        brackets = source.brackets
        newline: Lexeme | None = None
        left = MAX_LEXEMES
        for match in self.pattern.finditer(source.text, source.text.startswith("\ufeff")):
            kind = match.lastgroup or ""
            if kind in self.ignored:
                continue
            lexeme = Lexeme(kind, match[0], match.start())
            if kind == "NEWLINE":
                if source.last is not None and not brackets and newline is None:
                    newline = lexeme
                continue
            if newline is not None:  # kept back until something follows: blank lines do not count
                yield newline
                newline = None
            if kind in _OPENING:
                brackets.append(lexeme)
            elif kind in _CLOSING:
                source.closed = brackets.pop() if brackets else None
            elif kind == "NAME" or kind == "FUNCTION":
                self._settle(lexeme, source)
            elif kind == "UNKNOWN":
                raise UnknownCharacterError(lexeme)
            left -= 1
            if left < 0:
                raise LimitError(
                    f"the text has more than {MAX_LEXEMES:,} numbers, names and signs", source.text, lexeme.span
                )
            source.last = lexeme
            yield lexeme
        source.ended = True

    def _settle(self, lexeme: Lexeme, source: Source) -> None:
        """Tell words from names, and refuse characters that a name may not contain."""
        last = source.last
        if last is not None and last.text == "0" and last.end == lexeme.start_pos and _BASE.match(lexeme.text):
            whole = Lexeme("", last.text + lexeme.text, last.start_pos)
            hint = "numbers are decimal; for a product write the '*'"
            raise SourceError(f"'{whole.text:.40}' is no number here", source.text, whole.span, "", hint)
        if not lexeme.text.isascii():
            place = misfit(lexeme.text)
            if place is not None:
                raise UnknownCharacterError(Lexeme("UNKNOWN", lexeme.text[place], lexeme.start_pos + place))
        lexeme.type = self.words.get(normal(lexeme.text), lexeme.type)
        if lexeme.type == "FUNCTION" and not source.brackets and source.text[lexeme.end] != "(":
            gap = source.text[lexeme.end : source.text.index("(", lexeme.end)]
            if "\n" in gap or "\r" in gap:  # the bracket begins another line
                lexeme.type = "NAME"


class Source:
    """A text being read, and what is open in it."""

    __slots__ = ("brackets", "closed", "ended", "last", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.brackets: list[Lexeme] = []
        self.closed: Lexeme | None = None
        self.last: Lexeme | None = None
        self.ended = False

    def between(self, first: Lexeme) -> Lexeme:
        """What stands from ``first`` to the lexeme before the one that was read last."""
        end = len(self.text) if self.ended or self.last is None else self.last.start_pos
        return Lexeme("", self.text[first.start_pos : end].rstrip(), first.start_pos)
