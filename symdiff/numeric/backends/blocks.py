"""NumPy on arrays, in blocks that stay in the cache: no temporary is longer than a block, and few are alive at once.

A call costs 0.3 µs for each step and block, and then what NumPy's loops cost. What does not vary from point to
point is evaluated once for all points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from symdiff.numeric import memory
from symdiff.numeric.backends import NO_POINTS, UNSHARED, Kernel, Task
from symdiff.numeric.backends.blockcode import BlockCode
from symdiff.numeric.steps import carry_out
from symdiff.numeric.values import accurate_sum

_LINE: Final = 8  # doubles in a cache line: blocks and buffers start at one


def array_kernel(task: Task) -> Kernel:
    """The kernel for a task. Several threads may call it at once."""
    return _Blocks(task)


class _Blocks:
    def __init__(self, task: Task) -> None:
        self.varying = task.varying
        self.summed = task.summed
        self.code = BlockCode(task)
        self.steps = self.code.steps

    def __call__(self, inputs: Sequence[Any], outputs: Sequence[NDArray[np.float64]]) -> NDArray[np.intp]:
        code = self.code
        arrays = [value for value, many in zip(inputs, self.varying, strict=True) if many]
        n = self._count(arrays, outputs)
        sums: list[list[float]] = []
        again = NO_POINTS
        with np.errstate(all="ignore"):
            uniform = self._uniform(inputs) if code.has_uniform else {}
            if not all(math.isfinite(uniform[slot]) for slot in code.checked_uniform):
                again = np.arange(n)
            elif code.is_needed and n:
                shared = [np.asarray(uniform[slot]) for slot in code.uniform]
                sums, again = self._in_blocks(arrays, shared, [outputs[i] for i in code.stored], n)
        self._finish(outputs, uniform, sums, n - again.size)
        return again

    def _count(self, arrays: Sequence[NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> int:
        if arrays:
            return arrays[0].size
        return next((output.size for output, total in zip(outputs, self.summed, strict=True) if not total), 1)

    def _uniform(self, inputs: Sequence[Any]) -> dict[int, Any]:
        """The constants, and what is the same at all points."""
        registers: dict[int, Any] = dict(self.steps.constants)
        for slot, value, many in zip(self.steps.inputs.values(), inputs, self.varying, strict=True):
            if not many:
                registers[slot] = np.float64(value)
        carry_out(self.code.prologue, registers, {})
        return registers

    def _in_blocks(
        self, arrays: Sequence[NDArray[Any]], uniform: list[Any], stored: list[Any], n: int
    ) -> tuple[list[list[float]], NDArray[np.intp]]:
        """The sums in each block, and the points to be evaluated again."""
        code = self.code
        size = n if n <= UNSHARED else _rounded(-(-n // -(-n // UNSHARED)))
        buffers = [*memory.empty(code.numbers * size).reshape(code.numbers, size)] if code.numbers else []
        buffers.extend(np.empty((code.truths, size), np.bool_) if code.truths else ())
        if size == n:
            total, again = self._block(arrays, uniform, stored, buffers)
            return [total], again
        sums: list[list[float]] = []
        parts = [NO_POINTS]
        for start in range(0, n, size):
            stop = min(start + size, n)
            if stop - start < size:
                buffers = [buffer[: stop - start] for buffer in buffers]
            ins, outs = ([array[start:stop] for array in group] for group in (arrays, stored))
            total, again = self._block(ins, uniform, outs, buffers)
            sums.append(total)
            if again.size:
                parts.append(again + start)
        return sums, np.concatenate(parts)

    def _block(
        self, ins: Sequence[Any], uniform: list[Any], outs: list[Any], buffers: list[Any]
    ) -> tuple[list[float], NDArray[np.intp]]:
        finite: list[NDArray[np.bool_]] = []
        sums = self.code.run(finite, *ins, *uniform, *outs, *buffers)
        if not finite:  # nothing looked suspicious
            return sums, NO_POINTS
        good = np.logical_and.reduce(finite)
        again = np.flatnonzero(~good)
        if sums and again.size:
            places = np.flatnonzero(good)
            sums, more = self._some(ins, uniform, outs, buffers, places)
            again = np.union1d(again, places[more])
        return sums, again

    def _some(
        self, ins: Sequence[Any], uniform: list[Any], outs: list[Any], buffers: list[Any], places: NDArray[np.intp]
    ) -> tuple[list[float], NDArray[np.intp]]:
        """The sums over some points of a block; what is stored stays."""
        count = places.size
        if not count:
            return [], NO_POINTS
        scratch = [np.empty(count) for _ in outs]
        return self._block([array[places] for array in ins], uniform, scratch, [b[:count] for b in buffers])

    def _finish(
        self, outputs: Sequence[NDArray[Any]], uniform: dict[int, Any], sums: list[list[float]], count: int
    ) -> None:
        """Add up the sums of the blocks, and give out what is the same at all points."""
        for k, i in enumerate(self.code.totals):
            outputs[i][0] = accurate_sum([parts[k] for parts in sums if parts])
        for i, slot in self.code.same:
            outputs[i][:] = uniform[slot] if not self.summed[i] else uniform[slot] * count if count else 0.0


def _rounded(size: int) -> int:
    return -(-size // _LINE) * _LINE
