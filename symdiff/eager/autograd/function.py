"""Functions with a backward of the user's own, whose second derivative is right or refused.

``forward`` runs unrecorded; its result gets one node. In a backward pass that is recorded itself
(``create_graph``), ``backward`` runs on tensors with the graph that saved ones had, so that it is
differentiated like any other code. What it reads but has not saved through ``ctx`` would be lost
there: an intermediate result of ``forward`` that was saved is refused instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar

import numpy as np

from symdiff.eager import frames
from symdiff.eager.arrays import applied
from symdiff.eager.modes import MODE, is_grad_enabled, no_grad
from symdiff.eager.operators import edge_of
from symdiff.eager.record import Node, node_class
from symdiff.eager.tensor import Tensor, made, wrapped
from symdiff.errors import OperationError, TensorError
from symdiff.ops.arrays import expand, sum_to


class Context:
    """What ``forward`` leaves for ``backward``: saved tensors, and whatever is set on it.

    Attributes:
        needs_input_grad: for each argument, whether its gradient is asked for.
    """

    def __init__(self, needs: Sequence[bool]) -> None:
        self.needs_input_grad = tuple(needs)
        self._inputs: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] | None = ()
        self._versions: tuple[int, ...] = ()
        self._outputs: tuple[Any, ...] = ()
        self._constant: set[int] = set()
        self._written: set[int] = set()
        self._materialize = True
        self._node: Node | None = None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for ``backward``; changing one in place before it runs is an error."""
        for x in tensors:
            if x is not None and not isinstance(x, Tensor):
                raise OperationError(
                    f"save_for_backward can only save variables, but argument is of type {type(x).__name__}"
                )
        self._saved = tensors
        self._versions = tuple(0 if x is None else x._cell[0] for x in tensors)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept.

        Raises:
            TensorError: it was freed by an earlier pass, or changed in place.
        """
        if self._saved is None:
            raise TensorError(
                "Trying to backward through the graph a second time: the saved tensors are freed; use retain_graph=True"
            )
        for x, version in zip(self._saved, self._versions, strict=True):
            if x is not None and x._cell[0] != version:
                by = f": {x._cell[1]} at {frames.described(x._cell[2])}" if len(x._cell) > 1 else ""
                raise TensorError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation"
                    f"{by}. It was given to save_for_backward with shape {list(x.shape)}"
                )
        return tuple(self._as_result(x) for x in self._saved)

    saved_variables = saved_tensors

    def _as_result(self, x: Any) -> Any:
        """A saved result with the graph that results have: ``forward`` made it without one."""
        for i, out in enumerate(self._outputs):
            if x is not None and x._value is out:
                return made(out, x._dtype, self._node if len(self._outputs) == 1 else _part(self._node, i))
        return x

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Results that have no gradient."""
        self._constant = {id(x) for x in tensors}

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Arguments that ``forward`` changed in place."""
        self._written = {id(x) for x in tensors}

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` is given zeros (the default) or None for results that nothing depends on."""
        self._materialize = value


