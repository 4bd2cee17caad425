"""What users ask of a graph: ``backward``, which fills gradients, and ``grad``, which returns them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symdiff.eager.joining import stack
from symdiff.eager.modes import MODE, WATCHED
from symdiff.eager.storage import live, owner
from symdiff.eager.sweep import as_gradient, is_finite, plain_sweep, release, swept, target_of
from symdiff.eager.tensor import ODD, Tensor, made, method
from symdiff.errors import TensorError


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
    wanted = None if inputs is None else {target_of(x) for x in _listed(inputs)}
    bars = swept(roots, seeds, create_graph, retain_graph, wanted or set())
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
    value = self._value
    usual = gradient is None and not create_graph and inputs is None and self._node is not None
    if not usual or value.ndim or MODE.state >= WATCHED or not _at_once(self._node, value, bool(retain_graph)):
        backward(self, gradient, retain_graph, create_graph, inputs)


def _at_once(node: Any, value: Any, retain_graph: bool) -> bool:
    """The usual pass, from a finite number: one sweep, and the gradients handed over; False where more is needed."""
    bars = {node: value.dtype.type(1)}
    order: list[Any] = []
    try:
        if not math.isfinite(value) or not plain_sweep(bars, -1, _NOTHING, order):
            return False
        for leaf, ybar in bars.items():
            if leaf._hooks or not is_finite(ybar):
                return False
    except ODD:
        return False
    taken: set[int] = set()
    for leaf, ybar in bars.items():
        if leaf._grad is None and _is_its_own(leaf, ybar, taken):
            leaf._grad = made(ybar, leaf._dtype)  # the usual case of `_accumulate`
        else:
            _accumulate(leaf, ybar, False, taken)
    if not retain_graph:
        release(order)
    return True


_NOTHING: Final[set[Any]] = set()


def _is_its_own(leaf: Tensor, ybar: Any, taken: set[int]) -> bool:
    """Whether a cotangent is an array or scalar that the sweep has made for this leaf, as it is."""
    value = leaf._value
    if ybar.__class__ is not np.ndarray:
        return ybar.__class__ is value.__class__
    if ybar.base is not None or ybar.dtype is not value.dtype or ybar.shape != value.shape or id(ybar) in taken:
        return False
    taken.add(id(ybar))
    return True


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
    keys = [target_of(x) for x in targets]
    seeds = _seeds(roots, given)
    bars = swept(roots, seeds, create_graph, retain_graph, set(keys))
    found: list[Any] = []
    taken = _memory_of(seeds)
    for x, key in zip(targets, keys, strict=True):
        if key in bars:
            found.append(as_gradient(x, bars[key], create_graph, taken))
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
    rows = [
        grad(roots, targets, [None if g is None else g[i] for g in given], True, create_graph, allow_unused)
        for i in range(len(given[0]))
    ]
    return tuple(None if column[0] is None else stack(column) for column in zip(*rows, strict=True))


def _listed(values: Any) -> list[Any]:
    return [values] if isinstance(values, Tensor) else list(values)


def _given(roots: Sequence[Tensor], cotangents: Any) -> list[Any]:
    found = [None] * len(roots) if cotangents is None else _listed(cotangents)
    if len(found) != len(roots):
        raise TensorError(f"got {len(roots)} tensors and {len(found)} gradients")
    return found


# ---- seeds


def _seeds(roots: Sequence[Tensor], given: Sequence[Any]) -> list[Any]:
    return [_seed(root, ybar) for root, ybar in zip(roots, given, strict=True)]


def _seed(root: Tensor, ybar: Any) -> Any:
    if not root._requires:
        raise TensorError(
            "element 0 of tensors does not require grad and does not have a grad_fn: no tensor that it was computed "
            "from requires a gradient, or it was computed under no_grad(), detached, or returned by a compiled function"
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


def _memory_of(seeds: Sequence[Any]) -> set[int]:
    """The user's own cotangents, in whose memory no gradient may lie."""
    return {id(owner(live(seed))) for seed in seeds if isinstance(seed, Tensor)}


def _accumulate(leaf: Tensor, ybar: Any, create_graph: bool, taken: set[int]) -> None:
    if not leaf._requires:  # no longer: it was detached in place
        return
    if MODE.tracer is not None:
        MODE.tracer.accumulates(leaf)
    old = leaf._grad
    if old is None:
        leaf._grad = as_gradient(leaf, ybar, create_graph, taken)
    elif create_graph or old._requires:
        leaf._grad = old + as_gradient(leaf, ybar, create_graph, taken)
    else:
        part = ybar._value if isinstance(ybar, Tensor) else ybar
        if isinstance(old._value, np.ndarray):
            array = live(old)
            array += part
        else:
            old._value = old._dtype.numpy.type(old._value + part)
        old._cell[0] += 1
