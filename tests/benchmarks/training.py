"""Steps of training: the 2-16-1 tanh network on 200 points, and the tutorials' line; eager, compiled, and by hand.

Everybody starts at the same parameters in float64, takes the same full-batch steps, and must end where NumPy with
derivatives written by hand ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks.contest import Call, Contest, Contestant
from tests.benchmarks.eager import tensor_module

Arrays = list[Any]
Trained = tuple[float, Arrays]  # the last loss, and the parameters


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        title: in words.
        data: inputs, targets and the parameters at the start.
        loss: ``(module with tanh, inputs, targets, parameters) -> loss``.
        slopes: the loss and its derivatives by the parameters, in NumPy, by hand.
        model: the same as a module of ``torch.nn``, at the start.
        rate: the learning rate.
        steps: how many.
    """

    title: str
    data: Callable[[], tuple[Any, Any, Arrays]]
    loss: Callable[[Any, Any, Any, Any], Any]
    slopes: Callable[[Any, Any, Arrays], tuple[Any, Arrays]]
    model: Callable[[Any, Arrays], Any]
    rate: float
    steps: int


# ---- the two tasks


def network_data() -> tuple[Any, Any, Arrays]:
    chance = np.random.default_rng(0)
    X = chance.uniform(-1, 1, (200, 2))
    y = np.sin(np.pi * X[:, :1]) * X[:, 1:]
    return X, y, [chance.normal(0, 1, (2, 16)), np.zeros(16), chance.normal(0, 0.25, (16, 1)), np.zeros(1)]


def network_loss(m: Any, X: Any, y: Any, p: Any) -> Any:
    return ((m.tanh(X @ p[0] + p[1]) @ p[2] + p[3] - y) ** 2).mean()


def network_slopes(X: Any, y: Any, p: Arrays) -> tuple[Any, Arrays]:
    W1, b1, W2, b2 = p
    h = np.tanh(X @ W1 + b1)
    d = h @ W2 + b2 - y
    out = 2 * d / len(X)
    hidden = (out @ W2.T) * (1 - h * h)
    return (d * d).mean(), [X.T @ hidden, hidden.sum(0), h.T @ out, out.sum(0)]


def network_model(torch: Any, start: Arrays) -> Any:
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    for parameter, values in zip(model.parameters(), start, strict=True):
        parameter.data = torch.tensor(values.T.copy())
    return model


def line_data() -> tuple[Any, Any, Arrays]:
    x = np.linspace(-5.0, 5.0, 100)
    y = 2 * x - 1 + 0.5 * np.random.default_rng(1).normal(size=100)
    return x, y, [np.array(0.0), np.array(0.0)]


def line_loss(m: Any, x: Any, y: Any, p: Any) -> Any:
    return ((p[0] * x + p[1] - y) ** 2).mean()


def line_slopes(x: Any, y: Any, p: Arrays) -> tuple[Any, Arrays]:
    w, b = p
    d = w * x + b - y
    return (d * d).mean(), [2 * (d * x).mean(), 2 * d.mean()]


def line_model(torch: Any, start: Arrays) -> Any:
    class Line(torch.nn.Module):  # type: ignore[misc]  # PyTorch's or ours
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(start[0]))
            self.b = torch.nn.Parameter(torch.tensor(start[1]))

        def forward(self, x: Any) -> Any:
            return self.w * x + self.b

    return Line()


NETWORK = Task(
    "the 2-16-1 tanh network on 200 points", network_data, network_loss, network_slopes, network_model, 0.1, 300
)
LINE = Task("the tutorials' line through 100 points", line_data, line_loss, line_slopes, line_model, 0.01, 300)


# ---- how they are trained


def by_hand(task: Task, module: str, compiled: bool = False) -> Call:
    """Parameters changed under ``no_grad``."""
    torch = tensor_module(module)
    X, y, start = (torch.tensor(a) if isinstance(a, np.ndarray) else a for a in task.data())
    p = [torch.tensor(a, requires_grad=True) for a in start]
    rate = task.rate

    def step() -> Any:
        loss = task.loss(torch, X, y, p)
        loss.backward()
        with torch.no_grad():
            for a in p:
                a -= rate * a.grad
                a.grad = None
        return loss

    return training(task, torch, p, torch.compile(step) if compiled else step)


