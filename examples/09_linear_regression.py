"""A line fitted to noisy points by gradient descent: by hand, and with a module, a loss and an optimiser.

The points are y = 2*x - 1 plus noise. Both loops do the same arithmetic, so their losses are the same. What
100 steps approach is the least squares line, which one formula gives; a thousand steps reach it.

Prints:

    step  loss by hand  loss with nn.Module        w        b
       0       35.4062              35.4062   0.3413  -0.0192
      20        0.6611               0.6611   1.9672  -0.3317
      40        0.4139               0.4139   2.0063  -0.5404
      60        0.3125               0.3125   2.0073  -0.6797
      80        0.2673               0.2673   2.0073  -0.7727
      99        0.2478               0.2478   2.0073  -0.8322
    the losses are the same: True
    least squares: w = 2.0073, b = -0.9595; after 1000 steps more: w = 2.0073, b = -0.9595
"""

import numpy as np

import symdiff.eager as torch
import symdiff.eager.nn as nn
import symdiff.eager.optim as optim

RATE, STEPS = 0.01, 100


def points() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.linspace(-5.0, 5.0, 100)
    noise = np.random.default_rng(0).normal(0.0, 0.5, size=100)
    return x, 2 * x - 1 + torch.from_numpy(noise).float()


def by_hand(x: torch.Tensor, y: torch.Tensor) -> tuple[list[float], list[tuple[float, float]]]:
    """The losses, and w and b after each step."""
    w = torch.tensor(0.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    losses, path = [], []
    for _ in range(STEPS):
        loss = ((w * x + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():  # the update is no part of the function
            for parameter in (w, b):
                parameter -= RATE * parameter.grad
                parameter.grad.zero_()  # gradients add up until they are cleared
        losses.append(loss.item())
        path.append((w.item(), b.item()))
    return losses, path


class Line(nn.Module):
    """y = w*x + b."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.0))
        self.b = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.w * x + self.b


def train(model: Line, x: torch.Tensor, y: torch.Tensor, steps: int) -> list[float]:
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    x, y = points()
    losses, path = by_hand(x, y)
    model = Line()
    again = train(model, x, y, STEPS)
    print("step  loss by hand  loss with nn.Module        w        b")
    for step in (*range(0, STEPS, 20), STEPS - 1):
        w, b = path[step]
        print(f"{step:4}  {losses[step]:12.4f}  {again[step]:19.4f}  {w:7.4f}  {b:7.4f}")
    print("the losses are the same:", np.allclose(losses, again, rtol=1e-5))  # of float32

    train(model, x, y, 1000)
    slope, intercept = np.polyfit(x.numpy(), y.numpy(), 1)
    reached = f"w = {model.w.item():.4f}, b = {model.b.item():.4f}"
    print(f"least squares: w = {slope:.4f}, b = {intercept:.4f}; after 1000 steps more: {reached}")


if __name__ == "__main__":
    main()
