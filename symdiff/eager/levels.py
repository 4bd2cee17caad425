"""One differentiation of a function, inside of others or not: what it may see, and what it leaves behind.

A level gives the function copies of its arguments, at which its graph begins. The graph of an inner
level leads through the copies of an outer one, so that derivatives nest and each is taken by its own
variable. Results stay recorded for whoever records outside of the level, and are constants otherwise;
to find out takes a walk over the part of the graph that the level made.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

import numpy as np

from symdiff.eager import frames
from symdiff.eager.arrays import applied, array_rule
from symdiff.eager.gradients import grad
from symdiff.eager.modes import MODE, set_grad_enabled
from symdiff.eager.record import Node, number, reachable
from symdiff.eager.sweep import target_of
from symdiff.eager.tensor import Tensor, made, wrapped
from symdiff.errors import SettingError, TensorError
from symdiff.ops.arrays import clone


class Level:
    """A differentiation. While it is entered (``with level:``), operations are recorded.

    Args:
        outside: what the function is applied to, tensors of a floating dtype.

    Attributes:
        inputs: copies of these tensors, at which the graph of this level begins, for the function.
        variables: the same, to differentiate by: the function may change its inputs in place.

    Raises:
        SettingError: something given is no tensor.
        TensorError: a tensor is not of floating point.
    """

    def __init__(self, outside: Sequence[Any]) -> None:
        self._first = number()  # what the level makes has a higher one
        self._nodes: set[Node] = set()
        self._modes: list[bool] = []
        self.inputs = [self.variable(x) for x in outside]
        self.variables = [made(x._value, x._dtype, x._node) for x in self.inputs]

    def variable(self, x: Any) -> Tensor:
        """A copy of a tensor, to differentiate by; nothing leads on to the tensor unless it is recorded itself."""
        if not isinstance(x, Tensor):
            raise SettingError(f"functions are differentiated by tensors; {x!r:.40} is a {type(x).__name__}")
        if not x.dtype.is_floating_point:
            raise TensorError(f"only Tensors of floating point dtype can require gradients; this one is {x.dtype}")
        copy = applied(clone, (x,))
        if copy._node is None:
            copy._node = _beginning(x._value.shape)
            copy._requires = True
        self._nodes.add(copy._node)
        return copy

    def __enter__(self) -> Level:
        self._modes.append(MODE.grad)
        set_grad_enabled(True)
        _OPEN.levels.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _OPEN.levels.pop()
        set_grad_enabled(self._modes.pop())

    def stays(self) -> None:
        """The level will be entered again, when levels are open that began after it."""
        _STAYING.add(self)

    def is_recorded(self, tensors: Sequence[Tensor]) -> bool:
        """Whether somebody outside records these tensors; to be asked while the level is entered."""
        return self._modes[-1] and self._reaches_out(tensors)

    def result(self, x: Any) -> Any:
        """A result as it looks from outside: a constant, unless somebody there records it."""
        if not isinstance(x, Tensor) or not x.requires_grad or self.is_recorded([x]):
            return x
        return x.detach()

    def _reaches_out(self, tensors: Sequence[Tensor]) -> bool:
        stack = [target_of(x) for x in tensors if x.requires_grad]
        seen = {*stack}
        while stack:
            edge = stack.pop()
            if edge.sequence < 0 or (edge.sequence < self._first and not _STAYING):
                return True  # a leaf, or made before this level; of levels that stay, that does not say enough
            if edge.edges == (None,) and any(edge in level._nodes for level in _OPEN.levels if level is not self):
                return True
            new = [e for e in edge.edges if e is not None and e not in seen]
            seen.update(new)
            stack.extend(new)
        return False


class _Open(threading.local):
    """The levels that are entered in this thread, the outermost first."""

    def __init__(self) -> None:
        self.levels: list[Level] = []


_OPEN: Final = _Open()
_STAYING: Final[weakref.WeakSet[Level]] = weakref.WeakSet()


def _beginning(shape: tuple[int, ...]) -> Node:
    """A node from which nothing leads on."""
    code, offset = frames.place() or (None, 0)
    rule = array_rule(clone)
    return rule.node(rule, (None,), (), (), 0, (shape, (shape,), ()), code, offset)


def pulled_back(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor | None], inputs: Sequence[Tensor], record: bool
) -> list[Tensor]:
    """The sum of the outputs' gradients by inputs, weighted by cotangents; zeros where nothing depends.

    Args:
        outputs: what was computed while a level was entered.
        cotangents: of the outputs' shapes; None is 1, for an output of one element.
        inputs: variables of the level.
        record: whether the gradients are to be differentiated again.
    """
    active = [(y, ybar) for y, ybar in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not active or not inputs:
        return [wrapped(np.zeros_like(x._value)[()]) for x in inputs]
    roots, seeds = zip(*active, strict=True)
    return list(grad(roots, inputs, seeds, True, record, materialize_grads=True))


def depends(y: Tensor, x: Tensor) -> bool:
    """Whether the graph of ``y`` leads to ``x``, a variable of a level."""
    return y.requires_grad and (y is x or x._node in reachable([target_of(y)]))
