"""Programs in steps: each operation as the NumPy functions that its row's value consists of.

A row's value is called once on stand-ins for arrays, and what it does to them is written down. So every
backend for arrays knows only NumPy's functions, and a new row needs no edit in any of them. A row
whose value cannot be written down so (it comes from SciPy or mpmath) is one step by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from symdiff.numeric.program import Program
from symdiff.ops import Op

_TRUTH: Final = np.dtype(np.bool_)
_NUMBER: Final = np.dtype(np.float64)
_LOGICAL: Final = (np.logical_and, np.logical_or, np.logical_not, np.logical_xor)


@dataclass(frozen=True, slots=True)
class Step:
    """``slot = function(*args)`` on arrays that broadcast together; arguments are slots.

    Attributes:
        function: a ufunc, `numpy.where`, or a row whose value is opaque.
        args: the slots of the arguments.
        slot: the slot of the result.
        guarded: the row has a domain or an edge: where this result is not finite, the point has to be
            looked at again, even if the results of the program are finite.
    """

    function: np.ufunc | Callable[..., Any] | Op
    args: tuple[int, ...]
    slot: int
    guarded: bool = False

    @property
    def name(self) -> str:
        """``add``, ``where``, or the name of an opaque row."""
        return self.function.name if isinstance(self.function, Op) else self.function.__name__

    @property
    def is_opaque(self) -> bool:
        """Whether this is a row that only its own value can evaluate."""
        return isinstance(self.function, Op)


@dataclass(slots=True)
class Steps:
    """Steps in order, with the slots of inputs, constants and results, as in `Program`."""

    inputs: dict[str, int]
    constants: dict[int, float]
    code: list[Step] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    slots: int = 0
    truths: set[int] = field(default_factory=set)  # slots that hold booleans

    def last_uses(self) -> dict[int, list[int]]:
        """For each step's slot, the slots that nobody reads after it. A result that is never read dies at once."""
        last: dict[int, int] = {}
        for step in self.code:
            last[step.slot] = step.slot
            for arg in step.args:
                last[arg] = step.slot
        for slot in [*self.outputs, *self.constants, *self.inputs.values()]:
            last.pop(slot, None)
        found: dict[int, list[int]] = {}
        for arg, slot in last.items():
            found.setdefault(slot, []).append(arg)
        return found

    def drop_unread(self) -> None:
        """Leave out steps that nothing reads; guarded ones are looked at."""
        read = set(self.outputs)
        kept = []
        for step in reversed(self.code):
            if step.slot in read or step.guarded:
                kept.append(step)
                read.update(step.args)
        self.code = kept[::-1]

    def varying(self, inputs: Iterable[int]) -> set[int]:
        """The slots whose values differ from point to point if those of ``inputs`` do; the others are uniform."""
        found = set(inputs)
        for step in self.code:
            if not found.isdisjoint(step.args):
                found.add(step.slot)
        return found


def in_steps(program: Program) -> Steps:
    """A program as steps. Equal steps are done once."""
    return _Writer(program).steps


def evaluate(steps: Steps, inputs: Sequence[Any]) -> list[Any]:
    """All outputs in order on floats and arrays that broadcast together, on whole arrays."""
    registers: dict[int, Any] = {slot: np.float64(value) for slot, value in steps.constants.items()}
    registers |= zip(steps.inputs.values(), [np.asarray(value, np.float64) for value in inputs], strict=True)
    with np.errstate(all="ignore"):
        carry_out(steps.code, registers, steps.last_uses())
    return [registers[slot] for slot in steps.outputs]


def carry_out(code: Iterable[Step], registers: dict[int, Any], done: dict[int, list[int]]) -> None:
    """Evaluate steps into registers, and forget what nobody reads after a step."""
    for step in code:
        function: Any = step.function.value if isinstance(step.function, Op) else step.function
        registers[step.slot] = function(*[registers[arg] for arg in step.args])
        for dead in done.get(step.slot, ()):
            del registers[dead]


