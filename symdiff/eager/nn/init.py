"""Filling tensors with the values that training starts from; all change their tensor, and return it.

Sources: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks"
(2010), for ``xavier``; He et al., "Delving deep into rectifiers" (2015), for ``kaiming``.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from symdiff.eager.advice import warn
from symdiff.eager.inplace import write
from symdiff.eager.random import Generator, drawn
from symdiff.eager.tensor import Tensor
from symdiff.errors import SettingError, nearest

_GAINS: dict[str, float] = {
    "linear": 1,
    "conv1d": 1,
    "conv2d": 1,
    "conv3d": 1,
    "sigmoid": 1,
    "tanh": 5.0 / 3,
    "relu": sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the scale of values through a nonlinearity.

    Args:
        nonlinearity: ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"selu"``.
        param: the negative slope of ``"leaky_relu"``, 0.01 if None.

    Raises:
        SettingError: another nonlinearity.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        hints = nearest(nonlinearity, [*_GAINS, "leaky_relu"])
        hint = f"; did you mean {hints[0]!r}?" if hints else ""
        raise SettingError(f"Unsupported nonlinearity {nonlinearity}{hint}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw from the uniform distribution on ``[a, b)``."""
    return _written(tensor, drawn(lambda random: random.uniform(a, b, tensor.shape), generator), "uniform_")


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw from a normal distribution."""
    return _written(tensor, drawn(lambda random: random.normal(mean, std, tensor.shape), generator), "normal_")


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return _written(tensor, val, "constant_")


def _written(tensor: Tensor, values: Any, operation: str) -> Tensor:
    """Change a tensor without recording it: a leaf that requires gradients may be filled."""
    write(tensor, values, operation)
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw uniformly with the standard deviation ``gain*sqrt(2/(fan_in + fan_out))``.

    Raises:
        SettingError: the tensor has fewer than 2 dimensions.
    """
    bound = sqrt(3.0) * gain * sqrt(2.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw normally with the standard deviation ``gain*sqrt(2/(fan_in + fan_out))``.

    Raises:
        SettingError: the tensor has fewer than 2 dimensions.
    """
    return normal_(tensor, 0.0, gain * sqrt(2.0 / sum(_fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw uniformly with the standard deviation ``gain/sqrt(fan)``.

    Args:
        tensor: of two or more dimensions.
        a: the negative slope, for ``"leaky_relu"``.
        mode: ``"fan_in"`` keeps the scale forward, ``"fan_out"`` backward.
        nonlinearity: what follows; see `calculate_gain`.
        generator: the source of random numbers; the package's if None.

    Raises:
        SettingError: fewer than 2 dimensions, another mode or nonlinearity.
    """
    if _is_empty(tensor):
        return tensor
    bound = sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw normally with the standard deviation ``gain/sqrt(fan)``; the arguments are those of `kaiming_uniform_`.

    Raises:
        SettingError: fewer than 2 dimensions, another mode or nonlinearity.
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor), strict=True))
    if mode not in fans:
        raise SettingError(f"Mode {mode} not supported, please use one of {list(fans)}")
    return calculate_gain(nonlinearity, a) / sqrt(fans[mode])


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input."""
    if tensor.ndim < 2:
        raise SettingError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions; "
            f"this one has the shape {list(tensor.shape)}"
        )
    field = prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _is_empty(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    warn("Initializing zero-element tensors is a no-op")
    return True
