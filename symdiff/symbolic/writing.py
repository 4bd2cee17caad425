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
from symdiff.ops import OPS, Op
from symdiff.symbolic.forms import DecimalFraction, Number, Product, Sum, coprime_to_ten, lifted, scaled, terminates

if TYPE_CHECKING:
    from symdiff.symbolic.algebra import Algebra

_HALF: Final = Fraction(1, 2)
_MODULUS: Final = (1 << 61) - 1


class Writer:
    """Writes forms down; remembers the place in the order of every node that it has met."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.keys: dict[Node, tuple[Any, ...]] = {}
        self.ops = OPS

    # -- products

    def product(self, form: Product) -> Node:
        """``-2*x*sin(y)/(3*z)``"""
        factors = form.factors
        bases = sorted(factors, key=self.key) if len(factors) > 1 else factors
        top = [self.power(base, factors[base]) for base in bases if factors[base] > 0]
        bottom = [self.power(base, -factors[base]) for base in bases if factors[base] < 0]
        above, below = _split(form.coefficient)
        if above == -1 and top:
            above = self._turned(top)
        numerator = self._chain(above, top)
        if not bottom and below == 1:
            return numerator
        return build(self.ops["div"], (numerator, self._chain(below, bottom)))

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
        if exponent == _HALF:
            return Apply(self.ops["sqrt"], (base,))
        return Apply(self.ops["pow"], (base, lifted(exponent)))

    def _chain(self, number: Number, nodes: list[Node]) -> Node:
        if not nodes:
            return lifted(number)
        if number == -1:
            nodes[0] = build(self.ops["neg"], (nodes[0],))
        elif number != 1:
            nodes.insert(0, lifted(number))
        result = nodes[0]
        for node in nodes[1:]:
            result = Apply(self.ops["mul"], (result, node))
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
                result = Apply(self.ops["add"], (result, algebra.node(term)))
            else:
                opposite = Product(algebra, -term.coefficient, term.factors)
                result = Apply(self.ops["sub"], (result, algebra.node(opposite)))
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

    # -- the order of nodes

    def key(self, node: Node) -> tuple[Any, ...]:
        """The place of a node: its kind, its first variable, its operation, then a fingerprint."""
        key = self.keys.get(node)
        if key is None:
            todo = [node]
            while todo:
                last = todo[-1]
                missing = [arg for arg in last.args if arg not in self.keys]
                if missing:
                    todo += missing
                else:
                    self.keys[todo.pop()] = self._key(last)
            key = self.keys[node]
        return key

    def _key(self, node: Node) -> tuple[Any, ...]:
        match node:
            case Const(value, decimal):
                return (0, (), -1, (value.numerator * 1_000_003 + 2 * value.denominator + decimal) % _MODULUS)
            case Symbol(name):
                return _symbol_key(name)
            case Apply(op, args):
                keys = [self.keys[arg] for arg in args]
                mark = crc32(op.name.encode())
                for key in keys:
                    mark = (mark * 1_000_003 + key[-1]) % _MODULUS
                first = next((key[1] for key in keys if key[1] and isinstance(key[1], tuple)), ())
                return (self._kind(op, args, bool(first)), first, op.position, mark)
            case _:
                raise AssertionError(f"no order for {type(node).__name__}")

    def _kind(self, op: Op, args: tuple[Node, ...], varies: bool) -> int:
        """pi and sqrt(2) stand before the variables (2), log(2) after them, functions last."""
        if varies:
            return 3 if op.infix else 5
        return 1 if op.infix or not args or op is self.ops["sqrt"] else 4


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
    if isinstance(number, DecimalFraction):
        below = 1 if terminates(number) else coprime_to_ten(number.denominator)
        above = number * below
        return (int(above) if above in (1, -1) else above), below
    return number.numerator, number.denominator
