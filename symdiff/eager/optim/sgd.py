"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from symdiff.eager.optim.optimizer import Group, Optimizer, check_options, number
from symdiff.eager.storage import changed, live
from symdiff.eager.tensor import wrapped
from symdiff.errors import SettingError


class SGD(Optimizer):
    """``p -= lr*gradient``.

    Args:
        params: parameters, or groups of them.
        lr: the learning rate.
        momentum: the share of the last direction that is kept.
        dampening: the share of the gradient that momentum leaves out.
        weight_decay: how much of the parameter is added to its gradient.
        nesterov: look ahead along the momentum.
        maximize: ascend instead.
        foreach, differentiable, fused: as in PyTorch; only ``differentiable`` would change results, and must be False.

    Raises:
        SettingError: an option outside its range.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        check_options(defaults, lr="learning rate", momentum="momentum value", weight_decay="weight_decay value")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise SettingError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)

    def _update(self, group: Group) -> None:
        lr = number(group["lr"])
        momentum, decay, maximize = group["momentum"], group["weight_decay"], group["maximize"]
        for p in group["params"]:
            if p._grad is None:
                continue
            value, direction = live(p), live(p._grad)
            if maximize:
                direction = -direction
            if decay:
                direction = direction + decay * value
            if momentum:
                direction = self._with_momentum(p, direction, group)
            value -= lr * direction
            changed(p, "sgd step")

    def _with_momentum(self, p: Any, direction: Any, group: Group) -> Any:
        state, momentum = self.state[p], group["momentum"]
        if state.get("momentum_buffer") is None:
            state["momentum_buffer"] = wrapped(np.array(direction))
            average = direction
        else:
            average = live(state["momentum_buffer"])
            average *= momentum
            average += (1 - group["dampening"]) * direction
        return direction + momentum * average if group["nesterov"] else average