def with_optimizer(task: Task, module: str, compiled: bool = False) -> Call:
    """``nn.Module``, ``MSELoss`` and ``SGD``."""
    torch = tensor_module(module)
    X, y, start = (torch.tensor(a) if isinstance(a, np.ndarray) else a for a in task.data())
    model = task.model(torch, start)
    criterion = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=task.rate)

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        return loss

    return training(task, torch, list(model.parameters()), torch.compile(step) if compiled else step)


def training(task: Task, torch: Any, p: list[Any], step: Callable[[], Any]) -> Call:
    """A call that goes back to the start and takes all steps."""
    start = [a.detach().clone() for a in p]

    def call() -> Any:
        with torch.no_grad():
            for a, value in zip(p, start, strict=True):
                a.copy_(value)
        for _ in range(task.steps):
            loss = step()
        return loss, p

    return call


def of_tensors(found: Any) -> Trained:
    loss, p = found
    return loss.item(), [a.detach().numpy() for a in p]


def of_layers(found: Any) -> Trained:
    """Layers hold their matrices the other way round."""
    loss, p = of_tensors(found)
    return loss, [a.T for a in p]


def with_numpy(task: Task) -> Call:
    X, y, start = task.data()
    rate = task.rate

    def call() -> Trained:
        p = start
        for _ in range(task.steps):
            loss, slopes = task.slopes(X, y, p)
            p = [a - rate * slope for a, slope in zip(p, slopes, strict=True)]
        return loss, p

    return call


def with_autograd(task: Task) -> Call:
    import autograd
    import autograd.numpy as anp

    X, y, start = task.data()
    rate = task.rate
    slopes = autograd.value_and_grad(lambda p: task.loss(anp, X, y, p))

    def call() -> Trained:
        p = start
        for _ in range(task.steps):
            loss, found = slopes(p)
            p = [a - rate * slope for a, slope in zip(p, found, strict=True)]
        return loss, p

    return call


def with_jax(task: Task) -> Call:
    """All steps in one compiled loop."""
    import jax

    jax.config.update("jax_enable_x64", True)
    X, y, start = task.data()
    slopes = jax.value_and_grad(lambda p: task.loss(jax.numpy, X, y, p))

    def step(_: Any, state: Any) -> Any:
        loss, found = slopes(state[1])
        return loss, [a - task.rate * slope for a, slope in zip(state[1], found, strict=True)]

    train = jax.jit(lambda p: jax.lax.fori_loop(0, task.steps, step, (0.0, p)))
    return lambda: jax.block_until_ready(train(start))


def of_arrays(found: Any) -> Trained:
    loss, p = found
    return float(loss), [np.asarray(a) for a in p]


def check(task: Task, answer: Trained) -> str:
    loss, p = answer
    wanted_loss, wanted = with_numpy(task)()
    worst = abs(loss / wanted_loss - 1)
    for got, want in zip(p, wanted, strict=True):
        assert got.dtype == np.float64
        assert got.shape == want.shape
        worst = max(worst, np.abs(got - want).max() / np.abs(want).max())
    assert worst < 1e-9, f"relative error {worst:.1e}"
    return f"largest relative error {worst:.0e}"


# ---- contests


def both_ways(task: Task, tool: str, module: str, *compiled: bool) -> list[Contestant]:
    needs = (module.partition(".")[0],)
    return [
        Contestant(f"{tool}, by hand", partial(by_hand, task, module, *compiled), needs, of_tensors, task.steps),
        Contestant(f"{tool}, nn", partial(with_optimizer, task, module, *compiled), needs, of_layers, task.steps),
    ]


def contest(name: str, task: Task, compiled: bool) -> Contest:
    how = "compiled" if compiled else "eager"
    return Contest(
        f"eager-{name}",
        f"training {task.title}, {how}",
        [
            *both_ways(task, "symdiff", "symdiff.eager", compiled),
            *both_ways(task, "PyTorch eager", "torch"),
            Contestant("autograd", partial(with_autograd, task), ("autograd",), of_arrays, task.steps),
            Contestant("JAX, all steps compiled", partial(with_jax, task), ("jax",), of_arrays, task.steps),
            Contestant("NumPy, derivatives by hand", partial(with_numpy, task), ("numpy",), of_arrays, task.steps),
        ],
        partial(check, task),
        unit="step",
        rounds=41,
        group="tensors",
        label=f"a step of training {task.title}, {how}",
        limit=120,
    )


CONTESTS = [
    contest("network", NETWORK, compiled=False),
    contest("network-compiled", NETWORK, compiled=True),
    contest("line", LINE, compiled=False),
    contest("line-compiled", LINE, compiled=True),
]
