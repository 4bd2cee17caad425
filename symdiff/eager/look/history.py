"""What was recorded under a tensor: every operation with all that it was given, and the same run again.

The record is read in the order in which it was made, where arguments come before their users;
nothing recurses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar

import numpy as np

from symdiff.eager.arrays import ArrayRule
from symdiff.eager.dtypes import OF_NUMPY
from symdiff.eager.record import Node
from symdiff.eager.rules import WANTS, Rule
from symdiff.eager.sweep import target_of
from symdiff.eager.tensor import Tensor
from symdiff.errors import TensorError
from symdiff.ops.arrays import ArrayOp, cast

V = TypeVar("V")
Target = Any  # what a tensor is in a record: the node that made it, or a leaf itself
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An argument by which nothing is differentiated: a number or a tensor."""

    value: Any

    @property
    def number(self) -> float | int | bool | None:
        """The number that all its elements are; None where they differ."""
        array = np.asarray(self.value._value if isinstance(self.value, Tensor) else self.value)
        first = array.flat[0] if array.size else None
        return first.item() if first is not None and (array == first).all() else None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A recorded operation.

    Attributes:
        node: its node in the record.
        args: what it was given, in order: nodes, leaf tensors and `Constant`.
        shape: of its result.
    """

    node: Node
    args: tuple[Any, ...]
    shape: Shape

    @property
    def constants(self) -> list[Constant]:
        """The numbers and tensors by which nothing is differentiated."""
        return [arg for arg in self.args if type(arg) is Constant]

    @property
    def is_users(self) -> bool:
        """Whether it is a function with a backward of the user's own."""
        return bool(self.node.rule.foreign)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All that was recorded under one tensor.

    Attributes:
        result: the tensor.
        root: what it is in the record.
        steps: the operations, arguments before users.
        leaves: the tensors at which the record begins, by what they are in it, in the order of their use.
        shapes: of every result and leaf.
    """

    result: Tensor
    root: Target
    steps: tuple[Step, ...]
    leaves: Mapping[Target, Tensor]
    shapes: Mapping[Target, Shape]


def history(y: Tensor, stop: Mapping[Target, Tensor] | None = None) -> History:
    """Everything under ``y`` down to its leaves, or to the tensors in ``stop``.

    Raises:
        TensorError: ``y`` requires no gradient, so that nothing was recorded.
    """
    if not y._requires:
        raise TensorError(
            "nothing was recorded for this tensor: none of those that it was computed from requires a gradient, or it "
            "was computed under no_grad() or detached"
        )
    stop = stop or {}
    root = target_of(y)
    leaves = {root: y} if root is y or root in stop else {}
    shapes: dict[Target, Shape] = {leaf: x._value.shape for leaf, x in leaves.items()}
    steps = []
    for node in [] if leaves else _nodes(root, stop):
        args = _arguments(node)
        for arg in args:
            if type(arg) is not Constant and arg not in shapes:
                leaves[arg] = stop.get(arg, arg)
                shapes[arg] = leaves[arg]._value.shape
        shapes[node] = _shape(node, args, shapes)
        steps.append(Step(node, args, shapes[node]))
    return History(y, root, tuple(steps), leaves, shapes)


def _nodes(root: Target, stop: Mapping[Target, Tensor]) -> list[Node]:
    seen = {root}
    stack = [root]
    nodes: list[Node] = []
    while stack:
        node = stack.pop()
        nodes.append(node)
        for edge in node.edges:
            if edge is not None and edge not in seen and not isinstance(edge, Tensor) and edge not in stop:
                seen.add(edge)
                stack.append(edge)
    nodes.sort(key=_SEQUENCE)
    return nodes


_SEQUENCE: Final = attrgetter("sequence")


def _arguments(node: Node) -> tuple[Any, ...]:
    """All arguments of an operation: the edges, with what was given beside them in its places."""
    rule = node.rule
    given = iter(node.given)
    if not rule.foreign and not node.edges:
        return (Constant(next(given)),)  # overwritten by constants
    if not isinstance(rule, Rule):
        inputs = rule.ctx._inputs if hasattr(rule, "ctx") else [None] * len(node.edges)
        return tuple(
            edge if edge is not None else Constant(next(given, x)) for edge, x in zip(node.edges, inputs, strict=True)
        )
    edges = iter(node.edges)
    found: list[Any] = []
    for kind in rule.kinds:
        if not isinstance(kind, str):  # an exact exponent or order
            found.append(Constant(kind if isinstance(kind, int) else float(kind)))
            continue
        edge = next(edges, None)
        found.append(edge if kind == WANTS else Constant(next(given, None)))
    return tuple(found)


def _shape(node: Node, args: Sequence[Any], shapes: Mapping[Target, Shape]) -> Shape:
    rule = node.rule
    if node.shapes is not None:
        return tuple(node.shapes[0])
    if isinstance(rule, Rule):
        return next(shapes[arg] for arg in args if type(arg) is not Constant)
    if rule.foreign:
        maker, i = (node.edges[0].rule, rule.i) if hasattr(rule, "i") else (rule, 0)
        return tuple(maker.shapes[i][0])
    return tuple(args[0].value._value.shape)  # overwritten by constants


def run_again(
    past: History,
    values: dict[Target, V],
    constant: Callable[[Any], Any],
    users: Callable[[Step, Sequence[Any]], V] | None = None,
) -> dict[Target, V]:
    """The value of every result, from those of the leaves, on any values on which the table acts.

    Args:
        past: what was recorded.
        values: the values of its leaves; filled and returned.
        constant: what a constant argument becomes.
        users: the value of a function with the user's own backward, from those of its arguments.
    """
    for step in past.steps:
        rule = step.node.rule
        args = [constant(arg.value) if type(arg) is Constant else values[arg] for arg in step.args]
        if step.is_users:
            assert users is not None
            values[step.node] = users(step, args)
        elif isinstance(rule, Rule):
            values[step.node] = rule.op(*args)
        elif isinstance(rule, ArrayRule):
            values[step.node] = _on_arrays(rule.op, args, step.node.shapes[2])
        else:  # overwritten by constants
            values[step.node] = args[0]
    return values


def _on_arrays(op: ArrayOp, args: Sequence[Any], parameters: tuple[Any, ...]) -> Any:
    if op is cast and isinstance(args[0], Tensor):
        return args[0].to(OF_NUMPY[parameters[0]])
    return op(tuple(args), *parameters)
