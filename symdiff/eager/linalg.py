"""Products of vectors and matrices."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

from symdiff.eager.arrays import applied, array_rule
from symdiff.eager.frames import place
from symdiff.eager.modes import MODE, WATCHED
from symdiff.eager.reductions import named
from symdiff.eager.storage import quietly
from symdiff.eager.tensor import KINDS, ODD, Tensor, made, method
from symdiff.errors import OperationError, TensorError, TensorShapeError
from symdiff.ops.arrays import einsum as einsum_row
from symdiff.ops.arrays import matmul as matmul_row

_NAMES = {(1, 1): "Dot", (2, 1): "Mv", (1, 2): "SqueezeBackward4", (2, 2): "Mm"}


@method()
def matmul(self: Tensor, other: Any) -> Tensor:
    """The product of vectors, matrices, or stacks of matrices that broadcast.

    Raises:
        TensorError: the inner lengths differ; the message shows both shapes.
    """
    if MODE.state < WATCHED and other.__class__ in KINDS and self._value.ndim == other._value.ndim == 2:
        found = _of_matrices(self, other)
        if found is not None:
            return found
    if not isinstance(other, Tensor):
        raise OperationError(f"matmul(): argument 'other' must be Tensor, not {type(other).__name__}")
    a, b = self._value.shape, other._value.shape
    if not a or not b:
        raise TensorError(f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D")
    if a[-1] != (b[-2] if len(b) > 1 else b[-1]):
        raise TensorShapeError(
            f"mat1 and mat2 shapes cannot be multiplied ({_by(a)} and {_by(b)}): {list(a)} has rows of {a[-1]}, "
            f"{list(b)} columns of {b[-2] if len(b) > 1 else b[-1]}"
        )
    if self._dtype is not other._dtype:
        raise TensorError(f"expected m1 and m2 to have the same dtype, but got: {self._dtype} != {other._dtype}")
    return applied(matmul_row, (self, other), name=_NAMES.get((len(a), len(b)), "UnsafeView"))


def _of_matrices(a: Tensor, b: Tensor) -> Tensor | None:
    """The product of two matrices, without the generality of `applied`; None where they do not fit."""
    x, z = a._value, b._value
    if x.shape[1] != z.shape[0] or a._dtype is not b._dtype:
        return None
    try:
        y = matmul_row.value(x, z)
    except ODD:
        y = quietly(matmul_row.value, x, z)
    out = made(y, a._dtype)
    if MODE.state and (a._requires or b._requires):
        edges = ((a._node or a) if a._requires else None, (b._node or b) if b._requires else None)
        code, offset = place() or (None, 0)
        about = (y.shape, (x.shape, z.shape), ())
        version = a._cell[0] + b._cell[0]
        out._node = node = _MM.node(_MM, edges, (x, z), (a._cell, b._cell), version, about, code, offset)
        out._requires = True
        if not (a._requires and b._requires):
            node.given = (b,) if a._requires else (a,)
    return out


_MM = array_rule(matmul_row, "Mm")


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


method("__matmul__")(matmul)


def _ranked(name: str, *ranks: int) -> Any:
    def product(self: Tensor, other: Tensor) -> Tensor:
        found = (self._value.ndim, other._value.ndim)
        if found != ranks:
            raise TensorError(
                f"{name}: expected tensors of {ranks[0]} and {ranks[1]} dimensions, but got {found[0]} and {found[1]}"
            )
        y = matmul(self, other)
        if name == "bmm" and y._node is not None:
            y._node.rename("BmmBackward0")
        return y

    product.__doc__ = f"The product of tensors of {ranks[0]} and {ranks[1]} dimensions."
    return method(name)(product)


dot = _ranked("dot", 1, 1)
mv = _ranked("mv", 2, 1)
mm = _ranked("mm", 2, 2)
bmm = _ranked("bmm", 3, 3)


@method()
def outer(self: Tensor, other: Tensor) -> Tensor:
    """The matrix of products of the elements of two vectors."""
    if self._value.ndim != 1 or other._value.ndim != 1:
        raise TensorError(f"outer: expected two vectors, but got {self._value.ndim}D and {other._value.ndim}D")
    return self.unsqueeze(1) * other.unsqueeze(0)  # type: ignore[no-any-return]


def einsum(equation: str, *operands: Any) -> Tensor:
    """The sum of products that an equation names: ``einsum("ij,jk->ik", a, b)``.

    Raises:
        TensorError: the equation does not fit the operands.
    """
    given = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], tuple | list) else list(operands)
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if "..." in equation:
        terms, right, left = _without_dots(terms, right, arrow, given)
    if "." in left or not re.fullmatch(r"[a-zA-Z,]*", left) or not re.fullmatch("[a-zA-Z]*", right):
        raise TensorError(f"einsum reads letters, commas and one '->', not {equation!r}")
    if len(terms) != len(given):
        raise TensorError(f"einsum: {equation!r} has {len(terms)} terms for {len(given)} operands")
    _check_lengths(equation, terms, given)
    letters = "".join(terms)
    out = right if arrow or "..." in equation else "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if not set(out) <= set(letters) or len(set(out)) < len(out):
        raise TensorError(f"einsum: the result {out!r} of {equation!r} repeats a letter or has one that no term has")
    inputs = tuple(given)
    for i, term in enumerate(terms):
        others = "".join(terms[:i] + terms[i + 1 :]) + out
        given[i], terms[i] = _prepared(given[i], term, others)
    return named("Einsum", inputs, applied(einsum_row, given, tuple(terms), out))


def _without_dots(terms: list[str], right: str, arrow: str, given: Sequence[Tensor]) -> tuple[list[str], str, str]:
    """Letters of their own for the dimensions that ``...`` stands for."""
    spare = [c for c in string.ascii_letters if c not in "".join(terms) + right]
    counts = [
        x._value.ndim - len(term.replace("...", "")) if "..." in term else 0
        for term, x in zip(terms, given, strict=False)
    ]
    dots = "".join(spare[: max(counts)])
    terms = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, counts, strict=False)]
    letters = "".join(terms)
    alone = "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return terms, right.replace("...", dots) if arrow else dots + alone, ",".join(terms)


def _check_lengths(equation: str, terms: Sequence[str], given: Sequence[Tensor]) -> None:
    lengths: dict[str, int] = {}
    for term, x in zip(terms, given, strict=True):
        if len(term) != x._value.ndim:
            raise TensorError(
                f"einsum: the term {term!r} of {equation!r} does not fit a tensor of shape {list(x.shape)}"
            )
        for letter, n in zip(term, x._value.shape, strict=True):
            if lengths.setdefault(letter, n) != n:
                raise TensorError(f"einsum: {letter!r} of {equation!r} has lengths {lengths[letter]} and {n}")


def _prepared(x: Tensor, term: str, others: str) -> tuple[Tensor, str]:
    """An operand with no letter twice, and none that stands nowhere else: diagonals taken, sums done."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            rest = [i for i in range(len(term)) if i not in (first, second)]
            y = x.permute((first, second, *rest))
            n = y._value.shape[0]
            x = y.reshape((n * n, *y._value.shape[2:]))[:: n + 1]
            term = letter + "".join(term[i] for i in rest)
    alone = tuple(i for i, letter in enumerate(term) if letter not in others)
    if alone:
        x = x.sum(dim=alone)
        term = "".join(letter for i, letter in enumerate(term) if i not in alone)
    return x, term
