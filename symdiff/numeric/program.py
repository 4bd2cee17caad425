"""Straight-line programs (SSA): a graph flattened for repeated evaluation.

Compiling is linear in the graph, once. Nodes that several roots share are computed once; powers
with small whole exponents become products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from symdiff.dag import Apply, Const, Node, Symbol, nodes_of, rounded
from symdiff.ops import OPS, Op

_MOST_FACTORS = 4  # of a power that is multiplied out; beyond, pow is as fast and rounds once


@dataclass(frozen=True, slots=True)
class Instruction:
    """``slot = op(*args)``; arguments are slots."""

    op: Op
    args: tuple[int, ...]
    slot: int


@dataclass(slots=True)
class Program:
    """Instructions in order, with the slots of inputs, constants and results."""

    inputs: dict[str, int] = field(default_factory=dict)
    constants: dict[int, float] = field(default_factory=dict)
    code: list[Instruction] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    slots: int = 0


def compile_program(roots: Sequence[Node], inputs: Sequence[str], products: bool = True) -> Program:
    """Flatten ``roots`` into one program that takes ``inputs`` in that order.

    Without ``products``, powers stay powers: their own derivative is right at 0 where that of ``1/(x*x*x)`` is not.

    Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed. (2008), ch. 2.
    """
    return _Compiler(inputs, products).compile(roots)


class _Compiler:
    def __init__(self, inputs: Sequence[str], products: bool) -> None:
        self.program = Program()
        self.products = products
        self.constants: dict[float, int] = {}
        for name in inputs:
            self.program.inputs[name] = self._slot()

    def compile(self, roots: Sequence[Node]) -> Program:
        program = self.program
        index: dict[Node, int] = {}
        for node in nodes_of(roots):
            match node:
                case Symbol(name):
                    index[node] = program.inputs[name]
                case Const(value):
                    index[node] = self._constant(rounded(value))
                case Apply(op, args):
                    index[node] = self._applied(op, args, tuple([index[arg] for arg in args]))
                case _:
                    raise AssertionError(f"no instruction for {type(node).__name__}")
        program.outputs = [index[root] for root in roots]
        return program

    def _applied(self, op: Op, args: tuple[Node, ...], slots: tuple[int, ...]) -> int:
        if not args:
            return self._constant(float(op.value()))
        if self.products and op is OPS.get("pow") and type(args[1]) is Const:
            slot = self._power(slots[0], args[1].value)
            if slot is not None:
                return slot
        return self._emit(op, *slots)

    def _power(self, base: int, exponent: int | Fraction) -> int | None:
        if exponent == Fraction(1, 2):
            return self._emit(OPS["sqrt"], base)
        if exponent.denominator != 1 or not -_MOST_FACTORS <= exponent <= _MOST_FACTORS:
            return None
        if exponent < 0:
            positive = self._power(base, -exponent)
            assert positive is not None
            return self._emit(OPS["div"], self._constant(1.0), positive)
        if exponent == 0:
            return self._constant(1.0)
        square = self._emit(OPS["mul"], base, base) if exponent > 1 else base
        if exponent < 3:
            return square
        return self._emit(OPS["mul"], square, base if exponent == 3 else square)

    def _constant(self, value: float) -> int:
        slot = self.constants.get(value)
        if slot is None or not value:  # 0.0 == -0.0
            slot = self.constants[value] = self._slot()
            self.program.constants[slot] = value
        return slot

    def _emit(self, op: Op, *args: int) -> int:
        known = [self.program.constants.get(arg) for arg in args]
        if None not in known:
            with np.errstate(all="ignore"):
                value = op.value(*known)
            if np.ndim(value) == 0 and np.isfinite(value):  # 1/0 is left for the run to notice
                return self._constant(float(value))
        slot = self._slot()
        self.program.code.append(Instruction(op, args, slot))
        return slot

    def _slot(self) -> int:
        self.program.slots += 1
        return self.program.slots - 1
