"""What tensors are called: by keyword, by their ``name``, or by the variables of the code that asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import count
from types import FrameType
from typing import Any

from symdiff.eager.look.history import Target
from symdiff.eager.nn.module import Module
from symdiff.eager.sweep import target_of
from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, SymdiffError, VariableError
from symdiff.ops import find
from symdiff.text.names import checked_name


def caller() -> FrameType | None:
    """The frame of the nearest code outside of this package on the stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("symdiff."):
        frame = frame.f_back
    return frame


class Names:
    """The names of tensors, each given to one of them.

    Args:
        given: names that the user gives; they win.
        frame: the code that asks: its variables name what has no name yet.

    Raises:
        VariableError: two names for one tensor.
        OperationError: something that is no tensor, or a name that no formula can contain.
    """

    def __init__(self, given: Mapping[str, Any], frame: FrameType | None) -> None:
        self.given: dict[Target, Tensor] = {}
        self._names: dict[Target, str] = {}
        self._taken: set[str] = set()
        self._numbered: dict[str, Iterator[int]] = {}
        for name, x in given.items():
            if not isinstance(x, Tensor):
                raise OperationError(f"{name} names a tensor, and {type(x).__name__} is none: y.expression({name}=x)")
            if target_of(x) in self._names:
                raise VariableError(f"{self._names[target_of(x)]} and {name} are one tensor")
            self.given[target_of(x)] = x
            self._take(target_of(x), checked_name(name))
        self._variables: dict[Target, str] = {}
        for name, x in _variables(frame):
            self._variables.setdefault(target_of(x), name)

    def of(self, here: Target) -> str | None:
        """The name of a tensor (by what it is in the record), or None."""
        if here not in self._names:
            name = getattr(here, "name", None) if isinstance(here, Tensor) else None
            name = checked_name(name) if name is not None else self._variables.get(here)
            if name is None or name in self._taken:
                return None
            self._take(here, name)
        return self._names[here]

    def made_up(self, here: Target, base: str, bare: bool = False) -> str:
        """The name of a tensor, or a new one of that beginning: v1, v2, ..., and with ``bare`` at first v itself."""
        found = self.of(here)
        if found is None:
            numbered = self._numbered.setdefault(base, count(0 if bare else 1))
            found = next(name for i in numbered if (name := f"{base}{i or ''}") not in self._taken)
            self._take(here, found)
        return found

    def _take(self, here: Target, name: str) -> None:
        self._names[here] = name
        self._taken.add(name)


def _variables(frame: FrameType | None) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a frame by the names of its variables, locals first; a module's parameters by theirs."""
    if frame is None:
        return
    modules: list[tuple[str, Module]] = []
    for scope in (frame.f_locals, frame.f_globals) if frame.f_locals is not frame.f_globals else (frame.f_locals,):
        for name, value in list(scope.items()):
            if isinstance(value, Tensor) and _is_name(name):
                yield name, value
            elif isinstance(value, Module):
                modules.append((name, value))
    for variable, module in modules:
        for dotted, parameter in module.named_parameters():
            name = dotted.replace(".", "_")
            yield name if _is_name(name) else f"{variable}_{name}", parameter


def _is_name(name: str) -> bool:
    constant = find(name)
    try:
        return checked_name(name) == name and (constant is None or constant.arity != 0)
    except SymdiffError:
        return False
