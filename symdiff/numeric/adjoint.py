"""Derivative programs: reverse and forward sweeps over the nodes as they were written.

Nothing is simplified here beyond products with 1 and 0, so that the numbers come by another way
than the closed form's. The plain sweep multiplies; the careful one, taken where the plain one
met an infinity or nan, also knows the limits that rows give at edges, and that zero times an
infinite partial (or an infinite cotangent times a zero partial) contributes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from symdiff.dag import Apply, Const, Node, Symbol, as_node, build, nodes_of
from symdiff.graph import reverse_sweep
from symdiff.ops import OPS, Op
from symdiff.symbolic.diff import depends_on, no_partial


def _weighed(a: Any, b: Any) -> Any:
    return np.where(np.logical_or(np.equal(a, 0), np.equal(b, 0)), 0.0, np.multiply(a, b))


WEIGH = Op(
    "weigh",
    2,
    _weighed,
    lambda a, b, y: (b, a),
    source="a product of sweeps, in which zero wins over infinity and nan",
)


def adjoint(node: Node, names: Sequence[str], careful: bool, seed: Node | None = None) -> list[Node]:
    """The partials of a scalar formula as nodes of a program, in the order of ``names``.

    Args:
        node: the formula.
        names: the variables.
        careful: whether to include the rules for edges.
        seed: the cotangent of the result; 1 if None.

    Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed. (2008), section 3.3.
    """
    order = nodes_of([node])
    active = depends_on(order, names)
    bar = reverse_sweep(
        [n for n in order if n in active],
        {node: Const(1) if seed is None else seed} if node in active else {},
        lambda n, ybar: pulled(n, ybar, active, careful),
        lambda parts: reduce(lambda a, b: a + b, parts),
    )
    found = {n.name: b for n, b in bar.items() if type(n) is Symbol}
    return [found.get(name, Const(0)) for name in names]


def tangent(nodes: Sequence[Node], tangents: Mapping[str, Node], careful: bool) -> list[Node]:
    """The directional derivatives of formulas as nodes of a program: one forward sweep."""
    order = nodes_of(nodes)
    active = depends_on(order, tangents)
    dot: dict[Node, Any] = {}
    for node in order:
        if node in active:
            dot[node] = tangents[node.name] if type(node) is Symbol else _pushed(node, dot, careful)
    return [as_node(dot.get(node, 0)) for node in nodes]


def pulled(node: Node, ybar: Any, active: set[Node], careful: bool) -> Iterable[tuple[Node, Node]]:
    """What one operation gives back: pairs of an active argument and its share of the cotangent ``ybar``."""
    if type(node) is not Apply:
        return
    op, args = node.op, node.args
    if op.pull_back is not None:
        parts: Iterable[Any] = op.pull_back(ybar, *args)
    else:
        wanted = [arg in active for arg in args]
        parts = [None if p is None else _product(ybar, p, careful) for p in _partials(node, wanted, careful)]
    for arg, part in zip(args, parts, strict=True):
        if arg in active and part is not None:
            yield arg, as_node(part)


def _pushed(node: Node, dot: Mapping[Node, Any], careful: bool) -> Any:
    assert type(node) is Apply
    op, args = node.op, node.args
    if op.push_forward is not None:
        return op.push_forward(*[dot.get(arg, 0) for arg in args], *args)
    if op is OPS.get("vector"):
        return build(op, tuple(as_node(dot.get(arg, 0)) for arg in args))
    partials = _partials(node, [arg in dot for arg in args], careful)
    parts = [_product(dot[arg], p, careful) for arg, p in zip(args, partials, strict=True) if p is not None]
    present = [part for part in parts if part is not None]
    return reduce(lambda a, b: a + b, present) if present else Const(0)


def _partials(node: Apply, wanted: Sequence[bool], careful: bool) -> list[Any]:
    """The partials by the arguments that are wanted, None for the others."""
    op, args = node.op, node.args
    rule = op.partials
    partials = rule(*node.operands, node) if rule is not None else (None,) * len(args)
    if any(p is None and want for p, want in zip(partials, wanted, strict=True)):
        raise no_partial(node)
    found = [p if want else None for p, want in zip(partials, wanted, strict=True)]
    if careful:
        for edge in op.edges:
            test = edge.where(*node.operands)
            limits = edge.partials if isinstance(edge.partials, tuple) else (edge.partials,) * len(args)
            for i, limit in enumerate(limits):
                if found[i] is not None and limit is not None:
                    found[i] = OPS["where"](test, limit, found[i])
    return found


def _product(ybar: Any, partial: Any, careful: bool) -> Node | None:
    if isinstance(partial, int | Fraction):
        if not partial:
            return None
        if partial in (1, -1):
            node = as_node(ybar)
            return node if partial == 1 else build(OPS["neg"], (node,))
    if type(ybar) is Const and ybar.value == 1:
        return as_node(partial)
    node = as_node(partial)
    if careful:
        return build(WEIGH, (as_node(ybar), node))
    match node:
        case Apply(op, (Const(1), below)) if op is OPS.get("div"):
            return build(op, (as_node(ybar), below))  # ybar * (1/b) in one division
    return build(OPS["mul"], (as_node(ybar), node))
