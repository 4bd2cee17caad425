"""RMSprop: the gradient over the root of a running mean of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from symdiff.eager.dtypes import get_default_dtype
from symdiff.eager.optim.optimizer import Group, Optimizer, check_options, number, zeros_like
from symdiff.eager.storage import changed, live
from symdiff.eager.tensor import wrapped


class RMSprop(Optimizer):
    """``p -= lr*gradient/(sqrt(mean of gradient**2) + eps)``.

    Args:
        params: parameters, or groups of them.
        lr: the learning rate.
        alpha: how much of the running mean is kept in a step.
        eps: what is added to the root.
        weight_decay: how much of the parameter is added to its gradient.
        momentum: the share of the last direction that is kept.
        centered: divide by the root of the variance of the gradient instead.
        maximize: ascend instead.
        capturable, foreach, differentiable: as in PyTorch; only ``differentiable`` would change results, and must
            be False.

    Raises:
        SettingError: an option outside its range.

    Source: Tieleman & Hinton, "Neural networks for machine learning" (2012), lecture 6.5; for ``centered``, Graves,
    "Generating sequences with recurrent neural networks" (2013), section 4.2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        words = {"lr": "learning rate", "eps": "epsilon value", "momentum": "momentum value"}
        check_options(defaults, **words, weight_decay="weight_decay value", alpha="alpha value")
        super().__init__(params, defaults)

    def _update(self, group: Group) -> None:
        lr = number(group["lr"])
        for p in group["params"]:
            if p._grad is None:
                continue
            value, gradient = live(p), live(p._grad)
            if group["maximize"]:
                gradient = -gradient
            if group["weight_decay"]:
                gradient = gradient + group["weight_decay"] * value
            value -= lr * self._direction(p, gradient, group)
            changed(p, "rmsprop step")

    def _direction(self, p: Any, gradient: Any, group: Group) -> Any:
        state = self.state[p] or self._begun(p, group)
        alpha = group["alpha"]
        step, square = live(state["step"]), live(state["square_avg"])
        step += 1
        square *= alpha
        square += (1 - alpha) * gradient * gradient
        variance = square
        if group["centered"]:
            mean = live(state["grad_avg"])
            mean += (1 - alpha) * (gradient - mean)
            variance = square - mean * mean
        direction = gradient / (np.sqrt(variance) + group["eps"])
        if group["momentum"]:
            average = live(state["momentum_buffer"])
            average *= group["momentum"]
            average += direction
            direction = average
        return direction

    def _begun(self, p: Any, group: Group) -> dict[str, Any]:
        state = self.state[p]
        state["step"] = wrapped(np.zeros((), get_default_dtype().numpy))
        state["square_avg"] = zeros_like(p)
        if group["momentum"]:
            state["momentum_buffer"] = zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = zeros_like(p)
        return state
