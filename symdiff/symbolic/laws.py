"""The laws by which closed forms are built, each with the condition under which it is true.

What holds for one operation alone (its parity, its exact values, what it undoes) stands in its
row; here stand the laws of powers, of signs, and of the choice between values. A law returns
None where it does not apply.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

from symdiff.dag import Apply
from symdiff.ops import OPS, Op
from symdiff.symbolic.forms import Form, Product, Sum, exact_power, lifted, number_of, scaled, single, tidy, times

if TYPE_CHECKING:
    from symdiff.symbolic.algebra import Algebra


def _power(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    base, exponent = args
    number = number_of(exponent)
    if number is None:
        return _variable_power(algebra, base, exponent)
    if number.denominator == 1:
        return algebra.whole_power(base, int(number))
    return _root_power(algebra, base, Fraction(number))


def _variable_power(algebra: Algebra, base: Form, exponent: Form) -> Form | None:
    """1**x = 1; e**x = exp(x); exp(x)**y = exp(x*y)."""
    if number_of(base) == 1:
        return algebra.one
    node = single(base)
    if type(node) is Apply and node.op.name == "e":
        return algebra.apply(algebra.exp, (exponent,))
    if type(node) is Apply and node.op is algebra.exp:
        return algebra.apply(algebra.exp, (times(algebra.form(node.args[0]), exponent),))
    return None


def _root_power(algebra: Algebra, base: Form, exponent: Fraction) -> Form | None:
    """(c*a)**p = c**p * a**p for numbers c > 0; (a**m)**p = a**(m*p) for odd whole and for broken m,
    |a|**(m*p) for even m."""
    number = number_of(base)
    if number is not None:
        if number <= 0:
            return None if number else (algebra.zero if exponent > 0 else None)
        power = exact_power(number, exponent)
        return Product(algebra, power, {}) if power is not None else Product(algebra, 1, {lifted(number): exponent})
    if type(base) is Sum:
        return Product(algebra, 1, {algebra.node(base): exponent})
    product = cast(Product, base)
    outside = exact_power(product.coefficient, exponent) if product.coefficient > 0 else None
    if len(product.factors) != 1 or outside is None:
        if outside is None or outside == 1:
            return Product(algebra, 1, {algebra.node(base): exponent})
        inside = Product(algebra, 1, product.factors)
        return Product(algebra, outside, {algebra.node(inside): exponent})
    ((node, inner),) = product.factors.items()
    outer = tidy(inner * exponent)
    if inner.denominator == 1 and inner.numerator % 2 == 0 and (outer.denominator != 1 or outer.numerator % 2):
        bare = algebra.apply(OPS["abs"], (Product(algebra, 1, {node: 1}),))
        return times(Product(algebra, outside, {}), algebra.apply(algebra.power, (bare, algebra.lifted(outer))))
    return Product(algebra, outside, {node: outer})


def _exponential(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    """exp(0) = 1."""
    return algebra.one if number_of(args[0]) == 0 else None


def _absolute(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    """|x| = x for x >= 0; |c*x| = |c|*|x|."""
    form = args[0]
    if algebra.sign(form):
        return form
    if type(form) is Product and form.factors and form.coefficient != 1:
        bare = algebra.apply(op, (Product(algebra, 1, form.factors),))
        return scaled(bare, max(form.coefficient, -form.coefficient))
    return None


def _scale_free(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    """sign(c*x) = sign(x) for c > 0; the sign of what is positive is 1."""
    form = args[0]
    if algebra.sign(form) == "positive":
        return algebra.one
    if type(form) is Product and form.factors and form.coefficient > 0 and form.coefficient != 1:
        return algebra.apply(op, (Product(algebra, 1, form.factors),))
    return None


def _where(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    """where(true, a, b) = a; where(c, a, a) = a."""
    condition = number_of(args[0])
    if condition is not None:
        return args[1] if condition else args[2]
    return args[1] if algebra.node(args[1]) is algebra.node(args[2]) else None


def _both(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    a, b = (number_of(arg) for arg in args)
    if a is not None:
        return args[1] if a else algebra.zero
    if b is not None:
        return args[0] if b else algebra.zero
    return args[0] if algebra.node(args[0]) is algebra.node(args[1]) else None


def _either(algebra: Algebra, op: Op, args: tuple[Form, ...]) -> Form | None:
    a, b = (number_of(arg) for arg in args)
    if a is not None:
        return algebra.one if a else args[1]
    if b is not None:
        return algebra.one if b else args[0]
    return args[0] if algebra.node(args[0]) is algebra.node(args[1]) else None


LAWS: Final[dict[str, Any]] = {
    "pow": _power,
    "exp": _exponential,
    "abs": _absolute,
    "sign": _scale_free,
    "heaviside": _scale_free,
    "where": _where,
    "and": _both,
    "or": _either,
}
