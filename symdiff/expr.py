"""Expressions: what users hold. A thin class over a node; its methods call the passes below.

What belongs to one result lives here: the order of variables, the text it came from, and the
formulas whose domain it remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from symdiff import dag
from symdiff.compare import bridge
from symdiff.dag import Node, Symbol, as_node, symbols_of
from symdiff.errors import OperationError, VariableError, listed
from symdiff.numeric.choice import Settings
from symdiff.numeric.function import Function, Kink
from symdiff.numeric.values import mapped
from symdiff.ops import OPS, Op, Overloads
from symdiff.symbolic import diff as symbolic
from symdiff.symbolic.algebra import Algebra
from symdiff.symbolic.domain import lost_domain
from symdiff.symbolic.writing import natural_key
from symdiff.text import format as formats
from symdiff.text import parse as texts


class Expr(Overloads):
    """A formula. Immutable; ``==`` compares structure, ``<`` and its like make conditions.

    Attributes:
        node: the interned node.
        variables: the names of the variables, in natural order (x2 before x10); a derivative keeps
            those of the formula that it came from.
        source: the text that was parsed, or None.
    """

    def __init__(
        self,
        node: Node,
        variables: Sequence[str] | None = None,
        source: str | None = None,
        domains: Sequence[Node] = (),
    ) -> None:
        self.node = node
        self.variables = natural_order(symbols_of([node])) if variables is None else tuple(variables)
        self.source = source
        self._domains = tuple(domains)

    # -- building

    def apply(self, op: Op, args: tuple[Any, ...]) -> Expr:
        exprs = [arg for arg in args if isinstance(arg, Expr)]
        for arg in args:
            if isinstance(arg, np.ndarray):
                raise OperationError("a formula cannot hold an array; give it a variable, and the array as its value")
        node = dag.build(op, tuple([arg.node if isinstance(arg, Expr) else as_node(arg) for arg in args]))
        domains = dict.fromkeys(domain for expr in exprs for domain in expr._domains)
        names = dict.fromkeys(name for expr in exprs for name in expr.variables)
        return Expr(node, natural_order(names), None, tuple(domains))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and self.node is other.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __bool__(self) -> bool:
        raise TypeError("a formula has no truth value; compare with ==, or use sd.where(condition, a, b)")

    def __reduce__(self) -> tuple[Callable[..., Expr], tuple[Any, ...]]:
        roots = [self.node, *self._domains]
        return _restored, (dag.flatten(roots), self.variables, self.source)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Expr:
        return self

    # -- showing

    def __str__(self) -> str:
        return formats.to_text(self.node)

    def __repr__(self) -> str:
        text = str(self)
        return f"Expr({text!r})" if len(text) <= 200 else f"<Expr of {len(dag.nodes_of([self.node]))} nodes>"

    def latex(self) -> str:
        """The formula as LaTeX mathematics, without delimiters."""
        return formats.to_latex(self.node)

    def mathml(self) -> str:
        """The formula as a presentation MathML element."""
        return formats.to_mathml(self.node)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    # -- domain

    @cached_property
    def assumptions(self) -> tuple[Expr, ...]:
        """Conditions under which this closed form stands for the formula that it came from.

        They are what the formula's domain has lost on the way: ``x/x`` simplifies to 1 for
        ``x != 0``. Where they do not hold, evaluation gives nan.
        """
        return tuple(Expr(condition) for condition in lost_domain(self._domains, [self.node]))

    @property
    def components(self) -> tuple[Expr, ...]:
        """The components of a vector; a scalar is its own."""
        parts = symbolic.components(self.node)
        if parts == (self.node,):
            return (self,)
        domains = [symbolic.components(domain) for domain in self._domains]
        return tuple(
            Expr(part, self.variables, None, [d[i] if len(d) == len(parts) else d[0] for d in domains])
            for i, part in enumerate(parts)
        )

    def _closed(self, node: Node) -> Expr:
        """A closed form that comes from this formula: the same variables, and its domain remembered."""
        mine = [self.node] if self.node is not node else []
        return Expr(node, self.variables, None, tuple(dict.fromkeys([*self._domains, *mine])))

    # -- closed forms

    def diff(self, *names: str | int | Expr) -> Expr:
        """The derivative by one variable after the other; a number repeats the one before it.

        ``f.diff("x")``, ``f.diff("x", "y")``, ``f.diff("x", 3)``; by a name that does not occur it is 0.
        """
        return self._closed(symbolic.derivative(self.node, *_repeated(names)))

    def simplify(self) -> Expr:
        """The canonical form. What is lost of the domain is remembered (`assumptions`)."""
        return self._closed(symbolic.simplify([self.node])[0])

    def substitute(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Expr:
        """Put formulas or numbers in place of variables, all at once.

        Raises:
            VariableError: a name that is no variable of this formula, or is given twice.
        """
        given = _merged(values, named)
        unknown = [name for name in given if name not in self.variables]
        if unknown:
            raise VariableError(f"{listed(unknown)} not in the formula (its variables: {', '.join(self.variables)})")
        put = {name: as_expr(value) for name, value in given.items()}

        def replace(node: Node, args: tuple[Node, ...]) -> Node:
            if type(node) is Symbol:
                return put[node.name].node if node.name in put else node
            return dag.build(node.op, args) if type(node) is dag.Apply else node

        made = dag.rebuilt([self.node, *self._domains], replace)
        names = [name for name in self.variables if name not in put]
        names += [name for value in put.values() for name in value.variables]
        domains = [made[domain] for domain in self._domains]
        domains += [domain for value in put.values() for domain in value._domains]
        return Expr(made[self.node], natural_order(names), None, domains)

    # -- numbers

    @cached_property
    def _function(self) -> Function:
        # A closed form is nan where the formula that it came from is, which costs an evaluation of that.
        return Function(self.node, self.variables, self.variables, self._domains, formats.to_text)

    def __call__(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Any:
        """The value: a float for numbers, an array of the broadcast shape for arrays.

        Raises:
            VariableError: variables missing, unknown, given twice or not real.
            ShapeError: arrays that do not broadcast together.
        """
        return self._function(*mapped(self.variables, _merged(values, named)))

    def at(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Evaluation:
        """The value and all partials at a point, or at each of many, by one reverse sweep.

        Raises:
            VariableError: variables missing, unknown, given twice or not real.
            ShapeError: arrays that do not broadcast together.
        """
        given = mapped(self.variables, _merged(values, named))
        value, partials = self._function.value_and_grad(*given)
        return Evaluation(value, dict(zip(self.variables, partials, strict=True)), self._function, tuple(given))


class Evaluation:
    """A value with its gradient.

    Attributes:
        value: a float, or an array of the broadcast shape.
        grad: the partial derivative by each variable, in the same shape.
    """

    def __init__(self, value: Any, grad: dict[str, Any], function: Function, given: tuple[Any, ...]) -> None:
        self.value = value
        self.grad = grad
        self._function = function
        self._given = given

    @cached_property
    def kinks(self) -> tuple[Kink, ...]:
        """The operations that stood at a kink or an edge, and at which points."""
        return self._function.kinks(*self._given)

    def __repr__(self) -> str:
        marks = f", kinks={[str(kink) for kink in self.kinks]}" if self.kinks else ""
        return f"Evaluation(value={self.value!r}, grad={self.grad!r}{marks})"


# ---- functions


def parse(text: str, variables: Sequence[str] = ()) -> Expr:
    """Read a formula.

    Args:
        text: the formula, in the language of grammar/README.md.
        variables: names that are variables although a constant or function is called so; they
            come first among ``Expr.variables``, in this order, whether they occur or not.

    Raises:
        SourceError: the text is no formula; the error points at the mistake.
        LimitError: it would cost more than a stated limit.
    """
    node, found = texts.read(text, variables)
    names = [name for name in natural_order(found) if name not in variables]
    return Expr(node, (*variables, *names), text)


def symbols(names: str | Iterable[str]) -> Any:
    """Variables: ``x = symbols("x")``, ``x, y = symbols("x y")``."""
    listed_names = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    made = tuple(Expr(Symbol(texts.checked_name(name))) for name in listed_names)
    return made[0] if len(made) == 1 and isinstance(names, str) else made


def as_expr(value: Any) -> Expr:
    """An expression from text, a number or an expression."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, list | tuple):
        return OPS["vector"](*map(as_expr, value)) if value else Expr(as_node(value))
    return Expr(as_node(value))


