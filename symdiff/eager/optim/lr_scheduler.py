"""Schedules: what changes the learning rates of an optimizer from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symdiff.eager.advice import warn
from symdiff.eager.optim.optimizer import Optimizer
from symdiff.errors import OperationError, SettingError


class LRScheduler:
    """The base of every schedule. A subclass says in ``get_lr`` what the rates are at ``last_epoch``.

    Attributes:
        last_epoch: the number of the present epoch; 0 at first.
        base_lrs: the rates that the optimizer began with.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = _checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group["initial_lr"] = group["lr"]
            elif "initial_lr" not in group:
                raise SettingError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0; load the optimizer's state before making the scheduler"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._last_lr: list[float] = []
        self._advance()

    def step(self) -> None:
        """Begin the next epoch. To be called after the optimizer's steps."""
        if self.last_epoch == 0 and not self.optimizer.stepped:
            warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate of the "
                "schedule is skipped. Call `optimizer.step()` before `lr_scheduler.step()`"
            )
        self._advance()

    def _advance(self) -> None:
        self.last_epoch += 1
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``, for each group."""
        raise NotImplementedError(f"{type(self).__name__} does not say its rates in get_lr")

    def get_last_lr(self) -> list[float]:
        """The rates that the schedule set last, for each group."""
        return self._last_lr

    def _scaled(self, factor: float) -> list[float]:
        """The present rates times a factor: what else changed them stays."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; functions are left out."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        vars(self).update({name: value for name, value in state_dict.items() if value is not None})


class StepLR(LRScheduler):
    """The rate times ``gamma`` after every ``step_size`` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise SettingError(f"step_size must be 1 or more, not {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """See `LRScheduler.get_lr`."""
        turn = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma if turn else 1)


class ExponentialLR(LRScheduler):
    """The rate times ``gamma`` after every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """See `LRScheduler.get_lr`."""
        return self._scaled(self.gamma if self.last_epoch > 0 else 1)


class LambdaLR(LRScheduler):
    """The rate that the optimizer began with, times a function of the epoch.

    Args:
        optimizer: whose rates to change.
        lr_lambda: the function, or a list of one for each group.
        last_epoch: the number of the last epoch, to resume at the next one.

    Raises:
        SettingError: not as many functions as groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(_checked(optimizer).param_groups)
        self.lr_lambdas = [lr_lambda] * count if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != count:
            raise SettingError(f"Expected {count} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """See `LRScheduler.get_lr`."""
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [base * factor(self.last_epoch) for base, factor in pairs]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the functions, which a new schedule brings along."""
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}


def _checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise OperationError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer
