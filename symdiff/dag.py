"""Interned expression nodes: a formula as a directed acyclic graph with one object per structure.

``is`` compares formulas, and a shared part is stored once. Operators and operations on nodes
build exactly what the parser builds from the same text; nothing is simplified here.

How interning lets go: the table holds nodes strongly, which costs 0.5 µs a node where weak
references cost 1.4, and is swept when it has doubled (and whenever the garbage collector runs in
full): an entry that only the table still refers to is dropped, users before arguments. A sweep
is linear in the table, so its cost per node made is constant.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import singledispatch
from operator import attrgetter
from typing import Any, ClassVar, Final, TypeVar

from symdiff.errors import OperationError
from symdiff.graph import topological_order
from symdiff.ops import OPS, Exact, Op, Overloads, lookup

Rational = int | Fraction
N = TypeVar("N")


class Node(Overloads):
    """A node of the graph: `Symbol`, `Const` or `Apply`. Immutable; compared by identity."""

    __slots__ = ("__weakref__",)

    args: tuple[Node, ...]

    @property
    def entry(self) -> tuple[Any, Any]:
        """Where the table of nodes has it: the operation or the class, and what the node holds."""
        raise NotImplementedError

    def apply(self, op: Op, args: tuple[Any, ...]) -> Any:
        for arg in args:
            if isinstance(arg, Overloads) and not isinstance(arg, Node | Exact):
                return arg.apply(op, args)
        return build(op, tuple([arg if isinstance(arg, Node) else as_node(arg) for arg in args]))

    def __bool__(self) -> bool:
        raise TypeError("a formula has no truth value; compare with 'is', or use where(condition, a, b)")

    def __repr__(self) -> str:
        size = len(nodes_of([self]))
        return f"<{type(self).__name__} of {size} node{'s' * (size > 1)}>"

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self

    def __reduce__(self) -> tuple[Callable[..., Node], tuple[Any, ...]]:
        return _restored, (flatten([self]),)


class Symbol(Node):
    """A variable."""

    __slots__ = ("name",)
    __match_args__ = ("name",)
    args = ()
    name: str

    def __new__(cls, name: str) -> Symbol:
        node: Symbol | None = _NODES[cls].get(name)
        if node is None:
            node = object.__new__(cls)
            node.name = name
            node = _TABLE.keep(cls, name, node)
        return node

    @property
    def entry(self) -> tuple[Any, Any]:
        return Symbol, self.name


class Const(Node):
    """An exact rational number. One that was written as a decimal is printed as one.

    ``Const(2)``, ``Const(Fraction(1, 3))``, ``Const(Fraction(1, 10), decimal=True)``.
    """

    __slots__ = ("decimal", "value")
    __match_args__ = ("value", "decimal")
    args = ()
    value: Rational
    decimal: bool

    def __new__(cls, value: Rational, decimal: bool = False) -> Const:
        key = value.numerator, value.denominator, decimal  # a fraction's own hash takes longer than all the rest
        node: Const | None = _NODES[cls].get(key)
        if node is None:
            node = object.__new__(cls)
            node.value = key[0] if key[1] == 1 else Fraction(value)
            node.decimal = decimal
            node = _TABLE.keep(cls, key, node)
        return node

    @property
    def entry(self) -> tuple[Any, Any]:
        return Const, (self.value.numerator, self.value.denominator, self.decimal)

    def __float__(self) -> float:
        return rounded(self.value)

    @property
    def literal(self) -> Rational:
        return self.value


class Apply(Node):
    """An operation applied to nodes. Made by `build`."""

    __slots__ = ("args", "op")
    __match_args__ = ("op", "args")
    op: Op
    args: tuple[Node, ...]

    def __new__(cls, op: Op, args: tuple[Node, ...]) -> Apply:
        node: Apply | None = _NODES[op].get(args)
        if node is None:
            node = object.__new__(cls)
            node.op = op
            node.args = args
            node = _TABLE.keep(op, args, node)
        return node

    @property
    def entry(self) -> tuple[Any, Any]:
        return self.op, self.args

    @property
    def operands(self) -> list[Any]:
        """What the row's rules are given: orders as integers, other arguments as they are."""
        orders = self.op.parameters
        return [arg.literal if i < orders else arg for i, arg in enumerate(self.args)]


