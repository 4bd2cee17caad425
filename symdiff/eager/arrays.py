"""Rows on whole arrays, applied to tensors: recording, and views that share memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np

from symdiff.eager import frames
from symdiff.eager.modes import MODE, WATCHED
from symdiff.eager.operators import mismatch
from symdiff.eager.record import Cell, Node, node_class
from symdiff.eager.storage import filled, live, quietly
from symdiff.eager.tensor import KINDS, ODD, Tensor, made, method
from symdiff.errors import TensorError
from symdiff.ops.arrays import ArrayOp, Steps


class ArrayRule:
    """How a row on whole arrays pulls a cotangent back: by its transpose."""

    elementwise: ClassVar = False
    guarded: ClassVar = False
    foreign: ClassVar = False

    def __init__(self, op: ArrayOp, name: str) -> None:
        self.op = op
        self.name = name if "Back" in name or name == "CopySlices" else f"{name}Backward0"
        self.trivial = not op.saves
        self.node = node_class(self.name)

    def pull(self, node: Node, ybar: Any, args: Sequence[Any]) -> list[Any]:
        """The cotangent for each edge; ``args`` are the arguments, or their shapes, or tensors of the former."""
        shape, shapes, parameters = node.shapes
        if shape and ybar.__class__ is not np.ndarray and not isinstance(ybar, Tensor) and not np.ndim(ybar):
            ybar = filled(ybar, shape)
        elif ybar.__class__ is float:  # a constant of a rule
            ybar = np.float64(ybar)
        given = args if self.op.saves else shapes
        back = self.op.pull_back
        return [None if edge is None else back(ybar, i, given, *parameters) for i, edge in enumerate(node.edges)]


_RULES: Final[dict[tuple[ArrayOp, str], ArrayRule]] = {}


def array_rule(op: ArrayOp, name: str = "") -> ArrayRule:
    """The rule of a row, under the name that the graph shows."""
    key = op, name or op.torch or op.name
    if key not in _RULES:
        _RULES[key] = ArrayRule(*key)
    return _RULES[key]


def applied(op: ArrayOp, args: Sequence[Any], *parameters: Any, name: str = "") -> Tensor:
    """``op(args, *parameters)`` as a tensor, recorded under ``name``; a view shares memory with its base."""
    kind = args[0]._dtype
    state = MODE.state
    in_memory = op.view or state >= WATCHED
    values: list[Any] = []
    shapes: list[tuple[int, ...]] = []
    edges: list[Any] = []
    cells: list[Cell] = []
    requires = False
    for x in args:  # one loop, for this is the hot path of everything that is not elementwise
        if x.__class__ not in KINDS:
            values.append(x)
            shapes.append(np.shape(x))
            edges.append(None)
            continue
        if x._dtype is not kind:
            raise TensorError(f"{op.name}: the tensors must have one dtype, not {kind} and {x._dtype}")
        value = live(x) if in_memory else x._value
        values.append(value)
        shapes.append(value.shape)
        cells.append(x._cell)
        if x._requires:
            requires = True
            edges.append(x._node or x)
        else:
            edges.append(None)
    try:
        y = op.value(*values, *parameters)
    except ODD:
        y = quietly(op.value, *values, *parameters)
    except ValueError as error:
        if op.name in ("matmul", "expand"):
            raise mismatch(op, args) from None
        raise TensorError(f"{op.name}: {error}") from None
    out = made(y, kind)
    if op.view and isinstance(y, np.ndarray) and (not y.size or np.may_share_memory(y, values[0])):
        _alias(out, args[0], op, parameters)
    if requires and MODE.grad:
        rule = array_rule(op, name)
        saved, kept = (tuple(values), tuple(cells)) if op.saves else ((), ())
        version = sum([cell[0] for cell in kept])
        code, offset = frames.place() or (None, 0)
        out._node = rule.node(
            rule, tuple(edges), saved, kept, version, (y.shape, tuple(shapes), parameters), code, offset
        )
        if len(args) > 1:
            out._node.given = tuple([x for x, edge in zip(args, edges, strict=True) if edge is None])
        out._requires = True
    if MODE.anomaly is not None:
        MODE.anomaly.inspect(op.name, args, out)
    return out


def whole(op: ArrayOp, x: Tensor) -> Tensor | None:
    """A reduction of all elements, without the generality of `applied`; None where that is needed."""
    if MODE.state >= WATCHED or not x._dtype.is_floating_point:
        return None
    given = x._value
    try:
        y = op.value(given, None, False)
    except ODD:
        y = quietly(op.value, given, None, False)
    out = made(y, x._dtype)
    if x._requires and MODE.state:
        rule = array_rule(op)
        code, offset = frames.place() or (None, 0)
        out._node = rule.node(rule, (x._node or x,), (), (), 0, ((), (given.shape,), (None, False)), code, offset)
        out._requires = True
    return out


@method("apply_array")
def _apply_array(self: Tensor, op: ArrayOp, args: tuple[Any, ...], parameters: tuple[Any, ...]) -> Tensor:
    return applied(op, args, *parameters)


def _alias(view: Tensor, source: Tensor, op: ArrayOp, parameters: tuple[Any, ...]) -> None:
    """Make ``view`` known as a view: it shares the version, and follows in-place changes of its base."""
    base = source if source._base is None else source._base
    view._base = base
    view._steps = (*source._steps, (op, parameters))
    view._cell = source._cell
    if base._views is None:
        base._views = []
    elif len(base._views) > base._most_views:
        base._views = [ref for ref in base._views if ref() is not None]
        base._most_views = 8 + 2 * len(base._views)  # so that looking through them costs little for each
    base._views.append(weakref.ref(view))


def follow(base: Tensor) -> None:
    """Give every view of ``base`` the graph that its base has now."""
    for ref in base._views or ():
        view = ref()
        if view is not None:
            view._node = viewed(base._node, base._value.shape, view._steps) if base._node is not None else None
            view._requires = base._requires


def viewed(node: Node | None, shape: tuple[int, ...], steps: Steps) -> Node | None:
    """The nodes of rows of one argument applied to the result of ``node``."""
    dummy: Any = np.broadcast_to(np.float32(0), shape)
    code, offset = frames.place() or (None, 0)
    for op, parameters in steps:
        before, dummy = dummy.shape, op.value(dummy, *parameters)
        rule = array_rule(op, "AsStrided")
        node = rule.node(rule, (node,), (), (), 0, (dummy.shape, (before,), parameters), code, offset)
    return node
