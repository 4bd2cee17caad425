"""Functions of one vector that holds all arguments, as optimisers and solvers want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import VariableError

if TYPE_CHECKING:
    from symdiff.numeric.function import Function

Vector = Sequence[Any] | NDArray[Any]


class Packed:
    """A function of one vector ``p`` of all arguments, in their order; derivatives as arrays."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __call__(self, p: Vector) -> Any:
        """The value at ``p``."""
        return self.function(*self._values(p))

    def value_and_grad(self, p: Vector) -> tuple[Any, Any]:
        """The value at ``p`` and the gradient as one array of shape ``(len(wrt), ...)``."""
        function = self.function.value_and_grad
        of_vector = getattr(function, "of_vector", None)  # which a wavefront has, for thousands of variables
        outputs = of_vector(p) if of_vector is not None and isinstance(p, np.ndarray) else None
        if outputs is not None:
            return float(outputs[0]), outputs[1 : 1 + len(self.function.wrt)]
        value, partials = function(*self._values(p))
        return value, np.array(partials)

    def grad(self, p: Vector) -> Any:
        """The gradient at ``p`` as one array of shape ``(len(wrt), ...)``."""
        return self.value_and_grad(p)[1]

    def jacobian(self, p: Vector) -> Any:
        """The Jacobian at ``p``, shape ``(results, len(wrt))``."""
        return self.function.jacobian(*self._values(p))

    def hessian(self, p: Vector) -> Any:
        """The Hessian at ``p``, shape ``(len(wrt), len(wrt))``."""
        return self.function.hessian(*self._values(p))

    def hvp(self, p: Vector, vector: Vector) -> Any:
        """The Hessian at ``p`` times a vector."""
        return np.array(self.function.hvp(self._values(p), self._values(vector)))

    def _values(self, p: Vector) -> Sequence[Any]:
        array = np.asarray(p)
        if array.ndim == 0:
            raise VariableError(f"the arguments come in one vector of {len(self.function.args)}, not {p!r:.40}")
        floats: list[Any] = array.tolist() if array.ndim == 1 and array.dtype == np.float64 else list(p)
        return floats
