"""Where a formula is a real number, as conditions that a person can read.

The rows say where each operation is defined. Conditions inside a branch of a choice hold only
where that branch is taken. What a closed form has lost of the domain of the formula that it came
from is found by comparing the two, and is what it must remember.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import cast

from symdiff.dag import Apply, Node, build, nodes_of
from symdiff.ops import OPS
from symdiff.symbolic.algebra import Algebra
from symdiff.symbolic.diff import components
from symdiff.symbolic.forms import Form, Number, Product, Sum, number_of, scaled, single


def lost_domain(before: Sequence[Node], after: Sequence[Node]) -> list[Node]:
    """The conditions under which ``before`` is defined that ``after`` no longer implies by itself."""
    if not any(type(node) is Apply and node.op.domain is not None for node in nodes_of(before)):
        return []
    algebra = Algebra()
    bases = _powers(after)
    known = dict.fromkeys(_conditions(algebra, after, bases))
    lost: dict[Node, None] = {}
    for condition in _conditions(algebra, before, bases):
        if condition not in known and not _implied(condition, known):
            lost[condition] = None
    return [condition for condition in lost if not _implied(condition, lost)]


def activity(roots: Sequence[Node]) -> dict[Node, Node | None]:
    """For each node, the condition under which a root depends on it; None where it always does."""
    order = nodes_of(roots)
    both, either, negation, choice = (OPS[name] for name in ("and", "or", "not", "where"))
    found: dict[Node, Node | None] = dict.fromkeys(roots)
    for node in reversed(order):
        here = found[node]
        for i, arg in enumerate(node.args):
            there = here
            if i and type(node) is Apply and node.op is choice:
                taken = node.args[0] if i == 1 else build(negation, (node.args[0],))
                there = taken if here is None else build(both, (here, taken))
            if arg not in found:
                found[arg] = there
            elif found[arg] is not None:
                old = cast(Node, found[arg])
                found[arg] = None if there is None else old if old is there else build(either, (old, there))
    return found


def _powers(roots: Sequence[Node]) -> dict[Node, list[Node]]:
    """The exponents that vary, by base: x**y is real where x**(y - 1) is."""
    found: dict[Node, list[Node]] = {}
    for node in nodes_of(roots):
        if type(node) is Apply and node.op is OPS["pow"] and node.args[1].literal is None:
            found.setdefault(node.args[0], []).append(node.args[1])
    return found


def _covered(algebra: Algebra, node: Apply, powers: Mapping[Node, Sequence[Node]]) -> bool:
    """Whether a power of the same base with the same exponent, or one that is less by a number, is among them."""
    base, exponent = node.args
    steps = [number_of(algebra.form(other) - algebra.form(exponent)) for other in powers.get(base, ())]
    return any(step is not None and step <= 0 and step.denominator == 1 for step in steps)


def _conditions(algebra: Algebra, roots: Sequence[Node], bases: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """The conditions under which every root is defined, simplified; none that always hold.

    Those of powers of ``bases`` with a variable exponent are left out.
    """
    parts = [part for root in roots for part in components(root)]
    found: dict[Node, None] = {}
    active = activity(parts)
    for node in nodes_of(parts):
        if type(node) is Apply and node.op.domain is not None:
            if node.op is OPS["pow"] and _covered(algebra, node, bases):
                continue
            condition = active[node]
            path = algebra.one if condition is None else algebra.form(condition)
            domain = node.op.domain(*algebra.arguments(node))
            if domain is None or number_of(path) == 0:
                continue
            outside = algebra.apply(OPS["not"], (path,))
            granted = _simplified(algebra, path)
            for needed in _simplified(algebra, domain):
                if needed in granted or _implied(needed, granted):
                    continue
                always = number_of(outside) == 0
                found[needed if always else build(OPS["or"], (algebra.node(outside), needed))] = None
    return list(found)


def _simplified(algebra: Algebra, form: Form) -> list[Node]:
    """A condition as a list of conditions that must all hold, each in its simplest form."""
    number = number_of(form)
    if number is not None:
        return [] if number else [algebra.node(form)]
    node = single(form)
    if type(node) is not Apply:
        return [algebra.node(form)]
    args = tuple(algebra.form(arg) for arg in node.args)
    name = node.op.name
    if name == "and":
        return [part for arg in args for part in _simplified(algebra, arg)]
    if name == "or":
        return _alternatives(algebra, node, args)
    if name in _MIRRORED:
        return _comparison(algebra, name, args[0] - args[1])
    return [node]


_MIRRORED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "ne": "ne", "eq": "eq"}


def _alternatives(algebra: Algebra, node: Apply, args: tuple[Form, ...]) -> list[Node]:
    """x > 0 or x == 0 is x >= 0; x > 0 or x != 0 is x != 0; likewise for x < 0."""
    sides = [_simplified(algebra, arg) for arg in args]
    if [] in sides:
        return []
    if all(len(side) == 1 for side in sides):
        (first,), (second,) = sides
        if type(first) is Apply and type(second) is Apply and first.args == second.args:
            names = {first.op.name, second.op.name}
            for pair, union in _UNIONS:
                if names == pair:
                    return [build(OPS[union], first.args)]
    joined = [algebra.lifted(side[0]) for side in sides] if all(len(side) == 1 for side in sides) else list(args)
    return [algebra.node(algebra.apply(node.op, tuple(joined)))]


_UNIONS = [({a, "eq"}, b) for a, b in (("gt", "ge"), ("lt", "le"))]
_UNIONS += [({a, "ne"}, "ne") for a in ("gt", "lt")]


def _comparison(algebra: Algebra, name: str, difference: Form) -> list[Node]:
    """``difference > 0`` and its like, with what is known of signs, and numbers on the right."""
    number = number_of(difference)
    if number is not None:
        holds = {"gt": number > 0, "ge": number >= 0, "lt": number < 0, "le": number <= 0, "ne": number != 0}
        return [] if holds.get(name, number == 0) else [algebra.node(algebra.zero)]
    sign = algebra.sign(difference)
    if (sign == "positive" and name in ("gt", "ge", "ne")) or (sign and name == "ge"):
        return []
    if sign and name == "gt":
        name = "ne"  # x**2 > 0
    if type(difference) is Product:
        if name == "ne":
            bases = [algebra.form(base) for base, exponent in difference.factors.items() if exponent > 0]
            return [part for base in bases for part in _against_zero(algebra, "ne", base)]
        if difference.coefficient < 0:
            name = _MIRRORED[name]
        difference = Product(algebra, 1, difference.factors)
    return _against_zero(algebra, name, difference)


def _against_zero(algebra: Algebra, name: str, form: Form) -> list[Node]:
    if algebra.sign(form) == "positive" and name == "ne":
        return []
    right: Number = 0
    if type(form) is Sum:
        constant = form.terms.get(frozenset())
        rest = [term for key, term in form.terms.items() if key]
        if constant is not None and len(rest) == 1:
            right = Fraction(-constant.coefficient) / rest[0].coefficient
            if rest[0].coefficient < 0:
                name = _MIRRORED[name]
            form = Product(algebra, 1, rest[0].factors)
    return [build(OPS[name], (algebra.node(form), algebra.node(scaled(algebra.one, right))))]


def _implied(condition: Node, known: Iterable[Node]) -> bool:
    """x >= 0 and x != 0 follow from x > 0 (and from x < 0, the latter)."""
    if type(condition) is not Apply:
        return False
    stronger = {"ge": ("gt",), "le": ("lt",), "ne": ("gt", "lt")}.get(condition.op.name, ())
    return any(build(OPS[name], condition.args) in known for name in stronger)
