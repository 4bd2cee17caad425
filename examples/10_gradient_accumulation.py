"""Gradients add up until they are cleared: two batches of 10 rows, then a step, are one batch of 20 rows.

Each loss is divided by the number of batches between two steps, for the loss is a mean: the mean over 20
rows is half the sum of the means over 10. The optimiser steps after batches 2 and 4.

Prints:

    batch    loss  norm of the accumulated gradient
        1  4.6819  3.1678
        2  3.9581  5.4941  step
        3  1.3236  1.4144
        4  1.0824  2.3428  step
    two batches of 20 rows:
        1  4.3200  5.4941  step
        2  1.2030  2.3428  step
    the weights are the same to 1e-6: True
"""

import numpy as np

import symdiff.eager as torch
import symdiff.eager.nn as nn
import symdiff.eager.optim as optim
from symdiff.eager.utils.data import DataLoader, TensorDataset

RATE = 0.1


def dataset() -> TensorDataset:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(40, 10))
    targets = rows @ np.linspace(-1.0, 1.0, 10)[:, None] + 0.5
    return TensorDataset(torch.from_numpy(rows).float(), torch.from_numpy(targets).float())


def start() -> nn.Linear:
    """The same layer every time."""
    torch.manual_seed(0)
    return nn.Linear(10, 1)


def train(model: nn.Linear, rows: int, accumulate: int) -> None:
    """One pass over the data in batches of ``rows``, with a step after each ``accumulate`` of them."""
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    for number, (x, y) in enumerate(DataLoader(dataset(), batch_size=rows), start=1):
        loss = criterion(model(x), y)
        (loss / accumulate).backward()
        norm = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).norm()
        due = number % accumulate == 0
        print(f"{number:5}  {loss.item():.4f}  {norm.item():.4f}{'  step' * due}")
        if due:
            optimizer.step()
            optimizer.zero_grad()


def main() -> None:
    print("batch    loss  norm of the accumulated gradient")
    small = start()
    train(small, rows=10, accumulate=2)
    print("two batches of 20 rows:")
    large = start()
    train(large, rows=20, accumulate=1)
    same = torch.allclose(small.weight, large.weight, atol=1e-6) and torch.allclose(small.bias, large.bias, atol=1e-6)
    print("the weights are the same to 1e-6:", same)


if __name__ == "__main__":
    main()
