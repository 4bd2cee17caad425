"""Steps by level: what depends on nothing of its own level can be done at once, if it is the same function.

A sum of n terms is written as a chain of n - 1 additions, each on its own level. Additions whose result only another
one reads become one sum with that one, which is then split evenly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from symdiff.numeric.steps import Step, Steps

TOTAL: Final = "total"  # in place of a function: the sum of any number of arguments
_FEW: Final = 8  # terms that are added pair by pair, together with those of other sums on the same level
_ADDITIVE: Final = frozenset((np.add, np.subtract, np.negative))

Key = tuple[int, Any, tuple[str, ...]]
Groups = dict[Key, list[tuple[int, Sequence[int]]]]
"""By level, function and kinds of the arguments ("c" constant, "t" truth, "n" number): slots with their arguments."""


def grouped(steps: Steps) -> Groups:
    """All that a program does, in groups of what can be done at once; lower levels first. About 2 µs a step."""
    groups = _Grouping(steps).groups
    return {key: groups[key] for key in sorted(groups, key=lambda key: key[0])}


class _Grouping:
    def __init__(self, steps: Steps) -> None:
        self.groups: Groups = {}
        self.slots = steps.slots
        self.kind = {**dict.fromkeys(steps.constants, "c"), **dict.fromkeys(steps.truths, "t")}
        self.level: dict[int, int] = {}
        self.sums = {step.slot: step for step in steps.code if _is_sum(step, steps.truths)}
        self.inner = self._inner(steps)
        for step in steps.code:
            if step.slot in self.inner:
                continue
            if step.slot in self.sums and not self.inner.isdisjoint(step.args):
                self._place_sum(step)
            else:
                self._place(step.function, step.args, step.slot)

    def _inner(self, steps: Steps) -> set[int]:
        """The sums that are nothing but a term of another one."""
        uses = Counter(chain.from_iterable([step.args for step in steps.code]))
        uses.update(steps.outputs * 2)
        terms = chain.from_iterable([step.args for step in self.sums.values()])
        return {slot for slot in terms if uses[slot] == 1 and slot in self.sums}

    def _place_sum(self, step: Step) -> None:
        added, subtracted = self._terms(step)
        if not subtracted:
            self._total(added, step.slot)
        elif not added:
            self._place(np.negative, (self._total(subtracted),), step.slot)
        else:
            self._place(np.subtract, (self._total(added), self._total(subtracted)), step.slot)

    def _terms(self, step: Step) -> tuple[list[int], list[int]]:
        """What a sum adds and what it subtracts, in order."""
        terms: tuple[list[int], list[int]] = ([], [])
        stack = [(step.slot, False)]
        while stack:
            slot, minus = stack.pop()
            if slot == step.slot or slot in self.inner:
                inner = self.sums[slot]
                stack.append((inner.args[-1], minus != (inner.function is not np.add)))
                if len(inner.args) == 2:
                    stack.append((inner.args[0], minus))
            else:
                terms[minus].append(slot)
        return terms

    def _total(self, terms: list[int], slot: int | None = None) -> int:
        """Where a sum is made, which is ``slot`` if given."""
        if len(terms) == 1 and slot is None:
            return terms[0]
        if slot is None:
            slot = self._new()
        if len(terms) > _FEW:
            return self._place(TOTAL, terms, slot)
        while len(terms) > 2:
            terms = sorted(terms, key=lambda term: self.level.get(term, 0))
            terms = [*terms[2:], self._place(np.add, terms[:2], self._new())]
        return self._place(np.add if len(terms) == 2 else np.positive, terms, slot)

    def _new(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _place(self, function: Any, args: Sequence[int], slot: int) -> int:
        level, kind = self.level, self.kind
        here = level[slot] = 1 + max([level.get(arg, 0) for arg in args], default=0)
        kinds = () if function is TOTAL else tuple([kind.get(arg, "n") for arg in args])
        members = self.groups.get((here, function, kinds))
        if members is None:
            members = self.groups[here, function, kinds] = []
        members.append((slot, args))
        return slot


def _is_sum(step: Step, truths: set[int]) -> bool:
    return step.function in _ADDITIVE and not step.guarded and truths.isdisjoint(step.args)
