"""LLVM code as text, written with operators: values of one lane or of many.

A `Builder` writes straight-line code. Its values are vectors of
``width`` lanes (plain scalars for one lane) of three kinds: doubles, 64-bit integers, masks. Writing
the same operation twice gives the same value, so functions that share a part (sine and cosine of
one argument, tanh and cosh) share its code without knowing of each other.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, Literal

Kind = Literal["double", "i64", "i1"]
Operand = Any  # a Value, a float, an int

DOUBLE: Final = "double"
INT: Final = "i64"
MASK: Final = "i1"


class Value:
    """A name in the code, with the operators of its kind; other operands may be Python numbers.

    A constant knows its ``number``, for which there may be better code.
    """

    __slots__ = ("builder", "kind", "number", "text")

    def __init__(self, builder: Builder, kind: Kind, text: str, number: float | None = None) -> None:
        self.builder = builder
        self.kind = kind
        self.text = text
        self.number = number

    def __add__(self, other: Operand) -> Value:
        return self.builder.binary("fadd" if self.kind == DOUBLE else "add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Value:
        return self.builder.binary("fsub" if self.kind == DOUBLE else "sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.builder.binary(
            "fsub" if self.kind == DOUBLE else "sub", self.builder.as_value(other, self.kind), self
        )

    def __mul__(self, other: Operand) -> Value:
        return self.builder.binary("fmul" if self.kind == DOUBLE else "mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Value:
        return self.builder.binary("fdiv", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self.builder.binary("fdiv", self.builder.as_value(other, self.kind), self)

    def __neg__(self) -> Value:
        return self.builder.unary("fneg", self) if self.kind == DOUBLE else 0 - self

    def __and__(self, other: Operand) -> Value:
        return self.builder.binary("and", self, other)

    def __or__(self, other: Operand) -> Value:
        return self.builder.binary("or", self, other)

    def __xor__(self, other: Operand) -> Value:
        return self.builder.binary("xor", self, other)

    def __invert__(self) -> Value:
        return self ^ (1 if self.kind == MASK else -1)

    def __lshift__(self, count: Operand) -> Value:
        return self.builder.binary("shl", self, count)

    def __rshift__(self, count: Operand) -> Value:
        """Arithmetic: the sign is kept."""
        return self.builder.binary("ashr", self, count)

    def logical_right(self, count: Operand) -> Value:
        """Shift in zeros."""
        return self.builder.binary("lshr", self, count)

    # Comparisons of doubles are ordered (false for nan) but for !=, as in C; of integers signed. They give masks.

    def __lt__(self, other: Operand) -> Value:
        return self.builder.compare("olt", "slt", self, other)

    def __le__(self, other: Operand) -> Value:
        return self.builder.compare("ole", "sle", self, other)

    def __gt__(self, other: Operand) -> Value:
        return self.builder.compare("ogt", "sgt", self, other)

    def __ge__(self, other: Operand) -> Value:
        return self.builder.compare("oge", "sge", self, other)

    def equals(self, other: Operand) -> Value:
        return self.builder.compare("oeq", "eq", self, other)

    def differs(self, other: Operand) -> Value:
        return self.builder.compare("une", "ne", self, other)


class Builder:
    """Writes the body of one function.

    Args:
        width: the number of lanes.
        has_fma: whether the processor multiplies and adds in one rounding; `fma` and `two_product` need it
            or go without.
        prefix: of the names, where the code of two builders stands in one function.
    """

    def __init__(self, width: int, has_fma: bool, prefix: str = "t") -> None:
        self.width = width
        self.has_fma = has_fma
        self.prefix = prefix
        self.lines: list[str] = []
        self.declared: dict[str, str] = {}  # name -> declaration, of what the module has to declare
        self.flagged: Value | None = None
        self._names = 0
        self._known: dict[str, Value] = {}

    # -- types and constants

    def type_of(self, kind: Kind) -> str:
        return kind if self.width == 1 else f"<{self.width} x {kind}>"

    def constant(self, value: float | int, kind: Kind = "double") -> Value:
        """The same number in every lane. A double is written by its bits."""
        if kind == DOUBLE:
            text = f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
        else:
            text = str(int(value)) if kind == INT else "true" if value else "false"
        if self.width > 1:
            text = f"splat ({kind} {text})"
        return Value(self, kind, text, value)

    def as_value(self, operand: Operand, kind: Kind) -> Value:
        return operand if isinstance(operand, Value) else self.constant(operand, kind)

    # -- writing

    def emit(self, kind: Kind, code: str) -> Value:
        """The value of a pure instruction; the one written before, if it was."""
        value = self._known.get(code)
        if value is None:
            value = self._known[code] = Value(self, kind, self.name())
            self.lines.append(f"{value.text} = {code}")
        return value

    def name(self) -> str:
        """A fresh name."""
        self._names += 1
        return f"%{self.prefix}{self._names}"

    def unary(self, code: str, a: Value) -> Value:
        return self.emit(a.kind, f"{code} {self.type_of(a.kind)} {a.text}")

    def binary(self, code: str, a: Value, b: Operand) -> Value:
        b = self.as_value(b, a.kind)
        return self.emit(a.kind, f"{code} {self.type_of(a.kind)} {a.text}, {b.text}")

    def compare(self, of_doubles: str, of_ints: str, a: Value, b: Operand) -> Value:
        b = self.as_value(b, a.kind)
        code = f"fcmp {of_doubles}" if a.kind == DOUBLE else f"icmp {of_ints}"
        return self.emit("i1", f"{code} {self.type_of(a.kind)} {a.text}, {b.text}")

    def select(self, mask: Value, a: Operand, b: Operand) -> Value:
        """``a`` where the mask is set, else ``b``."""
        kind: Kind = next((v.kind for v in (a, b) if isinstance(v, Value)), "double")
        a, b = self.as_value(a, kind), self.as_value(b, kind)
        return self.emit(
            kind,
            f"select {self.type_of('i1')} {mask.text}, {self.type_of(kind)} {a.text}, {self.type_of(kind)} {b.text}",
        )

    def cast(self, code: str, a: Value, kind: Kind) -> Value:
        """``bitcast``, ``sitofp``, ``fptosi``, ``uitofp``, ``zext``, ``sext``, ``trunc``."""
        return self.emit(kind, f"{code} {self.type_of(a.kind)} {a.text} to {self.type_of(kind)}")

    def bits(self, a: Value) -> Value:
        """The bits of doubles as integers."""
        return self.cast("bitcast", a, "i64")

    def from_bits(self, a: Value) -> Value:
        """Integers as the bits of doubles."""
        return self.cast("bitcast", a, "double")

    def intrinsic(self, name: str, *args: Operand) -> Value:
        """``llvm.<name>`` on doubles, overloaded on the type: fma, sqrt, floor, ceil, trunc, rint, fabs, copysign."""
        suffix = "f64" if self.width == 1 else f"v{self.width}f64"
        return self._called(f"llvm.{name}.{suffix}", [self.as_value(arg, "double") for arg in args])

    def _called(self, function: str, args: Sequence[Value]) -> Value:
        double = self.type_of("double")
        self.declared[function] = f"declare {double} @{function}({', '.join([double] * len(args))})"
        return self.emit("double", f"call {double} @{function}({', '.join(f'{double} {arg.text}' for arg in args)})")

    def flag(self, mask: Value) -> None:
        """Mark lanes whose result is not to be trusted: another backend evaluates them again."""
        self.flagged = mask if self.flagged is None else self.flagged | mask

    # -- arithmetic of doubles

    def fma(self, a: Operand, b: Operand, c: Operand) -> Value:
        """``a*b + c``, in one rounding where the processor can; use `two_product` where that matters."""
        return self.intrinsic("fma" if self.has_fma else "fmuladd", a, b, c)

    def two_sum(self, a: Value, b: Value) -> tuple[Value, Value]:
        """``a + b`` and its rounding error, exactly.

        Source: D. E. Knuth, The Art of Computer Programming, vol. 2, section 4.2.2, theorem B.
        """
        s = a + b
        z = s - a
        return s, (a - (s - z)) + (b - z)

    def fast_two_sum(self, a: Value, b: Value) -> tuple[Value, Value]:
        """``a + b`` and its rounding error for ``|a| >= |b|``.

        Source: T. J. Dekker, Numer. Math. 18 (1971) 224-242.
        """
        s = a + b
        return s, b - (s - a)

    def two_product(self, a: Value, b: Value) -> tuple[Value, Value]:
        """``a * b`` and its rounding error, exactly unless it under- or overflows.

        Source: T. J. Dekker, Numer. Math. 18 (1971) 224-242, where there is no fused multiply-add.
        """
        p = a * b
        if self.has_fma:
            return p, self.fma(a, b, -p)
        (a1, a2), (b1, b2) = self._split(a), self._split(b)
        return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2

    def _split(self, a: Value) -> tuple[Value, Value]:
        """Two parts of 26 bits each that add up to ``a``."""
        c = a * 134217729.0  # 2**27 + 1
        high = c - (c - a)
        return high, a - high

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """By Horner's rule; the constant term comes first."""
        result: Operand = coefficients[-1]
        for c in reversed(coefficients[:-1]):
            result = self.fma(result, x, c)
        return self.as_value(result, "double")

    # -- lanes

    def lane(self, a: Value, i: int) -> str:
        """One lane of a vector, as text: a scalar."""
        if self.width == 1:
            return a.text
        return self.emit(a.kind, f"extractelement {self.type_of(a.kind)} {a.text}, i32 {i}").text

    def gathered(self, lanes: Sequence[str], kind: Kind = "double") -> Value:
        """A vector of scalars."""
        if self.width == 1:
            return Value(self, kind, lanes[0])
        text = "undef"
        for i, lane in enumerate(lanes):
            text = self.emit(kind, f"insertelement {self.type_of(kind)} {text}, {kind} {lane}, i32 {i}").text
        return Value(self, kind, text)

    def library(self, function: str, *args: Value) -> Value:
        """A function of the C library on doubles, lane by lane. It is taken for pure: nobody reads errno here."""
        takes = ", ".join(["double"] * len(args))
        self.declared[function] = f"declare double @{function}({takes}) memory(none) nounwind willreturn"
        lanes = []
        for i in range(self.width):
            given = ", ".join(f"double {self.lane(arg, i)}" for arg in args)
            lanes.append(self.emit("double", f"call double @{function}({given})").text)
        return self.gathered(lanes)
