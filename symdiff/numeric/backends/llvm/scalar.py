"""Functions of floats: builtins of CPython whose code is written here, called in 40 ns.

A call with other arguments than floats, in another number than there are inputs, or with a result that is not finite
goes to ``general``, unchanged. The code holds no address, so that it can be kept on disk: ``general`` comes with the
builtin's ``self``, and what it needs of CPython is linked to it.

Sources: Python/C API reference manual, "Common Object Structures" (METH_FASTCALL, PyMethodDef), "Call Protocol"
(PyObject_Vectorcall), "Tuple Objects" (PyTuple_New; a new tuple is filled as by PyTuple_SET_ITEM).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from symdiff.numeric.backends import Shape
from symdiff.numeric.backends.checks import to_check
from symdiff.numeric.backends.llvm.engine import Host, Library, host
from symdiff.numeric.backends.llvm.ir import DOUBLE, Builder, Value
from symdiff.numeric.backends.llvm.layout import ITEMS_AT, NUMBER_AT, TYPE_AT, WORD
from symdiff.numeric.backends.llvm.local import LocalFunctions, module
from symdiff.numeric.backends.llvm.lowering import number, trouble
from symdiff.numeric.backends.llvm.machine import machine_code
from symdiff.numeric.steps import Steps

_METH_FASTCALL: Final = 0x80
_LONG: Final = 2000  # steps; beyond, LLVM's better code takes more time to find than it gains
_DECLARED: Final = """\
@PyFloat_Type = external global i8
declare ptr @PyFloat_FromDouble(double) nounwind
declare ptr @PyTuple_New(i64) nounwind
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr) nounwind
declare void @Py_DecRef(ptr) nounwind"""


def scalar_function(
    steps: Steps, shape: Shape, general: Callable[..., Any], target: Host | None = None
) -> Callable[..., Any]:
    """A function of floats, one for each input, with results as ``shape`` says. See `floats_are_known`.

    Args:
        steps: the program, of which no step is `lacking`; outputs that ``shape`` leaves out are only checked.
        shape: of the results.
        general: called with the same arguments where this function cannot answer.
        target: the processor, if not this one (in tests).
    """
    target = target or host()
    level = 2 if len(steps.code) < _LONG else 0
    what = ("function", shape, sys.implementation.cache_tag, TYPE_AT, NUMBER_AT, ITEMS_AT)
    code = machine_code(what, steps, target, level, lambda: function_code(steps, shape, target))
    library = Library(code, ["function"], _imports())
    definition = _MethodDef(b"function", library.address("function"), _METH_FASTCALL, b"A formula as machine code.")
    return _new_builtin(definition, (general, library, definition), None)  # type: ignore[no-any-return]


# -- CPython


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_new_builtin: Final[Any] = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.c_void_p
)(("PyCFunction_NewEx", ctypes.pythonapi))


@cache
def _imports() -> dict[str, int]:
    names = ("PyFloat_FromDouble", "PyTuple_New", "PyObject_Vectorcall", "Py_DecRef")
    found = {name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0 for name in names}
    return {**found, "PyFloat_Type": id(float)}


# -- code


def function_code(steps: Steps, shape: Shape, target: Host) -> str:
    """The LLVM code of ``PyObject *function(PyObject *self, PyObject *const *args, Py_ssize_t count)``."""
    return _Writer(steps, target).text(shape)


class _Writer:
    def __init__(self, steps: Steps, target: Host) -> None:
        self.steps = steps
        self.b = Builder(1, target.has_fma)
        self.local = LocalFunctions(self.b, steps, steps.code)
        self.lines = self.b.lines
        self.values: dict[int, Value] = {}
        self.labels = 0

    def text(self, shape: Shape) -> str:
        self._read_arguments()
        self._compute()
        result = self._results(shape)
        lines = [
            *[_DECLARED, "define ptr @function(ptr %self, ptr readonly %args, i64 %count) nounwind {"],
            *self.lines,
            f"ret ptr {result}",
            *["general:", *self._field("%callee", "ptr", "%self", ITEMS_AT)],
            "%answer = call ptr @PyObject_Vectorcall(ptr %callee, ptr %args, i64 %count, ptr null)",
            *["ret ptr %answer", "failed:", *self._release(shape), "ret ptr null", "}"],
        ]
        return module([self.b], [self.local], lines)

    def _field(self, name: str, kind: str, pointer: str, offset: int) -> list[str]:
        """Read from an object."""
        return [
            f"{name}.at = getelementptr i8, ptr {pointer}, i64 {offset}",
            f"{name} = load {kind}, ptr {name}.at",
        ]

    def _read_arguments(self) -> None:
        inputs = list(self.steps.inputs.values())
        self.lines.append(f"%right = icmp eq i64 %count, {len(inputs)}")
        self._go_on_if("%right", "general")
        fit = "true"
        for i in range(len(inputs)):
            self.lines += self._field(f"%arg{i}", "ptr", "%args", i * WORD)
            self.lines += self._field(f"%type{i}", "ptr", f"%arg{i}", TYPE_AT)
            self.lines.append(f"%is{i} = icmp eq ptr %type{i}, @PyFloat_Type")
            self.lines.append(f"%fit{i} = and i1 {fit}, %is{i}")
            fit = f"%fit{i}"
        self._go_on_if(fit, "general")
        for i, slot in enumerate(inputs):
            self.lines += self._field(f"%x{slot}", DOUBLE, f"%arg{i}", NUMBER_AT)
            self.values[slot] = Value(self.b, DOUBLE, f"%x{slot}")

    def _go_on_if(self, condition: str, otherwise: str) -> None:
        self.labels += 1
        self.lines.append(f"br i1 {condition}, label %on{self.labels}, label %{otherwise}")
        self.lines.append(f"on{self.labels}:")

    def _compute(self) -> None:
        steps = self.steps
        for slot, value in steps.constants.items():
            self.values[slot] = self.b.constant(value)
        for step in steps.code:
            if step.slot not in self.values:
                self.local.write(step, [self.values[arg] for arg in step.args], self.values)
        wrong = trouble(self.b, [self.values[slot] for slot in sorted(to_check(steps))])
        self._go_on_if((~wrong).text, "general")

    # -- results: all tuples first, which a failure leaves empty or half filled; then the floats in them

    def _results(self, shape: Shape) -> str:
        """The name of the result."""
        if isinstance(shape, int):
            return self._float("%root", shape)
        floats: list[tuple[str, int]] = []
        self._tuple("%root", shape, floats)
        made = "true"
        for name, (place, output) in [(f"%float{i}", entry) for i, entry in enumerate(floats)]:
            self._float(name, output)
            self.lines.append(f"store ptr {name}, ptr {place}")
            self.lines.append(f"{name}.is = icmp ne ptr {name}, null")
            self.lines.append(f"{name}.all = and i1 {made}, {name}.is")
            made = f"{name}.all"
        self._go_on_if(made, "failed")
        return "%root"

    def _tuple(self, name: str, shape: tuple[Any, ...], floats: list[tuple[str, int]]) -> None:
        """Make a tuple, the tuples in it, and a list of where floats go in them."""
        self.lines.append(f"{name} = call ptr @PyTuple_New(i64 {len(shape)})")
        self.lines.append(f"{name}.is = icmp ne ptr {name}, null")
        self._go_on_if(f"{name}.is", "failed")
        for i, part in enumerate(shape):
            place = f"{name}.{i}"
            self.lines.append(f"{place}.at = getelementptr i8, ptr {name}, i64 {ITEMS_AT + i * WORD}")
            if isinstance(part, int):
                floats.append((f"{place}.at", part))
            else:
                self._tuple(place, part, floats)
                self.lines.append(f"store ptr {place}, ptr {place}.at")

    def _float(self, name: str, output: int) -> str:
        value = number(self.b, self.values[self.steps.outputs[output]])
        self.lines.append(f"{name} = call ptr @PyFloat_FromDouble(double {value.text})")
        return name

    def _release(self, shape: Shape) -> list[str]:
        """After a failure: the outermost tuple, with what is in it already."""
        return [] if isinstance(shape, int) else ["call void @Py_DecRef(ptr %root)"]
