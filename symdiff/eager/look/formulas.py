"""Closed forms of tensors: the record run again on symbols.

An elementwise computation is one formula, in which a name stands for every element of its tensor
alike. Any other (sums, products of matrices, selections) is written out, in the elements x[0], x[1], ...
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np

from symdiff.eager.arrays import ArrayRule
from symdiff.eager.look.again import check_unchanged
from symdiff.eager.look.elements import Elements, Everywhere, numbers, symbols, tidied, written_out
from symdiff.eager.look.history import Constant, History, Target, history, run_again
from symdiff.eager.look.naming import Names, caller
from symdiff.eager.modes import no_grad
from symdiff.eager.rules import Rule
from symdiff.eager.sweep import target_of
from symdiff.eager.tensor import Tensor, method
from symdiff.errors import OperationError, TensorError, VariableError, listed
from symdiff.expr import Expr, as_expr, natural_order
from symdiff.ops.arrays import cast, clone, expand

MOST_WRITTEN: Final = 100_000
"""How many symbols, numbers and operations a computation may take that is written out element by element."""


@method()
def expression(self: Tensor, /, **names: Tensor) -> Expr:
    """The closed form of a tensor that was computed from named tensors.

    A tensor has the name that it is given here (``y.expression(x=x)``), else its ``name``, else that of
    a variable of the calling code, or of a parameter of a module there. A tensor named here that was
    itself computed from others becomes a variable: the formula begins with it. Constants are numbers,
    by their shortest decimal in their dtype; an array of constants may be named likewise.

    A choice that was made by value (``if``, ``where(x > 0, ...)``) is the one that was taken here.

    Returns:
        One formula for an elementwise computation: at the tensors' values, which broadcast, it is the
        result's. Else a formula in elements x[0], x[1,2], ...; a vector of them for a vector.

    Raises:
        TensorError: nothing was recorded, a function with its own backward stands in the record, a
            constant was changed since, or writing it out would take more than 100,000 symbols,
            numbers and operations.
        VariableError: a tensor has no name, or one was named that the result does not depend on.
        OperationError: a result of two or more dimensions that is not elementwise.
    """
    return closed_form(self, Names(names, caller()))


@method()
def derivative(self: Tensor, /, *by: str | int | Tensor, **names: Tensor) -> Expr:
    """The closed form of the derivative by one variable after the other; a number repeats the one before it.

    ``y.derivative("x")``, ``y.derivative(x, 2)``, ``y.derivative("x[0]", "w")``; see `expression` for the names.

    Raises:
        VariableError: the result does not depend on a variable of that name.
    """
    known = Names(names, caller())
    f = closed_form(self, known)
    wanted = [known.of(target_of(part)) or "for that tensor" if isinstance(part, Tensor) else part for part in by]
    unknown = [part for part in wanted if isinstance(part, str) and part not in f.variables]
    if unknown:
        shown = ", ".join(f.variables[:_SHOWN]) + ", ..." * (len(f.variables) > _SHOWN)
        raise VariableError(f"no variable {listed(unknown, 'or')} in the result's formula (its variables: {shown})")
    return f.diff(*wanted)


_SHOWN: Final = 8


def closed_form(y: Tensor, names: Names, variables: Collection[Target] | None = None) -> Expr:
    """The formula of a tensor; where ``variables`` are given, every other leaf is a constant."""
    past = history(y, names.given)
    for leaf in past.leaves:
        names.of(leaf)  # their names before those of constants
    _check(past, names)
    fixed = {leaf for leaf in past.leaves if variables is not None and leaf not in variables}
    if _is_elementwise(past) and not fixed and all(_is_one(arg, names) for arg in _constants(past)):
        return _everywhere(past, names)
    return _element_by_element(past, names, fixed)


def _constants(past: History) -> list[Constant]:
    return [arg for step in past.steps for arg in step.args if type(arg) is Constant]


def _check(past: History, names: Names) -> None:
    """Refuse names that do not occur, functions without a formula, and constants that are not what they were."""
    tensors = [arg.value for arg in _constants(past) if isinstance(arg.value, Tensor)]
    there = {*past.leaves, *tensors}
    idle = [names.of(here) or "" for here in names.given if here not in there]
    if idle:
        raise VariableError(f"the result does not depend on {listed(idle)}, or not since it was changed in place")
    for step in past.steps:
        if step.is_users:
            raise TensorError(
                f"{step.node.name()}, recorded at {step.node.place}, has a backward of its own and no formula. Name "
                "its result (y.expression(u=u)) to begin the formula there, or write it with the functions of the table"
            )
    if any(x._cell[0] for x in tensors):
        _check_values(past)


def _check_values(past: History) -> None:
    """Hold the record, run again on numbers, against the value that it gave."""
    with no_grad():
        values = run_again(past, {leaf: x.detach() for leaf, x in past.leaves.items()}, lambda value: value)
    check_unchanged(past.result, values[past.root])


# ---- elementwise


def _is_elementwise(past: History) -> bool:
    rules = [step.node.rule for step in past.steps]
    return all(
        isinstance(rule, Rule) or not isinstance(rule, ArrayRule) or rule.op in (cast, clone, expand) for rule in rules
    )


def _is_one(constant: Constant, names: Names) -> bool:
    """Whether a constant is the same everywhere, or has a name."""
    return constant.number is not None or names.of(constant.value) is not None


def _everywhere(past: History, names: Names) -> Expr:
    leaves = _named(past.leaves, names)
    values = {leaf: Everywhere(symbols(name, ())) for leaf, name in leaves.items()}

    def constant(value: Any) -> Everywhere:
        name = names.of(value) if isinstance(value, Tensor) and np.ndim(value._value) else None
        if name is not None and (value in names.given or Constant(value).number is None):
            return Everywhere(symbols(name, ()))
        return Everywhere(numbers(value).flat[0])

    (node,) = tidied([run_again(past, values, constant)[past.root].array[()]], neutral=False)
    found = Expr(node)
    return Expr(node, natural_order([*leaves.values(), *found.variables]))


# ---- element by element


def _element_by_element(past: History, names: Names, fixed: Collection[Target]) -> Expr:
    work = written_out(past)
    if work > MOST_WRITTEN:
        raise TensorError(
            f"written out element by element, this takes {work:,} symbols, numbers and operations, and the limit is "
            f"{MOST_WRITTEN:,}: look at a part of the result (y[0]), at fewer data, or name a result on the way "
            "(y.expression(u=u))"
        )
    shape = past.shapes[past.root]
    if len(shape) > 1:
        raise OperationError(
            f"a formula is one number or a vector of them, not of shape {list(shape)}: take y[0], or y.flatten()"
        )
    leaves = {leaf: x for leaf, x in past.leaves.items() if leaf not in fixed}
    values = {leaf: Elements(symbols(name, past.shapes[leaf])) for leaf, name in _named(leaves, names).items()}
    values |= {leaf: Elements(numbers(past.leaves[leaf])) for leaf in fixed}

    def constant(value: Any) -> Elements:
        if isinstance(value, Tensor) and value in names.given:
            return Elements(symbols(names.of(value) or "", value._value.shape))
        return Elements(numbers(value))

    result = run_again(past, values, constant)[past.root].array
    nodes = tidied(list(result.flat), neutral=True)
    return as_expr([Expr(node) for node in nodes]) if shape else Expr(nodes[0])


# ---- names


def _named(leaves: Mapping[Target, Tensor], names: Names) -> dict[Target, str]:
    """The name of every leaf.

    Raises:
        VariableError: one has none.
    """
    found = {leaf: names.of(leaf) for leaf in leaves}
    nameless = [str(list(leaves[leaf].shape)) for leaf, name in found.items() if name is None]
    if nameless:
        raise VariableError(
            f"the result depends on a tensor without a name, of shape {listed(nameless, 'and one of')}: give it one "
            "here, y.expression(x=...), or when it is made, tensor(..., name='x')"
        )
    return {leaf: name for leaf, name in found.items() if name is not None}
