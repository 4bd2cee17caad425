"""Pictures of graphs: everything is there once, and nothing lies on anything else."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdiff.show.drawing import Arrow, Box, Picture
from symdiff.show.layout import Placed, Vertex, place

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """A number of boxes, and arrows from earlier (above) to later ones (below), some of them twice."""
    count = draw(st.integers(1, 12))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] < p[1])
    return count, draw(st.lists(pairs, max_size=24)) if count > 1 else []


def laid_out(count: int, pairs: list[tuple[int, int]]) -> Placed:
    sinks = [i for i in range(count) if all(above != i for above, _ in pairs)]
    return place([(40.0 + 7 * i, 30.0) for i in range(count)], [(a, b, 25.0, 12.0) for a, b in pairs], sinks)


def overlap(a: Vertex, b: Vertex) -> bool:
    return (
        abs(a.x - b.x) * 2 < a.width + b.width - 1e-6
        and abs(a.y - b.y) * 2 < a.height + b.height - 1e-6
        and min(a.width, b.width) > 0
    )


@given(graphs())
@settings(deadline=None)
def test_nothing_overlaps_and_users_stand_above(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = graph
    placed = laid_out(count, pairs)
    things = [*placed.boxes, *placed.labels]
    assert not any(overlap(a, b) for i, a in enumerate(things) for b in things[:i])
    assert all(placed.boxes[above].y < placed.boxes[below].y for above, below in pairs)
    assert all(v.x - v.width / 2 >= -1e-6 and v.x + v.width / 2 <= placed.width + 1e-6 for v in things)
    for route in placed.routes:
        assert [v.y for v in route] == sorted((v.y for v in route), reverse=True)


@given(graphs())
@settings(deadline=None)
def test_the_picture_is_well_formed_and_has_everything_once(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = graph
    boxes = [Box((f"v{i} < & \"'", "value 1"), "operation") for i in range(count)]
    picture = Picture("a <graph>", boxes, [Arrow(a, b, f"{a}<{b}") for a, b in pairs], "a note")
    root = ET.fromstring(picture.svg())
    groups = [g.get("class", "") for g in root.iter(f"{SVG}g")]
    assert sum(g.startswith("node") for g in groups) == count
    assert groups.count("edge") == len(pairs)
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert all(texts.count(f"v{i} < & \"'") == 1 for i in range(count))
    assert picture.svg() == picture.svg()


def test_a_tree_has_no_crossing_lines() -> None:
    placed = laid_out(7, [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)])
    x = [box.x for box in placed.boxes]
    assert x[3] < x[4] < x[5] < x[6] or x[3] > x[4] > x[5] > x[6] or sorted(x[3:5]) < sorted(x[5:])
    assert x[1] == pytest.approx((x[3] + x[4]) / 2, abs=8)
    assert x[0] == pytest.approx((x[1] + x[2]) / 2, abs=8)


def test_graphviz_gets_the_same_graph() -> None:
    text = Picture("g", [Box(('a "quoted"',)), Box(("b",), "leaf")], [Arrow(0, 1, "2*x")]).dot()
    assert text.splitlines()[0] == 'digraph "g" {'
    assert '  n0 [label="a \\"quoted\\""];' in text
    assert '  n1 -> n0 [label="2*x"];' in text


def test_an_empty_picture_is_a_picture() -> None:
    assert ET.fromstring(Picture("nothing", [], []).svg()) is not None
