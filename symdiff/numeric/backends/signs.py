"""Fewer steps for the same numbers, bit for bit: negations that need no step, divisions that are products.

A negation goes into the constant that it meets, makes a sum a difference, or moves through a product to where it
meets one of these. Dividing by a power of two is multiplying by its inverse. A nan may change its sign.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np

from symdiff.numeric.steps import Step, Steps, has_exact_reciprocal

_PRODUCTS: Final = (np.multiply, np.divide)


def without_negations(steps: Steps) -> Steps:
    """The same program with no more steps, in most cases fewer."""
    return _Rewriter(steps).steps


class _Rewriter:
    def __init__(self, steps: Steps) -> None:
        self.steps = replace(steps, constants=dict(steps.constants), code=[])
        self.uses = Counter(chain(steps.outputs, chain.from_iterable([step.args for step in steps.code])))
        self.negated: dict[int, int] = {}  # a slot, and that of which it is the negative
        self.constants = {value: slot for slot, value in steps.constants.items() if value}
        for step in steps.code:
            self._rewrite(step)
        self.steps.drop_unread()
        self._negate_constants()
        self.steps.drop_unread()

    def _rewrite(self, step: Step) -> None:
        function, args = step.function, step.args
        if function is np.negative:
            self.negated[step.slot] = args[0]
        elif function in (np.add, np.subtract):
            step = self._added(step)
        elif function in _PRODUCTS:
            step = self._multiplied(step)
        self.steps.code.append(step)

    def _added(self, step: Step) -> Step:
        """``x + -y`` is ``x - y``; but ``-x - y`` is not ``-(x + y)``, whose zeros have another sign."""
        a, b = step.args
        is_sum = step.function is np.add
        if b in self.negated and a in self.negated and not is_sum:
            return replace(step, args=(self.negated[b], self.negated[a]))
        if b in self.negated:
            return replace(step, function=np.subtract if is_sum else np.add, args=(a, self.negated[b]))
        if a in self.negated and is_sum:
            return replace(step, function=np.subtract, args=(b, self.negated[a]))
        return step

    def _multiplied(self, step: Step) -> Step:
        a, b = step.args
        constants = self.steps.constants
        if step.function is np.divide and has_exact_reciprocal(constants.get(b, 0.0)):
            step = replace(step, function=np.multiply, args=(a, self._constant(1 / constants[b])))
            a, b = step.args
        for negative, other in ((a, b), (b, a)):
            if negative in self.negated and constants.get(other):
                flipped = {negative: self.negated[negative], other: self._constant(-constants[other])}
                return replace(step, args=(flipped[a], flipped[b]))
        if a in self.negated and b in self.negated:
            return replace(step, args=(self.negated[a], self.negated[b]))
        if any(arg in self.negated and self.uses[arg] == 1 for arg in (a, b)):
            return self._outside(step)
        return step

    def _outside(self, step: Step) -> Step:
        """``-a*b`` as ``-(a*b)``."""
        args = tuple([self.negated.get(arg, arg) for arg in step.args])
        slot = self.steps.slots
        self.steps.slots += 1
        self.steps.code.append(replace(step, args=args, slot=slot))
        self.negated[step.slot] = slot
        return Step(np.negative, (slot,), step.slot)

    def _constant(self, value: float) -> int:
        slot = self.constants.get(value)
        if slot is None:
            slot = self.constants[value] = self.steps.slots
            self.steps.constants[slot] = value
            self.steps.slots += 1
        return slot

    def _negate_constants(self) -> None:
        """Where a negation is left, of a product with a constant: the product with its negative."""
        code, constants = self.steps.code, self.steps.constants
        place = {step.slot: i for i, step in enumerate(code)}
        for i, step in enumerate(code):
            if step.function is not np.negative or step.args[0] not in place:
                continue
            product = code[place[step.args[0]]]
            flipped = next((arg for arg in product.args if constants.get(arg)), None)
            if product.function in _PRODUCTS and flipped is not None and len(set(product.args)) == 2:
                other = self._constant(-constants[flipped])
                args = tuple([other if arg == flipped else arg for arg in product.args])
                code[i] = replace(product, args=args, slot=step.slot, guarded=step.guarded or product.guarded)
                code[place[product.slot]] = replace(product, guarded=False)  # the other one is infinite where this is
