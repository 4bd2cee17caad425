"""Jacobians of what a level computed: by rows, a reverse sweep each, or by columns, forward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import sqrt

import numpy as np

from symdiff.eager.joining import stack
from symdiff.eager.levels import Level, pulled_back
from symdiff.eager.tensor import Tensor, wrapped
from symdiff.errors import TensorError


def rows(level: Level, outputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """For each output, its derivatives by each input of the level: of its shape and then the input's."""
    record = level.is_recorded(outputs)
    return [_rows(level, y, record) for y in outputs]


def _rows(level: Level, y: Tensor, record: bool) -> list[Tensor]:
    found = [pulled_back([y], [unit], level.variables, record) for unit in _units(y)]
    parts = [[row[j] for row in found] for j in range(len(level.variables))]
    return [_gathered(part, y.shape, x.shape, x, 0) for part, x in zip(parts, level.variables, strict=True)]


def columns(level: Level, outputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """The same as `rows`, with a sweep for each element of the inputs instead of the outputs."""
    forward = Forward(level, outputs)
    found = [[forward.pushed_one(j, unit) for unit in _units(x)] for j, x in enumerate(level.variables)]
    return [
        [_gathered([c[i] for c in cs], y.shape, x.shape, y, -1) for cs, x in zip(found, level.variables, strict=True)]
        for i, y in enumerate(outputs)
    ]


def in_fewer_sweeps(level: Level, outputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """The same as `rows`, or as `columns` where the inputs have fewer elements than the outputs."""
    fewer = sum(x.numel() for x in level.variables) < sum(y.numel() for y in outputs)
    return (columns if fewer else rows)(level, outputs)


def _gathered(parts: list[Tensor], before: Sequence[int], after: Sequence[int], of: Tensor, dim: int) -> Tensor:
    shape = (*before, *after)
    if not parts:
        return wrapped(np.zeros(shape, of.dtype.numpy))
    return stack(parts, dim).reshape(shape)  # type: ignore[no-any-return]


def _units(x: Tensor) -> Iterator[Tensor]:
    """The unit vectors of a tensor's shape and dtype, in the order of its elements."""
    for i in range(x.numel()):
        unit = np.zeros(x.shape, x.dtype.numpy)
        unit.reshape(-1)[i] = 1
        yield wrapped(unit[()])


def direction(x: Tensor, v: object) -> Tensor:
    """A tangent of ``x``, in its dtype.

    Raises:
        TensorError: it is no tensor of the shape of ``x``.
    """
    if not isinstance(v, Tensor) or v.shape != x.shape:
        told = f"one of {list(v.shape)}" if isinstance(v, Tensor) else type(v).__name__
        raise TensorError(f"a tangent must be a tensor of the shape {list(x.shape)} of its primal, not {told}")
    return v.to(x.dtype)  # type: ignore[no-any-return]


class Forward:
    """Pushes tangents from a level's inputs to outputs computed from them.

    The pulled-back cotangents are linear in the cotangents; their derivative by these, weighted by
    a tangent, is the Jacobian times the tangent. The cotangents are numbers in no relation to each
    other: where they cancelled, or were zero, what the sweeps say of zero times infinity would enter.
    """

    def __init__(self, level: Level, outputs: Sequence[Tensor]) -> None:
        self._level = level
        self._outputs = outputs
        self._cotangents = [level.variable(unrelated(y, k)) for k, y in enumerate(outputs)]
        self._pulled = pulled_back(outputs, self._cotangents, level.variables, True)

    @property
    def depends(self) -> bool:
        """Whether any output depends on an input."""
        return any(part.requires_grad for part in self._pulled)

    @cached_property
    def _record(self) -> bool:
        return self._level.is_recorded(self._outputs)

    def pushed(self, tangents: Sequence[Tensor]) -> list[Tensor]:
        """The tangents of the outputs, from one for each input."""
        record = self._record or self._level.is_recorded(tangents)
        return pulled_back(self._pulled, tangents, self._cotangents, record)

    def pushed_one(self, j: int, tangent: Tensor) -> list[Tensor]:
        """The tangents of the outputs, from one for input ``j`` and none for the others."""
        return pulled_back([self._pulled[j]], [tangent], self._cotangents, self._record)


def unrelated(y: Tensor, k: int) -> Tensor:
    """Numbers between 1 and 2 of the shape of a tensor, others for each ``k``."""
    n = y.numel()
    steps = np.arange(1, n + 1, dtype=np.float64) * (sqrt(5) - 1) / 2 + k * sqrt(2)
    return wrapped((1 + steps % 1).reshape(y.shape).astype(y.dtype.numpy)[()])
