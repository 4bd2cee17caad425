"""Where CPython and NumPy keep what machine code reads: looked up, and tried out, before any is run.

Sources: Python/C API reference manual, "Common Object Structures" (every object begins with a count of references and
its type) and "Tuple Objects" (PyTuple_SET_ITEM); NumPy's C API, "PyArrayObject" (after that, ``char *data``).
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Final

import numpy as np

WORD: Final = ctypes.sizeof(ctypes.c_void_p)
TYPE_AT: Final = object.__basicsize__ - WORD  # bytes into any object: its type
NUMBER_AT: Final = float.__basicsize__ - WORD  # into a float: its value
ITEMS_AT: Final = tuple.__basicsize__  # into a tuple: pointers to its items
DATA_AT: Final = object.__basicsize__  # into an array: the pointer to its numbers


@cache
def arrays_are_known() -> bool:
    """Whether arrays are laid out as above."""
    probes = [np.arange(5.0), np.arange(9.0)[2:5], np.zeros((3, 4), np.uint8)]
    return _is_cpython() and all(_pointer(probe, DATA_AT) == probe.ctypes.data for probe in probes)


@cache
def floats_are_known() -> bool:
    """Whether floats and tuples are laid out as above, as they are in CPython's normal builds, with a global lock."""
    if not _is_cpython() or object.__basicsize__ != 2 * WORD:
        return False
    pair = (1.5, object())
    types = [_pointer(x, TYPE_AT) == id(type(x)) for x in (*pair, pair)]
    numbers = [ctypes.c_double.from_address(id(x) + NUMBER_AT).value == x for x in (0.1, -2.5e300)]
    items = [_pointer(pair, ITEMS_AT + i * WORD) == id(x) for i, x in enumerate(pair)]
    return all(types + numbers + items)


def _is_cpython() -> bool:
    return sys.implementation.name == "cpython" and WORD == 8


def _pointer(value: object, offset: int) -> int | None:
    return ctypes.c_void_p.from_address(id(value) + offset).value
