"""Text to nodes: Lark's LALR(1) tables, with the callbacks inside the parser, so that no tree is built.

The grammar is grammar/expression.lark. No text reaches eval. Time and memory are linear in the
length of the text; what a text asks for beyond that (unrolling a sum) is counted first.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, Final, NoReturn

from symdiff.dag import Apply, Const, Node, Symbol, build, nodes_of, symbols_of
from symdiff.errors import LimitError, OperationError, SourceError, Span, SymdiffError
from symdiff.ops import OPS, Op, find
from symdiff.text import mistakes, tables
from symdiff.text.driver import Driver, UnexpectedLexemeError
from symdiff.text.format import to_text
from symdiff.text.lexer import Lexeme, Source, UnknownCharacterError
from symdiff.text.names import checked_name, indices, normal, spelled, split, warn_of_lookalikes
from symdiff.text.unroll import MAX_UNROLLED, Unroller

__all__ = ["MAX_CHARACTERS", "MAX_LITERAL", "MAX_ORDER", "checked_name", "parse", "read"]

MAX_CHARACTERS: Final = 2_000_000  # the lexer limits the numbers, names and signs
MAX_LITERAL: Final = 4_300  # digits of a number written out; beyond, Python converts none
MAX_LITERALS: Final = 20_000_000  # ... and of all numbers of a text
MAX_ORDER: Final = 100  # of a derivative in a text


def parse(text: str, variables: Sequence[str] = ()) -> Node:
    """The node of a formula; see `read`."""
    return read(text, variables)[0]


def read(text: str, variables: Sequence[str] = ()) -> tuple[Node, list[str]]:
    """Read a formula and return its node, and the names of its variables.

    Args:
        text: the formula; lines ``name = ...`` before the last name shared parts.
        variables: names that are variables although a constant (or function) is called so.

    Raises:
        SourceError: the text is no formula; the error points at the place and says what to type.
        LimitError: the text, a literal or an unrolled sum is larger than the stated limit.
    """
    if len(text) > MAX_CHARACTERS:
        raise LimitError(
            f"the text has {len(text):,} characters; the limit is {MAX_CHARACTERS:,}", text[:60], Span(0, 1)
        )
    driver, reader, lock = _machinery()
    with lock:
        reader.begin(Source(text), variables)
        try:
            node = _read(driver, reader)
            seen = list(reader.seen)
            names = seen if reader.is_plain else symbols_of([node])
        finally:
            reader.begin(Source(""), ())  # hold no nodes
    warn_of_lookalikes(seen, variables, stacklevel=3)
    return node, names


def _read(driver: Driver, reader: Reader) -> Node:
    source = reader.source
    try:
        node: Node = driver.parse(source)
    except UnknownCharacterError as error:
        raise mistakes.unknown_character(source, error.lexeme) from None
    except UnexpectedLexemeError as error:
        raise mistakes.unexpected(error, source) from None
    reader.finish(node)
    return node


@cache
def _machinery() -> tuple[Driver, Reader, threading.Lock]:
    reader = Reader()
    return Driver(tables.load(), reader), reader, threading.Lock()


class Reader:
    """The parser's callbacks: each takes the values of a rule's parts and returns a node."""

    def __init__(self) -> None:
        self.begin(Source(""), ())

    @property
    def is_plain(self) -> bool:
        """Whether every name that was read is in the formula: no part was named, nothing unrolled or derived."""
        return not self.definitions and self.unroller.left == MAX_UNROLLED

    def begin(self, source: Source, variables: Iterable[str]) -> None:
        """Start on a new text."""
        self.source = source
        self.variables = frozenset(map(normal, variables))
        self.definitions: dict[str, Node] = {}
        self.seen: dict[str, None] = {}  # variables
        self.indexed: dict[str, Lexeme] = {}  # x of x[i], which a sum must settle
        self.function_names: dict[str, Lexeme] = {}  # functions that stand without a call, and where last
        self.power: tuple[Node | None, Lexeme] = (None, Lexeme("", "", 0))  # the last with a sign, and that sign
        self.numbers: dict[str, Node] = {}
        self.literals_left = MAX_LITERALS
        self.unroller = Unroller(self.fail)

    def finish(self, node: Node) -> None:
        """Refuse an index that no sum has settled; keep those of the names that occur."""
        if self.indexed:
            for name in symbols_of([node]):
                base, parts = split(name)
                loose = [part[0] for part in parts if isinstance(part, tuple)]
                if loose:
                    self._loose_index(base, loose[0])
            self.seen = dict.fromkeys(symbols_of([node]))

    def _loose_index(self, base: str, index: str) -> NoReturn:
        hint = f"write {base}[0] for a number, or sum({base}[{index}], {index}, 0, 9)"
        if mistakes.is_function(base):
            hint = f"arguments stand in round brackets: {base.lower()}({index})"
        self.fail(f"the index '{index}' belongs to no sum", self.indexed[base], "", hint)

    def fail(self, summary: str, place: Lexeme, label: str = "", hint: str = "", kind: type = SourceError) -> NoReturn:
        raise kind(summary, self.source.text, place.span, label, hint)

    # -- lines

    def start(self, parts: list[Any]) -> Node:
        node: Node = parts[-1]
        return node

    def definition(self, parts: list[Any]) -> None:
        lexeme, node = parts
        self.definitions[self._defined(lexeme)] = node

    def _defined(self, lexeme: Lexeme) -> str:
        name = normal(lexeme.text)
        if name in self.definitions:
            self.fail(f"'{name:.40}' has a line already", lexeme, "named twice", "give this part another name")
        if "[" in name:
            self.fail("a part's name has no subscript", lexeme, "", "write r = ... or r_1 = ...")
        return name

    def vector(self, parts: list[Any]) -> Node:
        return build(OPS["vector"], tuple(parts))

    # -- operators

    def conditional(self, parts: list[Any]) -> Node:
        value, condition, other = parts
        return build(OPS["where"], (condition, value, other))

    def disjunction(self, parts: list[Any]) -> Node:
        return build(OPS["or"], tuple(parts))

    def conjunction(self, parts: list[Any]) -> Node:
        return build(OPS["and"], tuple(parts))

    def negated(self, parts: list[Any]) -> Node:
        return build(OPS["not"], tuple(parts))

    def chain(self, parts: list[Any]) -> Node:
        tests = [build(_COMPARISONS[parts[i].text](), (parts[i - 1], parts[i + 1])) for i in range(1, len(parts), 2)]
        result = tests[0]
        for test in tests[1:]:
            result = build(OPS["and"], (result, test))
        return result

    def plus(self, parts: list[Any]) -> Node:
        return Apply(OPS["add"], (parts[0], parts[-1]))  # between them stands the sign

    def minus(self, parts: list[Any]) -> Node:
        return Apply(OPS["sub"], tuple(parts))

    def times(self, parts: list[Any]) -> Node:
        return Apply(OPS["mul"], tuple(parts))

    def over(self, parts: list[Any]) -> Node:
        return build(OPS["div"], (parts[0], parts[-1]))

    def crowding(self, parts: list[Any]) -> NoReturn:
        slash, divisor = parts
        raise mistakes.crowded_divisor(self.source, self.source.between(slash), _short_text(divisor))

    def negative(self, parts: list[Any]) -> Node:
        return build(OPS["neg"], tuple(parts))

    def positive(self, parts: list[Any]) -> Node:
        node: Node = parts[-1]
        return node

    def raised(self, parts: list[Any]) -> Node:
        base, sign, exponent = parts
        node = Apply(OPS["pow"], (base, exponent))
        if not base.args and type(base) is not Symbol:
            self.power = node, sign
        return node

    def superscripted(self, parts: list[Any]) -> Node:
        base, exponent = parts
        text = unicodedata.normalize("NFKC", exponent.text).replace("−", "-")
        return Apply(OPS["pow"], (base, self._number(text, exponent)))

    def root(self, parts: list[Any]) -> Node:
        return build(OPS["sqrt"], (parts[-1],))

    def juxtaposed(self, parts: list[Any]) -> Node:
        left, right = parts
        place = self.function_names.get(_bare_name(left)) if self.function_names else None
        if place is not None:
            raise mistakes.without_brackets(self.source, place)
        if left is self.power[0]:
            raise mistakes.crowded_power(self.source, self.source.between(self.power[1]))
        return Apply(OPS["mul"], (left, right))

    # -- operands

    def number(self, parts: list[Any]) -> Node:
        return self._number(parts[0].text, parts[0])

    def _number(self, text: str, place: Lexeme) -> Node:
        node = self.numbers.get(text)
        if node is None:
            node = self.numbers[text] = self._literal(text, place)
        return node

    def _literal(self, text: str, place: Lexeme) -> Node:
        digits, _, exponent = text.lower().partition("e")
        power = exponent.lstrip("+-0")
        size = len(digits) + (int(power or 0) if len(power) < 7 else MAX_LITERAL)
        self.literals_left -= size
        if size > MAX_LITERAL or self.literals_left < 0:
            shown = Lexeme("", place.text[:20], place.start_pos)
            limit = f"a number of more than {MAX_LITERAL:,} digits, written out, is"
            if size <= MAX_LITERAL:
                limit = f"numbers of more than {MAX_LITERALS:,} digits in all, written out, are"
            self.fail(f"{limit} beyond the limit", shown, "", "write a power: 2*10**5000", LimitError)
        decimal = not digits.lstrip("+-").isdigit() or bool(exponent)
        return Const(Fraction(text), True) if decimal else Const(int(text))

    def name(self, parts: list[Any]) -> Node:
        lexeme: Lexeme = parts[0]
        name = normal(lexeme.text)
        if name in self.definitions:
            return self.definitions[name]
        if name not in self.variables:
            constant = _constant(name)
            if constant is not None:
                return Apply(constant, ())
            if find(name) or name in mistakes.SPECIAL:
                self.function_names[name] = lexeme
        if name.endswith("]"):
            name = self._subscripted(name, lexeme)
        self.seen[name] = None
        return Symbol(name)

    def _subscripted(self, name: str, lexeme: Lexeme) -> str:
        base, _, inside = name[:-1].partition("[")
        parts = indices(inside)
        if parts is None or any(isinstance(part, int) and part < 0 for part in parts):
            hint = "write x[0], x[0,1], or x[i+1] in a sum over i"
            if mistakes.is_function(base):
                hint = f"arguments stand in round brackets: {base.lower()}(...)"
            self.fail("a subscript is a whole number or the index of a sum", lexeme, "", hint)
        if base in self.definitions:
            self.fail(f"'{base:.40}' names one formula and has no parts", lexeme, "", f"name them {base:.40}_1, ...")
        if any(isinstance(part, tuple) for part in parts):
            self.indexed[base] = lexeme
        return spelled(base, parts)

    def call(self, parts: list[Any]) -> Node:
        lexeme, *rest = parts
        args = [arg for arg in rest if not isinstance(arg, Lexeme)]
        name = normal(lexeme.text)
        if name in self.variables or name in self.definitions:
            hint = f"write {name:.40}*(...) for a product"
            self.fail(f"'{name:.40}' is a variable here", lexeme, "not a function", hint)
        if _constant(name) is not None:
            raise mistakes.constant_called(self.source, lexeme, name)
        special = getattr(self, f"_call_{name}", None)
        node: Node | None = special(args, lexeme) if special is not None else None
        if node is not None:
            return node
        op = find(name)
        if op is None or op.infix:
            raise mistakes.unknown_function(self.source, lexeme, name, name in self.seen)
        return self._checked(op, args, lexeme)

    def _checked(self, op: Op, args: list[Node], lexeme: Lexeme) -> Node:
        try:
            return build(op, tuple(args))
        except OperationError as error:
            orders = [f"n{i + 1}" if op.parameters > 1 else "n" for i in range(op.parameters)]
            usage = ", ".join([*orders, *"xyz"[: (op.arity or 2) - op.parameters]] + ["..."] * (op.arity is None))
            usage = {"where": "condition, a, b", "clip": "x, low, high", "log": "x) or log(x, base"}.get(op.name, usage)
            example = f", for instance {lexeme.text}(1, x)" if op.parameters == 1 and op.arity == 2 else ""
            summary = str(error).replace("log takes 1 argument,", "log takes 1 or 2 arguments,")
            self.fail(summary, lexeme, "", f"write {lexeme.text}({usage}){example}")

    # -- calls that are no operations: they derive, unroll, or stand for several operations

    def _call_log(self, args: list[Node], lexeme: Lexeme) -> Node | None:
        if len(args) != 2:
            return None
        x, base = (build(OPS["log"], (arg,)) for arg in args)
        return build(OPS["div"], (x, base))

    def _call_sum(self, args: list[Node], lexeme: Lexeme) -> Node:
        return self._written_out(OPS["add"], 0, args, lexeme)

    def _call_prod(self, args: list[Node], lexeme: Lexeme) -> Node:
        return self._written_out(OPS["mul"], 1, args, lexeme)

    def _written_out(self, op: Op, empty: int, args: list[Node], lexeme: Lexeme) -> Node:
        try:
            return self.unroller.unroll(op, Const(empty), args, lexeme)
        except OperationError as error:
            self.fail(str(error), lexeme)

    def _call_diff(self, args: list[Node], lexeme: Lexeme) -> Node:
        from symdiff.symbolic.diff import derivative

        node = args[0] if args else Const(0)
        for name in self._orders(args, lexeme):
            size = len(nodes_of([node]))
            self.unroller.charge(_WORK * size, lexeme, f"a derivative of {size:,} nodes, at {_WORK} each")
            try:
                node = derivative(node, name)
            except SymdiffError as error:
                self.fail(str(error), lexeme)
        return node

    def _orders(self, args: list[Node], lexeme: Lexeme) -> list[str]:
        """The variables of ``diff(f, x, 2, y)``, each as often as it says."""
        usage = "write diff(f, x) or diff(f, x, 2)"
        if len(args) < 2:
            self.fail("diff needs a formula and a variable", lexeme, "", usage)
        names: list[str] = []
        previous = ""
        for arg in args[1:]:
            match arg:
                case Symbol(name):
                    names.append(name)
                    previous = name
                case Const(int(order), False) if previous and 0 <= order <= MAX_ORDER:
                    names[-1:] = [previous] * order
                    previous = ""
                case Const() if previous:
                    self.fail(f"the order of a derivative is a whole number from 0 to {MAX_ORDER}", lexeme, "", usage)
                case _:
                    what = "constants and named parts are none" if type(arg) is not Const else "a number is none"
                    self.fail(f"diff is by a variable; {what}", lexeme, "", usage)
        return names


_WORK: Final = 8  # what a derivative costs, in nodes written out for each node of the formula
_SPELLINGS: Final = {"π": "pi"}
_COMPARISONS: Final[dict[str, Callable[[], Op]]] = {
    text: lambda name=name: OPS[name]  # type: ignore[misc]
    for text, name in {
        "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne", "≤": "le", "≥": "ge", "≠": "ne"
    }.items()
}  # fmt: skip


def _constant(name: str) -> Op | None:
    op = OPS.get(_SPELLINGS.get(name, name))
    return op if op is not None and op.arity == 0 else None


def _short_text(node: Node) -> str:
    return to_text(node) if len(nodes_of([node])) < 20 else "b*c"


def _bare_name(node: Node) -> str:
    """The name at the right end of ``x``, ``x**2`` or ``2*x``: where an argument could follow."""
    for _ in range(3):
        if type(node) is Apply and node.op.name in ("mul", "pow"):
            node = node.args[0 if node.op.name == "pow" else 1]
    return node.name if type(node) is Symbol else ""
