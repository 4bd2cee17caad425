"""Text to nodes: Lark's LALR(1) parser with the callbacks inside it, so that no tree is built.

The grammar is grammar/expression.lark. No text reaches eval. Time and memory are linear in the
length of the text; what a text asks for beyond that (unrolling a sum) is counted first.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NoReturn

from lark import Lark
from lark.exceptions import UnexpectedToken

from symdiff.dag import Apply, Const, Node, Symbol, build
from symdiff.errors import LimitError, OperationError, SourceError, Span, SymdiffWarning, listed, nearest
from symdiff.ops import OPS, Op, find, function_names
from symdiff.text.driver import Driver
from symdiff.text.lexer import FormulaLexer, Lexeme, Source
from symdiff.text.unroll import Unroller, subscripted

MAX_CHARACTERS: Final = 2_000_000
MAX_LITERAL: Final = 1_200  # digits of a number, and powers of ten in its exponent


def parse(text: str, variables: Sequence[str] = ()) -> Node:
    """Read a formula and return its node.

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
        source = Source(text)
        reader.begin(source, variables)
        try:
            node: Node = driver.parse(source)
        except UnexpectedToken as error:
            raise _unexpected(error, source) from None
        names = reader.seen
        reader.begin(Source(""), ())
    _warn_of_lookalikes(names, variables)
    return node


def grammar_text() -> str:
    """The grammar, from the source tree or from the installed package."""
    beside = Path(__file__).parents[2] / "grammar" / "expression.lark"
    inside = files("symdiff") / "grammar" / "expression.lark"
    return (beside if beside.is_file() else inside).read_text(encoding="utf-8")


@cache
def _machinery() -> tuple[Driver, Reader, threading.Lock]:
    reader = Reader()
    lark = Lark(grammar_text(), parser="lalr", lexer=FormulaLexer, transformer=reader)
    return Driver(lark), reader, threading.Lock()


