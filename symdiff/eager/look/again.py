"""A record run again on tensors, with the adjoint of every result and what each operation hands back.

Running it again gives the values that the record did not save, or that a backward pass has freed. The
adjoints are those of the tensors' own backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdiff.dag import Node, Symbol, build, rebuilt
from symdiff.eager.arrays import ArrayRule
from symdiff.eager.autograd.function import _Slots
from symdiff.eager.gradients import grad
from symdiff.eager.look.history import Constant, History, Step, Target, run_again
from symdiff.eager.look.telling import Told, local_derivatives
from symdiff.eager.modes import enable_grad, no_grad
from symdiff.eager.rules import Rule
from symdiff.eager.sweep import spread
from symdiff.eager.tensor import Tensor, made
from symdiff.errors import TensorError
from symdiff.text.format import to_text


@dataclass(frozen=True, slots=True)
class Part:
    """What an operation hands back to one of its arguments.

    Attributes:
        argument: which one.
        formula: the local derivative in the arguments' names; for an operation on whole arrays, what
            becomes of the adjoint.
        derivative: the local derivative as a number for each element of the result; None for an
            operation on whole arrays and for a function of the user's, which have none such.
        share: what is added to the argument's adjoint.
    """

    argument: Target
    formula: str
    derivative: Any
    share: Any


class Again:
    """A record run again.

    Attributes:
        values: of every result and leaf, as tensors.
        adjoints: of every result and leaf, as arrays; the several results of one function have none together.
    """

    def __init__(self, past: History, gradient: Tensor | None) -> None:
        self.past = past
        with enable_grad():
            leaves = {leaf: x.detach().clone().requires_grad_() for leaf, x in past.leaves.items()}
            self.values: dict[Target, Any] = run_again(past, leaves, lambda value: value, _applied)
            root = self.values[past.root]
            check_unchanged(past.result, root)
            seed = made(np.ones_like(root._value), root._dtype) if gradient is None else gradient
            targets = [key for key, x in self.values.items() if isinstance(x, Tensor)]
            found = grad(root, [self.values[key] for key in targets], seed, retain_graph=True, materialize_grads=True)
        self.adjoints: dict[Target, Any] = {key: part._value for key, part in zip(targets, found, strict=True)}

    def is_smooth(self, step: Step) -> bool:
        """Whether an operation is differentiable at its arguments; of operations on arrays, always."""
        rule = step.node.rule
        if not isinstance(rule, Rule):
            return True
        with np.errstate(all="ignore"):
            test = rule.op.is_smooth(*[self._value(arg) for arg in step.args])
        return test is None or bool(np.all(test))

    def _value(self, arg: Any) -> Any:
        value = arg.value if type(arg) is Constant else self.values[arg]
        return value._value if isinstance(value, Tensor) else value

    def parts(self, step: Step, names: Mapping[Any, Node], seed: str) -> list[Part]:
        """What an operation hands back, argument by argument.

        Args:
            step: the operation.
            names: for each of its arguments, a symbol or a number.
            seed: what its adjoint is called.
        """
        with no_grad(), np.errstate(all="ignore"):
            if isinstance(step.node.rule, Rule):
                return self._elementwise(step, names)
            if isinstance(step.node.rule, ArrayRule):
                return self._of_arrays(step, names, seed)
            return self._of_users(step, seed)

    def _elementwise(self, step: Step, names: Mapping[Any, Node]) -> list[Part]:
        again = self.values[step.node]._node
        rule, ybar = again.rule, self.adjoints[step.node]
        ones = np.ones_like(self.values[step.node]._value)
        local = rule.careful(ones, *again.saved)
        shares = (
            rule.careful(ybar, *again.saved) if again.shapes is None else spread(again, rule.careful, ybar, again.saved)
        )
        where = {f"x{i}": names[arg] for i, arg in enumerate(step.args)}
        open_args = [arg for arg, kind in zip(step.args, rule.kinds, strict=True) if isinstance(kind, str)]
        found = []
        for arg, formula, derivative, share in zip(open_args, local_derivatives(rule), local, shares, strict=True):
            if formula is not None:
                told = rebuilt([formula], lambda node, args: _named(node, args, where))[formula]
                found.append(Part(arg, to_text(told), derivative, share))
        return found

    def _of_arrays(self, step: Step, names: Mapping[Any, Node], seed: str) -> list[Part]:
        op, parameters = step.node.rule.op, step.node.shapes[2]
        values = [self._value(arg) for arg in step.args]
        given: list[Any] = [Told(names[arg], value) for arg, value in zip(step.args, values, strict=True)]
        if not op.saves:
            given = [np.shape(value) for value in values]
        ybar = Told(Symbol(seed), np.asarray(self.adjoints[step.node]))
        found = []
        for i, arg in enumerate(step.args):
            if type(arg) is not Constant:
                part = op.pull_back(ybar, i, given, *parameters)
                found.append(Part(arg, part.text, None, part.array))
        return found

    def _of_users(self, step: Step, seed: str) -> list[Part]:
        rule = step.node.rule
        if hasattr(rule, "i"):  # one of several results
            return [Part(step.args[0], seed, None, self.adjoints[step.node])]
        if not hasattr(rule, "cls"):  # overwritten by constants
            return []
        result = self.values[step.node]
        if isinstance(result, Tensor):
            node: Any = result._node
            ybar: Any = self.adjoints[step.node]
        else:
            node = result[0]._node.edges[0]
            ybar = _Slots({s.node.rule.i: self.adjoints[s.node] for s in self.past.steps if step.node in s.args})
        shares = node.rule.pull(node, ybar, ())
        return [
            Part(arg, f"{rule.cls.__name__}.backward({seed})", None, share)
            for arg, share in zip(step.args, shares, strict=True)
            if type(arg) is not Constant
        ]


def _named(node: Node, args: tuple[Node, ...], where: Mapping[str, Node]) -> Node:
    if type(node) is Symbol:
        return where.get(node.name, node)
    return build(node.op, args) if args else node  # type: ignore[attr-defined]


def _applied(step: Step, args: Sequence[Any]) -> Any:
    """A function of the user's, called again; or one of its several results."""
    rule = step.node.rule
    return args[0][rule.i] if hasattr(rule, "i") else rule.cls.apply(*args)


def check_unchanged(y: Tensor, again: Tensor) -> None:
    """Hold a record, run again, against the value that it gave.

    Raises:
        TensorError: they differ: what the result was computed from is no longer there.
    """
    close = float(np.finfo(again._value.dtype).eps) ** 0.5
    if not np.allclose(again._value, y._value, rtol=close, atol=close * 1e-3, equal_nan=True):
        raise TensorError(
            "a tensor from which this one was computed was changed in place since, and the record keeps no copy of it: "
            "compute the result again"
        )
