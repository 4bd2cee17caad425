"""``sum(term, i, 1, 10)`` and ``prod(...)``: written out, within one budget for the whole text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from symdiff.dag import Apply, Const, Node, Symbol, build, nodes_of, rebuilt
from symdiff.errors import LimitError
from symdiff.ops import Op
from symdiff.text.lexer import Lexeme

MAX_UNROLLED: Final = 200_000  # nodes that all sums and products of a text may write out

Fail = Callable[..., NoReturn]

_INDEX: Final = re.compile(r"\s*(?:(\d+)|([^\W\d_]\w*)\s*(?:([+-])\s*(\d+))?)\s*")


class Unroller:
    """Writes sums and products out and keeps the budget of one text."""

    def __init__(self, fail: Fail) -> None:
        self.fail = fail
        self.left = MAX_UNROLLED

    def unroll(self, op: Op, empty: Const, args: list[Node], place: Lexeme) -> Node:
        """``term`` for each value of the index, joined by ``op``."""
        term, name, first, last = self._arguments(args, place)
        nodes = nodes_of([term])
        count = max(0, last - first + 1)
        self.left -= count * len(nodes)
        if self.left < 0:
            self.fail(
                f"the sums and products of a text may write out {MAX_UNROLLED:,} nodes in all",
                place,
                f"{count:,} terms of {len(nodes):,} nodes",
                kind=LimitError,
            )
        result: Node | None = None
        for value in range(first, last + 1):
            one = indexed(term, name, value)
            result = one if result is None else Apply(op, (result, one))
        return empty if result is None else result

    def _arguments(self, args: list[Node], place: Lexeme) -> tuple[Node, str, int, int]:
        match args:
            case [term, Symbol(name), Const(int(first), False), Const(int(last), False)]:
                return term, name, first, last
        self.fail(
            f"{place.text} needs a term, an index and two literal integers",
            place,
            "",
            f"write {place.text}(i**2, i, 1, 10)",
        )


def indexed(term: Node, name: str, value: int) -> Node:
    """``term`` with the index replaced by a number, in subscripts too."""

    def replace(node: Node, args: tuple[Node, ...]) -> Node:
        match node:
            case Symbol(other) if other == name:
                return Const(value)
            case Symbol(other) if other.endswith("]"):
                return Symbol(_with_index(other, name, value))
            case Apply(op, _):
                return build(op, args)
            case _:
                return node

    return rebuilt([term], replace)[term]


def subscripted(name: str, lexeme: Lexeme, fail: Fail) -> str:
    """The one spelling of a subscripted name: ``x[ 0 ]`` is ``x[0]``."""
    base, _, inside = name[:-1].partition("[")
    if not all(_INDEX.fullmatch(part) for part in inside.split(",")):
        fail(f"a subscript is a number: {base}[0]", lexeme)
    inside = re.sub(r"[ \t]", "", inside)
    return f"{base}[{inside}]"


def _with_index(symbol: str, name: str, value: int) -> str:
    base, _, inside = symbol[:-1].partition("[")

    def replaced(part: str) -> str:
        match: Any = _INDEX.fullmatch(part)
        if match is None or match[2] != name:
            return part
        return str(value + int(f"{match[3] or '+'}{match[4] or 0}"))

    return f"{base}[{','.join(map(replaced, inside.split(',')))}]"
