"""The table of operations. Importing this package fills it."""

from symdiff.ops import (
    arithmetic,
    arrays,
    bessel,
    elliptic,
    exponential,
    hyperbolic,
    integrals,
    nonsmooth,
    special,
    trigonometric,
)
from symdiff.ops.core import OPS, Edge, Exact, Names, Op, Overloads, find, function_names, lookup, operation, remove

__all__ = [
    "OPS",
    "Edge",
    "Exact",
    "Names",
    "Op",
    "Overloads",
    "arithmetic",
    "arrays",
    "bessel",
    "elliptic",
    "exponential",
    "find",
    "function_names",
    "hyperbolic",
    "integrals",
    "lookup",
    "nonsmooth",
    "operation",
    "remove",
    "special",
    "trigonometric",
]
