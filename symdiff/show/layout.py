"""Places for the boxes of a layered graph: what uses stands above what is used, and nothing overlaps.

Layers by longest paths; every arrow passes through each layer between its ends, and its label has
a place of its own on the way. The order within layers follows the medians of the neighbours, the
places their means. Linear in boxes and bends for each of a fixed number of rounds.

Source: Sugiyama, Tagawa & Toda, "Methods for visual understanding of hierarchical system structures" (1981).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

ROUNDS: Final = 8  # of ordering, and again of placing
SMALL: Final = 600  # vertices up to which a second order to start from is tried


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances in pixels."""

    beside: float = 26.0  # boxes
    bend: float = 12.0  # lines that pass
    above: float = 16.0  # between the layers of boxes and those of labels


@dataclass(slots=True)
class Vertex:
    """Something with a place: a box, the label of an arrow, or a bend of one (of no size). x and y are its middle."""

    width: float
    height: float
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    up: list[int] = field(default_factory=list)
    down: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A finished layout.

    Attributes:
        boxes: where each box is.
        routes: for each arrow the vertices that it passes, from its lower end to its upper one, without the ends.
        labels: for each arrow its label's place.
        width, height: of the whole.
    """

    boxes: list[Vertex]
    routes: list[list[Vertex]]
    labels: list[Vertex]
    width: float
    height: float


def place(
    sizes: Sequence[tuple[float, float]],
    arrows: Sequence[tuple[int, int, float, float]],
    bottom: Sequence[int],
    spacing: Spacing | None = None,
) -> Placed:
    """Give every box and label a place.

    Args:
        sizes: width and height of each box.
        arrows: for each the box above, the box below, and width and height of its label.
        bottom: the boxes that stand in the lowest layer; nothing is below them.
        spacing: the distances; the usual ones if None.
    """
    spacing = spacing or Spacing()
    vertices = [Vertex(*size) for size in sizes]
    for box, layer in zip(vertices, _layers(len(sizes), arrows, bottom), strict=True):
        box.layer = layer
    routes, labels = [], []
    for above, below, *size in arrows:
        route = _route(vertices, above, below, *size)
        routes.append(route)
        labels.append(route[-1])
    layers = _ordered(vertices)
    _place_across(vertices, layers, spacing)
    height = _place_down(vertices, layers, spacing)
    width = max(v.x + v.width / 2 for v in vertices) if vertices else 0.0
    return Placed(
        vertices[: len(sizes)], [[vertices[i] for i in r] for r in routes], [vertices[i] for i in labels], width, height
    )


def _layers(count: int, arrows: Sequence[tuple[int, int, float, float]], bottom: Sequence[int]) -> list[int]:
    """Twice the longest path from above; the odd layers are for labels."""
    below: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for above, under, *_ in arrows:
        below[above].append(under)
        waiting[under] += 1
    layer = [0] * count
    ready = [i for i in range(count) if not waiting[i]]
    for i in ready:
        for under in below[i]:
            layer[under] = max(layer[under], layer[i] + 2)
            waiting[under] -= 1
            if not waiting[under]:
                ready.append(under)
    lowest = max(layer, default=0)
    for i in bottom:
        layer[i] = lowest
    return layer


def _route(vertices: list[Vertex], above: int, below: int, width: float, height: float) -> list[int]:
    """Add the label and the bends of an arrow, and join them; the numbers of both from below, the label last."""
    first = len(vertices)
    top, end = vertices[above].layer, vertices[below].layer
    for layer in range(end - 1, top, -1):
        size = (width, height) if layer == top + 1 else (0.0, 0.0)
        vertices.append(Vertex(*size, layer))
    route = [*range(first, len(vertices))]
    for lower, upper in zip([below, *route], [*route, above], strict=True):
        vertices[lower].up.append(upper)
        vertices[upper].down.append(lower)
    return route


# ---- order within the layers


def _ordered(vertices: Sequence[Vertex]) -> list[list[int]]:
    """The vertices of each layer from left to right: the order with the fewest crossings that was met."""
    best: list[list[int]] = []
    fewest = -1
    for backwards in (False, True) if len(vertices) <= SMALL else (False,):
        layers: list[list[int]] = [[] for _ in range(max((v.layer for v in vertices), default=-1) + 1)]
        for i in _depth_first(vertices, backwards):
            layers[vertices[i].layer].append(i)
        rank = [0.0] * len(vertices)
        for layer in layers:
            _rank(layer, rank)
        for turn in range(ROUNDS):
            downward = turn % 2 == 0
            for layer in layers if downward else reversed(layers):
                middle = {i: _median(vertices[i].up if downward else vertices[i].down, rank, rank[i]) for i in layer}
                layer.sort(key=middle.__getitem__)
                _rank(layer, rank)
            crossings = _crossings(vertices, layers, rank)
            if fewest < 0 or crossings < fewest:
                fewest, best = crossings, [list(layer) for layer in layers]
        if not fewest:
            break
    return best


def _crossings(vertices: Sequence[Vertex], layers: Sequence[Sequence[int]], rank: Sequence[float]) -> int:
    """How many pairs of lines cross: inversions, layer by layer."""
    count = 0
    for layer in layers:
        ends: list[float] = []
        for i in layer:
            found = sorted(rank[j] for j in vertices[i].down)
            count += sum(len(ends) - bisect_right(ends, end) for end in found)
            for end in found:
                insort(ends, end)
    return count


def _depth_first(vertices: Sequence[Vertex], backwards: bool) -> list[int]:
    """The vertices as they are met on the way down, so that what belongs together starts together."""
    seen: dict[int, None] = {}
    stack = [i for i in range(len(vertices)) if not vertices[i].up]
    while stack:
        i = stack.pop()
        if i not in seen:
            seen[i] = None
            stack.extend(vertices[i].down if backwards else reversed(vertices[i].down))
    return list(seen)


def _rank(layer: Sequence[int], rank: list[float]) -> None:
    for place, i in enumerate(layer):
        rank[i] = (place + 0.5) / len(layer)  # comparable between layers of different lengths


def _median(neighbours: Sequence[int], rank: Sequence[float], otherwise: float) -> float:
    if not neighbours:
        return otherwise
    ranks = sorted(rank[i] for i in neighbours)
    half = len(ranks) // 2
    return ranks[half] if len(ranks) % 2 else (ranks[half - 1] + ranks[half]) / 2


# ---- places


def _place_across(vertices: Sequence[Vertex], layers: Sequence[Sequence[int]], spacing: Spacing) -> None:
    for layer in layers:
        offsets = _offsets(vertices, layer, spacing)
        for i, x in zip(layer, offsets, strict=True):
            vertices[i].x = x - offsets[-1] / 2
    for turn in range(ROUNDS):
        downward = turn % 2 == 0
        for layer in layers if downward else reversed(layers):
            _settle(vertices, layer, spacing, downward)
    left = min((v.x - v.width / 2 for v in vertices), default=0.0)
    for v in vertices:
        v.x -= left


def _offsets(vertices: Sequence[Vertex], layer: Sequence[int], spacing: Spacing) -> list[float]:
    """The least distances from the first vertex of a layer."""
    found = [0.0]
    for i, j in pairwise(layer):
        a, b = vertices[i], vertices[j]
        gap = spacing.beside if a.width and b.width else spacing.bend
        found.append(found[-1] + (a.width + b.width) / 2 + gap)
    return found


def _settle(vertices: Sequence[Vertex], layer: Sequence[int], spacing: Spacing, downward: bool) -> None:
    """Put a layer as near to the means of its neighbours as its order and its distances allow.

    The least squares under these constraints, by pooling adjacent violators.
    """
    offsets = _offsets(vertices, layer, spacing)
    blocks: list[tuple[float, float, int]] = []  # mean of wanted places less offsets, weight, vertices
    for i, offset in zip(layer, offsets, strict=True):
        v = vertices[i]
        near = (v.up if downward else v.down) or v.up or v.down
        wanted = sum(vertices[j].x for j in near) / len(near) if near else v.x
        weight = 1.0 if v.width else 4.0  # straight lines before centred boxes
        block = (wanted - offset, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, mass, size = blocks.pop()
            total = mass + block[1]
            block = ((mean * mass + block[0] * block[1]) / total, total, size + block[2])
        blocks.append(block)
    places = [mean for mean, _, size in blocks for _ in range(size)]
    for i, place_, offset in zip(layer, places, offsets, strict=True):
        vertices[i].x = place_ + offset


def _place_down(vertices: Sequence[Vertex], layers: Sequence[Sequence[int]], spacing: Spacing) -> float:
    y = 0.0
    for layer in layers:
        height = max((vertices[i].height for i in layer), default=0.0)
        for i in layer:
            vertices[i].y = y + height / 2
        y += height + spacing.above
    return max(0.0, y - spacing.above)
