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
from typing import Any, Final

import numpy as np

from symdiff.eager.modes import MODE, enable_grad, no_grad
from symdiff.eager.record import Node, Watchers, reachable
from symdiff.eager.storage import filled, live, value
from symdiff.eager.tensor import ODD, Tensor, made, method, wrapped
from symdiff.errors import ShapeError, TensorError
from symdiff.ops.arrays import sum_to

Bars = dict[Any, Any]  # the cotangent of every node and leaf that has received one


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to ``grad`` of every leaf the gradient of the tensors, weighted by ``grad_tensors``.

    Args:
        tensors: a tensor, or several.
        grad_tensors: their cotangents, of their shapes; None for 1 where a tensor has one element.
        retain_graph: keep what the graph saved, for another pass; ``create_graph`` if None.
        create_graph: record the pass itself, for higher derivatives.
        inputs: the leaves to fill; all if None.

    Raises:
        TensorError: a tensor requires no gradient, has several elements and no cotangent, or its
            graph was freed or changed.
    """
    roots = _listed(tensors)
    seeds = _seeds(roots, _given(roots, grad_tensors))
    wanted = None if inputs is None else {_target(x) for x in _listed(inputs)}
    bars = _swept(roots, seeds, create_graph, retain_graph, wanted or set())
    taken = _memory_of(seeds)
    for leaf, ybar in bars.items():
        if leaf.sequence < 0 and (wanted is None or leaf in wanted):
            _accumulate(leaf, ybar, create_graph, taken)


@method("backward")
def _backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """The backward pass from this tensor; see `symdiff.eager.autograd.backward`."""
    if gradient is not None or create_graph or inputs is not None:
        backward(self, gradient, retain_graph, create_graph, inputs)
        return
    taken: set[int] = set()
    for leaf, ybar in _swept((self,), (_seed(self, None),), False, retain_graph, _NOTHING).items():
        if leaf.sequence >= 0:
            continue
        if leaf._grad is None and _is_its_own(leaf, ybar) and id(ybar) not in taken and MODE.tracer is None:
            taken.add(id(ybar))
            leaf._grad = made(ybar, leaf._dtype)  # the usual case of `_accumulate`
        else:
            _accumulate(leaf, ybar, False, taken)


def _is_its_own(leaf: Tensor, ybar: Any) -> bool:
    """Whether a cotangent is an array that the sweep has made for this leaf as it is."""
    value = leaf._value
    return (
        ybar.__class__ is np.ndarray and ybar.base is None and ybar.dtype is value.dtype and ybar.shape == value.shape
    )


_NOTHING: Final[set[Any]] = set()


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` by ``inputs``, as a tuple, leaving every ``grad`` alone.

    Args:
        outputs: a tensor, or several; their gradients are summed.
        inputs: a tensor, or several, from which the outputs were computed; leaves or not.
        grad_outputs: the cotangents of the outputs; None for 1 where an output has one element.
        retain_graph: keep what the graph saved; ``create_graph`` if None.
        create_graph: record the pass, so that the gradients can be differentiated again.
        allow_unused: give None for an input that no output depends on, instead of raising.
        is_grads_batched: ``grad_outputs`` have a leading axis; the gradients get one too.
        materialize_grads: give zeros instead of None.

    Raises:
        TensorError: as `backward`, and for an input that was not used.
    """
    roots, targets = _listed(outputs), _listed(inputs)
    given = _given(roots, grad_outputs)
    if is_grads_batched:
        return _batched(roots, targets, given, create_graph, allow_unused)
    for x in targets:
        if not x._requires:
            raise TensorError("One of the differentiated Tensors does not require grad")
    keys = [_target(x) for x in targets]
    seeds = _seeds(roots, given)
    bars = _swept(roots, seeds, create_graph, retain_graph, set(keys))
    found: list[Any] = []
    taken = _memory_of(seeds)
    for x, key in zip(targets, keys, strict=True):
        if key in bars:
            found.append(_as_gradient(x, bars[key], create_graph, taken))
        elif materialize_grads:
            found.append(made(np.zeros(x._value.shape, x._dtype.numpy)[()], x._dtype))
        elif allow_unused:
            found.append(None)
        else:
            raise TensorError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
    return tuple(found)


