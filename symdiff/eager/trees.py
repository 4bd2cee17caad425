"""Nested containers of tensors (tuples, lists, dictionaries): taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """What the containers hold, in order; whatever is no container is a leaf."""
    if not _is_container(tree):
        return [tree]
    return [leaf for part in _parts(tree) for leaf in leaves(part)]


def like(tree: Any, values: Iterable[Any]) -> Any:
    """The containers of ``tree`` around other leaves, as many as it has."""
    return _filled(tree, iter(values))


def structure(tree: Any) -> str:
    """The containers alone, with a star for every leaf: ``(*, {'a': [*, *]})``."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {structure(part)}" for key, part in tree.items()) + "}"
    if not _is_container(tree):
        return "*"
    inside = ", ".join(map(structure, tree))
    return f"[{inside}]" if isinstance(tree, list) else f"({inside},)" if len(tree) == 1 else f"({inside})"


def spread(prefix: Any, tree: Any) -> list[Any]:
    """One value for each leaf of ``tree``, where a leaf of ``prefix`` speaks for all that stands in its place.

    Raises:
        ValueError: the containers of ``prefix`` are not those of ``tree``.
    """
    if not _is_container(prefix):
        return [prefix] * len(leaves(tree))
    same = isinstance(tree, dict) == isinstance(prefix, dict) and _is_container(tree) and len(tree) == len(prefix)
    if not same or (isinstance(tree, dict) and tree.keys() != prefix.keys()):
        raise ValueError(f"{structure(prefix)} does not fit {structure(tree)}")
    inside = [prefix[key] for key in tree] if isinstance(tree, dict) else prefix
    return [value for p, part in zip(inside, _parts(tree), strict=True) for value in spread(p, part)]


def _is_container(tree: Any) -> bool:
    return isinstance(tree, tuple | list | dict)


def _parts(tree: Any) -> Iterable[Any]:
    return tree.values() if isinstance(tree, dict) else tree


def _filled(tree: Any, values: Iterator[Any]) -> Any:
    if isinstance(tree, dict):
        made = copy(tree)  # of its own kind, which may need more than pairs to be made
        made.update([(key, _filled(part, values)) for key, part in tree.items()])
        return made
    if not _is_container(tree):
        return next(values)
    parts = [_filled(part, values) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)  # named tuples take them one by one
