"""The graph of a computation: every operation with its value and its adjoint, every edge with its derivative."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

from symdiff.dag import Node, Symbol, build
from symdiff.eager.look.again import Again, Part
from symdiff.eager.look.elements import numbers, tidied
from symdiff.eager.look.history import Constant, Step, history
from symdiff.eager.look.naming import Names, caller
from symdiff.eager.look.telling import call_text, cut, number_text, uniform_text
from symdiff.eager.rules import Rule
from symdiff.eager.tensor import Tensor, method
from symdiff.show.drawing import Arrow, Box, Kind, Picture
from symdiff.text.format import to_text

MOST_DRAWN: Final = 60  # nodes of a picture; of more, those nearest to the result
MOST_TOLD: Final = 60  # rows of a text
MOST_LEAVES: Final = 12  # of a picture or a text that leaves out operations
WIDE: Final = 36  # characters of a formula in a picture


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A use of one value by an operation.

    Attributes:
        user: the name of the operation's result.
        argument: the name of the value.
        formula: the local derivative in the arguments' names, such as ``2*x``. An operation on whole
            arrays has what it makes of the adjoint, such as ``expand(dz/dy, [3])``.
        derivative: the local derivative as a number, or an array with one for each element of the
            result; None for an operation on whole arrays, and for a function with its own backward.
        share: what the argument's adjoint receives along this edge.
    """

    user: str
    argument: str
    formula: str
    derivative: Any = field(repr=False)
    share: Any = field(repr=False)

    @property
    def text(self) -> str:
        """``2*x = 4``, or the formula alone where it is a number itself."""
        return f"{self.formula} = {number_text(self.derivative)}" if self.says_more else self.formula

    @property
    def says_more(self) -> bool:
        """Whether the derivative is a number that the formula does not show."""
        return self.derivative is not None and uniform_text(self.derivative) != self.formula


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A value of the computation.

    Attributes:
        name: that of the user's tensor, else v1, v2, ...
        formula: how it was computed from its arguments, such as ``x**2``; empty for a leaf.
        operation: the name of the row; empty for a leaf.
        value: the number or array.
        adjoint: the derivative of the result by it, of its shape; None for what has several results.
        is_smooth: whether the operation is differentiable here; where not, its derivative is a convention.
        recorded: its node in the tensors' own graph; None for a leaf.
    """

    name: str
    formula: str
    operation: str
    value: Any = field(repr=False)
    adjoint: Any = field(repr=False)
    is_smooth: bool = True
    recorded: Any = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Where in the user's code it was recorded; empty for a leaf."""
        return "" if self.recorded is None else str(self.recorded.place)


@dataclass(frozen=True, slots=True, repr=False)
class Graph:
    """The graph of a computation. Print it, draw it (`svg`), or ask it: ``graph["x"].adjoint``.

    Attributes:
        nodes: by name; arguments before users.
        edges: in the order of their users.
        result: the name of the result. The adjoints of a result of several elements are those of their
            sum, unless a gradient was given.
    """

    nodes: dict[str, GraphNode]
    edges: tuple[GraphEdge, ...]
    result: str

    def __getitem__(self, name: str) -> GraphNode:
        return self.nodes[name]

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"<Graph of {self.result}: {len(self.nodes)} nodes, {len(self.edges)} edges>"

    @property
    def leaves(self) -> list[GraphNode]:
        """The tensors with which the computation began."""
        return [node for node in self.nodes.values() if not node.operation]

    @property
    def operations(self) -> list[GraphNode]:
        """What was computed, in order."""
        return [node for node in self.nodes.values() if node.operation]

    def by_user(self) -> dict[str, list[GraphEdge]]:
        """The edges from each operation to its arguments, by its name."""
        found: dict[str, list[GraphEdge]] = {}
        for edge in self.edges:
            found.setdefault(edge.user, []).append(edge)
        return found

    def __str__(self) -> str:
        """A row for every value, the result first, each with its local derivatives."""
        operations, leaves = self.operations[::-1], self.leaves
        folded = max(0, len(operations) + len(leaves) - MOST_TOLD)
        if folded:
            leaves = leaves[:MOST_LEAVES]
            operations = operations[: MOST_TOLD - len(leaves)]
        by_user = self.by_user()
        rows = [("", "computed as", "value", f"d{self.result}/d", "local derivatives")]
        rows += [self._row(node, by_user.get(node.name, [])) for node in operations]
        if folded:
            rows.append(("…", f"{len(self.nodes) - len(operations) - len(leaves):,} values more", "", "", ""))
        rows += [self._row(node, []) for node in leaves]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]]) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def _row(self, node: GraphNode, edges: list[GraphEdge]) -> tuple[str, str, str, str, str]:
        told = [_derivative_text(edge, 60) for edge in edges] + [_NOT_SMOOTH] * (not node.is_smooth)
        adjoint = "" if node.adjoint is None else number_text(node.adjoint)
        return node.name, cut(node.formula, 40) or "leaf", number_text(node.value), adjoint, ", ".join(told)

    # ---- pictures

    def svg(self) -> str:
        """The graph as an SVG document, the result on top, the leaves at the bottom."""
        return self.picture().svg()

    def dot(self) -> str:
        """The graph in Graphviz's language."""
        return self.picture().dot()

    def _repr_svg_(self) -> str:
        return self.svg()

    def picture(self) -> Picture:
        """The boxes and arrows; beyond 60 nodes, what is farther from the result is one box."""
        kept = self._kept()
        names = [name for name in reversed(self.nodes) if name in kept]
        boxes = [self._box(self.nodes[name]) for name in names]
        number = {name: i for i, name in enumerate(names)}
        hidden = len(self.nodes) - len(names)
        if hidden:
            boxes.append(Box((f"{hidden:,} values more",), "folded"))
        fold = len(boxes) - 1
        arrows: dict[Any, Arrow] = {}
        for i, edge in enumerate(self.edges):
            above, below = number.get(edge.user, fold), number.get(edge.argument, fold)
            if above == below == fold and hidden:
                continue
            told = _derivative_text(edge, 200)
            if hidden and fold in (above, below):
                arrows.setdefault((above, below), Arrow(above, below))
            else:
                arrows[i] = Arrow(above, below, cut(edge.text, WIDE), told)
        note = f"the {len(names)} values nearest to {self.result}, of {len(self.nodes):,}" if hidden else ""
        return Picture(f"the graph of {self.result}", boxes, list(arrows.values()), note)

    def _box(self, node: GraphNode) -> Box:
        kind: Kind = "result" if node.name == self.result else "operation" if node.operation else "leaf"
        title = f"{node.name} = {cut(node.formula, WIDE)}" if node.formula else node.name
        lines = [title, f"value {number_text(node.value)}"]
        if node.adjoint is not None:
            lines.append(f"d{self.result}/d{node.name} = {number_text(node.adjoint)}")
        if not node.is_smooth:
            lines.append(_NOT_SMOOTH)
        return Box(tuple(lines), kind, f"{node.operation} {node.place}".strip())

    def _kept(self) -> set[str]:
        """What is drawn: all, or the nearest to the result by longest paths, with some of the leaves."""
        if len(self.nodes) <= MOST_DRAWN:
            return set(self.nodes)
        by_user = self.by_user()
        depth = dict.fromkeys(self.nodes, 0)
        for name in reversed(self.nodes):
            for edge in by_user.get(name, []):
                depth[edge.argument] = max(depth[edge.argument], depth[name] + 1)
        nearest = sorted((node.name for node in self.operations), key=depth.__getitem__)
        leaves = [node.name for node in self.leaves[:MOST_LEAVES]]
        return {*leaves, *nearest[: MOST_DRAWN - len(leaves) - 1]}


