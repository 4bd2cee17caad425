"""Kernels for arrays: machine code, and what it takes to call it with NumPy's arrays (see `loop` for the code)."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from symdiff.numeric.backends import NO_POINTS, Kernel, Task
from symdiff.numeric.backends.llvm.engine import Host, Library, host
from symdiff.numeric.backends.llvm.layout import DATA_AT
from symdiff.numeric.backends.llvm.loop import SPOILED, kernel_code
from symdiff.numeric.backends.llvm.machine import machine_code

_LONG: Final = 5000  # steps; beyond, LLVM's better code takes a second to find


def array_kernel(task: Task, target: Host | None = None) -> Kernel:
    """Machine code for a task, of which no step is `lacking`; for another processor than this one in tests."""
    target = target or host()
    level = 2 if len(task.steps.code) < _LONG else 0
    what = ("kernel", task.varying, task.summed, DATA_AT)
    code = machine_code(what, task.steps, target, level, lambda: kernel_code(task, target))
    return _Kernel(task, target.width, Library(code, ["kernel"]))


class _Kernel:
    def __init__(self, task: Task, width: int, library: Library) -> None:
        places = range(len(task.varying))
        self.varying = [i for i in places if task.varying[i]]
        self.uniform = [i for i in places if not task.varying[i]]
        self.summed = task.summed
        self.width = width
        self.pack = struct.Struct(f"{len(self.varying) + len(task.summed) + 1}P2q{len(self.uniform)}d").pack
        self.library = library  # which holds what is called
        self.call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p)(library.address("kernel"))

    def __call__(self, inputs: Sequence[Any], outputs: Sequence[NDArray[np.float64]]) -> NDArray[np.intp]:
        """See `Kernel`."""
        arrays = [inputs[i] for i in self.varying] if self.uniform else inputs
        uniform = [inputs[i] for i in self.uniform]
        n = len(arrays[0]) if arrays else len(outputs[0]) if outputs else 1
        if n < self.width:
            return self._padded(arrays, uniform, outputs, n)
        return self._run([*arrays, *outputs], uniform, 0, n)

    def _padded(
        self, arrays: Sequence[Any], uniform: list[float], outputs: Sequence[NDArray[np.float64]], n: int
    ) -> NDArray[np.intp]:
        """Evaluate at fewer points than a vector has lanes: they become its last lanes."""
        if n == 0:
            return self._nothing(outputs)
        first = self.width - n
        wide = list(np.ones((len(arrays) + len(outputs), self.width)))
        for row, array in zip(wide, arrays, strict=False):
            row[first:] = array
        results = wide[len(arrays) :]
        again = self._run(wide, uniform, first, self.width)
        for output, result, total in zip(outputs, results, self.summed, strict=True):
            output[:] = result[:1] if total else result[first:]
        return again

    def _nothing(self, outputs: Sequence[NDArray[np.float64]]) -> NDArray[np.intp]:
        for output in outputs:
            output[:] = 0.0
        return NO_POINTS

    def _run(self, arrays: list[Any], uniform: list[float], first: int, n: int) -> NDArray[np.intp]:
        """Evaluate at the points from ``first`` on; ``arrays`` are inputs and outputs, given by their addresses."""
        flags = np.empty((n - first + self.width - 1) // self.width, np.uint8)
        arrays.append(flags)
        found = self.call(self.pack(*map(id, arrays), n, first, *uniform))
        if not found:
            return NO_POINTS
        if found == SPOILED:
            return np.arange(n - first)
        bits = np.unpackbits(flags, bitorder="little").reshape(-1, 8)[:, : self.width]
        return np.flatnonzero(bits)
