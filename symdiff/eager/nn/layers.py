"""Layers and activations as modules."""

from __future__ import annotations

from math import sqrt

import numpy as np

from symdiff.eager.dtypes import as_dtype, dtype, get_default_dtype
from symdiff.eager.nn import functional, init
from symdiff.eager.nn.module import Module
from symdiff.eager.nn.parameter import Parameter
from symdiff.eager.shapes import flatten
from symdiff.eager.tensor import Tensor, wrapped
from symdiff.errors import TensorError


class Identity(Module):
    """What goes in; takes any arguments and ignores them."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input itself."""
        return input


class Linear(Module):
    """``input @ weight.T + bias``, on the last axis.

    Weight and bias are drawn uniformly from ``±1/sqrt(in_features)``.

    Attributes:
        weight: of shape ``(out_features, in_features)``.
        bias: of shape ``(out_features,)``, or None.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: object = None,
        dtype: dtype | None = None,
    ) -> None:
        super().__init__()
        if min(in_features, out_features) < 0:
            raise TensorError(f"a layer from {in_features} to {out_features} features: neither can be negative")
        self.in_features = in_features
        self.out_features = out_features
        kind = get_default_dtype() if dtype is None else as_dtype(dtype)
        self.weight = Parameter(wrapped(np.zeros((out_features, in_features), kind.numpy)))
        if bias:
            self.bias = Parameter(wrapped(np.zeros(out_features, kind.numpy)))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            bound = 1 / sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """See `functional.linear`."""
        return functional.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Module):
    """Some neighbouring axes as one; without arguments all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """The same elements in the same order."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        """See the row ``tanh``."""
        return functional.tanh(input)


class Sigmoid(Module):
    """``1/(1 + exp(-x))``."""

    def forward(self, input: Tensor) -> Tensor:
        """See the row ``sigmoid``."""
        return functional.sigmoid(input)


class ReLU(Module):
    """``max(x, 0)``, with the derivative 0 at 0."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """See the row ``relu``."""
        return input.relu_() if self.inplace else functional.relu(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class SiLU(Module):
    """``x*sigmoid(x)``."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """See the row ``silu``."""
        return input.silu_() if self.inplace else functional.silu(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class GELU(Module):
    """See `functional.gelu`."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """See `functional.gelu`."""
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """See `functional.softplus`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """See `functional.softplus`."""
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """Exponentials divided by their sum along an axis."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """See `functional.softmax`."""
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of the softmax along an axis."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """See `functional.log_softmax`."""
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
