"""NumPy at one point, level by level: for formulas with many equal parts, as in sums over thousands of variables.

All numbers lie in one buffer, in an order in which each group of equal steps writes to one stretch of it, and reads
stretches where it can. A call costs about 1 µs for each group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from symdiff.numeric.backends import UNSHARED, Shape, arranged
from symdiff.numeric.backends.blockcode import KEYWORD_ONLY
from symdiff.numeric.backends.checks import to_check
from symdiff.numeric.backends.levels import TOTAL, grouped
from symdiff.numeric.steps import Steps
from symdiff.ops import Op

_LEAST: Final = 500  # steps; fewer are fast enough one by one
_SHARE: Final = 30  # steps in a group on average, at least
_PIECES: Final = 3  # stretches that are copied one by one; more are gathered by index

Places = NDArray[np.intp]


def pays(steps: Steps) -> bool:
    """Whether a program is wide enough."""
    size = len(steps.code)
    return size > _LEAST and size > _SHARE * len(grouped(steps))


def scalar_function(steps: Steps, shape: Shape, general: Callable[..., Any]) -> Wide:
    """A function of floats; ``general`` is called with the same arguments where it cannot answer."""
    return Wide(steps, shape, general)


class Wide:
    """A function of floats on a wavefront."""

    def __init__(self, steps: Steps, shape: Shape, general: Callable[..., Any]) -> None:
        self.wavefront = Wavefront(steps)
        self.inputs = len(steps.inputs)
        self.shape = shape
        self.general = general

    def __call__(self, *values: Any) -> Any:
        if len(values) == self.inputs and all(type(value) is float for value in values):
            outputs = self.wavefront(np.array(values))
            if outputs is not None:
                return arranged(self.shape, outputs.tolist())
        return self.general(*values)

    def of_vector(self, p: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """All outputs, from all inputs in one vector; None where only ``general`` has an answer."""
        return self.wavefront(p) if p.shape == (self.inputs,) and p.dtype == np.float64 else None


class Wavefront:
    """Evaluates a program at one point. Several threads may call it at once."""

    def __init__(self, steps: Steps) -> None:
        self._plan = _Plan(steps)
        self._free = [_Workspace(self._plan)]

    def __call__(self, p: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The outputs in order for the inputs in order; None where an output or a guarded step is not finite."""
        try:
            workspace = self._free.pop()
        except IndexError:  # other threads have them all
            workspace = _Workspace(self._plan)
        result = workspace.run(p)
        self._free.append(workspace)
        return result


@dataclass(frozen=True, slots=True)
class _Group:
    """``stretch = function(*arguments)``, by places; a total has all its terms in one argument."""

    function: Any
    kinds: tuple[str, ...]
    arguments: Sequence[Places]
    stretch: slice
    is_truth: bool
    lengths: Sequence[int] = ()  # of totals: how many terms each has


class _Plan:
    """Where each slot lies: inputs, constants, then group after group; truths in a buffer of their own."""

    def __init__(self, steps: Steps) -> None:
        groups = grouped(steps)
        self.truths = steps.truths
        self.inputs = len(steps.inputs)
        self.constants = np.array(list(steps.constants.values()), np.float64)
        first = [*steps.inputs.values(), *steps.constants]
        slots = 1 + max([slot for members in groups.values() for slot, _ in members], default=0)
        self.place = np.zeros(max(slots, steps.slots), np.intp)
        self.place[first] = range(len(first))
        self.sizes = {False: len(first), True: 0}
        self.groups = [self._arranged(key[1], key[2], members) for key, members in groups.items()]
        self.outputs = np.array([self._as_number(slot) for slot in steps.outputs], np.intp)
        self.guarded = self.place[sorted(to_check(steps).difference(steps.outputs))]

    def _arranged(self, function: Any, kinds: tuple[str, ...], members: list[tuple[int, Sequence[int]]]) -> _Group:
        slots = np.array([slot for slot, _ in members])
        if function is TOTAL:
            rows = [np.sort(self.place[list(args)]) for _, args in members]
            stretch = self._stretch(slots, False)
            return _Group(function, kinds, [np.concatenate(rows)], stretch, False, [len(row) for row in rows])
        columns = self.place[np.array([args for _, args in members])].T
        # Constants are stored in the order of the group, so they have no say in it.
        order = np.lexsort([columns[i] for i in sorted(range(len(kinds)), key=lambda i: (kinds[i] != "c", -i))])
        is_truth = members[0][0] in self.truths
        return _Group(function, kinds, columns[:, order], self._stretch(slots[order], is_truth), is_truth)

    def _stretch(self, slots: Places, is_truth: bool) -> slice:
        start = self.sizes[is_truth]
        stop = self.sizes[is_truth] = start + slots.size
        self.place[slots] = range(start, stop)
        return slice(start, stop)

    def _as_number(self, slot: int) -> int:
        """The place of a result among the numbers."""
        place = int(self.place[slot])
        if slot not in self.truths:
            return place
        stretch = slice(self.sizes[False], self.sizes[False] + 1)
        self.sizes[False] += 1
        self.groups.append(_Group(np.asarray, ("t",), [np.array([place])], stretch, False))
        return stretch.start


