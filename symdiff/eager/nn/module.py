"""Modules: what holds the parameters of a model and computes with them.

Calling a module without hooks costs what calling its ``forward`` costs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from symdiff.eager.dtypes import dtype
from symdiff.eager.modes import MODE
from symdiff.eager.nn import states
from symdiff.eager.nn.parameter import clear_grad
from symdiff.eager.nn.registry import Registry
from symdiff.eager.record import Handle
from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, SettingError


class _Hooks:
    """What a module calls around ``forward``."""

    __slots__ = ("after", "before")

    def __init__(self) -> None:
        self.before: list[Callable[..., Any]] = []
        self.after: list[Callable[..., Any]] = []


def _forward_unimplemented(self: Module, *args: Any, **named: Any) -> NoReturn:
    """What a module computes; every subclass says it.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module(Registry):
    """The base of every model. A subclass registers by assignment and computes in ``forward``.

    Attributes:
        training: whether the module is in training mode (`train`, `eval`).
    """

    training: bool
    _hooks: _Hooks | None = None

    def __init__(self) -> None:
        super().__init__()
        self.training = True

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Compute ``forward``, with the hooks around it."""
        if MODE.tracer is not None:
            MODE.tracer.depends(lambda: self.training)
        if self._hooks is None:
            return self.forward(*args, **named)
        return self._call_hooked(self._hooks, args, named)

    def _call_hooked(self, hooks: _Hooks, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        for hook in list(hooks.before):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **named)
        for hook in list(hooks.after):
            changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_hook(self, hook: Callable[..., Any], *, prepend: bool = False) -> Handle:
        """Call ``hook(module, args, result)`` after every ``forward``; what it returns, unless None, is the result."""
        return _hooked(self._made_hooks().after, hook, prepend)

    def register_forward_pre_hook(self, hook: Callable[..., Any], *, prepend: bool = False) -> Handle:
        """Call ``hook(module, args)`` before every ``forward``; what it returns, unless None, are the arguments."""
        return _hooked(self._made_hooks().before, hook, prepend)

    def _made_hooks(self) -> _Hooks:
        if self._hooks is None:
            self._hooks = _Hooks()
        return self._hooks

    # -- acting on all parts

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function on every module, children first; to initialise, for instance."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it into training mode, or out of it."""
        if not isinstance(mode, bool):
            raise SettingError(f"training mode is expected to be boolean, not {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """The same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters require gradients, or none."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; ``set_to_none=False`` fills them with zeros."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    def to(self, *args: Any, **named: Any) -> Self:
        """Convert all floating-point parameters and buffers, as ``Tensor.to`` does (a dtype, a tensor, a device).

        Raises:
            OperationError: the dtype is not a floating one.
        """
        wanted = [value for value in (*args, *named.values()) if isinstance(value, dtype)]
        if wanted and not wanted[0].is_floating_point:
            raise OperationError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={wanted[0]}")
        return self._converted(lambda tensor: tensor.to(*args, **named))

    def float(self) -> Self:
        """Convert all floating-point parameters and buffers to float32."""
        return self._converted(lambda tensor: tensor.float())

    def double(self) -> Self:
        """Convert all floating-point parameters and buffers to float64."""
        return self._converted(lambda tensor: tensor.double())

    def cpu(self) -> Self:
        """This module: there is no other device."""
        return self

    def _converted(self, convert: Callable[[Tensor], Tensor]) -> Self:
        """Convert in place: parameters stay the objects that an optimizer knows."""
        for module in self.modules():
            for _, parameter in module._own(module._parameter_names):
                if parameter.is_floating_point():
                    gradient = parameter.grad
                    parameter.grad = None  # it must have the dtype of the parameter at all times
                    parameter.data = convert(parameter.data)
                    parameter.grad = None if gradient is None else convert(gradient)
            for name, buffer in module._own(module._buffer_names):
                if buffer.is_floating_point():
                    vars(module)[name] = convert(buffer)
        return self

    # -- states

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name; they share memory with the module's."""
        state: dict[str, Any] = OrderedDict() if destination is None else destination
        for name, tensor in states.entries(self, prefix):
            state[name] = tensor if keep_vars else tensor.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> states.IncompatibleKeys:
        """Copy values into the parameters and buffers of the same names.

        Args:
            state_dict: what `state_dict` of such a module gave.
            strict: whether the names must be the same.

        Returns:
            The names that were missing, and those that were not expected.

        Raises:
            StateError: names or shapes differ; nothing is copied then.
        """
        return states.load(self, state_dict, strict)

    # -- showing

    def extra_repr(self) -> str:
        """What stands between the parentheses of the printed module; for subclasses to say."""
        return ""

    def __repr__(self) -> str:
        here = vars(self)
        children = [f"({name}): {_indented(repr(here[name]))}" for name in self._child_names]
        return shown(type(self).__name__, self.extra_repr(), children)


def shown(name: str, extra: str, children: list[str]) -> str:
    """A printed module, from what is between its parentheses."""
    lines = [*(extra.split("\n") if extra else []), *children]
    if not children and len(lines) <= 1:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *lines]) + "\n)"


def _hooked(hooks: list[Callable[..., Any]], hook: Callable[..., Any], prepend: bool) -> Handle:
    handle = Handle(hooks, hook)
    if prepend:
        hooks.insert(0, hooks.pop())
    return handle


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
