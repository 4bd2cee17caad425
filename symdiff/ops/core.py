"""What an operation is: one row of the table from which everything else follows.

A row's rules are written with operators and operations alone, so the same line acts on
numbers, arrays, symbols, tensors and balls: whatever overloads the operators decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any, Final, Literal

Sign = Literal["", "nonnegative", "positive"]
Parity = Literal["", "even", "odd"]


@dataclass(frozen=True, slots=True)
class Names:
    """What an operation is called elsewhere; an empty string where it has no name there.

    ``python`` is a template over ``{0}``, ``{1}``, ... for generated scalar code, in which
    ``math`` is the standard module (``"math.sin({0})"``); without one, generated code calls the
    row's ``value``. ``latex`` and ``mathml`` are templates over typeset arguments (``{args}``
    for all of them); without one, the operation is typeset as a call. ``sympy``, ``torch``,
    ``arb`` and ``c`` are names of functions there.
    """

    python: str = ""
    sympy: str = ""
    latex: str = ""
    mathml: str = ""
    torch: str = ""
    arb: str = ""
    c: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A rule for points where the general partial is 0/0 or 0*inf although a limit exists."""

    where: Callable[..., Any]  # a condition on the arguments
    partials: tuple[float | None, ...] | float  # there, None where the general rule holds; one for all arguments


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """An elementwise operation ``y = op(*args)`` on real numbers.

    Attributes:
        name: its name in the language and everywhere in symdiff.
        arity: how many arguments it takes; None for one or more.
        value: numbers or float arrays that broadcast together in, the same out. Follows IEEE
            754: nan outside the domain, a signed infinity where the limit is one.
        partials: ``(*args, y) -> (dy/darg0, ...)``, with operators and operations alone; None in
            place of a partial that does not exist (the order of a Bessel function). ``None``
            for an operation that has no derivative at all.
        domain: a condition on the arguments under which the value is a real number; None, or
            a rule that returns None, where it always is.
        smooth: a condition on the arguments under which the partials exist and are
            continuous; None where it is the same as ``domain``. Points outside are the
            kinks and edges that `Evaluation.kinks` names. A rule that returns None has none.
        exact: from exact numbers to the exact value, or None where it is not rational.
        parity: ``op(-x)`` is ``op(x)`` ("even") or ``-op(x)`` ("odd").
        undoes: operations of one argument with ``op(inner(x)) == x`` wherever that is defined.
        canonical: the same value by more basic operations, for the closed form: ``a*b**-1``.
        sign: what is known of the value wherever it is defined.
        parameters: how many leading arguments are literal integers (orders).
        least: the smallest integer that a parameter may be.
        condition: whether the value is a truth (1.0 or 0.0) rather than a number.
        infix: how it is written between its arguments, if it is (``"+"``).
        precedence: how tightly an infix operation binds; larger is tighter, 0 for a call.
        aliases: other names that the language accepts.
        names: what it is called elsewhere.
        edges: limits at points where the partials cannot be evaluated.
        pull_back: ``(ybar, *args) -> cotangents`` where that is more than ``ybar*partial``: a
            choice passes the cotangent on or not at all; None for no contribution.
        push_forward: ``(*tangents, *args) -> tangent``, likewise.
        source: where the value and the partials can be checked.
        position: its place in the table, which is its place among the factors of a product.
    """

    name: str
    arity: int | None
    value: Callable[..., Any]
    partials: Callable[..., tuple[Any, ...]] | None
    domain: Callable[..., Any] | None = None
    smooth: Callable[..., Any] | None = None
    exact: Callable[..., int | Fraction | None] | None = None
    parity: Parity = ""
    undoes: tuple[str, ...] = ()
    canonical: Callable[..., Any] | None = None
    sign: Sign = ""
    parameters: int = 0
    least: int = 0
    condition: bool = False
    infix: str = ""
    precedence: int = 0
    aliases: tuple[str, ...] = ()
    names: Names = field(default_factory=Names)
    edges: tuple[Edge, ...] = ()
    pull_back: Callable[..., tuple[Any, ...]] | None = None
    push_forward: Callable[..., Any] | None = None
    source: str = ""
    position: int = 0

    def __call__(self, *args: Any) -> Any:
        """Apply to numbers, arrays, expressions or tensors; the first overloading one decides."""
        chosen: Overloads | None = None
        for arg in args:
            if isinstance(arg, Overloads) and (chosen is None or type(chosen) is Exact):
                chosen = arg
        return self.value(*args) if chosen is None else chosen.apply(self, args)

    def is_smooth(self, *args: Any) -> Any:
        """The condition under which the partials exist, or None where they always do."""
        rule = self.smooth or self.domain
        return None if rule is None else rule(*args)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Op], tuple[str]]:
        return lookup, (self.name,)


