"""The source of the function that evaluates one block: one line for each call of NumPy, all results in buffers.

Names are made up here: v are inputs, u what is the same at all points, o outputs, b buffers of numbers, m of truths,
c constants, f functions, s sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from symdiff.numeric.backends import Task
from symdiff.numeric.backends.checks import to_check
from symdiff.numeric.backends.signs import without_negations
from symdiff.numeric.backends.sincos import SCRATCH, sincos
from symdiff.numeric.steps import Step
from symdiff.ops import Op

KEYWORD_ONLY: Final = (np.maximum, np.minimum)
"""NumPy warns if these take the place for the result as a third argument; for others that is 20 ns faster."""


@dataclass(frozen=True, slots=True)
class _Call:
    """``slots = function(*args)``, with so many buffers that it may write to."""

    function: Any
    args: tuple[int, ...]
    slots: tuple[int, ...]
    scratch: int = 0


class BlockCode:
    """What is to be done for a task in each block, and outside of blocks.

    Attributes:
        steps: the program, with fewer steps.
        prologue: the steps whose results are the same at all points.
        uniform: the slots of what blocks need of these.
        checked_uniform: those that have to be finite.
        stored: the results to which blocks write, in the order in which ``run`` takes them.
        totals: the results that blocks sum, in the order of what ``run`` returns.
        same: the results that are the same at all points, with their slots.
        numbers: how many buffers of numbers a block needs.
        truths: how many of booleans.
        is_needed: whether blocks do anything.
        has_uniform: whether anything is the same at all points, apart from constants in blocks.
        run: ``run(finite, *inputs, *uniform, *stored, *buffers) -> sums`` appends to ``finite`` an array of
            truths for each result that looked suspicious: where it is finite.
    """

    def __init__(self, task: Task) -> None:
        steps = self.steps = without_negations(task.steps)
        inputs = list(steps.inputs.values())
        self.arrays = [slot for slot, many in zip(inputs, task.varying, strict=True) if many]
        self.varying = steps.varying(self.arrays)
        self.prologue = [step for step in steps.code if step.slot not in self.varying]
        self.code = _calls([step for step in steps.code if step.slot in self.varying])
        self.checked = to_check(steps)
        self.checked_uniform = sorted(self.checked - self.varying)
        self._sort(task.summed)
        self.name: dict[int, str] = {slot: f"v{slot}" for slot in self.arrays}
        self.namespace: dict[str, Any] = {
            "copy": np.copyto,
            "total": np.add.reduce,
            "isfinite": np.isfinite,
            "inf": np.inf,
        }
        self.uniform = self._named_uniform()
        self.scratch: dict[int, list[str]] = {}  # of the call that makes a slot
        self.numbers, self.truths = self._place()
        self.functions: dict[Any, str] = {}
        self.lines: list[str] = []
        self._write()
        self.run = self._compiled()
        self.is_needed = bool(self.lines)
        self.has_uniform = bool(self.uniform or self.checked_uniform or self.same)

    def _sort(self, summed: tuple[bool, ...]) -> None:
        """Say of each result where it comes from."""
        self.stored: list[int] = []
        self.totals: list[int] = []
        self.same: list[tuple[int, int]] = []
        self.results: dict[int, tuple[list[int], list[int]]] = {}  # of a slot: those stored, those summed
        for i, (slot, total) in enumerate(zip(self.steps.outputs, summed, strict=False)):
            if slot not in self.varying:
                self.same.append((i, slot))
            else:
                (self.totals if total else self.stored).append(i)
                self.results.setdefault(slot, ([], []))[total].append(i)

    def _named_uniform(self) -> list[int]:
        """Name what blocks read of constants and of what is the same at all points. Gives the latter."""
        found = []
        for slot in dict.fromkeys(arg for call in self.code for arg in call.args):
            if slot in self.steps.constants:
                self.name[slot] = f"c{slot}"
                self.namespace[f"c{slot}"] = np.array(self.steps.constants[slot])  # faster than a float: 100 ns a call
            elif slot not in self.varying:
                self.name[slot] = f"u{slot}"
                found.append(slot)
        return found

    def _place(self) -> tuple[int, int]:
        """Choose where each result goes, last call first: so a result that becomes an output is made there.

        What dies at a call lies where its result goes; outputs serve as buffers until they are made. Gives the numbers
        of buffers.
        """
        truths = self.steps.truths
        for slot, (stored, _) in self.results.items():
            if stored and slot not in truths:
                self.name.setdefault(slot, f"o{stored[0]}")
        free: tuple[list[str], list[str]] = ([], [])
        counts = [0, 0]

        def taken(kind: bool) -> str:
            if free[kind]:
                return free[kind].pop()
            counts[kind] += 1
            return f"{'bm'[kind]}{counts[kind] - 1}"

        for call in reversed(self.code):
            for slot in call.slots:
                if slot not in self.name:  # nobody reads it
                    self.name[slot] = taken(slot in truths)
            scratch = self.scratch[call.slots[0]] = [taken(False) for _ in range(call.scratch)]
            for slot in call.slots:
                free[slot in truths].append(self.name[slot])
            for arg in call.args:
                if arg not in self.name:
                    self.name[arg] = taken(arg in truths)
            free[False].extend(scratch)
        return counts[False], counts[True]

    def _write(self) -> None:
        late: list[str] = []
        for slot in self.arrays:
            self._use(slot, late)
        for call in self.code:
            self._call(call)
            for slot in call.slots:
                self._use(slot, late)
        for a, b in zip(late[::2], [*late[1::2], *late[-1:]], strict=False):
            self._check(f"{a}.dot({b})", (a, b))

    def _call(self, call: _Call) -> None:
        value = call.function.value if isinstance(call.function, Op) else call.function
        function = self.functions.setdefault(call.function, f"f{len(self.functions)}")
        self.namespace[function] = value
        args = ", ".join([self.name[arg] for arg in call.args])
        places = [*(self.name[slot] for slot in call.slots), *self.scratch[call.slots[0]]]
        if isinstance(value, np.ufunc) or value is sincos:
            keyword = "out=" if value in KEYWORD_ONLY else ""
            self.lines.append(f"{function}({args}, {keyword}{', '.join(places)})")
        elif isinstance(call.function, Op) or places[0][0] == "o":
            self.lines.append(f"copy({places[0]}, {function}({args}))")
        else:  # np.where gives a new array, which takes the place of the buffer
            self.lines.append(f"{places[0]} = {function}({args})")

    def _use(self, slot: int, late: list[str]) -> None:
        """Store, sum and check a result once it is there. What lasts to the end of the block is checked there."""
        name = self.name[slot]
        stored, totals = self.results.get(slot, ((), ()))
        self.lines += [f"copy(o{i}, {name})" for i in stored if name != f"o{i}"]
        self.lines += [f"s{i} = total({name})" for i in totals]
        if slot not in self.checked:
            return
        if stored:
            late.append(f"o{stored[0]}")
        else:
            self._check(f"s{totals[0]}" if totals else f"{name}.dot({name})", (name,))

    def _check(self, number: str, names: Iterable[str]) -> None:
        """Look at the points if a number that depends on all of them is not finite."""
        parts = ", ".join([f"isfinite({name})" for name in dict.fromkeys(names)])
        self.lines.append(f"if not -inf < {number} < inf: finite += {parts},")

    def _compiled(self) -> Callable[..., list[float]]:
        names = ["finite", *(f"v{slot}" for slot in self.arrays), *(f"u{slot}" for slot in self.uniform)]
        names += [f"o{i}" for i in self.stored]
        names += [*(f"b{i}" for i in range(self.numbers)), *(f"m{i}" for i in range(self.truths))]
        sums = ", ".join([f"s{i}" for i in self.totals])
        lines = [f"def run({', '.join(names)}):", *(f"    {line}" for line in self.lines), f"    return [{sums}]"]
        exec(compile("\n".join(lines), "<symdiff block>", "exec"), self.namespace)  # our own source, see above
        return self.namespace["run"]  # type: ignore[no-any-return]


def _calls(code: Sequence[Step]) -> list[_Call]:
    """Steps as calls: sine and cosine of one argument are one."""
    made = {(step.function, step.args): step.slot for step in code if step.function in (np.sin, np.cos)}
    calls: dict[tuple[int, ...], _Call] = {}
    for step in code:
        sine, cosine = made.get((np.sin, step.args)), made.get((np.cos, step.args))
        if sine is None or cosine is None or step.slot not in (sine, cosine):
            calls[(step.slot,)] = _Call(step.function, step.args, (step.slot,))
        else:
            calls.setdefault((sine, cosine), _Call(sincos, step.args, (sine, cosine), SCRATCH))
    return list(calls.values())
