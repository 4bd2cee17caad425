"""Every mistake is told in the user's words, underlined where it is, with what to type instead."""

from __future__ import annotations

import contextlib
import re
import time
import warnings

import pytest
from hypothesis import given, settings

from symdiff.errors import LimitError, SourceError, SymdiffError, SymdiffWarning
from symdiff.text.lexer import MAX_LEXEMES
from symdiff.text.parse import MAX_CHARACTERS, parse
from tests.strategies import texts

# text, summary, the characters underlined, hint
MISTAKES = [
    ("sinn(x)", "unknown function 'sinn'", "sinn", "did you mean 'sin', 'sinh' or 'sinc'?"),
    ("x*sinn(x)", "unknown function 'sinn'", "sinn", "did you mean 'sin', 'sinh' or 'sinc'?"),
    ("Sin(x)", "unknown function 'Sin'", "Sin", "did you mean 'sin', 'Si' or 'min'?"),
    ("x(1+x)", "'x(...)' can be read in two ways: 'x' is no function", "x", "write x*(1+x) for a product"),
    ("a b(c)", "'b(...)' can be read in two ways: 'b' is no function", "b", "write b*(c) for a product"),
    (
        "f(x, y)",
        "'f(...)' can be read in two ways: 'f' is no function",
        "f",
        "a part of the formula is named without arguments: f = ...",
    ),
    ("foo = x\nfoo(2)", "'foo' is a variable here", "foo", "write foo*(...) for a product"),
    (
        "sin x",
        "'sin' is a function, and its argument stands without brackets",
        "sin",
        "write sin(x) for the function, or sin*... for a variable of that name",
    ),
    ("sin 2x", "'sin' is a function, and its argument stands without brackets", "sin", "write sin(2x)"),
    (
        "2 sin x",
        "'sin' is a function, and its argument stands without brackets",
        "sin",
        "write sin(x) for the function, or sin*... for a variable of that name",
    ),
    ("sin²(x)", "'sin' is a function, and its argument stands without brackets", "sin", "write sin(x)**2"),
    ("sin^2(x)", "'sin' is a function, and its argument stands without brackets", "sin", "write sin(x)**2"),
    (
        "sin**-1(x)",
        "'sin' is a function, and its argument stands without brackets",
        "sin",
        "write sin(x)**-1; the inverse function is asin",
    ),
    ("cos²x", "'cos' is a function, and its argument stands without brackets", "cos", "write cos(x)**2"),
    (
        "1/2x",
        "a product without a sign after '/' can be read in two ways",
        "/2x",
        "write /(2*x) to divide by all of it, or put a '*' after the first factor to divide by that alone",
    ),
    (
        "a/b c",
        "a product without a sign after '/' can be read in two ways",
        "/b c",
        "write /(b*c) to divide by all of it, or put a '*' after the first factor to divide by that alone",
    ),
    (
        "1/2x + y",
        "a product without a sign after '/' can be read in two ways",
        "/2x",
        "write /(2*x) to divide by all of it, or put a '*' after the first factor to divide by that alone",
    ),
    (
        "1/-2x",
        "a product without a sign after '/' can be read in two ways",
        "/-2x",
        "write /(-(2*x)) to divide by all of it, or put a '*' after the first factor to divide by that alone",
    ),
    (
        "e^2x",
        "a product without a sign after a power can be read in two ways",
        "^2x",
        "put the whole exponent in brackets, e^(2*x), or a '*' after it, e^2*x",
    ),
    (
        "2^3(x+1)",
        "a product without a sign after a power can be read in two ways",
        "^3(x+1)",
        "put the whole exponent in brackets, e^(2*x), or a '*' after it, e^2*x",
    ),
    ("2*)", "unexpected ')'", ")", "remove it, or put the missing '(' where it belongs"),
    ("((x", "missing ')'", "", "close the '(' or remove it"),
    ("(x+1", "missing ')'", "", "close the '(' or remove it"),
    ("x**", "the formula ends too early", "", ""),
    ("sin(", "missing ')'", "", "close the '(' or remove it"),
    ("sin(x))", "unexpected ')'", ")", "remove it, or put the missing '(' where it belongs"),
    ("(x]", "unexpected ']'", "]", "the bracket that it closes is the '(' at column 1"),
    ("()", "unexpected ')'", ")", ""),
    ("", "the text is empty", "", "for example 6*x**2 + 2*x + 4"),
    ("   ", "the text is empty", " ", "for example 6*x**2 + 2*x + 4"),
    ("# nothing", "the text is empty", "#", "for example 6*x**2 + 2*x + 4"),
    ("\x00", "unexpected character U+0000", "\x00", "delete this invisible character"),
    ("x\x00y", "unexpected character U+0000", "\x00", "delete this invisible character"),
    ("\x07x", "unexpected character U+0007", "\x07", "delete this invisible character"),
    ("x\x7f", "unexpected character U+007F", "\x7f", "delete this invisible character"),
    ("x = 3", "the text names a part but has no result", "", "leave out 'x =', or write == to compare"),
    ("y = x**2", "the text names a part but has no result", "", "leave out 'y =', or write == to compare"),
    ("f(x) = x**2", "unexpected '='", "=", "write what stands after 'f(x) ='"),
    ("r = x\ny = 2", "the text names a part but has no result", "", "leave out 'y =', or write == to compare"),
    ("2 = x", "unexpected '='", "=", "name a part on a line of its own, before the last: r = x + 1; use == to compare"),
    ("x = = y", "unexpected '='", "=", "write == to compare, and r = ... on a line of its own to name a part"),
    ("x += 1", "unexpected '='", "=", "write == to compare, and r = ... on a line of its own to name a part"),
    ("x := 3", "unexpected character ':'", ":", "write r = ... to name a part"),
    ("|x|", "unexpected character '|'", "|", "write abs(x) for |x|"),
    ("x!", "unexpected character '!'", "!", "write gamma(n + 1) for n!, and 'not' for a negation"),
    ("a && b", "unexpected character '&&'", "&&", "write 'and'"),
    ("a || b", "unexpected character '||'", "||", "write 'or'"),
    ("~x", "unexpected character '~'", "~", "write 'not'"),
    ("2 3", "unexpected '3'", "3", "put an operator before the number: '*', '+', or '**' for a power"),
    ("x 2", "unexpected '2'", "2", "put an operator before the number: '*', '+', or '**' for a power"),
    ("(a)2", "unexpected '2'", "2", "put an operator before the number: '*', '+', or '**' for a power"),
    ("1.2.3", "unexpected '.3'", ".3", "a number has one decimal point"),
    ("3,5", "unexpected ','", ",", "write 3.5 with a decimal point; for several results write [f, g]"),
    (
        "1,000",
        "unexpected ','",
        ",",
        "write 1.000 with a decimal point, or 1000 without a separator; for several results write [f, g]",
    ),
    ("(x, y)", "unexpected ','", ",", "for several results write [f, g]"),
    ("max(,x)", "unexpected ','", ",", ""),
    ("[x", "missing ']'", "", "close the '[' or remove it"),
    ("x]", "unexpected ']'", "]", "remove it, or put the missing '[' where it belongs"),
    ("[[x]]", "unexpected '['", "[", "a vector [f, g] is not part of a formula; it stands alone on the last line"),
    (
        "1e999999999",
        "a number of more than 4,300 digits, written out, is beyond the limit",
        "1e999999999",
        "write a power: 2*10**5000",
    ),
    (
        "1e0000000000999999999",
        "a number of more than 4,300 digits, written out, is beyond the limit",
        "1e000000000099999999",
        "write a power: 2*10**5000",
    ),
    ("__import__('os').system('x')", "unexpected character '_'", "_", "a name begins with a letter"),
    ("lambda: 0", "unexpected character ':'", ":", "write r = ... to name a part"),
    ("().__class__", "unexpected ')'", ")", ""),
    ("x.real", "unexpected character '.'", ".", "a name has no point in it; use x_y"),
    ("np.sin(x)", "unexpected character '.'", ".", "write sin(...) without what stands before it"),
    ("'x'", 'unexpected character "\'"', "'", "leave the quotation marks out"),
    ("f'(x)", 'unexpected character "\'"', "'", "write diff(f, x) for a derivative"),
    ("\\sin(x)", "unexpected character '\\'", "\\", "this is not LaTeX; write sin(x), sqrt(x), a/b"),
    ("$x$", "unexpected character '$'", "$", "leave the dollar signs out"),
    ("{x}", "unexpected character '{'", "{", "use round brackets"),
    ("x%2", "unexpected character '%'", "%", "write mod(a, b) for a remainder, and x/100 for a percentage"),
    ("x@y", "unexpected character '@'", "@", "write * for a product"),
    ("x?y:z", "unexpected character '?'", "?", "write a if condition else b"),
    ("sin(x, y)", "sin takes 1 argument, not 2", "sin", "write sin(x)"),
    ("atan2(x)", "atan2 takes 2 arguments, not 1", "atan2", "write atan2(x, y)"),
    ("log()", "log takes 1 or 2 arguments, not 0", "log", "write log(x) or log(x, base)"),
    ("log(x, y, z)", "log takes 1 or 2 arguments, not 3", "log", "write log(x) or log(x, base)"),
    ("max()", "max needs at least one argument", "max", "write max(x, y, ...)"),
    ("where(x)", "where takes 3 arguments, not 1", "where", "write where(condition, a, b)"),
    (
        "besselj(x, 2)",
        "the order of besselj must be a literal integer, 0 or more",
        "besselj",
        "write besselj(n, x), for instance besselj(1, x)",
    ),
    (
        "besselj(2.5, x)",
        "the order of besselj must be a literal integer, 0 or more",
        "besselj",
        "write besselj(n, x), for instance besselj(1, x)",
    ),
    ("diff(f)", "diff needs a formula and a variable", "diff", "write diff(f, x) or diff(f, x, 2)"),
    ("diff(x**2, 3)", "diff is by a variable; a number is none", "diff", "write diff(f, x) or diff(f, x, 2)"),
    (
        "diff(x, x, 1000)",
        "the order of a derivative is a whole number from 0 to 100",
        "diff",
        "write diff(f, x) or diff(f, x, 2)",
    ),
    (
        "diff(x, x, -1)",
        "the order of a derivative is a whole number from 0 to 100",
        "diff",
        "write diff(f, x) or diff(f, x, 2)",
    ),
    (
        "diff(x, pi)",
        "diff is by a variable; constants and named parts are none",
        "diff",
        "write diff(f, x) or diff(f, x, 2)",
    ),
    (
        "sum(i)",
        "sum takes 4 arguments: a term, its index, and the first and last value",
        "sum",
        "write sum(i**2, i, 1, 10)",
    ),
    ("sum(i, i, 1, 10**9)", "the bounds of sum are whole numbers, written out", "sum", "write sum(i**2, i, 1, 10)"),
    (
        "sum(i, i, 1, 1000000000)",
        "the sums, products and derivatives of a text may write out 200,000 nodes in all",
        "sum",
        "",
    ),
    (
        "sum(sum(sum(i*j*k, i, 1, 100), j, 1, 100), k, 1, 100)",
        "the sums, products and derivatives of a text may write out 200,000 nodes in all",
        "sum",
        "",
    ),
    (
        "sum(i, e, 1, 3)",
        "the index of sum is a free name, such as i; this is a constant or a named part",
        "sum",
        "write sum(i**2, i, 1, 10)",
    ),
    ("sum(x[i], i, -1, 3)", "a subscript may not be negative: x[-1] for i = -1", "sum", ""),
    ("x[", "unexpected '['", "[", "a subscript is a whole number or the index of a sum: x[0], x[0,1], x[i+1]"),
    ("x[0", "unexpected '['", "[", "a subscript is a whole number or the index of a sum: x[0], x[0,1], x[i+1]"),
    ("x[i]", "the index 'i' belongs to no sum", "x[i]", "write x[0] for a number, or sum(x[i], i, 0, 9)"),
    (
        "x[-1]",
        "a subscript is a whole number or the index of a sum",
        "x[-1]",
        "write x[0], x[0,1], or x[i+1] in a sum over i",
    ),
    ("x[1.5]", "unexpected '['", "[", "a subscript is a whole number or the index of a sum: x[0], x[0,1], x[i+1]"),
    ("x[2*i]", "unexpected '['", "[", "a subscript is a whole number or the index of a sum: x[0], x[0,1], x[i+1]"),
    (
        "x[]",
        "a subscript is a whole number or the index of a sum",
        "x[]",
        "write x[0], x[0,1], or x[i+1] in a sum over i",
    ),
    ("sin[x]", "the index 'x' belongs to no sum", "sin[x]", "arguments stand in round brackets: sin(x)"),
    ("Exp[x]", "the index 'x' belongs to no sum", "Exp[x]", "arguments stand in round brackets: exp(x)"),
    ("r = x\nr[0]", "'r' names one formula and has no parts", "r[0]", "name them r_1, ..."),
    ("α + sinn(β)", "unknown function 'sinn'", "sinn", "did you mean 'sin', 'sinh' or 'sinc'?"),
    ("漢字 + sinn(x)", "unknown function 'sinn'", "sinn", "did you mean 'sin', 'sinh' or 'sinc'?"),
    ("r = x\n\tr + )", "unexpected ')'", ")", "remove it, or put the missing '(' where it belongs"),
    ("a = 1\r\nb = )\r\na", "unexpected ')'", ")", "remove it, or put the missing '(' where it belongs"),
    ("\ufeffx + )", "unexpected ')'", ")", "remove it, or put the missing '(' where it belongs"),
    (
        "x + 1\ny + 2",
        "unexpected end of the line",
        "\n",
        "only the last line is the result; name the others, r = ..., or join them in brackets",
    ),
    ("r =\nr", "unexpected end of the line", "\n", "a formula over several lines stands in brackets"),
    (
        "x; y",
        "unexpected ';'",
        ";",
        "only the last line is the result; name the others, r = ..., or join them in brackets",
    ),
    ("a = 1\na = 2\na", "'a' has a line already", "a", "give this part another name"),
    ("½x", "unexpected character '½' (vulgar fraction one half)", "½", "write (1/2)"),
    ("²", "unexpected '²'", "²", ""),
    ("٣ + x", "unexpected character '٣' (arabic-indic digit three)", "٣", "write 3"),
    ("２x", "unexpected character '２' (fullwidth digit two)", "２", "write 2"),
    ("xⁿ", "unexpected character 'ⁿ' (superscript latin small letter n)", "ⁿ", "write **n for a power"),
    ("x–1", "unexpected character '–' (en dash)", "–", "write the minus sign -"),
    ("x → y", "unexpected character '→' (rightwards arrow)", "→", "an arrow has no meaning here"),
    ("x -> y", "unexpected '>'", ">", "an arrow has no meaning here"),
    ("x => y", "unexpected '>'", ">", "write >="),
    ("x =< y", "unexpected '<'", "<", "write <="),
    ("x <> y", "unexpected '>'", ">", "write !="),
    ("x***y", "unexpected '*'", "*", "a power is written ** or ^, a product *"),
    ("x * * y", "unexpected '*'", "*", "a power is written ** or ^, a product *"),
    ("7//2", "unexpected '/'", "/", "one '/' divides; floor(a/b) rounds the quotient down"),
    ("π(x+1)", "'π' is a constant, not a function", "π", "write π*(x+1) for a product"),
    ("e(x)", "'e' is a constant, not a function", "e", "write e*(x) for a product"),
    ("pi(2)", "'pi' is a constant, not a function", "pi", "write pi*(2) for a product"),
    ("соs(x)", "unknown function 'соs'", "соs", "some of its letters only look Latin; type cos anew"),
    ("tg(x)", "unknown function 'tg'", "tg", "write tan(x)"),
    ("pow(x, 2)", "unknown function 'pow'", "pow", "write x**y"),
    ("d/dx(x**2)", "unknown function 'dx'", "dx", "write diff(f, x)"),
    (
        "integrate(x, x)",
        "unknown function 'integrate'",
        "integrate",
        "the language has derivatives, sums and products: diff, sum, prod",
    ),
    ("add(x, y)", "unknown function 'add'", "add", "a part of the formula is named without arguments: add = ..."),
    ("x if y", "the formula ends too early", "", "write value if condition else other"),
    ("(x if y)", "unexpected ')'", ")", ""),
    ("if x", "unexpected 'if'", "if", "write value if condition else other"),
    ("x else y", "unexpected 'else'", "else", "'else' follows an 'if': value if condition else other"),
    ("x and", "the formula ends too early", "", ""),
    ("not", "the formula ends too early", "", ""),
    ("x\u200by", "unexpected character U+200B (zero width space)", "\u200b", "delete this invisible character"),
    ("x\u2028y", "unexpected character U+2028 (line separator)", "\u2028", "delete this invisible character"),
    ("1_000", "unexpected character '_'", "_", "numbers have no separators"),
    ("_x", "unexpected character '_'", "_", "a name begins with a letter"),
    ("0x10", "'0x10' is no number here", "0x10", "numbers are decimal; for a product write the '*'"),
    ("x°", "unexpected character '°' (degree sign)", "°", "write pi/180*x for x degrees"),
    ("∑x", "unexpected character '∑' (n-ary summation)", "∑", "write sum(i**2, i, 1, 10)"),
    ("√", "the formula ends too early", "", "a square root is written √x or sqrt(x)"),
]

