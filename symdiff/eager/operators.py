"""Elementwise rows on tensors: the operators, and every row as a function.

The hot path is operators on tensors of one floating dtype and on Python numbers; everything
else (other dtypes, tracing, anomaly detection) goes through `elementwise`.
"""

from __future__ import annotations

import operator as python
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from sys import _getframe
from typing import Any, Final

import numpy as np

from symdiff.eager import dtypes, frames
from symdiff.eager.dtypes import dtype
from symdiff.eager.modes import MODE, WATCHED, no_grad
from symdiff.eager.rules import CONSTANT, NUMBER, WANTS, Kind, Rule, rule_for
from symdiff.eager.storage import live, quietly
from symdiff.eager.tensor import KINDS, ODD, Tensor, made, method, wrapped
from symdiff.errors import OperationError, TensorError, TensorShapeError, nearest
from symdiff.ops import OPS, Exact, Op, Overloads, find

# Infinities and nan flow in silence, as IEEE 754 says. A context (np.errstate) for every operation would cost
# more than the operation; where the user has made warnings errors, `ODD` catches them.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"symdiff\.(eager|ops)\.")

_new: Final = object.__new__


# ---- operators on one floating dtype: the hot path


def _binary(name: str, forward: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator of a row of two arguments, on tensors of one floating dtype and on Python numbers."""
    op = OPS[name]
    rules = _Rules(op)  # asked first for what a call needs, made when it is needed first
    exponents = name == "pow"
    ours = frames.OURS

    def operator(self: Tensor, other: Any) -> Any:
        state = MODE.state
        kind = other.__class__
        if state >= WATCHED or not self._dtype.is_floating_point:
            return elementwise(op, (self, other))
        x = self._value
        numeric = kind is float or kind is int
        if numeric:
            z = other
        elif kind in KINDS and other._dtype is self._dtype:
            z = other._value
        else:
            return elementwise(op, (self, other))
        try:
            y = forward(x, z)
        except ODD:
            y = quietly(forward, x, z)
        except ValueError:
            raise mismatch(op, (self, other)) from None
        out = _new(Tensor)
        out._value = y
        out._dtype = self._dtype
        out._cell = cell = [0]
        if not state:
            return out
        given: Any = None
        shapes = None
        edges: tuple[Any, ...]
        if numeric:
            if not self._requires:
                return out
            rule = rules[WANTS, _exponent(z)] if exponents else rules[_NUMBER]
            if type(rule.kinds[1]) is str:
                given = other
            edges = (self._node or self,) if exponents else (self._node or self, None)
            saved, cells, version = rule.keep(x, z, y, self._cell, None, cell)
        else:
            if self._requires:
                if other._requires:
                    rule = rules[_BOTH]
                    edges = (self._node or self, other._node or other)
                else:
                    rule = rules[_FIRST]
                    edges = (self._node or self, None)
                    given = other
            elif other._requires:
                rule = rules[_SECOND]
                edges = (None, other._node or other)
                given = self
            else:
                return out
            saved, cells, version = rule.keep(x, z, y, self._cell, other._cell, cell)
            shape, other_shape = x.shape, z.shape
            if shape != other_shape:
                shapes = (y.shape, (shape, other_shape))
        frame = _getframe(1)
        while id(frame.f_globals) in ours and frame.f_back is not None:
            frame = frame.f_back
        out._node = node = rule.node(rule, edges, saved, cells, version, shapes, frame.f_code, frame.f_lasti)
        if given is not None:
            node.given = (given,)
        out._requires = True
        return out

    return operator


_NUMBER: Final = (WANTS, NUMBER)
_BOTH: Final = (WANTS, WANTS)
_FIRST: Final = (WANTS, CONSTANT)
_SECOND: Final = (CONSTANT, WANTS)


class _Rules(dict[tuple[Kind, ...], Rule]):
    """The rules of one operation that were needed so far."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op

    def __missing__(self, kinds: tuple[Kind, ...]) -> Rule:
        rule = rule_for(self.op, kinds)
        if len(self) < _MOST_KEPT:  # any float may be an exponent
            self[kinds] = rule
        return rule


_MOST_KEPT: Final = 256


def _exponent(z: float) -> Kind:
    """An exponent that the rule may know: any finite number."""
    if type(z) is int:
        return z
    return NUMBER if z - z != 0 else int(z) if z.is_integer() else Fraction(z)


def unary(name: str) -> Callable[[Any], Any]:
    """The function of a row of one argument, on tensors and on anything that overloads the table."""
    op = OPS[name]
    found = _UNARY.get(op)
    if found is None:
        found = _UNARY[op] = _unary(op)
    return found


_UNARY: Final[dict[Op, Callable[[Any], Any]]] = {}


def _unary(op: Op) -> Callable[[Any], Any]:
    forward = op.value
    rule: Rule | None = None
    ours = frames.OURS

    def function(self: Any) -> Any:
        nonlocal rule
        state = MODE.state
        if self.__class__ not in KINDS:
            return op(self)
        if state >= WATCHED or not self._dtype.is_floating_point:
            return elementwise(op, (self,))
        x = self._value
        try:
            y = forward(x)
        except ODD:
            y = quietly(forward, x)
        if y.dtype is not x.dtype:
            y = y.astype(x.dtype)
        out = _new(Tensor)
        out._value = y
        out._dtype = self._dtype
        out._cell = cell = [0]
        if not state or not self._requires:
            return out
        if rule is None:
            rule = rule_for(op, (WANTS,))
        saved, cells, version = rule.keep(x, y, self._cell, cell)
        frame = _getframe(1)
        while id(frame.f_globals) in ours and frame.f_back is not None:
            frame = frame.f_back
        edges = (self._node or self,)
        out._node = rule.node(rule, edges, saved, cells, version, None, frame.f_code, frame.f_lasti)
        out._requires = True
        return out

    function.op = op  # type: ignore[attr-defined]  # what it must be forgotten with
    function.__name__ = op.name
    function.__doc__ = f"Elementwise ``{op.name}``: {op.source}."
    return function


# ---- any arguments


def elementwise(op: Op, args: Sequence[Any]) -> Any:
    """Apply a row to tensors, numbers and arrays that broadcast together, in the dtype that they promote to.

    Raises:
        ShapeError: the shapes do not broadcast together.
        OperationError: an argument of another kind.
    """
    if any(isinstance(arg, Overloads) and not isinstance(arg, Tensor | Exact) for arg in args):
        return next(arg for arg in args if isinstance(arg, Overloads) and not isinstance(arg, Tensor | Exact)).apply(
            op, tuple(args)
        )
    operands = [_operand(op, arg, i < op.parameters) for i, arg in enumerate(args)]
    working = _working_dtype(op, operands)
    given = operands
    operands = [x.to(working) if isinstance(x, Tensor) and x._dtype is not working else x for x in operands]
    values = [
        live(x) if isinstance(x, Tensor) and MODE.tracer else x._value if isinstance(x, Tensor) else x for x in operands
    ]
    if working is dtypes.bool_ or op.name == "sub":
        _refuse_booleans(op, given)
    try:
        y = quietly(op.value, *values)
    except ValueError as error:
        if "negative integer powers" in str(error):
            raise TensorError("Integers to negative integer powers are not allowed; convert with .float()") from None
        raise mismatch(op, operands) from None
    y = np.asarray(y) if MODE.tracer is None else y
    if y.dtype != working.numpy:
        y = y.astype(working.numpy)
    if not y.ndim and MODE.tracer is None:
        y = y[()]
    out = made(y, working)
    if MODE.grad and any(isinstance(x, Tensor) and x._requires for x in operands):
        _record(op, operands, values, out)
    if MODE.anomaly is not None:
        MODE.anomaly.inspect(op.name, operands, out)
    return out


def _operand(op: Op, arg: Any, is_order: bool) -> Any:
    if isinstance(arg, Tensor):
        return arg.item() if is_order else arg
    if isinstance(arg, bool | np.bool_):
        return bool(arg)
    if isinstance(arg, int | float):
        return arg
    if isinstance(arg, Fraction | Exact):
        return float(arg)
    if isinstance(arg, np.generic):
        return arg.item()
    if isinstance(arg, np.ndarray):
        return wrapped(arg.astype(dtypes.as_dtype(arg.dtype).numpy, copy=False))
    if isinstance(arg, complex):
        raise OperationError("complex numbers are not supported; keep real and imaginary parts in two tensors")
    raise OperationError(f"unsupported operand for {op.name}: a tensor and {type(arg).__name__} ({arg!r:.40})")


_ON_INTEGERS: Final = frozenset(
    ("add", "sub", "mul", "neg", "abs", "sign", "floor", "ceil", "round", "pow", "mod", "max", "min", "where", "clip")
) | {"relu"}


def _working_dtype(op: Op, operands: Sequence[Any]) -> dtype:
    """The dtype of the result: integers stay integers only where the operation does not leave them."""
    skip = 1 if op.name == "where" else op.parameters  # a condition and orders have no say
    tensors = [x for x in operands[skip:] if isinstance(x, Tensor)]
    numbers = tuple(dict.fromkeys(type(x) for x in operands[skip:] if not isinstance(x, Tensor)))
    full = tuple(dict.fromkeys(x._dtype for x in tensors if x._value.ndim))
    scalar = tuple(dict.fromkeys(x._dtype for x in tensors if not x._value.ndim))
    found = dtypes.promoted(full, scalar, numbers) if tensors or numbers else dtypes.get_default_dtype()
    return found if found.is_floating_point or op.name in _ON_INTEGERS or op.condition else dtypes.get_default_dtype()


def _refuse_booleans(op: Op, operands: Sequence[Any]) -> None:
    if op.name == "pow" and isinstance(operands[1], bool):
        return
    if op.name in ("sub", "neg", "pow", "mod") and any(
        x is True or x is False or (isinstance(x, Tensor) and x._dtype is dtypes.bool_) for x in operands
    ):
        raise TensorError(
            f"{op.name} is not defined for a bool tensor; use ~, logical operations, or convert with .int()"
        )


def _record(op: Op, operands: Sequence[Any], values: Sequence[Any], out: Tensor) -> None:
    kinds = tuple([_kind(op, i, x) for i, x in enumerate(operands)])
    rule = rule_for(op, kinds)
    edges = tuple([edge_of(x) for x, kind in zip(operands, kinds, strict=True) if type(kind) is str])
    cells = [x._cell if isinstance(x, Tensor) else None for x in operands]
    saved, kept, version = rule.keep(*values, out._value, *cells, out._cell)
    shapes = [
        x._value.shape if isinstance(x, Tensor) else () for x, k in zip(operands, kinds, strict=True) if type(k) is str
    ]
    shape = out._value.shape
    same = all(s == shape for s, x in zip(shapes, edges, strict=True) if x is not None)
    code, offset = frames.place() or (None, 0)
    out._node = rule.node(rule, edges, saved, kept, version, None if same else (shape, tuple(shapes)), code, offset)
    out._node.given = tuple([x for x, kind in zip(operands, kinds, strict=True) if kind in (CONSTANT, NUMBER)])
    out._requires = True


def _kind(op: Op, i: int, x: Any) -> Kind:
    if isinstance(x, Tensor):
        return WANTS if x._requires else CONSTANT
    if i < op.parameters:
        return int(x)
    return _exponent(x) if op.name == "pow" and i == 1 else NUMBER


def edge_of(x: Any) -> Any:
    """Where the cotangent of an argument goes: its node, or itself as a leaf, or None."""
    return (x._node or x) if isinstance(x, Tensor) and x._requires else None


def compared(name: str, a: Any, b: Any) -> Any:
    """A comparison as a tensor of booleans."""
    other = b if isinstance(b, Tensor | int | float | np.ndarray | np.generic) else None
    if other is None:
        if isinstance(b, Overloads):
            return OPS[name](a, b)
        return NotImplemented
    with no_grad():
        return elementwise(OPS[name], (a, other)).to(dtypes.bool_)


def mismatch(op: Any, operands: Sequence[Any]) -> TensorShapeError:
    """The error for shapes that do not broadcast together."""
    shapes = [str(list(x._value.shape)) if isinstance(x, Tensor) else "[]" for x in operands]
    return TensorShapeError(f"{op.name}: shapes {' and '.join(shapes)} do not broadcast together")


# ---- rows as functions


def row_function(name: str) -> Callable[..., Any] | None:
    """The function of a row on tensors, by its name here or in PyTorch; None where the table has no such row."""
    op = OPS.get(name) or find(name) or _of_torch().get(name)
    if op is None or op.arity == 0 or op.infix == "[]":
        return None
    if op.arity == 1 and not op.condition:
        return unary(op.name)
    if op.condition:
        return lambda *args: compared(op.name, *args) if len(args) == 2 else op(*args)
    return op


def _changing(name: str) -> Callable[..., Any] | None:
    """The row ``sin`` written over its argument, for the method ``sin_``."""
    function = row_function(name[:-1]) if name.endswith("_") else None
    return function and (lambda self, *args: self._overwritten(function(self, *args), name))


def _of_torch() -> dict[str, Op]:
    return {op.names.torch.rsplit(".", 1)[-1]: op for op in OPS.values() if op.names.torch}


def _reflected(name: str) -> Callable[[Any, Any], Any]:
    """The operator for a Python number on the left, which `_binary` does not take there."""
    op = OPS[name]

    shown = {"sub": "RsubBackward1", "div": "MulBackward0"}.get(name)

    def operator(self: Tensor, other: Any) -> Any:
        out = elementwise(op, (other, self))
        if shown and out._node is not None:
            out._node.rename(shown)
        return out

    return operator


for _name, _forward in {
    "add": python.add,
    "sub": python.sub,
    "mul": python.mul,
    "div": python.truediv,
    "pow": python.pow,
}.items():
    _operator = _binary(_name, _forward)
    _dunder = "truediv" if _name == "div" else _name
    setattr(Tensor, f"__{_dunder}__", _operator)
    setattr(Tensor, f"__r{_dunder}__", _operator if _name in ("add", "mul") else _reflected(_name))


# ---- attached to tensors


@method("apply")
def _apply(self: Tensor, op: Op, args: tuple[Any, ...]) -> Any:
    return elementwise(op, args)


@method("__getattr__")
def _row_as_method(self: Tensor, name: str) -> Any:
    function = None if name.startswith("_") else row_function(name) or _changing(name)
    if function is None:
        hints = [] if name.startswith("_") else nearest(name, dir(Tensor))
        raise AttributeError(f"a tensor has no attribute {name!r}" + (f"; did you mean {hints[0]!r}?" if hints else ""))
    return lambda *args: function(self, *args)


def _comparing(name: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: compared(name, self, other)


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _comparing(_name))
for _name in ("neg", "abs"):
    setattr(Tensor, f"__{_name}__", unary(_name))
