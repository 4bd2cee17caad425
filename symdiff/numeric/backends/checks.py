"""Where a program has to be looked at: the fewest results that cannot all be finite if anything that matters is not."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from symdiff.numeric.steps import Steps

_PASSING: Final[dict[Any, tuple[int, ...]]] = {
    **dict.fromkeys((np.add, np.subtract, np.multiply, np.hypot), (0, 1)),
    **dict.fromkeys((np.divide, np.remainder, np.fmod), (0,)),
    **dict.fromkeys((np.negative, np.positive, np.absolute, np.square, np.sqrt, np.cbrt), (0,)),
    **dict.fromkeys((np.sin, np.cos, np.tan, np.sinh, np.cosh, np.arcsin, np.arccos), (0,)),
    **dict.fromkeys((np.arcsinh, np.arccosh, np.arctanh, np.log, np.log2, np.log10, np.log1p), (0,)),
    **dict.fromkeys((np.floor, np.ceil, np.rint, np.trunc), (0,)),
}
"""Which arguments make the result infinite or nan whenever they are, whatever the other one is."""


def to_check(steps: Steps) -> set[int]:
    """The slots that tell, if they are finite, that all inputs, outputs and guarded steps are."""
    wanted = {*steps.inputs.values(), *steps.outputs, *(step.slot for step in steps.code if step.guarded)}
    wanted -= steps.truths
    seen: set[int] = set()  # what is finite if these are
    for step in reversed(steps.code):
        if step.slot in wanted:
            seen.add(step.slot)
        if step.slot in seen:
            passed = [step.args[i] for i in _PASSING.get(step.function, ())]
            seen.update(passed)
            wanted.difference_update(passed)
    return wanted
