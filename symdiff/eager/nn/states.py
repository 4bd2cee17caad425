"""Dictionaries of states: what a module's parameters and buffers are called, and loading them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from symdiff.eager.modes import no_grad
from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, StateError, nearest

if TYPE_CHECKING:
    from symdiff.eager.nn.module import Module


class IncompatibleKeys(NamedTuple):
    """The names of a state dictionary that did not fit."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def entries(module: Module, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every parameter and persistent buffer with its dotted name, however often it occurs."""
    for path, part in module.named_modules(prefix=prefix.removesuffix("."), remove_duplicate=False):
        kept = [name for name, persistent in part._buffer_names.items() if persistent]
        for name, tensor in part._own(dict.fromkeys([*part._parameter_names, *kept])):
            yield (f"{path}.{name}" if path else name), tensor


def load(module: Module, state: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy a state dictionary into a module; see `Module.load_state_dict`."""
    if not isinstance(state, Mapping):
        raise OperationError(f"Expected state_dict to be dict-like, got {type(state)}.")
    known = dict(entries(module))
    keys = IncompatibleKeys([n for n in known if n not in state], [n for n in state if n not in known])
    wrong = [text for name, tensor in known.items() if name in state and (text := _misfit(name, tensor, state[name]))]
    if strict:
        wrong = [*_named_wrongly(keys, known), *wrong]
    if wrong:
        raise StateError(
            f"Error(s) in loading state_dict for {type(module).__name__}:" + "".join(f"\n\t{w}" for w in wrong)
        )
    with no_grad():
        for name, tensor in known.items():
            if name in state:
                tensor.copy_(state[name])
    return keys


def _misfit(name: str, here: Tensor, given: Any) -> str:
    if not isinstance(given, Tensor):
        return f'While copying the parameter named "{name}", expected a tensor but received {type(given)}'
    if given.shape != here.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {given.shape} from checkpoint, "
            f"the shape in current model is {here.shape}."
        )
    return ""


def _named_wrongly(keys: IncompatibleKeys, known: Mapping[str, Any]) -> list[str]:
    found = []
    if keys.unexpected_keys:
        found.append(
            f"Unexpected key(s) in state_dict: {', '.join(_hinted(name, known) for name in keys.unexpected_keys)}."
        )
    if keys.missing_keys:
        quoted = (f'"{name}"' for name in keys.missing_keys)
        found.insert(0, f"Missing key(s) in state_dict: {', '.join(quoted)}.")
    return found


def _hinted(name: Any, known: Mapping[str, Any]) -> str:
    hints = nearest(str(name), known, 1)
    return f'"{name}"' + (f' (did you mean "{hints[0]}"?)' if hints else "")
