"""Rows for arithmetic, comparisons, logic, the choice between values, and the constants."""

from __future__ import annotations

import math
import operator as python
from typing import Any

import numpy as np

from symdiff.ops.core import OPS, Edge, Exact, Names, Op, literal, operation

FIELD = "the field operations and their derivatives"


def _truth(test: Any) -> Any:
    """A comparison as 1.0 or 0.0, so that conditions can be multiplied with numbers."""
    return test + 0.0


def _comparison(name: str, infix: str, test: Any, exact: Any, sympy: str, latex: str) -> Op:
    return operation(
        name,
        2,
        lambda a, b: _truth(test(a, b)),
        lambda a, b, y: (0, 0),
        smooth=lambda a, b: ne(a, b),
        exact=lambda a, b: int(exact(a, b)),
        sign="nonnegative",
        condition=True,
        infix=infix,
        precedence=4,
        names=Names(
            python=f"(1.0 if {{0}} {infix} {{1}} else 0.0)", sympy=sympy, latex=f"{{0}} {latex} {{1}}", torch=name
        ),
        source="IEEE 754-2019, 5.11; locally constant",
    )


lt: Op = _comparison("lt", "<", np.less, python.lt, "Lt", "<")
le: Op = _comparison("le", "<=", np.less_equal, python.le, "Le", r"\le")
gt: Op = _comparison("gt", ">", np.greater, python.gt, "Gt", ">")
ge: Op = _comparison("ge", ">=", np.greater_equal, python.ge, "Ge", r"\ge")
eq: Op = _comparison("eq", "==", np.equal, python.eq, "Eq", "=")
ne: Op = _comparison("ne", "!=", np.not_equal, python.ne, "Ne", r"\ne")

both: Op = operation(
    "and",
    2,
    lambda a, b: _truth(np.logical_and(a, b)),
    lambda a, b, y: (0, 0),
    sign="nonnegative",
    condition=True,
    infix="and",
    precedence=2,
    names=Names(python="(1.0 if {0} and {1} else 0.0)", sympy="And", latex=r"{0} \land {1}", torch="logical_and"),
    source="propositional logic",
)
either: Op = operation(
    "or",
    2,
    lambda a, b: _truth(np.logical_or(a, b)),
    lambda a, b, y: (0, 0),
    sign="nonnegative",
    condition=True,
    infix="or",
    precedence=1,
    names=Names(python="(1.0 if {0} or {1} else 0.0)", sympy="Or", latex=r"{0} \lor {1}", torch="logical_or"),
    source="propositional logic",
)
negation: Op = operation(
    "not",
    1,
    lambda a: _truth(np.logical_not(a)),
    lambda a, y: (0,),
    exact=lambda a: int(not a),
    undoes=("not",),
    sign="nonnegative",
    condition=True,
    infix="not",
    precedence=3,
    names=Names(python="(0.0 if {0} else 1.0)", sympy="Not", latex=r"\lnot {0}", torch="logical_not"),
    source="propositional logic",
)

where: Op = operation(
    "where",
    3,
    lambda c, a, b: np.where(np.not_equal(c, 0), a, b),
    lambda c, a, b, y: (0, where(c, 1, 0), where(c, 0, 1)),
    pull_back=lambda ybar, c, a, b: (None, where(c, ybar, 0), where(c, 0, ybar)),
    push_forward=lambda cdot, adot, bdot, c, a, b: where(c, adot, bdot),
    names=Names(
        python="({1} if {0} else {2})",
        sympy="Piecewise",
        latex=r"\begin{cases} {1} & {0} \\ {2} & \text{otherwise} \end{cases}",
        torch="where",
    ),
    source="selection; the branch that is not taken contributes nothing, whatever its value",
)

