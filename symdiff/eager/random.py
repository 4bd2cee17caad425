"""Tensors of random numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from symdiff.eager.creation import check_device, leaf_of, like, numpy_dtype, shape_of
from symdiff.eager.dtypes import as_dtype, int64
from symdiff.eager.inplace import check_leaf, write
from symdiff.eager.modes import MODE
from symdiff.eager.tensor import Tensor, method
from symdiff.errors import OperationError, TensorError


class Generator:
    """A source of random numbers; the stream is NumPy's PCG64, not PyTorch's."""

    def __init__(self, device: Any = None) -> None:
        check_device(device)
        self.random = np.random.default_rng()
        self._lock = threading.Lock()

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream over from a seed; returns the generator."""
        self.random = np.random.default_rng(seed % 2**64)
        return self


DEFAULT: Final = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the random stream over: the same seed gives the same numbers."""
    return DEFAULT.manual_seed(seed)


def drawn(draw: Callable[[np.random.Generator], Any], generator: Generator | None = None) -> Any:
    """Random numbers from a generator, one thread at a time.

    Raises:
        OperationError: while a function is being compiled, which would draw them once for all.
    """
    if MODE.tracer is not None:
        raise OperationError(
            "random numbers cannot be drawn inside a compiled function; draw them outside and pass them in"
        )
    source = generator or DEFAULT
    with source._lock:
        return np.asarray(draw(source.random))


def rand(
    *size: Any, dtype: Any = None, requires_grad: bool = False, generator: Generator | None = None, device: Any = None
) -> Tensor:
    """Uniform on [0, 1)."""
    check_device(device)
    shape, kind = shape_of(size), numpy_dtype(dtype)
    return leaf_of(drawn(lambda random: random.random(shape, kind), generator), requires_grad)


def randn(
    *size: Any, dtype: Any = None, requires_grad: bool = False, generator: Generator | None = None, device: Any = None
) -> Tensor:
    """Normal with mean 0 and variance 1."""
    check_device(device)
    shape, kind = shape_of(size), numpy_dtype(dtype)
    return leaf_of(drawn(lambda random: random.standard_normal(shape, kind), generator), requires_grad)


def randint(*bounds_and_size: Any, dtype: Any = None, generator: Generator | None = None) -> Tensor:
    """Whole numbers: ``randint(high, size)`` below high, ``randint(low, high, size)`` from low."""
    *bounds, size = bounds_and_size
    low, high = (0, *bounds) if len(bounds) == 1 else bounds
    kind = int64 if dtype is None else as_dtype(dtype)
    if high <= low:
        raise TensorError(f"randint needs low < high, not {low} and {high}")
    return leaf_of(
        drawn(lambda random: random.integers(low, high, shape_of((size,))), generator).astype(kind.numpy), False
    )


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The whole numbers below n in random order."""
    return leaf_of(drawn(lambda random: random.permutation(n), generator).astype(np.int64), False)


rand_like = like(rand)
randn_like = like(randn)


@method()
def uniform_(self: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Overwrite with numbers uniform on [a, b)."""
    check_leaf(self)
    write(self, drawn(lambda random: random.uniform(a, b, self._value.shape)), "uniform_")
    return self


@method()
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Overwrite with normal numbers."""
    check_leaf(self)
    write(self, drawn(lambda random: random.normal(mean, std, self._value.shape)), "normal_")
    return self
