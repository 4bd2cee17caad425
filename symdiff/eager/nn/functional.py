"""What modules compute, as functions: layers, activations and losses.

Every function is a composition of operations on tensors, so that derivatives of any order come
from the rows of those.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from symdiff.eager.advice import warn
from symdiff.eager.dtypes import dtype, int64, uint8
from symdiff.eager.functions import clamp, linear
from symdiff.eager.joining import where
from symdiff.eager.modes import MODE
from symdiff.eager.operators import unary
from symdiff.eager.reductions import log_softmax as log_softmax_along
from symdiff.eager.reductions import mean, named, sum_
from symdiff.eager.reductions import softmax as softmax_along
from symdiff.eager.selections import gather
from symdiff.eager.shapes import reshape, squeeze, unsqueeze
from symdiff.eager.storage import value
from symdiff.eager.tensor import Tensor, wrapped
from symdiff.errors import ElementError, OperationError, SettingError, TensorError, TensorShapeError

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "gelu",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

# ---- layers and activations

relu: Callable[[Tensor], Tensor] = unary("relu")
sigmoid: Callable[[Tensor], Tensor] = unary("sigmoid")
silu: Callable[[Tensor], Tensor] = unary("silu")
tanh: Callable[[Tensor], Tensor] = unary("tanh")
_gelu: Callable[[Tensor], Tensor] = unary("gelu")
_log = unary("log")
_log1p = unary("log1p")
_softplus = unary("softplus")


def softmax(input: Tensor, dim: int | None = None, dtype: dtype | None = None) -> Tensor:
    """Exponentials divided by their sum along an axis."""
    return softmax_along(input, _axis("softmax", input, dim), dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: dtype | None = None) -> Tensor:
    """The logarithm of `softmax`, without overflow."""
    return log_softmax_along(input, _axis("log_softmax", input, dim), dtype)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta*x))/beta``; x itself where ``beta*x`` is above the threshold."""
    scaled = input if beta == 1 else input * beta
    smooth = _softplus(scaled)
    return named("Softplus", (input,), where(scaled > threshold, input, smooth if beta == 1 else smooth / beta))


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, else ``negative_slope*x``."""
    return named("LeakyRelu", (input,), where(input > 0, input, input * negative_slope))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution's ``P(X <= x)``; ``approximate="tanh"`` is the formula with a tanh."""
    if approximate == "none":
        return _gelu(input)
    if approximate != "tanh":
        raise TensorError(f"approximate argument must be either none or tanh, not {approximate!r}")
    inner = sqrt(2 / pi) * (input + 0.044715 * input**3)
    return named("Gelu", (input,), 0.5 * input * (1 + tanh(inner)))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Integers as rows of zeros with a 1 at that place; the number of classes is the largest plus 1 if -1."""
    if tensor.dtype is not int64:
        raise TensorError(f"one_hot takes a tensor of torch.int64, not {tensor.dtype}")
    count = int(value(tensor).max(initial=-1)) + 1 if num_classes == -1 else num_classes
    if MODE.tracer is None and ((tensor._value < 0) | (tensor._value >= count)).any():
        raise TensorError(f"class values must be from 0 to {count - 1}; here are {tensor.min()} to {tensor.max()}")
    found: Tensor = (unsqueeze(tensor, -1) == wrapped(np.arange(count))).to(int64)
    return found


def _axis(name: str, x: Tensor, dim: int | None) -> int:
    if dim is not None:
        return dim
    warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.")
    return 0 if x.ndim in (0, 1, 3) else 1


# ---- losses


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared differences: their mean, their sum, or all of them (``reduction="none"``).

    Raises:
        OperationError: something else than tensors.
        ShapeError: shapes that do not broadcast together; those that do, and differ, are warned of.
        SettingError: an unknown reduction.
    """
    _check_tensors("mse_loss", input, target)
    _warn_of_broadcasting(input, target)
    return named("MseLoss", (input, target), _reduced((input - target) ** 2, reduction))


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute differences: their mean, their sum, or all of them."""
    _check_tensors("l1_loss", input, target)
    _warn_of_broadcasting(input, target)
    return _reduced(abs(input - target), reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How unlikely the targets are under the softmax of ``input``: `log_softmax`, then `nll_loss`.

    Args:
        input: scores of shape ``(C,)``, ``(N, C)`` or ``(N, C, ...)`` for C classes.
        target: classes, of the shape without C; or probabilities of all classes, of the same shape.
        weight: a factor for each class.
        ignore_index: a class that counts for nothing.
        reduction: "mean" (weighted), "sum" or "none".
        label_smoothing: the share of the target that is spread over all classes, from 0 to 1.

    Raises:
        TensorError: ``label_smoothing`` outside its range.
        TensorShapeError, TensorError, ElementError, SettingError: as `nll_loss`.
    """
    _check_tensors("cross_entropy", input, target)
    if not 0.0 <= label_smoothing <= 1.0:
        raise TensorError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    axis = _class_axis(input)
    if input.ndim and target.shape == input.shape:
        return _distribution_loss(log_softmax_along(input, axis), target, weight, reduction, label_smoothing)
    log_p = log_softmax_along(input, axis)
    loss = nll_loss(log_p, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    counted = _counted(target, input.shape[axis], ignore_index)
    spread = -sum_(log_p if weight is None else log_p * _along(weight, axis, log_p), axis)
    if counted is not None:
        spread = where(counted, spread, 0.0)
    smooth = spread if reduction == "none" else sum_(spread)
    if reduction == "mean":
        smooth = smooth / _total_weight(input, target, weight, counted)
    mixed: Tensor = (1 - label_smoothing) * loss + label_smoothing / input.shape[axis] * smooth
    return mixed


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of the targets, from log-probabilities; the arguments are those of `cross_entropy`.

    Raises:
        TensorShapeError: the shapes of input, target and weight do not fit.
        TensorError: the target is not of integers.
        ElementError: a target is no class.
        SettingError: an unknown reduction.
    """
    _check_tensors("nll_loss", input, target)
    _check_target(input, target, weight)
    axis = _class_axis(input)
    counted = _counted(target, input.shape[axis], ignore_index)
    index = target.long() if counted is None else where(counted, target, 0).long()
    losses = -squeeze(gather(input, axis, unsqueeze(index, axis)), axis)
    if weight is not None:
        losses = losses * weight[index]
    if counted is not None:
        losses = where(counted, losses, 0.0)
    if reduction != "mean" or (weight is None and counted is None):
        loss = _reduced(losses, reduction)
    else:
        loss = sum_(losses) / _total_weight(input, target, weight, counted)
    return named("NllLoss" if input.ndim < 3 else "NllLoss2D", (input,), loss)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """The cross entropy of probabilities; logarithms are cut off at -100.

    Raises:
        TensorShapeError: input and target have different shapes.
        TensorError: probabilities outside of [0, 1].
        SettingError: an unknown reduction.
    """
    _check_tensors("binary_cross_entropy", input, target)
    if input.shape != target.shape:
        raise TensorShapeError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    _check_probabilities("input", input)
    _check_probabilities("target", target)
    losses = -(target * _clamped(_log(input)) + (1 - target) * _clamped(_log1p(-input)))
    losses = losses if weight is None else losses * weight
    return named("BinaryCrossEntropy", (input, target), _reduced(losses, reduction))


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The cross entropy of the sigmoid of ``input``, without overflow.

    Args:
        input: scores of any shape.
        target: probabilities of the same shape.
        weight: a factor for each element, broadcast.
        reduction: "mean", "sum" or "none".
        pos_weight: a factor for the positive class, broadcast.

    Raises:
        TensorShapeError: input and target have different shapes.
        SettingError: an unknown reduction.
    """
    _check_tensors("binary_cross_entropy_with_logits", input, target)
    if input.shape != target.shape:
        raise TensorShapeError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    penalty = _softplus(-input)
    if pos_weight is not None:
        penalty = penalty * ((pos_weight - 1) * target + 1)
    losses = (1 - target) * input + penalty
    losses = losses if weight is None else losses * weight
    return named("BinaryCrossEntropyWithLogits", (input, target), _reduced(losses, reduction))


# ---- parts of losses


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum_(losses)
    if reduction == "none":
        return losses
    raise SettingError(f"{reduction} is not a valid value for reduction: it must be mean, sum or none")


def _check_tensors(name: str, *args: Any) -> None:
    for arg in args:
        if not isinstance(arg, Tensor):
            raise OperationError(f"{name} takes tensors, not {type(arg).__name__}: write torch.tensor(...)")


def _check_probabilities(name: str, probabilities: Tensor) -> None:
    values = probabilities._value
    if MODE.tracer is None and not ((values >= 0) & (values <= 1)).all():
        raise TensorError(
            f"all elements of {name} should be between 0 and 1; scores of any size are for "
            "binary_cross_entropy_with_logits"
        )


def _clamped(logarithm: Tensor) -> Tensor:
    """A logarithm that is never infinite, so that a certain prediction that fails costs 100."""
    return clamp(logarithm, min=-100)


def _warn_of_broadcasting(input: Tensor, target: Tensor) -> None:
    if input._value.shape != target._value.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
        )


