"""Conditions inside programs: where a formula is defined, and where its operations are smooth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

from symdiff.dag import Apply, Const, Node, build, nodes_of
from symdiff.ops import OPS, Op
from symdiff.symbolic.diff import components
from symdiff.symbolic.domain import activity

Rule = Callable[[Op, Sequence[Any]], Any]


def inside(root: Node) -> Node:
    """A node that is true where every operation that matters to ``root`` is inside its domain."""
    tests = [test for _, test in conditions(root, _domain)]
    return reduce(lambda a, b: build(OPS["and"], (a, b)), tests) if tests else Const(1)


def edges(root: Node) -> list[tuple[Apply, Node]]:
    """Operations with the condition that they are at a kink or an edge and matter to ``root``."""
    return [(node, build(OPS["not"], (test,))) for node, test in conditions(root, _smooth)]


def conditions(root: Node, rule: Rule) -> Iterator[tuple[Apply, Node]]:
    """The conditions that ``rule`` gives, each needed only where its operation is active."""
    active = activity(components(root))
    for node in nodes_of(components(root)):
        if type(node) is Apply:
            test = rule(node.op, node.operands)
            if test is not None:
                path = active[node]
                yield node, test if path is None else build(OPS["or"], (build(OPS["not"], (path,)), test))


def _domain(op: Op, args: Sequence[Any]) -> Any:
    return None if op.domain is None else op.domain(*args)


def _smooth(op: Op, args: Sequence[Any]) -> Any:
    return op.is_smooth(*args)
