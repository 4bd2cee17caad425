"""Tensors as text, letter for letter as PyTorch prints them.

One format serves all elements of a tensor. It is chosen from the elements that are shown, so a
tensor of any size prints in time that depends on its number of dimensions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

_DIGITS = 4  # after the point
_LINE = 80  # characters, indentation included
_WHOLE = 1000  # elements that are printed in full; of more, the ends alone
_END = 3  # elements at either end
_PREFIX = "tensor("
_PLAIN = (np.dtype(np.int64), np.dtype(np.bool_))  # the dtypes, beside the default one, that go without saying


def tensor_text(values: np.ndarray, *, default: np.dtype[Any], extras: Sequence[str] = ()) -> str:
    """A tensor as PyTorch prints it: ``tensor([1.0000, 2.5000], grad_fn=<AddBackward0>)``.

    Args:
        values: the elements: real numbers or truth values, of any shape.
        default: the dtype of floating-point numbers that is not mentioned.
        extras: what follows the elements, in order: ``requires_grad=True`` or ``grad_fn=<...>``.
    """
    if values.size == 0:
        body = "[]"
        size = [] if values.ndim == 1 else [f"size={values.shape}"]
        dtype = _dtype_text(values.dtype, (default,))
    else:
        ends = values.size > _WHOLE
        body = _nested(values, _column(_shown(values) if ends else values), len(_PREFIX), ends)
        size = []
        dtype = _dtype_text(values.dtype, (default, *_PLAIN))
    return _with_extras(_PREFIX + body, [*size, *dtype, *extras])


def size_text(shape: Iterable[int]) -> str:
    """A shape as PyTorch prints it: ``torch.Size([2, 3])``."""
    return f"torch.Size([{', '.join(map(str, shape))}])"


def _dtype_text(dtype: np.dtype[Any], silent: Sequence[np.dtype[Any]]) -> list[str]:
    return [] if dtype in silent else [f"dtype=torch.{dtype.name}"]


def _with_extras(text: str, extras: Sequence[str]) -> str:
    """Append ``, extra`` for each, on a new line where the line is full, and close the parenthesis."""
    column = len(text) - (text.rfind("\n") + 1) + 2
    for extra in extras:
        if column + len(extra) + 2 > _LINE:
            text += f",\n{' ' * len(_PREFIX)}{extra}"
            column = len(_PREFIX) + len(extra)
        else:
            text += f", {extra}"
            column += len(extra) + 2
    return text + ")"


# ---- elements


@dataclass(frozen=True, slots=True)
class _Column:
    """How to print one element, so that all of them are equally wide."""

    write: Callable[[Any], str]
    width: int

    def __call__(self, number: Any) -> str:
        return self.write(number).rjust(self.width)


def _shown(values: np.ndarray) -> np.ndarray:
    """The elements that a shortened print shows."""
    for axis, length in enumerate(values.shape):
        if length > 2 * _END:
            values = values.take([*range(_END), *range(length - _END, length)], axis)
    return values


def _column(values: np.ndarray) -> _Column:
    if values.dtype.kind != "f":
        return _column_of(str, values)
    usual = values[np.isfinite(values) & (values != 0)]  # the others have no say, not even in the width
    if not usual.size:
        return _column_of(_whole_number, usual)
    sizes = np.abs(usual.astype(np.float64))
    largest, smallest = float(sizes.max()), float(sizes.min())
    whole = bool((sizes == np.floor(sizes)).all())
    if largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4:
        return _column_of(f"{{:.{_DIGITS}e}}".format, usual)
    return _column_of(_whole_number if whole else f"{{:.{_DIGITS}f}}".format, usual)


def _column_of(write: Callable[[Any], str], values: np.ndarray) -> _Column:
    return _Column(write, max((len(write(number)) for number in values.ravel().tolist()), default=1))


def _whole_number(number: float) -> str:
    return f"{number:.0f}." if isfinite(number) else f"{number}"


# ---- rows


def _nested(values: np.ndarray, column: _Column, indent: int, shorten: bool) -> str:
    """An array in brackets; ``indent`` is where the opening one stands."""
    if values.ndim == 0:
        return column(values.item())
    ends = (values[:_END], values[-_END:]) if shorten and len(values) > 2 * _END else (values,)
    if values.ndim == 1:
        parts = [[column(number) for number in end.tolist()] for end in ends]
        return _row(parts, column.width, indent)
    parts = [[_nested(row, column, indent + 1, shorten) for row in end] for end in ends]
    gap = "," + "\n" * (values.ndim - 1) + " " * (indent + 1)
    return f"[{gap.join(_with_dots(parts, '...'))}]"


def _row(ends: list[list[str]], width: int, indent: int) -> str:
    parts = _with_dots(ends, " ...")
    count = max(1, (_LINE - indent) // (width + len(", ")))
    lines = [", ".join(parts[i : i + count]) for i in range(0, len(parts), count)]
    gap = ",\n" + " " * (indent + 1)
    return f"[{gap.join(lines)}]"


def _with_dots(ends: list[list[str]], dots: str) -> list[str]:
    return ends[0] if len(ends) == 1 else [*ends[0], dots, *ends[1]]