class Reader:
    """The parser's callbacks: each takes the values of a rule's parts and returns a node."""

    def __init__(self) -> None:
        self.begin(Source(""), ())

    def begin(self, source: Source, variables: Iterable[str]) -> None:
        """Start on a new text."""
        self.source = source
        self.variables = frozenset(variables)
        self.definitions: dict[str, Node] = {}
        self.seen: dict[str, Lexeme] = {}  # variables and where they first occur
        self.function_names: list[Lexeme] = []  # names of functions that stand without a call
        self.numbers: dict[str, Node] = {}
        self.unroller = Unroller(self.fail)

    def fail(self, summary: str, place: Lexeme, label: str = "", hint: str = "", kind: type = SourceError) -> NoReturn:
        raise kind(summary, self.source.text, place.span, label, hint)

    # -- lines

    def start(self, parts: list[Any]) -> Node:
        node: Node = parts[-1]
        return node

    def definition(self, parts: list[Any]) -> None:
        name, node = parts
        self.definitions[_normal(name.text)] = node

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

    def negation(self, parts: list[Any]) -> Node:
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
        return build(OPS["div"], tuple(parts))

    def crowded_divisor(self, parts: list[Any]) -> NoReturn:
        place = self.source.last or Lexeme("", "", 0)
        self.fail(
            "a product without a sign after '/' can be read in two ways",
            Lexeme("", self.source.text[place.start_pos :][:1], place.start_pos),
            "before this",
            "write a/(b*c) or a/b*c: 1/(2*x), or 1/2*x",
        )

    def negative(self, parts: list[Any]) -> Node:
        return build(OPS["neg"], tuple(parts))

    def positive(self, parts: list[Any]) -> Node:
        node: Node = parts[-1]
        return node

    def raised(self, parts: list[Any]) -> Node:
        return Apply(OPS["pow"], tuple(parts))

    def superscripted(self, parts: list[Any]) -> Node:
        base, exponent = parts
        text = unicodedata.normalize("NFKC", exponent.text).replace("−", "-")
        return Apply(OPS["pow"], (base, self._number(text, exponent)))

    def root(self, parts: list[Any]) -> Node:
        return build(OPS["sqrt"], (parts[-1],))

    def juxtaposed(self, parts: list[Any]) -> Node:
        left, right = parts
        name = _bare_name(left)
        for lexeme in self.function_names:
            if lexeme.text == name:
                self.fail(
                    f"'{name}' is a function, and its argument stands without brackets",
                    lexeme,
                    "call or product?",
                    f"write {name}(...) for the function, or {name}*... for a variable of that name",
                )
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
        if len(digits) > MAX_LITERAL or abs(int(exponent[:9] or 0)) > MAX_LITERAL:
            shown = Lexeme("", place.text[:20], place.start_pos)
            self.fail(
                f"a number of more than {MAX_LITERAL:,} digits, or powers of ten, is beyond the limit",
                shown,
                kind=LimitError,
            )
        decimal = not digits.lstrip("-").isdigit() or bool(exponent)
        return Const(Fraction(text), True) if decimal else Const(int(text))

    def name(self, parts: list[Any]) -> Node:
        lexeme: Lexeme = parts[0]
        name = _normal(lexeme.text)
        if name in self.definitions:
            return self.definitions[name]
        if name not in self.variables:
            constant = OPS.get(_SPELLINGS.get(name, name))
            if constant is not None and constant.arity == 0:
                return Apply(constant, ())
            if find(name):
                self.function_names.append(lexeme)
        if name.endswith("]"):
            name = subscripted(name, lexeme, self.fail)
        self.seen.setdefault(name, lexeme)
        return Symbol(name)

    def call(self, parts: list[Any]) -> Node:
        lexeme, *rest = parts
        args = [arg for arg in rest if not isinstance(arg, Lexeme)]
        name = _normal(lexeme.text)
        if name in self.variables or name in self.definitions:
            self.fail(f"'{name}' is a variable here", lexeme, "not a function", f"write {name}*(...) for a product")
        special = getattr(self, f"_call_{name}", None)
        if special is not None:
            node: Node | None = special(args, lexeme)
            if node is not None:
                return node
        op = find(name)
        if op is None or not op.arity and op.arity is not None or op.infix:
            self._unknown_function(name, lexeme)
        return self._checked(op, args, lexeme)

    def _checked(self, op: Op, args: list[Node], lexeme: Lexeme) -> Node:
        try:
            return build(op, tuple(args))
        except OperationError as error:
            orders = [f"n{i + 1}" if op.parameters > 1 else "n" for i in range(op.parameters)]
            usage = ", ".join([*orders, *"xyz"[: (op.arity or 2) - op.parameters]] + ["..."] * (op.arity is None))
            self.fail(str(error), lexeme, "", f"write {lexeme.text}({usage})")

    def _unknown_function(self, name: str, lexeme: Lexeme) -> NoReturn:
        constant = find(name)
        if constant is not None and constant.arity == 0:
            self.fail(f"'{name}' is a constant, not a function", lexeme, "", f"write {name}*(...) for a product")
        close = nearest(name, [*function_names(), *_SPECIAL])
        if len(name) == 1 or name in self.seen:
            functions = f"; functions of a like name: {listed(close)}" if close else ""
            self.fail(
                f"'{name}(...)' can be read in two ways: '{name}' is no function",
                lexeme,
                "call, or a missing '*'?",
                f"write {name}*(...) for a product{functions}",
            )
        hint = (
            f"did you mean {listed([repr(n) for n in close], 'or')}?" if close else f"for a product write {name}*(...)"
        )
        self.fail(f"unknown function '{name}'", lexeme, "not an operation", hint)

    # -- calls that are no operations: they derive, unroll, or stand for several operations

    def _call_log(self, args: list[Node], lexeme: Lexeme) -> Node | None:
        if len(args) != 2:
            return None
        x, base = (build(OPS["log"], (arg,)) for arg in args)
        return build(OPS["div"], (x, base))

    def _call_sum(self, args: list[Node], lexeme: Lexeme) -> Node:
        return self.unroller.unroll(OPS["add"], Const(0), args, lexeme)

    def _call_prod(self, args: list[Node], lexeme: Lexeme) -> Node:
        return self.unroller.unroll(OPS["mul"], Const(1), args, lexeme)

    def _call_diff(self, args: list[Node], lexeme: Lexeme) -> Node:
        from symdiff.symbolic.diff import derivative

        names: list[str] = []
        for arg in args[1:]:
            match arg:
                case Symbol(name):
                    names.append(name)
                case Const(int(order), False) if names and 0 <= order <= 100:
                    names += [names[-1]] * (order - 1) if order else []
                    if not order:
                        names.pop()
                case _:
                    names.clear()
                    break
        if not args[1:] or not names and type(args[1]) is not Symbol:
            self.fail("diff needs a formula and variables", lexeme, "", "write diff(f, x) or diff(f, x, 2)")
        node = args[0]
        for name in names:
            node = derivative(node, name)
        return node