def _batched(roots: Any, targets: Any, given: Any, create_graph: bool, allow_unused: bool | None) -> tuple[Any, ...]:
    from symdiff.eager.shapes import stack

    rows = [
        grad(roots, targets, [None if g is None else g[i] for g in given], True, create_graph, allow_unused)
        for i in range(len(given[0]))
    ]
    return tuple(None if column[0] is None else stack(column) for column in zip(*rows, strict=True))


def _listed(values: Any) -> list[Any]:
    return (
        list(values) if isinstance(values, tuple | list) else [values] if isinstance(values, Tensor) else list(values)
    )


def _given(roots: Sequence[Tensor], cotangents: Any) -> list[Any]:
    found = [None] * len(roots) if cotangents is None else _listed(cotangents)
    if len(found) != len(roots):
        raise TensorError(f"got {len(roots)} tensors and {len(found)} gradients")
    return found


def _target(x: Tensor) -> Any:
    return x._node or x


# ---- seeds


def _seeds(roots: Sequence[Tensor], given: Sequence[Any]) -> list[Any]:
    return [_seed(root, ybar) for root, ybar in zip(roots, given, strict=True)]


def _seed(root: Tensor, ybar: Any) -> Any:
    if not root._requires:
        raise TensorError(
            "element 0 of tensors does not require grad and does not have a grad_fn: no tensor that it was computed "
            "from requires a gradient, or it was computed under no_grad() or detached"
        )
    if ybar is None:
        if root._value.size != 1:
            raise TensorError(
                f"grad can be implicitly created only for scalar outputs; this one has shape {list(root.shape)}. "
                "Call sum() or mean() on it first, or give the cotangent: y.backward(torch.ones_like(y))"
            )
        one = root._dtype.numpy.type(1)
        return one if not root._value.ndim else np.ones(root._value.shape, root._dtype.numpy)
    if not isinstance(ybar, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(ybar).__name__}")
    if ybar._value.shape != root._value.shape:
        raise TensorError(
            f"Mismatch in shape: grad_output has a shape of {ybar.shape} and output has a shape of {root.shape}."
        )
    return ybar


# ---- sweeps


def _swept(
    roots: Sequence[Tensor],
    seeds: Sequence[Any],
    create_graph: bool,
    retain_graph: bool | None,
    kept: set[Any],
) -> Bars:
    """The cotangents of the leaves, and of the nodes in ``kept``."""
    targets = [root._node or root for root in roots]
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
                bars = _on_tensors(order, _start(targets, map(_as_tensor, roots, seeds)), kept)
        else:
            bars = _careful(order, start, kept)
    for leaf in [edge for edge in bars if edge.sequence < 0 and edge._hooks]:
        bars[leaf] = hooked(leaf._hooks, _as_gradient(leaf, bars[leaf], create_graph, set()))
    if not (create_graph if retain_graph is None else retain_graph):
        for node in order:
            if not node.rule.trivial:
                node.saved = None
                node.cells = ()
    return bars


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
        if not _plain(bars, floor, kept, order):
            return None
        ends = [*bars.values(), *[root._value for root in roots]]
        if MODE.tracer is not None:
            MODE.tracer.check(ends)
            return bars
        total = 0.0
        for end in ends:  # a sum of squares is finite where all are; that it may overflow costs time alone
            total += np.vdot(end, end) if end.__class__ is np.ndarray else end * end
        return bars if math.isfinite(total) else None
    except ODD:
        return None


