"""Datasets and loaders give PyTorch's batches, where no random stream decides, and refuse what it refuses."""

from __future__ import annotations

import pytest

from tests.eager.parity import agree

GIVEN = """
    from torch.utils.data import DataLoader, Dataset, TensorDataset, Subset, ConcatDataset, random_split
    x, y = torch.arange(20.0).reshape(10, 2), torch.arange(10)
    pairs = TensorDataset(x, y)
"""
LOADERS = {
    "defaults": "DataLoader(pairs)",
    "batches": "DataLoader(pairs, 4)",
    "full batches": "DataLoader(pairs, batch_size=4, drop_last=True)",
    "one batch": "DataLoader(pairs, batch_size=20)",
    "no batches": "DataLoader(TensorDataset(x[:0]))",
    "singles": "DataLoader(pairs, batch_size=None)",
    "a sampler": "DataLoader(pairs, 2, sampler=[5, 1, 3])",
    "a sampler of batches": "DataLoader(pairs, batch_sampler=[[0], [9, 8]])",
    "a collate function": "DataLoader([1, 2, 3], 2, collate_fn=list)",
    "a subset": "DataLoader(Subset(pairs, [4, 2, 0]), 2)",
    "a sum": "DataLoader(pairs + pairs, 8)",
    "numbers": "DataLoader([1.5, 2.5, 3.5], 2)",
    "whole numbers": "DataLoader([1, 2, 3], 2)",
    "truths": "DataLoader([True, False], 2)",
    "texts": "DataLoader(['a', 'b', 'c'], 2)",
    "dictionaries": "DataLoader([{'a': 1, 'b': torch.ones(2)}] * 3, 2)",
    "tuples": "DataLoader([(1, 2.0, 'a')] * 3, 2)",
    "nested": "DataLoader([[1, (2.0, [3])]] * 3, 2)",
    "arrays": "DataLoader([np.ones(2), np.zeros(2)], 2)",
    "NumPy numbers": "DataLoader([np.float32(1), np.float32(2)], 2)",
}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS.keys())
def test_batches_agree(loader: str) -> None:
    agree(GIVEN, f"_loader = {loader}\n", "batches = list(_loader)\ncount = len(_loader)")


def test_samples_agree() -> None:
    snippet = """
    one, some, last = pairs[0], pairs[2:4], pairs[-1]
    chosen = Subset(pairs, [1, 2])[0], Subset(pairs, [1, 2])[[0, 1]]
    joined = (pairs + pairs)[-1], (pairs + pairs)[12], len(pairs + pairs), len(ConcatDataset([pairs, pairs, pairs]))
    """
    agree(GIVEN, snippet)


@pytest.mark.parametrize("lengths", [[7, 3], [0.75, 0.25], [1 / 3, 1 / 3, 1 / 3], [0.99, 0.01], [10, 0]])
def test_splits_have_the_same_sizes(lengths: list[float]) -> None:
    snippet = f"""
    sizes = [len(part) for part in random_split(pairs, {lengths})]
    everything = sorted(i for part in random_split(pairs, {lengths}) for i in part.indices)
    """
    agree(GIVEN, snippet)


REFUSED: dict[type[Exception], dict[str, str]] = {
    ValueError: {
        "an empty batch": "DataLoader(pairs, batch_size=0)",
        "half a sample": "DataLoader(pairs, batch_size=2.5)",
        "two orders": "DataLoader(pairs, shuffle=True, sampler=[1])",
        "two samplers": "DataLoader(pairs, batch_size=3, batch_sampler=[[1]])",
        "fewer than no workers": "DataLoader(pairs, num_workers=-1)",
        "the last of singles": "DataLoader(pairs, batch_size=None, drop_last=True)",
        "lengths that do not add up": "random_split(pairs, [7, 2])",
        "fractions that do not add up": "random_split(pairs, [0.5, 0.6])",
    },
    IndexError: {
        "a sample that is not there": "pairs[10]",
        "a sample that is not in a sum": "(pairs + pairs)[20]",
    },
    TypeError: {"samples that make no batch": "list(DataLoader([None, None], 2))"},
    RuntimeError: {
        "shapes that differ": "list(DataLoader([torch.ones(2), torch.ones(3)], 2))",
        "lengths that differ": "list(DataLoader([(1, 2), (1,)], 2))",
    },
}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [(kind, statement) for kind, group in REFUSED.items() for statement in group.values()],
    ids=[f"{kind.__name__}: {name}" for kind, group in REFUSED.items() for name in group],
)
def test_what_is_refused_is_refused_in_the_same_way(kind: type[Exception], statement: str) -> None:
    agree(GIVEN, statement, raises=kind)
