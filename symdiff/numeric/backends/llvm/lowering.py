"""From steps to LLVM code: what each of NumPy's functions does to a double, nan and signed zeros included.

Arithmetic is done in the order of the steps and is never contracted to fused operations, so that it gives NumPy's
results bit for bit: kinks lie where NumPy puts them, and ``x*x - y*y`` is zero for equal x and y.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from symdiff.numeric.backends.llvm.elementary import FUNCTIONS
from symdiff.numeric.backends.llvm.ir import MASK, Builder, Value
from symdiff.numeric.steps import Step, Steps, has_exact_reciprocal
from symdiff.ops import Op

Rule = Callable[..., Value]

_EXACT_QUOTIENT: Final = 2.0**52  # below, a quotient's whole part is exact or 1 too large


def number(b: Builder, value: Value) -> Value:
    """A truth as 1.0 or 0.0; a number as it is."""
    return b.select(value, 1.0, 0.0) if value.kind == MASK else value


def truth(_: Builder, value: Value) -> Value:
    """A number as whether it is not zero (nan is not); a truth as it is."""
    return value if value.kind == MASK else value.differs(0.0)


def _maximum(b: Builder, x: Value, y: Value) -> Value:
    return b.select(_isnan(b, x), x, b.select(x > y, x, y))


def _minimum(b: Builder, x: Value, y: Value) -> Value:
    return b.select(_isnan(b, x), x, b.select(x < y, x, y))


def _fmax(b: Builder, x: Value, y: Value) -> Value:
    return b.select(_isnan(b, y), x, b.select(x > y, x, y))


def _fmin(b: Builder, x: Value, y: Value) -> Value:
    return b.select(_isnan(b, y), x, b.select(x < y, x, y))


def _isnan(_: Builder, x: Value) -> Value:
    return x.differs(x)


def _isinf(b: Builder, x: Value) -> Value:
    return b.intrinsic("fabs", x).equals(math.inf)


def _isfinite(b: Builder, x: Value) -> Value:
    return b.intrinsic("fabs", x) < math.inf


def _sign(b: Builder, x: Value) -> Value:
    other = b.select(x.equals(0.0), 0.0, x)  # +0.0 for -0.0; nan
    return b.select(x > 0.0, 1.0, b.select(x < 0.0, -1.0, other))


def _heaviside(b: Builder, x: Value, at_zero: Value) -> Value:
    other = b.select(x.equals(0.0), at_zero, x)
    return b.select(x > 0.0, 1.0, b.select(x < 0.0, 0.0, other))


def _remainder(b: Builder, x: Value, y: Value) -> Value:
    """With the sign of ``y``, as Python has it."""
    rest = _truncated_remainder(b, x, y)
    moved = b.select((rest < 0.0) ^ (y < 0.0), rest + y, rest)
    return b.select(rest.equals(0.0), b.intrinsic("copysign", 0.0, y), moved)


def _truncated_remainder(b: Builder, x: Value, y: Value) -> Value:
    """C's ``fmod``, exactly: the rest is a double, and so is what a rounded quotient leaves."""
    if b.width == 1 or not b.has_fma:
        return b.library("fmod", x, y)
    whole = b.intrinsic("trunc", x / y)
    b.flag(~(b.intrinsic("fabs", whole) < _EXACT_QUOTIENT) | _isinf(b, y))
    rest = b.fma(-whole, y, x)
    too_far = ((rest < 0.0) & (x > 0.0)) | ((rest > 0.0) & (x < 0.0))
    return b.intrinsic("copysign", b.select(too_far, rest + b.intrinsic("copysign", y, x), rest), x)


def _logaddexp(b: Builder, x: Value, y: Value) -> Value:
    """log(e**x + e**y); flagged where the larger is infinite and the difference may be nan."""
    larger, smaller = _maximum(b, x, y), _minimum(b, x, y)
    return larger + elementary(b, "log1p", elementary(b, "exp", smaller - larger))


def _logaddexp2(b: Builder, x: Value, y: Value) -> Value:
    larger, smaller = _maximum(b, x, y), _minimum(b, x, y)
    return larger + elementary(b, "log1p", elementary(b, "exp2", smaller - larger)) * (1 / math.log(2))


RULES: Final[dict[str, Rule]] = {
    "add": lambda b, x, y: x + y,
    "subtract": lambda b, x, y: x - y,
    "multiply": lambda b, x, y: x * y,
    "divide": lambda b, x, y: x / y,
    "negative": lambda b, x: -x,
    "positive": lambda b, x: x,
    "conjugate": lambda b, x: x,
    "absolute": lambda b, x: b.intrinsic("fabs", x),
    "fabs": lambda b, x: b.intrinsic("fabs", x),
    "square": lambda b, x: x * x,
    "reciprocal": lambda b, x: 1.0 / x,
    "deg2rad": lambda b, x: x * (math.pi / 180),
    "radians": lambda b, x: x * (math.pi / 180),
    "rad2deg": lambda b, x: x * (180 / math.pi),
    "degrees": lambda b, x: x * (180 / math.pi),
    "sqrt": lambda b, x: b.intrinsic("sqrt", x),
    "floor": lambda b, x: b.intrinsic("floor", x),
    "ceil": lambda b, x: b.intrinsic("ceil", x),
    "rint": lambda b, x: b.intrinsic("rint", x),
    "trunc": lambda b, x: b.intrinsic("trunc", x),
    "copysign": lambda b, x, y: b.intrinsic("copysign", x, y),
    "sign": _sign,
    "heaviside": _heaviside,
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": _fmax,
    "fmin": _fmin,
    "remainder": _remainder,
    "fmod": _truncated_remainder,
    "less": lambda b, x, y: x < y,
    "less_equal": lambda b, x, y: x <= y,
    "greater": lambda b, x, y: x > y,
    "greater_equal": lambda b, x, y: x >= y,
    "equal": lambda b, x, y: x.equals(y),
    "not_equal": lambda b, x, y: x.differs(y),
    "isnan": _isnan,
    "isinf": _isinf,
    "isfinite": _isfinite,
    "signbit": lambda b, x: b.bits(x) < 0,
    "logaddexp": _logaddexp,
    "logaddexp2": _logaddexp2,
}
"""By name of the function in NumPy; arguments are numbers."""

