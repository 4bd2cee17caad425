"""The code of kernels for arrays: one loop over vectors of doubles.

What depends on uniform inputs alone is computed once, ahead of the loop. The last vector is moved back to end with
the arrays, so that it overlaps the one before: its lanes that were done before are stored again, not summed again.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from symdiff.numeric.backends import Task
from symdiff.numeric.backends.checks import to_check
from symdiff.numeric.backends.llvm.engine import Host
from symdiff.numeric.backends.llvm.ir import DOUBLE, INT, MASK, Builder, Value
from symdiff.numeric.backends.llvm.layout import DATA_AT
from symdiff.numeric.backends.llvm.local import LocalFunctions, module
from symdiff.numeric.backends.llvm.lowering import divided, number, trouble
from symdiff.numeric.steps import Step, has_exact_reciprocal

SPOILED: Final = 256  # what the kernel returns where every point has to be evaluated again

_SUMMED: Final = 128  # vectors that are summed plainly; the sums of so many are added with their rounding errors


def kernel_code(task: Task, target: Host) -> str:
    """The LLVM code of ``i64 kernel(frame)``.

    The frame holds pointers to array objects: the inputs that vary, the results and the flags; the number of points;
    the first of them to evaluate; the uniform inputs. The result is 0 if no point has to be evaluated again; else the
    flags tell where, in a byte for each vector, a bit for each lane.
    """
    return _Writer(task, target).text()


class _Writer:
    def __init__(self, task: Task, target: Host) -> None:
        self.task = task
        self.steps = steps = task.steps
        self.once = Builder(1, target.has_fma, "u")
        self.each = Builder(target.width, target.has_fma)
        inputs = list(zip(steps.inputs.values(), task.varying, strict=True))
        self.varying_inputs = [slot for slot, varies in inputs if varies]
        self.uniform_inputs = [slot for slot, varies in inputs if not varies]
        self.varying = steps.varying(self.varying_inputs)
        self.uniform: dict[int, Value] = {}  # slots that do not vary, as scalars
        self.wide: dict[int, Value] = {}  # slots as vectors
        self.spread: list[str] = []  # scalars into all lanes
        self.once_code = [step for step in steps.code if step.slot not in self.varying]
        self.each_code = [step for step in steps.code if step.slot in self.varying]
        self.local_once = LocalFunctions(self.once, steps, self.once_code)
        self.local_each = LocalFunctions(self.each, steps, self.each_code)
        self.inverted = self._inverted()
        self.inverse: dict[int, Value] = {}  # slots that do not vary, the reciprocal as a vector
        self.checked = sorted(to_check(steps))
        self.sums = [i for i, total in enumerate(task.summed) if total]
        self.adding, self.totals = self._add_up()

    def text(self) -> str:
        entry = self._entry()
        self._compute_once()
        gate = self._gate()
        body = self._body()
        lines = [
            "define i64 @kernel(ptr readonly %frame) nounwind {",
            *["entry:", *entry, *self.once.lines, *self.spread, *gate],
            *["outer:", *self._outer_head(), "br label %inner"],
            *["inner:", *self._inner_head(), *body, "%more = icmp slt i64 %next, %end"],
            "br i1 %more, label %inner, label %done",
            *["done:", *self.adding, "%again = icmp slt i64 %next, %n"],
            "br i1 %again, label %outer, label %exit",
            *["exit:", *self._store_sums(), "ret i64 %any", "}"],
        ]
        return module([self.once, self.each], [self.local_once, self.local_each], lines)

    # -- ahead of the loop

    def _entry(self) -> list[str]:
        """Read the frame."""
        arrays = [f"%in{slot}" for slot in self.varying_inputs]
        arrays += [*[f"%out{i}" for i in range(len(self.task.summed))], "%flags"]
        numbers = [("%n", "i64"), ("%first", "i64"), *((f"%x{slot}", "double") for slot in self.uniform_inputs)]
        lines = []
        for i, (name, kind) in enumerate([*[(f"{name}.object", "ptr") for name in arrays], *numbers]):
            lines.append(f"{name}.at = getelementptr i64, ptr %frame, i64 {i}")
            lines.append(f"{name} = load {kind}, ptr {name}.at")
        for name in arrays:
            lines.append(f"{name}.at = getelementptr i8, ptr {name}.object, i64 {DATA_AT}")
            lines.append(f"{name} = load ptr, ptr {name}.at")
        return [*lines, f"%last = sub i64 %n, {self.each.width}"]

    def _compute_once(self) -> None:
        for slot in self.uniform_inputs:
            self.uniform[slot] = Value(self.once, DOUBLE, f"%x{slot}")
        for slot, value in self.steps.constants.items():
            self.uniform[slot] = self.once.constant(value)
        for step in self.once_code:
            if step.slot not in self.uniform:
                self.local_once.write(step, [self.uniform[arg] for arg in step.args], self.uniform)

    def _gate(self) -> list[str]:
        """Give up at once where something uniform is not finite."""
        checked = [self.uniform[slot] for slot in self.checked if slot in self.uniform]
        spoiled = trouble(self.once, checked)
        return [
            *[f"br i1 {spoiled.text}, label %spoiled, label %outer", "spoiled:"],
            *[f"store double 0.0, ptr %out{i}, align 1" for i in self.sums],
            f"ret i64 {SPOILED}",
        ]

    # -- the loop over vectors, in stretches whose sums are added with care

    def _outer_head(self) -> list[str]:
        double = self.each.type_of(DOUBLE)
        lines = ["%begin = phi i64 [%first, %entry], [%next, %done]", "%seen = phi i64 [0, %entry], [%any, %done]"]
        for i in self.sums:
            for name, value in zip(("total", "error"), self.totals[i], strict=True):
                lines.append(f"%{name}{i} = phi {double} [zeroinitializer, %entry], [{value.text}, %done]")
        if not self.sums:
            return [*lines, "%end = add i64 %n, 0"]
        lines.append(f"%stretch = add i64 %begin, {_SUMMED * self.each.width}")
        lines.append("%stops = icmp slt i64 %stretch, %n")
        return [*lines, "%end = select i1 %stops, i64 %stretch, i64 %n"]

    def _inner_head(self) -> list[str]:
        double = self.each.type_of(DOUBLE)
        sums = [f"%sum{i} = phi {double} [zeroinitializer, %outer], [%sum{i}.next, %inner]" for i in self.sums]
        return [
            "%i = phi i64 [%begin, %outer], [%next, %inner]",
            "%found = phi i64 [%seen, %outer], [%any, %inner]",
            *sums,
            f"%next = add i64 %i, {self.each.width}",
            "%fits = icmp slt i64 %i, %last",
            "%at = select i1 %fits, i64 %i, i64 %last",
            "%overlap = sub i64 %i, %at",
        ]

    def _body(self) -> list[str]:
        each = self.each
        for slot in self.varying_inputs:
            each.lines.append(f"%from{slot} = getelementptr double, ptr %in{slot}, i64 %at")
            self.wide[slot] = each.emit(DOUBLE, f"load {each.type_of(DOUBLE)}, ptr %from{slot}, align 1")
        for step in self.each_code:
            if step.slot not in self.wide:
                self._compute(step)
        flagged = trouble(each, [self.wide[slot] for slot in self.checked if slot not in self.uniform])
        self._flags(flagged)
        self._results(flagged)
        return each.lines

    def _compute(self, step: Step) -> None:
        args = [self._as_wide(arg) for arg in step.args]
        if step.name == "divide" and step.guarded and step.args[1] in self.inverted:
            inverse = self._reciprocal(step.args[1])
            self.wide[step.slot] = divided(self.each, number(self.each, args[0]), args[1], inverse)
        else:
            self.local_each.write(step, args, self.wide)

    def _inverted(self) -> set[int]:
        """The divisors whose reciprocal is worth having, where a quotient that is not finite is looked at again."""
        if not self.each.has_fma:
            return set()
        steps = self.steps
        code = [step for step in self.each_code if step.name == "divide" and step.guarded]
        counts = Counter(
            step.args[1] for step in code if not has_exact_reciprocal(steps.constants.get(step.args[1], 0.0))
        )
        return {slot for slot, n in counts.items() if n > 1 or slot not in self.varying} - steps.truths

    def _reciprocal(self, slot: int) -> Value:
        if slot in self.varying:
            return 1.0 / self.wide[slot]
        if slot not in self.inverse:
            self.inverse[slot] = self._in_all_lanes(f"%inverse{slot}", 1.0 / self.uniform[slot])
        return self.inverse[slot]

    def _as_wide(self, slot: int) -> Value:
        """A slot's value in all lanes."""
        value = self.wide.get(slot)
        if value is None:
            value = self.wide[slot] = self._splat(slot)
        return value

    def _splat(self, slot: int) -> Value:
        if slot in self.steps.constants:
            return self.each.constant(self.steps.constants[slot])
        return self._in_all_lanes(f"%all{slot}", self.uniform[slot])

    def _in_all_lanes(self, name: str, value: Value) -> Value:
        if self.each.width == 1:
            return Value(self.each, value.kind, value.text)
        wide = self.each.type_of(value.kind)
        self.spread.append(f"{name}.0 = insertelement {wide} poison, {value.kind} {value.text}, i64 0")
        zeros = f"<{self.each.width} x i32> zeroinitializer"
        self.spread.append(f"{name} = shufflevector {wide} {name}.0, {wide} poison, {zeros}")
        return Value(self.each, value.kind, name)

    def _flags(self, flagged: Value) -> None:
        """Store a byte for each vector, without the lanes that the vector before had."""
        width = self.each.width
        self.each.lines += [
            f"%lanes = bitcast {self.each.type_of(MASK)} {flagged.text} to i{width}",
            f"%bits = zext i{width} %lanes to i64",
            "%fresh = lshr i64 %bits, %overlap",
            "%byte = trunc i64 %fresh to i8",
            "%done.points = sub i64 %i, %first",
            f"%vector = lshr i64 %done.points, {width.bit_length() - 1}",
            "%flag.at = getelementptr i8, ptr %flags, i64 %vector",
            "store i8 %byte, ptr %flag.at",
            "%any = or i64 %found, %fresh",
        ]

    def _results(self, flagged: Value) -> None:
        each = self.each
        double = each.type_of(DOUBLE)
        counted = self._counted(flagged) if self.sums else flagged
        for i, (slot, total) in enumerate(zip(self.steps.outputs, self.task.summed, strict=False)):
            value = number(each, self._as_wide(slot))
            if total:
                part = each.select(counted, value, 0.0)
                each.lines.append(f"%sum{i}.next = fadd {double} %sum{i}, {part.text}")
            else:
                each.lines.append(f"%to{i} = getelementptr double, ptr %out{i}, i64 %at")
                each.lines.append(f"store {double} {value.text}, ptr %to{i}, align 1")

    def _counted(self, flagged: Value) -> Value:
        """The lanes to be summed."""
        each = self.each
        overlap = Value(each, INT, "%overlap")
        if each.width > 1:
            wide = each.type_of(INT)
            each.lines.append(f"%overlap.0 = insertelement {wide} poison, i64 %overlap, i64 0")
            zeros = f"<{each.width} x i32> zeroinitializer"
            each.lines.append(f"%overlap.all = shufflevector {wide} %overlap.0, {wide} poison, {zeros}")
            overlap = Value(each, INT, "%overlap.all")
        numbers = ", ".join(f"i64 {lane}" for lane in range(each.width))
        lane = Value(each, INT, f"<{numbers}>" if each.width > 1 else "0")
        return (lane >= overlap) & ~flagged

    # -- sums

    def _add_up(self) -> tuple[list[str], dict[int, tuple[Value, Value]]]:
        """After a stretch: for each sum, the total and what was lost by rounding it."""
        b = Builder(self.each.width, self.each.has_fma, "s")
        totals = {}
        for i in self.sums:
            part = Value(b, DOUBLE, f"%sum{i}.next")
            total, lost = b.two_sum(Value(b, DOUBLE, f"%total{i}"), part)
            totals[i] = total, Value(b, DOUBLE, f"%error{i}") + lost
        return b.lines, totals

    def _store_sums(self) -> list[str]:
        """After the loop: the lanes, and all that was lost."""
        b = Builder(1, self.each.has_fma, "r")
        for i, vectors in self.totals.items():
            totals, errors = [[self._lane(b, v, k) for k in range(self.each.width)] for v in vectors]
            total, error = totals[0], errors[0]
            for x, lost in zip(totals[1:], errors[1:], strict=True):
                total, more = b.two_sum(total, x)
                error = error + lost + more
            whole = b.select(error.equals(error), total + error, total)  # nan if the total overflows
            b.lines.append(f"store double {whole.text}, ptr %out{i}, align 1")
        return b.lines

    def _lane(self, b: Builder, vector: Value, k: int) -> Value:
        if self.each.width == 1:
            return Value(b, DOUBLE, vector.text)
        return b.emit(DOUBLE, f"extractelement {self.each.type_of(DOUBLE)} {vector.text}, i64 {k}")
