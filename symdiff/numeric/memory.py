"""Memory for large results, used again once nobody holds them.

The allocator gives large blocks back to the system, which hands out zeroed pages anew: touching these takes longer
than computing what is stored there (2 ns a number at 10**5 points, where a kernel takes 1 to 5).
"""

from __future__ import annotations

import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LEAST: Final = 1 << 17  # bytes; the allocator keeps smaller blocks itself
_KEPT: Final = 1 << 28  # bytes that are kept for later, at most: twenty results at 10**6 points
_free: dict[int, list[mmap.mmap]] = {}


def empty(count: int) -> NDArray[np.float64]:
    """An array of ``count`` numbers, whatever they are."""
    size = 8 * count
    if size < _LEAST:
        return np.empty(count)
    try:
        block = _free[size].pop()
    except (KeyError, IndexError):
        block = mmap.mmap(-1, size)
        if size >= 1 << 22 and hasattr(mmap, "MADV_HUGEPAGE"):
            block.madvise(mmap.MADV_HUGEPAGE)
    return _Lent(count, np.float64, block).view(np.ndarray)


class _Lent(np.ndarray[Any, Any]):
    """What holds a block as long as somebody holds a view of it."""

    def __del__(self) -> None:
        block: Any = self.base
        if isinstance(block, mmap.mmap):  # not a view of this class, made while it is being viewed
            _free.setdefault(len(block), []).append(block)
            if len(block) > _KEPT or sum([len(blocks) * size for size, blocks in [*_free.items()]]) > _KEPT:
                _free.clear()
