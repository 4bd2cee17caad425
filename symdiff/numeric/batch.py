"""Evaluation at many points: any arrays in, the right kernel, threads, and hard points done again.

A kernel runs the plain program and names the points at which something on the way was not finite. These are
evaluated by the careful program, which knows edges and domains (see `adjoint` and `domain`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from symdiff.dag import Node
from symdiff.errors import VariableError
from symdiff.numeric import memory
from symdiff.numeric.choice import Choice
from symdiff.numeric.domain import inside
from symdiff.numeric.points import Points, lies_flat
from symdiff.numeric.program import Program, compile_program
from symdiff.numeric.steps import Steps, evaluate, in_steps
from symdiff.numeric.threads import spread, usable_cores
from symdiff.numeric.values import DOUBLE, accurate_sum, real

_STRIDE: Final = 1 << 20  # points between two looks at whether somebody pressed Ctrl-C
_CONVERTED: Final = 1 << 15  # points converted at a time: they stay in the cache until they are used
_SINGLE: Final = np.dtype(np.float32)
_THREADED: Final = 1_000_000  # nanoseconds of work for each thread, at least: starting one takes 50,000


@dataclass(frozen=True)
class Roots:
    """What is evaluated: scalar formulas, and what tells where they are undefined.

    Attributes:
        names: the inputs.
        heads: the components of the formula that users asked for (one, if it is no vector).
        domains: formulas, by component, where this one is nan if they are.
        results: the scalar formulas, first of all the heads; with the rules for edges if the argument is True.
        component: for each result the component whose domain it has; None for that of all together.
    """

    names: tuple[str, ...]
    heads: tuple[Node, ...]
    domains: tuple[tuple[Node, ...], ...]
    results: Callable[[bool], list[Node]]
    component: tuple[int | None, ...]


class Batch:
    """Evaluates `Roots` on anything that users pass in."""

    def __init__(self, roots: Roots, choice: Choice) -> None:
        self.roots = roots
        self.choice = choice
        self._checks = [node for domain in roots.domains for node in domain]

    @cached_property
    def program(self) -> Program:
        """The plain program: results, then domains, which are only checked."""
        return compile_program([*self.roots.results(False), *self._checks], self.roots.names)

    @cached_property
    def steps(self) -> Steps:
        return in_steps(self.program)

    @cached_property
    def _careful(self) -> Steps:
        tests = [inside(node) for node in (*self.roots.heads, *self._checks)]
        return in_steps(compile_program([*self.roots.results(True), *self._checks, *tests], self.roots.names))

    def __call__(self, *values: Any) -> list[Any]:
        """The results in order: floats for floats, else arrays of the broadcast shape.

        Raises:
            VariableError: too few or too many values, or one that is no real number.
            ShapeError: arrays that do not broadcast together.
        """
        count = _length(values)
        if 1 < count <= _STRIDE and len(values) == len(self.roots.names):
            return self._at_once(values, count)
        return self.run(self.converted(values), self._stored)

    def _at_once(self, values: Sequence[Any], count: int) -> list[Any]:
        """What `run` does, where nothing has to be converted: it takes longer than a kernel on a thousand points."""
        varying = tuple([type(value) is not float for value in values])
        kernel, nanoseconds = self.choice.kernel(self.steps, varying, self._stored, count)
        if nanoseconds >= 2 * _THREADED and self._threads > 1:
            return self.run(values, self._stored)
        results = [memory.empty(count) for _ in self._stored]
        again = kernel(values, results)
        if again.size:
            self._repair(values, results, self._stored, again)
        return results

    @cached_property
    def _stored(self) -> tuple[bool, ...]:
        """Nothing is summed."""
        return (False,) * len(self.roots.component)

    @property
    def _threads(self) -> int:
        return self.choice.settings.threads or usable_cores()

    def converted(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Floats and float arrays.

        Raises:
            VariableError: too few or too many values, or one that is no real number.
        """
        names = self.roots.names
        if len(values) != len(names):
            raise VariableError(
                f"expected {len(names)} value{'s' * (len(names) != 1)} ({', '.join(names)}), got {len(values)}"
            )
        return tuple([real(value, name) for value, name in zip(values, names, strict=True)])

    def floats(self, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The values as floats, if they are numbers and some are no floats yet; else None."""
        kinds = set(map(type, values))
        if np.ndarray in kinds or kinds <= {float}:
            return None
        given = self.converted(values)
        return given if all(type(value) is float for value in given) else None

    def run(self, values: Sequence[Any], summed: tuple[bool, ...]) -> list[Any]:
        """The results at all points, those that are ``summed`` as the sum over the points."""
        points = Points(values, self.roots.names)
        n = points.count
        kind = points.dtype or DOUBLE
        results: list[NDArray[Any]] = [
            np.zeros(1) if total else memory.empty(n) if kind is DOUBLE else np.empty(n, kind) for total in summed
        ]
        if n:
            sums = self._everywhere(points, results, summed)
            for i in [i for i, total in enumerate(summed) if total]:
                results[i][0] = accurate_sum([part[i] for part in sums])
        if points.dtype is None:
            return [float(result[0]) for result in results]
        return [
            _scalar(result[0], kind) if total else result if points.shape == (n,) else result.reshape(points.shape)[()]
            for result, total in zip(results, summed, strict=True)
        ]

    def _everywhere(self, points: Points, results: list[NDArray[Any]], summed: tuple[bool, ...]) -> list[list[float]]:
        """Evaluate, in as many threads as pay. Gives partial sums of all results, 0 for those that are stored."""
        kernel, nanoseconds = self.choice.kernel(self.steps, points.varying, summed, points.count)
        sums: list[list[float]] = []

        def work(first: int, last: int) -> None:
            sums.append(self._stretch(kernel, points, results, summed, first, last))

        stride = _STRIDE if points.are_flat and points.dtype is not _SINGLE else _CONVERTED
        threads = int(min(nanoseconds / _THREADED, self._threads))
        if threads < 2 and points.count <= stride:
            work(0, points.count)
        else:
            spread(work, points.count, stride, max(threads, 1))
        return sums

    def _stretch(
        self,
        kernel: Any,
        points: Points,
        results: list[NDArray[Any]],
        summed: tuple[bool, ...],
        first: int,
        last: int,
    ) -> list[float]:
        """Evaluate at some of the points, in the calling thread."""
        inputs = points.between(first, last)
        outputs = [
            np.zeros(1) if total else result[first:last] if result.dtype is DOUBLE else np.empty(last - first)
            for result, total in zip(results, summed, strict=True)
        ]
        again = kernel(inputs, outputs)
        if again.size:
            self._repair(inputs, outputs, summed, again)
        for result, output in zip(results, outputs, strict=True):
            if result.dtype is not DOUBLE:
                with np.errstate(over="ignore"):
                    result[first:last] = output
        return [float(output[0]) if total else 0.0 for output, total in zip(outputs, summed, strict=True)]

    def _repair(
        self,
        inputs: Sequence[Any],
        outputs: list[NDArray[np.float64]],
        summed: tuple[bool, ...],
        again: NDArray[np.intp],
    ) -> None:
        """Evaluate at hard points by the careful program, and put that in place, or add it to the sums."""
        for start in range(0, again.size, _CONVERTED):
            some = again[start : start + _CONVERTED]
            given = [value[some] if isinstance(value, np.ndarray) else value for value in inputs]
            for output, result, total in zip(outputs, self._carefully(given), summed, strict=True):
                if total:
                    output[0] = accurate_sum([output[0], *np.broadcast_to(result, some.shape)])
                else:
                    output[some] = result

    def _carefully(self, values: Sequence[Any]) -> list[Any]:
        """The results, nan where they are undefined: where a head is nan, or finite outside of its domain."""
        count = len(self.roots.component)
        found = evaluate(self._careful, values)
        results, checks = found[:count], found[count : count + len(self._checks)]
        tests = iter(found[count + len(self._checks) :])
        undefined = [_undefined(head, next(tests)) for head, _ in zip(results, self.roots.heads, strict=False)]
        lost = iter([_undefined(check, test) for check, test in zip(checks, tests, strict=True)])
        for domain in self.roots.domains:
            parts = [next(lost) for _ in domain]
            apart = len(parts) == len(undefined)
            undefined = [u | (parts[i] if apart else parts[0]) for i, u in enumerate(undefined)]
        anywhere = np.any(np.broadcast_arrays(*undefined), axis=0)
        return [
            np.where(anywhere if i is None else undefined[i], np.nan, result)
            for i, result in zip(self.roots.component, results, strict=True)
        ]


def _scalar(number: Any, kind: np.dtype[Any]) -> Any:
    with np.errstate(over="ignore"):
        return float(number) if kind is DOUBLE else kind.type(number)


def _length(values: Sequence[Any]) -> int:
    """Of flat arrays of doubles, if all values are such of the same length, or floats; else 0."""
    count = -1
    for value in values:
        if type(value) is np.ndarray:
            if not lies_flat(value) or count not in (-1, len(value)):
                return 0
            count = len(value)
        elif type(value) is not float:
            return 0
    return max(count, 0)


def _undefined(value: Any, test: Any) -> Any:
    return np.isnan(value) | (np.equal(test, 0) & np.isfinite(value))
