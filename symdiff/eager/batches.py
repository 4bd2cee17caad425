"""Maps over an axis: a function of one sample applied to all samples of a batch, one after the other.

The slices and the stack are operations like all others, so that the map is differentiable and nests;
it costs the function's own time for each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from symdiff.eager.creation import zeros
from symdiff.eager.joining import stack
from symdiff.eager.modes import no_grad
from symdiff.eager.random import DEFAULT
from symdiff.eager.tensor import Tensor
from symdiff.eager.trees import leaves, like, spread
from symdiff.errors import SettingError, TensorError


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that applies ``func`` to every slice of its arguments and stacks the results.

    Args:
        func: takes tensors, or containers of them, and returns such.
        in_dims: the axis of the arguments to go along, None for one that is passed as it is; one for
            all, or a tuple or containers as those of the arguments. Arguments given by name are passed as they are.
        out_dims: where that axis goes in the results; None for a result that is the same for all slices.
        randomness: whether ``func`` may draw random numbers ("different" for each slice, or the
            "same") or not ("error").
        chunk_size: how many slices to take together: one, whatever is said.

    Returns:
        A function of the same arguments.

    Raises:
        SettingError: at the call, if the axes do not fit the arguments or the results, or their lengths differ.
        TensorError: at the call, if random numbers are drawn and ``randomness`` forbids it.
        ElementError: at the call, if a result has no such place for its axis.
    """
    if randomness not in _Stream.KINDS:
        raise TensorError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise SettingError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    def call(*args: Any, **named: Any) -> Any:
        samples, count = _samples(args, in_dims)
        stream = _Stream(randomness)
        if not count:
            return _of_none(func, args, samples, named, out_dims)
        results = []
        for sample in samples:
            results.append(func(*like(args, sample), **named))
            stream.after_one()
        return _stacked(results, out_dims)

    return update_wrapper(call, func, updated=()) if hasattr(func, "__name__") else call


def _samples(args: tuple[Any, ...], in_dims: Any) -> tuple[list[list[Any]], int]:
    """The leaves of the arguments for each slice, and how many slices there are; a template where there are none."""
    if not isinstance(in_dims, int | tuple | list):
        raise SettingError(
            f"vmap: in_dims must be int or a (nested) tuple in the containers of the inputs, not {in_dims!r:.40}"
        )
    values = leaves(args)
    if not values:
        raise SettingError("vmap: got no inputs to map over")
    dims = _spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args, "in_dims", "inputs")
    for value, dim in zip(values, dims, strict=True):
        _check_axis(value, dim)
    lengths = {value.shape[dim] for value, dim in zip(values, dims, strict=True) if dim is not None}
    if not lengths:
        raise SettingError("vmap: Expected at least one Tensor to vmap over; every in_dim is None")
    if len(lengths) > 1:
        raise SettingError(f"vmap: the mapped dimensions must have one length, not {sorted(lengths)}")
    count = lengths.pop()
    slices = [_slices(value, dim, count) for value, dim in zip(values, dims, strict=True)]
    return [[column[i] for column in slices] for i in range(max(count, 1))], count


def _check_axis(value: Any, dim: Any) -> None:
    if dim is None:
        return
    if not isinstance(dim, int):
        raise SettingError(f"vmap: an axis of in_dims must be int or None, not {dim!r:.40}")
    if not isinstance(value, Tensor):
        raise SettingError(
            f"vmap: an input of type {type(value).__name__} cannot be mapped over; give None as its in_dim"
        )
    if not -value.ndim <= dim < value.ndim:
        raise SettingError(f"vmap: Got in_dim={dim} for a tensor of shape {list(value.shape)}")


def _slices(value: Any, dim: int | None, count: int) -> Sequence[Any]:
    if dim is None:
        return [value] * max(count, 1)
    if count:
        return value.unbind(dim)  # type: ignore[no-any-return]
    return [zeros(*np.delete(value.shape, dim).tolist(), dtype=value.dtype)]


def _of_none(func: Callable[..., Any], args: Any, samples: Any, named: dict[str, Any], out_dims: Any) -> Any:
    """The result for no slices, of the shape and dtype that one of zeros shows."""
    with no_grad():
        whole = _stacked([func(*like(args, samples[0]), **named)], out_dims)
        dims = _spread(out_dims, whole, "out_dims", "outputs")
        found = [x if dim is None else x.narrow(dim, 0, 0) for x, dim in zip(leaves(whole), dims, strict=True)]
        return like(whole, found)


def _stacked(results: list[Any], out_dims: Any) -> Any:
    columns = zip(*map(leaves, results), strict=True)
    dims = _spread(out_dims, results[0], "out_dims", "outputs")
    return like(results[0], [_joined(column, dim) for column, dim in zip(columns, dims, strict=True)])


def _joined(column: Sequence[Any], dim: int | None) -> Any:
    first = column[0]
    if dim is None:
        if any(x is not first and not _are_equal(x, first) for x in column):
            raise SettingError("vmap: a result that differs between slices cannot have None as its out_dim")
        return first
    for x in column:
        if not isinstance(x, Tensor):
            raise SettingError(
                f"vmap: a function must only return Tensors, got type {type(x).__name__}; give None as its out_dim"
            )
    return stack(column, dim)


def _are_equal(x: Any, y: Any) -> bool:
    return bool(x.equal(y)) if isinstance(x, Tensor) and isinstance(y, Tensor) else bool(x == y)


def _spread(dims: Any, tree: Any, what: str, of: str) -> list[Any]:
    try:
        return spread(dims, tree)
    except ValueError as error:
        raise SettingError(f"vmap: {what} is not compatible with the containers of the {of}: {error}") from None


class _Stream:
    """Holds a mapped function to what was said about random numbers."""

    KINDS = ("error", "different", "same")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._start = DEFAULT.random.bit_generator.state

    def after_one(self) -> None:
        """Refuse that numbers were drawn, or let the next slice have the same, or let it be.

        Raises:
            TensorError: numbers were drawn.
        """
        if self._kind == "different":
            return
        if self._kind == "same":
            DEFAULT.random.bit_generator.state = self._start
        elif DEFAULT.random.bit_generator.state != self._start:
            raise TensorError(
                "vmap: called random operation while in randomness error mode. Say randomness='same' or "
                "'different', or draw the numbers outside of vmap"
            )
