"""Changes in place: ``x += 1``, ``x.mul_(2)``, ``x[0] = 3``, with the graph kept right.

Each is the operation without the underscore, whose result is then written over the tensor. Where
the tensor is a view, its base's graph gets a node that says which part was overwritten, and every
other view follows.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from typing import Any

import numpy as np

from symdiff.eager.arrays import applied, array_rule, follow
from symdiff.eager.modes import MODE, QUIET
from symdiff.eager.operators import edge_of
from symdiff.eager.selections import index_key, selected
from symdiff.eager.storage import changed, live, quietly
from symdiff.eager.tensor import ODD, Tensor, made, method, wrapped
from symdiff.errors import OperationError, TensorError
from symdiff.ops.arrays import expand, index, replace


@method("_overwritten")
def overwrite(target: Tensor, result: Tensor, operation: str) -> Tensor:
    """Write ``result`` over ``target``, graph and all, and return ``target``.

    Raises:
        TensorError: the target is a leaf that requires a gradient (or a view of one), or of another
            shape, or an integer tensor that cannot hold the result.
    """
    check_leaf(target)
    if result._value.shape != target._value.shape:
        raise TensorError(
            f"{operation}: output with shape {list(target.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )
    if result._dtype is not target._dtype:
        if result._dtype.rank > target._dtype.rank:
            raise TensorError(f"{operation}: a result of {result._dtype} can't be cast to {target._dtype} in place")
        result = result.to(target._dtype)
    before = _old_base(target, result)
    _keep_old(result, target)
    write(target, result._value, operation)
    if MODE.grad:
        if result._node is not None:
            _claim(result, target)
        _take_graph(target, result, before)
    return target


def check_leaf(target: Tensor) -> None:
    """Refuse to change a leaf that requires a gradient, whose history would be wrong."""
    base = target._base
    if MODE.grad and base is not None and base._requires and not target._requires:
        raise TensorError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled: the gradient of "
            "its base would be wrong. Make the view and change it both inside no_grad(), or both outside"
        )
    if MODE.grad and target._requires:
        if target._node is None:
            raise TensorError(
                "a leaf Variable that requires grad is being used in an in-place operation; change it inside "
                "no_grad(), or make a new tensor (x = x + 1)"
            )
        if target._base is not None and target._base._node is None:
            raise TensorError("a view of a leaf Variable that requires grad is being used in an in-place operation")


def write(target: Tensor, value: Any, operation: str) -> None:
    """Change the elements, and note that they changed."""
    if isinstance(target._value, np.ndarray):
        array = live(target)
        if not array.flags.writeable:
            raise TensorError(
                f"{operation}: more than one element of the expanded tensor refers to one place in memory; clone() it"
            )
        array[...] = value
    elif MODE.tracer is not None:
        live(target)[...] = value
    else:
        target._value = target._dtype.numpy.type(value)
    changed(target, operation)


def _keep_old(result: Tensor, target: Tensor) -> None:
    """Give the node that saved the elements about to be overwritten a copy of them."""
    node = result._node
    if node is None or not node.saved or not isinstance(target._value, np.ndarray):
        return
    if any(value is target._value for value in node.saved):
        old = target._value.copy()
        node.saved = tuple([old if value is target._value else value for value in node.saved])
    if any(cell is target._cell for cell in node.cells):
        gone = sum(cell is target._cell for cell in node.cells)
        node.version -= gone * target._cell[0]
        node.cells = tuple([cell for cell in node.cells if cell is not target._cell])


def _claim(result: Tensor, target: Tensor) -> None:
    """What the node saved as its result is now what the target holds: later changes of it count."""
    node = result._node
    if node is None or not node.rule.elementwise or -1 not in node.rule.uses or not node.saved:
        return
    node.saved = tuple([target._value if i == -1 else v for i, v in zip(node.rule.uses, node.saved, strict=True)])
    node.cells = tuple([target._cell if cell is result._cell else cell for cell in node.cells])
    node.version += target._cell[0] - result._cell[0]


def _old_base(target: Tensor, result: Tensor) -> Tensor | None:
    """What a base without a graph held before a part of it gets one: those who look at the graph ask for it."""
    base = target._base
    if base is None or base._requires or not result._requires or not MODE.grad:
        return None
    return made(np.array(base._value), base._dtype)


def _take_graph(target: Tensor, result: Tensor, before: Tensor | None = None) -> None:
    base = target._base
    if base is None:
        if result._requires:
            _renew(target, result._node)
            follow(target)
    elif result._requires or base._requires:
        rule = array_rule(replace)
        shape = base._value.shape
        shapes = (shape, (shape, target._value.shape), (target._steps,))
        node = rule.node(rule, (edge_of(base), edge_of(result)), (), (), 0, shapes, None, 0)
        node.given = tuple([x for x in (base if before is None else before, result) if not x._requires])
        _renew(base, node)
        follow(base)


def _renew(tensor: Tensor, node: Any) -> None:
    """Give a tensor the node that has made it as it is now; a gradient that is kept is kept of that."""
    old = tensor._node
    tensor._node = node
    tensor._requires = True
    if tensor._retains and old is not None and old.watchers is not None:
        old.watchers.retained = None
        node.retain(tensor)


# ---- the in-place forms


def _fits(x: Tensor, other: Any) -> bool:
    """Whether NumPy can do it in place: one floating dtype, and a shape that leaves the tensor's."""
    value = x._value
    if not x._dtype.is_floating_point or (value.ndim and not value.flags.writeable):
        return False
    if isinstance(other, Tensor):
        z = other._value
        return other._dtype is x._dtype and (z.shape == value.shape or not z.ndim)
    return other.__class__ is float or other.__class__ is int


