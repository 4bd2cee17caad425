"""Nodes as text: the language itself, LaTeX and presentation MathML. Linear in the printed length.

The text of a node parses back to the same object. Where written out in full it would be much
longer than the graph is large, shared parts become named lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count
from typing import Final

from symdiff.dag import Apply, Const, Node, Symbol, nodes_of
from symdiff.errors import OperationError
from symdiff.ops import Op

_ATOM: Final = 9  # binds tighter than every operator
_PRODUCT: Final = 6
_UNARY: Final = 7
_SWELL: Final = 3  # how many times the graph's size the text may grow before parts are named

Piece = str | tuple[Node, int]  # text, or a node with the precedence that its place demands
Pieces = Callable[[Node, int], list[Piece]]


def to_text(root: Node) -> str:
    """The formula in the language; shared parts on lines of their own where that is much shorter."""
    lines = [f"{name} = {text}" for name, text in named_parts(root, _text_pieces)]
    return "\n".join(lines)[len(_RESULT) + 3 :] if len(lines) == 1 else _joined(lines)


def to_latex(root: Node) -> str:
    """The formula as LaTeX mathematics, without delimiters."""
    return _emitted(root, _latex_pieces)


def to_mathml(root: Node) -> str:
    """The formula as a presentation MathML element."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{_emitted(root, _mathml_pieces)}</mrow></math>'


# ---- emitting, with named parts where the tree is much larger than the graph

_RESULT: Final = "\0"


def _joined(lines: list[str]) -> str:
    return "\n".join([*lines[:-1], lines[-1][len(_RESULT) + 3 :]])


