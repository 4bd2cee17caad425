"""What is wrong with a text, in the user's words, and what to type instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from symdiff.errors import SourceError, Span, listed, nearest
from symdiff.ops import find, function_names
from symdiff.text.driver import UnexpectedLexemeError
from symdiff.text.lexer import Lexeme, Source
from symdiff.text.names import latin

SPECIAL: Final = ("sum", "prod", "diff")  # calls that are no operations

_OPERAND: Final = "expected a number, a name or '('"
_OPENS: Final = {")": "(", "]": "["}
_CLOSES: Final = {"(": ")", "[": "]"}


def column_of(lexeme: Lexeme, text: str) -> str:
    """Where a lexeme stands, in words."""
    column = lexeme.start_pos - text.rfind("\n", 0, lexeme.start_pos)
    line = text.count("\n", 0, lexeme.start_pos) + 1
    return f"column {column}" + f" of line {line}" * ("\n" in text.rstrip())


# ---- characters that begin nothing

_ADVICE: Final = {
    "|": "write abs(x) for |x|",
    "||": "write 'or'",
    "!": "write gamma(n + 1) for n!, and 'not' for a negation",
    "&": "write 'and'",
    "&&": "write 'and'",
    "~": "write 'not'",
    "{": "use round brackets",
    "}": "use round brackets",
    "\\": "this is not LaTeX; write sin(x), sqrt(x), a/b",
    "$": "leave the dollar signs out",
    "@": "write * for a product",
    "?": "write a if condition else b",
    "∞": "write inf",
    "∂": "write diff(f, x) for a derivative",
    "∇": "write a formula; its gradient is asked for outside",
    "∫": "integrals are not in the language",
    "∑": "write sum(i**2, i, 1, 10)",
    "∏": "write prod(i**2, i, 1, 10)",
    "∛": "write cbrt(x)",
    "%": "write mod(a, b) for a remainder, and x/100 for a percentage",
    ":": "write r = ... to name a part",
    "°": "write pi/180*x for x degrees",
    "→": "an arrow has no meaning here",
    "±": "write two formulas, one with + and one with -",
    "≈": "write == to compare",
    "’": "write diff(f, x) for a derivative",
    "′": "write diff(f, x) for a derivative",
    **dict.fromkeys("–—‐‑‒", "write the minus sign -"),
    **dict.fromkeys("•∗∙⁎⨯✕✖", "write *"),
    **dict.fromkeys("∕⁄⧸", "write /"),
    **dict.fromkeys('“”‘„«»"`', "leave the quotation marks out"),
}


def unknown_character(source: Source, lexeme: Lexeme) -> SourceError:
    """The error for a character that begins nothing."""
    text, start = source.text, lexeme.start_pos
    char = lexeme.text
    if text[start : start + 2] in ("&&", "||"):
        lexeme = Lexeme("UNKNOWN", char * 2, start)
    summary = f"unexpected character {_shown(lexeme.text)}"
    return SourceError(summary, text, lexeme.span, "", _advice(text, lexeme.text, start))


def _shown(char: str) -> str:
    if char.isascii() and char.isprintable():
        return f'"{char}"' if char == "'" else f"'{char}'"
    code = f"U+{ord(char):04X}"
    name = unicodedata.name(char, "").lower()
    if not char.isprintable() or char.isspace() or unicodedata.combining(char):
        return f"{code} ({name})" if name else code
    return f"'{char}' ({name})" if name else f"'{char}' ({code})"


def _advice(text: str, char: str, start: int) -> str:
    before, after = text[max(0, start - 40) : start], text[start + 1 : start + 41]
    if char in _ADVICE:
        return _ADVICE[char]
    if char == "'":
        return "write diff(f, x) for a derivative" if before[-1:].isalnum() else "leave the quotation marks out"
    if char == "_":
        return "numbers have no separators" if before[-1:].isdigit() else "a name begins with a letter"
    if char == ".":
        return _advice_on_point(before, after)
    if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return "delete this invisible character"
    return _advice_on_form(char)


def _advice_on_point(before: str, after: str) -> str:
    name = re.match(r"[A-Za-z]\w*", after)
    if name and find(name[0]):
        return f"write {name[0]}(...) without what stands before it"
    if before[-1:].isdigit():
        return "a number has one decimal point"
    return "a name has no point in it; use x_y" if before[-1:].isalpha() else "a point belongs to a number, as in 0.5"


def _advice_on_form(char: str) -> str:
    """For another form of an ordinary character: a raised letter, a wide digit, a fraction."""
    plain = unicodedata.normalize("NFKC", char).replace("⁄", "/")
    if unicodedata.decomposition(char).startswith("<super>"):
        return f"write **{plain} for a power"
    if unicodedata.digit(char, None) is not None:
        return f"write {unicodedata.digit(char)}"
    if "/" in plain:
        return f"write ({plain})"
    return f"write {plain}" if plain.isascii() else ""


# ---- lexemes that cannot follow


def unexpected(error: UnexpectedLexemeError, source: Source) -> SourceError:
    """The parser's report in the user's words."""
    wants_operand = "NUMBER" in error.expected
    wants_else = "_ELSE" in error.expected and "POWER" not in error.expected and not wants_operand
    lexeme: Lexeme = error.lexeme
    if lexeme.type == "$END":
        return _ends_early(source, wants_operand, wants_else)
    name = re.search(r"(?<!\w)([^\W\d_]\w*)\s*$", source.text[max(0, lexeme.start_pos - 60) : lexeme.start_pos])
    if lexeme.type == "NUMBER" and name and find(name[1]) and not wants_operand:
        start = lexeme.start_pos - len(name[0])
        return without_brackets(source, Lexeme("NAME", name[1], start))
    label = "expected 'else' and another value" if wants_else else "expected an operator"
    label = _OPERAND if wants_operand else label
    explain = _EXPLAIN.get(lexeme.type, _on_operator)
    label, hint = explain(lexeme, source, wants_operand, label)
    word = "end of the line" if lexeme.type == "NEWLINE" and ";" not in lexeme.text else f"'{lexeme.text.strip()}'"
    return SourceError(f"unexpected {word}", source.text, lexeme.span, label, hint)


def _on_closing(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    opened, matches = next(reversed(source.opened(source.reached)), None), _OPENS[lexeme.text]
    if opened is None:
        return f"there is no '{matches}' before it", f"remove it, or put the missing '{matches}' where it belongs"
    if opened.text != matches:
        where = column_of(opened, source.text)
        return f"expected '{_CLOSES[opened.text]}'", f"the bracket that it closes is the '{opened.text}' at {where}"
    return ("expected a number or a name before it" if wants_operand else label), ""


def _on_number(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    before = source.text[: lexeme.start_pos]
    if before[-1:] == "." or (lexeme.text.startswith(".") and before[-1:].isdigit()):
        return label, "a number has one decimal point"
    return label, "put an operator before the number: '*', '+', or '**' for a power"


def _on_equals(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    before = source.text[: lexeme.start_pos].rstrip()[-200:]
    if before[-1:] in ("=", "+", "-", "*", "/"):
        return "", "write == to compare, and r = ... on a line of its own to name a part"
    function = re.search(r"(?:^|[\n;])\s*([^\W\d_]\w*\s*\([\w\s,]*\))$", before)
    if function:
        return "", f"write what stands after '{function[1]} ='"
    return "", "name a part on a line of its own, before the last: r = x + 1; use == to compare"


def _on_newline(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    if wants_operand:
        return label, "a formula over several lines stands in brackets"
    hint = "only the last line is the result; name the others, r = ..., or join them in brackets"
    return "another line follows", hint


def _on_bracket(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    before = re.search(r"(\w*)\]?\s*$", source.text[max(0, lexeme.start_pos - 60) : lexeme.start_pos])
    name = before[1] if before else ""
    if not wants_operand and find(name):
        return "", f"arguments stand in round brackets: {name}(...)"
    if not wants_operand:
        return "", "a subscript is a whole number or the index of a sum: x[0], x[0,1], x[i+1]"
    return label, "a vector [f, g] is not part of a formula; it stands alone on the last line"


def _on_comma(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    if wants_operand:
        return "expected an argument before it", ""
    at = lexeme.start_pos
    whole, part = re.search(r"\d*$", source.text[max(0, at - 20) : at]), re.match(r"\d*", source.text[at + 1 : at + 21])
    if whole and part and whole[0] and part[0]:
        joined = f", or {whole[0]}{part[0]} without a separator" * (len(part[0]) == 3)
        return "", f"write {whole[0]}.{part[0]} with a decimal point{joined}; for several results write [f, g]"
    return "", "for several results write [f, g]"


def _on_operator(lexeme: Lexeme, source: Source, wants_operand: bool, label: str) -> tuple[str, str]:
    before = source.text[: lexeme.start_pos][-1:] if lexeme.start_pos else ""
    hint = _PAIRS.get(before + lexeme.text, "")
    if lexeme.type == "POWER" or lexeme.text == "*" == source.text[: lexeme.start_pos].rstrip()[-1:]:
        hint = hint or "a power is written ** or ^, a product *"
    if lexeme.type == "_IF":
        hint = "write value if condition else other"
    if lexeme.type == "_ELSE" and not wants_operand:
        hint = "'else' follows an 'if': value if condition else other"
    return label, hint


_PAIRS: Final = {
    "//": "one '/' divides; floor(a/b) rounds the quotient down",
    "=<": "write <=",
    "=>": "write >=",
    "<>": "write !=",
    "->": "an arrow has no meaning here",
}

_EXPLAIN: Final[dict[str, Callable[[Lexeme, Source, bool, str], tuple[str, str]]]] = {
    "RPAR": _on_closing,
    "RSQB": _on_closing,
    "NUMBER": _on_number,
    "_EQUALS": _on_equals,
    "NEWLINE": _on_newline,
    "LSQB": _on_bracket,
    "COMMA": _on_comma,
}


def _ends_early(source: Source, wants_operand: bool, wants_else: bool) -> SourceError:
    text, end = source.text, source.reached
    if not end:
        return SourceError("the text is empty", text, Span(0, 1), "expected a formula", "for example 6*x**2 + 2*x + 4")
    last = source.lexeme(end - 1)
    after = last.start_pos + len(source.texts[end - 1])
    here = Span(after, after + 1)
    brackets = source.opened(end)
    if brackets:
        opened = brackets[-1]
        closing = _CLOSES[opened.text]
        hint = f"close the '{opened.text}' or remove it"
        if opened.text == "[" and text[: opened.start_pos].rstrip()[-1:].isalnum():
            hint = "a subscript is a whole number or the index of a sum, in brackets: x[0], x[i+1]"
        where = f"its '{opened.text}' is at {column_of(opened, text)}"
        return SourceError(f"missing '{closing}'", text, here, where, hint)
    if wants_operand:
        return SourceError("the formula ends too early", text, here, _OPERAND, _on_lone_operator(last))
    if wants_else:
        label, hint = "expected 'else' and another value", "write value if condition else other"
        return SourceError("the formula ends too early", text, here, label, hint)
    line = text[max(text.rfind(mark, 0, last.start_pos) for mark in "\n\r;") + 1 :]
    named = re.match(r"\s*(\w+)\s*=", line)
    hint = f"leave out '{named[1]:.40} =', or write == to compare" if named else ""
    return SourceError("the text names a part but has no result", text, here, "expected a last line", hint)


def _on_lone_operator(last: Lexeme) -> str:
    return "a square root is written √x or sqrt(x)" if last.text == "√" else ""


# ---- functions


def without_brackets(source: Source, place: Lexeme) -> SourceError:
    """The error for ``sin x``, ``sin²(x)``, ``sin 2x``: a function whose argument has no brackets."""
    name, text = place.text, source.text
    rest = text[place.end : place.end + 200]
    summary = f"'{name}' is a function, and its argument stands without brackets"
    power = re.match(r"\s*(?:\*\*|\^)?\s*([⁺⁻+-]?[⁰¹²³⁴⁵⁶⁷⁸⁹\d]+)", rest)
    raised = re.match(r"\s*(?:\*\*|\^|[⁺⁻⁰¹²³⁴-⁹])", rest)
    if raised and power:
        exponent = unicodedata.normalize("NFKC", power[1]).replace("−", "-")
        inverse = f"; the inverse function is a{name}" * (exponent == "-1" and find(f"a{name}") is not None)
        return SourceError(summary, text, place.span, "call or product?", f"write {name}(x)**{exponent}{inverse}")
    argument = re.match(r"\s*([\w.]+)", rest)
    call = f"{name}({argument[1]})" if argument else f"{name}(...)"
    hint = f"write {call}"
    if not (argument and argument[1][0].isdigit()):
        hint += f" for the function, or {name}*... for a variable of that name"
    return SourceError(summary, text, place.span, "call or product?", hint)


def is_function(name: str) -> bool:
    """Whether a name, in small letters, is that of a function."""
    return find(name.lower()) is not None


# What other languages and other countries call an operation.
_ELSEWHERE: Final = {
    "tg": "tan(x)",
    "ctg": "cot(x)",
    "cotg": "cot(x)",
    "cosec": "csc(x)",
    "arctg": "atan(x)",
    "arcctg": "acot(x)",
    "sen": "sin(x)",
    "arcsen": "asin(x)",
    "sh": "sinh(x)",
    "ch": "cosh(x)",
    "th": "tanh(x)",
    "sgn": "sign(x)",
    "pow": "x**y",
    "power": "x**y",
    "factorial": "gamma(n + 1)",
    "binomial": "gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))",
    "integrate": "",
    "limit": "",
    "root": "x**(1/n)",
    "log_2": "log2(x)",
    "log_10": "log10(x)",
    "log_b": "log(x, b)",
    "dx": "diff(f, x)",
    "dt": "diff(f, t)",
    "Piecewise": "a if condition else b",
}


def unknown_function(source: Source, place: Lexeme, name: str, seen: bool) -> SourceError:
    """The error for a call of what is no function."""
    text = source.text
    argument = _argument(source, place)
    product = f"write {name:.40}*{argument} for a product"
    if "," in argument:
        product = f"a part of the formula is named without arguments: {name:.40} = ..."
    close = nearest(name, [*function_names(), *SPECIAL]) if len(name) < 40 else []
    if len(name) == 1 or seen:
        functions = f"; functions of a like name: {listed(close)}" if close else ""
        return SourceError(
            f"'{name:.40}(...)' can be read in two ways: '{name:.40}' is no function",
            text,
            place.span,
            "call, or a missing '*'?",
            f"{product}{functions}",
        )
    hint = product
    twin = latin(name)
    if twin != name and find(twin):
        hint = f"some of its letters only look Latin; type {twin} anew"
    elif _ELSEWHERE.get(name):
        hint = f"write {_ELSEWHERE[name]}"
    elif name in _ELSEWHERE:
        hint = "the language has derivatives, sums and products: diff, sum, prod"
    elif close:
        hint = f"did you mean {listed([repr(n) for n in close], 'or')}?"
    return SourceError(f"unknown function '{name:.40}'", text, place.span, "not an operation", hint)


def _argument(source: Source, place: Lexeme) -> str:
    """The bracket after a name as it was written, if it is short."""
    match = re.match(r"\s*(\([^()\n]{1,20}\))", source.text[place.end : place.end + 30])
    return match[1] if match else "(...)"


def constant_called(source: Source, place: Lexeme, name: str) -> SourceError:
    """The error for ``pi(2)``."""
    hint = f"write {place.text}*{_argument(source, place)} for a product"
    return SourceError(f"'{name}' is a constant, not a function", source.text, place.span, "", hint)


def crowded_divisor(source: Source, slash: Lexeme, whole: str) -> SourceError:
    """The error for ``1/2x``; ``whole`` is its divisor as a product."""
    shown = whole if len(whole) < 40 else "b*c"
    return SourceError(
        "a product without a sign after '/' can be read in two ways",
        source.text,
        slash.span,
        "what does it divide by?",
        f"write /({shown}) to divide by all of it, or put a '*' after the first factor to divide by that alone",
    )


def crowded_power(source: Source, sign: Lexeme) -> SourceError:
    """The error for ``e^2x``."""
    return SourceError(
        "a product without a sign after a power can be read in two ways",
        source.text,
        sign.span,
        "how far does the exponent go?",
        "put the whole exponent in brackets, e^(2*x), or a '*' after it, e^2*x",
    )
