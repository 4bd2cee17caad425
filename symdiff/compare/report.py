"""How a comparison looks: the same sections as plain text for 80 columns and as rich renderables.

What needs no SymPy comes first (`own_sections`), what SymPy adds comes after (`sympy_sections`),
so that the first can be shown while SymPy works.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from symdiff.compare.comparison import Comparison, Equality, PointReport, Quantity, Reading, derivative_name, shown_ulps
from symdiff.dag import Node

STYLES: Final = {
    "proved": "bold green",
    "agrees": "green",
    "agreed": "bold green",
    "refuted": "bold red",
    "disagrees": "bold red",
    "disagreed": "bold red",
    "undecided": "yellow",
    "kink": "yellow",
    "ill-conditioned": "yellow",
    "outside": "yellow",
    "no reference": "yellow",
    "name": "cyan",
    "faint": "dim",
}
DIGITS_SHOWN: Final = 30  # of the reference; all 50 are in to_dict()


@dataclass(frozen=True, slots=True)
class Line:
    """Words with styles of `STYLES`, or none, on one line; continued under the ``indent``."""

    pieces: tuple[tuple[str, str], ...]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under a header; a cell is a text and its style. The first column is indented by two."""

    header: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str], ...], ...]
    right: tuple[int, ...] = ()  # the columns that align right


Section = Line | Table
BLANK: Final = Line(())


def text(node: Node) -> str:
    """A formula in the language."""
    from symdiff.text.format import to_text

    return to_text(node)


def latex(node: Node) -> str:
    """A formula in LaTeX."""
    from symdiff.text.format import to_latex

    return to_latex(node)


def sections(c: Comparison) -> list[Section]:
    """The whole report; waits for SymPy."""
    return [*own_sections(c), *sympy_sections(c), BLANK, verdict(c)]


def own_sections(c: Comparison, written: Callable[[Node], str] = text) -> Iterator[Section]:
    """The closed forms, and the floats of both paths at every point."""
    yield Line((("f", "name"), (f" = {c.text if written is text else written(c.node)}", "")), indent=4)
    if c.origin:
        yield Line(((f"    from {c.origin}", "faint"),), indent=4)
    yield BLANK
    for p in c.partials:
        assumed = f"   for {' and '.join(p.assumptions)}" if p.assumptions else ""
        yield _form(derivative_name(p.names), written(p.node), assumed)
    for i, (at, floats) in enumerate(zip(c.at, c.floats, strict=True)):
        yield BLANK
        yield Line(
            (
                ("at ", ""),
                (_point(at), "name"),
                *(((f"   edge: {', '.join(floats.kinks)}", "kink"),) * bool(floats.kinks)),
            )
        )
        names = [(), *(p.names for p in c.partials)]
        columns = {
            "": [(derivative_name(n), "name") for n in names],
            "closed form": [(repr(x), "") for x in floats.closed],
            "reverse mode": [(repr(x), "") for x in floats.reverse],
            "function": [_own(x, y) for x, y in zip(floats.own, floats.reverse, strict=False)],
            "condition": [(_condition(conditions), "faint") for conditions in c.conditions(i)],
        }
        if not c.origin:
            del columns["function"]
        yield Table(tuple(columns), tuple(zip(*columns.values(), strict=True)), right=(len(columns) - 1,))


def sympy_sections(c: Comparison, written: Callable[[Node], str] = text) -> Iterator[Section]:
    """SymPy's derivatives, whether they are equal to ours, and its values as the reference; waits for SymPy."""
    yield BLANK
    if not c.asked_sympy:
        if c.at:
            yield Line((("No reference: SymPy was not asked. ", "no reference"), (_together(c), "")))
        return
    yield Line((("SymPy", "name"), (f": {c.failure}" if c.failure else "", "undecided")))
    for i, p in enumerate(c.partials):
        said = c.derivative(i)
        if "error" not in said:
            yield _form(derivative_name(p.names), written(said["node"]) if "node" in said else str(said["text"]), "")
        yield _equality_line(derivative_name(p.names), c.equality(i), indent=len(derivative_name(p.names)) + 5)
    for point in c.points:
        yield BLANK
        yield Line((("at ", ""), (_point(point.at), "name")))
        rows = tuple(_reference_row(q, bool(c.origin)) for q in point.quantities)
        paths = ("closed", "reverse", *(("function",) * bool(c.origin)))
        yield Table(("", "SymPy, from 50 digits", *paths, "ulps off"), rows, right=tuple(range(2, 2 + len(paths))))


def verdict(c: Comparison) -> Line:
    """The last line: what was found, in one sentence, or what disagrees."""
    if not c.ok:
        return Line((("disagreed: ", "disagreed"), (";\n".join(c.disagreements), "")), indent=4)
    parts = []
    if c.at:
        parts.append(_numbers(c.points))
    proved = [c.equality(i).status for i in range(len(c.partials))].count("proved") if c.asked_sympy else 0
    if c.asked_sympy and not c.failure:
        of = "" if proved == len(c.partials) else f" of {len(c.partials)}"
        parts.append(f"{proved}{of} closed form{'s' * (len(c.partials) > 1)} proved equal to SymPy's")
    word = "agreed" if c.at or c.asked_sympy else ""
    return Line(((f"{word}: " if parts else word, "agreed"), ("; ".join(parts), "")), indent=4)


