"""Closed-form derivatives, by one reverse sweep over the graph for all variables at once.

Every cotangent is a canonical form, so the result comes out simplified, and its size stays in
proportion to the function's. One variable or many, the sweep is the same: ``derivative(f, "x")``
is ``gradient(f, ["x"])["x"]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from symdiff.dag import Apply, Const, Node, Symbol, build, nodes_of
from symdiff.errors import UndifferentiableError
from symdiff.graph import reverse_sweep
from symdiff.ops import OPS
from symdiff.symbolic.algebra import Algebra
from symdiff.symbolic.forms import Form, number_of, total


def simplify(nodes: Sequence[Node], algebra: Algebra | None = None) -> list[Node]:
    """The canonical form of each node. Vectors go by component."""
    algebra = algebra or Algebra()
    algebra.read(part for node in nodes for part in components(node))
    return [by_component(node, lambda part: algebra.node(algebra.form(part))) for node in nodes]


def derivative(node: Node, *names: str, algebra: Algebra | None = None) -> Node:
    """The derivative by one variable after the other. Vectors go by component.

    Raises:
        UndifferentiableError: an operation has no partial by an argument that depends on a variable.
    """
    algebra = algebra or Algebra()

    def derived(part: Node) -> Node:
        for name in names:
            part = gradient(part, [name], algebra)[name]
        return part

    return by_component(node, derived)


def gradient(node: Node, names: Sequence[str], algebra: Algebra | None = None) -> dict[str, Node]:
    """The partial derivatives of a scalar formula, by name; 0 by a name that does not occur.

    Raises:
        UndifferentiableError: an operation has no partial by an argument that depends on a variable.
    """
    algebra = algebra or Algebra()
    order = nodes_of([node])
    algebra.read_in(order, [node])
    active = depends_on(order, names)
    bar = reverse_sweep(
        [n for n in order if n in active],
        {node: algebra.one} if node in active else {},
        lambda n, ybar: _pulled(algebra, n, ybar, active),
        lambda parts: parts[0] if len(parts) == 1 else total(algebra, parts),
    )
    zero = Const(0)
    found = {n.name: algebra.node(form) for n, form in bar.items() if type(n) is Symbol}
    return {name: found.get(name, zero) for name in names}


def depends_on(order: Iterable[Node], names: Iterable[str]) -> set[Node]:
    """The nodes of a topological order that depend on one of the variables."""
    wanted = frozenset(names)
    active: set[Node] = set()
    for node in order:
        if node.name in wanted if type(node) is Symbol else not active.isdisjoint(node.args):
            active.add(node)
    return active


def _pulled(algebra: Algebra, node: Node, ybar: Form, active: set[Node]) -> Iterable[tuple[Node, Form]]:
    """The cotangent of each active argument that has one."""
    if type(node) is not Apply:
        return []
    op = node.op
    if op.pull_back is not None:
        pulled = _chosen(algebra, node, ybar) if op is algebra.where else op.pull_back(ybar, *algebra.arguments(node))
        return [(arg, part) for arg, part in zip(node.args, pulled, strict=True) if part is not None and arg in active]
    found = []
    for arg, partial in zip(node.args, _partials(algebra, node), strict=True):
        if arg in active:
            if partial is None:
                if number_of(algebra.form(arg)) is None:
                    raise no_partial(node)
            elif type(partial) is not int or partial:
                found.append((arg, ybar * partial))
    return found


def _partials(algebra: Algebra, node: Apply) -> Sequence[Any]:
    op = node.op
    if op.partials is None:
        return [None] * len(node.args)
    if op in algebra.linear:  # whose partials are numbers; the forms of long sums are not needed
        return op.partials(*[None] * (len(node.args) + 1))
    return op.partials(*algebra.arguments(node), algebra.form(node))


def _chosen(algebra: Algebra, node: Apply, ybar: Form) -> tuple[Form | None, Form, Form]:
    condition = algebra.form(node.args[0])
    return None, algebra.chosen(condition, ybar, True), algebra.chosen(condition, ybar, False)


def no_partial(node: Apply) -> UndifferentiableError:
    """The error for an operation whose row has no partial where one is needed."""
    name = node.op.name
    return UndifferentiableError(f"'{name}' has no derivative by one of its arguments: its row in ops/ gives none")


def components(node: Node) -> tuple[Node, ...]:
    """The components of a vector; a scalar is its own."""
    return node.args if type(node) is Apply and node.op is OPS.get("vector") else (node,)


def by_component(node: Node, change: Any) -> Node:
    """``change`` applied to each component of a vector, or to a scalar."""
    parts = components(node)
    return change(node) if parts == (node,) else build(OPS["vector"], tuple([change(part) for part in parts]))
