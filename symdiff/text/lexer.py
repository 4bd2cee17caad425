"""The lexer: one regular expression, made from the terminals of the grammar.

It yields lexemes that know their place and nothing else (a third of the cost of Lark's tokens),
and drops line ends inside brackets, where they do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from lark.common import LexerConf
from lark.lexer import Lexer, PatternStr

from symdiff.errors import SourceError, Span

_OPENING: Final = frozenset({"LPAR", "LSQB"})
_CLOSING: Final = frozenset({"RPAR", "RSQB"})


class Lexeme:
    """A piece of the text: its terminal, its characters and where they start."""

    __slots__ = ("start_pos", "text", "type")
    line = column = end_line = end_column = None  # Lark copies these to its end marker
    end_pos = None

    def __init__(self, type: str, text: str, start_pos: int) -> None:
        self.type = type
        self.text = text
        self.start_pos = start_pos

    @property
    def span(self) -> Span:
        return Span(self.start_pos, self.start_pos + len(self.text))


class FormulaLexer(Lexer):
    """Cuts a `Source` into lexemes."""

    __future_interface__ = 2

    def __init__(self, conf: LexerConf) -> None:
        terminals = sorted(
            conf.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name)
        )
        words = [t for t in terminals if isinstance(t.pattern, PatternStr) and t.pattern.value.isalpha()]
        self.words = {t.pattern.value: t.name for t in words}
        groups = [f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in terminals if t not in words]
        self.pattern = re.compile("|".join([*groups, r"(?P<UNKNOWN>[\s\S])"]))
        self.ignored = frozenset(conf.ignore)

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Lexeme]:
        source: Source = lexer_state.text
        brackets = source.brackets
        newline: Lexeme | None = None
        started = False
        for match in self.pattern.finditer(source.text):
            kind = match.lastgroup or ""
            if kind in self.ignored:
                continue
            lexeme = Lexeme(kind, match[0], match.start())
            if kind == "NEWLINE":
                if started and not brackets and newline is None:
                    newline = lexeme
                continue
            if newline is not None:  # kept back until something follows: blank lines do not count
                yield newline
                newline = None
            if kind in _OPENING:
                brackets.append(lexeme)
            elif kind in _CLOSING:
                if brackets:
                    source.closed = brackets.pop()
            elif kind == "NAME" or kind == "FUNCTION":
                lexeme.type = self.words.get(lexeme.text, kind)
            elif kind == "UNKNOWN":
                raise unknown_character(source.text, lexeme)
            started = True
            source.last = lexeme
            yield lexeme


class Source:
    """A text being read, and what is open in it."""

    __slots__ = ("brackets", "closed", "last", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.brackets: list[Lexeme] = []
        self.closed: Lexeme | None = None
        self.last: Lexeme | None = None


_ADVICE: Final = {
    "|": "write abs(x) for |x|",
    "!": "write gamma(n + 1) for n!",
    "&": "write 'and'",
    "~": "write 'not'",
    "{": "use round brackets",
    "}": "use round brackets",
    "\\": "this is not LaTeX; write sin(x), sqrt(x), a/b",
    "$": "leave the dollar signs out",
    "'": "write diff(f, x) for a derivative",
    "_": "a name begins with a letter; numbers have no separators",
    "∞": "write inf",
    "∂": "write diff(f, x)",
    "%": "write mod(a, b)",
    ":": "write r = ... to name a part",
}


def unknown_character(text: str, lexeme: Lexeme) -> SourceError:
    """The error for a character that begins nothing."""
    char = lexeme.text
    shown = repr(char) if char.isprintable() and not char.isspace() else f"U+{ord(char):04X}"
    return SourceError(f"unexpected character {shown}", text, lexeme.span, "", _ADVICE.get(char, ""))