def _class_axis(input: Tensor) -> int:
    if not input.ndim:
        raise TensorShapeError("scores need an axis of classes, and a tensor of no dimensions has none")
    return 1 if input.ndim > 1 else 0


def _distribution_loss(
    log_p: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    """The cross entropy with targets that give every class a probability."""
    if not target.dtype.is_floating_point:
        raise TensorError(f"Expected floating point type for target with class probabilities, got {target.dtype}")
    axis = _class_axis(log_p)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / log_p.shape[axis]
    parts = log_p * target
    losses = -sum_(parts if weight is None else parts * _along(weight, axis, log_p), axis)
    return _reduced(losses, reduction)


def _check_target(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    if target.dtype not in (int64, uint8):
        raise TensorError(f"expected target dtype to be torch.int64 or torch.uint8, but got {target.dtype}")
    axis = _class_axis(input)
    if weight is not None and weight.shape != (input.shape[axis],):
        raise TensorShapeError(
            f"weight tensor should be defined either for all {input.shape[axis]} classes or no classes "
            f"but got weight tensor of shape: {weight.shape}"
        )
    expected = (*input.shape[:axis], *input.shape[axis + 1 :])
    if target.shape != expected:
        raise TensorShapeError(
            f"for scores of shape {input.shape} the target must have the shape {list(expected)} of classes, "
            f"or {list(input.shape)} of probabilities; it has {list(target.shape)}"
        )


def _counted(target: Tensor, classes: int, ignore_index: int) -> Tensor | None:
    """Where a target counts; None if all do. A function that is compiled is prepared for any."""
    if MODE.tracer is not None:
        counted: Tensor = target != ignore_index
        return counted
    values = np.asarray(target._value)
    ignored = values == ignore_index
    wrong = values[((values < 0) | (values >= classes)) & ~ignored]
    if wrong.size:
        raise ElementError(f"Target {wrong[0]} is out of bounds: there are {classes} classes")
    return wrapped(~ignored) if ignored.any() else None


def _along(weight: Tensor, axis: int, like: Tensor) -> Tensor:
    """One factor per class, so that it broadcasts."""
    return reshape(weight, tuple(-1 if i == axis else 1 for i in range(like.ndim)))


def _total_weight(like: Tensor, target: Tensor, weight: Tensor | None, counted: Tensor | None) -> Tensor | int:
    """What a weighted mean is divided by."""
    if counted is None:
        return int(target._value.size) if weight is None else sum_(weight[target.long()])
    weights = counted.to(like.dtype) if weight is None else weight[where(counted, target, 0).long()]
    return sum_(where(counted, weights, 0.0))