def build(op: Op, args: tuple[Node, ...]) -> Node:
    """``op(*args)`` as a node, with literals in their one form.

    A minus before a number and a ratio of two coprime integers are numbers themselves: ``-3``
    and ``1/3`` are `Const`, as they are when the printed form of a number is read back.

    Raises:
        OperationError: the wrong number of arguments, or a parameter that is no literal integer.
    """
    if len(args) != op.arity or op.parameters:
        _check(op, args)
    if op.infix and type(args[0]) is Const:
        if op is OPS.get("neg"):
            return Const(-args[0].value, args[0].decimal)
        if op is OPS.get("div") and type(args[1]) is Const:
            ratio = _literal_ratio(args[0], args[1])
            if ratio is not None:
                return ratio
    return Apply(op, args)


def _literal_ratio(top: Const, bottom: Const) -> Const | None:
    a, b = top.value, bottom.value
    if top.decimal or bottom.decimal or not isinstance(a, int) or not isinstance(b, int) or b < 2:
        return None
    ratio = Fraction(a, b)
    return Const(ratio) if ratio.denominator == b else None


def _check(op: Op, args: tuple[Node, ...]) -> None:
    if op.arity is None:
        if not args:
            raise OperationError(f"{op.name} needs at least one argument")
    elif len(args) != op.arity:
        raise OperationError(f"{op.name} takes {op.arity} argument{'s' * (op.arity != 1)}, not {len(args)}")
    for order in args[: op.parameters]:
        if type(order) is not Const or not isinstance(order.value, int) or order.value < op.least:
            raise OperationError(f"the order of {op.name} must be a literal integer, {op.least} or more")


@singledispatch
def as_node(value: Any) -> Node:
    """A node for a value: a node itself, a number (exact; a float by its shortest decimal), an `Exact`.

    Raises:
        OperationError: the value is none of these.
    """
    raise OperationError(f"a formula cannot hold a {type(value).__name__}: {value!r:.60}")


@as_node.register
def _(value: Node) -> Node:
    return value


@as_node.register(int)
@as_node.register(Fraction)
def _(value: Rational) -> Node:
    if max(abs(value.numerator), value.denominator) >= _TOO_LARGE:
        raise OperationError(f"a formula cannot hold a number of more than {_MOST_DIGITS:,} digits")
    return Const(int(value) if isinstance(value, int) else value)


@as_node.register
def _(value: Decimal) -> Node:
    return as_node(float(value)) if not value.is_finite() else Const(Fraction(value), decimal=True)


@as_node.register
def _(value: float) -> Node:
    value = float(value)  # NumPy's float64 is a float with another repr
    if value != value:
        raise OperationError("nan is not a number; a formula cannot hold it")
    if value in (float("inf"), float("-inf")):
        infinity = Apply(OPS["inf"], ())
        return infinity if value > 0 else build(OPS["neg"], (infinity,))
    return Const(Fraction(repr(value)), decimal=True)


@as_node.register
def _(value: Exact) -> Node:
    made: dict[Any, Node] = {}
    parts: list[Any] = topological_order([value], _exact_args)
    for part in parts:
        args = tuple([made[arg] for arg in _exact_args(part)])
        made[part] = build(part.op, args) if isinstance(part, Exact) else as_node(part)
    return made[value]


def _exact_args(value: Any) -> tuple[Any, ...]:
    return value.args if isinstance(value, Exact) else ()


_ARGS: Final = attrgetter("args")


def nodes_of(roots: Iterable[Node]) -> list[Node]:
    """Every node under ``roots``, arguments before users, each once."""
    return topological_order(roots, _ARGS)


def symbols_of(roots: Iterable[Node]) -> list[str]:
    """The names of the variables under ``roots``, in the order in which they occur."""
    return [node.name for node in nodes_of(roots) if type(node) is Symbol]


