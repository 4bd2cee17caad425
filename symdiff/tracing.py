"""Python code run on symbols: a function of the user's becomes a formula.

The function runs once. What it is given has no value, so nothing that it does can depend on one:
``if x > 0``, ``float(x)`` and ``math.sin(x)`` are refused, with what to write in their place.
"""

from __future__ import annotations

import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

import numpy as np

from symdiff.errors import OperationError, SymdiffError, VariableError
from symdiff.expr import Expr, as_expr, symbols
from symdiff.ops import OPS, Exact, Op, find


def trace(function: Callable[..., Any], variables: str | Iterable[str] | None = None) -> Expr:
    """The formula that a Python function computes: ``trace(lambda x, y: x*y + sd.sin(x), "x y")``.

    Args:
        function: it is called once, with a symbol for each variable.
        variables: their names, by position; those of the function's parameters if None. Parameters
            with a default keep it where the names do not reach them.

    Returns:
        The formula of what the function returns: a number, an expression, or a tuple, list or array
        of them for a vector. Its variables are those named, in their order.

    Raises:
        VariableError: the names do not fit the function's parameters.
        OperationError: the function needs a value (``if x > 0``), or returns no formula; the
            message says where, and what to write instead.
    """
    if not callable(function):
        raise OperationError(f"trace runs a Python function, not {type(function).__name__}: {function!r:.40}")
    name = function_name(function)
    names = variable_names(function, variables)
    args = [Symbolic(symbol.node) for symbol in symbols(list(names))]
    positional, named = arranged(function, dict(zip(names, args, strict=True)), by_name=variables is None)
    try:
        result = function(*positional, **named)
    except SymdiffError:
        raise
    except (TypeError, AttributeError) as error:
        raise OperationError(f"{name} cannot be run on symbols: {_in_our_words(str(error))}{_where(error)}") from error
    made = _formula(result, name)
    return Expr(made.node, (*names, *(v for v in made.variables if v not in names)), None, made._domains)


def function_name(function: Any) -> str:
    """What messages call a function."""
    found = getattr(function, "__name__", None)
    return "the function" if found == "<lambda>" else found or type(function).__name__


def variable_names(function: Callable[..., Any], variables: str | Iterable[str] | None = None) -> tuple[str, ...]:
    """The names of a function's variables: those given, else its parameters without a default.

    Raises:
        VariableError: its parameters have no names, or a name is given twice.
    """
    if variables is not None:
        names = tuple(variables.replace(",", " ").split() if isinstance(variables, str) else variables)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise VariableError(f"given twice: {', '.join(twice)}")
        return names
    signature = _signature(function)
    if signature is None or any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        raise VariableError(f"the parameters of {function_name(function)} have no names; name them: trace(f, 'x y')")
    return tuple(p.name for p in signature.parameters.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD)


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None  # written in C


def arranged(function: Callable[..., Any], args: Mapping[str, Any], by_name: bool) -> tuple[list[Any], dict[str, Any]]:
    """The arguments that go by position, and those that go by keyword.

    Args:
        function: what is to be called.
        args: its arguments by name, or in their order where they do not bear the names of parameters.
        by_name: whether they do; a function of any number of parameters (``*args``) has no names.

    Raises:
        VariableError: they do not fit the function's parameters.
    """
    signature = _signature(function)
    if signature is None:
        return list(args.values()), {}
    kinds = {p.name: p.kind for p in signature.parameters.values()}
    if by_name and inspect.Parameter.VAR_POSITIONAL not in kinds.values():
        first = [name for name, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_ONLY and name in args]
    else:
        first = list(args)
    positional = [args[name] for name in first]
    named = {name: value for name, value in args.items() if name not in first}
    try:
        signature.bind(*positional, **named)
    except TypeError as error:
        told = f"variable{'s' * (len(args) != 1)} {', '.join(args)}" if args else "no variables"
        raise VariableError(f"{function_name(function)}{signature} does not fit {told}: {error}") from None
    return positional, named


# ---- what comes back


def _formula(result: Any, name: str) -> Expr:
    if result is None:
        raise OperationError(f"{name} returned nothing; is a return missing?")
    if isinstance(result, np.ndarray):
        result = result.tolist()
    if isinstance(result, list | tuple):
        if any(isinstance(part, list | tuple | np.ndarray) for part in result):
            raise OperationError(f"{name} returned rows within rows; a formula is one number or a vector of them")
        return as_expr([_formula(part, name) for part in result])
    if isinstance(result, Expr | Exact | int | float):
        return as_expr(result)
    if isinstance(result, np.generic):
        return as_expr(result.item())
    raise OperationError(f"{name} returned a {type(result).__name__}, which is no formula: {result!r:.60}")


