"""To SymPy and back: nodes as SymPy expressions with the same real values, and the reverse.

An operation finds its counterpart by the SymPy name in its row. Most are functions of SymPy;
the others are words of `_vocabulary`, which spells them with SymPy's own functions. SymPy is
imported at the first call. Linear in the DAG on our side; what SymPy does with what it is given
may recurse, and then fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, reduce
from typing import Any

from symdiff.dag import Apply, Const, Node, Symbol, as_node, build, nodes_of
from symdiff.errors import OperationError
from symdiff.graph import topological_order
from symdiff.ops import OPS, Op, lookup

Recipe = tuple[Callable[..., Node], tuple[Any, ...]]
"""What makes a node of the nodes of its parts, and those parts as SymPy expressions."""


def to_sympy(node: Node) -> Any:
    """The SymPy expression with the same real values; its symbols are real, its numbers exact.

    Raises:
        OperationError: SymPy has no counterpart of an operation; the message names it.
    """
    import sympy

    made: dict[Node, Any] = {}
    for part in nodes_of([node]):
        match part:
            case Symbol(name):
                made[part] = sympy.Symbol(name, real=True)
            case Const(value):
                made[part] = sympy.Rational(value.numerator, value.denominator)
            case Apply(op, args):
                made[part] = counterpart(op)(*(made[arg] for arg in args))
            case _:
                raise AssertionError(f"no SymPy expression for {type(part).__name__}")
    return made[node]


def from_sympy(expression: Any) -> Node:
    """The node with the same real values as a SymPy expression.

    Raises:
        OperationError: the expression has a part without counterpart here, or is no SymPy
            expression; a text is not taken, for SymPy would evaluate it.
    """
    import sympy

    if not isinstance(expression, sympy.Basic | int | float | Fraction):
        raise OperationError(f"from_sympy takes a SymPy expression, not a {type(expression).__name__}")
    if not isinstance(expression, sympy.Basic):
        return as_node(expression)
    known = _rows_by_counterpart()
    recipes: dict[Any, Recipe] = {}

    def parts(e: Any) -> tuple[Any, ...]:
        recipes[e] = _recipe(e, known)
        return recipes[e][1]

    made: dict[Any, Any] = {}
    for e in topological_order([expression], parts):
        make, args = recipes[e]
        made[e] = make(*(made[arg] for arg in args))
    node: Node = made[expression]
    return node


# ---- there


def counterpart(op: Op) -> Callable[..., Any]:
    """What SymPy offers for an operation: a callable on SymPy expressions.

    Raises:
        OperationError: nothing.
    """
    import sympy

    name = op.names.sympy
    found: Any = _vocabulary().get(name or op.name) or (getattr(sympy, name, None) if name else None)
    if found is None:
        raise OperationError(f"SymPy has no {op.name}")
    if isinstance(found, sympy.Basic):
        return lambda: found
    if found in (sympy.And, sympy.Or, sympy.Not):
        return lambda *args: found(*map(_truth, args))
    return lambda *args: found(*map(_number, args))


def _is_truth(e: Any) -> bool:
    """Whether a SymPy expression is a condition. Its symbols are `Boolean` too, so ask for the rest."""
    from sympy.core.relational import Relational
    from sympy.logic.boolalg import BooleanAtom, BooleanFunction

    return isinstance(e, Relational | BooleanAtom | BooleanFunction)


def _number(e: Any) -> Any:
    """A condition as 1 or 0, as the table has it; anything else as it is."""
    import sympy

    return sympy.Piecewise((1, e), (0, True)) if _is_truth(e) else e


def _truth(e: Any) -> Any:
    import sympy

    return e if _is_truth(e) else sympy.Ne(e, 0)


@cache
def _vocabulary() -> dict[str, Callable[..., Any]]:
    """Words for what SymPy has no single real function for, spelt with those that it has."""
    import sympy as sp

    half = sp.Rational(1, 2)

    def cbrt(x: Any) -> Any:  # SymPy's own is complex for x < 0
        return sp.Piecewise((x ** sp.Rational(1, 3), x >= 0), (-((-x) ** sp.Rational(1, 3)), True))

    def loggamma(x: Any) -> Any:  # SymPy's is complex for x < 0; log(gamma(x)) is out of reach for large x
        return sp.Piecewise((sp.loggamma(x), x > 0), (sp.log(sp.Abs(sp.gamma(x))), True))

    def jn(n: Any, x: Any) -> Any:  # SymPy's has the wrong sign for x < 0
        return sp.Piecewise((sp.jn(n, x), x > 0), ((-1) ** n * sp.jn(n, -x), x < 0), (int(n == 0), True))

    def ties_to_even(x: Any) -> Any:
        below = sp.floor(x)
        stays = sp.And(sp.Eq(x - below, half), sp.Eq(sp.Mod(below, 2), 0))
        return sp.Piecewise((below, stays), (sp.floor(x + half), True))

    return {
        "neg": lambda x: -x,
        "sub": lambda x, y: x - y,
        "div": lambda x, y: x / y,
        "tau": lambda: 2 * sp.pi,
        "sqrt": sp.sqrt,
        "cbrt": cbrt,
        "expm1": lambda x: sp.exp(x) - 1,
        "log1p": lambda x: sp.log(1 + x),
        "log2": lambda x: sp.log(x) / sp.log(2),
        "log10": lambda x: sp.log(x) / sp.log(10),
        "hypot": lambda *xs: sp.sqrt(sum(x**2 for x in xs)),
        "sigmoid": lambda x: 1 / (1 + sp.exp(-x)),
        "softplus": lambda x: sp.log(1 + sp.exp(x)),
        "silu": lambda x: x / (1 + sp.exp(-x)),
        "gelu": lambda x: x * (1 + sp.erf(x / sp.sqrt(2))) / 2,
        "logsumexp": lambda *xs: sp.log(sum(map(sp.exp, xs))),
        "relu": lambda x: sp.Max(x, 0),
        "clip": lambda x, low, high: sp.Min(sp.Max(x, low), high),
        "round": ties_to_even,
        "Heaviside": lambda x: sp.Heaviside(x, half),
        "loggamma": loggamma,
        "jn": jn,
        "Piecewise": lambda c, a, b: sp.Piecewise((a, _truth(c)), (b, True)),
    }


# ---- and back


def _rows_by_counterpart() -> dict[Any, Op]:
    """Every row by the SymPy class or constant that its SymPy name names; the first row wins."""
    import sympy

    found: dict[Any, Op] = {}
    for op in OPS.values():
        there = getattr(sympy, op.names.sympy, None) if op.names.sympy else None
        if isinstance(there, type | sympy.Basic):
            found.setdefault(there, op)
    return found


def _recipe(e: Any, known: dict[Any, Op]) -> Recipe:
    import sympy as sp

    if isinstance(e, sp.Symbol):
        return (lambda: Symbol(e.name)), ()
    if isinstance(e, sp.Rational):
        return (lambda: Const(Fraction(int(e.p), int(e.q)))), ()
    if isinstance(e, sp.Float):
        return (lambda: _decimal(e)), ()
    if e in known:
        return _applying(known[e]), ()
    if e is sp.S.NegativeInfinity:
        return (lambda inf: build(lookup("neg"), (inf,))), (sp.S.Infinity,)
    if e in (sp.true, sp.false):
        return (lambda: Const(int(bool(e)))), ()
    if isinstance(e, sp.Add):
        return _sum(e)
    if isinstance(e, sp.Mul):
        return _product(e)
    if isinstance(e, sp.Pow):
        return _power(e)
    if isinstance(e, sp.Piecewise):
        return _choice(e)
    if isinstance(e, sp.And | sp.Or):
        return _chained(known[e.func]), e.args
    if isinstance(e, sp.Heaviside):
        return _applying(known[sp.Heaviside]), e.args[:1]
    if isinstance(e, sp.polygamma) and e.args[0] == 0 and sp.digamma in known:
        return _applying(known[sp.digamma]), e.args[1:]
    if isinstance(e, sp.LambertW) and len(e.args) == 2 and e.args[1] == 0:
        return _applying(known[sp.LambertW]), e.args[:1]
    if isinstance(e, sp.Derivative | sp.Subs | sp.Integral | sp.Sum | sp.Product | sp.Limit):
        raise OperationError(f"SymPy left {_shown(e)} unevaluated, and symdiff has no closed form for it")
    if e.func in known:
        op = known[e.func]
        if op.arity is None or op.arity == len(e.args):
            return _applying(op), e.args
    raise OperationError(f"symdiff has no counterpart of SymPy's {e.func.__name__}, in {_shown(e)}")


def _shown(e: Any) -> str:
    text = str(e)
    return text if len(text) <= 60 else text[:57] + "..."


def _applying(op: Op) -> Callable[..., Node]:
    return lambda *args: build(op, args)


def _chained(op: Op) -> Callable[..., Node]:
    """A binary operation over any number of arguments, from the left."""
    return lambda *args: reduce(lambda a, b: build(op, (a, b)), args)


def _decimal(e: Any) -> Node:
    """A SymPy Float: at double precision the decimal that a double prints, beyond it the exact binary value."""
    if e._prec <= 53:
        return as_node(float(e))
    import sympy

    exact = sympy.Rational(e)
    return Const(Fraction(int(exact.p), int(exact.q)), decimal=True)


def _is_negative(e: Any) -> bool:
    return bool((e.is_Number and e < 0) or (e.is_Mul and e.args[0].is_Number and e.args[0] < 0))


def _sum(e: Any) -> Recipe:
    """Negative terms are subtracted, as a person would write them."""
    terms = sorted(e.as_ordered_terms() if len(e.args) < 100 else e.args, key=_is_negative)
    minus = [_is_negative(term) for term in terms]

    def make(*nodes: Node) -> Node:
        total = build(lookup("neg"), nodes[:1]) if minus[0] else nodes[0]
        for node, negative in zip(nodes[1:], minus[1:], strict=True):
            total = total - node if negative else total + node
        return total

    return make, tuple(-term if negative else term for term, negative in zip(terms, minus, strict=True))


def _product(e: Any) -> Recipe:
    """Factors with a negative exponent go below one fraction bar."""
    import sympy as sp

    coefficient, rest = e.as_coeff_mul()
    above: list[Any] = []
    below: list[Any] = []
    for factor in rest:
        if factor.is_Pow and factor.exp.is_Rational and factor.exp < 0:
            below.append(sp.Pow(factor.base, -factor.exp))
        else:
            above.append(factor)
    negative = coefficient.is_Rational and coefficient < 0
    if coefficient.is_Rational:
        top, bottom = abs(coefficient.p), coefficient.q
        above = ([sp.Integer(top)] if top != 1 or not above else []) + above
        below = ([sp.Integer(bottom)] if bottom != 1 else []) + below
    else:
        above = [coefficient, *above]
    count = len(above)

    def make(*nodes: Node) -> Node:
        times = _chained(lookup("mul"))
        made = times(*nodes[:count])
        if negative:
            made = build(lookup("neg"), (made,))
        return build(lookup("div"), (made, times(*nodes[count:]))) if count < len(nodes) else made

    return make, (*above, *below)


def _power(e: Any) -> Recipe:
    import sympy as sp

    if e.exp.is_Rational and e.exp < 0:
        return (lambda node: build(lookup("div"), (Const(1), node))), (sp.Pow(e.base, -e.exp),)
    if e.exp == sp.Rational(1, 2):
        return _applying(lookup("sqrt")), (e.base,)
    return _applying(lookup("pow")), (e.base, e.exp)


def _choice(e: Any) -> Recipe:
    """Pieces from the last to the first; outside all of them there is no value: 0/0."""
    pieces: Sequence[Any] = e.args
    complete = pieces[-1].cond == True  # noqa: E712  (SymPy's true)
    flat = [part for piece in pieces for part in (piece.cond, piece.expr)]

    def make(*nodes: Node) -> Node:
        pairs = list(zip(nodes[::2], nodes[1::2], strict=True))
        chosen = pairs.pop()[1] if complete else build(lookup("div"), (Const(0), Const(0)))
        for condition, value in reversed(pairs):
            chosen = build(lookup("where"), (condition, value, chosen))
        return chosen

    return make, tuple(flat)
