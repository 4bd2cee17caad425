"""Tensors: arrays that remember how they were made.

What they are and what they hold. Operators, and methods that are functions of tensors, live in the modules
of those functions, which attach them here (`method`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import ref

import numpy as np

from symdiff.eager import dtypes
from symdiff.eager.dtypes import OF_NUMPY, dtype
from symdiff.eager.modes import MODE
from symdiff.eager.printing import tensor_text
from symdiff.eager.record import Handle, Node
from symdiff.eager.storage import changed, value
from symdiff.errors import OperationError, TensorError
from symdiff.ops import OPS, Overloads
from symdiff.ops.arrays import Steps

F = TypeVar("F", bound=Callable[..., Any])


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
    def grad(self) -> Any:
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
    def grad(self, value: Any) -> None:
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

    # -- operators are made with the functions that they are

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if self._value.size != 1:
            raise TensorError(
                f"Boolean value of Tensor with {'no values' if not self._value.size else 'more than one value'} is "
                "ambiguous: use any(), all(), or where(condition, a, b)"
            )
        return bool(value(self))

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
        return value(self).item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; a number for a 0-d tensor."""
        return value(self).tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The elements as an array that shares memory.

        Raises:
            TensorError: the tensor requires a gradient, which the array would lose.
        """
        if self._requires and not force:
            raise TensorError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if MODE.tracer is not None:
            raise TensorError(
                "numpy() inside a compiled function would give the values of this call only; compute with tensors"
            )
        return self._array()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=True if copy is None else copy)

    def __repr__(self) -> str:
        extras = (
            [f"grad_fn=<{type(self._node).__name__}>"]
            if self._node is not None
            else ["requires_grad=True"] * self._requires
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
    if MODE.tracer is not None:
        MODE.tracer.born[id(out)] = ref(out)
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


KINDS: Final[set[Any]] = {Tensor}  # the classes whose operators are ours
ODD: Final = (RuntimeWarning, FloatingPointError, OverflowError)  # of NumPy, where the user made warnings errors