def diff(f: Any, *names: str | int | Expr) -> Expr:
    """The derivative of a formula (text or expression); see `Expr.diff`."""
    return as_expr(f).diff(*names)


def simplify(f: Any) -> Expr:
    """The canonical form; see `Expr.simplify`."""
    return as_expr(f).simplify()


def gradient(f: Any, wrt: Sequence[str] | None = None) -> dict[str, Expr]:
    """The partial derivatives of a scalar formula as closed forms, by name."""
    expr = as_expr(f)
    partials = symbolic.gradient(scalar_node(expr), _wanted(expr, wrt))
    return {name: expr._closed(node) for name, node in partials.items()}


def jacobian(fs: Any, wrt: Sequence[str] | None = None) -> tuple[tuple[Expr, ...], ...]:
    """The partial derivatives of several formulas: a row for each formula, a column for each variable."""
    expr = as_expr(list(fs) if isinstance(fs, list | tuple) else fs)
    names = _wanted(expr, wrt)
    algebra = Algebra()
    rows = [(part, symbolic.gradient(part.node, names, algebra)) for part in expr.components]
    return tuple(tuple(part._closed(row[name]) for name in names) for part, row in rows)


def hessian(f: Any, wrt: Sequence[str] | None = None) -> tuple[tuple[Expr, ...], ...]:
    """The second partial derivatives of a scalar formula as closed forms: a symmetric matrix."""
    expr = as_expr(f)
    names = _wanted(expr, wrt)
    algebra = Algebra()
    first = symbolic.gradient(scalar_node(expr), names, algebra)
    rows: dict[tuple[str, str], Expr] = {}
    for i, name in enumerate(names):
        second = symbolic.gradient(first[name], names[i:], algebra)
        for other, node in second.items():
            rows[name, other] = rows[other, name] = expr._closed(node)
    return tuple(tuple(rows[a, b] for b in names) for a in names)


