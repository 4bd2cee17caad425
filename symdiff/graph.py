"""Walks over directed acyclic graphs: loops, never recursion, each node once. Knows no mathematics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

N = TypeVar("N")


def topological_order(roots: Iterable[N], args: Callable[[N], Iterable[N]]) -> list[N]:
    """Return every node reachable from ``roots``, arguments before users, each once.

    The order is the same on every run: depth first, first arguments first.
    """
    order: dict[N, None] = {}
    stack = list(roots)
    stack.reverse()
    while stack:
        node = stack.pop()
        if node in order:
            continue
        own = args(node)
        missing = [arg for arg in own if arg not in order] if own else None
        if missing:
            stack.append(node)
            missing.reverse()
            stack += missing
        else:
            order[node] = None
    return list(order)


def reverse_sweep(
    order: Iterable[N],
    seeds: Mapping[N, Any],
    pull_back: Callable[[N, Any], Iterable[tuple[N, Any]]],
    total: Callable[[list[Any]], Any],
) -> dict[N, Any]:
    """Return the cotangent of every node that the seeded nodes depend on.

    Args:
        order: the nodes, arguments before users.
        seeds: the cotangents of the outputs.
        pull_back: from a node and its cotangent, pairs of an argument and what it receives.
        total: the sum of a non-empty list of contributions. They are collected and summed
            once, so that a node with n users costs n and not n squared.

    Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed. (2008), section 3.3.
    """
    received: dict[N, list[Any]] = {node: [seed] for node, seed in seeds.items()}
    bar: dict[N, Any] = {}
    for node in reversed(list(order)):
        if node in received:
            bar[node] = total(received.pop(node))
            for arg, part in pull_back(node, bar[node]):
                received.setdefault(arg, []).append(part)
    return bar