def rebuilt(roots: Iterable[Node], replace: Callable[[Node, tuple[Node, ...]], Node]) -> dict[Node, Node]:
    """Map every node under ``roots`` to ``replace(node, its mapped arguments)``."""
    made: dict[Node, Node] = {}
    for node in nodes_of(roots):
        made[node] = replace(node, tuple([made[arg] for arg in node.args]))
    return made


def rounded(value: Rational) -> float:
    """The double nearest to an exact number; infinite where it is beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


_MOST_DIGITS: Final = 4_300  # more, Python does not print
_TOO_LARGE: Final = 10**_MOST_DIGITS

Row = tuple[Any, ...]


def flatten(roots: Sequence[Node]) -> tuple[list[Row], list[int]]:
    """A graph as rows that name earlier rows by number, and the numbers of the roots."""
    index: dict[Node, int] = {}
    rows: list[Row] = []
    for i, node in enumerate(nodes_of(roots)):
        index[node] = i
        match node:
            case Symbol(name):
                rows.append(("symbol", name))
            case Const(value, decimal):
                rows.append(("const", value, decimal))
            case Apply(op, args):
                rows.append(("apply", op.name, tuple(index[arg] for arg in args)))
            case _:
                raise AssertionError(f"no row for {type(node).__name__}")
    return rows, [index[root] for root in roots]


def unflatten(rows: Sequence[Row], roots: Sequence[int]) -> list[Node]:
    """The inverse of `flatten`."""
    made: list[Node] = []
    for kind, what, *rest in rows:
        if kind == "symbol":
            made.append(Symbol(what))
        elif kind == "const":
            made.append(Const(what, rest[0]))
        else:
            made.append(Apply(lookup(what), tuple(made[i] for i in rest[0])))
    return [made[i] for i in roots]


def _restored(flat: tuple[list[Row], list[int]]) -> Node:
    return unflatten(*flat)[0]


# ---- interning


class _Nodes(dict[Any, dict[Any, Any]]):
    """Nodes by their operation or class, and then by what they hold."""

    def __missing__(self, kind: Any) -> dict[Any, Any]:
        return self.setdefault(kind, {})


class _Interning:
    """The table of nodes, and when to sweep it next."""

    least: ClassVar[int] = 1 << 14  # entries below which sweeping is not worth while

    def __init__(self) -> None:
        self.nodes = _Nodes()
        self.size = 0
        self.limit = self.least
        self.lock = threading.RLock()
        self.sweeping = False

    def keep(self, kind: Any, key: Any, node: N) -> N:
        """Enter a new node; return the one that another thread entered first, if any."""
        with self.lock:
            kept: N = self.nodes[kind].setdefault(key, node)
            if kept is node:
                self.size += 1
                if self.size > self.limit:
                    self.sweep()
        return kept

    def sweep(self) -> None:
        """Drop every node that only the table refers to."""
        with self.lock:
            if self.sweeping:  # a collection began while we allocate below
                return
            self.sweeping = True
            entered = [node for nodes in list(self.nodes.values()) for node in list(nodes.values())]
            unheld = [node for node in entered if sys.getrefcount(node) <= _UNHELD + 2]  # and `entered`, and `node`
            del entered
            while unheld:
                node = unheld.pop()
                if sys.getrefcount(node) <= _UNHELD + 1:  # and `node`
                    unheld += self._dropped(node)
                del node  # it would hold its arguments, which come next
            self.limit = max(self.least, 2 * self.size)
            self.sweeping = False

    def _dropped(self, node: Node) -> tuple[Node, ...]:
        """Take a node out, and return its arguments, which may go too.

        It is taken out before its references are counted for good, so that no other thread can
        take hold of it in between; those who miss it wait for the lock.
        """
        kind, key = node.entry
        del self.nodes[kind][key]
        if sys.getrefcount(node) > _UNHELD + 1:  # the table no more, but the variables here and in the sweep
            self.nodes[kind][key] = node
            return ()
        self.size -= 1
        return node.args


_UNHELD: Final = 2  # the table, and the argument of getrefcount
_TABLE: Final = _Interning()
_NODES: Final = _TABLE.nodes


def _on_collection(phase: str, info: dict[str, int]) -> None:
    if phase == "start" and info["generation"] == 2:
        _TABLE.sweep()


gc.callbacks.append(_on_collection)
