"""Elementary functions as functions of the module, where writing them out at each use would make too much code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from symdiff.numeric.backends.llvm.ir import DOUBLE, MASK, Builder, Value
from symdiff.numeric.backends.llvm.lowering import elementary, is_long, lowered, number
from symdiff.numeric.steps import Step, Steps

_MOST_WRITTEN_OUT: Final = 24  # beyond, calls halve the time to compile and cost a twentieth of the time to run


class LocalFunctions:
    """Writes steps, and the functions that they call. Functions of the same arguments are called together.

    So sine and cosine share what they have in common, as they do where they are written out.

    Args:
        builder: writes the code.
        steps: the program.
        code: the steps that will be written.
    """

    def __init__(self, builder: Builder, steps: Steps, code: Sequence[Step]) -> None:
        self.builder = builder
        self.steps = steps
        self.definitions: dict[str, list[str]] = {}  # for the module, as is what they declare
        self.declared: dict[str, str] = {}
        self._flags: dict[str, bool] = {}
        self._together: dict[tuple[int, ...], list[Step]] = {}  # by arguments
        for step in code:
            if is_long(step, builder.width):
                self._together.setdefault(step.args, []).append(step)
        if len(self._together) <= _MOST_WRITTEN_OUT:
            self._together = {}

    def write(self, step: Step, args: Sequence[Value], values: dict[int, Value]) -> None:
        """Put the value of a step, and of those that are called together with it, among the values."""
        if step.args in self._together and is_long(step, self.builder.width):
            together = self._together[step.args]
            found = self._called([member.name for member in together], [number(self.builder, arg) for arg in args])
            values.update(zip([member.slot for member in together], found, strict=True))
        else:
            values[step.slot] = lowered(self.builder, self.steps, step, args)

    def _called(self, names: list[str], args: Sequence[Value]) -> list[Value]:
        b = self.builder
        label = "_".join([b.prefix, *names])
        if label not in self.definitions:
            self._define(label, names, len(args))
        double = b.type_of(DOUBLE)
        result = self._result_type(len(names), self._flags[label])
        given = ", ".join(f"{double} {arg.text}" for arg in args)
        all_of_them = b.emit(DOUBLE, f"call fastcc {result} @{label}({given})").text
        if self._flags[label]:
            b.flag(b.emit(MASK, f"extractvalue {result} {all_of_them}, {len(names)}"))
        return [b.emit(DOUBLE, f"extractvalue {result} {all_of_them}, {i}") for i in range(len(names))]

    def _result_type(self, count: int, flags: bool) -> str:
        types = [self.builder.type_of(DOUBLE)] * count + [self.builder.type_of(MASK)] * flags
        return f"{{{', '.join(types)}}}"

    def _define(self, label: str, names: Sequence[str], arity: int) -> None:
        b = Builder(self.builder.width, self.builder.has_fma)
        double = b.type_of(DOUBLE)
        args = [Value(b, DOUBLE, f"%x{i}") for i in range(arity)]
        values = [elementary(b, name, *args) for name in names]
        parts = values if b.flagged is None else [*values, b.flagged]
        result = self._result_type(len(names), b.flagged is not None)
        whole = "poison"
        for i, part in enumerate(parts):
            b.lines.append(f"%whole{i} = insertvalue {result} {whole}, {b.type_of(part.kind)} {part.text}, {i}")
            whole = f"%whole{i}"
        takes = ", ".join(f"{double} {arg.text}" for arg in args)
        head = f"define internal fastcc {result} @{label}({takes}) nounwind {{"
        self.definitions[label] = [head, *b.lines, f"ret {result} {whole}", "}"]
        self.declared.update(b.declared)
        self._flags[label] = b.flagged is not None


def module(builders: Iterable[Builder], local: Iterable[LocalFunctions], lines: Iterable[str]) -> str:
    """The text of a module: what builders declare, functions and what they declare, and the rest."""
    local = list(local)
    parts = [*(builder.declared for builder in builders), *(functions.declared for functions in local)]
    declared = {name: line for part in parts for name, line in part.items()}
    defined = [line for functions in local for definition in functions.definitions.values() for line in definition]
    return "\n".join([*declared.values(), *defined, *lines, ""])
