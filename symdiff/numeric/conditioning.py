"""How much rounding a float evaluation must suffer, to first order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from symdiff.dag import Apply, Const, Node, Symbol, nodes_of
from symdiff.graph import reverse_sweep


def condition(node: Node, point: Mapping[str, float]) -> float:
    """How many ulps the roundings of all inputs and intermediate results can move the value of ``node``.

    At least 1; infinite where everything cancels to 0; nan where a number on the way overflowed,
    which no rounding explains. A bound to first order in the rounding error.
    """
    value, amount = moved(node, point)
    if not math.isfinite(amount):
        return math.nan
    return max(1.0, amount / abs(value)) if value else math.inf if amount else 1.0


def moved(node: Node, point: Mapping[str, float]) -> tuple[float, float]:
    """The value of ``node``, and the sum of |adjoint(v) * v| over every v on the way to it.

    The sum times 2**-53 bounds the absolute error to first order, also where the value is 0; it
    is infinite or nan only where something on the way overflowed.

    Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed. (2008), section 3.4.
    """
    order = nodes_of([node])
    values: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for n in order:
            match n:
                case Symbol(name):
                    values[n] = np.float64(point[name])
                case Const():
                    values[n] = np.float64(float(n))
                case Apply(op, args):
                    values[n] = op.value(*[values[arg] for arg in args])
        bar = reverse_sweep(order, {node: 1.0}, lambda n, ybar: _pulled(n, ybar, values), sum)
        return float(values[node]), float(sum(abs(float(bar[n] * values[n])) for n in bar if bar[n]))


def _pulled(node: Node, ybar: Any, values: Mapping[Node, Any]) -> list[tuple[Node, Any]]:
    if type(node) is not Apply or not node.args or not ybar:
        return []
    op, args = node.op, [_given(arg, values) for arg in node.args]
    if op.pull_back is not None:
        parts = op.pull_back(ybar, *args)
    else:
        partials = op.partials(*args, values[node]) if op.partials is not None else ()
        parts = tuple(None if p is None else ybar * float(p) for p in partials)
    return [(arg, part) for arg, part in zip(node.args, parts, strict=False) if part is not None]


def _given(arg: Node, values: Mapping[Node, Any]) -> Any:
    """A whole number as such: orders are, and a literal exponent of a negative base has no partial.

    Not beyond those that floats hold exactly, of which NumPy takes no logarithm.
    """
    whole = type(arg) is Const and isinstance(arg.value, int) and abs(arg.value) <= 2**53
    return arg.value if whole else values[arg]  # type: ignore[attr-defined]
