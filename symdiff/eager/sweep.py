"""The backward pass: one reverse sweep over the recorded graph, on arrays or on tensors.

The plain sweep multiplies. Where it meets an infinity or nan, it is repeated with the careful
rules (zero times an infinite partial is zero; no derivative outside a domain), node by node. Graphs
with hooks or functions of the user's take the careful way at once: their code must not run twice.
A single number may stand for an array of copies of it until somebody needs the array.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from symdiff.eager.modes import MODE, enable_grad, no_grad
from symdiff.eager.record import Node, Watchers, reachable
from symdiff.eager.storage import filled, live, owner, value
from symdiff.eager.tensor import ODD, Tensor, made, wrapped
from symdiff.errors import ShapeError
from symdiff.ops.arrays import sum_to

Bars = dict[Any, Any]  # the cotangent of every node and leaf that has received one


def swept(
    roots: Sequence[Tensor],
    seeds: Sequence[Any],
    create_graph: bool,
    retain_graph: bool | None,
    kept: set[Any],
) -> Bars:
    """The cotangents of the leaves, and of the nodes in ``kept``."""
    targets = [target_of(root) for root in roots]
    floor = min([key.sequence for key in kept]) if kept else -1
    order: list[Node] = []
    bars: Bars | None = None
    if not create_graph:
        start = _start(targets, map(_number_or_array, seeds))
        bars = _quick(start, floor, kept, roots, order)
    if bars is None:
        order = reachable(targets, floor)
        if create_graph:
            with enable_grad():
                bars = _on_tensors(order, _start(targets, map(_as_tensor, roots, seeds)), floor, kept)
        else:
            bars = _careful(order, start, floor, kept)
    for leaf in [edge for edge in bars if edge.sequence < 0 and edge._hooks]:
        bars[leaf] = hooked(leaf._hooks, as_gradient(leaf, bars[leaf], create_graph, set()))
    if not (create_graph if retain_graph is None else retain_graph):
        release([node for node in order if node.sequence != floor])
    return bars


def target_of(x: Tensor) -> Any:
    """What stands for a tensor in the graph: the node that made it, or a leaf itself."""
    return x._node or x


def release(nodes: Sequence[Node]) -> None:
    """Free what nodes saved, but for those that need nothing."""
    for node in nodes:
        if not node.rule.trivial:
            node.saved = None
            node.cells = ()


def _number_or_array(seed: Any) -> Any:
    """A cotangent as the sweep has them: without dimensions, a number."""
    if not isinstance(seed, Tensor):
        return seed
    found = value(seed)
    return found[()] if MODE.tracer is None else found


def _start(targets: Sequence[Any], seeds: Iterable[Any]) -> Bars:
    bars: Bars = {}
    for target, seed in zip(targets, seeds, strict=True):
        _add(bars, target, seed)
    return bars


def _add(bars: Bars, edge: Any, part: Any) -> None:
    bars[edge] = bars[edge] + part if edge in bars else part


def _quick(start: Bars, floor: int, kept: set[Any], roots: Sequence[Tensor], order: list[Node]) -> Bars | None:
    """The plain sweep; None where the careful one is needed. ``order`` gets the nodes that it went through.

    A heap gives the nodes in the order of their creation, the last first, as they are reached.
    """
    if MODE.anomaly is not None:
        return None
    bars = dict(start)
    try:
        if not plain_sweep(bars, floor, kept, order):
            return None
        ends = [*bars.values(), *[root._value for root in roots]]
        if MODE.tracer is not None:
            MODE.tracer.check(ends)
            return bars
        return bars if all(map(is_finite, ends)) else None
    except ODD:
        return None


def plain_sweep(bars: Bars, floor: int, kept: set[Any], order: list[Node]) -> bool:
    """Sweep as far as no code of the user's stands in the graph; say whether that was to the end."""
    found: Bars = {}
    heap = [(-edge.sequence, edge) for edge in bars if edge.sequence >= 0]
    heap.sort()
    while heap:
        node = heappop(heap)[1]
        rule = node.rule
        if node.watchers is not None or rule.foreign:
            return False
        ybar = bars.pop(node)
        if kept and node in kept:
            found[node] = ybar
            if node.sequence == floor:  # nothing that is asked for lies below
                continue
        order.append(node)
        saved = node.saved
        version = 0
        for cell in node.cells:
            version += cell[0]
        if saved is None or version != node.version:
            node.check_saved()
        if rule.elementwise:
            parts = rule.quick(ybar, *saved) if node.shapes is None else spread(node, rule.quick, ybar, saved)
        else:
            parts = rule.pull(node, ybar, saved)
        for edge, part in zip(node.edges, parts):  # noqa: B905  # equal lengths by construction; the hot loop
            if edge is None:
                continue
            if edge in bars:
                bars[edge] = bars[edge] + part
            elif edge.sequence >= floor:
                bars[edge] = part
                if edge.sequence >= 0:
                    heappush(heap, (-edge.sequence, edge))
    bars.update(found)
    return True