class Function:
    """Subclass with static ``forward(ctx, *args)`` and ``backward(ctx, *grad_outputs)``; call ``apply``."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """The value, from tensors and anything else."""
        raise NotImplementedError("you must implement the forward function of a custom autograd.Function")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient of every argument of ``forward``, from those of its results; None for no tensor."""
        raise NotImplementedError("you must implement the backward function of a custom autograd.Function")

    def __call__(self, *args: Any) -> Any:
        raise TensorError(f"Legacy autograd function: call {type(self).__name__}.apply(...), not an instance")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call the function and record it."""
        needs = [isinstance(x, Tensor) and x._requires for x in args]
        recorded = MODE.grad and any(needs)
        ctx = Context([need and MODE.grad for need in needs])
        ctx._inputs = args
        with no_grad():
            if "setup_context" in _members(cls):
                results = cls.forward(*args)
                cls.setup_context(ctx, args, results)  # type: ignore[attr-defined]
            else:
                results = cls.forward(ctx, *args)
        several = isinstance(results, tuple | list)
        outs = list(results) if several else [results]
        if recorded:
            outs = _recorded(cls, ctx, args, outs)
        return tuple(outs) if several else outs[0]


def _members(cls: type) -> set[str]:
    return {name for base in cls.__mro__ for name in vars(base)}


class _Slots(dict[int, Any]):
    """The cotangents of several results of one function."""

    def __add__(self, other: _Slots) -> _Slots:
        return _Slots(
            {i: self[i] + other[i] if i in self and i in other else self.get(i, other.get(i)) for i in {*self, *other}}
        )


class FunctionRule:
    """Pulls back through a function of the user's."""

    elementwise: ClassVar = False
    guarded: ClassVar = False
    foreign: ClassVar = True
    trivial: ClassVar = False

    def __init__(self, cls: type[Function], ctx: Context, shapes: Sequence[Any], edges: int) -> None:
        self.cls = cls
        self.ctx = ctx
        self.shapes = shapes
        self.count = edges
        self.name = f"{cls.__name__}Backward"

    def pull(self, node: Node, ybar: Any, args: Any) -> Sequence[Any]:
        """Call the user's ``backward`` and check what it returns.

        Raises:
            TensorError: another number of gradients than arguments, or one of another shape.
        """
        on_tensors = is_grad_enabled()
        given = ybar if isinstance(ybar, _Slots) else _Slots({0: ybar})
        self.ctx._node = node
        cotangents = [self._cotangent(given.get(i), *shape) for i, shape in enumerate(self.shapes)]
        back = self.cls.backward(self.ctx, *cotangents)
        found = list(back) if isinstance(back, tuple | list) else [back]
        inputs = self.ctx._inputs
        while len(found) > len(inputs) and found[-1] is None:
            found.pop()
        if len(found) != len(inputs):
            raise TensorError(
                f"function {self.name} returned an incorrect number of gradients "
                f"(expected {len(inputs)}, got {len(found)})"
            )
        return [self._checked(i, x, part, on_tensors) for i, (x, part) in enumerate(zip(inputs, found, strict=True))]

    def _cotangent(self, part: Any, shape: tuple[int, ...], kind: Any) -> Any:
        if isinstance(part, Tensor):
            return part
        if part is None:
            return made(np.zeros(shape, kind.numpy)[()], kind) if self.ctx._materialize else None
        return wrapped(np.array(np.broadcast_to(np.asarray(part, kind.numpy), shape))[()])

    def _checked(self, i: int, x: Any, part: Any, on_tensors: bool) -> Any:
        if part is None or not isinstance(x, Tensor) or not x._requires:
            if part is not None and not isinstance(x, Tensor):
                raise TensorError(
                    f"function {self.name} returned a gradient different from None at position {i}, but the "
                    "corresponding forward input was not a Variable"
                )
            return None
        if not isinstance(part, Tensor):
            raise TensorError(
                f"function {self.name} returned a {type(part).__name__} at position {i}; expected Variable or None"
            )
        if part._value.shape != x._value.shape:
            try:
                fits = np.broadcast_shapes(part._value.shape, x._value.shape)
            except ValueError:
                fits = ()
            if fits not in (x._value.shape, part._value.shape) or (
                part._value.ndim < x._value.ndim and part._value.size != 1
            ):
                raise TensorError(
                    f"Function {self.name} returned an invalid gradient at index {i} - got {list(part.shape)} but "
                    f"expected shape compatible with {list(x.shape)}"
                )
            part = applied(sum_to if fits == part._value.shape else expand, (part,), x._value.shape)
        if part._dtype is not x._dtype:
            part = part.to(x._dtype)
        return part if on_tensors else np.array(part._value)[()]  # the user may keep it


class _PartRule:
    """One of several results of a function: its cotangent goes to its slot."""

    elementwise: ClassVar = False
    guarded: ClassVar = False
    foreign: ClassVar = True
    trivial: ClassVar = True

    def __init__(self, name: str, i: int) -> None:
        self.name = name
        self.i = i

    def pull(self, node: Node, ybar: Any, args: Any) -> list[Any]:
        """The slot alone."""
        return [_Slots({self.i: ybar})]


def _part(node: Node | None, i: int) -> Node:
    assert node is not None
    return node_class(node.rule.name)(_PartRule(node.rule.name, i), (node,), (), (), 0, None, node.code, node.offset)


def _recorded(cls: type[Function], ctx: Context, args: Sequence[Any], outs: list[Any]) -> list[Any]:
    edges = tuple(map(edge_of, args))
    shapes = [(x._value.shape, x._dtype) if isinstance(x, Tensor) else ((), None) for x in outs]
    code, offset = frames.place() or (None, 0)
    rule = FunctionRule(cls, ctx, shapes, len(edges))
    node = node_class(rule.name)(rule, edges, (), (), 0, None, code, offset)
    found = []
    for i, out in enumerate(outs):
        if not isinstance(out, Tensor) or id(out) in ctx._constant or not out._dtype.is_floating_point:
            found.append(out)
            continue
        same = any(out is x for x in args)
        if same and id(out) in ctx._written:
            result = out
            result._node, result._requires = None, False
        else:
            result = made(np.array(out._value) if same and out._value.ndim else out._value, out._dtype)
            result._cell = [0] if same else out._cell
        result._node = node if len(outs) == 1 else _part(node, i)
        result._requires = True
        found.append(result)
    ctx._outputs = tuple(x._value if isinstance(x, Tensor) else None for x in outs)
    return found


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse second derivatives through a ``backward`` that is not differentiable itself.

    Raises:
        TensorError: in a backward pass that goes through its results.
    """

    @wraps(backward)
    def once(ctx: Any, *grad_outputs: Any) -> Any:
        recorded = is_grad_enabled()
        with no_grad():
            found = backward(ctx, *grad_outputs)
        if not recorded:
            return found
        parts = found if isinstance(found, tuple | list) else (found,)
        refused = tuple(_Refused.apply(part, *grad_outputs) if isinstance(part, Tensor) else part for part in parts)
        return refused if isinstance(found, tuple | list) else refused[0]

    return once


class _Refused(Function):
    """A first derivative that has no further one."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, *needs: Any) -> Any:
        return value.detach().clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise TensorError("trying to differentiate twice a function that was marked with @once_differentiable")
