"""Memory for large results, used again once nobody holds them.

The allocator gives large blocks back to the system, which hands out zeroed pages anew: touching these takes longer
than computing what is stored there (2 ns a number at 10**5 points, where a kernel takes 1 to 5).
"""

from __future__ import annotations

import mmap
import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LEAST: Final = 1 << 17  # bytes; the allocator keeps smaller blocks itself
_KEPT: Final = 1 << 27  # bytes that are kept for later, at most: ten results at 10**6 points
_HUGE: Final = 1 << 22  # bytes from which pages of 2 MB are worth asking for
_PRIVATE: Final[dict[str, int]] = (  # shared pages would be written to by both sides of a fork
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)


def empty(count: int) -> NDArray[np.float64]:
    """An array of ``count`` numbers, whatever they are."""
    if 8 * count < _LEAST:
        return np.empty(count)
    return _Lent(count, np.float64, _blocks.taken(_rounded(8 * count))).view(np.ndarray)


class _Blocks:
    """The blocks that nobody uses, by their size; what was used last is found first, and dropped last."""

    def __init__(self) -> None:
        self.free: dict[int, list[mmap.mmap]] = {}
        self.held = 0
        # Never waited for: a collection may give a block back while its thread is in here.
        self.lock = threading.Lock()

    def taken(self, size: int) -> mmap.mmap:
        """A block of that size."""
        if self.lock.acquire(blocking=False):
            try:
                blocks = self.free.get(size)
                if blocks:
                    self.held -= size
                    return blocks.pop()
            finally:
                self.lock.release()
        block = mmap.mmap(-1, size, **_PRIVATE)
        if size >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
            block.madvise(mmap.MADV_HUGEPAGE)
        return block

    def give_back(self, block: mmap.mmap) -> None:
        """Keep a block, if there is room for it."""
        if self.lock.acquire(blocking=False):
            try:
                size = len(block)
                self.free[size] = [*self.free.pop(size, ()), block]  # the last to be dropped
                self.held += size
                while self.held > _KEPT:
                    oldest = next(iter(self.free))
                    self.held -= oldest
                    if not self.free[oldest][1:]:
                        del self.free[oldest]
                    else:
                        self.free[oldest].pop(0)
            finally:
                self.lock.release()


class _Lent(np.ndarray[Any, Any]):
    """What holds a block as long as somebody holds a view of it."""

    def __del__(self) -> None:
        block: Any = self.base
        if isinstance(block, mmap.mmap):  # not a view of this class, made while it is being viewed
            _blocks.give_back(block)


def _rounded(size: int) -> int:
    """Up to a quarter of a power of two: blocks of a few sizes serve all."""
    quarter = 1 << (size.bit_length() - 3)
    return -(-size // quarter) * quarter


_blocks: Final = _Blocks()