# text, what stands beside the carets
LABELS = [
    ("2*)", "there is no '(' before it"),
    ("((x", "its '(' is at column 2"),
    ("a = (\n(x)\n", "its '(' is at column 5 of line 1"),
    ("x**", "expected a number, a name or '('"),
    ("()", "expected a number or a name before it"),
    ("max(,x)", "expected an argument before it"),
    ("(x]", "expected ')'"),
    ("(x if y)", "expected 'else' and another value"),
    ("x 2", "expected an operator"),
    ("x(1+x)", "call, or a missing '*'?"),
    ("1/2x", "what does it divide by?"),
    ("sum(sum(i*j, i, 1, 1000), j, 1, 1000)", "1,000 terms of 3,000 nodes"),
]

TERMINALS = re.compile(r"\b(LPAR|RPAR|LSQB|RSQB|NAME|NUMBER|NEWLINE|COMMA|_?[A-Z]{4,}|\$END|Token)\b|<.*object at")


@pytest.mark.parametrize(("text", "summary", "underlined", "hint"), MISTAKES, ids=[repr(row[0]) for row in MISTAKES])
def test_report_points_at_the_mistake_and_says_what_to_type(
    text: str, summary: str, underlined: str, hint: str
) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    error = caught.value
    assert error.summary == summary
    assert text[error.span.start : error.span.end] == underlined
    assert error.hint == hint
    assert not TERMINALS.search(f"{error.summary} {error.label} {error.hint}")


