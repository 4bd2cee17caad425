"""The code that SymPy prints for a value and its gradient, with common subexpressions taken out, for tools without a
derivative of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.benchmarks.works import Work


@dataclass(frozen=True)
class Printed:
    """Straight-line code.

    Attributes:
        names: the arguments.
        steps: names, and the text of what each is.
        results: the texts of value and partials.
    """

    names: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    results: tuple[str, ...]

    @staticmethod
    def derivatives(work: Work) -> tuple[list[Any], list[Any]]:
        """SymPy's symbols for the arguments, and value and partials."""
        from sympy import Symbol
        from sympy.parsing.sympy_parser import parse_expr

        symbols = {name: Symbol(name) for name in work.names}
        f = parse_expr(work.text, local_dict=dict(symbols))
        return list(symbols.values()), [f, *(f.diff(symbols[name]) for name in work.variables)]

    @classmethod
    def by(cls, work: Work, write: Callable[[Any], str]) -> Printed:
        """Printed by ``write``."""
        from sympy import cse, numbered_symbols

        _, results = cls.derivatives(work)
        shared, results = cse(results, symbols=numbered_symbols("step_"))
        return cls(work.names, tuple((str(s), write(e)) for s, e in shared), tuple(map(write, results)))

    @property
    def lines(self) -> list[str]:
        return [f"{name} = {text}" for name, text in self.steps]

    def function(self, arguments: Sequence[str], end: Sequence[str]) -> str:
        """The source of a Python function ``f``."""
        return "\n    ".join([f"def f({', '.join(arguments)}):", *self.lines, *end]) + "\n"

    def loop(
        self,
        arguments: Sequence[str],
        loads: Sequence[str],
        stores: Sequence[str],
        before: Sequence[str] = (),
        after: str = "return",
    ) -> str:
        """The source of a Python function ``f`` that goes along its first argument."""
        body = [f"    {line}" for line in (*loads, *self.lines, *stores)]
        along = f"for i in range({arguments[0]}.size):"
        return "\n    ".join([f"def f({', '.join(arguments)}):", *before, along, *body, after]) + "\n"


@cache
def statements(work: Work) -> Printed:
    """Python code over the names of `math`."""
    from sympy import pycode

    return Printed.by(work, lambda expression: pycode(expression, fully_qualified_modules=False))