_LOGICAL: Final[dict[str, Rule]] = {
    "logical_and": lambda b, p, q: p & q,
    "logical_or": lambda b, p, q: p | q,
    "logical_xor": lambda b, p, q: p ^ q,
    "logical_not": lambda b, p: ~p,
}

LIBRARY: Final[dict[str, str]] = {
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p": "log1p",
    "power": "pow",
    "float_power": "pow",
    "cbrt": "cbrt",
    "hypot": "hypot",
    "erf": "erf",
    "erfc": "erfc",
    "gamma": "tgamma",
    "lgamma": "lgamma",
}
"""Functions of the C library by their names in NumPy, or by those of rows that are one step."""

_SLOW_LIBRARY: Final = ("sinh", "cosh", "tanh")  # 5 ns more than what is written out, in glibc 2.36


def lacking(steps: Steps) -> tuple[str, ...]:
    """The names of steps that have no form here, each once."""
    return tuple(dict.fromkeys(step.name for step in steps.code if not _is_known(step)))


def _is_known(step: Step) -> bool:
    """Whether it is what its name says, and has a form here: anybody may add rows and ufuncs."""
    if isinstance(step.function, Op):
        is_ours = getattr(step.function.value, "__module__", "").startswith("symdiff.ops.")
        return is_ours and (step.name in LIBRARY or step.name in FUNCTIONS)
    if step.function is not getattr(np, step.name, None):
        return False
    return any(step.name in table for table in (RULES, LIBRARY, FUNCTIONS, _LOGICAL)) or step.function is np.where


def trouble(b: Builder, values: Sequence[Value]) -> Value:
    """A mask: which lanes are flagged, or have a value that is not finite. Times 0, only such values are nan."""
    total = b.constant(0.0)
    for value in values:
        total = b.fma(value, 0.0, total)
    mask = total.differs(total)
    return mask if b.flagged is None else mask | b.flagged


def is_long(step: Step, width: int) -> bool:
    """Whether it takes many instructions for so many lanes."""
    if step.name in ("logaddexp", "logaddexp2"):
        return True
    return _is_written_out(step.name, width) or (step.name in LIBRARY and width > 1)


def _is_written_out(name: str, width: int) -> bool:
    """Whether it is not left to the C library, which is for one lane as fast, if it is, and knows huge angles."""
    return name in FUNCTIONS and (width > 1 or name in _SLOW_LIBRARY or name not in LIBRARY)


def elementary(b: Builder, name: str, *args: Value) -> Value:
    """A function by its name in the tables."""
    if name in RULES:
        return RULES[name](b, *args)
    return FUNCTIONS[name](b, *args) if _is_written_out(name, b.width) else b.library(LIBRARY[name], *args)


def lowered(b: Builder, steps: Steps, step: Step, args: Sequence[Value]) -> Value:
    """The value of a step; a mask if it is a truth."""
    name = step.name
    if name == "where":
        value = _chosen(b, *args)
    elif name in _LOGICAL:
        value = _LOGICAL[name](b, *[truth(b, arg) for arg in args])
    elif name == "divide" and has_exact_reciprocal(steps.constants.get(step.args[1], 0.0)):
        value = number(b, args[0]) * (1.0 / steps.constants[step.args[1]])
    else:
        value = elementary(b, name, *[number(b, arg) for arg in args])
    return truth(b, value) if step.slot in steps.truths else number(b, value)


def divided(b: Builder, x: Value, y: Value, reciprocal: Value) -> Value:
    """``x/y`` from ``1/y``: the same bits as by division, unless something under- or overflows on the way.

    Then the last bit may differ, or the result is nan, where it is infinite or y is. Needs fma.

    Source: P. W. Markstein, IBM J. Res. Dev. 34 (1990) 111-119; N. Brisebarre, J.-M. Muller, S. K. Raina, IEEE
    Trans. Comput. 53 (2004) 1069-1072.
    """
    near = x * reciprocal
    better = b.fma(b.fma(-near, y, x), reciprocal, near)
    return b.intrinsic("copysign", better, near)  # -0.0 stays


def _chosen(b: Builder, test: Value, x: Value, y: Value) -> Value:
    if x.kind == y.kind == MASK:
        return b.select(truth(b, test), x, y)
    return b.select(truth(b, test), number(b, x), number(b, y))
