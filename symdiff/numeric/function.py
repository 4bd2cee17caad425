"""Functions: a formula compiled for repeated evaluation, with its derivatives.

What is passed in decides how: floats go through one compiled function, arrays through kernels (see `choice`). Where
a run meets an infinity, nan or an edge, these points are evaluated again by the careful program (see `batch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from symdiff.dag import Apply, Node, Symbol, build, symbols_of
from symdiff.errors import OperationError, ShapeError
from symdiff.numeric.adjoint import adjoint, tangent
from symdiff.numeric.backends import Shape, arranged
from symdiff.numeric.batch import Batch, Roots
from symdiff.numeric.choice import Choice, Picked, Settings
from symdiff.numeric.domain import edges
from symdiff.numeric.packed import Packed
from symdiff.numeric.steps import evaluate
from symdiff.numeric.values import check_count, check_names, common_shape, real, summed
from symdiff.ops import OPS
from symdiff.symbolic.diff import components

Column = tuple[Node, ...]
Values = Sequence[Any]


ONE_OFF: Final = Settings()


@dataclass(frozen=True, slots=True)
class Kink:
    """An operation at a kink or edge of its own: the number there is a convention or a limit.

    Attributes:
        operation: its name.
        argument: what it was applied to, as text.
        points: a boolean, or a boolean array over the points, that says where.
    """

    operation: str
    argument: str
    points: Any

    def __str__(self) -> str:
        return f"{self.operation}({self.argument})"


class Function:
    """A compiled formula: call it, or ask for derivatives.

    Arguments are positional, in the order of ``args``: floats, or arrays (float64 or float32; other
    real numbers are converted) that broadcast together. Derivatives are by the variables ``wrt``, at
    each point, in the broadcast shape; a vector of m results adds a leading axis of length m.

    Args:
        node: the formula.
        args: the names of the arguments.
        wrt: the names to differentiate by.
        domains: formulas where this one is nan if they are.
        describe: the text of a node, for `Kink.argument`.
        settings: which backend and how many threads may be used, and whether it is for repeated use.
    """

    def __init__(
        self,
        node: Node,
        args: Sequence[str],
        wrt: Sequence[str],
        domains: Sequence[Node] = (),
        describe: Callable[[Node], str] = repr,
        settings: Settings = ONE_OFF,
    ) -> None:
        self.node = node
        self.describe = describe
        self.args = tuple(args)
        self.wrt = tuple(wrt)
        self.domains = tuple(domains)
        self.settings = settings
        self.picked: list[Picked] = []
        check_names(self.args, self.wrt, symbols_of([node, *domains]))
        self.parts = components(node)
        self.is_vector = self.parts != (node,)

    def __repr__(self) -> str:
        return f"<Function of {', '.join(self.args) or 'no arguments'}>"

    def __reduce__(self) -> tuple[type[Function], tuple[Any, ...]]:
        return Function, (self.node, self.args, self.wrt, self.domains, self.describe, self.settings)

    def __call__(self, *values: Any) -> Any:
        """The value: a float for floats, else an array of the broadcast shape."""
        return self._value(*values)

    @property
    def backend(self) -> str:
        """What was chosen last: "python", "numpy", "wavefront" or "llvm"."""
        if not self.picked:
            _ = self._value
        return self.picked[-1].backend

    def report(self) -> str:
        """What was chosen for which work, and why; a line for each choice, in order."""
        _ = self.backend
        return "\n".join(map(str, self.picked))

    @cached_property
    def _value(self) -> Callable[..., Any]:
        return self._work("value", lambda careful: [self.parts], 0).function

    @cached_property
    def value_and_grad(self) -> Callable[..., tuple[Any, tuple[Any, ...]]]:
        """``value_and_grad(*values) -> (value, partials)``, one partial for each name in ``wrt``."""
        return self._gradient_work.function

    @cached_property
    def _gradient_work(self) -> _Work:
        shape = (0, tuple(range(1, 1 + len(self.wrt))))
        return self._work("value_and_grad", lambda careful: [self.parts, *self._gradient(careful)], shape)

    def grad(self, *values: Any) -> tuple[Any, ...]:
        """The partials alone."""
        return self.value_and_grad(*values)[1]

    def sum_and_grad(self, *values: Any) -> tuple[Any, tuple[Any, ...]]:
        """The value of a scalar formula summed over all points, and the gradient of that sum.

        A partial has the shape of its argument: that of a number for all points is summed over them. Nothing is
        stored for each point unless an argument has a number for each: this is the objective of a fit.

        Raises:
            OperationError: the formula is a vector.
        """
        if self.is_vector:
            raise OperationError("a vector has no sum over points; compile the components")
        total, partials = self._pulled(self._gradient_work, values, True)
        return total, partials

    def jacobian(self, *values: Any) -> Any:
        """The matrix of partials, shape ``(results, len(wrt), *points)``; for a scalar formula one row."""
        if not self.wrt:
            value = self(*values)
            return np.zeros((len(self.parts), 0, *np.shape(value)[self.is_vector :]))
        partials = np.stack(np.broadcast_arrays(*self.grad(*values)))
        return np.moveaxis(partials, 0, 1) if self.is_vector else partials[None]

    def hessian(self, *values: Any) -> Any:
        """The matrix of second partials of a scalar formula, shape ``(len(wrt), len(wrt), *points)``.

        Raises:
            OperationError: the formula is a vector.
        """
        n = len(self.wrt)
        upper = iter(self._hessian(*values)[1:])
        rows: list[list[Any]] = [[None] * n for _ in range(n)]
        for i in range(n):
            for j in range(i, n):
                rows[i][j] = rows[j][i] = next(upper)
        return np.array([np.stack(np.broadcast_arrays(*row)) for row in rows]) if n else np.zeros((0, 0))

    @cached_property
    def _hessian(self) -> Callable[..., Any]:
        if self.is_vector:
            raise OperationError("a vector has one Hessian for each component; compile the components")

        def entries(careful: bool) -> list[Column]:
            first = [column[0] for column in self._gradient(careful)]
            return [self.parts, *[(h,) for i, g in enumerate(first) for h in adjoint(g, self.wrt[i:], careful)]]

        return self._work("hessian", entries, tuple(range(1 + len(self.wrt) * (len(self.wrt) + 1) // 2))).function

    def jvp(self, primals: Values, tangents: Values) -> tuple[Any, Any]:
        """The value and the directional derivative along ``tangents``, one for each name in ``wrt``."""
        check_count("values", primals, self.args)
        check_count("tangents", tangents, self.wrt)
        value, derivative = self._jvp(*primals, *tangents)
        return value, derivative

    @cached_property
    def _jvp(self) -> Callable[..., Any]:
        dots = self._extra("dot_", len(self.wrt))
        along = dict(zip(self.wrt, map(Symbol, dots), strict=True))

        def entries(careful: bool) -> list[Column]:
            return [self.parts, tuple(tangent(self.parts, along, careful))]

        return self._work("jvp", entries, (0, 1), dots).function

    def vjp(self, primals: Values, cotangent: Any) -> tuple[Any, tuple[Any, ...]]:
        """The value, and for each name in ``wrt`` the cotangent pulled back to it.

        Cotangents have the shapes of their arguments: contributions are summed over the axes along
        which an argument was broadcast. The cotangent of the result has the result's shape, or
        broadcasts to it.

        Raises:
            ShapeError: it has another shape.
        """
        check_count("values", primals, self.args)
        if type(cotangent) is float and not self.is_vector:
            return self._pulled(self._vjp, [*primals, cotangent], False)
        given = [real(value, name) for value, name in zip(primals, self.args, strict=True)]
        shape = (len(self.parts),) * self.is_vector + common_shape(given, self.args)
        bar = np.asarray(real(cotangent, "the cotangent"))
        try:
            bar = np.broadcast_to(bar, shape)
        except ValueError:
            raise ShapeError(f"the cotangent has shape {bar.shape}, the result {shape}") from None
        return self._pulled(self._vjp, [*given, *(bar if self.is_vector else [bar])], False)

    @cached_property
    def _vjp(self) -> _Work:
        bars = self._extra("bar_", len(self.parts))

        def entries(careful: bool) -> list[Column]:
            pulled = [adjoint(p, self.wrt, careful, Symbol(b)) for p, b in zip(self.parts, bars, strict=True)]
            return [self.parts, *[(_plus(column),) for column in zip(*pulled, strict=True)]]

        shape = (0, tuple(range(1, 1 + len(self.wrt))))
        return self._work("vjp", entries, shape, bars, 1)

    def _pulled(self, work: _Work, values: Values, total: bool) -> tuple[Any, tuple[Any, ...]]:
        """The value, as the sum over all points if ``total``; and the partials in the shapes of their arguments."""
        given = work.batch.converted(values)
        if all(type(value) is float for value in given):
            floats: tuple[Any, tuple[Any, ...]] = work.function(*given)
            return floats
        shapes = [np.shape(given[self.args.index(name)]) for name in self.wrt]
        single = [math.prod(shape) == 1 for shape in shapes]  # one number for all points: summed by the kernel
        value, parts = work.packed(work.batch.run(given, (*[total] * len(self.parts), *single)))
        return value, tuple(
            _reshaped(part, shape) if one else summed(part, shape)
            for part, shape, one in zip(parts, shapes, single, strict=True)
        )

    def hvp(self, primals: Values, vector: Values) -> tuple[Any, ...]:
        """The Hessian of a scalar formula times a vector, forward over reverse: one entry for each name in ``wrt``.

        Raises:
            OperationError: the formula is a vector.
        """
        check_count("values", primals, self.args)
        check_count("entries of the vector", vector, self.wrt)
        return tuple(self._hvp(*primals, *vector)[1:])

    @cached_property
    def _hvp(self) -> Callable[..., Any]:
        if self.is_vector:
            raise OperationError("a vector has one Hessian for each component; compile the components")
        dots = self._extra("dot_", len(self.wrt))
        along = dict(zip(self.wrt, map(Symbol, dots), strict=True))

        def entries(careful: bool) -> list[Column]:
            first = [column[0] for column in self._gradient(careful)]
            return [self.parts, *[(h,) for h in tangent(first, along, careful)]]

        return self._work("hvp", entries, tuple(range(1 + len(self.wrt))), dots).function

    @cached_property
    def packed(self) -> Packed:
        """The same function of one vector that holds all arguments, for SciPy and its like."""
        return Packed(self)

    def kinks(self, *values: Any) -> tuple[Kink, ...]:
        """The operations that are at a kink or an edge of theirs, and at which points."""
        found, batch = self._edges
        given = batch.converted(values)
        shape = common_shape(given, self.args)
        masks = [np.broadcast_to(mask, shape) != 0 for mask in evaluate(batch.steps, given)]
        return tuple(
            Kink(node.op.name, ", ".join(map(self.describe, node.args)), mask if shape else bool(mask))
            for node, mask in zip(found, masks, strict=True)
            if np.any(mask)
        )

    @cached_property
    def _edges(self) -> tuple[list[Apply], Batch]:
        found = edges(self.node)
        tests = [test for _, test in found]
        roots = Roots(self.args, (), (), lambda careful: tests, (None,) * len(tests))
        return [node for node, _ in found], Batch(roots, Choice("kinks", self.picked, self.settings))

    def _gradient(self, careful: bool) -> list[Column]:
        """For each name in ``wrt`` the partials of all components."""
        return list(zip(*[adjoint(part, self.wrt, careful) for part in self.parts], strict=True))

    def _extra(self, prefix: str, count: int) -> tuple[str, ...]:
        """Names for tangents and cotangents that no variable has."""
        while any(name.startswith(prefix) for name in self.args):
            prefix += "_"
        return tuple(f"{prefix}{i}" for i in range(count))

    def _work(
        self,
        name: str,
        entries: Callable[[bool], list[Column]],
        shape: Shape,
        extra: Sequence[str] = (),
        stacked: int | None = None,
    ) -> _Work:
        """What evaluates the ``entries``, the value first.

        Of a vector, the first ``stacked`` entries (None: all) have an axis for its components.
        """
        count = len(_numbers(shape))
        lengths = [len(self.parts) if stacked is None or i < stacked else 1 for i in range(count)]
        many = self.is_vector
        roots = Roots(
            (*self.args, *extra),
            self.parts,
            tuple(components(domain) for domain in self.domains),
            lambda careful: [node for column in entries(careful) for node in column],
            tuple(
                i if many and (stacked is None or k < stacked) else None
                for k, n in enumerate(lengths)
                for i in range(n)
            ),
        )
        choice = Choice(name, self.picked, self.settings)
        stacks = [many and (stacked is None or i < stacked) for i in range(count)]
        return _Work(Batch(roots, choice), shape, stacks, len(self.parts))


class _Work:
    """One kind of work of a function: its batch, and how the results are given."""

    def __init__(self, batch: Batch, shape: Shape, stacks: Sequence[bool], components: int) -> None:
        self.batch = batch
        self.shape = shape
        self.stacks = stacks
        self.components = components
        self.is_stacked = any(stacks)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The function of anything, quick for floats."""
        batch = self.batch
        shape = tuple(range(len(batch.roots.component))) if self.is_stacked else self.shape

        def general(*values: Any) -> Any:
            floats = batch.floats(values)
            return arranged(shape, batch(*values)) if floats is None else quick(*floats)

        quick = batch.choice.function(batch.program, lambda: batch.steps, shape, general)
        return (lambda *values: self.packed(quick(*values))) if self.is_stacked else quick

    def packed(self, results: Sequence[Any]) -> Any:
        """The results in their shape, components stacked."""
        if not self.is_stacked:
            return arranged(self.shape, results)
        entries = []
        place = 0
        for stack in self.stacks:
            length = self.components if stack else 1
            part = results[place : place + length]
            entries.append(np.stack(part) if stack else part[0])
            place += length
        return arranged(self.shape, entries)


def _reshaped(number: Any, shape: tuple[int, ...]) -> Any:
    """One number as an array; of no axes, as a number."""
    return np.reshape(number, shape) if shape else number


def _numbers(shape: Shape) -> list[int]:
    return [shape] if isinstance(shape, int) else [i for part in shape for i in _numbers(part)]


def _plus(parts: Sequence[Node]) -> Node:
    result = parts[0]
    for part in parts[1:]:
        result = build(OPS["add"], (result, part))
    return result
