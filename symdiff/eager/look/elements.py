"""Arrays of formulas: what a record runs on again to give a closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from symdiff.dag import Apply, Const, Node, Symbol, as_node, build, rebuilt
from symdiff.eager.arrays import ArrayRule
from symdiff.eager.look.history import Constant, History, Shape
from symdiff.eager.tensor import Tensor
from symdiff.ops import OPS, Op, Overloads
from symdiff.ops.arrays import ArrayOp, affine, cast, cumsum, einsum, matmul, mean, sum_to, total
from symdiff.text.names import spelled


class Elements(Overloads):
    """An array of formulas."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = boxed(array)

    def apply(self, op: Op, args: tuple[Any, ...]) -> Any:
        return type(self)(np.frompyfunc(_builder(op), len(args), 1)(*map(_array, args)))

    def apply_array(self, op: ArrayOp, args: tuple[Any, ...], parameters: tuple[Any, ...]) -> Any:
        if op is cast:
            return self
        if op is sum_to:
            return type(self)(_summed_to(self.array, *parameters))
        return type(self)(op.value(*map(_array, args), *parameters))


class Everywhere(Elements):
    """One formula that stands for every element of an array alike; copies are itself."""

    __slots__ = ()

    def apply_array(self, op: ArrayOp, args: tuple[Any, ...], parameters: tuple[Any, ...]) -> Any:
        return self


def boxed(value: Any) -> Any:
    """An object array; a single formula as one of no dimensions."""
    if isinstance(value, np.ndarray):
        return value if value.dtype == object else value.astype(object)
    box = np.empty((), object)
    box[()] = value
    return box


def _summed_to(array: Any, shape: Shape) -> Any:
    """The row's sum, kept an array by an axis more: one of all elements would be the element itself."""
    padded = (1,) * (1 + array.ndim - len(shape)) + shape
    return np.reshape(sum_to.value(array[None], padded), shape)


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Elements) else boxed(value)


def _builder(op: Op) -> Callable[..., Node]:
    chooses = op is OPS.get("where")

    def built(*parts: Any) -> Node:
        nodes = tuple([as_node(part) for part in parts])
        if chooses and type(nodes[0]) is Const:  # a condition is known that had a value
            return nodes[1] if nodes[0].value else nodes[2]
        return build(op, nodes)

    return built


def tidied(nodes: Sequence[Any], neutral: bool) -> list[Node]:
    """Formulas as people write them: ``2*x`` for ``x*2``, which tensors do not tell apart.

    Args:
        nodes: formulas and numbers.
        neutral: whether to leave out what adds 0 or multiplies by 1, as sums over arrays do, and to
            add and multiply whole numbers.
    """
    add, mul = OPS.get("add"), OPS.get("mul")

    def written(node: Node, args: tuple[Node, ...]) -> Node:
        if type(node) is not Apply:
            return node
        if node.op is add or node.op is mul:
            known = [arg.value if type(arg) is Const else None for arg in args]
            if neutral and (node.op is mul) in known:
                return args[1 - known.index(node.op is mul)]
            if neutral and all(type(value) is int for value in known):
                return Const(known[0] + known[1] if node.op is add else known[0] * known[1])  # type: ignore[operator]
            if node.op is mul and type(args[1]) is Const:
                args = args[::-1]
        return build(node.op, args)

    given = [as_node(node) for node in nodes]
    made = rebuilt(given, written)
    return [made[node] for node in given]


def symbols(name: str, shape: Shape) -> Any:
    """The symbols of a tensor's elements, as an object array: ``x``, or ``x[0]``, ``x[1]``, ..."""
    found = np.empty(shape, object)
    for place in np.ndindex(shape):
        found[place] = Symbol(spelled(name, place) if place else name)
    return found


def numbers(value: Any) -> Any:
    """The numbers of a constant as formulas, by their shortest decimals in its dtype, as an object array."""
    if not isinstance(value, Tensor):
        return boxed(as_node(value))
    array = np.asarray(value._value)
    known = {key: _number(key) for key in np.unique(array)} if array.size else {}
    found = np.empty(array.shape, object)
    for place in np.ndindex(array.shape):
        x = array[place]
        found[place] = known[x] if x in known else _number(x)
    return found


def _number(x: Any) -> Node:
    if x.dtype.kind in "iub":
        return Const(int(x))
    if not np.isfinite(x):
        return as_node(float(x))
    return Const(int(x)) if x == np.trunc(x) and abs(x) < 2**53 else Const(Fraction(str(x)), decimal=True)


def written_out(past: History) -> int:
    """How many symbols, numbers and operations a computation takes when it is written out element by element."""
    count = sum(prod(past.shapes[leaf]) for leaf in past.leaves)
    for step in past.steps:
        extents = [_extent(arg, past) for arg in step.args]
        count += sum(prod(extent) for arg, extent in zip(step.args, extents, strict=True) if type(arg) is Constant)
        count += _operations(step.node, extents, step.shape)
    return count


def _extent(arg: Any, past: History) -> Shape:
    return np.shape(getattr(arg.value, "_value", arg.value)) if type(arg) is Constant else past.shapes[arg]


def _operations(node: Any, shapes: Sequence[Shape], shape: Shape) -> int:
    rule = node.rule
    if not isinstance(rule, ArrayRule):
        return prod(shape)
    if rule.op in (total, mean, sum_to, cumsum):
        return prod(shapes[0])
    if rule.op in (matmul, affine):
        return 2 * prod(shape) * shapes[0][-1]
    if rule.op is einsum:
        letters = "".join(node.shapes[2][0])
        lengths = dict(zip(letters, [n for extent in shapes for n in extent], strict=True))
        return len(shapes) * prod(lengths.values())
    return 0
