"""Tensors: arrays that remember how they were made, on the same rows as the expressions.

The hot path is the operators on tensors of one floating dtype and on Python numbers; everything
else (other dtypes, tracing, anomaly detection) goes through `elementwise`. Methods that are
functions of tensors live in the modules of those functions, which attach them here.
"""

from __future__ import annotations

import operator as python
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from sys import _getframe
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from symdiff.eager import dtypes, frames
from symdiff.eager.dtypes import OF_NUMPY, dtype
from symdiff.eager.modes import MODE, WATCHED, no_grad
from symdiff.eager.printing import tensor_text
from symdiff.eager.record import Handle, Node
from symdiff.eager.rules import CONSTANT, NUMBER, WANTS, Kind, Rule, rule_for
from symdiff.eager.storage import changed, live, quietly
from symdiff.errors import OperationError, TensorError, TensorShapeError, nearest
from symdiff.ops import OPS, Exact, Op, Overloads, find
from symdiff.ops.arrays import Steps

F = TypeVar("F", bound=Callable[..., Any])

# Infinities and nan flow in silence, as IEEE 754 says. A context (np.errstate) for every operation would cost
# more than the operation; where the user has made warnings errors, `ODD` catches them.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"symdiff\.(eager|ops)\.")


class Size(tuple[int, ...]):
    """A shape; prints as its users know it (``torch.Size([2, 3])``)."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return int(np.prod(self, dtype=np.int64)) if self else 1

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


class device:  # the name that its users know
    """Where tensors are: always on the processor.

    Raises:
        OperationError: another device than ``"cpu"``.
    """

    type = "cpu"
    index = None

    def __init__(self, name: Any = "cpu") -> None:
        if str(name).split(":", maxsplit=1)[0] != "cpu":
            raise OperationError(f"there is no device {name!r}; tensors live on 'cpu'")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __hash__(self) -> int:
        return hash(device)

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"


CPU: Final = device()


class Tensor(Overloads):
    """An array of numbers that remembers how it was made. Made by `tensor` and its like.

    Attributes:
        name: a name of the user's, for graphs, formulas and messages; None without one.
    """

    # What belongs to few tensors is a class attribute until it is set, which keeps making one cheap.
    name: str | None = None
    sequence: int = -1  # nodes of the graph are numbered from 0; a leaf ends it
    _value: Any  # an array, or for no dimensions possibly a NumPy scalar, which never changes
    _dtype: dtype
    _cell: list[Any]  # the version of the array, shared with its views
    _requires: bool = False
    _node: Node | None = None  # None for a leaf
    _grad: Tensor | None = None
    _hooks: list[Any] | None = None
    _retains: bool = False
    _base: Tensor | None = None  # of a view
    _steps: Steps = ()  # from the base to this view
    _views: list[Any] | None = None  # weak references
    _most_views: int = 8  # before dead ones are dropped

    def __init__(self, *data: Any) -> None:
        """``Tensor(data)`` is there for old code; write `tensor`."""

    # -- what it is

    @property
    def shape(self) -> Size:
        """The lengths of the axes."""
        return Size(self._value.shape)

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        return self._dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self._value.ndim)

    @property
    def device(self) -> device:
        """Always ``device("cpu")``."""
        return CPU

    @property
    def is_cuda(self) -> bool:
        """False: see `device`."""
        return False

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded for backward."""
        return self._requires

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not self._dtype.is_floating_point:
            raise TensorError(f"only Tensors of floating point dtype can require gradients; this one is {self._dtype}")
        if not value and self._node is not None:
            raise TensorError("you can only change requires_grad flags of leaf variables; use detach() to get one")
        self._requires = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was not made by a recorded operation."""
        return self._node is None

    @property
    def grad_fn(self) -> Node | None:
        """The recorded operation that made it; None for a leaf."""
        return self._node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have accumulated, or None."""
        if self._node is not None and not self._retains and self._grad is None:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Backward passes "
                f"fill it for leaf tensors only; this one was made by {self._node.name()} at {self._node.place}. "
                "Call retain_grad() on it before backward() to keep its gradient, or read the leaf's",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise OperationError(f"a gradient must be a tensor or None, not {type(value).__name__}")
            if value._value.shape != self._value.shape:
                raise TensorError(
                    f"a gradient of shape {list(value.shape)} does not fit a tensor of {list(self.shape)}"
                )
        if MODE.tracer is not None:
            MODE.tracer.reset.add(id(self))
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def _version(self) -> int:
        return int(self._cell[0])

    def _array(self) -> Any:
        """The writable array that holds the elements."""
        value = self._value
        if not isinstance(value, np.ndarray):
            value = self._value = np.array(value)
        return value

    def _changed(self, operation: str) -> None:
        changed(self, operation)

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor too, although it is no leaf.

        Raises:
            TensorError: it requires no gradient.
        """
        if not self._requires:
            raise TensorError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is None or self._retains:
            return
        self._retains = True
        self._node.retain(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor, which is no leaf."""
        return self._retains

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call ``hook(gradient)`` in every backward pass; a tensor that it returns replaces the gradient.

        Raises:
            TensorError: the tensor requires no gradient.
        """
        if not self._requires:
            raise TensorError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not None:
            return self._node.watch(hook, self._value.shape)
        if self._hooks is None:
            self._hooks = []
        return Handle(self._hooks, hook)

    # -- the table

    def apply(self, op: Op, args: tuple[Any, ...]) -> Any:
        return elementwise(op, args)

    def __getattr__(self, name: str) -> Any:
        function = None if name.startswith("_") else row_function(name) or _changing(name)
        if function is None:
            hints = [] if name.startswith("_") else nearest(name, dir(Tensor))
            raise AttributeError(
                f"a tensor has no attribute {name!r}" + (f"; did you mean {hints[0]!r}?" if hints else "")
            )
        return lambda *args: function(self, *args)

    # -- operators; those of arithmetic are made below, others with the functions that they are

    if TYPE_CHECKING:

        def __getitem__(self, key: Any) -> Tensor: ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __invert__(self) -> Tensor: ...

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Any:
        return compared("lt", self, other)

    def __le__(self, other: Any) -> Any:
        return compared("le", self, other)

    def __gt__(self, other: Any) -> Any:
        return compared("gt", self, other)

    def __ge__(self, other: Any) -> Any:
        return compared("ge", self, other)

    def __eq__(self, other: object) -> Any:
        return compared("eq", self, other)

    def __ne__(self, other: object) -> Any:
        return compared("ne", self, other)

    def __neg__(self) -> Tensor:
        return unary("neg")(self)  # type: ignore[no-any-return]

    def __abs__(self) -> Tensor:
        return unary("abs")(self)  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        if self._value.size != 1:
            raise TensorError(
                f"Boolean value of Tensor with {'no values' if not self._value.size else 'more than one value'} is "
                "ambiguous: use any(), all(), or where(condition, a, b)"
            )
        return bool(self._value)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._dtype.rank == 2 or self._value.size != 1:
            raise OperationError("only integer tensors of a single element can be converted to an index")
        return int(self._value)

    def __len__(self) -> int:
        if not self._value.ndim:
            raise OperationError("len() of a 0-d tensor")
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._value.ndim:
            raise OperationError("iteration over a 0-d tensor")
        return iter(self.unbind())

    def __contains__(self, value: Any) -> bool:
        return bool((self._value == (value._value if isinstance(value, Tensor) else value)).any())

    def item(self) -> Any:
        """The one element as a Python number.

        Raises:
            TensorError: there is not exactly one.
        """
        if self._value.size != 1:
            raise TensorError(f"a Tensor with {self._value.size} elements cannot be converted to Scalar; use tolist()")
        return self._value.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; a number for a 0-d tensor."""
        return self._value.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The elements as an array that shares memory.

        Raises:
            TensorError: the tensor requires a gradient, which the array would lose.
        """
        if self._requires and not force:
            raise TensorError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._array()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=True if copy is None else copy)

    def __repr__(self) -> str:
        extras = (
            [f"grad_fn=<{type(self._node).__name__}>"] if self._node is not None else ["requires_grad=True"] * self._requires
        )
        return tensor_text(np.asarray(self._value), default=dtypes.get_default_dtype().numpy, extras=extras)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec) if self._value.ndim else format(self.item(), spec)

    def __reduce__(self) -> Any:
        return _restored, (type(self), np.array(self._value), self._requires and self._node is None, self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._node is not None:
            raise TensorError("only leaf tensors can be copied with deepcopy; use detach() or clone()")
        made = memo[id(self)] = _restored(*self.__reduce__()[1])
        if self._grad is not None:
            made._grad = self._grad.detach().clone()
        return made

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *(name for name in OPS if name.isidentifier())})


_new: Final = object.__new__


def made(value: Any, kind: dtype, node: Node | None = None) -> Tensor:
    """A tensor of a NumPy value, as the result of a recorded operation or as a leaf."""
    out = _new(Tensor)
    out._value = value
    out._dtype = kind
    out._cell = [0]
    if node is not None:
        out._node = node
        out._requires = True
    return out


def wrapped(value: Any) -> Tensor:
    """A leaf of a NumPy array or scalar of a supported dtype, sharing its memory."""
    return made(value, OF_NUMPY[value.dtype])


def _restored(cls: type[Tensor], value: Any, requires: bool, name: str | None) -> Tensor:
    out = _new(cls)
    out._value = value if value.ndim else value[()]
    out._dtype = OF_NUMPY[value.dtype]
    out._cell = [0]
    out._requires = requires
    if name is not None:
        out.name = name
    return out


def method(name: str = "") -> Callable[[F], F]:
    """Attach a function of a tensor as a method, under its own name or another."""

    def attach(function: F) -> F:
        setattr(Tensor, name or function.__name__, function)
        return function

    return attach


# ---- operators on one floating dtype: the hot path


KINDS: Final[set[Any]] = {Tensor}  # the classes whose operators are ours
_FLOATING: Final = {dtypes.float32, dtypes.float64}
ODD: Final = (RuntimeWarning, FloatingPointError, OverflowError)  # of NumPy, where the user made warnings errors


def _binary(name: str, forward: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator of a row of two arguments, on tensors of one floating dtype and on Python numbers."""
    op = OPS[name]
    rules = _Rules(op)  # asked first for what a call needs, made when it is needed first
    exponents = name == "pow"
    ours = frames._OURS

    def operator(self: Tensor, other: Any) -> Any:
        state = MODE.state
        kind = other.__class__
        if state >= WATCHED or not self._dtype.is_floating_point:
            return elementwise(op, (self, other))
        x = self._value
        if kind in KINDS:
            if other._dtype is not self._dtype:
                return elementwise(op, (self, other))
            z = other._value
            shape = x.shape
            shapes = None if shape == z.shape else (shape, z.shape)
        elif kind is float or kind is int:
            z = other
            shapes = None
        else:
            return elementwise(op, (self, other))
        try:
            y = forward(x, z)
        except ODD:
            y = quietly(forward, x, z)
        except ValueError:
            raise _mismatch(op, (self, other)) from None
        out = _new(Tensor)
        out._value = y
        out._dtype = self._dtype
        out._cell = cell = [0]
        if not state:
            return out
        if kind is float or kind is int:
            if not self._requires:
                return out
            rule = rules[WANTS, _exponent(z) if exponents else NUMBER]
            edges: tuple[Any, ...] = (self._node or self,) if exponents else (self._node or self, None)
            given: tuple[Any, ...] = () if exponents else (z,)
            saved, cells, version = rule.keep(x, z, y, self._cell, None, cell)
        else:
            if self._requires:
                rule = rules[_BOTH if other._requires else _FIRST]
                edges = (self._node or self, (other._node or other) if other._requires else None)
                given = () if other._requires else (other,)
            elif other._requires:
                rule = rules[_SECOND]
                edges = (None, other._node or other)
                given = (self,)
            else:
                return out
            saved, cells, version = rule.keep(x, z, y, self._cell, other._cell, cell)
        frame = _getframe(1)
        while id(frame.f_globals) in ours and frame.f_back is not None:
            frame = frame.f_back
        if shapes is not None:
            shapes = (y.shape, shapes)
        out._node = node = rule.node(rule, edges, saved, cells, version, shapes, frame.f_code, frame.f_lasti)
        node.given = given
        out._requires = True
        return out

    return operator


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
    ours = frames._OURS

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
        raise _mismatch(op, operands) from None
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
    edges = tuple([_edge(x) for x, kind in zip(operands, kinds, strict=True) if type(kind) is str])
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


def _edge(x: Any) -> Any:
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


def _mismatch(op: Any, operands: Sequence[Any]) -> TensorShapeError:
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
