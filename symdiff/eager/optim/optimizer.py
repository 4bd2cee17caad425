"""What all optimizers share: groups of parameters with their options, and the state of each parameter.

Steps change arrays in place, by NumPy functions alone: parameters, gradients and state are read
through `storage.live`, so that a compiled step sees every change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from symdiff.eager.advice import warn
from symdiff.eager.modes import MODE, enable_grad
from symdiff.eager.nn.parameter import clear_grad
from symdiff.eager.storage import live
from symdiff.eager.tensor import Tensor, wrapped
from symdiff.errors import OperationError, SettingError

Group = dict[str, Any]


class Optimizer:
    """The base of every optimizer. A subclass gives ``defaults`` and changes one group in ``_update``.

    Attributes:
        param_groups: dictionaries, each with a list ``"params"`` and its options (``"lr"``).
        state: for each parameter what the method remembers of it, by name.
        defaults: the options of groups that do not say otherwise.
    """

    stepped = False  # whether `step` was ever called; schedulers ask

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        if isinstance(params, Tensor):
            raise OperationError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got one Tensor; put it in a list"
            )
        listed = list(params)
        if not listed:
            raise SettingError("optimizer got an empty parameter list")
        for group in listed if isinstance(listed[0], dict) else [{"params": listed}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters with options of their own: ``{"params": [...], "lr": 0.1}``.

        The parameters may come in pairs with their names, as ``Module.named_parameters()`` gives them.

        Raises:
            OperationError: something else than tensors.
            SettingError: a tensor that is no leaf, or is in another group.
        """
        params = param_group["params"]
        if isinstance(params, set):
            raise OperationError("parameters need an order that is the same in every run; give a list, not a set")
        params = [params] if isinstance(params, Tensor) else list(params)
        named = [p for p in params if isinstance(p, tuple)]
        if named and len(named) == len(params):
            param_group = {**param_group, "param_names": [name for name, _ in named]}
            params = [p for _, p in named]
        group = {**param_group, "params": params}
        for p in params:
            _check_parameter(p)
        if len({*params}) < len(params):
            warn("optimizer contains a parameter group with duplicate parameters")
        known = {p for other in self.param_groups for p in other["params"]}
        if not known.isdisjoint(params):
            raise SettingError("some parameters appear in more than one parameter group")
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients; ``set_to_none=False`` fills them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients anew, for this step.

        Returns:
            What the closure returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self.stepped = True
        if MODE.tracer is not None:
            MODE.tracer.depends(lambda: [_options(group) for group in self.param_groups])
        with np.errstate(all="ignore"):  # training may diverge, silently as everywhere
            for group in self.param_groups:
                self._update(group)
        return loss

    def _update(self, group: Group) -> None:
        """Change the parameters of one group."""
        raise NotImplementedError(f"{type(self).__name__} defines neither step nor _update")

    # -- states

    def state_dict(self) -> dict[str, Any]:
        """The options of all groups and the state of all parameters, which are numbered."""
        numbers = self._numbers()
        groups = [{**_options(g), "params": [numbers[p] for p in g["params"]]} for g in self.param_groups]
        state = {numbers.get(p, p): entries for p, entries in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and state that `state_dict` gave; tensors are copied, in the parameters' dtypes.

        Raises:
            SettingError: the groups are not those of this optimizer.
        """
        saved = state_dict["param_groups"]
        here = [len(group["params"]) for group in self.param_groups]
        there = [len(group["params"]) for group in saved]
        if here != there:
            raise SettingError(
                "loaded state dict doesn't match the parameter groups of this optimizer: "
                f"it has groups of {there} parameters, here are {here}"
            )
        params = {
            number: p
            for group, old in zip(self.param_groups, saved, strict=True)
            for p, number in zip(group["params"], old["params"], strict=True)
        }
        self.state.clear()
        for number, entries in state_dict["state"].items():
            p = params.get(number, number)
            self.state[p] = {name: _adopted(name, value, p) for name, value in entries.items()}
        for group, old in zip(self.param_groups, saved, strict=True):
            kept = group["params"]
            group.clear()
            group.update(deepcopy(_options(old)), params=kept)

    def _numbers(self) -> dict[Tensor, int]:
        params = dict.fromkeys(p for group in self.param_groups for p in group["params"])
        return {p: i for i, p in enumerate(params)}

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = sorted(_options(group).items())
            text += f"\nParameter Group {i}\n" + "".join(f"    {name}: {value}\n" for name, value in options)
        return f"{text})"


def zeros_like(p: Tensor) -> Tensor:
    """State that starts at zero."""
    return wrapped(np.zeros_like(live(p)))


def number(value: Any) -> Any:
    """An option that may be a tensor, for use in arithmetic."""
    return live(value) if isinstance(value, Tensor) else value


def check_options(group: Mapping[str, Any], **at_least_zero: str) -> None:
    """Refuse options that are negative or nan; the words say what each is.

    Raises:
        SettingError: an option outside its range.
    """
    for name, words in at_least_zero.items():
        if not group[name] >= 0:
            raise SettingError(f"Invalid {words}: {group[name]}; it must be 0 or more")
    if group["differentiable"]:
        raise SettingError("differentiable=True is not supported: steps are not recorded")


def _options(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _check_parameter(p: Any) -> None:
    if not isinstance(p, Tensor):
        raise OperationError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
    if not p.is_leaf:
        raise SettingError("can't optimize a non-leaf Tensor: it is computed from others anew every time")


def _adopted(name: str, value: Any, p: Any) -> Any:
    """A loaded entry of a parameter's state, as a tensor of this optimizer's own."""
    if not isinstance(value, Tensor):
        return deepcopy(value)
    cast = isinstance(p, Tensor) and p.is_floating_point() and name != "step"
    return (value.to(p.dtype) if cast else value).detach().clone()