class _Workspace:
    """The buffers of one thread, and the calls that fill them."""

    def __init__(self, plan: _Plan) -> None:
        self.numbers = np.zeros(plan.sizes[False])
        self.truths = np.zeros(plan.sizes[True], np.bool_)
        self.constants = plan.constants
        self.first = plan.inputs
        self.inputs = self.numbers[: plan.inputs]
        self.numbers[plan.inputs : plan.inputs + plan.constants.size] = plan.constants
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        for group in plan.groups:
            if group.function is TOTAL:
                self._add_total(group)
            else:
                self._add(group)
        self.outputs = plan.outputs
        self.guarded = plan.guarded

    def run(self, p: NDArray[np.float64]) -> NDArray[np.float64] | None:
        with np.errstate(all="ignore"):
            self.inputs[...] = p
            for function, args in self.calls:
                function(*args)
            result = self.numbers.take(self.outputs)
            good = _is_finite(result) and (not self.guarded.size or _is_finite(self.numbers.take(self.guarded)))
        return result if good else None

    def _add(self, group: _Group) -> None:
        target = (self.truths if group.is_truth else self.numbers)[group.stretch]
        operands = [self._operand(places, kind) for places, kind in zip(group.arguments, group.kinds, strict=True)]
        function = group.function
        if function in KEYWORD_ONLY:
            self.calls.append((partial(function, out=target), tuple(operands)))
        elif isinstance(function, np.ufunc):
            self.calls.append((function, (*operands, target)))
        else:
            self.calls.append((_assign, (target, function.value if isinstance(function, Op) else function, operands)))

    def _add_total(self, group: _Group) -> None:
        (places,) = group.arguments
        target = self.numbers[group.stretch]
        terms = self._operand(places, "n")
        if terms.size < places.size:  # one number again and again
            terms = self._gathered(places, self.numbers)
        count, length = len(group.lengths), group.lengths[0]
        if count == 1:
            self.calls.append((np.add.reduce, (terms, 0, None, target.reshape(()))))
        elif places.size == count * length and len(set(group.lengths)) == 1:
            self.calls.append((np.add.reduce, (terms.reshape(count, length), 1, None, target)))
        else:
            starts = np.cumsum([0, *group.lengths[:-1]])
            self.calls.append((np.add.reduceat, (terms, starts, 0, None, target)))

    def _operand(self, places: Places, kind: str) -> NDArray[Any]:
        """What is at the places: a view where they are evenly spaced, else what a call before this one copies."""
        if kind == "c":
            values = self.constants[places - self.first]
            return np.array(values[0]) if (places == places[0]).all() else values
        source = self.truths if kind == "t" else self.numbers
        strides = np.diff(places)
        stride = int(np.sort(strides)[strides.size // 2]) if strides.size else 0
        breaks = np.flatnonzero(strides != stride) + 1
        if not breaks.size:
            return _evenly(source, int(places[0]), stride, places.size)
        if breaks.size >= _PIECES:
            return self._gathered(places, source)
        copied = np.empty(places.size, source.dtype)
        for start, stop in zip([0, *breaks], [*breaks, places.size], strict=True):
            piece = _evenly(source, int(places[start]), stride, stop - start)
            self.calls.append((np.copyto, (copied[start:stop], piece)))
        return copied

    def _gathered(self, places: Places, source: NDArray[Any]) -> NDArray[Any]:
        copied = np.empty(places.size, source.dtype)
        self.calls.append((source.take, (places, 0, copied, "clip")))  # "raise" would copy twice
        return copied


def _evenly(source: NDArray[Any], start: int, stride: int, count: int) -> NDArray[Any]:
    """A view; of the one number, if it is the same again and again."""
    return source[start::stride][:count] if stride else source[start : start + 1]


def _assign(target: NDArray[Any], function: Callable[..., Any], operands: Sequence[Any]) -> None:
    target[...] = function(*operands)


def _is_finite(values: NDArray[np.float64]) -> bool:
    if values.size <= UNSHARED and -np.inf < values.dot(values) < np.inf:
        return True
    return bool(np.isfinite(values).all())
