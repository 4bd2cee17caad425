"""Sums as one fraction, and with a common sum taken out, where that does not make them longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from symdiff.dag import Node
from symdiff.symbolic.forms import MOST, Form, Number, Product, Sum, tidy, times, total

if TYPE_CHECKING:
    from symdiff.symbolic.algebra import Algebra


def together(algebra: Algebra, form: Sum) -> Product | None:
    """The sum as a product of fewer or smaller parts, or None where there is none.

    Laws: a/w + b/w**2 = (a*w + b)/w**2 and a*w + b*w = (a + b)*w, where both are defined. Tried on
    short sums alone, and kept where the numerator has no more terms than the sum had.
    """
    terms = list(form.terms.values())
    if len(terms) > MOST:
        return None
    taken: dict[Node, Number] = {}
    for base in _candidates(algebra, terms):
        combined = _over(algebra, terms, base)
        if combined is not None:
            least, terms = combined
            taken[base] = least
            if len(terms) == 1:
                break
    if not taken:
        return None
    return cast(Product, times(total(algebra, terms), Product(algebra, 1, taken)))


def _candidates(algebra: Algebra, terms: list[Product]) -> list[Node]:
    """What some term has in its denominator, or every term has as a factor that is a sum."""
    bases: dict[Node, None] = {}
    for term in terms:
        for base, exponent in term.factors.items():
            if exponent < 0:
                bases[base] = None
    for base in terms[0].factors:
        if type(algebra.forms.get(base)) is Sum and all(base in term.factors for term in terms):
            bases[base] = None
    return sorted(bases, key=algebra.writer.key)


def _over(algebra: Algebra, terms: list[Product], base: Node) -> tuple[Number, list[Product]] | None:
    """The least power of ``base`` in all terms, and the terms divided by it."""
    powers = [term.factors.get(base, 0) for term in terms]
    least = min(powers)
    if not least or any((power - least).denominator != 1 for power in powers):
        return None
    same = all(power == least for power in powers)
    if not same and type(algebra.forms.get(base)) is not Sum and not any(_inner(algebra, term) for term in terms):
        return None  # nothing to multiply out, so no fewer terms
    numerators: list[Form] = []
    for term, power in zip(terms, powers, strict=True):
        rest = Product(algebra, term.coefficient, {b: e for b, e in term.factors.items() if b is not base})
        expanded = _times_power(algebra, rest, base, int(power - least))
        if expanded is None:
            return None
        numerators.append(expanded)
    numerator = total(algebra, numerators)
    result = list(numerator.terms.values()) if type(numerator) is Sum else [cast(Product, numerator)]
    if len(result) > len(terms) or not result[0].coefficient or (not same and not _worth(algebra, base, terms, result)):
        return None
    return tidy(least), result


def _worth(algebra: Algebra, base: Node, terms: list[Product], result: list[Product]) -> bool:
    return len(result) < len(terms) or type(algebra.forms.get(base)) is Sum


def _times_power(algebra: Algebra, rest: Product, base: Node, n: int) -> Form | None:
    """``rest * base**n`` with a sum multiplied out, for n of 0 and 1; one sum inside ``rest`` too."""
    inner = _inner(algebra, rest)
    if n == 0 and len(inner) == 1:
        return _multiplied(algebra, rest, inner[0])
    if n == 0:
        return rest
    if n == 1 and not inner:
        bare = Product(algebra, rest.coefficient, {**rest.factors, base: 1})
        return _multiplied(algebra, bare, base) if type(algebra.forms.get(base)) is Sum else bare
    return None


def _inner(algebra: Algebra, term: Product) -> list[Node]:
    """The factors that are sums."""
    return [b for b, e in term.factors.items() if e == 1 and type(algebra.forms.get(b)) is Sum]


def _multiplied(algebra: Algebra, product: Product, base: Node) -> Form:
    known = cast(Sum, algebra.forms[base])
    if len(known.terms) > MOST // 2:
        return product
    rest = Product(algebra, product.coefficient, {b: e for b, e in product.factors.items() if b is not base})
    return total(algebra, [times(term, rest) for term in known.terms.values()])
