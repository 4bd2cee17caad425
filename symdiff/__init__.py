"""symdiff: a formula in, its closed-form derivative and its gradient out, shown to agree.

    >>> import symdiff as sd
    >>> f = sd.parse("6*x**2 + 2*x + 4")
    >>> print(f.diff("x"))
    12*x + 2
    >>> f.at(x=3).grad["x"]
    38.0

Every operation of the table is a function here, by its name in the language: ``sd.sin(x)``,
``sd.where(x > 0, x, 0)``, ``sd.pi``.
"""

from __future__ import annotations

from typing import Any

from symdiff.compare import Comparison
from symdiff.comparing import compare
from symdiff.errors import (
    ElementError,
    GradcheckError,
    LimitError,
    MissingExtraError,
    OperationError,
    SettingError,
    ShapeError,
    SourceError,
    StateError,
    SymdiffError,
    SymdiffWarning,
    TensorError,
    TensorShapeError,
    UndifferentiableError,
    VariableError,
    WorkerError,
)
from symdiff.expr import (
    Evaluation,
    Expr,
    compile,
    diff,
    from_sympy,
    gradient,
    hessian,
    jacobian,
    parse,
    simplify,
    symbols,
    to_sympy,
)
from symdiff.numeric.function import Function, Kink
from symdiff.ops import arithmetic as _arithmetic
from symdiff.ops import find as _find
from symdiff.ops import function_names as _function_names
from symdiff.tracing import trace

__version__ = "0.1.0"

pi = _arithmetic.pi
tau = _arithmetic.tau
e = _arithmetic.e
inf = _arithmetic.inf

__all__ = [
    "Comparison",
    "ElementError",
    "Evaluation",
    "Expr",
    "Function",
    "GradcheckError",
    "Kink",
    "LimitError",
    "MissingExtraError",
    "OperationError",
    "SettingError",
    "ShapeError",
    "SourceError",
    "StateError",
    "SymdiffError",
    "SymdiffWarning",
    "TensorError",
    "TensorShapeError",
    "UndifferentiableError",
    "VariableError",
    "WorkerError",
    "compare",
    "compile",
    "diff",
    "e",
    "from_sympy",
    "gradient",
    "hessian",
    "inf",
    "jacobian",
    "kernel_cache",
    "parse",
    "pi",
    "simplify",
    "symbols",
    "tau",
    "to_sympy",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name == "kernel_cache":  # with what only those need who look at it
        from symdiff.numeric.backends.llvm.cache import kernel_cache

        return kernel_cache
    op = None if name.startswith("_") else _find(name)
    if op is None or op.arity == 0 or op.infix == "[]":
        raise AttributeError(f"symdiff has no attribute {name!r}")
    return op


def __dir__() -> list[str]:
    return sorted([*globals(), *_function_names()])