def named_parts(root: Node, pieces: Pieces) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the parts that get a line, the nameless result last."""
    order = nodes_of([root])
    names = _names(order, root) if _swells(order, root) else {}

    def cut(node: Node, least: int) -> list[Piece]:
        return [names[node]] if node in names else pieces(node, least)

    for node, name in names.items():
        yield name, _run([*pieces(node, 0)], cut)
    yield _RESULT, _run([*pieces(root, 0)], cut)


def _swells(order: list[Node], root: Node) -> bool:
    size: dict[Node, int] = {}
    limit = _SWELL * len(order) + 40
    for node in order:  # sizes are capped: they double at every level of x*x
        size[node] = min(limit + 1, 1 + sum([size[arg] for arg in node.args]))
    return size[root] > limit


def _names(order: list[Node], root: Node) -> dict[Node, str]:
    """Fresh names for the shared parts that are worth one."""
    users: dict[Node, int] = {}
    for node in order:
        for arg in node.args:
            users[arg] = users.get(arg, 0) + 1
    taken = {node.name for node in order if type(node) is Symbol}
    fresh = (name for name in (f"t{i}" for i in count(1)) if name not in taken)
    shared = (n for n in order if users.get(n, 0) > 1 and type(n) is Apply and n.args and n is not root)
    return {node: next(fresh) for node in shared}


def _emitted(root: Node, pieces: Pieces) -> str:
    return _run([(root, 0)], pieces)


def _run(todo: list[Piece], pieces: Pieces) -> str:
    out: list[str] = []
    todo.reverse()
    while todo:
        piece = todo.pop()
        if isinstance(piece, str):
            out.append(piece)
        else:
            todo.extend(reversed(pieces(*piece)))
    return "".join(out)


# ---- the language


def _text_pieces(node: Node, least: int) -> list[Piece]:
    match node:
        case Symbol(name):
            return [name]
        case Const():
            return _wrapped([number_text(node)], _number_precedence(node), least)
        case Apply(op, args):
            return _apply_pieces(op, args, least)
        case _:
            raise AssertionError(f"no text for {type(node).__name__}")


def _apply_pieces(op: Op, args: tuple[Node, ...], least: int) -> list[Piece]:
    if not args:
        return [op.name]
    if op.infix == "[]":
        return ["[", *_separated([(arg, 0) for arg in args], ", "), "]"]
    if not op.precedence:
        return [op.name, "(", *_separated([(arg, 0) for arg in args], ", "), ")"]
    if len(args) == 1:
        sign = op.infix + " " * op.infix.isalpha()
        return _wrapped([sign, (args[0], op.precedence)], op.precedence, least)
    tight = op.precedence > _PRODUCT or op.precedence == _PRODUCT
    sign = op.infix if tight else f" {op.infix} "
    left, right = operand_precedences(op)
    return _wrapped([(args[0], left), sign, (args[1], right)], op.precedence, least)


def operand_precedences(op: Op) -> tuple[int, int]:
    """How tightly the operands of a binary operation must bind to stand without parentheses."""
    if op.infix == "**":
        return _ATOM, _UNARY  # right associative; a sign may stand in the exponent
    if op.condition and op.precedence == 4:
        return 5, 5  # a < b < c means something else
    return op.precedence, op.precedence + 1


def _wrapped(pieces: list[Piece], precedence: int, least: int, marks: tuple[str, str] = ("(", ")")) -> list[Piece]:
    return [marks[0], *pieces, marks[1]] if precedence < least else pieces


def _separated(pieces: list[Piece], comma: str) -> list[Piece]:
    out: list[Piece] = []
    for piece in pieces:
        out += [piece, comma]
    return out[:-1]


def _number_precedence(node: Const) -> int:
    if not node.decimal and isinstance(node.value, Fraction):
        return _PRODUCT
    return _UNARY if node.value < 0 else _ATOM


_MAX_BITS: Final = 14_281  # 4,300 digits, beyond which Python writes none and the language reads none


def number_text(node: Const) -> str:
    """The exact number as it is written: ``-3``, ``1/3``, ``0.1``, ``6.626e-34``."""
    value: int | Fraction = node.value
    if max(abs(value.numerator), value.denominator).bit_length() > _MAX_BITS:
        raise OperationError("a number of more than 4,300 digits cannot be written")
    if not node.decimal:
        return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else str(value)
    if not value:
        return "0.0"
    digits, exponent = _decimal_digits(value if value > 0 else -value)
    point = len(digits) + exponent  # where the point stands, counted from the first digit
    if -4 < point <= 16:
        digits = "0" * (1 - point) + digits if point < 1 else digits.ljust(point, "0")
        point = max(point, 1)
        text = f"{digits[:point]}.{digits[point:] or '0'}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1}"
    return "-" * (value < 0) + text


def _decimal_digits(value: int | Fraction) -> tuple[str, int]:
    """Significant digits and a power of ten, exactly, of a positive decimal fraction."""
    places = 0
    denominator = value.denominator
    for prime in (2, 5):
        power = 0
        while denominator % prime == 0:
            denominator //= prime
            power += 1
        places = max(places, power)
    if denominator != 1:
        raise AssertionError(f"{value} is no decimal fraction")
    digits = str(value.numerator * 10**places // value.denominator)
    kept = digits.rstrip("0")
    return kept, len(digits) - len(kept) - places


# ---- LaTeX

_PLACE: Final = r"\{(\d|args|rows)\}"  # compiled where it is used, for a quick start
_GREEK: Final = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|"
    "omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)


def _latex_pieces(node: Node, least: int) -> list[Piece]:
    marks = (r"\left(", r"\right)")
    match node:
        case Symbol(name):
            return [latex_name(name)]
        case Const(value, decimal):
            if isinstance(value, Fraction) and not decimal:
                text = rf"{'-' * (value < 0)}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
            else:
                text = re.sub(r"e(-?\d+)", r" \\cdot 10^{\1}", number_text(node))
            binds = _PRODUCT if "cdot" in text else _number_precedence(node)
            return _wrapped([text], binds, least, marks)
        case Apply(op, args):
            return _template_pieces(op, args, least, op.names.latex or _latex_call(op), marks)
        case _:
            raise AssertionError(f"no LaTeX for {type(node).__name__}")


def _latex_call(op: Op) -> str:
    name = op.name.replace("_", r"\_")
    return rf"\operatorname{{{name}}}\left({{args}}\right)"


def latex_name(name: str) -> str:
    """A variable's name with its Greek letters and subscripts typeset."""
    base, *subscripts = [part for part in re.split(r"[_\[\],]+", name) if part] or [name]
    number = re.fullmatch(r"([^\W\d]+)(\d+)", base)
    if number:
        base, subscripts = number[1], [number[2], *subscripts]
    head = rf"\{base}" if re.fullmatch(_GREEK, base) else base if len(base) == 1 else rf"\mathrm{{{base}}}"
    return rf"{head}_{{{', '.join(subscripts)}}}" if subscripts else head


