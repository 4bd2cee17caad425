"""Memory for large results, used again once nobody holds them.

The allocator gives large blocks back to the system, which hands out zeroed pages anew: touching these takes longer
than computing what is stored there (2 ns a number at 10**5 points, where a kernel takes 1 to 5). So a few blocks are
remembered here, and the next result goes to one that is referred to from here alone.
"""

from __future__ import annotations

import mmap
import sys
import threading
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEAST: Final = 1 << 17  # bytes; the allocator keeps smaller blocks itself
_KEPT: Final = 1 << 27  # bytes that are remembered at most: ten results at 10**6 points
_HUGE: Final = 1 << 22  # bytes from which pages of 2 MB are worth asking for
_UNUSED: Final = 3  # references to a block: ours, that of the loop, and the argument of getrefcount


def empty(count: int) -> NDArray[np.float64]:
    """An array of ``count`` numbers, whatever they are.

    Raises:
        MemoryError: there is not so much memory.
    """
    if 8 * count < _LEAST:
        return np.empty(count)
    return np.ndarray(count, np.float64, _blocks.block(_rounded(8 * count)))


class _Blocks:
    """The blocks that are remembered, by their size; the size that was asked for last is forgotten last."""

    def __init__(self) -> None:
        self.known: dict[int, list[mmap.mmap]] = {}
        self.held = 0
        self.lock = threading.Lock()  # never waited for: who does not get it makes a new block
        self.are_counted = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()

    def block(self, size: int) -> mmap.mmap:
        """A block that nobody uses."""
        if not self.are_counted or not self.lock.acquire(blocking=False):
            return _new(size)
        try:
            blocks = self.known[size] = self.known.pop(size, [])
            for block in blocks:
                if sys.getrefcount(block) == _UNUSED:
                    return block
            block = _new(size)
            blocks.append(block)
            self.held += size
            self._forget()
            return block
        finally:
            self.lock.release()

    def _forget(self) -> None:
        """Leave what is too much to those who use it."""
        while self.held > _KEPT:
            oldest = next(iter(self.known))
            self.held -= oldest * bool(self.known[oldest])
            del self.known[oldest][:1]
            if not self.known[oldest]:
                del self.known[oldest]


def _new(size: int) -> mmap.mmap:
    try:
        if hasattr(mmap, "MAP_PRIVATE"):  # both sides of a fork would write to shared pages
            block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        else:
            block = mmap.mmap(-1, size)
    except OSError as error:
        raise MemoryError(f"cannot have {size:,} bytes for a result: {error}") from None
    if size >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


def _rounded(size: int) -> int:
    """Up to a quarter of a power of two: blocks of a few sizes serve all."""
    quarter = 1 << (size.bit_length() - 3)
    return -(-size // quarter) * quarter


_blocks: Final = _Blocks()