neg: Op = operation(
    "neg",
    1,
    np.negative,
    lambda a, y: (-1,),
    infix="-",
    precedence=7,
    canonical=lambda a: a * -1,
    names=Names(python="(-{0})", sympy="neg", latex="-{0}", torch="neg", arb="neg", c="-"),
    source=FIELD,
)
add: Op = operation(
    "add",
    2,
    np.add,
    lambda a, b, y: (1, 1),
    infix="+",
    precedence=5,
    names=Names(python="({0} + {1})", sympy="Add", latex="{0} + {1}", torch="add", arb="add", c="+"),
    source=FIELD,
)
sub: Op = operation(
    "sub",
    2,
    np.subtract,
    lambda a, b, y: (1, -1),
    infix="-",
    precedence=5,
    canonical=lambda a, b: a + b * -1,
    names=Names(python="({0} - {1})", sympy="sub", latex="{0} - {1}", torch="sub", arb="sub", c="-"),
    source=FIELD,
)
mul: Op = operation(
    "mul",
    2,
    np.multiply,
    lambda a, b, y: (b, a),
    infix="*",
    precedence=6,
    names=Names(python="({0} * {1})", sympy="Mul", latex="{0} {1}", torch="mul", arb="mul", c="*"),
    source=FIELD,
)
div: Op = operation(
    "div",
    2,
    np.divide,
    lambda a, b, y: (1 / b, None if literal(b) is not None else -y / b),  # a/b**2 would overflow where b**2 does
    domain=lambda a, b: ne(b, 0),
    infix="/",
    precedence=6,
    canonical=lambda a, b: a * b**-1,
    names=Names(
        python="({0} / {1})",
        sympy="div",
        latex=r"\frac{{0}}{{1}}",
        mathml="<mfrac>{0}{1}</mfrac>",
        torch="div",
        arb="div",
        c="/",
    ),
    source=FIELD,
)


def _pow_domain(x: Any, p: Any) -> Any:
    n = literal(p)
    if n is not None and n.denominator == 1:
        return None if n >= 0 else ne(x, 0)
    if n is not None:
        return x >= 0 if n > 0 else x > 0
    return either(x > 0, either(both(eq(p, floor(p)), either(ne(x, 0), p >= 0)), both(eq(x, 0), p > 0)))


def _pow_smooth(x: Any, p: Any) -> Any:
    n = literal(p)
    if n is None or n.denominator != 1:
        return x > 0
    return None if n >= 0 else ne(x, 0)


def _pow_partials(x: Any, p: Any, y: Any) -> tuple[Any, Any | None]:
    n = literal(p)
    if n is not None:  # a literal exponent has no partial
        return n * x ** (n - 1), None
    return p * x ** (p - 1), 0 if literal(x) == 0 else y * OPS["log"](x)  # 0**p is 0 for p > 0


power: Op = operation(
    "pow",
    2,
    np.power,
    _pow_partials,
    domain=_pow_domain,
    smooth=_pow_smooth,
    infix="**",
    precedence=8,
    names=Names(
        python="math.pow({0}, {1})",
        sympy="Pow",
        latex="{{0}}^{{1}}",
        mathml="<msup>{0}{1}</msup>",
        torch="pow",
        arb="pow",
        c="pow",
    ),
    edges=(
        Edge(lambda x, p: eq(p, 0), (0.0, None)),  # x**0 is 1, also where 0*x**-1 is 0*inf
        Edge(lambda x, p: both(eq(x, 0), p > 0), (None, 0.0)),  # x**p*log(x) -> 0 as x -> 0+
    ),
    source="DLMF 4.4(iii); real: x >= 0, or p an integer",
)


def _constant(name: str, value: float, sympy: str, latex: str) -> Op:
    return operation(
        name,
        0,
        lambda: value,
        lambda y: (),
        sign="positive",
        names=Names(
            python=repr(value) if math.isfinite(value) else "math.inf",
            sympy=sympy,
            latex=latex,
            torch=name,
            arb=name,
            c=repr(value),
        ),
        source="DLMF 3.12, 4.2(ii)",
    )


pi: Exact = Exact(_constant("pi", math.pi, "pi", r"\pi"))
tau: Exact = Exact(_constant("tau", math.tau, "tau", r"\tau"))
e: Exact = Exact(_constant("e", math.e, "E", "e"))
inf: Exact = Exact(_constant("inf", math.inf, "oo", r"\infty"))

floor: Op = operation(
    "floor",
    1,
    np.floor,
    lambda x, y: (0,),
    smooth=lambda x: ne(x, floor(x)),
    exact=math.floor,
    names=Names(python="float(math.floor({0}))", sympy="floor", latex=r"\lfloor {0} \rfloor", torch="floor", c="floor"),
    source="DLMF front matter; constant between integers, convention 0 at them",
)
