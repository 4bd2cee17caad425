"""Text to nodes: Lark's LALR(1) tables, with the callbacks inside the parser, so that no tree is built.

The grammar is grammar/expression.lark. No text reaches eval. Time and memory are linear in the
length of the text; what a text asks for beyond that (unrolling a sum) is counted first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, NoReturn

from symdiff.dag import Apply, Const, Node, Symbol, build, nodes_of, symbols_of
from symdiff.errors import LimitError, OperationError, SourceError, Span, SymdiffError
from symdiff.ops import OPS, Op, find
from symdiff.text import mistakes, tables
from symdiff.text.driver import Driver, UnexpectedLexemeError
from symdiff.text.format import to_text
from symdiff.text.lexer import Lexeme, Lexer, Source, UnknownCharacterError
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
    try:
        driver, reader = _free.pop()
    except IndexError:  # the first, or one more at the same time: in another thread, or in a finalizer in this one
        driver, reader = _machinery()
    try:
        reader.begin(driver.lexer.cut(text), variables)
        node = _read(driver, reader)
        seen = list(reader.seen)
        names = seen if reader.is_plain else symbols_of([node])
    finally:
        reader.forget()
        _free.append((driver, reader))
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


def _machinery() -> tuple[Driver, Reader]:
    stored = tables.load()
    lexer = Lexer(stored)
    reader = Reader(lexer.cut(""))
    return Driver(stored, lexer, reader), reader


class Reader:
    """The parser's callbacks: each takes the values of a rule's parts, nodes and the numbers of lexemes."""

    def __init__(self, nothing: Source) -> None:
        self.operands: dict[str, Node] = {}  # of the lexemes that were read, where it depends on nothing else
        self.seen: dict[str, None] = {}  # variables
        self.definitions: dict[str, Node] = {}
        self.nothing = nothing
        self.begin(nothing, ())

    @property
    def is_plain(self) -> bool:
        """Whether every name that was read is in the formula: no part was named, nothing unrolled or derived."""
        return not self.definitions and self.unroller.left == MAX_UNROLLED

    def begin(self, source: Source, variables: Iterable[str]) -> None:
        """Start on a new text."""
        self.source = source
        self.variables = frozenset(map(normal, variables))
        self.indexed: dict[str, int] = {}  # x of x[i], which a sum must settle
        self.subscripted: dict[str, list[str]] = {}  # x of x[0], and how it stands in the text
        self.function_names: set[str] = set()  # functions that stand without a call
        self.power: tuple[Node | None, int] = (None, 0)  # the last with a sign, and that sign
        self.literals_left = MAX_LITERALS
        self.unroller = Unroller(self.fail)

    def forget(self) -> None:
        """Hold no nodes, and no text."""
        self.source = self.nothing
        self.operands.clear()
        self.seen.clear()
        self.definitions.clear()
        self.power = None, 0

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

    def fail(self, summary: str, place: int, label: str = "", hint: str = "", kind: type = SourceError) -> NoReturn:
        raise kind(summary, self.source.text, self.source.lexeme(place).span, label, hint)

    # -- lines

    def start(self, *parts: Any) -> Node:
        node: Node = parts[-1]
        return node

    def definition(self, place: int, node: Node) -> None:
        name = normal(self.source.texts[place])
        if name in self.definitions:
            self.fail(f"'{name:.40}' has a line already", place, "named twice", "give this part another name")
        if "[" in name:
            self.fail("a part's name has no subscript", place, "", "write r = ... or r_1 = ...")
        self.definitions[name] = self.operands[name] = node
        for text in self.subscripted.pop(name, ()):
            del self.operands[text]

    def vector(self, *parts: Node) -> Node:
        return build(OPS["vector"], parts)

    # -- operators

    def conditional(self, value: Node, condition: Node, other: Node) -> Node:
        return build(OPS["where"], (condition, value, other))

    def disjunction(self, left: Node, right: Node) -> Node:
        return build(OPS["or"], (left, right))

    def conjunction(self, left: Node, right: Node) -> Node:
        return build(OPS["and"], (left, right))

    def negated(self, node: Node) -> Node:
        return build(OPS["not"], (node,))

    def chain(self, *parts: Any) -> Node:
        texts = self.source.texts
        tests = [
            build(OPS[_COMPARISONS[texts[parts[i]]]], (parts[i - 1], parts[i + 1])) for i in range(1, len(parts), 2)
        ]
        result = tests[0]
        for test in tests[1:]:
            result = build(OPS["and"], (result, test))
        return result

    def plus(self, left: Node, right: Node) -> Node:
        return Apply(OPS["add"], (left, right))

    def minus(self, left: Node, right: Node) -> Node:
        return Apply(OPS["sub"], (left, right))

    def times(self, left: Node, right: Node) -> Node:
        return Apply(OPS["mul"], (left, right))

    def over(self, left: Node, slash: int, right: Node) -> Node:
        return build(OPS["div"], (left, right))

    def crowding(self, slash: int, divisor: Node) -> NoReturn:
        raise mistakes.crowded_divisor(self.source, self.source.between(slash), _short_text(divisor))

    def negative(self, node: Node) -> Node:
        return build(OPS["neg"], (node,))

    def positive(self, node: Node) -> Node:
        return node

    def raised(self, base: Node, sign: int, exponent: Node) -> Node:
        node = Apply(OPS["pow"], (base, exponent))
        if not base.args and type(base) is not Symbol:
            self.power = node, sign
        return node

    def superscripted(self, base: Node, place: int) -> Node:
        text = unicodedata.normalize("NFKC", self.source.texts[place]).replace("−", "-")
        return Apply(OPS["pow"], (base, self._number(text, place)))

    def root(self, node: Node) -> Node:
        return build(OPS["sqrt"], (node,))

    def juxtaposed(self, left: Node, right: Node) -> Node:
        if self.function_names:
            name = _bare_name(left)
            if name in self.function_names:
                raise mistakes.without_brackets(self.source, self._last(name))
        if left is self.power[0]:
            raise mistakes.crowded_power(self.source, self.source.between(self.power[1]))
        return Apply(OPS["mul"], (left, right))

    def _last(self, name: str) -> Lexeme:
        """Where a name stood last before the lexeme that the parser has come to."""
        texts = self.source.texts
        return self.source.lexeme(next(i for i in range(self.source.reached - 1, -1, -1) if normal(texts[i]) == name))

    # -- operands

    def number(self, place: int) -> Node:
        return self._number(self.source.texts[place], place)

    def _number(self, text: str, place: int) -> Node:
        node = self.operands.get(text)
        if node is None:
            node = self.operands[text] = self._literal(text, place)
        return node

    def _literal(self, text: str, place: int) -> Node:
        digits, _, exponent = text.lower().partition("e")
        power = exponent.lstrip("+-0")
        size = len(digits) + (int(power or 0) if len(power) < 7 else MAX_LITERAL)
        self.literals_left -= size
        if size > MAX_LITERAL or self.literals_left < 0:
            start = self.source.lexeme(place).start_pos
            limit = f"a number of more than {MAX_LITERAL:,} digits, written out, is"
            if size <= MAX_LITERAL:
                limit = f"numbers of more than {MAX_LITERALS:,} digits in all, written out, are"
            span = Span(start, start + min(20, len(self.source.texts[place])))
            raise LimitError(f"{limit} beyond the limit", self.source.text, span, "", "write a power: 2*10**5000")
        decimal = not digits.lstrip("+-").isdigit() or bool(exponent)
        return Const(Fraction(text), True) if decimal else Const(int(text))

    def name(self, place: int) -> Node:
        text = self.source.texts[place]
        name = normal(text)
        node = self.definitions.get(name)
        if node is not None:
            return node
        if name.endswith("]"):
            return self._subscripted(name, place)
        constant = _constant(name) if name not in self.variables else None
        node = Symbol(name) if constant is None else Apply(constant, ())
        if constant is None:
            self.seen[name] = None
            if name not in self.variables and (find(name) or name in mistakes.SPECIAL):
                self.function_names.add(name)
        if name == text:
            self.operands[text] = node
        return node

    def _subscripted(self, name: str, place: int) -> Node:
        base, _, inside = name[:-1].partition("[")
        parts = indices(inside)
        if parts is None or any(isinstance(part, int) and part < 0 for part in parts):
            hint = "write x[0], x[0,1], or x[i+1] in a sum over i"
            if mistakes.is_function(base):
                hint = f"arguments stand in round brackets: {base.lower()}(...)"
            self.fail("a subscript is a whole number or the index of a sum", place, "", hint)
        if base in self.definitions:
            self.fail(f"'{base:.40}' names one formula and has no parts", place, "", f"name them {base:.40}_1, ...")
        node = Symbol(spelled(base, parts))
        self.seen[node.name] = None
        if any(isinstance(part, tuple) for part in parts):
            self.indexed[base] = place
        else:
            text = self.source.texts[place]
            self.operands[text] = node
            self.subscripted.setdefault(base, []).append(text)
        return node

    def call(self, place: int, *args: Node) -> Node:
        name = normal(self.source.texts[place][:-1].rstrip())
        if name in self.variables or name in self.definitions:
            hint = f"write {name:.40}*(...) for a product"
            self.fail(f"'{name:.40}' is a variable here", place, "not a function", hint)
        if _constant(name) is not None:
            raise mistakes.constant_called(self.source, self.source.lexeme(place), name)
        special = getattr(self, f"_call_{name}", None)
        node: Node | None = special(args, place) if special is not None else None
        if node is not None:
            return node
        op = find(name)
        if op is None or op.infix:
            raise mistakes.unknown_function(self.source, self.source.lexeme(place), name, name in self.seen)
        return self._checked(op, args, place)

    def _checked(self, op: Op, args: Sequence[Node], place: int) -> Node:
        try:
            return build(op, tuple(args))
        except OperationError as error:
            name = self.source.lexeme(place).text
            orders = [f"n{i + 1}" if op.parameters > 1 else "n" for i in range(op.parameters)]
            usage = ", ".join([*orders, *"xyz"[: (op.arity or 2) - op.parameters]] + ["..."] * (op.arity is None))
            usage = {"where": "condition, a, b", "clip": "x, low, high", "log": "x) or log(x, base"}.get(op.name, usage)
            example = f", for instance {name}(1, x)" if op.parameters == 1 and op.arity == 2 else ""
            summary = str(error).replace("log takes 1 argument,", "log takes 1 or 2 arguments,")
            self.fail(summary, place, "", f"write {name}({usage}){example}")

    # -- calls that are no operations: they derive, unroll, or stand for several operations

    def _call_log(self, args: Sequence[Node], place: int) -> Node | None:
        if len(args) != 2:
            return None
        x, base = (build(OPS["log"], (arg,)) for arg in args)
        return build(OPS["div"], (x, base))

    def _call_sum(self, args: Sequence[Node], place: int) -> Node:
        return self._written_out(OPS["add"], 0, args, place)

    def _call_prod(self, args: Sequence[Node], place: int) -> Node:
        return self._written_out(OPS["mul"], 1, args, place)

    def _written_out(self, op: Op, empty: int, args: Sequence[Node], place: int) -> Node:
        try:
            return self.unroller.unroll(op, Const(empty), args, place)
        except OperationError as error:
            self.fail(str(error), place)

    def _call_diff(self, args: Sequence[Node], place: int) -> Node:
        from symdiff.symbolic.diff import derivative

        node = args[0] if args else Const(0)
        for name in self._orders(args, place):
            size = len(nodes_of([node]))
            self.unroller.charge(_WORK * size, place, f"a derivative of {size:,} nodes, at {_WORK} each")
            try:
                node = derivative(node, name)
            except SymdiffError as error:
                self.fail(str(error), place)
        return node

    def _orders(self, args: Sequence[Node], place: int) -> list[str]:
        """The variables of ``diff(f, x, 2, y)``, each as often as it says."""
        usage = "write diff(f, x) or diff(f, x, 2)"
        if len(args) < 2:
            self.fail("diff needs a formula and a variable", place, "", usage)
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
                    self.fail(f"the order of a derivative is a whole number from 0 to {MAX_ORDER}", place, "", usage)
                case _:
                    what = "constants and named parts are none" if type(arg) is not Const else "a number is none"
                    self.fail(f"diff is by a variable; {what}", place, "", usage)
        return names


_WORK: Final = 8  # what a derivative costs, in nodes written out for each node of the formula
_SPELLINGS: Final = {"π": "pi"}
_COMPARISONS: Final = {
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne", "≤": "le", "≥": "ge", "≠": "ne"
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


_free: Final[list[tuple[Driver, Reader]]] = []  # those that read nothing at present