def _numbers(points: Sequence[PointReport]) -> str:
    quantities = [q for point in points for q in point.quantities]
    errors = [r.ulps for q in quantities if q.verdict == "agrees" for r in q.readings.values() if r.ulps is not None]
    at = f"at {len(points)} point{'s' * (len(points) > 1)}"
    text = f"{len(quantities)} number{'s' * (len(quantities) > 1)} {at}"
    if errors:
        text += f", the largest error {shown_ulps(max(errors))}"
    elif all(q.verdict == "no reference" for q in quantities):
        return f"closed form and reverse mode, {text}"
    words = {
        "ill-conditioned": "with digits lost to conditioning",
        "kink": "at a kink or edge",
        "outside": "outside the real domain",
        "no reference": "without a reference",
    }
    for status, told in words.items():
        count = sum(q.verdict == status for q in quantities)
        text += f", {count} {told}" if count else ""
    return text


def _together(c: Comparison) -> str:
    same = sum(a == b or (a != a and b != b) for f in c.floats for a, b in zip(f.closed, f.reverse, strict=True))
    total = sum(len(f.closed) for f in c.floats)
    equal = "all" if same == total else f"{same} of {total}"
    return f"Closed form and reverse mode give the same doubles in {equal} cases." if total > 1 else ""


def _form(name: str, text: str, after: str) -> Line:
    return Line((("  " + name, "name"), (f" = {text}", ""), (after, "faint")), indent=len(name) + 5)


def _equality_line(name: str, equality: Equality, indent: int) -> Line:
    words = {"proved": "proved equal", "agrees": "agrees, not proved", "refuted": "refuted", "undecided": "undecided"}
    said = f". {equality.said}" if equality.said else ""
    return Line(
        ((" " * indent + words[equality.status], equality.status), (f": {equality.how}{said}", "")), indent=indent
    )


def _own(x: float | None, reverse: float) -> tuple[str, str]:
    """What the user's function gives, beside the reverse sweep."""
    if x is None:
        return "", ""
    return ("the same", "faint") if repr(x) == repr(reverse) else (repr(x), "")


def _reference_row(q: Quantity, of_function: bool) -> tuple[tuple[str, str], ...]:
    told = q.verdict if q.verdict not in ("agrees", "no reference") or q.note else ""
    number = _cut(q.reference) if q.reference is not None else _clipped(q.note or "none")
    note = q.note if q.reference is not None and q.note else told if q.reference is not None else ""
    if q.verdict in ("disagrees", "kink", "outside"):
        note = {"outside": "outside the domain"}.get(q.verdict, q.verdict)
    paths: list[Reading | None] = [q.closed, q.reverse, *([q.own] * of_function)]
    return (
        (derivative_name(q.names), "name"),
        (number, "" if q.reference is not None else "no reference"),
        *[(shown_ulps(r.ulps if r else None).removesuffix(" ulp"), q.verdict) for r in paths],
        (note, q.verdict),
    )


def _cut(reference: str) -> str:
    """The first digits of a decimal, its exponent kept."""
    digits, e, exponent = reference.partition("e")
    return _clipped(digits) + e + exponent


def _clipped(text: str) -> str:
    return text if len(text) <= DIGITS_SHOWN + 2 else text[:DIGITS_SHOWN] + "…"


def _point(at: Any) -> str:
    return ", ".join(f"{name} = {_short(x)}" for name, x in at.items())


def _short(x: float) -> str:
    return repr(int(x)) if x == math.floor(x) and abs(x) < 1e15 else repr(x)


def _condition(conditions: tuple[float, float]) -> str:
    largest = max(conditions) if not any(map(math.isnan, conditions)) else math.nan
    return f"{largest:.2g}" if not largest < 1e4 else f"{largest:.1f}"


# ---- plain text


def plain(parts: Iterable[Section], width: int = 80) -> str:
    """The sections as text."""
    return "\n".join(line.rstrip() for part in parts for line in _plain_lines(part, width))


def _plain_lines(part: Section, width: int) -> list[str]:
    if isinstance(part, Line):
        return _wrapped("".join(text for text, _ in part.pieces), part.indent, width)
    widths = _widths(part)
    rows = [part.header, *(tuple(text for text, _ in row) for row in part.rows)]
    return [
        "  " + "  ".join(_padded(cell, widths[i], i in part.right) for i, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _widths(table: Table) -> list[int]:
    rows = [table.header, *(tuple(text for text, _ in row) for row in table.rows)]
    return [max(_width(row[i]) for row in rows) for i in range(len(table.header))]


def _padded(cell: str, width: int, right: bool) -> str:
    gap = " " * (width - _width(cell))
    return gap + cell if right else cell + gap


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    """Lines broken at spaces; a formula that is longer than fits stays whole, so that it can be copied."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        rest, lead = paragraph, " " * indent if lines else ""
        while len(lead) + len(rest) > width and "=" not in rest:
            cut = rest.rfind(" ", len(rest) - len(rest.lstrip()) + 1, width - len(lead) + 1)
            if cut <= 0:
                break
            lines.append(lead + rest[:cut])
            rest, lead = rest[cut + 1 :], " " * indent
        lines.append(lead + rest)
    return lines


# ---- rich


def rich_parts(parts: Iterable[Section]) -> Iterator[Any]:
    """The sections as rich renderables, with the widths of the plain ones."""
    from rich.text import Text

    for part in parts:
        if isinstance(part, Line):
            yield Text.assemble(*((text, STYLES.get(style, "")) for text, style in part.pieces), overflow="fold")
            continue
        widths = _widths(part)
        yield Text(
            _plain_lines(Table(part.header, (), part.right), 0)[0] if not part.rows else "  " + _heads(part, widths),
            style="dim",
        )
        for row in part.rows:
            yield Text.assemble(
                "  ",
                *(
                    (_padded(text, widths[i], i in part.right) + "  ", STYLES.get(style, ""))
                    for i, (text, style) in enumerate(row)
                ),
            )


def _heads(table: Table, widths: Sequence[int]) -> str:
    return "  ".join(_padded(head, widths[i], i in table.right) for i, head in enumerate(table.header))
