"""Rows on several results at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.ops.core import Names, Op, operation


def _stacked(*parts: Any) -> Any:
    return np.stack(np.broadcast_arrays(*parts))


vector: Op = operation(
    "vector",
    None,
    _stacked,
    None,  # derivatives go by component
    infix="[]",
    names=Names(sympy="Tuple", latex=r"\begin{pmatrix} {rows} \end{pmatrix}", torch="stack"),
    source="the components along a new leading axis",
)
