"""Over the whole table: every row has its oracle, and its value and partials agree with it."""

from __future__ import annotations

import dataclasses
import math
import re
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from symdiff.ops import OPS, Exact, Op, Overloads, find, operation, remove
from symdiff.ops.core import exact
from tests.ops.judging import evaluate, inside, partial, smooth_points, value
from tests.oracles import ORACLE

# Units of conditioned rounding error, see judging.py: 64 are 7e-15. NumPy's rows stay below 4, and SciPy's Bessel
# functions reach 20.
BAR = {
    "beta": 2e9,  # digamma(a) - digamma(a + b) cancels where b is far below a; 2e9 units are 2e-7
    "logsumexp": 400.0,  # exp(x - y) keeps the rounding of y, which is |y| units
}
UNITS = 64.0
FEWER = {"ellipint": 4, "bessely": 8, "besselk": 8}  # slow oracles

ROWS = {name: op for name, op in OPS.items() if name != "vector"}
FUNCTIONS = {name: op for name, op in ROWS.items() if op.arity != 0}
every_row = pytest.mark.parametrize("op", ROWS.values(), ids=ROWS.keys())
every_function = pytest.mark.parametrize("op", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def points(op: Op) -> list[tuple[Any, ...]]:
    return smooth_points(op.name, FEWER.get(op.name, 24))


def worst_value(op: Op) -> float:
    return max(value(op.name, args).units(evaluate(op, args)[0]) for args in points(op))


def worst_partial(op: Op) -> float:
    return max(
        partial(op.name, args, i).units(part)
        for args in points(op)
        for i, part in enumerate(evaluate(op, args)[1])
        if part is not None
    )


def test_every_row_has_an_oracle_and_every_oracle_a_row() -> None:
    assert ROWS.keys() == ORACLE.keys()


@every_row
def test_row_says_where_it_comes_from_and_how_it_is_written(op: Op) -> None:
    assert op.source
    assert op.names.latex or op.infix
    for alias in op.aliases:
        assert find(alias) is op


@every_row
def test_templates_take_the_arguments_of_the_row(op: Op) -> None:
    slots = {int(n) for n in re.findall(r"\{(\d)\}", op.names.python + op.names.latex)}
    assert op.arity is None or slots <= set(range(op.arity))


@every_function
def test_value_agrees_with_mpmath(op: Op) -> None:
    assert worst_value(op) < BAR.get(op.name, UNITS)


@every_function
def test_partials_agree_with_mpmath(op: Op) -> None:
    assert worst_partial(op) < BAR.get(op.name, UNITS)


@every_function
def test_a_partial_that_is_wrong_by_a_millionth_is_caught(op: Op) -> None:
    """Each partial in turn, so that no other hides it; one that is 0 is moved instead."""
    for i, part in enumerate(evaluate(op, points(op)[0])[1]):
        if part is None:
            continue

        def mutant(*args: Any, i: int = i) -> tuple[Any, ...]:
            parts = list(op.partials(*args))  # type: ignore[misc]
            if i < len(parts):  # some points of a variadic row have fewer arguments
                parts[i] = parts[i] * 1.000001 or 1e-6
            return tuple(parts)

        assert worst_partial(dataclasses.replace(op, partials=mutant)) > BAR.get(op.name, UNITS)


@pytest.mark.parametrize("name", ["pi", "tau", "e", "inf"])
def test_constant_is_the_nearest_float(name: str) -> None:
    with mp.workdps(40):
        assert OPS[name]() == float(ORACLE[name]())


class Precise(Overloads):
    """A number on which rows act by their oracles, so that a rule is evaluated without rounding."""

    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        self.number = number

    def apply(self, op: Op, args: tuple[Any, ...]) -> Precise:
        return Precise(ORACLE[op.name](*map(precisely, args)))


def precisely(arg: Any) -> Any:
    match arg:
        case Precise():
            return arg.number
        case Exact():
            return ORACLE[arg.op.name](*map(precisely, arg.args))
        case Fraction():
            return mp.mpf(arg.numerator) / arg.denominator
        case bool() | int():
            return arg
    raise AssertionError(f"a rule has rounded: {arg!r}")


@every_function
def test_rule_is_exact(op: Op) -> None:
    """The line that gives floats is also the closed form: on exact numbers it is right to 15 digits, with no float."""
    for args in points(op)[:3]:
        with mp.workdps(60):
            exactly = [arg if isinstance(arg, int) else Precise(mp.mpf(arg)) for arg in args]
            y = Precise(ORACLE[op.name](*map(precisely, exactly)))
            parts = op.partials(*exactly, y)  # type: ignore[misc]
            assert len(parts) == len(args)
            for i, part in enumerate(parts):
                if part is not None:
                    got, want = precisely(part), partial(op.name, args, i).true
                    room = mp.mpf(10) ** -15  # partial() has at least 18 digits
                    assert abs(got - want) <= abs(want) * room + mp.mpf(10) ** -400, (args, i)
                else:
                    assert i < op.parameters or (op.pull_back is not None)


@every_function
def test_arrays_give_what_scalars_give_and_keep_their_shape_and_type(op: Op) -> None:
    args = points(op)[0]
    single = evaluate(op, args)[0]
    assert np.ndim(single) == 0
    for dtype in (np.float64, np.float32):
        arrays = [arg if isinstance(arg, int) else np.full((2, 3), arg, dtype=dtype) for arg in args]
        with np.errstate(all="ignore"):
            y = op(*arrays)
        assert y.shape == (2, 3)
        if not op.condition:
            assert y.dtype == dtype
        if dtype is np.float64:
            np.testing.assert_allclose(y, single, rtol=4e-15)  # SIMD loops differ by a few ulp


@every_function
def test_generated_scalar_code_says_the_same(op: Op) -> None:
    """The table's own templates, on points where they do not raise, as math does at edges and on overflow."""
    for args in points(op) if op.names.python else ():
        if op.arity is None and "{args}" not in op.names.python and len(args) != 2:
            continue
        code = op.names.python.replace("{args}", ", ".join(f"x{i}" for i in range(len(args))))
        for i in range(len(args)):
            code = code.replace(f"{{{i}}}", f"x{i}")
        try:
            y: Any = eval(code, {"math": math}, {f"x{i}": arg for i, arg in enumerate(args)})
        except (ValueError, OverflowError):
            continue
        y = bool(y) if op.condition else y
        assert value(op.name, args).units(float(y)) < UNITS, (code, args)


@every_function
@pytest.mark.parametrize("x", [0.0, 1.0, -1.0])
def test_value_takes_the_floats_of_python_wherever_they_are(op: Op, x: float) -> None:
    count = (op.arity or 2) - op.parameters
    with np.errstate(all="ignore"):
        y = op(*[1] * op.parameters, *[x] * count)
    assert np.ndim(y) == 0


@every_function
def test_sign_holds(op: Op) -> None:
    for args in points(op):
        y = evaluate(op, args)[0]
        assert {"": True, "nonnegative": y >= 0, "positive": y > 0 or value(op.name, args).true < 1e-300}[op.sign]


@every_function
def test_value_outside_the_domain_is_nan_or_a_limit(op: Op) -> None:
    if op.domain is None:
        return
    count = (op.arity or 2) - op.parameters
    tried = [-2.5, -1.0, 0.0, 0.5, 1.0, 2.5]
    orders = [(n,) * op.parameters for n in range(op.least, 4)] if op.parameters else [()]
    outside = [
        (*order, *numbers)
        for order in orders
        for numbers in [(x,) * count for x in tried] + [(x, 0.0) for x in tried if count == 2]
        if not inside(op, (*order, *numbers))
    ]
    for args in outside:
        assert not np.isfinite(evaluate(op, args)[0]), args


def test_nan_gives_nan() -> None:
    for op in FUNCTIONS.values():
        if op.condition or op.name == "where":
            continue
        args = [1] * op.parameters + [float("nan")] * ((op.arity or 2) - op.parameters)
        assert np.isnan(evaluate(op, tuple(args))[0]), op


def test_importing_the_table_loads_no_scipy_and_no_mpmath() -> None:
    code = "import sys, symdiff.ops; print(*sorted({'scipy', 'mpmath', 'sympy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_a_missing_scipy_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    from symdiff.errors import MissingExtraError
    from symdiff.ops import borrowed

    borrowed._scipy_special.cache_clear()
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(MissingExtraError, match=r"erf needs SciPy: pip install 'symdiff\[special\]'"):
        OPS["erf"](0.5)
    borrowed._scipy_special.cache_clear()


def test_a_row_can_be_added_and_removed() -> None:
    op = operation("cube", 1, lambda x: x**3, lambda x, y: (3 * x**2,), aliases=("third_power",))
    assert find("third_power") is op
    with pytest.raises(ValueError, match="already has an operation 'cube'"):
        operation("cube", 1, lambda x: x, lambda x, y: (1,))
    remove(op)
    assert find("cube") is None
    assert find("third_power") is None


def test_exact_constants_round_once_they_meet_a_number() -> None:
    ln2 = exact(OPS["log"], 2)
    assert isinstance(1 / ln2, Exact)
    assert 1 / ln2 / np.float64(1.0) == 1 / np.log(2)
