"""Every example of grammar/README.md is what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from symdiff.errors import SourceError
from symdiff.text import lexer, parse, unroll

PAGE = (Path(__file__).parent.parent / "grammar" / "README.md").read_text(encoding="utf-8")


def rows(header: str) -> list[tuple[str, ...]]:
    """The cells of all tables with this header, without their backquotes."""
    tables = re.findall(rf"^{re.escape(header)}\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    cells = [line.strip("|").split(" | ") for table in tables for line in table.splitlines()]
    return [tuple(cell.strip().strip("`") for cell in row) for row in cells]


@pytest.mark.parametrize(("text", "other"), rows("| you write | it is |"))
def test_both_texts_of_a_row_are_the_same_formula(text: str, other: str) -> None:
    assert parse.parse(text) is parse.parse(other)


@pytest.mark.parametrize(("text", "summary", "instead"), rows("| you write | the message | write |"))
def test_what_is_refused_and_what_to_write(text: str, summary: str, instead: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse.parse(text)
    assert caught.value.summary == summary
    parse.parse(instead)


@pytest.mark.parametrize("text", [call for row in rows("| | |") for call in re.findall(r"[^`]+\)", row[1])])
def test_every_function_on_the_page_can_be_called(text: str) -> None:
    parse.parse(text.strip())


def test_the_limits_are_those_of_the_code() -> None:
    limits = [int(limit.replace(",", "")) for _, limit in rows("| what | limit |")]
    assert limits == [
        parse.MAX_CHARACTERS,
        lexer.MAX_LEXEMES,
        parse.MAX_LITERAL,
        parse.MAX_LITERALS,
        unroll.MAX_UNROLLED,
        parse.MAX_ORDER,
    ]


def test_python_blocks() -> None:
    source = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(source, {}, "grammar", "grammar/README.md", 0)
    printed: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=printed.append)
    assert result.attempted > 10
    assert result.failed == 0, "".join(printed)
