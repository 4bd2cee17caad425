"""Special functions by PyTorch's names: every row of the table is here too."""

from __future__ import annotations

from typing import Any, Final

from symdiff.eager.functions import exp2, sinc
from symdiff.eager.operators import row_function
from symdiff.eager.reductions import log_softmax, logsumexp, named, softmax

__all__ = ["exp2", "log_softmax", "logsumexp", "sinc", "softmax"]

_NAMES: Final = {"gammaln": "lgamma", "psi": "digamma", "expit": "sigmoid"}
_ORDERS: Final = {
    "i0": ("besseli", 0, "I0"),
    "i1": ("besseli", 1, "SpecialI1"),
    "bessel_j0": ("besselj", 0, "SpecialBesselJ0"),
    "bessel_j1": ("besselj", 1, "SpecialBesselJ1"),
}


def __getattr__(name: str) -> Any:
    if name in _ORDERS:
        row, order, shown = _ORDERS[name]
        function = row_function(row)
        if function is not None:
            return lambda x: named(shown, (x,), function(order, x))
    found = None if name.startswith("_") else row_function(_NAMES.get(name, name))
    if found is None:
        raise AttributeError(f"symdiff.eager.special has no attribute {name!r}")
    return found
