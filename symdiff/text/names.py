"""Names: their one spelling, their subscripts, and those that are easily taken for one another."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Final

from symdiff.errors import OperationError, SymdiffWarning, listed

WORDS: Final = frozenset({"if", "else", "and", "or", "not"})  # besides the constants, all that is reserved

Index = int | tuple[str, int]  # a subscript: 3, or i + 3

_NAME: Final = r"[^\W\d_](?:[\w\u0300-\u036f])*"  # compiled where it is used, for a quick start
_INDEX: Final = r"([+-]?[0-9]{1,9})|([^\W\d_]\w*)(?:[ \t]*([+-])[ \t]*([0-9]{1,9}))?"


def normal(name: str) -> str:
    """The one spelling: ``𝑥`` is ``x``, ``x₁`` is ``x1``, and an accent is part of its letter."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def misfit(name: str) -> int | None:
    """The place of the first character that no name may contain, such as the power in ``xⁿ``."""
    return next((i for i, char in enumerate(name) if not char.isascii() and not _fits(char)), None)


@cache
def _fits(char: str) -> bool:
    if unicodedata.decomposition(char).startswith(("<super>", "<fraction>")) or unicodedata.category(char) == "No":
        return unicodedata.decomposition(char).startswith("<sub>")
    return re.fullmatch(r"[\w\u0300-\u036f]+", unicodedata.normalize("NFKC", char)) is not None


def checked_name(name: str) -> str:
    """The name of a variable as the language spells it.

    Raises:
        OperationError: a formula could not contain it.
    """
    base, bracket, inside = name.partition("[")
    if not re.fullmatch(_NAME, base) or misfit(name) is not None or normal(base) in WORDS:
        raise OperationError(f"{name!r:.60} is no name: a letter first, then letters, digits and underscores")
    if not bracket:
        return normal(base)
    parts = indices(inside[:-1]) if inside.endswith("]") else None
    if parts is None or any(not isinstance(part, int) or part < 0 for part in parts):
        raise OperationError(f"{name!r:.60} is no name: a subscript is a whole number, as in x[0]")
    return spelled(normal(base), parts)


# ---- subscripts


def indices(inside: str) -> list[Index] | None:
    """What stands in the brackets of ``x[0, i+1]``; None where that is no subscript."""
    found: list[Index] = []
    for part in normal(inside).split(","):
        match = re.fullmatch(_INDEX, part.strip(" \t"))
        if match is None:
            return None
        number, name, sign, offset = match.groups()
        found.append(int(number) if number else (name, int(f"{sign or '+'}{offset or 0}")))
    return found


def spelled(base: str, parts: Iterable[Index]) -> str:
    """A subscripted name in its one spelling: ``x[0,i+1]``."""
    return f"{base}[{','.join(map(_word, parts))}]"


def _word(part: Index) -> str:
    if isinstance(part, int):
        return str(part)
    return f"{part[0]}{part[1]:+}" if part[1] else part[0]


def split(name: str) -> tuple[str, list[Index]]:
    """A spelled name as its base and its subscripts, if it has any."""
    base, bracket, inside = name.partition("[")
    return base, (indices(inside[:-1]) or []) if bracket else []


# ---- lookalikes

_GROUPS: Final = 3  # how many a warning names


def warn_of_lookalikes(names: Sequence[str], declared: Sequence[str], stacklevel: int) -> None:
    """Warn of variables that differ in case, an underscore or an alphabet alone, unless they were declared."""
    known = frozenset(map(normal, declared))
    if known.issuperset(names):
        return
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_likeness(name), []).append(name)
    alike = (group for group in groups.values() if len(group) > 1 and not known.issuperset(group))
    shown = [listed(f"'{name:.40}'" for name in group[:5]) for group in islice(alike, _GROUPS)]
    if shown:
        message = f"{'; '.join(shown)} are different variables; give variables= if that is meant"
        warnings.warn(message, SymdiffWarning, stacklevel=stacklevel + 1)


# Cyrillic and Greek letters, each above the Latin one that it is taken for.
_LATIN: Final = str.maketrans(
    "АВЕКМНОРСТХасеорхуіјѕԁΑΒΕΖΗΙΚΜΝΟΡΤΥΧον",
    "ABEKMHOPCTXaceopxyijsdABEZHIKMNOPTYXov",
)


def latin(name: str) -> str:
    """The name with Latin letters in place of those that only look like them."""
    return name if name.isascii() else name.translate(_LATIN)


def _likeness(name: str) -> str:
    if len(name) == 1 and "α" <= name <= "ω" and name != "ο":
        name = unicodedata.name(name).rpartition(" ")[2]  # alpha and α in one formula
    return latin(name).casefold().replace("_", "")
