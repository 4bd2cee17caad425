"""The backends that this environment has."""

from __future__ import annotations

import importlib.util
from typing import Any

import symdiff as sd

HAS_LLVM = importlib.util.find_spec("llvmlite") is not None
BACKENDS = ["python", "numpy", *["llvm"] * HAS_LLVM]


def by_every_backend(f: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """A compiled function for each backend that can evaluate the formula."""
    made = {}
    for backend in BACKENDS:
        try:
            F = sd.compile(f, args=names, backend=backend)
            F.value_and_grad(*[1.5] * len(names))
        except sd.OperationError as error:
            if "machine code" not in str(error):
                raise
        else:
            made[backend] = F
    return made
