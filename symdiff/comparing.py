"""`compare`: text, expressions and Python functions held against their closed forms, reverse mode and SymPy.

A Python function becomes a formula by running on symbols, or where it needs values by running on
values that record what happens to them (`RECORDERS`). What it gives by itself is then a path of
its own: a branch that the formula did not take shows as a disagreement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Final

import numpy as np

from symdiff.compare import Comparison, Floats, Partial, compare_nodes
from symdiff.errors import OperationError, SymdiffError, VariableError, listed
from symdiff.expr import Expr, as_expr, scalar_node
from symdiff.numeric.values import mapped
from symdiff.tracing import arranged, function_name, trace, variable_names

Point = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What a Python function gave at one point.

    Attributes:
        value: the number that it returned.
        at: the point, a number for each variable; of an array, a variable for each element.
        grad: the derivatives that the function's own values give, by variable; empty where they give none.
        formula: gives the formula of what the function computed at this point.
        unit: the unit roundoff of its arithmetic over that of doubles; 2**29 for float32.
    """

    value: float
    at: Mapping[str, float]
    grad: Mapping[str, float]
    formula: Callable[[], Expr]
    unit: float = 1.0


Recorder = Callable[[Callable[..., Any], Point], Run]

RECORDERS: Final[list[Recorder]] = []
"""How functions are run on values that record and differentiate; `symdiff.eager` adds its tensors."""


def compare(
    formula: Any,
    at: Point | Iterable[Point] | None = None,
    *,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    sympy: bool = True,
    time_limit: float = 10.0,
) -> Comparison:
    """Hold closed form, reverse mode and SymPy against each other, and a Python function against all of them.

    Args:
        formula: text, an expression, or a Python function. A function runs on symbols if it can, and
            else, where `symdiff.eager` is loaded, on float64 tensors at the first point; its own
            value at every point, and with tensors its own gradient, stand beside the others.
        at: a point, or several; without one the closed forms alone are compared. A function on
            tensors may be given arrays: their elements are the variables x[0], x[1], ...
        wrt: the variables to differentiate by; all if None.
        order: the order of the derivatives; all mixed ones of that order are compared.
        sympy: whether SymPy is asked. It works in a process of its own; this call does not wait for it.
        time_limit: seconds that SymPy has.

    Raises:
        VariableError: variables missing, unknown, given twice or not real numbers.
        OperationError: the formula is a vector, or a function has none.
    """
    given = [at] if isinstance(at, Mapping) else list(at or ())
    runs: list[Run] = []
    if callable(formula) and not isinstance(formula, Expr):
        expr, runs, origin = _read(formula, given)
        given = [run.at for run in runs]
    else:
        expr, origin = as_expr(formula), ""
    scalar_node(expr)
    names = expr.variables if wrt is None else tuple(wrt)
    unknown = [name for name in names if name not in expr.variables]
    if unknown:
        raise VariableError(f"{listed(unknown)} not in the formula (its variables: {', '.join(expr.variables)})")
    points = [dict(zip(expr.variables, map(float, mapped(expr.variables, point)), strict=True)) for point in given]
    forms: dict[tuple[str, ...], Expr] = {(): expr}
    for n in range(1, order + 1):
        forms |= {by: forms[by[:-1]].diff(by[-1]) for by in combinations_with_replacement(names, n)}
    wanted = list(combinations_with_replacement(names, order))
    return compare_nodes(
        expr.node,
        expr.variables,
        [Partial(by, forms[by].node, forms[by[:-1]].node, tuple(map(str, forms[by].assumptions))) for by in wanted],
        points,
        floats=lambda i: _floats(forms, wanted, points[i], runs[i] if runs else None),
        text=expr.source if expr.source is not None else str(expr),
        origin=origin,
        sympy=sympy,
        time_limit=time_limit,
    )


def _floats(
    forms: Mapping[tuple[str, ...], Expr], wanted: Sequence[tuple[str, ...]], point: Any, run: Run | None
) -> Floats:
    """What closed forms, reverse sweeps and the user's function say at a point."""
    sweeps = {start: forms[start].at(point) for start in dict.fromkeys([(), *(by[:-1] for by in wanted)])}
    own: tuple[float | None, ...] = ()
    if run is not None:
        own = (run.value, *(run.grad.get(by[0]) if len(by) == 1 else None for by in wanted))
    return Floats(
        closed=(forms[()](point), *(forms[by](point) for by in wanted)),
        reverse=(sweeps[()].value, *(sweeps[by[:-1]].grad[by[-1]] for by in wanted)),
        kinks=tuple(dict.fromkeys(str(kink) for sweep in sweeps.values() for kink in sweep.kinks)),
        own=own,
        unit=1.0 if run is None else run.unit,
    )


# ---- Python functions


def _read(function: Callable[..., Any], points: Sequence[Point]) -> tuple[Expr, list[Run], str]:
    """The formula of a function, what it gives by itself at the points, and where the formula came from."""
    name = function_name(function)
    try:
        expr = trace(function, _names(function, points))
    except SymdiffError as refusal:
        runs = _recorded(function, points, refusal)
        where = ", ".join(f"{name} = {x:.6g}" for name, x in list(runs[0].at.items())[:_SHOWN])
        more = ", …" * (len(runs[0].at) > _SHOWN)
        return runs[0].formula(), runs, f"{name}, recorded on tensors at {where}{more}"
    return expr, _own(function, points), f"{name}, run on symbols"


_SHOWN: Final = 4  # variables


def _names(function: Callable[..., Any], points: Sequence[Point]) -> tuple[str, ...] | None:
    """The names of the variables where the function's parameters have none: the first point's."""
    for point in points:
        arrays = [name for name, x in point.items() if np.ndim(x)]
        if arrays:
            raise OperationError(f"symbols are numbers, and {listed(arrays)} are arrays")
    try:
        variable_names(function)
    except VariableError:
        if points:
            return tuple(points[0])
        raise
    return None


def _recorded(function: Callable[..., Any], points: Sequence[Point], refusal: SymdiffError) -> list[Run]:
    if not RECORDERS or not points:
        raise refusal
    try:
        return [RECORDERS[-1](function, point) for point in points]
    except (SymdiffError, TypeError, AttributeError) as error:
        raise error from refusal


def _own(function: Callable[..., Any], points: Sequence[Point]) -> list[Run]:
    """What a function that has a formula gives by itself: on tensors where there are some, else on numbers."""
    try:
        return [RECORDERS[-1](function, point) for point in points] if RECORDERS else _on_floats(function, points)
    except (SymdiffError, TypeError, AttributeError):
        return _on_floats(function, points)


def _on_floats(function: Callable[..., Any], points: Sequence[Point]) -> list[Run]:
    runs = []
    for point in points:
        positional, named = arranged(function, {name: np.float64(x) for name, x in point.items()}, by_name=True)
        with np.errstate(all="ignore"):  # infinities and nan flow as IEEE 754 says
            try:
                value = float(function(*positional, **named))
            except (TypeError, AttributeError) as error:
                raise OperationError(
                    f"{function_name(function)} gives a formula on symbols, but no number on numbers: {error}. "
                    "Compare sd.trace(f) to leave its own values out"
                ) from error
        runs.append(Run(value, dict(point), {}, lambda: trace(function)))
    return runs