def _plain(bars: Bars, floor: int, kept: set[Any], order: list[Node]) -> bool:
    """Sweep as far as no code of the user's stands in the graph; say whether that was to the end."""
    found: Bars = {}
    heap = [(-edge.sequence, edge) for edge in bars if edge.sequence >= 0]
    heap.sort()
    while heap:
        node = heappop(heap)[1]
        rule = node.rule
        if node.watchers is not None or rule.foreign:
            return False
        order.append(node)
        ybar = bars.pop(node)
        if kept and node in kept:
            found[node] = ybar
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
    if not shape and part.__class__ is np.ndarray:
        return np.add.reduce(part, None)
    return sum_to((part,), shape)


def _careful(nodes: Sequence[Node], bars: Bars, kept: set[Any]) -> Bars:
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
        parts = _by(node, rule.quick, ybar)
        if rule.guarded or not all(map(is_finite, parts)):
            parts = _by(node, rule.careful, ybar)
    if MODE.anomaly is not None:
        MODE.anomaly.inspect_parts(node, parts)
    return parts  # type: ignore[no-any-return]


def _by(node: Node, kernel: Any, ybar: Any) -> Any:
    return kernel(ybar, *node.saved) if node.shapes is None else spread(node, kernel, ybar, node.saved)  # type: ignore[misc]


def _watched(node: Node, ybar: Any) -> Tensor:
    """A node's cotangent as a tensor of its full shape, for hooks."""
    value = np.asarray(ybar)
    shape = node.shapes[0] if node.shapes else node.watchers.shape if node.watchers is not None else None
    if shape is not None and value.shape != shape:
        value = np.array(np.broadcast_to(value, shape))
    return wrapped(value if value.ndim else value[()])


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


def _on_tensors(nodes: Sequence[Node], bars: Bars, kept: set[Any]) -> Bars:
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
        node.check_saved()
        for edge, part in zip(node.edges, _tensor_parts(node, ybar), strict=True):
            if edge is not None and part is not None:
                _add(bars, edge, part if isinstance(part, Tensor) else ybar * part)
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
    parts = _through(node, rule.quick_on_tensors, ybar, inputs)
    with np.errstate(all="ignore"):
        finite = all(is_finite(part._value) for part in parts if isinstance(part, Tensor))
    if rule.guarded or not finite:
        parts = _through(node, rule.careful_on_tensors, ybar, inputs)
    return parts


def _through(node: Node, kernel: Any, ybar: Tensor, inputs: Sequence[Any]) -> Sequence[Any]:
    return kernel(ybar, *inputs) if node.shapes is None else spread(node, kernel, ybar, inputs)


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


def _as_gradient(x: Tensor, ybar: Any, create_graph: bool, taken: set[int]) -> Tensor:
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


def _memory_of(seeds: Sequence[Any]) -> set[int]:
    """The user's own cotangents, in whose memory no gradient may lie."""
    arrays = [live(seed) for seed in seeds if isinstance(seed, Tensor)]
    return {id(array if array.base is None else array.base) for array in arrays}


def _alone(ybar: Any, taken: set[int]) -> bool:
    """Whether a gradient may lie where the sweep has put it: in memory that it fills, and shares with no other."""
    owner = ybar
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if id(owner) in taken or owner.size != ybar.size or not ybar.flags.writeable:
        return False
    taken.add(id(owner))
    return True


def _accumulate(leaf: Tensor, ybar: Any, create_graph: bool, taken: set[int]) -> None:
    if MODE.tracer is not None:
        MODE.tracer.accumulates(leaf)
    old = leaf._grad
    if old is None:
        leaf._grad = _as_gradient(leaf, ybar, create_graph, taken)
    elif create_graph or old._requires:
        leaf._grad = old + _as_gradient(leaf, ybar, create_graph, taken)
    else:
        part = ybar._value if isinstance(ybar, Tensor) else ybar
        if isinstance(old._value, np.ndarray):
            array = live(old)
            array += part
        else:
            old._value = old._dtype.numpy.type(old._value + part)
        old._cell[0] += 1