def _template_pieces(
    op: Op, args: tuple[Node, ...], least: int, template: str, marks: tuple[str, str], comma: str = ", "
) -> list[Piece]:
    """Fill a row's template; operands of infix operations get parentheses where they need them."""
    needs = _template_precedences(op, len(args))
    pieces: list[Piece] = []
    for i, part in enumerate(re.split(_PLACE, template)):
        if i % 2 == 0:
            pieces.append(part)
        elif part.isdigit():
            if part == "1" and op.infix == "*" and template == "{0} {1}" and _begins_with_digit(args[1]):
                pieces.append(r"\cdot ")  # 2 3 would be read as another number
            pieces.append((args[int(part)], needs[int(part)]))
        else:
            pieces += _separated([(arg, 0) for arg in args], comma if part == "args" else r" \\ ")
    return _wrapped(pieces, op.precedence or _ATOM, least, marks)


def _template_precedences(op: Op, count: int) -> list[int]:
    if op.infix == "/":
        return [0, 0]  # a fraction bar groups
    if op.infix == "**":
        return [_ATOM, 0]  # so does a raised exponent
    if op.infix == "*":
        return [_PRODUCT, _UNARY + 1]  # x (-y): without a sign between them, the minus would be a difference
    if not op.precedence or count == 1:
        return [op.precedence] * count
    return list(operand_precedences(op))


def _begins_with_digit(node: Node) -> bool:
    if isinstance(node, Apply) and node.op.infix == "**":
        node = node.args[0]
    return isinstance(node, Const) and node.value >= 0 and (node.decimal or isinstance(node.value, int))


# ---- MathML


def _mathml_pieces(node: Node, least: int) -> list[Piece]:
    marks = ("<mo>(</mo>", "<mo>)</mo>")
    match node:
        case Symbol(name):
            return [_mathml_name(name)]
        case Const(value, decimal):
            text = f"<mn>{number_text(node)}</mn>"
            if isinstance(value, Fraction) and not decimal:
                bar = f"<mfrac><mn>{abs(value.numerator)}</mn><mn>{value.denominator}</mn></mfrac>"
                text = f"<mrow><mo>-</mo>{bar}</mrow>" if value < 0 else bar
            return ["<mrow>", *_wrapped([text], _number_precedence(node), least, marks), "</mrow>"]
        case Apply(op, args):
            template = op.names.mathml or _mathml_template(op, len(args))
            filled = _template_pieces(op, args, least, template, marks, "<mo>,</mo>")
            return ["<mrow>", *filled, "</mrow>"]
        case _:
            raise AssertionError(f"no MathML for {type(node).__name__}")


def _mathml_template(op: Op, count: int) -> str:
    from html import escape

    if op.precedence:
        sign = {"*": "&#x22C5;"}.get(op.infix, escape(op.infix))
        return f"<mo>{sign}</mo>{{0}}" if count == 1 else f"{{0}}<mo>{sign}</mo>{{1}}"
    if not count:
        return f"<mi>{op.name}</mi>"
    opening, closing = ("[", "]") if op.infix == "[]" else ("(", ")")
    head = "" if op.infix else f"<mi>{op.name}</mi><mo>&#x2061;</mo>"
    return f"{head}<mo>{opening}</mo>{{args}}<mo>{closing}</mo>"


def _mathml_name(name: str) -> str:
    from html import escape  # its table of entities takes longer to load than a formula to derive

    base, *subscripts = [part for part in re.split(r"[_\[\],]+", name) if part] or [name]
    if not subscripts:
        return f"<mi>{escape(name)}</mi>"
    return f"<msub><mi>{escape(base)}</mi><mrow><mi>{escape(','.join(subscripts))}</mi></mrow></msub>"
