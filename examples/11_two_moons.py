"""A network of three layers learns to tell two moons apart, to over 97 % on points that it has not seen.

While it trains, the norm of the gradient is noted for each layer: how much of the error reaches it. With a
path (`python examples/11_two_moons.py moons.svg`) the decision boundary and these norms are drawn; that needs
matplotlib, the extra `plot`.

Prints:

    epoch    loss  accuracy  norm of the gradient in layers 1, 2, 3
        1  0.6011     82.5%    0.0927   0.1668   0.2070
        2  0.4165     82.8%    0.0787   0.1032   0.1809
        5  0.2914     87.0%    0.0798   0.0513   0.0483
       10  0.2696     89.0%    0.0814   0.0620   0.0529
       20  0.0756     98.5%    0.1395   0.0928   0.0422
       40  0.0274     99.5%    0.1327   0.0758   0.0160
    on 1000 unseen points over 97 %: True (99.1%)
"""

import sys
from typing import Any

import numpy as np

import symdiff as sd
import symdiff.eager as torch
import symdiff.eager.nn as nn
import symdiff.eager.optim as optim
from symdiff.eager.utils.data import DataLoader, TensorDataset

EPOCHS = 40
COLOURS = ("#0072B2", "#D55E00", "#009E73")  # of Okabe and Ito: told apart by colour-blind readers too
STYLES = ("-", "--", ":")  # and in grey


def two_moons(count: int, seed: int, noise: float = 0.15) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on two interleaved half circles, with noise, and for each 0 or 1."""
    angle = np.linspace(0.0, np.pi, count // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    points = np.concatenate([upper, lower])
    points += np.random.default_rng(seed).normal(0.0, noise, size=points.shape)
    labels = np.repeat([0.0, 1.0], count // 2)
    return torch.from_numpy(points), torch.from_numpy(labels)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)).double()


def accuracy(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        answers = model(x).squeeze(1) > 0
    return float((answers == (y > 0.5)).double().mean())


def gradient_norms(model: nn.Sequential) -> list[float]:
    """The norm of the gradient of each layer's weights, from the input to the output."""
    return [layer.weight.grad.norm().item() for layer in model if isinstance(layer, nn.Linear)]


def train(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> list[list[float]]:
    """Train, print what happens, and return the gradient norms of every step."""
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    batches = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
    flow = []
    print("epoch    loss  accuracy  norm of the gradient in layers 1, 2, 3")
    for epoch in range(1, EPOCHS + 1):
        losses = []
        for points, labels in batches:
            optimizer.zero_grad()
            loss = criterion(model(points).squeeze(1), labels)
            loss.backward()
            flow.append(gradient_norms(model))
            optimizer.step()
            losses.append(loss.item())
        if epoch in (1, 2, 5, 10, 20, 40):
            norms = np.mean(flow[-len(losses) :], axis=0)
            shown = "".join(f"{norm:9.4f}" for norm in norms)
            print(f"{epoch:5}  {np.mean(losses):.4f}  {accuracy(model, x, y):8.1%} {shown}")
    return flow


def draw(path: str, model: nn.Sequential, x: torch.Tensor, y: torch.Tensor, flow: list[list[float]]) -> None:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise sd.MissingExtraError("the picture needs matplotlib: pip install 'symdiff[plot]'") from error

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_boundary(left, model, x.numpy(), y.numpy())
    draw_flow(right, flow)
    with matplotlib.rc_context({"svg.hashsalt": "symdiff"}):  # the same file every time
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.endswith(".svg") else None)


def draw_boundary(axes: Any, model: nn.Sequential, x: np.ndarray, y: np.ndarray) -> None:
    """The probability of the second moon as shades, and the line where it is a half."""
    from matplotlib.colors import LinearSegmentedColormap

    u, v = np.meshgrid(np.linspace(-1.7, 2.7, 200), np.linspace(-1.2, 1.7, 200))
    with torch.no_grad():
        scores = model(torch.from_numpy(np.stack([u.ravel(), v.ravel()], axis=1)))
        p = torch.sigmoid(scores).numpy().reshape(u.shape)
    shades = LinearSegmentedColormap.from_list("moons", [COLOURS[0], "white", COLOURS[1]])
    axes.contourf(u, v, p, levels=np.linspace(0, 1, 11), cmap=shades, alpha=0.4)
    axes.contour(u, v, p, levels=[0.5], colors="black").set_gid("decision-boundary")
    for k, marker in enumerate("o^"):
        own = x[y == k]
        label = f"moon {k + 1}"
        axes.scatter(*own.T, s=14, marker=marker, color=COLOURS[k], edgecolors="white", linewidths=0.3, label=label)
    title = r"the decision boundary, where $\sigma(f(x_1, x_2)) = 1/2$"
    axes.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    axes.legend(loc="lower right")


def draw_flow(axes: Any, flow: list[list[float]]) -> None:
    """The gradient norms of each layer by step: raw as a shade, and the mean over an epoch as a line."""
    norms = np.array(flow)
    steps = len(norms) // EPOCHS
    for k, raw in enumerate(norms.T):
        smooth = raw.reshape(EPOCHS, steps).mean(axis=1)
        axes.plot(np.arange(1, len(raw) + 1), raw, color=COLOURS[k], alpha=0.25, linewidth=0.8)
        label = rf"$\|\partial L/\partial W_{k + 1}\|$"
        middles = steps * (np.arange(EPOCHS) + 0.5)
        axes.plot(middles, smooth, STYLES[k], color=COLOURS[k], linewidth=2, label=label, gid=f"layer-{k + 1}")
    axes.set(xlabel="step", yscale="log", title="gradient flow: the norm of the gradient in each layer")
    axes.grid(alpha=0.3)
    axes.legend()


def main() -> None:
    x, y = two_moons(400, seed=0)
    unseen = two_moons(1000, seed=1)
    model = network()
    flow = train(model, x, y)
    print(f"on 1000 unseen points over 97 %: {accuracy(model, *unseen) > 0.97} ({accuracy(model, *unseen):.1%})")
    for path in sys.argv[1:]:
        draw(path, model, x, y, flow)


if __name__ == "__main__":
    main()