_SPECIAL: Final = ("sum", "prod", "diff")
_SPELLINGS: Final = {"π": "pi"}
_COMPARISONS: Final[dict[str, Callable[[], Op]]] = {
    text: lambda name=name: OPS[name]  # type: ignore[misc]
    for text, name in {
        "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne", "≤": "le", "≥": "ge", "≠": "ne"
    }.items()
}  # fmt: skip


def _normal(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def _bare_name(node: Node) -> str:
    """The name at the right end of ``x``, ``x**2`` or ``2*x``: where an argument could follow."""
    while type(node) is Apply and node.op.name in ("mul", "pow"):
        node = node.args[0 if node.op.name == "pow" else 1]
    return node.name if type(node) is Symbol else ""


def _unexpected(error: UnexpectedToken, source: Source) -> SourceError:
    """Lark's report in the user's words."""
    text = source.text
    wants_operand = "NAME" in error.expected
    lexeme: Any = error.token
    if lexeme.type == "$END":
        return _ends_early(source, wants_operand)
    word = "the end of the line" if lexeme.type == "NEWLINE" else f"'{lexeme.text}'"
    label = "expected a number, a name or '('" if wants_operand else "expected an operator"
    hint = ""
    if lexeme.type in ("RPAR", "RSQB"):
        matches = {"RPAR": "(", "RSQB": "["}[lexeme.type]
        opened = source.closed
        if opened is None or opened.text != matches:
            label, hint = f"there is no '{matches}' before it", ""
        elif wants_operand:
            label = "expected a number or a name before it"
    elif lexeme.type == "NUMBER" and not wants_operand:
        hint = "put an operator before the number: '*', '+', or '**' for a power"
        before = text[: lexeme.start_pos].rstrip().rsplit(None, 1)
        name = re.search(r"([^\W\d_]\w*)$", before[-1]) if before else None
        if name and find(name[1]):
            hint = f"write {name[1]}({lexeme.text}...) for the function"
    elif lexeme.type == "_EQUALS":
        hint = "name a part on a line of its own, before the last: r = x + 1; use == to compare"
    elif lexeme.type == "NEWLINE" and not wants_operand:
        hint = "only the last line is the result; name the others (r = ...) or join the lines in brackets"
    elif lexeme.type == "LSQB":
        hint = "a vector [f, g] stands alone on the last line"
    elif lexeme.type == "COMMA":
        hint = "for several results write [f, g]" if not source.brackets else ""
        label = "a comma separates arguments of a call" if not hint else ""
    elif lexeme.type == "_POWER" and source.text[: lexeme.start_pos].rstrip()[-1:] == "*":
        hint = "a power is written ** or ^"
    return SourceError(f"unexpected {word}", text, lexeme.span, label, hint)


def _ends_early(source: Source, wants_operand: bool) -> SourceError:
    text = source.text
    end = len(text.rstrip())
    here = Span(end, end + 1)
    if source.last is None:
        return SourceError("the text is empty", text, Span(0, 1), "expected a formula", "for example 6*x**2 + 2*x + 4")
    if source.brackets:
        opened = source.brackets[-1]
        closing = {"(": ")", "[": "]"}[opened.text]
        line = text.count("\n", 0, opened.start_pos) + 1
        column = opened.start_pos - text.rfind("\n", 0, opened.start_pos)
        where = f"its '{opened.text}' is at column {column}" + f" of line {line}" * ("\n" in text)
        return SourceError(f"missing '{closing}'", text, here, where, f"close the '{opened.text}' or remove it")
    if not wants_operand and "_EQUALS" not in source.text and re.match(r"\s*\w+\s*=[^=]", text):
        return SourceError(
            "the text names a part but has no result", text, here, "expected a last line", "leave out the 'name ='"
        )
    return SourceError("the formula ends too early", text, here, "expected a number, a name or '('")


def _warn_of_lookalikes(names: Iterable[str], declared: Iterable[str]) -> None:
    """Warn of two variables that differ in case or an underscore alone, unless they were declared."""
    known = frozenset(declared)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.casefold().replace("_", ""), []).append(name)
    for group in groups.values():
        if len(group) > 1 and not known.issuperset(group):
            message = f"{listed(repr(n) for n in group)} are different variables; give variables= if that is meant"
            warnings.warn(message, SymdiffWarning, stacklevel=4)


def checked_name(name: str) -> str:
    """The name of a variable as the language spells it.

    Raises:
        OperationError: a formula could not contain it.
    """
    if not re.fullmatch(r"[^\W\d_]\w*(\[\d+(,\d+)*\])?", name):
        raise OperationError(f"{name!r} is no name: a letter first, then letters, digits and underscores")
    return _normal(name)
