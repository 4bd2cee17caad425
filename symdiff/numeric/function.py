"""Functions: a formula compiled for repeated evaluation, with its derivatives.

Floats go through straight-line Python, arrays through NumPy; what is passed in decides. Where a
run meets an infinity, nan or an edge, it is repeated by the careful program (see `adjoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.dag import Node, Symbol, build, symbols_of
from symdiff.errors import OperationError, VariableError
from symdiff.numeric import arrays
from symdiff.numeric.adjoint import adjoint, tangent
from symdiff.numeric.domain import edges, inside
from symdiff.numeric.program import Program, compile_program
from symdiff.numeric.scalars import MAX_INSTRUCTIONS, scalar_function
from symdiff.numeric.values import check_count, check_names, common_shape, real, summed
from symdiff.ops import OPS
from symdiff.symbolic.diff import by_component, components

Values = Sequence[Any]
Vector = Sequence[Any] | NDArray[Any]


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
    """

    def __init__(
        self,
        node: Node,
        args: Sequence[str],
        wrt: Sequence[str],
        domains: Sequence[Node] = (),
        describe: Callable[[Node], str] = repr,
    ) -> None:
        self.node = node
        self.describe = describe
        self.args = tuple(args)
        self.wrt = tuple(wrt)
        self.domains = tuple(domains)
        check_names(self.args, self.wrt, symbols_of([node, *domains]))
        self.is_vector = components(node) != (node,)

    def __repr__(self) -> str:
        return f"<Function of {', '.join(self.args) or 'no arguments'}>"

    def __call__(self, *values: Any) -> Any:
        """The value: a float for floats, else an array of the broadcast shape."""
        return self._value(*values)

    @cached_property
    def _value(self) -> Callable[..., Any]:
        return self._kernel(lambda careful: [self.node], "{}", lambda results: results[0])

    @cached_property
    def value_and_grad(self) -> Callable[..., tuple[Any, tuple[Any, ...]]]:
        """``value_and_grad(*values) -> (value, partials)``, one partial for each name in ``wrt``."""

        def roots(careful: bool) -> list[Node]:
            return [self.node, *self._gradient(careful)]

        shape = "{}, (" + "{}, " * len(self.wrt) + ")"
        return self._kernel(roots, shape, lambda results: (results[0], tuple(results[1:])))

    def grad(self, *values: Any) -> tuple[Any, ...]:
        """The partials alone."""
        return self.value_and_grad(*values)[1]

    def jacobian(self, *values: Any) -> Any:
        """The matrix of partials, shape ``(results, len(wrt), *points)``; for a scalar formula one row."""
        partials = np.stack(np.broadcast_arrays(*self.grad(*values))) if self.wrt else np.zeros((0,))
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

        def roots(careful: bool) -> list[Node]:
            first = self._gradient(careful)
            return [self.node, *[h for i, g in enumerate(first) for h in adjoint(g, self.wrt[i:], careful)]]

        return self._kernel(roots, "(" + "{}, " * (1 + len(self.wrt) * (len(self.wrt) + 1) // 2) + ")", tuple)

    def jvp(self, primals: Values, tangents: Values) -> tuple[Any, Any]:
        """The value and the directional derivative along ``tangents``, one for each name in ``wrt``."""
        check_count("values", primals, self.args)
        check_count("tangents", tangents, self.wrt)
        value, derivative = self._jvp(*primals, *tangents)
        return value, derivative

    @cached_property
    def _jvp(self) -> Callable[..., Any]:
        dots = self._extra("dot_", len(self.wrt))

        def roots(careful: bool) -> list[Node]:
            return [self.node, *tangent([self.node], dict(zip(self.wrt, map(Symbol, dots), strict=True)), careful)]

        return self._kernel(roots, "{}, {}", tuple, dots)

    def vjp(self, primals: Values, cotangent: Any) -> tuple[Any, tuple[Any, ...]]:
        """The value, and for each name in ``wrt`` the cotangent pulled back to it.

        Cotangents have the shapes of their arguments: contributions are summed over the axes along
        which an argument was broadcast. The cotangent of the result has the result's shape, or
        broadcasts to it.
        """
        check_count("values", primals, self.args)
        parts = [cotangent[i] for i in range(len(components(self.node)))] if self.is_vector else [cotangent]
        results = self._vjp(*primals, *parts)
        shapes = [np.shape(primals[self.args.index(name)]) for name in self.wrt]
        return results[0], tuple(summed(part, shape) for part, shape in zip(results[1:], shapes, strict=True))

    @cached_property
    def _vjp(self) -> Callable[..., Any]:
        parts = components(self.node)
        bars = self._extra("bar_", len(parts))

        def roots(careful: bool) -> list[Node]:
            pulled = [adjoint(p, self.wrt, careful, Symbol(bar)) for p, bar in zip(parts, bars, strict=True)]
            return [self.node, *[_plus(column) for column in zip(*pulled, strict=True)]]

        return self._kernel(roots, "(" + "{}, " * (1 + len(self.wrt)) + ")", tuple, bars, 1)

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

        def roots(careful: bool) -> list[Node]:
            along = dict(zip(self.wrt, map(Symbol, dots), strict=True))
            return [self.node, *tangent(self._gradient(careful), along, careful)]

        return self._kernel(roots, "(" + "{}, " * (1 + len(self.wrt)) + ")", tuple, dots)

    @cached_property
    def packed(self) -> Packed:
        """The same function of one vector that holds all arguments, for SciPy and its like."""
        return Packed(self)

    def kinks(self, *values: Any) -> tuple[Kink, ...]:
        """The operations that are at a kink or an edge of theirs, and at which points."""
        found = edges(self.node)
        general = _General(self, lambda careful: [test for _, test in found], list, ())
        given = general.converted(values)
        shape = common_shape(given, self.args)
        masks = [np.broadcast_to(mask, shape) != 0 for mask in arrays.run(general.plain, given)[0][: len(found)]]
        return tuple(
            Kink(node.op.name, ", ".join(map(self.describe, node.args)), mask if shape else bool(mask))
            for (node, _), mask in zip(found, masks, strict=True)
            if np.any(mask)
        )

    def _gradient(self, careful: bool) -> list[Node]:
        columns = zip(*[adjoint(part, self.wrt, careful) for part in components(self.node)], strict=True)
        if not self.is_vector:
            return [column[0] for column in columns]
        return [build(OPS["vector"], tuple(column)) for column in columns]

    def _extra(self, prefix: str, count: int) -> tuple[str, ...]:
        """Names for tangents and cotangents that no variable has."""
        while any(name.startswith(prefix) for name in self.args):
            prefix += "_"
        return tuple(f"{prefix}{i}" for i in range(count))

    def _kernel(
        self,
        roots: Callable[[bool], list[Node]],
        shape: str,
        pack: Callable[[list[Any]], Any],
        extra: Sequence[str] = (),
        stacked: int | None = None,
    ) -> Callable[..., Any]:
        """The function of floats, backed by the general one. ``roots(careful)`` gives the results, the value first.

        Of a vector, the first ``stacked`` results (None: all) have an axis for its components.
        """
        general = _General(self, roots, pack, extra, stacked)
        if self.is_vector or len(general.plain.code) > MAX_INSTRUCTIONS:
            return general
        return scalar_function(general.plain, shape, general)


class _General:
    """Evaluates on anything: checks and converts, runs the plain program, then the careful one if it must."""

    def __init__(
        self,
        function: Function,
        roots: Callable[[bool], list[Node]],
        pack: Callable[[list[Any]], Any],
        extra: Sequence[str],
        stacked: int | None = None,
    ) -> None:
        self.function = function
        self.roots = roots
        self.pack = pack
        self.names = (*function.args, *extra)
        self.domains = list(function.domains)
        self.stacked = stacked

    @cached_property
    def plain(self) -> Program:
        return compile_program([*self.roots(False), *self.domains], self.names)

    @cached_property
    def careful(self) -> Program:
        roots = self.roots(True)
        tests = [by_component(root, inside) for root in (self.function.node, *self.domains)]
        return compile_program([*roots, *self.domains, *tests], self.names)

    def __call__(self, *values: Any) -> Any:
        values = self.converted(values)
        return self.pack(self.run(values))

    def converted(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Floats and float arrays.

        Raises:
            VariableError: too few or too many values, or one that is no real number.
        """
        expected = len(self.names)
        given = [v for v in values if v is not None]
        if len(given) != expected:
            raise VariableError(
                f"expected {expected} value{'s' * (expected != 1)} ({', '.join(self.names)}), got {len(given)}"
            )
        return tuple(real(value, name) for value, name in zip(values, self.names, strict=True))

    def run(self, values: tuple[Any, ...]) -> list[Any]:
        shape = common_shape(values, self.names)
        results, trouble = arrays.run(self.plain, values)
        if trouble or not all(np.isfinite(result).all() for result in results):
            results = self._repaired(arrays.run(self.careful, values)[0], len(shape))
        else:
            results = self._aligned(results, len(shape))
        count = len(results) - len(self.domains)
        kind = np.result_type(*values) if any(isinstance(v, np.ndarray) for v in values) else None
        return [self._finished(result, shape, kind, self._is_stacked(i)) for i, result in enumerate(results[:count])]

    def _is_stacked(self, i: int) -> bool:
        return self.function.is_vector and (self.stacked is None or i < self.stacked)

    def _aligned(self, results: list[Any], rank: int) -> list[Any]:
        """Components first, then as many axes as the points have."""
        count = len(results) - len(self.domains)
        stacked = [self._is_stacked(i) for i in range(count)] + self._vectors[1:]
        return [_lifted(r, rank) if lift else r for r, lift in zip(results, stacked, strict=True)]

    @cached_property
    def _vectors(self) -> list[bool]:
        """Which of the formula and its domains are vectors."""
        return [components(root) != (root,) for root in (self.function.node, *self.domains)]

    def _repaired(self, results: list[Any], rank: int) -> list[Any]:
        """Make nan what is undefined: where the value is nan, or finite although an operation left its domain."""
        n = 1 + len(self.domains)
        tests = [_lifted(t, rank) if lift else t for t, lift in zip(results[-n:], self._vectors, strict=True)]
        results = self._aligned(results[:-n], rank)
        heads = [results[0], *results[len(results) - len(self.domains) :]]
        undefined: Any = False
        for head, test in zip(heads, tests, strict=True):
            undefined = undefined | np.isnan(head) | (np.equal(test, 0) & np.isfinite(head))
        anywhere = np.any(undefined, axis=0) if self.function.is_vector else undefined
        return [np.where(undefined if self._is_stacked(i) else anywhere, np.nan, r) for i, r in enumerate(results)]

    def _finished(self, result: Any, shape: tuple[int, ...], kind: Any, stacked: bool) -> Any:
        if kind is None:
            return np.asarray(result) if np.ndim(result) else float(result)
        lead = np.shape(result)[:1] if stacked else ()
        full = np.array(np.broadcast_to(result, lead + shape), dtype=kind)
        return full if full.ndim else full[()]


def _lifted(result: Any, rank: int) -> Any:
    """A stack of components over points of that rank."""
    shape = np.shape(result)
    return np.reshape(result, shape[:1] + (1,) * (rank + 1 - len(shape)) + shape[1:])


class Packed:
    """A function of one vector ``p`` of all arguments, in their order; derivatives as arrays."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __call__(self, p: Vector) -> Any:
        """The value at ``p``."""
        return self.function(*self._values(p))

    def value_and_grad(self, p: Vector) -> tuple[Any, Any]:
        """The value at ``p`` and the gradient as one array of shape ``(len(wrt), ...)``."""
        value, partials = self.function.value_and_grad(*self._values(p))
        return value, np.array(partials)

    def grad(self, p: Vector) -> Any:
        """The gradient at ``p`` as one array of shape ``(len(wrt), ...)``."""
        return self.value_and_grad(p)[1]

    def jacobian(self, p: Vector) -> Any:
        """The Jacobian at ``p``, shape ``(results, len(wrt))``."""
        return self.function.jacobian(*self._values(p))

    def hessian(self, p: Vector) -> Any:
        """The Hessian at ``p``, shape ``(len(wrt), len(wrt))``."""
        return self.function.hessian(*self._values(p))

    def hvp(self, p: Vector, vector: Vector) -> Any:
        """The Hessian at ``p`` times a vector."""
        return np.array(self.function.hvp(self._values(p), self._values(vector)))

    def _values(self, p: Vector) -> Sequence[Any]:
        array = np.asarray(p)
        floats: list[Any] = array.tolist() if array.ndim == 1 and array.dtype == np.float64 else list(p)
        return floats


def _plus(parts: Sequence[Node]) -> Node:
    result = parts[0]
    for part in parts[1:]:
        result = build(OPS["add"], (result, part))
    return result
