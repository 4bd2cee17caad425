"""The lexer: one regular expression, made from the terminals of the grammar.

It cuts a text into strings. What kind a string is, is found once for each that occurs, and where it stands
when an error asks. Line ends inside brackets, where they do not count, are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import length_hint
from typing import Final

from symdiff.errors import LimitError, SourceError, Span
from symdiff.text.names import misfit, normal
from symdiff.text.tables import Tables

# What the slowest texts of this many lexemes take stays below five seconds; a megabyte of
# ordinary formula has 650,000.
MAX_LEXEMES: Final = 700_000

END: Final = "$END"
UNKNOWN: Final = "UNKNOWN"
BASED: Final = "NUMBER BASED"
_BASE: Final = "0[xXbBoO][0-9a-fA-F]"  # 0x10, 0b11, 0o17
_LINE_END: Final = r"[\r\n]+"
_OPENING: Final = ("LPAR", "LSQB")
_CLOSING: Final = ("RPAR", "RSQB")
_MARK: Final = "\ufeff"  # of the byte order, at the start of a file
_MOST_KINDS: Final = 10_000  # of strings whose kinds are remembered ...
_LONGEST: Final = 100  # ... and the characters of one


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


class Kinds(dict[str, str]):
    """The terminal of each string. ``sin(`` has two, FUNCTION and LPAR, with a blank between; so has ``0x1``."""

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        groups = [f"(?P<{name}>{pattern})" for name, pattern in tables.terminals if name != "FUNCTION"]
        self.pattern = re.compile("|".join([f"(?P<BASED>{_BASE})", *groups, rf"(?P<{UNKNOWN}>[\s\S])"]))
        self.words = tables.words

    def __missing__(self, text: str) -> str:
        kind = self._kind(text)
        if len(text) <= _LONGEST:
            if len(self) > _MOST_KINDS:
                self.clear()
            self[text] = kind
        return kind

    def _kind(self, text: str) -> str:
        match = self.pattern.match(text)
        if match is None:
            return END
        kind = match.lastgroup or ""
        if kind == "BASED":
            return BASED
        if kind != "NAME":
            return kind
        if not text.isascii() and misfit(match[0]) is not None:
            return UNKNOWN
        if match.end() == len(text):
            return self.words.get(normal(text), kind)
        return f"{self.words.get(normal(match[0]), 'FUNCTION')} LPAR"


class Lexer:
    """Cuts a text into lexemes, each of which is the string that it is."""

    def __init__(self, tables: Tables) -> None:
        ignored = "|".join([pattern for name, pattern in tables.terminals if name in tables.ignored])
        kept = {name: pattern for name, pattern in tables.terminals if name not in (*tables.ignored, "FUNCTION")}
        # A function is a name, without a subscript, before a bracket; the two are cut as one.
        kept["NAME"] += rf"(?:(?<!\])(?:{dict(tables.terminals)['BLANK']}|{_LINE_END})*+\()?"
        self.pattern = re.compile(rf"(?:{ignored})*+({'|'.join([_BASE, *kept.values()])}|[\s\S]|\Z)")
        self.kinds = Kinds(tables)

    def cut(self, text: str) -> Source:
        """The lexemes of a text, and an empty one at its end."""
        if "\n" in text or "\r" in text or ";" in text:
            texts = [piece for piece, _ in self.placed(text)]
        else:
            texts = self.pattern.findall(text, text.startswith(_MARK))
            if texts[-2:] == ["", ""]:  # blanks before the end
                texts.pop()
        source = Source(self, text, texts)
        if len(texts) + text.count("(") > MAX_LEXEMES:
            source.shorten()
        return source

    def placed(self, text: str) -> Iterator[tuple[str, int]]:
        """The lexemes and where they start, without the line ends that do not count."""
        depth = 0
        line_end: tuple[str, int] | None = None
        begun = False
        for match in self.pattern.finditer(text, text.startswith(_MARK)):
            piece, start = match[1], match.start(1)
            kind = self.kinds[piece]
            if kind == "NEWLINE":
                if begun and not depth:
                    line_end = line_end or (piece, start)
                continue
            if line_end is not None and piece:  # kept back until something follows: blank lines do not count
                yield line_end
                line_end = None
            begun = True
            if kind.endswith(_CLOSING):
                depth = max(0, depth - 1)
            elif kind.endswith(_OPENING):
                gap = None if depth else re.search(_LINE_END, piece)
                if gap is not None:  # the bracket begins another line
                    yield piece[: gap.start()].rstrip(), start
                    yield gap[0], start + gap.start()
                    piece, start = "(", match.end() - 1
                depth += 1
            yield piece, start
            if not piece:
                return

    def check_limits(self, source: Source, i: int) -> None:
        """Refuse a lexeme that is one too many, or begins with a character that begins nothing.

        Raises:
            LimitError, UnknownCharacterError: it is that.
        """
        lexeme = source.lexeme(i)
        if i == source.limit:
            raise LimitError(
                f"the text has more than {MAX_LEXEMES:,} numbers, names and signs", source.text, lexeme.span
            )
        if lexeme.type == UNKNOWN:
            place = misfit(lexeme.text) or 0
            raise UnknownCharacterError(Lexeme(UNKNOWN, lexeme.text[place], lexeme.start_pos + place))

    def check_base(self, source: Source, i: int) -> None:
        """Refuse ``0x10``.

        Raises:
            SourceError: it is that.
        """
        if self.kinds[source.texts[i]] == BASED:
            lexeme = source.lexeme(i)
            name = self.kinds.pattern.match(source.text, lexeme.end)
            whole = "0" + (name[0] if name else "")
            span = Span(lexeme.start_pos, lexeme.start_pos + len(whole))
            hint = "numbers are decimal; for a product write the '*'"
            raise SourceError(f"'{whole:.40}' is no number here", source.text, span, "", hint)


class Source:
    """A text that was cut into lexemes. Where they stand is found when it is asked for."""

    def __init__(self, lexer: Lexer, text: str, texts: list[str]) -> None:
        self.lexer = lexer
        self.text = text
        self.texts = texts
        self.limit = -1  # the lexeme that is one too many
        self._left = iter(texts)
        self._placed: list[tuple[str, int]] = []

    def shorten(self) -> None:
        """Leave out what follows the first lexeme beyond the limit; that one can stand nowhere."""
        left = MAX_LEXEMES
        for i, text in enumerate(self.texts):
            left -= 1 + (" " in self.lexer.kinds[text])
            if left < 0 and text:
                self.limit = i
                self.texts[i:] = [_MARK]
                break

    def numbered(self) -> Iterable[tuple[int, str]]:
        """The lexemes with their numbers; for the parse loop."""
        return enumerate(self._left)

    @property
    def reached(self) -> int:
        """The number of the lexeme that the parse loop has come to."""
        return len(self.texts) - length_hint(self._left) - 1

    def lexeme(self, i: int) -> Lexeme:
        """A lexeme with its place; of a name with its bracket the name."""
        if not self._placed:
            self._placed = list(self.lexer.placed(self.text))
        text, start = self._placed[i]
        kind = self.lexer.kinds[text]
        if kind == END:
            return Lexeme(END, "", len(self.text))
        if kind == BASED:
            return Lexeme("NUMBER", text[:1], start)
        first, _, bracket = kind.partition(" ")
        return Lexeme(first, text[:-1].rstrip() if bracket else text, start)

    def opened(self, i: int) -> list[Lexeme]:
        """The brackets that are open before a lexeme."""
        found: list[Lexeme] = []
        for k, text in enumerate(self.texts[:i]):
            kind = self.lexer.kinds[text]
            if kind.endswith(_OPENING):
                found.append(Lexeme(kind, text[-1], self.lexeme(k).start_pos + len(text) - 1))
            elif kind in _CLOSING and found:
                found.pop()
        return found

    def between(self, i: int) -> Lexeme:
        """What stands from a lexeme to the one before that which was read last."""
        first = self.lexeme(i)
        return Lexeme("", self.text[first.start_pos : self.lexeme(self.reached).start_pos].rstrip(), first.start_pos)
