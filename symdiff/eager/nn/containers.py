"""Modules that hold other modules in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import index
from typing import Any, ClassVar, Self

from symdiff.eager.nn.module import Module, shown
from symdiff.errors import ElementError


class _Ordered(Module):
    """Child modules in order; those without a name of their own are called by their numbers."""

    _keeps_names: ClassVar = False  # in slices

    def __len__(self) -> int:
        return len(self._child_names)

    def __iter__(self) -> Iterator[Module]:
        here = vars(self)
        return (here[name] for name in self._child_names)

    def __getitem__(self, key: Any) -> Any:
        """The module at a place; a slice gives a container of the same kind."""
        if not isinstance(key, slice):
            return vars(self)[self._name_at(key)]
        made = type(self)()
        for i, name in enumerate(list(self._child_names)[key]):
            made.add_module(name if self._keeps_names else str(i), vars(self)[name])
        return made

    def __setitem__(self, key: Any, module: Module) -> None:
        setattr(self, self._name_at(key), module)

    def __delitem__(self, key: Any) -> None:
        for name in list(self._child_names)[key] if isinstance(key, slice) else [self._name_at(key)]:
            delattr(self, name)
        self._renumber(list(self))

    def __add__(self, other: Iterable[Module]) -> Self:
        return type(self)().extend([*self, *other])

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, position: int, module: Module) -> Self:
        """Insert a module before the one at a place."""
        modules = list(self)
        modules.insert(position, module)
        self._renumber(modules)
        return self

    def _renumber(self, modules: list[Module]) -> None:
        for name in list(self._child_names):
            delattr(self, name)
        self.extend(modules)

    def _name_at(self, key: Any) -> str:
        position = index(key)
        if not -len(self) <= position < len(self):
            raise ElementError(f"index {position} is out of range: there are {len(self)} modules")
        return list(self._child_names)[position]


class Sequential(_Ordered):
    """Modules that are called one after the other, each on the result of the one before.

    ``Sequential(Linear(2, 16), Tanh(), Linear(16, 1))``; a dictionary gives the modules names.
    """

    _keeps_names = True

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Any) -> Any:
        """The result of the last module; the input where there is none."""
        here = vars(self)
        for name in self._child_names:
            input = here[name](input)
        return input


class ModuleList(_Ordered):
    """A list of modules; what is computed with them is up to the module that holds it."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __repr__(self) -> str:
        """Equal modules that follow each other are printed once, with their number."""
        runs: list[tuple[int, int, str]] = []
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        lines = [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}" for a, b, text in runs]
        return shown(type(self).__name__, "", [line.replace("\n", "\n  ") for line in lines])