def spread(node: Node, kernel: Any, ybar: Any, saved: Any) -> list[Any]:
    """The cotangents of arguments that were broadcast: summed over the axes that were copied."""
    shape, shapes = node.shapes
    if shape and ybar.__class__ is not np.ndarray and not isinstance(ybar, Tensor) and not np.ndim(ybar):
        ybar = filled(ybar, shape)
    parts = kernel(ybar, *saved)
    return [
        _summed(part, shape) if edge is not None else None
        for part, shape, edge in zip(parts, shapes, node.edges, strict=True)
    ]


def _summed(part: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(part, float) or part.shape == shape:
        return part
    if part.__class__ is np.ndarray:
        return sum_to.value(part, shape) if shape else np.add.reduce(part, None)
    return sum_to((part,), shape)


def _careful(nodes: Sequence[Node], bars: Bars, floor: int, kept: set[Any]) -> Bars:
    """The sweep node by node, with hooks, careful rules where they matter, and functions of the user's."""
    found: Bars = {}
    with no_grad(), np.errstate(all="ignore"):
        for node in nodes:
            ybar = bars.pop(node, None)
            if ybar is None:
                continue
            if node.watchers is not None:
                ybar = live(_shown(node.watchers, _watched(node, ybar)))
            if node in kept:
                found[node] = ybar
                if node.sequence == floor:  # nothing that is asked for lies below
                    continue
            node.check_saved()
            parts = _parts(node, ybar)
            if node.watchers is not None and node.watchers.after:
                parts = _told(node.watchers.after, parts, wrapped(np.asarray(ybar)[()]))
            for edge, part in zip(node.edges, parts, strict=True):
                if edge is not None and part is not None:
                    _add(bars, edge, part)
    bars.update(found)
    return bars


def _parts(node: Node, ybar: Any) -> Sequence[Any]:
    rule = node.rule
    if not rule.elementwise:
        parts = rule.pull(node, ybar, node.saved)
    else:
        parts = _by(node, rule.quick, ybar, node.saved)
        if rule.guarded or not all(map(is_finite, parts)):
            parts = _by(node, rule.careful, ybar, [_ieee(old) for old in node.saved or ()])
    if MODE.anomaly is not None:
        MODE.anomaly.inspect_parts(node, parts)
    return parts  # type: ignore[no-any-return]


def _by(node: Node, kernel: Any, ybar: Any, saved: Any) -> Sequence[Any]:
    return kernel(ybar, *saved) if node.shapes is None else spread(node, kernel, ybar, saved)


def _ieee(number: Any) -> Any:
    """A Python number as NumPy's, whose division by zero is infinite."""
    return np.float64(number) if number.__class__ is float or number.__class__ is int else number


def _watched(node: Node, ybar: Any) -> Tensor:
    """A node's cotangent as a tensor of its full shape, for hooks."""
    value = np.asarray(ybar)
    shape = node.shapes[0] if node.shapes else node.watchers.shape if node.watchers is not None else None
    if shape is not None and value.shape != shape:
        value = np.array(np.broadcast_to(value, shape))
    return wrapped(value[()])


def _told(hooks: Sequence[Any], parts: Sequence[Any], ybar: Tensor) -> list[Any]:
    """What hooks of a node make of the cotangents that it gives back."""
    given = tuple(None if part is None else wrapped(np.asarray(part)[()]) for part in parts)
    for hook in tuple(hooks):
        changed = hook(given, (ybar,))
        given = given if changed is None else tuple(changed)
    return [None if part is None else live(part) for part in given]


def _shown(watchers: Watchers, ybar: Tensor) -> Tensor:
    """What hooks make of a node's cotangent; the tensor that asked for it gets that."""
    ybar = hooked(watchers, ybar)
    tensor = watchers.retained and watchers.retained()
    if tensor is not None:
        tensor._grad = ybar if tensor._grad is None else tensor._grad + ybar
    return ybar


def _on_tensors(nodes: Sequence[Node], bars: Bars, floor: int, kept: set[Any]) -> Bars:
    """The sweep on tensors, recorded itself."""
    found: Bars = {}
    for node in nodes:
        ybar = bars.pop(node, None)
        if ybar is None:
            continue
        if node.watchers is not None:
            ybar = _shown(node.watchers, ybar)
        if node in kept:
            found[node] = ybar
            if node.sequence == floor:
                continue
        node.check_saved()
        for edge, part in zip(node.edges, _tensor_parts(node, ybar), strict=True):
            if edge is not None and part is not None:
                _add(bars, edge, ybar * part if isinstance(part, float | int) else part)
    bars.update(found)
    return bars


def _tensor_parts(node: Node, ybar: Tensor) -> Sequence[Any]:
    rule = node.rule
    if not rule.elementwise:
        saved: Any = node.saved
        if getattr(rule, "op", None) is not None and rule.op.saves:
            saved = [_revived(value, edge, ybar._dtype) for value, edge in zip(saved or (), node.edges, strict=True)]
        return rule.pull(node, ybar, saved)  # type: ignore[no-any-return]
    inputs = _revived_inputs(node, ybar._dtype)
    parts = _by(node, rule.quick_on_tensors, ybar, inputs)
    with np.errstate(all="ignore"):
        finite = MODE.tracer is not None or all(is_finite(p._value) for p in parts if isinstance(p, Tensor))
    if rule.guarded or not finite:
        parts = _by(node, rule.careful_on_tensors, ybar, [_ieee(old) for old in inputs])
    return parts


def _revived_inputs(node: Node, kind: Any) -> list[Any]:
    """What a node saved, as tensors with the graph that they had."""
    opened = [i for i, k in enumerate(node.rule.kinds) if type(k) is str]  # edges leave exact numbers out
    found = []
    for i, old in zip(node.rule.uses, node.saved or (), strict=True):
        edge = node if i < 0 else node.edges[opened.index(i)]
        found.append(old if isinstance(old, int | float) and edge is None else _revived(old, edge, kind))
    return found


def _revived(value: Any, edge: Any, kind: Any) -> Tensor:
    if edge is not None and edge.sequence < 0:
        return edge  # type: ignore[no-any-return]
    return made(value, kind, edge)


# ---- what comes out


def is_finite(value: Any) -> bool:
    """Whether all elements are; a sum of squares that overflows may say no, which costs time alone."""
    if isinstance(value, np.ndarray) and value.ndim:
        return math.isfinite(np.vdot(value, value))
    return value is None or math.isfinite(value)


def hooked(hooks: Sequence[Any], ybar: Any) -> Any:
    """Pass a cotangent through hooks, each of which may replace it."""
    for hook in tuple(hooks):
        given = hook(ybar)
        if given is not None:
            if given.shape != ybar.shape:
                raise ShapeError(
                    f"a hook returned a gradient of shape {list(given.shape)} for one of {list(ybar.shape)}"
                )
            ybar = given
    return ybar


def _as_tensor(root: Tensor, seed: Any) -> Tensor:
    return seed if isinstance(seed, Tensor) else made(seed, root._dtype)


def as_gradient(x: Tensor, ybar: Any, create_graph: bool, taken: set[int]) -> Tensor:
    """A cotangent as a tensor of the shape and dtype of ``x``, on memory of its own: none in ``taken``."""
    if isinstance(ybar, Tensor):
        if ybar._dtype is not x._dtype:
            ybar = ybar.to(x._dtype)
        if ybar._value.shape != x._value.shape:
            ybar = ybar.expand(x.shape)
        return ybar if create_graph else ybar.detach()  # type: ignore[no-any-return]
    value, kind = x._value, x._dtype
    shape = value.shape
    if not shape and not isinstance(ybar, np.ndarray):
        return made(ybar if type(ybar) is kind.numpy.type else kind.numpy.type(ybar), kind)
    if (ybar.__class__ is not np.ndarray and np.shape(ybar) != shape) or ybar.shape != shape:
        return made(filled(ybar, shape).astype(kind.numpy, copy=False), kind)
    if ybar.dtype is not kind.numpy:
        ybar = ybar.astype(kind.numpy)
    elif not _alone(ybar, taken):
        ybar = ybar.copy()
    return made(ybar, kind)


def _alone(ybar: Any, taken: set[int]) -> bool:
    """Whether a gradient may lie where the sweep has put it: in memory that it fills, and shares with no other."""
    memory = owner(ybar)
    if id(memory) in taken or memory.size != ybar.size or not ybar.flags.writeable:
        return False
    taken.add(id(memory))
    return True
