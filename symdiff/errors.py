"""The exceptions of symdiff, and the report that points into the user's text.

SymdiffError
├── SourceError (ValueError)      a text that cannot be read; points at the mistake
│   └── LimitError                ... because it asks for more work than a stated limit
├── VariableError (TypeError)     variables missing, unknown, given twice, or not numbers
├── ShapeError (ValueError)       arrays that do not broadcast together
├── OperationError (TypeError)    an operation applied to the wrong number or kind of arguments
├── UndifferentiableError (TypeError)   an operation whose row has no partial for that argument
├── TensorError (RuntimeError)    what tensors, or the graph that they recorded, do not allow
│   └── TensorShapeError (also ShapeError)      ... because of their shapes
├── ElementError (IndexError)     an index outside of a tensor
├── SettingError (ValueError)     an option or hyperparameter outside its range
├── StateError (RuntimeError)     a state dictionary that does not fit the module or optimizer
├── GradcheckError (RuntimeError)     a gradient that is not that of its function, or cannot be judged
├── WorkerError (RuntimeError)    a helper process that gave no answer
└── MissingExtraError (ImportError)     an optional package that is not installed

SymdiffWarning (UserWarning)      what was read is probably not what was meant
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


class SymdiffError(Exception):
    """The root of every error that symdiff raises on purpose."""


class SymdiffWarning(UserWarning):
    """Something legal that is probably a slip, such as ``x`` and ``X`` in one formula."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters, counted from 0, in a source text."""

    start: int
    end: int


class SourceError(SymdiffError, ValueError):
    """A text that symdiff cannot read.

    Attributes:
        summary: what is wrong, in one line.
        source: the whole text.
        span: the characters at fault.
        label: what stands beside the carets, for instance what was expected there.
        hint: what to type instead, or an empty string.
    """

    def __init__(self, summary: str, source: str, span: Span, label: str = "", hint: str = "") -> None:
        self.summary = summary
        self.source = source
        self.span = span
        self.label = label
        self.hint = hint
        super().__init__(summary, source, span, label, hint)

    @property
    def line(self) -> int:
        """The line of the mistake, counted from 1."""
        return _place(self.source, self.span.start)[0]

    @property
    def column(self) -> int:
        """The column of the mistake, in characters, counted from 1."""
        return self.span.start - _place(self.source, self.span.start)[1] + 1

    def __str__(self) -> str:
        parts = [self.summary, "", underline(self.source, self.span, self.label)]
        if self.hint:
            parts += ["", f"hint: {self.hint}"]
        return "\n".join(parts)


class LimitError(SourceError):
    """A text that would cost more than a stated limit; the summary names the limit."""


class VariableError(SymdiffError, TypeError):
    """Variables that are missing, unknown, given twice or not numbers; the message names all of them."""


class ShapeError(SymdiffError, ValueError):
    """Arrays whose shapes do not broadcast together; the message names them with their shapes."""


class OperationError(SymdiffError, TypeError):
    """An operation applied to the wrong number or kind of arguments."""


class UndifferentiableError(SymdiffError, TypeError):
    """A derivative by an argument for which the operation's row has no partial."""


class TensorError(SymdiffError, RuntimeError):
    """An operation, a change in place or a backward pass that tensors do not allow; the message says what to do."""


class TensorShapeError(ShapeError, TensorError):
    """Tensors whose shapes do not fit together; the message shows them."""


class ElementError(SymdiffError, IndexError):
    """An index outside of a tensor; the message gives the size."""


class SettingError(SymdiffError, ValueError):
    """An option or hyperparameter that is outside its range; the message gives the range."""


class StateError(SymdiffError, RuntimeError):
    """A state dictionary that does not fit; the message names what is missing, unexpected or of another shape."""


class GradcheckError(SymdiffError, RuntimeError):
    """A gradient that is not that of its function, or of which nothing can be said; the message gives both numbers."""


class WorkerError(SymdiffError, RuntimeError):
    """A helper process that gave no answer; the message says why."""


class MissingExtraError(SymdiffError, ImportError):
    """An optional package is needed; the message says what to install."""


_WINDOW = 72  # characters of a long line that are shown around the mistake


def underline(source: str, span: Span, label: str = "") -> str:
    """Return the line of ``span`` with carets under it, cut to a window where the line is long."""
    number, begin = _place(source, span.start)
    line = re.split(r"[\r\n]", source[begin:], maxsplit=1)[0]
    first = span.start - begin
    last = max(first + 1, min(span.end - begin, len(line)))
    cut = max(0, first - _WINDOW // 2) if len(line) > _WINDOW else 0
    shown = _printable(line[cut : cut + _WINDOW])
    prefix, tail = ("…" if cut else ""), ("…" if cut + _WINDOW < len(line) else "")
    gap = " " * _width(prefix + shown[: first - cut])
    marks = "^" * max(1, _width(shown[first - cut : last - cut]))
    return f"{number} |  {prefix}{shown}{tail}\n{' ' * len(str(number))} |  {gap}{marks}{' ' + label if label else ''}"


def _place(source: str, position: int) -> tuple[int, int]:
    """The number of the line at ``position``, and where it begins; it may end in CR, LF or both."""
    ends = [match.end() for match in re.finditer(r"\r\n?|\n", source[:position])]
    return len(ends) + 1, ends[-1] if ends else 0


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to ``count`` of the ``known`` names that look like ``name``, the nearest first."""
    from difflib import get_close_matches  # for mistakes only

    exact = [k for k in known if k.lower() == name.lower()]
    return (exact + [k for k in get_close_matches(name, list(known), n=count, cutoff=0.6) if k not in exact])[:count]


def listed(words: Iterable[str], last: str = "and") -> str:
    """Join words as a sentence does: ``a``, ``a and b``, ``a, b and c``."""
    items = list(words)
    return f" {last} ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _printable(text: str) -> str:
    text = text.replace("\t", " ")
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in text)


def _width(text: str) -> int:
    """Columns that ``text`` takes in a terminal: wide characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)
