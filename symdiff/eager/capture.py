"""Tracing: an array class that notes every NumPy call, and where its result lies.

Views cost nothing. What Python decides is not part of a trace: reading a value (``item()``, ``if loss < 1``)
is refused while one is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from symdiff.eager.modes import MODE
from symdiff.eager.tensor import Tensor
from symdiff.errors import TensorError


class Traced(np.ndarray[Any, Any]):
    """An array whose uses are noted by the tracer of its thread."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        tracer = MODE.tracer
        plain = [untraced(x) for x in inputs]
        call = ufunc if method == "__call__" else getattr(ufunc, method)
        if out is not None:
            outs = tuple(untraced(o) for o in out)
            result = call(*plain, out=outs, **options)
            if tracer is not None:
                tracer.note(call, plain, {**options, "out": outs}, outs[0])
            return out[0] if len(out) == 1 else result
        if method == "at":
            call(*plain, **options)
            if tracer is not None:
                tracer.note(call, plain, options, plain[0])
            return None
        result = call(*plain, **options)
        if tracer is None or result is NotImplemented or isinstance(result, tuple):
            return result
        return tracer.computed(call, plain, options, result)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        tracer = MODE.tracer
        plain, named = _deep(args), {name: _deep(x) for name, x in options.items()}
        result = function(*plain, **named)
        if tracer is None:
            return result
        if function is np.copyto:
            tracer.note(function, plain, named, plain[0])
            return None
        if not isinstance(result, np.ndarray | np.generic):
            if isinstance(result, tuple | list) and arrays_in(result):
                raise TensorError(f"{function.__name__} gives arrays whose shapes depend on values: {_STATIC}")
            return result
        if function is np.dot:
            return tracer.computed(function, plain, named, result)
        return tracer.called(function, plain, named, result)

    def __getitem__(self, key: Any) -> Any:
        return _derived(self, lambda x: x[_deep(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        array, place, given = untraced(self), _deep(key), untraced(value)
        array[place] = given
        if MODE.tracer is not None:
            if place is Ellipsis:
                MODE.tracer.note(np.copyto, [array, given], {}, array)
            else:
                MODE.tracer.note(_put, [array, place, given], {}, array)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return _derived(self, lambda x: x.reshape(*shape, **options))

    def astype(self, dtype: Any, **options: Any) -> Any:  # type: ignore[override]  # as it is called here
        options["copy"] = True
        return _derived(self, lambda x: x.astype(dtype, **options))

    def copy(self, order: Any = "C") -> Any:
        return _derived(self, lambda x: x.copy(order))

    def sum(self, *args: Any, **options: Any) -> Any:
        return _derived(self, lambda x: x.sum(*args, **options))

    def ravel(self, *args: Any) -> Any:
        return _derived(self, lambda x: x.ravel(*args))

    def _read(self, *_: Any) -> Any:
        if MODE.tracer is None:
            return untraced(self)
        raise TensorError(
            "a value is read while the function is compiled: item(), float(), if and print would see this call's value "
            "only. Return the tensor and read it outside, or choose with torch.where(condition, a, b)"
        )

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __index__(self) -> int:
        return int(self._read())

    def __bool__(self) -> bool:
        return bool(self._read())

    def item(self, *args: Any) -> Any:
        return self._read().item(*args)

    def tolist(self) -> Any:
        return self._read().tolist()


_STATIC = "a compiled function must do the same on every call. Do it outside, or use torch.where(condition, a, b)"


def untraced(x: Any) -> Any:
    """A traced array as a plain one; anything else as it is."""
    return x.view(np.ndarray) if isinstance(x, Traced) else x


def _deep(x: Any) -> Any:
    """Arguments with plain arrays, also inside tuples and lists."""
    if isinstance(x, tuple | list):
        return type(x)(_deep(part) for part in x)
    return untraced(x)


def _derived(x: Traced, function: Callable[[Any], Any]) -> Any:
    plain = untraced(x)
    result = function(plain)
    return result if MODE.tracer is None else MODE.tracer.called(function, (plain,), {}, result)


def _put(array: Any, key: Any, value: Any) -> None:
    array[key] = value


class Step:
    """One call: ``function(*args, **options)``; ``target`` is the array it writes, ``copies`` if it must be told to."""

    __slots__ = ("args", "copies", "function", "options", "target")

    def __init__(self, function: Any, args: Sequence[Any], options: dict[str, Any], target: Any, copies: bool) -> None:
        self.function = function
        self.args = args
        self.options = options
        self.target = target
        self.copies = copies


class Tracer:
    """Notes the NumPy calls of one thread, and which tensors' arrays they use."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.adopted: dict[int, tuple[Tensor, Any]] = {}
        self.guards: list[tuple[Callable[[], Any], Any]] = []
        self.reset: set[int] = set()  # tensors whose gradient no longer is what it was before
        self.born: dict[int, Any] = {}  # tensors made inside the function, held weakly

    def adopt(self, tensor: Tensor) -> Any:
        """The array of a tensor, as one whose uses are noted."""
        value = tensor._value
        if isinstance(value, Traced):
            return value
        array = tensor._array()
        self.adopted.setdefault(id(tensor), (tensor, array))
        tensor._value = array.view(Traced)
        return tensor._value

    def depends(self, setting: Callable[[], Any]) -> None:
        """Trace again when what ``setting()`` returns has changed."""
        self.guards.append((setting, setting()))

    def accumulates(self, leaf: Tensor) -> None:
        """Trace again when a gradient that is added to here was there before, or was not, and now it is otherwise."""
        if id(leaf) not in self.reset and id(leaf) not in self.born:
            self.reset.add(id(leaf))
            held = ref(leaf)
            self.depends(lambda: getattr(held(), "_grad", None) is None)

    def note(self, function: Any, args: Sequence[Any], options: dict[str, Any], target: Any) -> None:
        """A call that wrote over an array."""
        self.steps.append(Step(function, args, options, target, False))

    def computed(self, call: Any, args: Sequence[Any], options: dict[str, Any], result: Any) -> Any:
        """A call of a ufunc: at replay its result is written where it lies now."""
        buffer = np.asarray(result)
        self.steps.append(Step(call, args, {**options, "out": (buffer,)}, buffer, False))
        return buffer.view(Traced)

    def called(self, function: Any, args: Sequence[Any], options: dict[str, Any], result: Any) -> Any:
        """Any other call: a view is what it is, and anything else is copied to its place at replay."""
        buffer = np.asarray(result)
        if isinstance(result, np.ndarray) and any(np.may_share_memory(buffer, x) for x in arrays_in(args)):
            return buffer.view(Traced)
        buffer = np.array(buffer)
        self.steps.append(Step(function, args, options, buffer, True))
        return buffer.view(Traced)

    def check(self, values: Sequence[Any]) -> None:
        """Have a replay stop here if one of these is not finite."""
        arrays = [untraced(x) for x in values if isinstance(x, Traced)]
        if arrays:
            self.steps.append(Step(CHECK, arrays, {}, None, False))

    def release(self) -> None:
        """Give every tensor its plain array back."""
        for tensor, array in self.adopted.values():
            if isinstance(tensor._value, Traced):
                tensor._value = array
            if tensor._grad is not None and isinstance(tensor._grad._value, Traced):
                tensor._grad._value = untraced(tensor._grad._value)

    def leave(self, kept: set[int]) -> None:
        """Give tensors that outlive the function memory of their own, but for those ``kept``: a run fills the old."""
        for key, held in self.born.items():
            tensor = held()
            if tensor is not None and key not in kept and isinstance(tensor._value, np.ndarray):
                tensor._value = np.array(untraced(tensor._value))


CHECK: Any = object()


def arrays_in(args: Any) -> list[Any]:
    """The arrays among arguments, also inside tuples and lists."""
    found: list[Any] = []
    for x in args:
        if isinstance(x, np.ndarray):
            found.append(x)
        elif isinstance(x, tuple | list):
            found += arrays_in(x)
    return found
