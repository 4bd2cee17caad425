"""Modules called with tensors that are not their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, SettingError, StateError, nearest

Places = dict[str, tuple[dict[str, Any], str]]  # by dotted name: the attributes of a module, and the name there


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in the place of its parameters and buffers.

    Args:
        module: a module.
        parameter_and_buffer_dicts: tensors by dotted name, or several such dictionaries; what is
            not among them is the module's own.
        args: its argument, or a tuple of them.
        kwargs: its arguments by name.
        tie_weights: a tensor that the module holds under several names is replaced under all.
        strict: refuse names that are missing or unknown.

    Returns:
        What the module returns; it has its own parameters again, also after an exception.

    Raises:
        SettingError: no dictionaries, or a name in two of them, or different tensors for one parameter.
        StateError: see ``strict``.
    """
    given = _merged(parameter_and_buffer_dicts)
    places = _places(module)
    if strict:
        _check_names(module, given, places)
    wanted = {name: x for name, x in given.items() if name in places}
    if tie_weights:
        wanted = _tied(wanted, places)
    before = {name: places[name][0][places[name][1]] for name in wanted}
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, x in wanted.items():
            places[name][0][places[name][1]] = x
        return module(*positional, **(kwargs or {}))
    finally:
        for name, x in before.items():
            places[name][0][places[name][1]] = x


def _merged(given: Any) -> dict[str, Tensor]:
    parts = list(given) if isinstance(given, list | tuple) else [given]
    merged: dict[str, Tensor] = {}
    for part in parts:
        if not isinstance(part, Mapping):
            raise SettingError(
                f"Expected parameter_and_buffer_dicts to be a dict, or several, not {type(part).__name__}"
            )
        twice = [name for name in part if name in merged]
        if twice:
            raise SettingError(f"{twice} appeared in multiple dictionaries; which one is meant?")
        merged.update(part)
    for name, x in merged.items():
        if not isinstance(x, Tensor):
            raise OperationError(f"{name!r} must be a Tensor, not {type(x).__name__} ({x!r:.40})")
    return merged


def _places(module: Any) -> Places:
    """Where a module and those below it hold their parameters and buffers, under every name."""
    found: Places = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for name in (*part._parameter_names, *part._buffer_names):
            if vars(part)[name] is not None:
                found[f"{path}.{name}" if path else name] = vars(part), name
    return found


def _check_names(module: Any, given: Mapping[str, Any], places: Places) -> None:
    unknown = [_hinted(name, places) for name in given if name not in places]
    missing = [repr(name) for name in places if name not in given]
    told = [
        f"{kind} key(s): {', '.join(names)}" for kind, names in (("Unexpected", unknown), ("Missing", missing)) if names
    ]
    if told:
        raise StateError(f"Error(s) in calling {type(module).__name__} with other parameters: {'; '.join(told)}")


def _hinted(name: str, places: Places) -> str:
    hints = nearest(name, places, 1)
    return repr(name) + (f" (did you mean {hints[0]!r}?)" if hints else "")


def _tied(wanted: dict[str, Tensor], places: Places) -> dict[str, Tensor]:
    """The same under every name of each tensor that is replaced."""
    by_tensor: dict[int, Tensor] = {}
    for name, x in wanted.items():
        here, attribute = places[name]
        if by_tensor.setdefault(id(here[attribute]), x) is not x:
            raise SettingError(
                f"{name!r} is one tensor with another name that is given, and they are given different tensors"
            )
    held = {name: id(here[attribute]) for name, (here, attribute) in places.items()}
    return {name: by_tensor[key] for name, key in held.items() if key in by_tensor}