def compile(
    f: Any,
    args: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    *,
    backend: str | None = None,
    threads: int | None = None,
) -> Function:
    """Compile a formula (text, expression, or a list of them) for repeated evaluation.

    Args:
        f: the formula; a list gives a vector.
        args: the names of the arguments in order; the formula's variables if None.
        wrt: the names to differentiate by; all of ``args`` if None.
        backend: "python", "numpy", "wavefront" or "llvm" to use no other; what suits the program, the number of points
            and the use so far if None (see `Function.report`).
        threads: at most so many for many points; one on each core if None.

    Raises:
        VariableError: ``args`` lacks a variable of the formula, or names one twice.
        SettingError: no such backend, or fewer than one thread.
        MissingExtraError: the backend needs what is not installed.
    """
    expr = as_expr(f)
    names = expr.variables if args is None else tuple(args)
    settings = Settings(backend, threads, lasting=True)
    return Function(expr.node, names, names if wrt is None else tuple(wrt), expr._domains, formats.to_text, settings)


def to_sympy(f: Any) -> Any:
    """A formula as a SymPy expression of real symbols.

    Raises:
        OperationError: SymPy has no such function.
    """
    return bridge.to_sympy(as_expr(f).node)


def from_sympy(expression: Any) -> Expr:
    """A SymPy expression as a formula.

    Raises:
        OperationError: the table has no such function.
    """
    return Expr(bridge.from_sympy(expression))


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names once each, x2 before x10."""
    return tuple(sorted(dict.fromkeys(names), key=natural_key))


def scalar_node(expr: Expr) -> Node:
    """The node of an expression that is one number.

    Raises:
        OperationError: it is a vector.
    """
    if expr.components[0].node is not expr.node:
        raise OperationError("a vector has a Jacobian; take jacobian(f), or the gradient of a component")
    return expr.node


def _wanted(expr: Expr, wrt: Sequence[str] | None) -> tuple[str, ...]:
    return expr.variables if wrt is None else tuple(wrt)


def _repeated(names: Sequence[str | int | Expr]) -> list[str]:
    """``("x", 2, "y")`` as ``["x", "x", "y"]``."""
    found: list[str] = []
    last = ""
    for name in names:
        if isinstance(name, Expr) and type(name.node) is Symbol:
            name = name.node.name
        if isinstance(name, str):
            last = name
            found.append(name)
        elif isinstance(name, int) and last and name >= 0:
            found.pop()
            found += [last] * name
            last = ""
        else:
            raise VariableError(f"diff takes names of variables and orders, not {name!r:.40}")
    if not names:
        raise VariableError("diff needs the variable to differentiate by")
    return found


def _merged(values: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any]:
    if values is not None and not isinstance(values, Mapping):
        raise VariableError("values are given by name: f(x=3), or f({'x': 3})")
    given = dict(values or {})
    twice = [name for name in named if name in given]
    if twice:
        raise VariableError(f"given twice: {listed(twice)}")
    return {**given, **named}


def _restored(flat: Any, variables: tuple[str, ...], source: str | None) -> Expr:
    node, *domains = dag.unflatten(*flat)
    return Expr(node, variables, source, domains)