def _inplace(name: str, forward: Callable[[Any, Any], Any], over: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place form of an operator; without recording it works on the array directly."""

    def change(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
        if alpha != 1:
            other = alpha * other
        if MODE.state == QUIET and _fits(self, other):
            x, z = self._value, other._value if isinstance(other, Tensor) else other
            try:
                self._value = forward(x, z) if x.__class__ is not np.ndarray else over(x, z, x)
            except ODD:
                self._value = quietly(forward, x, z) if x.__class__ is not np.ndarray else quietly(over, x, z, x)
            changed(self, name)
            return self
        return overwrite(self, forward(self, other), name)

    change.__name__ = name
    change.__doc__ = f"``{name[:-1]}`` in place; returns the tensor."
    return change


for _name, _forward, _over in (
    ("add", python.add, np.add),
    ("sub", python.sub, np.subtract),
    ("mul", python.mul, np.multiply),
    ("div", python.truediv, np.divide),
    ("pow", python.pow, np.power),
):
    _change = _inplace(f"{_name}_", _forward, _over)
    setattr(Tensor, f"{_name}_", _change)
    setattr(Tensor, f"__i{'truediv' if _name == 'div' else _name}__", _change)


@method()
def addcmul_(self: Tensor, a: Any, b: Any, *, value: float = 1) -> Tensor:
    """Add ``value*a*b`` in place."""
    return overwrite(self, self + value * a * b, "addcmul_")


@method()
def addcdiv_(self: Tensor, a: Any, b: Any, *, value: float = 1) -> Tensor:
    """Add ``value*a/b`` in place."""
    return overwrite(self, self + value * a / b, "addcdiv_")


@method()
def fill_(self: Tensor, value: Any) -> Tensor:
    """Overwrite every element with one number."""
    if isinstance(value, Tensor):
        return copy_(self, value)
    return _filled(self, value, "Fill")


def _filled(x: Tensor, number: Any, name: str) -> Tensor:
    check_leaf(x)
    if MODE.grad and x._requires:
        return overwrite(x, applied(replace, (x, number), (), name=name), f"{name.lower()}_")
    write(x, number, f"{name.lower()}_")
    return x


@method()
def zero_(self: Tensor) -> Tensor:
    """Overwrite every element with 0."""
    return _filled(self, 0, "Zero")


@method()
def copy_(self: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite with another tensor, broadcast and converted to this one's dtype."""
    if not isinstance(source, Tensor):
        raise OperationError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(source).__name__}")
    check_leaf(self)
    given = source.to(self._dtype)
    if given._value.shape != self._value.shape:
        given = applied(expand, (given,), tuple(self._value.shape))
    if not MODE.grad or not (self._requires or given._requires):
        write(self, given._value, "copy_")
        return self
    return overwrite(self, applied(replace, (self, given), (), name="CopyBackwards"), "copy_")


@method()
def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:  # the names that its users know
    """Clamp in place."""
    return overwrite(self, self.clamp(min, max), "clamp_")


@method()
def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Overwrite where ``mask`` is true."""
    return overwrite(self, self.masked_fill(mask, value), "masked_fill_")


def _without_leading_ones(value: Any, rank: int) -> Any:
    """What is assigned, without axes of length 1 in front that the place does not have."""
    if not isinstance(value, Tensor):
        return value
    extra = value._value.ndim - rank
    ones = extra > 0 and all(n == 1 for n in value._value.shape[:extra])
    return value.reshape(value._value.shape[extra:]) if ones else value


@method("__setitem__")
def _setitem(self: Tensor, key: Any, value: Any) -> None:
    parts, basic = index_key(self, key)
    if basic:
        place = selected(self, parts, basic)
        value = _without_leading_ones(value, place._value.ndim)
        if isinstance(value, Tensor):
            copy_(place, value)
        elif isinstance(value, int | float):
            _filled(place, value, "Fill")
        else:
            copy_(place, wrapped(np.asarray(value, self._dtype.numpy)))
        return
    check_leaf(self)
    given = value if isinstance(value, Tensor) else None
    new: Any = value if given is None else given.to(self._dtype)
    if given is None and not isinstance(value, int | float | bool):
        new = np.asarray(value, self._dtype.numpy)
    if given is not None:
        new = applied(expand, (new,), self._value[parts].shape)
    result = applied(replace, (self, new), ((index, (parts,)),), name="IndexPut")
    overwrite(self, result, "index_put_")
