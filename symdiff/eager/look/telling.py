"""Operations and numbers in words: formulas with names in them, rows on arrays as calls, values that fit on a line."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from symdiff.dag import Node, Symbol, as_node, build
from symdiff.eager.rules import Rule
from symdiff.ops import Op, Overloads
from symdiff.ops.arrays import ArrayOp, index, reshape
from symdiff.symbolic.diff import simplify
from symdiff.text.format import to_text

SHOWN: Final = 6  # elements of a vector


def number_text(value: Any) -> str:
    """A number, the elements of a small array, or of a large one the least and the greatest with its shape."""
    array = np.asarray(value)
    if not array.ndim:
        return _number(array[()], 6)
    if is_shown(array):
        return _nested(array)
    shape = f"({'×'.join(map(str, array.shape))})"
    same = uniform_text(array)
    finite = array[np.isfinite(array)]
    ends = "" if same or not finite.size else f"{_number(finite.min(), 4)} … {_number(finite.max(), 4)}"
    return " ".join(
        part for part in (same, ends, "nan or inf" * (not same and finite.size < array.size), shape) if part
    )


def is_shown(array: Any) -> bool:
    """Whether all elements are written."""
    return 0 < np.size(array) <= SHOWN and np.ndim(array) <= 2


def uniform_text(value: Any) -> str:
    """The number that all elements are; empty where they differ."""
    array = np.asarray(value)
    return _number(array.flat[0], 6) if array.size and np.all(array == array.flat[0]) else ""


def _nested(array: Any) -> str:
    return f"[{', '.join(_nested(row) if array.ndim > 1 else _number(row, 4) for row in array)}]"


def _number(x: Any, digits: int) -> str:
    return f"{float(x):.{digits}g}" if x.dtype.kind == "f" else str(x)


def cut(text: str, most: int) -> str:
    """A text in one line of a limited length."""
    text = text.replace("\n", "; ")
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=1024)
def local_derivatives(rule: Rule) -> tuple[Node | None, ...]:
    """The partials of a rule in x0, x1, ..., as people write them; None where none is wanted."""
    parts = rule.partials()
    written = iter(simplify([part for part in parts if part is not None]))
    return tuple(None if part is None else next(written) for part in parts)


class Told(Overloads):
    """An array with the text of how it was computed: what a row's transpose says of itself."""

    __slots__ = ("array", "node")

    def __init__(self, node: Node, array: Any) -> None:
        self.node = node
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array, which rows ask for."""
        return np.shape(self.array)

    @property
    def text(self) -> str:
        """How it was computed."""
        return to_text(self.node)

    def apply(self, op: Op, args: tuple[Any, ...]) -> Told:
        nodes = tuple(arg.node if isinstance(arg, Told) else as_node(arg) for arg in args)
        return Told(build(op, nodes), op.value(*map(_array, args)))

    def apply_array(self, op: ArrayOp, args: tuple[Any, ...], parameters: tuple[Any, ...]) -> Told:
        if op is reshape and np.size(args[0].array) == 1:  # still the one number
            return Told(args[0].node, op.value(args[0].array, *parameters))
        texts = [arg.text if isinstance(arg, Told) else number_text(arg) for arg in args]
        return Told(Symbol(call_text(op, texts, parameters)), op.value(*map(_array, args), *parameters))


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Told) else value


def call_text(op: ArrayOp, args: list[str], parameters: tuple[Any, ...]) -> str:
    """A row on arrays as a call: ``sum(x)``, ``matmul(a, b)``, ``reshape(x, [2, 3])``, ``x[0, 1:]``."""
    told = [_parameter(p) for p in parameters if p is not None and not isinstance(p, bool)]
    if op is index:
        return f"{args[0]}{told[0] if told[0].startswith('[') else f'[{told[0]}]'}"
    return f"{op.name}({', '.join([*args, *told])})"


def _parameter(value: Any) -> str:
    if isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop)]
        return ":".join(ends) + (f":{value.step}" if value.step is not None else "")
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.ndarray):
        return number_text(value)
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, tuple):
        parts = [part for part in value if part is not Ellipsis] if any(part is Ellipsis for part in value) else value
        return f"[{', '.join(map(_parameter, parts))}]"
    return value.name if isinstance(value, ArrayOp) else str(value)
