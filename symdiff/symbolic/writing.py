"""From canonical forms back to nodes, arranged as a person would write them.

Products: number, constants, variables, sums, functions; what has a negative exponent goes under
one fraction bar. Sums: powers of variables first, the highest degree first, then terms with
functions, numbers last; a positive term leads. The order depends on the structure alone.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from symdiff.dag import Apply, Const, Node, Symbol, build
from symdiff.ops import OPS
from symdiff.symbolic.forms import DecimalFraction, Number, Product, Sum, coprime_to_ten, lifted, scaled, terminates

if TYPE_CHECKING:
    from symdiff.symbolic.algebra import Algebra

_HALF: Final = Fraction(1, 2)
_MODULUS: Final = (1 << 61) - 1


class Writer:
    """Writes forms down; remembers the place in the order of every node that it has met."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.keys = _Keys()
        self.key = self.keys.__getitem__  # the place of a node in the order

    # -- products

    def product(self, form: Product) -> Node:
        """``-2*x*sin(y)/(3*z)``"""
        factors = form.factors
        top: list[Node] = []
        bottom: list[Node] = []
        for base in sorted(factors, key=self.key) if len(factors) > 1 else factors:
            exponent = factors[base]
            if exponent > 0:
                top.append(self.power(base, exponent))
            else:
                bottom.append(self.power(base, -exponent))
        above, below = _split(form.coefficient)
        if above == -1 and top:
            above = self._turned(top)
        numerator = self._chain(above, top)
        if not bottom and below == 1:
            return numerator
        return build(OPS["div"], (numerator, self._chain(below, bottom)))

    def _turned(self, top: list[Node]) -> int:
        """Take a minus into the sum that it would stand before: -(a - b)*c is (b - a)*c."""
        form = self.algebra.forms.get(top[0])
        if type(form) is not Sum:
            return -1
        top[0] = self.algebra.node(scaled(form, -1))
        return 1

    def power(self, base: Node, exponent: Number) -> Node:
        if exponent == 1:
            return base
        if type(exponent) is not int and exponent == _HALF:
            return Apply(OPS["sqrt"], (base,))
        return Apply(OPS["pow"], (base, lifted(exponent)))

    def _chain(self, number: Number, nodes: list[Node]) -> Node:
        if not nodes:
            return lifted(number)
        if number == -1:
            nodes[0] = build(OPS["neg"], (nodes[0],))
        elif number != 1:
            nodes.insert(0, lifted(number))
        result = nodes[0]
        if len(nodes) > 1:
            mul = OPS["mul"]
            for node in nodes[1:]:
                result = Apply(mul, (result, node))
        return result

    # -- sums

    def sum(self, form: Sum) -> Node:
        """``x**2 - 2*x + sin(x) + 1``"""
        terms = sorted(form.terms.values(), key=self._term_key)
        lead = next((i for i, term in enumerate(terms) if term.coefficient > 0), 0)
        terms.insert(0, terms.pop(lead))
        algebra = self.algebra
        result = algebra.node(terms[0])
        for term in terms[1:]:
            if term.coefficient > 0:
                result = Apply(OPS["add"], (result, algebra.node(term)))
            else:
                opposite = Product(algebra, -term.coefficient, term.factors)
                result = Apply(OPS["sub"], (result, algebra.node(opposite)))
        return result

    def _term_key(self, term: Product) -> tuple[Any, ...]:
        degree: Number = 0
        plain = True
        keys = []
        for base, exponent in term.factors.items():
            if type(base) is Symbol:
                degree += exponent
                plain = plain and exponent > 0
            elif base.args:
                plain = False
            keys.append((self.key(base), -exponent))
        keys.sort()
        if not keys:
            return (3,)
        return (0, -degree, keys) if plain and degree else (1 if not plain else 2, len(keys), degree, keys)


# ---- the order of nodes


class _Keys(dict[Node, tuple[Any, ...]]):
    """The place of each node: its kind, its first variable, its operation, then a fingerprint."""

    def __missing__(self, node: Node) -> tuple[Any, ...]:
        todo = [node]
        while todo:
            last = todo[-1]
            missing = [arg for arg in last.args if arg not in self]
            if missing:
                todo += missing
            else:
                self[todo.pop()] = self._key(last)
        return self[node]

    def _key(self, node: Node) -> tuple[Any, ...]:
        if type(node) is Symbol:
            return _symbol_key(node.name)
        if type(node) is Const:
            value = node.value
            return (0, (), -1, (value.numerator * 1_000_003 + 2 * value.denominator + node.decimal) % _MODULUS)
        if type(node) is not Apply:
            raise AssertionError(f"no order for {type(node).__name__}")
        first: tuple[Any, ...] = ()
        mark = _mark(node.op.name)
        for arg in node.args:
            key = self[arg]
            mark = (mark * 1_000_003 + key[3]) % _MODULUS
            first = first or key[1]
        return (_kind(node, bool(first)), first, node.op.position, mark)


def _kind(node: Apply, varies: bool) -> int:
    """pi and sqrt(2) stand before the variables (2), log(2) after them, functions last."""
    if varies:
        return 3 if node.op.infix else 5
    return 1 if node.op.infix or not node.args or node.op is OPS["sqrt"] else 4


@lru_cache(1024)
def _mark(name: str) -> int:
    return crc32(name.encode())


@lru_cache(4096)
def _symbol_key(name: str) -> tuple[Any, ...]:
    return (2, natural_key(name), -1, crc32(name.encode()))


@lru_cache(4096)
def natural_key(name: str) -> tuple[Any, ...]:
    """The order in which people list variables: x2 before x10."""
    parts = re.split(r"(\d+)", name)
    return tuple((part.casefold(), 0, part) if i % 2 == 0 else ("", int(part), part) for i, part in enumerate(parts))


def _split(number: Number) -> tuple[Number, Number]:
    """A coefficient as what stands above and what stands below the fraction bar."""
    if type(number) is int:
        return number, 1
    if isinstance(number, DecimalFraction):
        below = 1 if terminates(number) else coprime_to_ten(number.denominator)
        above = number * below
        return (int(above) if above in (1, -1) else above), below
    return number.numerator, number.denominator