@pytest.mark.parametrize(("text", "label"), LABELS)
def test_label_says_what_was_expected(text: str, label: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    assert caught.value.label == label


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        ("x*sinn(x)", 1, 3, "1 |  x*sinn(x)\n  |    ^^^^ not an operation"),
        ("a = 1\nb = a + sinn(2)\nb", 2, 9, "2 |  b = a + sinn(2)\n  |          ^^^^ not an operation"),
        ("漢字 + sinn(x)", 1, 6, "1 |  漢字 + sinn(x)\n  |         ^^^^ not an operation"),
        ("é + sinn(x)", 1, 5, "1 |  é + sinn(x)\n  |      ^^^^ not an operation"),
        ("e\u0301 + sinn(x)", 1, 6, "1 |  e\u0301 + sinn(x)\n  |      ^^^^ not an operation"),
        ("\tsinn(x)", 1, 2, "1 |   sinn(x)\n  |   ^^^^ not an operation"),
        ("a = 1\r\nsinn(a)\r\n", 2, 1, "2 |  sinn(a)\n  |  ^^^^ not an operation"),
        ("a = 1\rsinn(a)\r", 2, 1, "2 |  sinn(a)\n  |  ^^^^ not an operation"),
        ("a = 1; sinn(a)", 1, 8, "1 |  a = 1; sinn(a)\n  |         ^^^^ not an operation"),
    ],
)
def test_positions(text: str, line: int, column: int, shown: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert shown in str(caught.value)


def test_a_long_line_is_cut_to_a_window_around_the_carets() -> None:
    with pytest.raises(SourceError) as caught:
        parse("x+" * 100_000 + "sinn(x)" + "+x" * 100_000)
    lines = str(caught.value).splitlines()
    assert max(map(len, lines)) < 100
    assert lines[2].startswith("1 |  …")
    assert lines[2].endswith("…")
    start = lines[3].index("^")
    assert lines[2][start : start + 4] == "sinn"


@given(texts())
@settings(max_examples=500, deadline=None)
def test_no_text_escapes_with_an_internal_error(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SymdiffWarning)
        with contextlib.suppress(SymdiffError):
            parse(text)


# ---- limits: each is named, and reached in a moment


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("x" * (MAX_CHARACTERS + 1), f"{MAX_CHARACTERS:,}"),
        ("x+" * (MAX_LEXEMES // 2) + "x", f"{MAX_LEXEMES:,}"),
        ("1" * 1_000_000, "4,300"),
        ("0." + "1" * 1_000_000, "4,300"),
        ("1e999999999", "4,300"),
        ("1e-" + "0" * 5000 + "999999999", "4,300"),
        ("x" + "⁹" * 100_000, "4,300"),
        ("+".join(f"{i}e4290" for i in range(10_000)), "20,000,000"),
        ("sum(i, i, 1, 1000000000)", "200,000"),
        ("prod(prod(i*j, i, 1, 999), j, 1, 999)", "200,000"),
        ("r = " + "x+" * 50_000 + "x\n" + "+".join(["diff(r, x)"] * 10_000), "200,000"),
        ("r = " + "x+" * 50_000 + "x\n" + "+".join(["sum(r, i, 1, 0)"] * 10_000), "200,000"),
        ("diff(tan(x)*exp(x)**sin(x), x, 100)", "200,000"),
    ],
    ids=lambda value: value[:20],
)
def test_refusal_names_its_limit(text: str, limit: str) -> None:
    start = time.process_time()
    with pytest.raises(LimitError) as caught:
        parse(text)
    assert limit in caught.value.summary
    assert time.process_time() - start < 15  # five seconds are promised, on a machine that does nothing else


@pytest.mark.parametrize(
    "text",
    [
        "x[" + "a" + " " * 100_000 + "b]",
        "x[i+" + "9" * 10_000 + "]",
        "x[" * 50_000,
        "x" + " " * 200_000 + "2",
        "a" * 200_000 + "(",
        "(" * 100_000 + "]" * 10,
        "gamma*x y + " * 20_000 + ")",
        "r = " + "(" * 20_000 + "x" + ")**2" * 20_000 + "\n" + "r x " * 20_000 + ")",
        " \n" * 500_000 + ")",
        "1/" * 100_000 + ")",
    ],
    ids=lambda value: value[:12],
)
def test_no_text_costs_more_than_its_length(text: str) -> None:
    start = time.process_time()
    with pytest.raises(SourceError):
        parse(text)
    assert time.process_time() - start < 5


# ---- warnings


@pytest.mark.parametrize("text", ["x + X", "x_1 + x1", "ο + o", "alpha + α", "sum(i, i, 1, 2) + x*X"])
def test_names_that_are_easily_confused_are_a_warning(text: str) -> None:
    with pytest.warns(SymdiffWarning, match="are different variables"):
        parse(text)


@pytest.mark.parametrize(("text", "variables"), [("x + X", ("x", "X")), ("x + y", ()), ("x + x", ()), ("pi + PI", ())])
def test_declared_names_are_no_warning(text: str, variables: tuple[str, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse(text, variables)


def test_many_lookalikes_are_one_warning() -> None:
    text = "+".join(f"a{i} + A{i}" for i in range(2000))
    with pytest.warns(SymdiffWarning) as caught:
        parse(text)
    assert len(caught) == 1
    assert len(str(caught[0].message)) < 300


def test_nothing_is_held_of_a_text_that_was_refused() -> None:
    from symdiff.text.parse import _machinery

    with pytest.raises(SourceError):
        parse("x + y + )")
    assert _machinery()[1].seen == {}