class _Writer:
    def __init__(self, program: Program) -> None:
        self.steps = Steps(dict(program.inputs), dict(program.constants), slots=program.slots)
        self.constants = {_key(value): slot for slot, value in program.constants.items()}
        self.known: dict[tuple[Any, ...], int] = {}
        self.place: dict[int, int] = {}  # of the step that makes a slot
        self.numbers: dict[int, int] = {}  # a truth as 1.0 or 0.0, and the truth that it was made of
        place = {slot: slot for slot in (*program.inputs.values(), *program.constants)}
        for instruction in program.code:
            place[instruction.slot] = self._applied(instruction.op, [place[arg] for arg in instruction.args])
        self.steps.outputs = [place[slot] for slot in program.outputs]
        self.steps.drop_unread()

    def _applied(self, op: Op, args: Sequence[int]) -> int:
        code = self.steps.code
        before = len(code)
        slot = self._traced(op, args)
        if slot is None:
            while len(code) > before:  # half a value
                step = code.pop()
                del self.known[step.function, step.args], self.place[step.slot]
            slot = self.step(op, args)
        if (op.domain is not None or op.edges) and slot in self.place:
            code[self.place[slot]] = replace(code[self.place[slot]], guarded=True)
        return slot

    def _traced(self, op: Op, args: Sequence[int]) -> int | None:
        """The slot of the value, or None if the value is opaque to stand-ins."""
        constants = self.steps.constants
        fixed = all(arg in constants for arg in args)  # left by the program for the run to notice: 1/0
        try:
            return self.slot(
                op.value(*[constants[arg] if arg in constants and not fixed else StandIn(self, arg) for arg in args])
            )
        except Exception:  # whatever a value does that only numbers can bear
            return None

    def step(self, function: Any, args: Sequence[int], truth: bool = False) -> int:
        """The slot of ``function(*args)``."""
        key = (function, tuple(args))
        slot = self.known.get(key)
        if slot is None:
            steps = self.steps
            slot = self.known[key] = steps.slots
            steps.slots += 1
            self.place[slot] = len(steps.code)
            steps.code.append(Step(function, key[1], slot))
            if truth:
                steps.truths.add(slot)
        return slot

    def slot(self, value: Any) -> int:
        """Where a stand-in, or a number, stands."""
        if isinstance(value, StandIn):
            return value.slot
        number = float(value)
        slot = self.constants.get(_key(number))
        if slot is None:
            slot = self.constants[_key(number)] = self.steps.slots
            self.steps.constants[slot] = number
            self.steps.slots += 1
        return slot

    def called(self, ufunc: np.ufunc, args: Sequence[Any]) -> int:
        """The slot of a ufunc of stand-ins and numbers."""
        slots = [self.slot(arg) for arg in args]
        if ufunc in _LOGICAL:
            slots = [self.numbers.get(slot, slot) for slot in slots]
        if ufunc is np.not_equal and _is_zero(args[1]) and slots[0] in self.numbers:
            return self.numbers[slots[0]]
        types = [_TRUTH if slot in self.steps.truths else _NUMBER for slot in slots]
        (result,) = ufunc.resolve_dtypes((*types, None))[ufunc.nin :]
        if result not in (_TRUTH, _NUMBER):
            raise TypeError(f"{ufunc.__name__} gives {result}")
        found = self.step(ufunc, slots, result == _TRUTH)
        if ufunc is np.add and _is_zero(args[1]) and types[0] == _TRUTH:
            self.numbers[found] = slots[0]
        return found

    def chosen(self, test: Any, a: Any, b: Any) -> int:
        """The slot of numpy.where."""
        slots = [self.slot(arg) for arg in (test, a, b)]
        return self.step(np.where, slots, self.steps.truths.issuperset(slots))


class StandIn(NDArrayOperatorsMixin):
    """A slot that acts as an array would, and writes down what is done to it."""

    def __init__(self, writer: _Writer, slot: int) -> None:
        self.writer = writer
        self.slot = slot

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **options: Any) -> Any:
        if method != "__call__" or any(option != (None,) for option in options.values()) or ufunc.nout != 1:
            return NotImplemented
        return StandIn(self.writer, self.writer.called(ufunc, args))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is not np.where or len(args) != 3 or options:
            return NotImplemented
        return StandIn(self.writer, self.writer.chosen(*args))

    def __bool__(self) -> bool:
        raise TypeError("which way it goes depends on the point")


def has_exact_reciprocal(value: float) -> bool:
    """Whether it is a power of two whose reciprocal is one: multiplying by that does what dividing does."""
    return abs(math.frexp(value)[0]) == 0.5 and math.isfinite(1 / value)


def _key(value: float) -> tuple[float, float] | str:
    return "nan" if math.isnan(value) else (value, math.copysign(1.0, value))


def _is_zero(value: Any) -> bool:
    return not isinstance(value, StandIn) and value == 0
