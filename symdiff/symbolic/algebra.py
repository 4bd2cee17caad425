"""The algebra of one job: canonical forms of nodes, and nodes of canonical forms.

`Algebra.apply` is the one way in: it gives the canonical form of an operation on canonical forms,
by the laws of `symdiff.symbolic.laws` and by what the operation's row says of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd
from typing import Any, cast

from symdiff.dag import Apply, Const, Node, Symbol, build
from symdiff.graph import topological_order
from symdiff.ops import OPS, Exact, Op
from symdiff.ops.core import NUMBERS
from symdiff.symbolic.forms import (
    MOST,
    DecimalFraction,
    Form,
    Number,
    Product,
    Sum,
    constant_of,
    exact_power,
    is_small,
    lifted,
    number_of,
    scaled,
    settled,
    single,
    tidy,
    times,
    total,
)
from symdiff.symbolic.fractions import together
from symdiff.symbolic.laws import LAWS
from symdiff.symbolic.writing import Writer


class Algebra:
    """Canonical forms of the nodes of one job, each made once."""

    def __init__(self) -> None:
        self.mul = OPS["mul"]
        self.add = OPS["add"]
        self.exp = OPS["exp"]
        self.where = OPS["where"]
        self.power = OPS["pow"]
        self.joining = (self.exp, self.power)
        self.linear = (self.add, OPS["sub"], OPS["neg"])
        self.zero = Product(self, 0, {})
        self.one = Product(self, 1, {})
        self.writer = Writer(self)
        self.forms: dict[Node, Form] = {}  # of nodes that have been read or written
        self.powers: dict[tuple[Node, Number], Number | None] = {}
        self.signs: dict[Node, str] = {}
        self.masks: dict[Node, None] = {}  # cotangents of branches: where(c, p, 0) and where(c, 0, p)

    # -- nodes to forms

    def read(self, roots: Iterable[Node]) -> None:
        """Make the forms of all nodes under ``roots``; sums that only feed a sum are read with it."""
        roots = list(roots)
        self.read_in(topological_order(roots, lambda node: () if node in self.forms else node.args), roots)

    def read_in(self, order: list[Node], roots: Iterable[Node]) -> None:
        """The same, given the nodes in topological order."""
        inner = self._inner_sums(order, roots)
        for node in order:
            if node not in self.forms and node not in inner:
                self.forms[node] = self._read(node, inner)

    def form(self, node: Node) -> Form:
        """The canonical form of a node."""
        form = self.forms.get(node)
        if form is None:
            self.read([node])
            form = self.forms[node]
        return form

    def _read(self, node: Node, inner: frozenset[Node]) -> Form:
        if type(node) is Symbol:
            return Product(self, 1, {node: 1})
        if type(node) is Apply:
            if node.op in self.linear:
                return total(self, self._addends(node, inner))
            forms = self.forms
            return self.apply(node.op, tuple([forms[arg] for arg in node.args]))
        if type(node) is Const:
            return Product(self, constant_of(node), {})
        raise AssertionError(f"no form for {type(node).__name__}")

    def _inner_sums(self, order: list[Node], roots: Iterable[Node]) -> frozenset[Node]:
        """Sums with one user, which is a sum: a chain of a thousand is then read at once."""
        linear = [n for n in order if type(n) is Apply and n.op in self.linear and n not in self.forms]
        if len(linear) < 2:
            return frozenset()
        users: dict[Node, int] = {}
        for node in order:
            for arg in node.args:
                users[arg] = users.get(arg, 0) + 1
        chained = {arg for node in linear for arg in node.args if users[arg] == 1}
        return frozenset(chained.intersection(linear).difference(roots))

    def _addends(self, node: Node, inner: frozenset[Node]) -> Iterable[Form]:
        todo = [(node, 1)]
        while todo:
            part, sign = todo.pop()
            if part is not node and part not in inner:
                yield scaled(self.forms[part], sign)
                continue
            args = part.args
            last = sign if cast(Apply, part).op is self.add else -sign
            todo.append((args[-1], last))
            if len(args) == 2:
                todo.append((args[0], sign))

    # -- forms to nodes

    def node(self, form: Form) -> Node:
        """Write a form down. The node's own form is remembered."""
        if form.made is None:
            if type(form) is Sum:
                factored = together(self, form)
                node = self.writer.sum(form) if factored is None else self.node(factored)
                self.forms.setdefault(node, form if factored is None else factored)
            else:
                product = cast(Product, form)
                if len(product.factors) == 1 and product.coefficient != 1:
                    form = self.distributed(product)  # 2*(a + b) alone is 2*a + 2*b
                node = self.writer.product(product) if form is product else self.node(form)
                self.forms.setdefault(node, form)
                product.made = node
            form.made = node
        return form.made

    def product(self, form: Form) -> Product:
        """A form as a product; a sum becomes one factor, or several where it factors."""
        if type(form) is Product:
            return form
        content = _content(cast(Sum, form))
        node = self.node(form if content == 1 else _divided(cast(Sum, form), content))
        known = self.forms[node]
        found = known if type(known) is Product else Product(self, 1, {node: 1})
        return cast(Product, scaled(found, content))

    def opaque(self, product: Product) -> Product:
        """A product of many factors as a single factor."""
        coefficient, unit = product.coefficient, Product(self, 1, product.factors)
        return Product(self, coefficient, {self.node(unit): 1})

    def big(self, number: Number, factors: dict[Node, Number] | None = None) -> Product:
        """A number beyond the folding limit, as a factor of its own."""
        return Product(self, 1, {**(factors or {}), lifted(number): 1})

    def distributed(self, term: Product) -> Form:
        """``c*(a + b)`` as a sum, where it is no longer than the limit."""
        ((base, exponent),) = term.factors.items()
        known = self.forms.get(base) if exponent == 1 else None
        if type(known) is Sum and len(known.terms) <= MOST:
            return scaled(known, term.coefficient)
        return term

    def merged(self, form: Sum) -> Iterable[Product]:
        """The terms of a sum that is merged into another; one opaque term where it is long."""
        return form.terms.values() if len(form.terms) <= 2 * MOST else [Product(self, 1, {self.node(form): 1})]

    def lifted(self, value: Any) -> Form:
        """The form of a number, an exact constant or a node inside a rule."""
        if isinstance(value, NUMBERS):
            return Product(self, tidy(value), {})
        if isinstance(value, Exact):
            return self.form(lifted(value))
        return self.form(value if isinstance(value, Node) else lifted(value))

    def arguments(self, node: Apply) -> list[Any]:
        """What a rule is given for the arguments: orders as integers, the others as forms."""
        if node.op.parameters:
            return [self.form(arg) if isinstance(arg, Node) else arg for arg in node.operands]
        forms = self.forms
        return [forms[arg] if arg in forms else self.form(arg) for arg in node.args]

    # -- laws of products and sums that look into their factors

    def joined(self, product: Product) -> Form:
        """exp(a)**m * exp(b)**n = exp(m*a + n*b); x**a * x**n = x**(a + n), where both are defined."""
        powers = [n for n in product.factors if type(n) is Apply and n.op in self.joining]
        exps: dict[Node, Number] = {n: product.factors[n] for n in powers if n.op is self.exp}
        if len(exps) > 1 or any(exponent != 1 for exponent in exps.values()):
            return self._one_exponential(product, exps)
        for node in powers:
            base = node.args[0]
            if node.op is self.power and base in product.factors and base is not node and product.factors[node] == 1:
                return self._one_power(product, node, base)
        return product

    def _one_exponential(self, product: Product, exps: dict[Node, Number]) -> Form:
        exponent = total(self, [scaled(self.form(node.args[0]), power) for node, power in exps.items()])
        rest = {node: power for node, power in product.factors.items() if node not in exps}
        return times(Product(self, product.coefficient, rest), self.apply(self.exp, (exponent,)))

    def _one_power(self, product: Product, node: Node, base: Node) -> Form:
        exponent = total(self, [self.form(node.args[1]), self.lifted(product.factors[base])])
        rest = {n: power for n, power in product.factors.items() if n is not node and n is not base}
        return times(Product(self, product.coefficient, rest), self.apply(self.power, (self.form(base), exponent)))

    def masked(self, left: Product, right: Product) -> Form | None:
        """where(c, p, 0)*q = where(c, p*q, 0): what a branch contributes is never evaluated outside it."""
        for product, other in ((left, right), (right, left)):
            mask = next((node for node in product.factors if node in self.masks), None)
            if mask is not None and (other.factors or len(product.factors) > 1):
                rest = Product(self, product.coefficient, {n: e for n, e in product.factors.items() if n is not mask})
                condition, yes, no = (self.form(arg) for arg in mask.args)
                more = times(rest, other)
                return self.mask(condition, times(yes, more), times(no, more))
        return None

    def chosen(self, condition: Form, ybar: Form, first: bool) -> Form:
        """``where(c, ybar, 0)``, or the other way round; inside the choices that ``ybar`` is already under."""
        node = single(ybar)
        if node is not None and node in self.masks:
            outer, yes, no = (self.form(arg) for arg in node.args)
            return self.mask(outer, self.chosen(condition, yes, first), self.chosen(condition, no, first))
        return self.mask(condition, ybar, self.zero) if first else self.mask(condition, self.zero, ybar)

    def mask(self, condition: Form, yes: Form, no: Form) -> Form:
        """A choice that is entered among the masks."""
        form = self.apply(self.where, (condition, yes, no))
        node = single(form)
        if node is not None and type(node) is Apply and node.op is self.where:
            self.masks[node] = None
        return form

    def unmasked(self, terms: dict[Any, Product]) -> dict[Any, Product]:
        """where(c, a, 0) + where(c, 0, b) = where(c, a, b)."""
        groups: dict[Node, list[Product]] = {}
        for term in terms.values():
            if len(term.factors) == 1 and (node := next(iter(term.factors))) in self.masks:
                groups.setdefault(node.args[0], []).append(term)
        if all(len(group) == 1 for group in groups.values()):
            return terms
        kept = dict(terms)
        for condition, group in groups.items():
            sides: tuple[list[Form], list[Form]] = ([], [])
            for term in group:
                mask = next(iter(term.factors))
                del kept[frozenset(term.factors.items())]
                for side, arg in zip(sides, mask.args[1:], strict=True):
                    side.append(scaled(self.form(arg), term.coefficient))
            joined = self.product(self.mask(self.form(condition), total(self, sides[0]), total(self, sides[1])))
            kept[frozenset(joined.factors.items())] = joined
        return kept

    # -- operations on forms

    def constant_power(self, base: Const, exponent: Number) -> Number | None:
        """`exact_power` of a constant, remembered."""
        key = (base, exponent)
        if key not in self.powers:
            self.powers[key] = exact_power(constant_of(base), exponent)
        return self.powers[key]

    def whole_power(self, base: Form, n: int) -> Form:
        """(a*b)**n = a**n * b**n and (a**m)**n = a**(m*n) for whole n; x**0 = 1, as pow has it."""
        if n == 0:
            return self.one
        if n == 1:
            return base
        if n < 0 and type(base) is Product and not base.coefficient:
            return Product(self, 1, {Const(0): -1})  # division by zero stays as it is
        product = base if type(base) is Product else self.product(base)
        one = type(product.coefficient) is int and product.coefficient == 1
        coefficient = 1 if one else exact_power(product.coefficient, n)
        factors = {node: tidy(exponent * n) for node, exponent in product.factors.items()}
        if coefficient is None:
            coefficient = 1
            factors[lifted(product.coefficient)] = n
        return settled(self, coefficient, factors)

    def taken_apart(self, base: Node, n: int) -> Form:
        """``base**n``, as powers of the factors of ``base`` if it is a product."""
        form = self.forms[base]
        return Product(self, 1, {base: n}) if single(form) is base else self.whole_power(form, n)

    def apply(self, op: Op, args: tuple[Form, ...]) -> Form:
        """The canonical form of ``op(*args)``."""
        if op is self.add:
            return total(self, args)
        if op is self.mul:
            return times(args[0], args[1])
        law = LAWS.get(op.name)
        if law is not None:
            form: Form | None = law(self, op, args)
            if form is not None:
                return form
        elif op.canonical is not None:
            return cast(Form, op.canonical(*args))
        return self._applied(op, args)

    def _applied(self, op: Op, args: tuple[Form, ...]) -> Form:
        """A function of its arguments, by what its row says of it."""
        if op.exact is not None:
            numbers = [number_of(arg) for arg in args]
            if None not in numbers:
                value = op.exact(*numbers)
                if value is not None and is_small(value):
                    decimal = any(isinstance(n, DecimalFraction) for n in numbers)
                    return Product(self, DecimalFraction(value) if decimal else tidy(value), {})
        if op.parity and _is_negative(args[0]):
            positive = self.apply(op, (-args[0],))
            return positive if op.parity == "even" else -positive
        if op.undoes:
            inner = single(args[0])
            if type(inner) is Apply and inner.op.name in op.undoes:
                return self.form(inner.args[0])
        return Product(self, 1, {build(op, tuple([self.node(arg) for arg in args])): 1})

    def sign(self, form: Form) -> str:
        """What is known of the sign: "positive", "nonnegative" or "" (nothing)."""
        if type(form) is Sum:
            signs = [self.sign(term) for term in form.terms.values()]
            if "" in signs:
                return ""
            return "positive" if "positive" in signs else "nonnegative"
        product = cast(Product, form)
        if product.coefficient < 0:
            return ""
        signs = [self._factor_sign(base, exponent) for base, exponent in product.factors.items()]
        if "" in signs or not product.coefficient:
            return "nonnegative" if not product.coefficient else ""
        return "nonnegative" if "nonnegative" in signs else "positive"

    def _factor_sign(self, base: Node, exponent: Number) -> str:
        sign = self.signs.get(base)
        if sign is None:
            match base:
                case Const(value):
                    sign = "positive" if value > 0 else ""
                case Apply(op, _) if op.sign:
                    sign = op.sign
                case Apply():
                    known = self.forms.get(base)
                    sign = self.sign(known) if type(known) is Sum else ""
                case _:
                    sign = ""
            self.signs[base] = sign
        even = exponent.denominator == 1 and exponent.numerator % 2 == 0
        return sign or ("nonnegative" if even or exponent.denominator != 1 else "")


def _divided(form: Sum, content: Number) -> Form:
    terms = form.terms.items()
    return Sum(
        form.algebra, {k: Product(t.algebra, tidy(Fraction(t.coefficient) / content), t.factors) for k, t in terms}
    )


def _content(form: Sum) -> Number:
    """What all terms share of their coefficients: 2*a + 2*b = 2*(a + b), a/2 - b/2 = (a - b)/2."""
    coefficients = [term.coefficient for term in form.terms.values()]
    if 1 in coefficients or -1 in coefficients:
        return 1
    below = {c.denominator for c in coefficients}
    if any(type(c) is DecimalFraction for c in coefficients):
        first = max(coefficients[0], -coefficients[0])
        return first if all(c in (first, -first) for c in coefficients) else 1
    if len(below) > 1:
        return 1
    return tidy(Fraction(gcd(*(c.numerator for c in coefficients)), below.pop()))


def _is_negative(form: Form) -> bool:
    if type(form) is Sum:
        return all(term.coefficient < 0 for term in form.terms.values())
    return cast(Product, form).coefficient < 0
