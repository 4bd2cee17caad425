"""Where in the user's code an operation happened: a code object and an offset, and no more until it is asked."""

from __future__ import annotations

import linecache
import sys
from types import CodeType
from typing import Any, Final

Place = tuple[CodeType, int]

OURS: Final[set[int]] = set()  # the namespaces of this package's modules and of generated code


def register(namespace: dict[str, Any]) -> None:
    """Count a namespace as ours: places are looked for outside of it."""
    OURS.add(id(namespace))


def register_package() -> None:
    """Count every module of this package that is loaded."""
    for name, module in list(sys.modules.items()):
        if name.startswith("symdiff."):
            register(vars(module))


def place() -> Place | None:
    """The nearest place outside of this package on the stack."""
    frame = sys._getframe(2)
    while id(frame.f_globals) in OURS:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def described(where: Place | None) -> str:
    """``file.py:12: y = x*w``, with the source line where it can be read."""
    if where is None:
        return "an unknown place"
    code, offset = where
    positions = list(code.co_positions())
    line = positions[offset // 2][0] if offset // 2 < len(positions) else None
    number = code.co_firstlineno if line is None else line
    text = linecache.getline(code.co_filename, number).strip()
    return f"{code.co_filename}:{number}" + (f": {text}" if text else f" in {code.co_name}")