OPS: Final[dict[str, Op]] = {}
"""The table: every operation by its name. Rows of the language and of its helpers alike."""

forgetters: Final[list[Callable[[Op], None]]] = []
"""Called with a row that was removed: whoever keeps something made from rows drops it."""

_ALIASES: Final[dict[str, str]] = {}
_positions: Final = count()
NUMBERS: Final = (int, Fraction)  # what is exact; a tuple, since isinstance would build int | Fraction anew


def operation(name: str, arity: int | None, value: Callable[..., Any], partials: Any, **rest: Any) -> Op:
    """Add a row to the table and return it. See `Op` for the fields.

    Raises:
        ValueError: the name or an alias is taken.
    """
    op = Op(name, arity, value, partials, position=next(_positions), **rest)
    for word in (name, *op.aliases):
        if word in OPS or word in _ALIASES:
            raise ValueError(f"the table already has an operation {word!r}")
    OPS[name] = op
    _ALIASES.update(dict.fromkeys(op.aliases, name))
    return op


def remove(op: Op) -> None:
    """Take a row out of the table again, and tell those in ``forgetters``."""
    del OPS[op.name]
    for alias in op.aliases:
        del _ALIASES[alias]
    for forget in forgetters:
        forget(op)


def find(name: str) -> Op | None:
    """The operation of that name or alias, or None."""
    return OPS.get(name) or OPS.get(_ALIASES.get(name, ""))


def lookup(name: str) -> Op:
    """The operation of that name.

    Raises:
        KeyError: the table has no such row.
    """
    return OPS[name]


def function_names() -> list[str]:
    """Every name that can be called in a formula, aliases included."""
    return [n for n, op in OPS.items() if op.arity != 0 and n.isidentifier() and not op.infix] + list(_ALIASES)


def literal(value: Any) -> int | Fraction | None:
    """The number that an argument of a rule is, if it is an exact one, known before any point is."""
    if isinstance(value, NUMBERS):
        return value
    return value.literal if isinstance(value, Overloads) else None


class Overloads:
    """The base of every value on which the table acts: its operators apply rows to it."""

    __slots__ = ()
    __array_ufunc__ = None  # an array on the left leaves the operation to us

    @property
    def literal(self) -> int | Fraction | None:
        """The exact number that this is, or None."""
        return None

    def apply(self, op: Op, args: tuple[Any, ...]) -> Any:
        """Return ``op(*args)`` as a value of this kind."""
        raise NotImplementedError

    def apply_array(self, op: Any, args: tuple[Any, ...], parameters: tuple[Any, ...]) -> Any:
        """Return a row on whole arrays applied to values of this kind."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return OPS["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return OPS["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return OPS["sub"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return OPS["sub"](other, self)

    def __mul__(self, other: Any) -> Any:
        return OPS["mul"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return OPS["mul"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return OPS["div"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return OPS["div"](other, self)

    def __pow__(self, other: Any) -> Any:
        return OPS["pow"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return OPS["pow"](other, self)

    def __mod__(self, other: Any) -> Any:
        return OPS["mod"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return OPS["mod"](other, self)

    def __neg__(self) -> Any:
        return OPS["neg"](self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return OPS["abs"](self)

    def __lt__(self, other: Any) -> Any:
        return OPS["lt"](self, other)

    def __le__(self, other: Any) -> Any:
        return OPS["le"](self, other)

    def __gt__(self, other: Any) -> Any:
        return OPS["gt"](self, other)

    def __ge__(self, other: Any) -> Any:
        return OPS["ge"](self, other)


class Exact(Overloads):
    """An exact constant inside a rule, such as ``sqrt(pi)`` or ``log(2)``.

    Rows are written before there are expressions, and must not round: an operation on exact
    constants stays one, until it meets a number (then it is a float) or an expression (then it
    becomes part of it, through `op` and `args`).
    """

    __slots__ = ("args", "op", "rounded")

    def __init__(self, op: Op, args: tuple[Exact | int | Fraction, ...] = ()) -> None:
        self.op = op
        self.args = args
        self.rounded: float = float(op.value(*map(float, args)))

    def apply(self, op: Op, args: tuple[Any, ...]) -> Any:
        if all(isinstance(arg, Exact | int | Fraction) for arg in args):
            return Exact(op, args)
        return op.value(*(arg.rounded if isinstance(arg, Exact) else arg for arg in args))

    def __float__(self) -> float:
        return self.rounded

    def __repr__(self) -> str:
        return self.op.name if not self.args else f"{self.op.name}({', '.join(map(repr, self.args))})"


def exact(op: Op, *args: Exact | int | Fraction) -> Exact:
    """``op(*args)`` as an exact constant, for use inside rules: ``exact(log, 2)``."""
    return Exact(op, args)
