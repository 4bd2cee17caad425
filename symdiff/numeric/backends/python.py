"""The Python backend: a program as the source of one function on floats.

Names in the source are made up here (v0, t7); no name or text of the user's enters it. The
function hands the call to ``general`` whenever its arguments are not all floats, when the math
module raises, and when a result is not finite: infinities, edges and arrays are decided there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from symdiff.numeric.backends import Shape
from symdiff.numeric.program import Instruction, Program

_MAX_NESTING = 24
_PLACE = re.compile(r"\{(\d)\}")


def scalar_function(program: Program, shape: Shape, general: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a program to a function of floats.

    Args:
        program: the program.
        shape: of the results; outputs that it does not name are only checked to be finite.
        general: called with the same arguments where this function cannot answer.
    """
    source, namespace = scalar_source(program, shape)
    namespace["general"] = general
    exec(compile(source, "<symdiff program>", "exec"), namespace)  # our own source, see above
    return namespace["kernel"]  # type: ignore[no-any-return]


def scalar_source(program: Program, shape: Shape) -> tuple[str, dict[str, Any]]:
    """The source of the function and the names that it needs."""
    return _Source(program).text(shape)


class _Source:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.namespace: dict[str, Any] = {"math": math, "given": _given}
        self.text_of: dict[int, str] = {slot: f"v{i}" for i, slot in enumerate(program.inputs.values())}
        self.depth: dict[int, int] = {}
        self.lines: list[str] = []
        self.guarded: list[str] = []  # numbers that have to be finite, although they are no results
        for slot, value in program.constants.items():
            self.text_of[slot] = repr(value) if math.isfinite(value) else self._named(value)
            if value < 0:
                self.text_of[slot] = f"({self.text_of[slot]})"
        self.uses: dict[int, int] = {}
        for instruction in program.code:
            for arg in instruction.args:
                self.uses[arg] = self.uses.get(arg, 0) + 1
        for slot in program.outputs:
            self.uses[slot] = self.uses.get(slot, 0) + 2  # a result has a name: it is read twice

    def text(self, shape: Shape) -> tuple[str, dict[str, Any]]:
        for instruction in self.program.code:
            self._statement(instruction)
        names = [f"v{i}" for i in range(len(self.program.inputs))]
        results = [self.text_of[slot] for slot in self.program.outputs]
        checked = [*names, *results, *self.guarded]
        given = f"({', '.join([*names, '*more'])},)" if names else "more"
        call = f"return general(*given({given}))"
        lines = [f"def kernel({', '.join([*(f'{name}=None' for name in names), '*more'])}):"]
        floats = " is ".join([f"{name}.__class__" for name in names])
        lines.append(f"    if not ({floats} is float) or more: {call}" if names else f"    if more: {call}")
        lines += ["    try:", *[f"        {line}" for line in self.lines], "        pass"] if self.lines else []
        lines += ["    except (ArithmeticError, ValueError):", f"        {call}"] if self.lines else []
        lines += self._finite_check(checked, call)
        lines.append(f"    return {_arranged(shape, results)}")
        return "\n".join(lines), self.namespace

    def _finite_check(self, results: list[str], call: str) -> list[str]:
        """Sum the results: the sum is finite only if all are (an overflow only costs time)."""
        lines = []
        total = ""
        for i in range(0, len(results), 30):
            total = " + ".join([*(["s"] if total else []), *dict.fromkeys(results[i : i + 30])])
            lines.append(f"    s = {total}")
        return [*lines, f"    if s * 0.0 != 0.0: {call}"] if results else []

    def _statement(self, instruction: Instruction) -> None:
        slot = instruction.slot
        text, depth = self._expression(instruction)
        if self.uses.get(slot, 0) == 1 and depth < _MAX_NESTING and len(text) < 2000:
            self.text_of[slot], self.depth[slot] = text, depth
        else:
            name = f"t{slot}"
            self.lines.append(f"{name} = {text}")
            self.text_of[slot] = name

    def _expression(self, instruction: Instruction) -> tuple[str, int]:
        op = instruction.op
        template = op.names.python
        if not template or (op.arity is None and len(instruction.args) == 1):
            args = [self.text_of[arg] for arg in instruction.args]
            call = f"{self._named(_quiet(op.value))}({', '.join(args)})"
            if op.domain is None and not op.edges:
                return call, 1 + self._deepest(instruction)
            self.guarded.append(self._assigned(call))  # unlike what the math module has, it raises nothing
            return self.guarded[-1], 0
        if "{args}" in template:
            args = [self.text_of[arg] for arg in instruction.args]
            return template.replace("{args}", ", ".join(args)), 1 + self._deepest(instruction)
        places = _PLACE.findall(template)
        once = len(places) == len(set(places)) and len(instruction.args) <= 3
        args = [self.text_of[arg] if once else self._simple(arg) for arg in instruction.args]
        if op.arity is None and len(args) > 2:
            return reduce(lambda a, b: self._assigned(_fill(template, [a, b])), args), 1
        return _fill(template, args), 1 + self._deepest(instruction)

    def _deepest(self, instruction: Instruction) -> int:
        return max((self.depth.get(arg, 0) for arg in instruction.args), default=0)

    def _simple(self, slot: int) -> str:
        """The text of an argument that a template repeats: a name, never a formula."""
        if slot in self.depth:
            self.text_of[slot] = self._assigned(self.text_of[slot])
            del self.depth[slot]
        return self.text_of[slot]

    def _assigned(self, text: str) -> str:
        name = f"u{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def _named(self, value: Any) -> str:
        name = f"c{len(self.namespace)}"
        self.namespace[name] = value
        return name


def _quiet(value: Callable[..., Any]) -> Callable[..., float]:
    """A row's value on floats, without NumPy's warnings: what is not finite is looked at later."""

    def call(*args: float) -> float:
        with np.errstate(all="ignore"):
            return float(value(*args))

    return call


def _given(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values without those that nobody gave, which are last."""
    count = len(values)
    while count and values[count - 1] is None:
        count -= 1
    return values[:count]


def _fill(template: str, args: Sequence[str]) -> str:
    return _PLACE.sub(lambda match: args[int(match[1])], template)


def _arranged(shape: Shape, results: Sequence[str]) -> str:
    if isinstance(shape, int):
        return results[shape]
    return f"({''.join([f'{_arranged(part, results)}, ' for part in shape])})"
