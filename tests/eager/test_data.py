"""Datasets and loaders without PyTorch: batches, order, shuffling, collating, messages."""

from __future__ import annotations

import re
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from symdiff.errors import SymdiffError

X = torch.arange(20.0).reshape(10, 2)
Y = torch.arange(10)
PAIRS = TensorDataset(X, Y)
Point = namedtuple("Point", ["x", "y"])


class Squares(Dataset):
    """Numbers with their squares."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(index * index)


def test_a_tensor_dataset_has_rows() -> None:
    x, y = PAIRS[3]
    assert (len(PAIRS), x.tolist(), y.item()) == (10, [6.0, 7.0], 3)


def test_batches_come_in_order_with_a_short_last_one() -> None:
    batches = list(DataLoader(PAIRS, batch_size=4))
    assert [y.tolist() for _, y in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert isinstance(batches[0], list)
    assert batches[2][0].tolist() == [[16.0, 17.0], [18.0, 19.0]]


@pytest.mark.parametrize(("drop_last", "lengths"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_the_length_is_the_number_of_batches(drop_last: bool, lengths: list[int]) -> None:
    loader = DataLoader(PAIRS, batch_size=4, drop_last=drop_last)
    assert [len(y) for _, y in loader] == lengths
    assert len(loader) == len(lengths)


def test_shuffling_gives_every_sample_once_in_another_order_each_time() -> None:
    torch.manual_seed(0)
    loader = DataLoader(PAIRS, batch_size=3, shuffle=True)
    orders = [[i for _, y in loader for i in y.tolist()] for _ in range(3)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    torch.manual_seed(0)
    assert [i for _, y in loader for i in y.tolist()] == orders[0]


def test_a_generator_decides_the_order() -> None:
    orders = []
    for _ in range(2):
        loader = DataLoader(PAIRS, batch_size=10, shuffle=True, generator=torch.Generator().manual_seed(3))
        orders.append(next(iter(loader))[1].tolist())
    assert orders[0] == orders[1]


def test_batches_require_no_gradient_and_are_copies() -> None:
    x, _ = next(iter(DataLoader(PAIRS, batch_size=2)))
    x.fill_(99.0)
    assert X[0].tolist() == [0.0, 1.0]
    assert not x.requires_grad


def test_a_loader_of_tensors_gives_what_stacking_the_rows_gives() -> None:
    for fast, slow in zip(DataLoader(PAIRS, 3), DataLoader(Subset(PAIRS, range(10)), 3), strict=True):
        for a, b in zip(fast, slow, strict=True):
            assert a.dtype is b.dtype
            assert np.array_equal(a.numpy(), b.numpy())


def test_samples_of_numbers_become_tensors() -> None:
    numbers, squares = next(iter(DataLoader(Squares(), batch_size=3)))
    assert (numbers.dtype, numbers.tolist()) == (torch.int64, [0, 1, 2])
    assert (squares.dtype, squares.tolist()) == (torch.float64, [0.0, 1.0, 4.0])


def test_single_samples_come_without_a_batch_size() -> None:
    assert [y.item() for _, y in DataLoader(PAIRS, batch_size=None)] == list(range(10))


def test_samplers_decide_what_comes() -> None:
    assert [y.tolist() for _, y in DataLoader(PAIRS, 2, sampler=[5, 1, 3])] == [[5, 1], [3]]
    assert [y.tolist() for _, y in DataLoader(PAIRS, batch_sampler=[[0], [9, 8]])] == [[0], [9, 8]]
    assert len(DataLoader(PAIRS, batch_sampler=[[0], [9, 8]])) == 2


def test_a_collate_function_makes_the_batch() -> None:
    assert list(DataLoader(Squares(), 2, collate_fn=len)) == [2, 2, 1]


def test_parts_of_samples_are_collated_each() -> None:
    batch = default_collate([{"a": (1, X[0]), "b": "text"}, {"a": (2, X[1]), "b": "more"}])
    assert batch["a"][0].tolist() == [1, 2]
    assert batch["a"][1].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert batch["b"] == ["text", "more"]
    assert default_collate([np.ones(2), np.ones(2)]).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert default_collate([np.float32(1), np.float32(2)]).dtype is torch.float32
    assert default_collate([Point(1, 2.0), Point(3, 4.0)]).y.tolist() == [2.0, 4.0]
    assert default_collate([True, False]).dtype is torch.bool


def test_datasets_are_concatenated() -> None:
    both = Squares() + Squares()
    assert (len(both), both[6], both[-1]) == (10, (1, 1.0), (4, 16.0))
    assert len(ConcatDataset([])) == 0


@pytest.mark.parametrize(
    ("lengths", "sizes"), [([7, 3], [7, 3]), ([0.75, 0.25], [8, 2]), ([0.5, 0.3, 0.2], [5, 3, 2]), ([10, 0], [10, 0])]
)
def test_a_random_split_divides_everything(lengths: list[float], sizes: list[int]) -> None:
    parts = random_split(PAIRS, lengths, generator=torch.Generator().manual_seed(0))
    assert [len(part) for part in parts] == sizes
    assert sorted(i for part in parts for i in part.indices) == list(range(10))
    assert parts[0][0][1].item() == parts[0].indices[0]


MESSAGES = {
    "rows": (lambda: TensorDataset(X, Y[:5]), "they have 10, 5 rows"),
    "batch size": (lambda: DataLoader(PAIRS, batch_size=0), "batch_size=0"),
    "fraction of a batch": (lambda: DataLoader(PAIRS, batch_size=2.5), "positive integer"),
    "sampler and shuffle": (lambda: DataLoader(PAIRS, shuffle=True, sampler=[1]), "exclusive with shuffle"),
    "two samplers": (lambda: DataLoader(PAIRS, batch_size=3, batch_sampler=[[1]]), "exclusive with batch_size"),
    "workers": (lambda: DataLoader(PAIRS, num_workers=-1), "non-negative"),
    "last of singles": (lambda: DataLoader(PAIRS, batch_size=None, drop_last=True), "no meaning"),
    "split": (lambda: random_split(PAIRS, [7, 2]), "They add up to 9, and there are 10 samples"),
    "fractions": (lambda: random_split(PAIRS, [1.5, -0.5]), "index 0 is not between 0 and 1"),
    "shapes": (lambda: default_collate([torch.ones(2), torch.ones(3)]), "[2] and [3]"),
    "lengths": (lambda: default_collate([(1, 2), (1,)]), "equally many parts"),
    "kinds": (lambda: default_collate([None]), "not of NoneType"),
    "index": (lambda: (Squares() + Squares())[10], "there are 10 samples"),
}


@pytest.mark.parametrize(("act", "words"), MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_say_what_is_wrong(act: Any, words: str) -> None:
    with pytest.raises(SymdiffError, match=re.escape(words)):
        act()


def test_an_empty_part_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="index 1 is 0"):
        random_split(PAIRS, [0.99, 0.01])
