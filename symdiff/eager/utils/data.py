"""Datasets, and loaders that give them in batches.

A dataset is anything with ``dataset[i]`` and ``len(dataset)``. Loaders work in the calling thread.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from math import floor, isclose
from typing import Any

import numpy as np

from symdiff.eager import frames
from symdiff.eager.advice import warn
from symdiff.eager.creation import from_numpy, tensor
from symdiff.eager.dtypes import float64
from symdiff.eager.joining import stack
from symdiff.eager.random import Generator, randperm
from symdiff.eager.tensor import Tensor
from symdiff.errors import ElementError, OperationError, SettingError, ShapeError, TensorShapeError

# ---- datasets


class Dataset:
    """The base of datasets: a subclass gives ``__getitem__`` and ``__len__``."""

    def __class_getitem__(cls, item: Any) -> type[Dataset]:
        """``Dataset[T]``, which some write for their readers."""
        return cls

    def __getitem__(self, index: Any) -> Any:
        """The sample of that number."""
        raise NotImplementedError(f"{type(self).__name__} does not say its samples in __getitem__")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class TensorDataset(Dataset):
    """Samples that are rows of tensors: ``dataset[i] == (x[i], y[i])``.

    Raises:
        ShapeError: the tensors have different numbers of rows.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if len({t.shape[0] for t in tensors}) > 1:
            raise ShapeError(
                f"Size mismatch between tensors: they have {', '.join(str(t.shape[0]) for t in tensors)} rows"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([t[index] for t in self.tensors])

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class Subset(Dataset):
    """Some samples of a dataset, by their numbers."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Datasets one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise ElementError(f"index {index} is out of range: there are {len(self)} samples")
        which = bisect_right(self.cumulative_sizes, i)
        return self.datasets[which][i - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1] if self.cumulative_sizes else 0


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Divide a dataset at random, without overlap.

    Args:
        dataset: the dataset.
        lengths: how many samples each part gets, or fractions that add up to 1.
        generator: the source of random numbers; the package's if None.

    Raises:
        SettingError: the lengths do not add up.
    """
    sizes = _sizes(len(dataset), lengths) if isclose(sum(lengths), 1) and sum(lengths) <= 1 else list(lengths)
    if sum(sizes) != len(dataset):
        raise SettingError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"They add up to {sum(sizes)}, and there are {len(dataset)} samples"
        )
    order = randperm(len(dataset), generator=generator).tolist()
    ends = list(accumulate(int(n) for n in sizes))
    return [Subset(dataset, order[end - int(n) : end]) for n, end in zip(sizes, ends, strict=True)]


def _sizes(count: int, fractions: Sequence[float]) -> list[int]:
    """Whole numbers in these proportions; what is left over goes to the first ones."""
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise SettingError(f"Fraction at index {i} is not between 0 and 1: {fraction}")
    sizes = [floor(count * fraction) for fraction in fractions]
    for i in range(count - sum(sizes)):
        sizes[i % len(sizes)] += 1
    for i, size in enumerate(sizes):
        if not size:
            warn(f"Length of split at index {i} is 0. This might result in an empty dataset.")
    return sizes


# ---- batches


class DataLoader:
    """Gives a dataset in batches, in order or shuffled anew each time.

    Args:
        dataset: anything with ``dataset[i]`` and ``len(dataset)``.
        batch_size: how many samples a batch has; None gives single samples.
        shuffle: whether the order is random, another one at each start.
        sampler: the numbers of the samples in order, instead of ``shuffle``.
        batch_sampler: lists of numbers, a list for each batch, instead of all of these.
        num_workers: 0 or more; the calling thread does the work in any case.
        collate_fn: from a list of samples to a batch; `default_collate` if None.
        pin_memory: without effect: there is no other device.
        drop_last: leave out a last batch that is not full.
        generator: the source of random numbers; the package's if None.

    Raises:
        SettingError: options that are outside their range, or exclude each other.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        generator: Generator | None = None,
    ) -> None:
        _check_options(batch_size, shuffle, sampler, batch_sampler, num_workers, drop_last)
        if batch_sampler is not None:
            batch_size = None
        self.dataset = dataset
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.generator = generator
        self.sampler = sampler if sampler is not None else _Order(dataset, bool(shuffle), generator)
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn

    def __len__(self) -> int:
        """The number of batches."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]  # a user's own; it may have no length
        count = len(self.sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self.batch_sampler is None and self.batch_size is None:
            convert = self.collate_fn or _converted
            return (convert(self.dataset[i]) for i in self.sampler)
        return (self._batch(numbers) for numbers in self._batches())

    def _batches(self) -> Iterator[list[int]]:
        if self.batch_sampler is not None:
            yield from self.batch_sampler
            return
        numbers = iter(self.sampler)
        while batch := list(islice(numbers, self.batch_size)):
            if len(batch) < (self.batch_size or 0) and self.drop_last:
                return
            yield batch

    def _batch(self, numbers: list[int]) -> Any:
        if self.collate_fn is None and type(self.dataset) is TensorDataset:
            return list(self.dataset[numbers])  # the same as stacking the rows, in one go
        return (self.collate_fn or default_collate)([self.dataset[i] for i in numbers])


def _check_options(
    batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, num_workers: int, drop_last: bool
) -> None:
    if num_workers < 0:
        raise SettingError("num_workers option should be non-negative")
    if sampler is not None and shuffle:
        raise SettingError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise SettingError(
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
        )
    if batch_size is None and drop_last:
        raise SettingError("batch_size=None gives single samples, so drop_last has no meaning")
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size <= 0):
        raise SettingError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")


class _Order:
    """The numbers of a dataset's samples, in order or at random."""

    def __init__(self, dataset: Any, shuffle: bool, generator: Generator | None) -> None:
        self._dataset = dataset
        self._shuffle = shuffle
        self._generator = generator

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[int]:
        count = len(self._dataset)
        return iter(randperm(count, generator=self._generator).tolist() if self._shuffle else range(count))


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as one batch: tensors and arrays stacked, numbers as a tensor, parts of tuples and dictionaries each so.

    Raises:
        OperationError: samples of another kind.
        TensorShapeError: samples that differ in shape or length.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        if len({x.shape for x in batch}) > 1:
            raise TensorShapeError(f"the samples of a batch must have one shape, not {' and '.join(_shapes(batch))}")
        return stack(list(batch))
    if isinstance(first, np.ndarray):
        return default_collate([from_numpy(x) for x in batch])
    if isinstance(first, np.generic):
        return from_numpy(np.array(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple | list):
        if len({len(sample) for sample in batch}) > 1:
            raise TensorShapeError("the samples of a batch must have equally many parts")
        parts = [default_collate(part) for part in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise OperationError(
        f"a batch is made of tensors, arrays, numbers, texts, dictionaries and lists, not of {type(first).__name__}; "
        "give the loader a collate_fn"
    )


def _shapes(batch: Sequence[Tensor]) -> list[str]:
    return list(dict.fromkeys(str(list(x.shape)) for x in batch))


def _converted(sample: Any) -> Any:
    """A single sample with its arrays as tensors."""
    if isinstance(sample, np.ndarray):
        return from_numpy(sample)
    if isinstance(sample, tuple | list):
        return [_converted(part) for part in sample]
    if isinstance(sample, Mapping):
        return {key: _converted(part) for key, part in sample.items()}
    return sample


frames.register_package()
