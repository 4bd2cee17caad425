"""The graph that operations on tensors leave behind: nodes with what a backward pass needs.

A node knows its rule, where cotangents go (`edges`: nodes, leaf tensors, or None), the values
that the rule uses, and the place in the user's code. Numbers of creation order the nodes: what
is made later cannot be an argument of what was made before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from operator import attrgetter
from types import CodeType
from typing import Any, Final
from weakref import ref

from symdiff.eager import frames
from symdiff.errors import TensorError

Cell = list[Any]  # [version] of an array, then how it was changed last: operation, code, offset

number: Final = count().__next__


class Node:
    """One recorded operation; its class bears the name that its users know (``MulBackward0``).

    Attributes:
        rule: what pulls a cotangent back.
        edges: for each argument of the rule that wants a cotangent: a node, a leaf tensor, or None.
        saved: the values that the rule uses; None once they were freed.
        cells: the version cells of the arrays that were saved, and ``version`` their sum then.
        shapes: the result's shape and those of the arguments; None where they are all the same.
        sequence: the number of its creation.
        given: the arguments that want no cotangent, in order, for those who look at the graph;
            exact numbers stand in the rule.
        watchers: what is told the node's cotangent, and may replace it (hooks, ``retain_grad``).
        outer: for the last node of a composition, the edges that the whole has; None elsewhere.
    """

    __slots__ = (
        "__weakref__",
        "cells",
        "code",
        "edges",
        "given",
        "offset",
        "outer",
        "rule",
        "saved",
        "sequence",
        "shapes",
        "version",
        "watchers",
    )

    def __init__(
        self,
        rule: Any,
        edges: tuple[Any, ...],
        saved: tuple[Any, ...] | None,
        cells: tuple[Cell, ...],
        version: int,
        shapes: Any,
        code: CodeType | None,
        offset: int,
    ) -> None:
        self.rule = rule
        self.edges = edges
        self.saved = saved
        self.cells = cells
        self.version = version
        self.shapes = shapes
        self.sequence = number()
        self.code = code
        self.offset = offset
        self.given: tuple[Any, ...] = ()
        self.watchers: Watchers | None = None
        self.outer: tuple[Any, ...] | None = None

    def name(self) -> str:
        """What the operation is called in a graph."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name == "CopySlices" else name

    @property
    def place(self) -> str:
        """Where in the user's code it was recorded."""
        return frames.described(None if self.code is None else (self.code, self.offset))

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that receive cotangents from this one, each with 0; leaves as `AccumulateGrad`."""
        edges = self.edges if self.outer is None else self.outer
        return tuple((AccumulateGrad(edge) if is_leaf(edge) else edge, 0) for edge in edges)

    def watch(self, hook: Callable[[Any], Any], shape: tuple[int, ...]) -> Handle:
        """Call ``hook(cotangent)`` when the node's cotangent is known; what it returns replaces it."""
        if self.watchers is None:
            self.watchers = Watchers()
        self.watchers.shape = shape
        return Handle(self.watchers, hook)

    def register_hook(self, hook: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]) -> Handle:
        """Call ``hook(grad_inputs, grad_outputs)`` when the node has pulled back.

        A tuple that it returns replaces the former.
        """
        if self.watchers is None:
            self.watchers = Watchers()
        return Handle(self.watchers.after, hook)

    def retain(self, tensor: Any) -> None:
        """Keep the node's cotangent, as hooks leave it, as the gradient of the tensor that it made."""
        if self.watchers is None:
            self.watchers = Watchers()
        self.watchers.shape = tensor._value.shape
        self.watchers.retained = ref(tensor)

    def rename(self, name: str, edges: tuple[Any, ...] | None = None) -> None:
        """Show the node under another name, and as coming from ``edges``: it ends a composition."""
        self.__class__ = node_class(name)  # the classes differ by name alone
        if edges is not None:
            self.outer = edges

    def __repr__(self) -> str:
        return f"<{'torch.autograd.function.' if self.rule.foreign else ''}{self.name()} object at {id(self):#x}>"

    def check_saved(self) -> None:
        """Raise if what was saved is gone or has changed.

        Raises:
            TensorError: the graph was freed by an earlier backward pass, or an array was changed in place.
        """
        if self.saved is None:
            raise TensorError(
                f"Trying to backward through the graph a second time: the values that {self.name()} saved at "
                f"{self.place} are freed. Call backward(retain_graph=True) the first time, or compute the "
                "result again"
            )
        if self.version != sum([cell[0] for cell in self.cells]):
            raise TensorError(self._changed())

    def _changed(self) -> str:
        found = {id(cell): cell for cell in self.cells if len(cell) > 1}.values()
        by = [f"{cell[1]} at {frames.described(cell[2])}" for cell in found]
        return (
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{self.name()}, recorded at {self.place}, saved a value that was changed later by "
            f"{' and by '.join(by) or 'an in-place operation'}. Use the form without the underscore "
            "(x = x + 1 for x += 1), or save a clone()"
        )


class Watchers(list[Callable[[Any], Any]]):
    """The hooks of a node, and the shape of the cotangents that they are given."""

    shape: tuple[int, ...] | None = None
    retained: Any = None  # a weak reference to the tensor whose gradient is kept

    def __init__(self) -> None:
        super().__init__()
        self.after: list[Callable[..., Any]] = []


class Handle:
    """What registering a hook returns: ``remove()`` takes it away again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks = hooks
        self._hook = hook
        hooks.append(hook)

    def remove(self) -> None:
        """Take the hook away; more than once does nothing."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class AccumulateGrad:
    """Where a cotangent arrives at a leaf, as the graph shows it."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable
        self.next_functions: tuple[Any, ...] = ()

    def name(self) -> str:
        """What the graph calls it."""
        return "torch::autograd::AccumulateGrad"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return id(self.variable)

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


def is_leaf(edge: Any) -> bool:
    """Whether an edge leads to a leaf tensor."""
    return edge is not None and edge.sequence < 0


_CLASSES: Final[dict[str, type[Node]]] = {}


def node_class(name: str) -> type[Node]:
    """The class of nodes of that name; it holds nothing but the name."""
    if name not in _CLASSES:
        _CLASSES[name] = type(name, (Node,), {"__slots__": (), "__doc__": f"A node of {name}."})
    return _CLASSES[name]


def reachable(roots: Sequence[Any], floor: int = -1) -> list[Node]:
    """Every node from which ``roots`` came, results before arguments.

    What was made before ``floor`` is left out: it cannot lead to what was made then or later.
    """
    seen = {*roots}
    stack = [*seen]
    nodes: list[Node] = []
    while stack:
        edge = stack.pop()
        if edge.sequence < 0:
            continue
        nodes.append(edge)
        for e in edge.edges:
            if e is not None and e not in seen and e.sequence >= floor:
                seen.add(e)
                stack.append(e)
    nodes.sort(key=attrgetter("sequence"), reverse=True)
    return nodes
