"""Graphs as pictures: boxes of text with labelled arrows between them, as SVG or in Graphviz's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from symdiff.show.layout import Placed, Vertex, place

Kind = Literal["leaf", "operation", "result", "folded"]

# Colours of Okabe and Ito, which the colour-blind tell apart: border and paper; leaves are round besides.
COLOURS: Final[dict[Kind, tuple[str, str]]] = {
    "leaf": ("#009e73", "#eef8f4"),
    "operation": ("#0072b2", "#eef5fa"),
    "result": ("#d55e00", "#fdf3ec"),
    "folded": ("#777777", "#f5f5f5"),
}
CHARACTER: Final = 7.25  # pixels, of the fixed-width font at 12
LINE: Final = 16.0
PADDING: Final = 9.0
MARGIN: Final = 14.0
LABEL: Final = 6.65  # pixels a character, at 11

_FONT: Final = 'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="12" role="img"'
_SMALL: Final = 'font-size="11" fill="#333333"'
_HEAD: Final = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 1 L10 5 L0 9 z" fill="#555555"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class Box:
    """A node: lines of text, the first in bold; ``told`` is shown where the pointer rests."""

    lines: tuple[str, ...]
    kind: Kind = "operation"
    told: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge from one box up to another, by their numbers, with a label."""

    above: int
    below: int
    label: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A graph to be drawn: what uses stands above what it uses, leaves in the lowest row."""

    title: str
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    note: str = ""

    def svg(self) -> str:
        """The picture as an SVG document; the same for the same graph."""
        sizes = [_size(box) for box in self.boxes]
        arrows = [(a.above, a.below, len(a.label) * LABEL + 8 * bool(a.label), LINE) for a in self.arrows]
        placed = place(sizes, arrows, [i for i, box in enumerate(self.boxes) if box.kind == "leaf"])
        top = MARGIN + (LINE + 6) * bool(self.note)
        width = max(placed.width, len(self.note) * LABEL) + 2 * MARGIN
        height = placed.height + top + MARGIN
        size = f'width="{width:.0f}" height="{height:.0f}"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:.0f} {height:.0f}" {_FONT}>',
            f"<title>{escape(self.title)}</title>",
            f'<rect {size} fill="#ffffff"/>',
            _HEAD,
        ]
        if self.note:
            parts.append(f'<text class="note" x="{MARGIN}" y="{MARGIN + 10}" {_SMALL}>{escape(self.note)}</text>')
        parts.append(f'<g transform="translate({(width - placed.width) / 2:.1f} {top:.1f})">')
        parts += self._edges(placed)
        parts += [_box(box, at) for box, at in zip(self.boxes, placed.boxes, strict=True)]
        return "\n".join([*parts, "</g>", "</svg>"])

    def _edges(self, placed: Placed) -> list[str]:
        above, below = _ports(self.arrows, placed, "above"), _ports(self.arrows, placed, "below")
        parts = []
        for i, arrow in enumerate(self.arrows):
            start, end = placed.boxes[arrow.below], placed.boxes[arrow.above]
            points = [(below[i], start.y - start.height / 2)]
            points += [(v.x, v.y) for v in placed.routes[i]]
            points.append((above[i], end.y + end.height / 2 + 1))
            told = f"<title>{escape(arrow.told or arrow.label)}</title>"
            path = f'<path d="{_curve(points)}" fill="none" stroke="#555555" marker-end="url(#arrow)"/>'
            parts.append(f'<g class="edge">{told}{path}{_label(arrow.label, placed.labels[i])}</g>')
        return parts

    def dot(self) -> str:
        """The picture in Graphviz's language."""
        lines = [f"digraph {_quoted(self.title)} {{", "  rankdir=BT;", '  node [shape=box, fontname="monospace"];']
        for i, box in enumerate(self.boxes):
            style = ', style="rounded"' if box.kind == "leaf" else ""
            lines.append(f"  n{i} [label={_quoted(chr(10).join(box.lines))}{style}];")
        lines += [f"  n{a.below} -> n{a.above} [label={_quoted(a.label)}];" for a in self.arrows]
        return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _size(box: Box) -> tuple[float, float]:
    beside = 2 * PADDING * (2 if box.kind == "leaf" else 1)  # round ends
    return max(map(len, box.lines), default=0) * CHARACTER + beside, len(box.lines) * LINE + PADDING


def _box(box: Box, at: Vertex) -> str:
    border, paper = COLOURS[box.kind]
    x, y = at.x - at.width / 2, at.y - at.height / 2
    corner = at.height / 2 if box.kind == "leaf" else 4
    dashes = ' stroke-dasharray="4 3"' if box.kind == "folded" else ""
    weights = [' font-weight="bold"', *[""] * len(box.lines)]
    lines = [
        f'<text x="{at.x:.1f}" y="{y + PADDING / 2 + LINE * i + 12:.1f}" text-anchor="middle"{weights[i]}>'
        f"{escape(line)}</text>"
        for i, line in enumerate(box.lines)
    ]
    return (
        f'<g class="node {box.kind}"><title>{escape(box.told or " ".join(box.lines))}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{at.width:.1f}" height="{at.height:.1f}" rx="{corner:.1f}" '
        f'fill="{paper}" stroke="{border}" stroke-width="1.5"{dashes}/>{"".join(lines)}</g>'
    )


def _label(text: str, at: Vertex) -> str:
    if not text:
        return ""
    return (
        f'<rect x="{at.x - at.width / 2:.1f}" y="{at.y - at.height / 2:.1f}" width="{at.width:.1f}" '
        f'height="{at.height:.1f}" fill="#ffffff"/>'
        f'<text x="{at.x:.1f}" y="{at.y + 4:.1f}" text-anchor="middle" {_SMALL}>{escape(text)}</text>'
    )


def _ports(arrows: Sequence[Arrow], placed: Placed, end: Literal["above", "below"]) -> list[float]:
    """Where along the side of its box each arrow ends: side by side, in the order in which they come."""
    groups: dict[int, list[int]] = {}
    for i, arrow in enumerate(arrows):
        groups.setdefault(getattr(arrow, end), []).append(i)
    found = [0.0] * len(arrows)
    for box, group in groups.items():
        group.sort(key=lambda i: placed.routes[i][-1 if end == "above" else 0].x)
        v = placed.boxes[box]
        step = min(22.0, v.width / (len(group) + 1))
        for port, i in enumerate(group):
            found[i] = v.x + (port - (len(group) - 1) / 2) * step
    return found


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A line through points, upright at each of them."""
    x, y = points[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for nx, ny in points[1:]:
        half = (y + ny) / 2
        parts.append(f"C{x:.1f} {half:.1f} {nx:.1f} {half:.1f} {nx:.1f} {ny:.1f}")
        x, y = nx, ny
    return " ".join(parts)