# ---- what a function is given


class Symbolic(Expr):
    """A formula in a function that is being traced.

    It has the methods that a tensor has from the table (``x.sin()``), and says why it has no value.
    """

    def apply(self, op: Op, args: tuple[Any, ...]) -> Expr:
        made = super().apply(op, args)
        return Symbolic(made.node, made.variables, None, made._domains)

    def __getattr__(self, name: str) -> Any:
        row = None if name.startswith("_") else _row(name)
        if row is not None:
            return lambda *args: row(self, *args)
        raise AttributeError(
            f"a symbol has no attribute {name!r}. For code on tensors, y.expression() gives the formula of a result "
            "that was computed from named tensors, and sd.compare(f, at=...) checks it"
        )

    def __bool__(self) -> bool:
        _refuse(
            f"whether {self._short()} holds is not known before the variables have values, as if, while, and, or, not, "
            "min() and max() need to know",
            "write sd.where(condition, a, b) for a choice, sd.min and sd.max for extrema",
        )

    def __float__(self) -> float:
        _refuse(f"{self._short()} is a formula, and has no value as a float", "write {calls}")

    def __int__(self) -> int:
        _refuse(f"{self._short()} is a formula, and has no value as an int", "write sd.floor(x) for int(x)")

    def __index__(self) -> int:
        _refuse(
            f"{self._short()} is a formula, and no whole number to count to",
            "give the number of rounds a default, which tracing keeps: def f(x, n=10)",
        )

    def __round__(self, digits: int | None = None) -> Any:
        return OPS["round"](self)

    def __getitem__(self, key: Any) -> Any:
        _refuse(
            f"{self._short()} is one number, and has no element {key!r:.20}",
            "name the elements: sd.trace(lambda a, b: f([a, b]), 'x[0] x[1]')",
        )

    def __len__(self) -> int:
        _refuse(f"{self._short()} is one number, and has no length", "take a parameter for each element")

    def __iter__(self) -> NoReturn:
        _refuse(f"{self._short()} is one number, and has no elements", "take a parameter for each element")

    __hash__ = Expr.__hash__

    def __eq__(self, other: object) -> Any:
        """A condition, as ``<`` gives one; what is the same formula is equal whatever its value."""
        return super().__eq__(other) or OPS["eq"](self, other)

    def __ne__(self, other: object) -> Any:
        return not super().__eq__(other) and OPS["ne"](self, other)

    def _short(self) -> str:
        text = str(self)
        return text if len(text) <= 40 and "\n" not in text else "this"


def _row(name: str) -> Op | None:
    """The row that a method of tensors applies: by its name here, or in PyTorch."""
    op = find(name) or next((op for op in OPS.values() if op.names.torch.rsplit(".", 1)[-1] == name), None)
    return op if op is not None and op.arity != 0 and op.infix != "[]" else None


# ---- errors


def _refuse(why: str, instead: str) -> NoReturn:
    """Say what a symbol cannot do, where it was asked to, and what to write."""
    frame: Any = sys._getframe(2)
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    ours = frame.f_globals is globals()  # the function is written in C
    if "{calls}" in instead:
        found = [name for name in _CALLS.findall(line) if find(name)]
        calls = f"sd.{found[0]}(x) for math.{found[0]}(x)" if found else "sd.sin(x) for math.sin(x)"
        instead = instead.replace("{calls}", f"{calls}; f(x=3) gives the value of a formula f")
    place = "" if ours else _place(frame.f_code.co_filename, frame.f_lineno)
    raise OperationError(f"{why}{place}\nhint: {instead}")


_CALLS: Final = re.compile(r"\bmath\.(\w+)\(")


def _where(error: BaseException) -> str:
    """The last line of the user's own code that an error passed through."""
    trace = error.__traceback__
    places: list[tuple[str, int]] = []
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if not module.startswith("symdiff"):
            places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return _place(*places[-1]) if places else ""


def _place(filename: str, line: int) -> str:
    text = linecache.getline(filename, line).strip()
    return f"\n  at {filename}:{line}" + (f": {text}" if text else "")


def _in_our_words(said: str) -> str:
    """What Python or NumPy said, with what to write where we know it."""
    if "does not support ufuncs" in said:
        return "NumPy's functions take numbers; write sd.sin(x) for np.sin(x)"
    return said.replace("'Symbolic' object", "a symbol").replace("'Symbolic'", "symbol")
