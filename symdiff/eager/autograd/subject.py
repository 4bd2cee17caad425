"""A function whose gradients are checked: its values near the inputs, and the Jacobian that autograd gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from symdiff.eager.dtypes import float64
from symdiff.eager.gradients import grad
from symdiff.eager.jacobians import columns
from symdiff.eager.levels import Level
from symdiff.eager.modes import enable_grad, no_grad
from symdiff.eager.record import reachable
from symdiff.eager.tensor import Tensor, wrapped
from symdiff.errors import GradcheckError, OperationError

Function = Callable[..., Any]


class Subject:
    """A function at its inputs, in the inputs' own dtypes or with all of them in float64.

    Attributes:
        checked: the numbers of the inputs that are differentiated by.
        points: their values, arrays.
        outputs: the results that are tensors of a floating dtype, with their graph.
        eps: the relative rounding error of values: of the widest dtype that inputs and outputs share.

    Raises:
        OperationError: the function returns something else than a tensor or a tuple or list of them.
    """

    def __init__(self, func: Function, given: Sequence[Any], wide: bool) -> None:
        self._func = func
        self._given = [_widened(x) if wide else x for x in given]
        self.checked = [i for i, x in enumerate(self._given) if is_checked(given[i])]
        self.points = [np.array(self._given[i]._value) for i in self.checked]
        self._leaves, self.outputs = self._ran(self.points)
        kinds = [x.dtype for x in (*self._leaves, *self.outputs)]
        self.eps = max((float(np.finfo(kind.numpy).eps) for kind in kinds), default=0.0)

    def _ran(self, points: Sequence[Any]) -> tuple[list[Tensor], list[Tensor]]:
        leaves = [wrapped(np.array(p)[()]).requires_grad_() for p in points]
        with enable_grad():
            return leaves, self._applied(leaves)

    def _applied(self, variables: Sequence[Tensor]) -> list[Tensor]:
        args = list(self._given)
        for i, x in zip(self.checked, variables, strict=True):
            args[i] = x
        return floating(self._func(*args))

    def values(self, points: Sequence[Any]) -> Any:
        """All elements of the outputs at other points, in one vector of float64."""
        found = vector(self._ran(points)[1])
        if found.size != vector(self.outputs).size:
            raise GradcheckError(
                f"the function returns {found.size} elements near the inputs, and {vector(self.outputs).size} at them"
            )
        return found

    def moved(self, j: int, k: int) -> Callable[[float], Any]:
        """The values as a function of what is added to element ``k`` of point ``j``."""

        def line(step: float) -> Any:
            point = self.points[j].copy()
            point.reshape(-1)[k] += point.dtype.type(step)
            return self.values([*self.points[:j], point, *self.points[j + 1 :]])

        return line

    def pulled(self, weights: Any) -> list[Any]:
        """The gradients by the points of the sum of all output elements times weights; zeros where there are none."""
        cotangents = list(_parted(np.asarray(weights), self.outputs))
        active = [(y, ybar) for y, ybar in zip(self.outputs, cotangents, strict=True) if y.requires_grad]
        found: Sequence[Any] = [None] * len(self._leaves)
        if active:
            roots, seeds = zip(*active, strict=True)
            found = grad(roots, self._leaves, seeds, retain_graph=True, allow_unused=True)
        return [
            np.zeros(p.shape) if g is None else np.asarray(g.detach().numpy())
            for g, p in zip(found, self.points, strict=True)
        ]

    def backward_jacobian(self) -> list[Any]:
        """For each point, the derivatives of all outputs (rows) by its elements (columns), by backward passes."""
        size = vector(self.outputs).size
        rows = [self.pulled(unit) for unit in np.eye(size)]
        return [
            np.array([row[j].reshape(-1) for row in rows], np.float64).reshape(size, p.size)
            for j, p in enumerate(self.points)
        ]

    def forward_jacobian(self) -> list[Any]:
        """The same by forward sweeps."""
        with no_grad():
            level = Level(self._leaves)
            with level:
                parts = columns(level, self._applied(level.inputs))
        return [
            np.concatenate([np.reshape(part[j].detach().numpy(), (-1, p.size)) for part in parts]).astype(np.float64)
            for j, p in enumerate(self.points)
        ]

    # -- names

    def input_name(self, j: int, k: int) -> str:
        """``input 1 ('w'), element [0, 2]``."""
        x = self._given[self.checked[j]]
        return f"input {self.checked[j]}" + (f" ({x.name!r})" if x.name else "") + _element(self.points[j].shape, k)

    def output_name(self, i: int) -> str:
        """``output 0, element [2]``."""
        for number, y in enumerate(self.outputs):
            if i < y.numel():
                return f"output {number}" + _element(y.shape, i)
            i -= y.numel()
        raise AssertionError("no such output")

    def culprits(self, i: int) -> str:
        """The user's own functions in the graph of an output's element, else its last operation, with places."""
        for y in self.outputs:
            if i < y.numel():
                break
            i -= y.numel()
        if y.grad_fn is None:
            return "the output has no graph: it was detached, or computed without recording"
        nodes = reachable([y.grad_fn])
        own = [node for node in nodes if node.rule.foreign and not node.rule.trivial]
        return ", ".join(f"{node.name()} at {node.place}" for node in (own or nodes[:1])[:3])


def is_checked(x: Any) -> bool:
    """Whether an input is differentiated by."""
    return isinstance(x, Tensor) and x.requires_grad and x.dtype.is_floating_point


def floating(found: Any) -> list[Tensor]:
    """Those of a function's results that may have derivatives.

    Raises:
        OperationError: something is no tensor.
    """
    results = list(found) if isinstance(found, tuple | list) else [found]
    for y in results:
        if not isinstance(y, Tensor):
            raise OperationError(f"a function to check must return tensors, not {type(y).__name__} ({y!r:.40})")
    return [y for y in results if y.dtype.is_floating_point]


def vector(outputs: Sequence[Tensor]) -> Any:
    """All elements in one vector of float64."""
    parts = [np.asarray(y.detach().numpy(), np.float64).reshape(-1) for y in outputs]
    return np.concatenate(parts) if parts else np.zeros(0)


def _widened(x: Any) -> Any:
    if not isinstance(x, Tensor) or not x.dtype.is_floating_point:
        return x
    found = x.detach().to(float64)
    found.name = x.name
    return found


def _parted(weights: Any, outputs: Sequence[Tensor]) -> Iterator[Tensor]:
    start = 0
    for y in outputs:
        part = weights[start : start + y.numel()].reshape(y.shape)
        yield wrapped(part.astype(y.dtype.numpy)[()])
        start += y.numel()


def _element(shape: Sequence[int], k: int) -> str:
    return f", element {[int(i) for i in np.unravel_index(k, tuple(shape))]}" if shape else ""
