"""``sum(term, i, 1, 10)`` and ``prod(...)``: written out, within one budget for the whole text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from symdiff.dag import Apply, Const, Node, Symbol, build, nodes_of
from symdiff.errors import LimitError
from symdiff.ops import OPS, Op
from symdiff.text.names import Index, spelled, split

MAX_UNROLLED: Final = 200_000  # nodes that all sums, products and derivatives of a text may write out

Fail = Callable[..., NoReturn]


class Unroller:
    """Writes sums and products out and keeps the budget of one text."""

    def __init__(self, fail: Fail) -> None:
        self.fail = fail
        self.left = MAX_UNROLLED

    def charge(self, nodes: int, place: int, label: str) -> None:
        """Take from the budget before the work is done."""
        self.left -= nodes
        if self.left < 0:
            self.fail(
                f"the sums, products and derivatives of a text may write out {MAX_UNROLLED:,} nodes in all",
                place,
                label,
                kind=LimitError,
            )

    def unroll(self, op: Op, empty: Const, args: Sequence[Node], place: int) -> Node:
        """``term`` for each value of the index, joined by ``op``."""
        term, name, first, last = self._arguments(args, "sum" if op is OPS["add"] else "prod", place)
        order = nodes_of([term])
        count = max(0, last - first + 1)
        self.charge(max(1, count) * (len(order) + 1), place, f"{count:,} terms of {len(order):,} nodes")
        moving = _moving(order, name)
        result: Node | None = None
        for value in range(first, last + 1):
            one = self._term(term, moving, name, value, place)
            result = one if result is None else Apply(op, (result, one))
        return empty if result is None else result

    def _term(self, term: Node, moving: list[Node], name: str, value: int, place: int) -> Node:
        """``term`` with the index replaced by a number, in subscripts too."""
        made: dict[Node, Node] = {}
        for node in moving:
            match node:
                case Symbol(other):
                    made[node] = Const(value) if other == name else self._subscripted(other, name, value, place)
                case Apply(op, args):
                    made[node] = build(op, tuple([made.get(arg, arg) for arg in args]))
        return made.get(term, term)

    def _subscripted(self, symbol: str, name: str, value: int, place: int) -> Node:
        base, parts = split(symbol)
        numbers = [value + part[1] if isinstance(part, tuple) and part[0] == name else part for part in parts]
        low = [number for number in numbers if isinstance(number, int) and number < 0]
        if low:
            self.fail(f"a subscript may not be negative: {base}[{low[0]}] for {name} = {value}", place)
        return Symbol(spelled(base, numbers))

    def _arguments(self, args: Sequence[Node], call: str, place: int) -> tuple[Node, str, int, int]:
        match args:
            case [term, Symbol(name), Const(int(first), False), Const(int(last), False)] if "[" not in name:
                return term, name, first, last
            case [_, Symbol(), _, _]:
                what = "the bounds of {} are whole numbers, written out"
            case [_, index, _, _]:
                known = "a constant or a named part" if not isinstance(index, Const) else "a number"
                what = f"the index of {{}} is a free name, such as i; this is {known}"
            case _:
                what = "{} takes 4 arguments: a term, its index, and the first and last value"
        self.fail(what.format(call), place, "", f"write {call}(i**2, i, 1, 10)")


def _moving(order: list[Node], name: str) -> list[Node]:
    """The nodes in which the index occurs, arguments first."""
    found: dict[Any, None] = {}
    for node in order:
        if any(arg in found for arg in node.args) or (isinstance(node, Symbol) and _names(node.name, name)):
            found[node] = None
    return list(found)


def _names(symbol: str, name: str) -> bool:
    def mentions(part: Index) -> bool:
        return isinstance(part, tuple) and part[0] == name

    return symbol == name or any(map(mentions, split(symbol)[1]))
