"""Adam, and AdamW, whose weight decay does not pass through the averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from symdiff.eager.dtypes import get_default_dtype
from symdiff.eager.optim.optimizer import Group, Optimizer, check_options, number, zeros_like
from symdiff.eager.storage import changed, live
from symdiff.eager.tensor import wrapped
from symdiff.errors import SettingError


class Adam(Optimizer):
    """Steps along a running mean of the gradient, over the root of a running mean of its square.

    Args:
        params: parameters, or groups of them.
        lr: the learning rate.
        betas: how much of the two running means is kept in a step.
        eps: what is added to the root.
        weight_decay: how much of the parameter is added to its gradient.
        amsgrad: divide by the largest mean of squares so far.
        maximize: ascend instead.
        decoupled_weight_decay: shrink the parameter directly, as `AdamW` does.
        foreach, capturable, differentiable, fused: as in PyTorch; only ``differentiable`` would change results,
            and must be False.

    Raises:
        SettingError: an option outside its range.

    Source: Kingma & Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        check_options(defaults, lr="learning rate", eps="epsilon value", weight_decay="weight_decay value")
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise SettingError(f"Invalid beta parameter at index {i}: {beta}; it must be at least 0 and below 1")
        super().__init__(params, defaults)

    def _update(self, group: Group) -> None:
        lr, decay = number(group["lr"]), group["weight_decay"]
        for p in group["params"]:
            if p._grad is None:
                continue
            value, gradient = live(p), live(p._grad)
            if group["maximize"]:
                gradient = -gradient
            if decay and group["decoupled_weight_decay"]:
                value *= 1 - lr * decay
            elif decay:
                gradient = gradient + decay * value
            value -= self._direction(p, gradient, lr, group)
            changed(p, "adam step")

    def _direction(self, p: Any, gradient: Any, lr: Any, group: Group) -> Any:
        """What to subtract. The corrections for the first steps are computed in float64, from the count of steps."""
        state = self.state[p] or self._begun(p, group)
        step, mean, square = live(state["step"]), live(state["exp_avg"]), live(state["exp_avg_sq"])
        beta1, beta2 = group["betas"]
        step += 1
        mean += (1 - beta1) * (gradient - mean)
        square *= beta2
        square += (1 - beta2) * gradient * gradient
        if group["amsgrad"]:
            largest = live(state["max_exp_avg_sq"])
            square = np.maximum(largest, square, out=largest)
        kind = mean.dtype
        rate = np.divide(lr, 1 - np.power(beta1, step, dtype=np.float64), dtype=kind)
        scale = np.sqrt(1 - np.power(beta2, step, dtype=np.float64), dtype=kind)
        return rate * mean / (np.sqrt(square) / scale + group["eps"])

    def _begun(self, p: Any, group: Group) -> dict[str, Any]:
        state = self.state[p]
        state["step"] = wrapped(np.zeros((), get_default_dtype().numpy))
        state["exp_avg"] = zeros_like(p)
        state["exp_avg_sq"] = zeros_like(p)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(p)
        return state


class AdamW(Adam):
    """`Adam` with a weight decay that shrinks the parameters directly.

    Source: Loshchilov & Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, decoupled_weight_decay=True, **options)
