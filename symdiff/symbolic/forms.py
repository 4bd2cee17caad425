"""Canonical forms: what simplification computes with before it writes a formula down.

A `Product` is a number times powers of nodes; a `Sum` maps like terms to one product each. Both
overload the operators, so the table's rules act on them and come out simplified. Nothing is
expanded. Merging stops at `MOST` parts, beyond which a part becomes one opaque factor or term:
so a form is never larger than that, and the work is linear in the graph.

Each law is stated with the condition under which it is true for real numbers. A law may enlarge
the domain (x/x is 1): the caller compares the domains before and after (see `domain`).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from symdiff.dag import Apply, Const, Node, Symbol, as_node
from symdiff.errors import OperationError
from symdiff.ops import OPS, Exact, Op, Overloads
from symdiff.ops.core import NUMBERS

if TYPE_CHECKING:
    from symdiff.symbolic.algebra import Algebra

MOST: Final = 12  # factors of a product, and terms of a sum that is merged into another
MAX_BITS: Final = 4096  # of an exact constant; beyond, it stays as it was written

_LARGE: Final = 1 << MAX_BITS

Number = int | Fraction


class DecimalFraction(Fraction):
    """An exact number in which a decimal took part, so that it is printed as one."""

    __slots__ = ()

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, NUMBERS):
            return NotImplemented
        return DecimalFraction(self.numerator * other.numerator, self.denominator * other.denominator)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, NUMBERS):
            return NotImplemented
        above = self.numerator * other.denominator + other.numerator * self.denominator
        return DecimalFraction(above, self.denominator * other.denominator)

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, NUMBERS) else NotImplemented

    def __neg__(self) -> DecimalFraction:
        return DecimalFraction(-self.numerator, self.denominator)

    __rmul__ = __mul__
    __radd__ = __add__


def tidy(value: Number) -> Number:
    """An int where the number is whole and no decimal, for speed and equal keys."""
    return value.numerator if type(value) is Fraction and value.denominator == 1 else value


def multiplied(a: Number, b: Number) -> Number | None:
    """``a * b``, tidy, or None where it is not small; most numbers are 1."""
    if type(a) is int and a == 1:
        return b
    if type(b) is int and b == 1:
        return a
    product = tidy(a * b)
    return product if is_small(product) else None


def is_small(value: Number) -> bool:
    """Within the size to which constants are folded."""
    if type(value) is int:
        return -_LARGE < value < _LARGE
    return max(value.numerator.bit_length(), value.denominator.bit_length()) <= MAX_BITS


class Form(Overloads):
    """A `Product` or a `Sum`, and the algebra that made it."""

    __slots__ = ("algebra", "inverse", "made")
    algebra: Algebra
    inverse: Form | None  # the power -1, once it was wanted
    made: Node | None  # the node that it was written down as

    def apply(self, op: Op, args: tuple[Any, ...]) -> Form:
        algebra = self.algebra
        return algebra.apply(op, tuple([arg if isinstance(arg, Form) else algebra.lifted(arg) for arg in args]))

    def __mul__(self, other: Any) -> Form:
        if isinstance(other, Form):
            return times(self, other)
        return multiple(self, other) if isinstance(other, NUMBERS) else self.apply(OPS["mul"], (self, other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Form:
        return times(self, other**-1) if isinstance(other, Form) else self.apply(OPS["div"], (self, other))

    def __rtruediv__(self, other: Any) -> Form:
        return multiple(self**-1, other) if isinstance(other, NUMBERS) else self.apply(OPS["div"], (other, self))

    def __pow__(self, other: Any) -> Form:
        if type(other) is not int:
            return self.apply(OPS["pow"], (self, other))
        if other != -1:
            return self.algebra.whole_power(self, other)
        if self.inverse is None:  # a quotient and its two partials ask for the same one
            self.inverse = self.algebra.whole_power(self, -1)
        return self.inverse

    def __neg__(self) -> Form:
        return scaled(self, -1)


class Product(Form):
    """``coefficient * base**exponent * ...``; exponents are exact numbers, never 0."""

    __slots__ = ("coefficient", "factors")
    coefficient: Number
    factors: dict[Node, Number]

    def __init__(self, algebra: Algebra, coefficient: Number, factors: dict[Node, Number]) -> None:
        self.algebra = algebra
        self.coefficient = coefficient
        self.factors = factors
        self.inverse = self.made = None

    @property
    def literal(self) -> Number | None:
        return None if self.factors else self.coefficient


class Sum(Form):
    """Two or more products with different factors; the key of a term is the set of its factors."""

    __slots__ = ("terms",)
    terms: dict[Any, Product]

    def __init__(self, algebra: Algebra, terms: dict[Any, Product]) -> None:
        self.algebra = algebra
        self.terms = terms
        self.inverse = self.made = None


def number_of(form: Form) -> Number | None:
    """The value of a constant form, or None."""
    return form.literal if type(form) is Product else None


def single(form: Form) -> Node | None:
    """The node of a form that is one factor and nothing else."""
    if type(form) is Product and len(form.factors) == 1 and form.coefficient == 1:
        ((base, exponent),) = form.factors.items()
        if exponent == 1:
            return base
    return None


def scaled(form: Form, number: Number) -> Form:
    """``number * form``. Law: c*(a + b) = c*a + c*b."""
    if type(number) is int and number == 1:
        return form
    if type(form) is Sum and number:
        return Sum(form.algebra, {key: cast(Product, scaled(term, number)) for key, term in form.terms.items()})
    if not number or type(form) is not Product or not form.coefficient:
        return form.algebra.zero
    coefficient = multiplied(form.coefficient, number)
    if coefficient is None:
        return times(form, form.algebra.big(number))
    return Product(form.algebra, coefficient, form.factors)


def multiple(form: Form, number: Number) -> Form:
    """``number * form`` as a factor: 2*(a + b) stays as it is, and -(a + b) is -a - b."""
    if type(number) is int and number == 1:
        return form
    if type(form) is Sum and number not in (0, -1):
        return scaled(form.algebra.product(form), number)
    return scaled(form, number)


def times(a: Form, b: Form) -> Form:
    """``a * b``. Law: x**m * x**n = x**(m + n), where both are defined."""
    if type(a) is Product and not a.factors:
        return multiple(b, a.coefficient)
    if type(b) is Product and not b.factors:
        return multiple(a, b.coefficient)
    algebra = a.algebra
    left = a if type(a) is Product else algebra.product(a)
    right = b if type(b) is Product else algebra.product(b)
    if algebra.masks:
        masked = algebra.masked(left, right)
        if masked is not None:
            return masked
    if len(left.factors) + len(right.factors) > MOST:
        if len(left.factors) >= len(right.factors):
            left = algebra.opaque(left)
        else:
            right = algebra.opaque(right)
    coefficient = multiplied(left.coefficient, right.coefficient)
    if coefficient is None:
        left, coefficient = algebra.big(left.coefficient, left.factors), right.coefficient
    factors = dict(left.factors)
    whole: list[tuple[Node, int]] = []
    for base, exponent in right.factors.items():
        if base in factors:
            exponent = tidy(factors.pop(base) + exponent)
            if not exponent:
                continue
            if type(exponent) is int and type(algebra.forms.get(base)) is Product and type(base) is Apply:
                whole.append((base, exponent))  # (2*x)**(1/2) * (2*x)**(1/2): its factors can be taken apart now
                continue
        factors[base] = exponent
    result = settled(algebra, coefficient, factors)
    for base, exponent in whole:
        result = times(result, algebra.taken_apart(base, exponent))
    return result


def settled(algebra: Algebra, coefficient: Number, factors: dict[Node, Number]) -> Form:
    """A product whose constants are folded and whose powers are joined, if there are any."""
    powers = False
    for base in [base for base in factors if type(base) is not Symbol]:
        if type(base) is Const:
            if not base.decimal or factors[base] != -1 or type(coefficient) is DecimalFraction:
                coefficient = _folded(algebra, coefficient, factors, base)
        elif type(base) is Apply and base.op in algebra.joining:
            powers = True
    product = Product(algebra, coefficient, factors)
    return algebra.joined(product) if powers else product


def _folded(algebra: Algebra, coefficient: Number, factors: dict[Node, Number], base: Const) -> Number:
    """Take an exact constant among the factors into the coefficient where that is exact."""
    exponent = factors[base]
    power = algebra.constant_power(base, exponent)
    if power is not None:
        product = tidy(coefficient * power)
        if is_small(product) and (not base.decimal or terminates(product)):
            del factors[base]
            return product
    elif exponent < -1 and exponent.denominator == 1:  # 1/2.25**2 is 1/5.0625
        below = algebra.constant_power(base, -exponent)
        if below is not None:
            del factors[base]
            factors[lifted(below)] = -1
    return coefficient


def exact_power(base: Number, exponent: Number) -> Number | None:
    """``base**exponent`` where that is exact and within `MAX_BITS`; None otherwise.

    Roots of whole numbers are taken where they come out whole. A root of a negative number is
    not real and is left alone; so is a decimal's reciprocal that does not terminate.
    """
    if type(exponent) is not int and exponent.denominator != 1:
        if base < 0 or exponent.denominator > 64:
            return None
        top, bottom = (_root(part, exponent.denominator) for part in (base.numerator, base.denominator))
        if top is None or bottom is None:
            return None
        root = Fraction(top, bottom)
        base, exponent = DecimalFraction(root) if isinstance(base, DecimalFraction) else root, exponent.numerator
    n = int(exponent)
    decimal = type(base) is DecimalFraction
    if base == 1 or (n == 1 and not decimal):
        return base
    above, below = base.numerator, base.denominator
    if (n < 0 and not above) or (max(above.bit_length(), below.bit_length()) - 1) * abs(n) > MAX_BITS:
        return None
    if n < 0:
        above, below, n = below, above, -n
    if decimal and coprime_to_ten(abs(below)) != 1:
        return None
    above, below = above**n, below**n
    if decimal:
        power = DecimalFraction(above, below)
        return power if len(str(power.numerator)) < 25 else None
    return above if below == 1 else tidy(Fraction(above, below))


def _root(value: int, n: int) -> int | None:
    """The whole n-th root of a whole number that is not negative, or None."""
    if value < 2:
        return value
    guess = 1 << -(-value.bit_length() // n)  # Newton from above
    while True:
        better = ((n - 1) * guess + value // guess ** (n - 1)) // n
        if better >= guess:
            return guess if guess**n == value else None
        guess = better


def terminates(value: Number) -> bool:
    """Whether the number is a decimal fraction."""
    return value.denominator == 1 or coprime_to_ten(value.denominator) == 1


@lru_cache(1024)
def coprime_to_ten(denominator: int) -> int:
    """The denominator without its factors 2 and 5."""
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator


def total(algebra: Algebra, forms: Iterable[Form]) -> Form:
    """The sum of the forms, like terms collected. Law: c*t + d*t = (c + d)*t."""
    terms: dict[Any, Product] = {}
    for form in forms:
        if type(form) is Product and len(form.factors) == 1 and form.coefficient:
            form = algebra.distributed(form)
        if type(form) is Product:
            _collect(terms, form)
        elif type(form) is Sum:
            for term in algebra.merged(form):
                _collect(terms, term)
    if algebra.masks:
        terms = algebra.unmasked(terms)
    if len(terms) > 1:
        return Sum(algebra, terms)
    return next(iter(terms.values())) if terms else algebra.zero


def _collect(terms: dict[Any, Product], term: Product) -> None:
    if not term.coefficient:
        return
    key = frozenset(term.factors.items())
    other = terms.get(key)
    if other is None:
        terms[key] = term
        return
    coefficient = tidy(other.coefficient + term.coefficient)
    if coefficient:
        terms[key] = Product(term.algebra, coefficient, term.factors)
    else:
        del terms[key]


def constant_of(node: Const) -> Number:
    """The number of a constant, marked if it is a decimal."""
    return DecimalFraction(node.value.numerator, node.value.denominator) if node.decimal else node.value


def lifted(value: Any) -> Node:
    """The node of a number or exact constant that a rule contains."""
    if type(value) is int:
        return Const(value)
    if isinstance(value, DecimalFraction):
        return Const(value, decimal=terminates(value))
    if isinstance(value, int | Fraction | Exact | Node | float):
        return as_node(value)
    raise OperationError(f"a rule gave a {type(value).__name__}, which is no part of a formula")
