"""Backpropagation told step by step: the values forward, then the adjoints backward, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from symdiff.eager.look.graphs import Graph, GraphEdge, GraphNode, graph_of
from symdiff.eager.look.naming import Names, caller
from symdiff.eager.look.telling import cut, is_shown, number_text
from symdiff.eager.tensor import Tensor, method

MOST_TOLD: Final = 30  # operations, at either end of a longer computation
MOST_TERMS: Final = 6  # of a sum that is written out


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """How the gradient of a result comes about. Print it.

    Attributes:
        graph: the values, the adjoints and the local derivatives.
    """

    graph: Graph

    def __str__(self) -> str:
        return "\n".join([*self.forward(), "", *self.backward(), "", *self.gradients()])

    __repr__ = __str__

    def forward(self) -> list[str]:
        """The values, in the order in which they were computed."""
        g = self.graph
        begin = [f"  {node.name} = {number_text(node.value)}" for node in g.leaves]
        made = [f"  {node.name} = {cut(node.formula, 60)} = {number_text(node.value)}" for node in g.operations]
        return ["Forward, from the leaves:", *_folded(begin), *(["then"] * bool(made)), *_folded(made)]

    def backward(self) -> list[str]:
        """The adjoints, from the result back, with what each operation adds to those of its arguments."""
        g = self.graph
        seed = g[g.result]
        uses: dict[str, int] = {}
        for edge in g.edges:
            uses[edge.argument] = uses.get(edge.argument, 0) + 1
        edges = g.by_user()
        told = [line for node in _ends(g.operations[::-1]) for line in self._told(node, edges, uses)]
        how = "An operation adds its adjoint times its local derivatives to the adjoints of its arguments"
        return [
            f"Backward, from {g.result}. {how}:",
            f"  d{g.result}/d{g.result} = {number_text(seed.adjoint)}",
            *told,
        ]

    def _told(self, node: GraphNode | int, edges: dict[str, list[GraphEdge]], uses: dict[str, int]) -> list[str]:
        if isinstance(node, int):
            return [f"... {node:,} operations more ..."]
        note = "" if node.is_smooth else "   (not differentiable here: a number for its derivative is a convention)"
        lines = [f"{node.name} = {cut(node.formula, 60)}{note}"]
        for edge in edges.get(node.name, []):
            sign = "+=" if uses[edge.argument] > 1 else "="
            lines.append(f"  d{self.graph.result}/d{edge.argument} {sign} {self._term(node, edge)}")
        return lines

    def _term(self, node: GraphNode, edge: GraphEdge) -> str:
        """One term of the chain rule: ``dz/dv1 * ∂v1/∂x = 1 * 2*x = 1 * 4 = 4``."""
        share = number_text(edge.share)
        if edge.derivative is None:
            return f"{cut(edge.formula, 80)} = {share}"
        name = f"d{self.graph.result}/d{node.name}"
        adjoint = number_text(node.adjoint) if is_shown(node.adjoint) else name
        factors = [f"{adjoint} * {_factor(cut(edge.formula, 60))}"]
        if edge.says_more and is_shown(edge.derivative):
            factors.append(f"{adjoint} * {_factor(number_text(edge.derivative))}")
        if np.shape(edge.share) != np.shape(node.adjoint):  # the argument was copied to this shape
            factors = [f"the sum of {factor}" for factor in factors]
        return " = ".join([f"{name} * ∂{node.name}/∂{edge.argument}", *factors, share])

    def gradients(self) -> list[str]:
        """The derivatives by the leaves, as sums where they have several terms."""
        shares: dict[str, list[str]] = {}
        for edge in self.graph.edges:
            shares.setdefault(edge.argument, []).append(number_text(edge.share))
        lines = [self._gradient(leaf, shares.get(leaf.name, [])[::-1]) for leaf in self.graph.leaves]
        return ["The gradient:", *_folded(lines)]

    def _gradient(self, leaf: GraphNode, terms: list[str]) -> str:
        terms = [terms[0], *map(_factor, terms[1:])] if 1 < len(terms) <= MOST_TERMS else []
        parts = [f"d{self.graph.result}/d{leaf.name}", *([" + ".join(terms)] if terms else [])]
        return "  " + " = ".join([*parts, number_text(leaf.adjoint)])


def _factor(text: str) -> str:
    """A factor in brackets where it is a sum, a difference or a negative number."""
    depth = 0
    for i, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if not depth and (text[i : i + 3] in (" + ", " - ") or (char == "-" and i == 0)):
            return f"({text})"
    return text


def _folded(lines: Sequence[str]) -> list[str]:
    if len(lines) <= 2 * MOST_TOLD:
        return list(lines)
    return [*lines[:MOST_TOLD], f"  ... {len(lines) - 2 * MOST_TOLD:,} more ...", *lines[-MOST_TOLD:]]


def _ends(nodes: Sequence[GraphNode]) -> list[GraphNode | int]:
    """The nodes at either end, and between them how many are left out."""
    if len(nodes) <= 2 * MOST_TOLD:
        return list(nodes)
    return [*nodes[:MOST_TOLD], len(nodes) - 2 * MOST_TOLD, *nodes[-MOST_TOLD:]]


def explain(y: Tensor, gradient: Tensor | None = None, /, **names: Tensor) -> Explanation:
    """Tell backpropagation from a tensor step by step: the values, the chain rule's terms, the gradient.

    Args:
        y: the result; it stays as it is.
        gradient: the cotangent of the result, of its shape; ones if None.
        names: names for tensors; see `graph`.

    Raises:
        TensorError: as `graph`.
    """
    return Explanation(graph_of(y, Names(names, caller()), gradient))


method("explain")(explain)
