"""Jacobians, Hessians and products with them, at given inputs; `symdiff.eager.func` makes functions of them.

All inputs are tensors of a floating dtype, alone or in a tuple. Results are constants unless
``create_graph`` asks for their graph, which leads to inputs that require a gradient. ``strict``
refuses results that do not depend on an input. Where a shape follows from two tensors, it is that
of the output followed by that of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from symdiff.eager.creation import ones_like
from symdiff.eager.jacobians import Forward, columns, rows
from symdiff.eager.levels import Level, depends, pulled_back
from symdiff.eager.modes import set_grad_enabled
from symdiff.eager.tensor import Tensor
from symdiff.errors import OperationError, SettingError, TensorError

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivatives of every output by every input.

    Args:
        func: takes the inputs and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        create_graph: record the derivatives, for higher ones.
        strict: refuse an output that does not depend on an input.
        vectorize: accepted; sweeps run one after the other.
        strategy: "reverse-mode", a sweep for each element of the outputs, or "forward-mode", of the inputs.

    Returns:
        One tensor for one output and one input that stand alone; a tuple over the outputs or the
        inputs where these are in a tuple; tuples in a tuple where both are.

    Raises:
        OperationError: inputs or outputs are no tensors.
        TensorError: an input is not of floating point, or see ``strict``.
        SettingError: an unknown strategy.
    """
    find = _found_by(strategy)
    with _called("jacobian", func, inputs, create_graph, strict) as (level, given, made):
        found = find(level, made.tensors)
        for i, (y, parts) in enumerate(zip(made.tensors, found, strict=True) if strict else ()):
            for j, (x, part) in enumerate(zip(level.variables, parts, strict=True)):
                _check(depends(y, x), f"Output {i} of the user-provided function is independent of input {j}")
                linear = f"The jacobian of the user-provided function is independent of input {j}"
                _check(not create_graph or depends(part, x), linear)
        return made.shaped([given.shaped([level.result(part) for part in parts]) for parts in found])


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that returns one element; see `jacobian`.

    Returns:
        One tensor for an input that stands alone, a tuple of tuples for a tuple.

    Raises:
        TensorError: the function returns more than one element, or see ``strict``.
        OperationError, SettingError: as `jacobian`.
    """

    def gradient(*xs: Tensor) -> tuple[Tensor, ...]:
        with _called("hessian", func, xs, True, strict) as (level, _, made):
            _check_one(made.tensors, "hessian", made.alone)
            parts = pulled_back(made.tensors, [None], level.variables, True)
            _check_second_order(level, parts, strict)
            return tuple(level.result(part) for part in parts)

    given = _Tensors(inputs, "inputs", "hessian")
    found = jacobian(gradient, tuple(given.tensors), create_graph, False, vectorize, outer_jacobian_strategy)
    return given.shaped([given.shaped(row) for row in found])


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(*inputs), v times the Jacobian)``: a tensor or tuple as the inputs.

    Args:
        func: takes the inputs and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: a tensor or a tuple as the outputs, of their shapes; None is 1, for one element.
        create_graph: record the results.
        strict: refuse an output that does not depend on an input.

    Raises:
        TensorError: ``v`` does not fit, an input is not of floating point, or see ``strict``.
        OperationError: inputs or outputs are no tensors.
    """
    with _called("vjp", func, inputs, create_graph, strict) as (level, given, made):
        weights = _weights(v, made, "function returns")
        parts = pulled_back(made.tensors, weights, level.variables, level.is_recorded([*made.tensors, *_told(weights)]))
        for j, x in enumerate(level.variables if strict else ()):
            told = f"The output of the user-provided function is independent of input {j}"
            _check(any(depends(y, x) for y in made.tensors), told)
        return made.results(level), given.shaped([level.result(part) for part in parts])


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(*inputs), the Jacobian times v)``: a tensor or tuple as the outputs; see `vjp`.

    ``v`` is a tensor or a tuple as the inputs, of their shapes; None is 1, for one element.
    """
    with _called("jvp", func, inputs, create_graph, strict) as (level, given, made):
        weights = _weights(v, given, "inputs to the function are")
        moved = Forward(level, made.tensors).pushed(_ones(weights, level))
        return made.results(level), made.shaped([level.result(part) for part in moved])


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(*inputs), v times the Hessian)`` of a function that returns one element; see `vjp`.

    ``v`` is a tensor or a tuple as the inputs, of their shapes; None is 1, for one element.
    """
    with _called("vhp", func, inputs, create_graph, strict) as (level, given, made):
        weights = _ones(_weights(v, given, "inputs to the function are"), level)
        parts = _gradient(level, made, "vhp", strict)
        found = pulled_back(parts, weights, level.variables, level.is_recorded([*parts, *weights]))
        return made.results(level), given.shaped([level.result(part) for part in found])


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(*inputs), the Hessian times v)``; `vhp` gives the same in fewer sweeps, where partials commute."""
    with _called("hvp", func, inputs, create_graph, strict) as (level, given, made):
        weights = _ones(_weights(v, given, "inputs to the function are"), level)
        moved = Forward(level, _gradient(level, made, "hvp", strict)).pushed(weights)
        return made.results(level), given.shaped([level.result(part) for part in moved])


# ---- what goes in and out


class _Tensors:
    """One tensor, or several in a tuple.

    Raises:
        OperationError: anything else.
    """

    def __init__(self, value: Any, what: str, name: str) -> None:
        self.alone = isinstance(value, Tensor)
        if not isinstance(value, Tensor | tuple):
            raise OperationError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors, not {type(value).__name__}"
            )
        self.tensors: list[Tensor] = [value] if isinstance(value, Tensor) else list(value)
        for i, x in enumerate(self.tensors):
            if not isinstance(x, Tensor):
                raise OperationError(f"The {what} given to {name} must be Tensors; number {i} is a {type(x).__name__}")

    def shaped(self, values: Sequence[Any]) -> Any:
        """Values, one for each tensor, alone or in a tuple as these are."""
        return values[0] if self.alone else tuple(values)

    def results(self, level: Level) -> Any:
        """The tensors as they look from outside of a level."""
        return self.shaped([level.result(x) for x in self.tensors])


@contextmanager
def _called(
    name: str, func: Function, inputs: Any, create_graph: bool, strict: bool
) -> Iterator[tuple[Level, _Tensors, _Tensors]]:
    """The level in which ``func`` ran, its inputs, and what it returned; the level is entered."""
    given = _Tensors(inputs, "inputs", name)
    with set_grad_enabled(create_graph):
        level = Level(given.tensors)
        with level:
            made = _Tensors(func(*level.inputs), "outputs of the user-provided function", name)
            for i, y in enumerate(made.tensors if strict else ()):
                _check(y.requires_grad, f"Output {i} of the user-provided function does not require gradients")
            yield level, given, made


def _gradient(level: Level, made: _Tensors, name: str, strict: bool) -> list[Tensor]:
    _check_one(made.tensors, name, made.alone)
    parts = pulled_back(made.tensors, [None], level.variables, True)
    _check_second_order(level, parts, strict)
    return parts


def _weights(v: Any, fit: _Tensors, what: str) -> list[Any]:
    if v is None:
        if len(fit.tensors) != 1 or fit.tensors[0].numel() != 1:
            raise TensorError(f"The vector v can only be None if the {what} a single Tensor with a single element.")
        return [None]
    given = list(v) if isinstance(v, tuple | list) else [v]
    if len(given) != len(fit.tensors):
        raise TensorError(f"v must hold {len(fit.tensors)} tensors, one for each, not {len(given)}")
    for w, x in zip(given, fit.tensors, strict=True):
        if not isinstance(w, Tensor) or w.shape != x.shape:
            raise TensorError(
                f"v has invalid size: should be {x.shape} but got {getattr(w, 'shape', type(w).__name__)}."
            )
    return given


def _told(weights: Sequence[Any]) -> list[Tensor]:
    return [w for w in weights if w is not None]


def _ones(weights: Sequence[Any], level: Level) -> list[Tensor]:
    return [ones_like(x) if w is None else w for w, x in zip(weights, level.variables, strict=True)]


def _found_by(strategy: str) -> Callable[[Level, Sequence[Tensor]], list[list[Tensor]]]:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise SettingError(f"the strategy must be 'forward-mode' or 'reverse-mode', not {strategy!r}")
    return columns if strategy == "forward-mode" else rows


# ---- refusals


def _check(holds: bool, told: str) -> None:
    if not holds:
        raise TensorError(
            f"{told}. This is not allowed in strict mode: compute the outputs from every input, differentiably."
        )


def _check_one(outputs: Sequence[Tensor], name: str, alone: bool) -> None:
    if not alone:
        raise TensorError(f"The function given to {name} should return a single Tensor, not a tuple")
    if outputs[0].numel() != 1:
        raise TensorError(
            f"The Tensor returned by the function given to {name} should contain a single element, "
            f"not the shape {list(outputs[0].shape)}"
        )


def _check_second_order(level: Level, parts: Sequence[Tensor], strict: bool) -> None:
    for j, part in enumerate(parts if strict else ()):
        told = f"The jacobian of the user-provided function with respect to input {j} is independent of the input"
        _check(any(depends(part, x) for x in level.variables), told)