_NOT_SMOOTH: Final = "not differentiable here"


def _derivative_text(edge: GraphEdge, most: int) -> str:
    if edge.derivative is None:
        return cut(f"to {edge.argument}: {edge.formula}", most)
    return f"∂{edge.user}/∂{edge.argument} = {cut(edge.text, most)}"


# ---- from a tensor


@method()
def graph(self: Tensor, /, gradient: Tensor | None = None, **names: Tensor) -> Graph:
    """The graph of the computation that gave this tensor, which stays as it is.

    Args:
        gradient: the cotangent of the result, of its shape; ones if None.
        names: names for tensors, leaves or not; else they have their ``name``, that of a variable of the
            calling code, or v1, v2, ...

    Raises:
        TensorError: nothing was recorded, or a tensor from which this one was computed was changed in place since.
    """
    return graph_of(self, Names(names, caller()), gradient)


def graph_of(y: Tensor, names: Names, gradient: Tensor | None = None) -> Graph:
    """The graph of a tensor, its values by these names."""
    past = history(y)
    again = Again(past, gradient)
    for here in (*past.leaves, *(step.node for step in past.steps)):
        names.of(here)  # the user's names first, so that none made up here takes one of them
    result = names.made_up(past.root, "y", bare=True)
    called = {leaf: names.made_up(leaf, "leaf") for leaf in past.leaves}
    nodes = {
        called[leaf]: GraphNode(called[leaf], "", "", again.values[leaf]._value, again.adjoints[leaf])
        for leaf in past.leaves
    }
    edges: list[GraphEdge] = []
    for step in past.steps:
        name = called[step.node] = names.made_up(step.node, "v")
        told = _arguments(step, called, names)
        value = again.values[step.node]
        nodes[name] = GraphNode(
            name,
            _formula(step, told),
            step.node.rule.op.name if hasattr(step.node.rule, "op") else step.node.name(),
            value._value if isinstance(value, Tensor) else tuple(part._value for part in value),
            again.adjoints.get(step.node),
            again.is_smooth(step),
            step.node,
        )
        parts: list[Part] = again.parts(step, dict(zip(step.args, told, strict=True)), f"d{result}/d{name}")
        edges += [GraphEdge(name, called[p.argument], p.formula, p.derivative, p.share) for p in parts]
    return Graph(nodes, tuple(edges), result)


def _arguments(step: Step, called: dict[Any, str], names: Names) -> list[Node]:
    """The arguments of an operation by their names, numbers as numbers."""
    return [_constant(arg, names) if type(arg) is Constant else Symbol(called[arg]) for arg in step.args]


def _constant(constant: Constant, names: Names) -> Node:
    """A constant by the name of its array, or by the number that it is everywhere."""
    array = constant.value if isinstance(constant.value, Tensor) and constant.value._value.ndim else None
    name = None if array is None else names.of(array)
    number = constant.number
    if name is not None or number is None:
        return Symbol(name or names.made_up(array, "c"))
    return numbers(constant.value).flat[0] if math.isfinite(number) else Symbol(str(number))


def _formula(step: Step, told: list[Node]) -> str:
    rule = step.node.rule
    if isinstance(rule, Rule):
        return to_text(tidied([build(rule.op, tuple(told))], neutral=False)[0])
    texts = [to_text(node) for node in told]
    if step.is_users:
        return f"{texts[0]}[{rule.i}]" if hasattr(rule, "i") else f"{rule.cls.__name__}({', '.join(texts)})"
    return (
        call_text(rule.op, texts, step.node.shapes[2])
        if hasattr(rule, "op")
        else number_text(step.args[0].value._value)
    )
