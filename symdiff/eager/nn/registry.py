"""The names under which modules hold parameters, buffers and other modules.

All of these are ordinary attributes; a module remembers their names, in the order of registration,
so that reading ``self.weight`` costs what any attribute costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from symdiff.eager.nn.parameter import Parameter
from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, nearest


class Registry:
    """What registers parameters, buffers and modules, and finds them: the part of `Module` that computes nothing."""

    _parameter_names: dict[str, None]
    _buffer_names: dict[str, bool]  # whether the state dictionary holds it
    _child_names: dict[str, None]

    def __init__(self) -> None:
        vars(self).update(_parameter_names={}, _buffer_names={}, _child_names={})

    # -- registering

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._enter("parameter", name, value)
        elif isinstance(value, Registry) and name not in vars(self).get("_parameter_names", ()):
            self._enter("module", name, value)
        else:
            self._check_kept(name, value)
            object.__setattr__(self, name, value)

    def _enter(self, kind: str, name: str, value: Any) -> None:
        if "_parameter_names" not in vars(self):
            plural = "parameters" if kind == "parameter" else kind
            raise AttributeError(
                f"cannot assign {plural} before Module.__init__() call: "
                f"begin {type(self).__name__}.__init__ with super().__init__()"
            )
        names = self._parameter_names if kind == "parameter" else self._child_names
        if name not in names:
            self._forget(name)
            _check_name(self, kind, name)
            names[name] = None
        object.__setattr__(self, name, value)

    def _check_kept(self, name: str, value: Any) -> None:
        """A name that is registered keeps its kind: only None may stand there instead."""
        here = vars(self)
        if value is None or "_parameter_names" not in here:
            return
        if name in here["_parameter_names"]:
            raise OperationError(
                f"cannot assign {_kind(value)!r} as parameter {name!r} (torch.nn.Parameter or None expected): "
                f"make it a Parameter, or change the values with {name}.data.copy_(...)"
            )
        if name in here["_child_names"]:
            raise OperationError(
                f"cannot assign {_kind(value)!r} as child module {name!r} (torch.nn.Module or None expected)"
            )
        if name in here["_buffer_names"] and not isinstance(value, Tensor):
            raise OperationError(f"cannot assign {_kind(value)!r} as buffer {name!r} (torch.Tensor or None expected)")

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        for names in (self._parameter_names, self._buffer_names, self._child_names):
            if name in names:
                names.pop(name)
        vars(self).pop(name, None)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter under a name; None says that there is none.

        Raises:
            KeyError: the name is empty, has a dot, or is that of another attribute.
            OperationError: the value is no Parameter.
        """
        if param is not None and not isinstance(param, Parameter):
            raise OperationError(
                f"cannot assign {_kind(param)!r} object to parameter {name!r} (torch.nn.Parameter or None required)"
            )
        if name not in self._parameter_names:
            _check_name(self, "parameter", name)
            self._parameter_names[name] = None
        object.__setattr__(self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that belongs to the module and is no parameter.

        Args:
            name: its name.
            tensor: the tensor, or None.
            persistent: whether the state dictionary holds it.

        Raises:
            KeyError: the name is empty, has a dot, or is that of another attribute.
            OperationError: the value is no tensor.
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise OperationError(
                f"cannot assign {_kind(tensor)!r} object to buffer {name!r} (torch Tensor or None required)"
            )
        if name not in self._buffer_names:
            _check_name(self, "buffer", name)
        self._buffer_names[name] = persistent
        object.__setattr__(self, name, tensor)

    def add_module(self, name: str, module: Registry | None) -> None:
        """Register a child module under a name.

        Raises:
            KeyError: the name is empty, has a dot, or is that of another attribute.
            OperationError: the value is no module.
        """
        if module is not None and not isinstance(module, Registry):
            raise OperationError(f"{_kind(module)} is not a Module subclass")
        if name not in self._child_names:
            _check_name(self, "module", name)
            self._child_names[name] = None
        object.__setattr__(self, name, module)

    register_module = add_module

    # -- walking

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """This module and all below it, parents first, with dotted names; each once, unless told otherwise.

        Raises:
            OperationError: a module holds itself, and is not to be listed once.
        """
        seen: set[Any] = set() if memo is None else memo
        above: set[Any] = set()
        stack: list[tuple[str, Any, bool]] = [(prefix, self, False)]
        while stack:
            name, module, is_left = stack.pop()
            if is_left:
                above.discard(module)
            elif not remove_duplicate and module in above:
                raise OperationError(f"{name!r} is a module that holds it: such a model cannot be written out")
            elif not remove_duplicate or module not in seen:
                seen.add(module)
                above.add(module)
                yield name, module
                stack.append((name, module, True))
                below = [(_dotted(name, child), m, False) for child, m in module._own(module._child_names)]
                stack.extend(reversed(below))

    def modules(self) -> Iterator[Any]:
        """This module and all below it, parents first, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The modules directly below, with their names, each once."""
        seen: set[Any] = set()
        for name, module in self._own(self._child_names):
            if module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Any]:
        """The modules directly below, each once."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names, each once unless told otherwise."""
        return self._named("_parameter_names", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once; what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their dotted names, each once unless told otherwise."""
        return self._named("_buffer_names", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _own(self, names: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """What this module itself holds under the names, without the places that are None."""
        here = vars(self)
        return [(name, here[name]) for name in names if here[name] is not None]

    def _named(self, registry: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        modules = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        seen: set[int] = set()
        for path, module in modules:
            for name, tensor in module._own(getattr(module, registry)):
                if not once or id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield _dotted(path, name), tensor

    def get_submodule(self, target: str) -> Any:
        """The module of that dotted name.

        Raises:
            AttributeError: there is none; the message says how far the name leads.
        """
        module: Registry = self
        for name in target.split(".") if target else []:
            found = vars(module).get(name)
            if not isinstance(found, Registry):
                raise AttributeError(_unknown(module, name, module._child_names))
            module = found
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of that dotted name.

        Raises:
            AttributeError: there is none.
        """
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if vars(module).get(name) is None or name not in module._parameter_names:
            raise AttributeError(_unknown(module, name, module._parameter_names))
        return vars(module)[name]  # type: ignore[no-any-return]


def _check_name(module: Registry, kind: str, name: Any) -> None:
    if not isinstance(name, str):
        raise OperationError(f"{kind} name should be a string. Got {type(name).__name__}")
    if not name:
        raise KeyError(f'{kind} name can\'t be empty string ""')
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
    if hasattr(module, name):
        raise KeyError(f"attribute {name!r} already exists")


def _unknown(module: Registry, name: str, known: Mapping[str, Any]) -> str:
    hints = nearest(name, known)
    return f"{type(module).__name__} has no attribute `{name}`" + (f"; did you mean `{hints[0]}`?" if hints else "")


def _kind(value: Any) -> str:
    return "torch.Tensor" if isinstance(value, Tensor) else type(value).__name__


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
