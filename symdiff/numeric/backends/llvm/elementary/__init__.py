"""Elementary functions, written into the code where they are called: no branches, no tables, no library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symdiff.numeric.backends.llvm.elementary.errorfunction import erf, erfc, gelu
from symdiff.numeric.backends.llvm.elementary.exponential import exp, exp2, expm1, silu
from symdiff.numeric.backends.llvm.elementary.hyperbolic import cosh, sinh, tanh
from symdiff.numeric.backends.llvm.elementary.inverse import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
)
from symdiff.numeric.backends.llvm.elementary.logarithm import log, log1p, log2, log10
from symdiff.numeric.backends.llvm.elementary.powers import cbrt, hypot, power
from symdiff.numeric.backends.llvm.elementary.trigonometric import cos, sin, sinc, tan
from symdiff.numeric.backends.llvm.ir import Value

FUNCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "arccos": arccos,
    "arccosh": arccosh,
    "arcsin": arcsin,
    "arcsinh": arcsinh,
    "arctan": arctan,
    "arctan2": arctan2,
    "arctanh": arctanh,
    "cbrt": cbrt,
    "cos": cos,
    "cosh": cosh,
    "erf": erf,
    "erfc": erfc,
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "gelu": gelu,
    "hypot": hypot,
    "log": log,
    "log10": log10,
    "log1p": log1p,
    "log2": log2,
    "power": power,
    "silu": silu,
    "sin": sin,
    "sinc": sinc,
    "sinh": sinh,
    "tan": tan,
    "tanh": tanh,
}
"""By the name of NumPy's function, or of the row."""
