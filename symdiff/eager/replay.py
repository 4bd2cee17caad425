"""``compile``: a function of tensors traced once, and replayed as a list of NumPy calls on fixed arrays.

A replay makes the calls of the trace with the same arrays, results written over the old ones.
Backward passes, optimiser steps and changes in place inside the function are part of the trace.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import update_wrapper
from sys import getrefcount
from types import MethodType
from typing import Any
from weakref import ref

import numpy as np

from symdiff.eager.capture import CHECK, Step, Tracer, arrays_in, untraced
from symdiff.eager.modes import MODE
from symdiff.eager.storage import owner
from symdiff.eager.tensor import Tensor, made
from symdiff.eager.trees import leaves, like
from symdiff.errors import OperationError, SymdiffWarning


class Program:
    """A trace for arguments of given shapes: where they go, what is called, and what comes out.

    Tensors that the function found elsewhere are held weakly: one that is gone was replaced by another.
    """

    def __init__(self, tracer: Tracer, inputs: list[Tensor | None], results: Any) -> None:
        self.inputs = inputs
        self.buffers = [None if x is None else x._array() for x in inputs]
        found = [(tensor, array) for key, (tensor, array) in tracer.adopted.items() if key not in tracer.born]
        self.persistent = [(ref(tensor), array, tensor._requires) for tensor, array in found]
        self.guards = tracer.guards
        self.gradients = [(ref(tensor), tensor._grad) for tensor, _ in found if tensor._grad is not None]
        self.results = _each(results, _shell)
        steps = _in_place(tracer.steps, [np.asarray(x._value) for x in leaves(results) if isinstance(x, Tensor)])
        targets = {id(owner(step.target)) for step in steps if isinstance(step.target, np.ndarray)}
        self.written = [ref(tensor) for tensor, array in found if id(owner(array)) in targets]
        self.changed = [None if b is None else id(owner(b)) in targets for b in self.buffers]
        self.size = len(steps)
        self.run = _bound(steps, [array for _, array in found] + [b for b in self.buffers if b is not None])

    def gradient_ids(self) -> set[int]:
        """The gradients whose arrays a run fills."""
        return {id(grad) for _, grad in self.gradients}

    def fits(self, args: Sequence[Any]) -> bool:
        """Whether the tensors that the trace used are still there, on the same arrays, and settings the same."""
        for held, array, requires in self.persistent:
            tensor = held()
            if tensor is None or tensor._value is not array or tensor._requires is not requires:
                return False
        for x in args:
            if isinstance(x, Tensor) and any(x._value is array for _, array, _ in self.persistent):
                return False
        return not self.guards or all(setting() == value for setting, value in self.guards)

    def hand_over(self, args: Sequence[Any]) -> None:
        """Do to tensors what a run has done to their arrays: versions, gradients, and arguments changed in place."""
        for held in self.written:
            tensor = held()
            if tensor is not None:
                tensor._cell[0] += 1
        for held, grad in self.gradients:
            tensor = held()
            if tensor is not None:
                tensor._grad = grad
        for x, copy, changed in zip(args, self.inputs, self.changed, strict=True):
            if copy is None:
                continue
            if changed:
                x._array()[...] = copy._value
                x._cell[0] += 1
            if copy._grad is not None:
                part = np.array(untraced(copy._grad._value))
                x._grad = made(part[()], x._dtype) if x._grad is None else x._grad.detach() + made(part[()], x._dtype)

    def set_apart(self) -> None:
        """Give a gradient that somebody keeps memory of its own, before a run writes over it."""
        for held, grad in self.gradients:
            tensor = held()
            if getrefcount(grad) > _OURS_AND_ITS + (tensor is not None and tensor._grad is grad):
                grad._value, buffer = grad._value.copy(), grad._value
                fresh = made(buffer, grad._dtype)
                self.gradients = [(h, fresh if g is grad else g) for h, g in self.gradients]


_OURS_AND_ITS = 3  # references to a gradient: a program's list, a variable, and the argument of getrefcount


def _in_place(steps: list[Step], results: list[Any]) -> list[Step]:
    """Let a call write directly where its result is copied right after, if nobody else reads it."""
    reads: dict[int, int] = {}
    for step in steps:
        for x in arrays_in([*step.args, *step.options.values()]):
            memory = id(owner(x))
            reads[memory] = reads.get(memory, 0) + 1
    kept = {id(owner(x)) for x in results}
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if (
            step.function is np.copyto
            and last is not None
            and isinstance(last.function, np.ufunc)
            and last.function.signature is None  # elementwise: it may write over what it reads
            and isinstance(step.args[1], np.ndarray)
            and isinstance(last.target, np.ndarray)
            and owner(last.target) is owner(step.args[1])
            and reads[id(owner(last.target))] == 2  # its own writing, and this copy
            and id(owner(last.target)) not in kept
            and last.target.shape == step.args[0].shape == step.args[1].shape
            and last.target.dtype == step.args[0].dtype
        ):
            last.options = {**last.options, "out": (step.args[0],)}
            last.target = step.args[0]
        else:
            found.append(step)
    return found


def _bound(steps: Sequence[Step], staying: Sequence[Any]) -> Callable[[], bool]:
    """The steps as one function; it returns False where a check failed before anything that stays was changed."""
    names: dict[str, Any] = {"copyto": np.copyto, "isfinite": math.isfinite, "vdot": np.vdot}
    known: dict[int, str] = {}

    def name(x: Any) -> str:
        if id(x) not in known:
            known[id(x)] = f"a{len(known)}"
            names[known[id(x)]] = x
        return known[id(x)]

    owners = {id(owner(array)) for array in staying}
    lines: list[str] = []
    changed = False
    for step in steps:
        if step.function is CHECK:
            if not changed:
                squares = " + ".join(f"vdot({name(x)}, {name(x)})" for x in step.args)
                lines.append(f"if not isfinite({squares}): return False  # or an overflow, which costs time alone")
            continue
        changed = changed or id(owner(step.target)) in owners
        lines.append(_call(step, name))
    body = "\n        ".join(lines or ["pass"])
    source = f"def make({', '.join(names)}):\n    def run():\n        {body}\n        return True\n    return run"
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, "<symdiff trace>", "exec"), space)  # our own source: names made up here
    return space["make"](**names)  # type: ignore[no-any-return]


_BY_NAME = (np.maximum, np.minimum)  # NumPy wants a third argument of these to be named


def _call(step: Step, name: Callable[[Any], str]) -> str:
    options = dict(step.options)
    out = options.pop("out", None)
    args = [name(x) for x in step.args]
    by_place = isinstance(step.function, np.ufunc) or step.function is np.dot
    if out is not None and not options and by_place and step.function not in _BY_NAME:
        args.append(name(out[0]))  # by position, which is the fastest way
    elif out is not None:
        args.append(f"out={name(out[0])}")
    args += [f"{key}={name(value)}" for key, value in options.items()]
    call = f"{name(step.function)}({', '.join(args)})"
    return f"copyto({name(step.target)}, {call})" if step.copies else call


class Compiled:
    """A function of tensors, traced for each combination of shapes and replayed after that.

    Attributes:
        traces: how many traces there are.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._programs: dict[Any, list[Program]] = {}
        self._seen: set[Any] = set()
        self._lock = threading.RLock()
        self._warned = False
        update_wrapper(self, function)

    @property
    def traces(self) -> int:
        return sum(map(len, self._programs.values()))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **named: Any) -> Any:
        if MODE.tracer is not None or MODE.anomaly is not None:
            return self.function(*args, **named)
        names = tuple(named)
        given = (*args, *named.values())
        if _share_memory(given):
            return self._run(given, names)
        key = (*[_signature(x) for x in given], names, MODE.grad)
        with self._lock:
            programs = self._programs.get(key, ())
            for program in programs:
                if program.fits(given):
                    return self._replayed(program, given, names)
            if key not in self._seen:  # optimisers make their state in a first step, which is not the one to repeat
                self._seen.add(key)
                return self._run(given, names)
            if len(programs) >= _MOST_TRACES:
                return self._given_up(given, names)
            return self._traced(key, given, names)

    def _run(self, given: Sequence[Any], names: tuple[str, ...]) -> Any:
        return _each(self._called(given, names), _own)

    def _called(self, given: Sequence[Any], names: tuple[str, ...]) -> Any:
        first = len(given) - len(names)
        return self.function(*given[:first], **dict(zip(names, given[first:], strict=True)))

    def _given_up(self, given: Sequence[Any], names: tuple[str, ...]) -> Any:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{getattr(self.function, '__name__', 'the function')} was traced {_MOST_TRACES} times, since what it "
                "uses is replaced from call to call, and runs uncompiled from here on. Change tensors in place "
                "(state.copy_(new)) instead of binding a name anew",
                SymdiffWarning,
                stacklevel=3,
            )
        return self._run(given, names)

    def _replayed(self, program: Program, given: Sequence[Any], names: tuple[str, ...]) -> Any:
        for buffer, x in zip(program.buffers, given, strict=True):
            if buffer is not None:
                np.copyto(buffer, x._value)
        if program.gradients:
            program.set_apart()
        with np.errstate(all="ignore"):
            finished = program.run()
        if not finished:
            return self._run(given, names)  # infinities or nan: the careful way
        program.hand_over(given)
        return _each(program.results, _own)

    def _traced(self, key: Any, given: Sequence[Any], names: tuple[str, ...]) -> Any:
        tracer = Tracer()
        copies = [_copy(x) if isinstance(x, Tensor) else x for x in given]
        inputs = [x if isinstance(x, Tensor) else None for x in copies]
        MODE.tracer = tracer
        MODE.renew()
        try:
            for x in inputs:
                if x is not None:
                    tracer.born[id(x)] = ref(x)
                    tracer.adopt(x)
            results = self._called(copies, names)
        finally:
            MODE.tracer = None
            MODE.renew()
            tracer.release()
        program = Program(tracer, inputs, results)
        tracer.leave({id(x) for x in inputs} | {id(x._grad) for x in inputs if x is not None} | program.gradient_ids())
        del tracer, copies, inputs
        self._programs.setdefault(key, []).append(program)
        program.hand_over(given)
        return _each(results, _own)


