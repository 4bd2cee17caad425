"""``compile``: a function of tensors traced once, and replayed as a list of NumPy calls on fixed arrays.

A replay makes the calls of the trace with the same arrays, results written over the old ones.
Backward passes, optimiser steps and changes in place inside the function are part of the trace.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from symdiff.eager import frames
from symdiff.eager.capture import CHECK, Step, Tracer, arrays_in, untraced
from symdiff.eager.modes import MODE
from symdiff.eager.tensor import Tensor, made


class Program:
    """A trace for arguments of given shapes: where they go, what is called, and what comes out."""

    def __init__(self, tracer: Tracer, inputs: list[Any], results: Any) -> None:
        self.inputs = inputs
        self.results = results
        self.persistent = [
            (tensor, array) for tensor, array in tracer.adopted.values() if not any(array is x for x in inputs)
        ]
        self.guards = tracer.guards
        self.gradients = [(tensor, tensor._grad) for tensor, _ in self.persistent]
        steps = _in_place(tracer.steps, [np.asarray(x._value) for x in _tensors(results)])
        self.written = _written(steps, self.persistent)
        self.size = len(steps)
        self.run = _bound(steps, self.persistent)

    def fits(self) -> bool:
        """Whether the tensors that the trace used are still on the same arrays, and settings the same."""
        for tensor, array in self.persistent:
            if tensor._value is not array:
                return False
        return not self.guards or all(setting() == value for setting, value in self.guards)


def _in_place(steps: list[Step], results: list[Any]) -> list[Step]:
    """Let a call write directly where its result is copied right after, if nobody else reads it."""
    reads: dict[int, int] = {}
    for step in steps:
        for x in arrays_in([*step.args, *step.options.values()]):
            owner = _owner(x)
            reads[id(owner)] = reads.get(id(owner), 0) + 1
    kept = {id(_owner(x)) for x in results}
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if (
            step.function is np.copyto
            and last is not None
            and isinstance(last.function, np.ufunc)
            and last.function.signature is None  # elementwise: it may write over what it reads
            and _owner(last.target) is _owner(step.args[1])
            and reads[id(_owner(last.target))] == 2  # its own writing, and this copy
            and id(_owner(last.target)) not in kept
            and last.target.shape == step.args[0].shape == step.args[1].shape
            and last.target.dtype == step.args[0].dtype
        ):
            last.options = {**last.options, "out": (step.args[0],)}
            last.target = step.args[0]
        else:
            found.append(step)
    return found


def _owner(x: Any) -> Any:
    """The array that owns the memory of a view."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def _written(steps: Sequence[Step], persistent: Sequence[tuple[Tensor, Any]]) -> list[Tensor]:
    targets = {id(_owner(step.target)) for step in steps if step.target is not None}
    return [tensor for tensor, array in persistent if id(_owner(array)) in targets]


def _bound(steps: Sequence[Step], persistent: Sequence[tuple[Tensor, Any]]) -> Callable[[], bool]:
    """The steps as one function; it returns False where a check failed before anything that stays was changed."""
    names: dict[str, Any] = {"copyto": np.copyto, "isfinite": math.isfinite, "vdot": np.vdot}
    known: dict[int, str] = {}

    def name(x: Any) -> str:
        if id(x) not in known:
            known[id(x)] = f"a{len(known)}"
            names[known[id(x)]] = x
        return known[id(x)]

    owners = {id(_owner(array)) for _, array in persistent}
    lines: list[str] = []
    changed = False
    for step in steps:
        if step.function is CHECK:
            if not changed:
                squares = " + ".join(f"vdot({name(x)}, {name(x)})" for x in step.args)
                lines.append(f"if not isfinite({squares}): return False  # or an overflow, which costs time alone")
            continue
        changed = changed or id(_owner(step.target)) in owners
        lines.append(_call(step, name))
    body = "\n        ".join(lines or ["pass"])
    source = f"def make({', '.join(names)}):\n    def run():\n        {body}\n        return True\n    return run"
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, "<symdiff trace>", "exec"), space)  # our own source: names made up here
    frames.register(space)
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
        update_wrapper(self, function)

    @property
    def traces(self) -> int:
        return sum(map(len, self._programs.values()))

    def __call__(self, *args: Any) -> Any:
        if MODE.tracer is not None or MODE.anomaly is not None:
            return self.function(*args)
        key = (*[_signature(x) for x in args], MODE.grad)
        with self._lock:
            for program in self._programs.get(key, ()):
                if program.fits():
                    return self._replayed(program, args)
            if key not in self._seen:  # optimisers make their state in a first step, which is not the one to repeat
                self._seen.add(key)
                return _copied(self.function(*args))
            return self._traced(key, args)

    def _replayed(self, program: Program, args: Sequence[Any]) -> Any:
        for buffer, x in zip(program.inputs, args, strict=True):
            if buffer is not None:
                np.copyto(buffer, x._value)
        with np.errstate(all="ignore"):
            finished = program.run()
        if not finished:
            return _copied(self.function(*args))  # infinities or nan: the careful way
        for tensor in program.written:
            tensor._cell[0] += 1
        for tensor, grad in program.gradients:
            tensor._grad = grad
        return _copied(program.results)

    def _traced(self, key: Any, args: Sequence[Any]) -> Any:
        tracer = Tracer()
        copies = [_copy(x) if isinstance(x, Tensor) else x for x in args]
        inputs = [x._array() if isinstance(x, Tensor) else None for x in copies]
        MODE.tracer = tracer
        MODE.renew()
        try:
            results = self.function(*copies)
        finally:
            MODE.tracer = None
            MODE.renew()
            tracer.release()
        self._programs.setdefault(key, []).append(Program(tracer, inputs, results))
        return _copied(results)


def _signature(x: Any) -> Any:
    if isinstance(x, Tensor):
        return (x._value.shape, x._dtype.name, x._requires)
    return x


def _copy(x: Tensor) -> Tensor:
    out = made(np.array(x._value), x._dtype)
    out._requires = x._requires
    return out


def _tensors(results: Any) -> list[Tensor]:
    if isinstance(results, Tensor):
        return [results]
    if isinstance(results, dict):
        return _tensors(list(results.values()))
    return [x for part in results for x in _tensors(part)] if isinstance(results, tuple | list) else []


def _copied(results: Any) -> Any:
    """The results on memory of their own."""
    if isinstance(results, Tensor):
        return made(np.array(untraced(results._value))[()], results._dtype)
    if isinstance(results, dict):
        return {name: _copied(part) for name, part in results.items()}
    return type(results)(_copied(part) for part in results) if isinstance(results, tuple | list) else results


def compiled(function: Callable[..., Any]) -> Compiled:
    """Trace a function of tensors once, and replay what NumPy did from then on.

    Suited to a step that is repeated: ``step = torch.compile(step)``, with forward and backward
    pass and the optimiser's step inside. The first call runs as ever, the second is traced.
    Tensors given as arguments may change from call to call (other shapes are traced anew);
    tensors that the function finds elsewhere are used where they lie. Results are copies
    without a graph.

    Raises:
        TensorError: at a call, if the function reads values or draws random numbers while it is traced.
    """
    return Compiled(function)
