"""The NumPy backend: one call per instruction, over arrays that broadcast together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.numeric.program import Program


def run(program: Program, values: Sequence[Any]) -> tuple[list[Any], bool]:
    """Evaluate a program.

    Args:
        program: the program.
        values: floats, or float arrays that broadcast together, one per input.

    Returns:
        The results in order, not broadcast, and whether an operation divided by zero, took the
        logarithm of zero or left its domain on the way.
    """
    registers: list[Any] = [None] * program.slots
    for slot, value in zip(program.inputs.values(), values, strict=True):
        registers[slot] = value
    for slot, constant in program.constants.items():
        registers[slot] = constant
    done = program.last_uses()
    trouble: list[str] = []
    with (
        np.errstate(all="ignore", divide="call", invalid="call"),
        np.errstate(call=lambda kind, _: trouble.append(kind)),
    ):
        for instruction in program.code:
            slot = instruction.slot
            registers[slot] = instruction.op.value(*[registers[arg] for arg in instruction.args])
            for dead in done.get(slot, ()):
                registers[dead] = None
    return [registers[slot] for slot in program.outputs], bool(trouble)