_MOST_TRACES = 8


def _share_memory(given: Sequence[Any]) -> bool:
    arrays = [x._value for x in given if isinstance(x, Tensor) and isinstance(x._value, np.ndarray)]
    return any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def _signature(x: Any) -> Any:
    if isinstance(x, Tensor):
        return (
            x._value.shape,
            x._dtype.name,
            x._requires,
            isinstance(x._value, np.generic) or x._value.flags.c_contiguous,
        )
    try:
        hash(x)
    except TypeError:
        raise OperationError(
            f"a compiled function takes tensors and what can be hashed, not {type(x).__name__}: "
            "give its tensors one by one"
        ) from None
    return x


def _copy(x: Tensor) -> Tensor:
    out = made(np.array(x._value), x._dtype)
    out._requires = x._requires
    return out


def _each(results: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The results with every tensor changed; what is none stays as it is."""
    if isinstance(results, Tensor):  # the usual result
        return change(results)
    return like(results, [change(x) if isinstance(x, Tensor) else x for x in leaves(results)])


def _shell(x: Tensor) -> Tensor:
    """A tensor that nobody else holds, on the array that a run fills."""
    return made(untraced(x._value), x._dtype)


def _own(x: Tensor) -> Tensor:
    """A tensor on memory of its own."""
    return made(np.array(untraced(x._value))[()], x._dtype)


def compiled(function: Callable[..., Any]) -> Compiled:
    """Trace a function of tensors once, and replay what NumPy did from then on.

    Suited to a step that is repeated: ``step = torch.compile(step)``, with forward and backward
    pass and the optimiser's step inside. The first call runs as ever, the second is traced.
    Tensors given as arguments may change from call to call (other shapes are traced anew);
    tensors that the function finds elsewhere are used where they lie. Results are copies
    without a graph: call ``backward`` inside. Python numbers and flags that the function finds elsewhere
    (a counter, a list that it appends to) are those of the traced call.

    Raises:
        TensorError: at a call, if the function reads values or draws random numbers while it is traced.
    """
    return Compiled(function)
