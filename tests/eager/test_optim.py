"""Optimizers and schedules without PyTorch: steps by hand, states, convergence, versions, messages."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager import nn, optim
from symdiff.errors import SymdiffError, TensorError

KINDS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.8),
    "nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.1),
    "amsgrad": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.1, weight_decay=1e-4),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "centered": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))


def descend(optimizer: optim.Optimizer, p: Any, steps: int) -> None:
    """Towards (3, 3)."""
    for _ in range(steps):
        optimizer.zero_grad()
        ((p - 3.0) ** 2).sum().backward()
        optimizer.step()


@every_kind
def test_every_method_finds_the_minimum(make: Any) -> None:
    p = parameter(0.0, -5.0)
    descend(make([p]), p, 1200)
    assert p.tolist() == pytest.approx([3.0, 3.0], rel=0.01)  # the steps of RMSprop do not shrink below its rate


def test_a_step_of_sgd_is_the_rate_times_the_gradient() -> None:
    p = parameter(2.0)
    p.grad = torch.tensor([5.0], dtype=torch.float64)
    optim.SGD([p], lr=0.1).step()
    assert p.tolist() == [1.5]


def test_momentum_adds_up() -> None:
    p = parameter(0.0)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    p.grad = torch.tensor([1.0], dtype=torch.float64)
    seen = []
    for _ in range(3):
        optimizer.step()
        seen.append(p.item())
    assert seen == [-1.0, -2.5, -4.25]
    assert optimizer.state[p]["momentum_buffer"].tolist() == [1.75]


@pytest.mark.parametrize("gradient", [1e-6, 1.0, 1e6])
def test_the_first_step_of_adam_is_the_rate(gradient: float) -> None:
    p = parameter(0.0)
    p.grad = torch.tensor([gradient], dtype=torch.float64)
    optim.Adam([p], lr=0.5, eps=0.0).step()
    assert p.item() == pytest.approx(-0.5, rel=1e-12)


@every_kind
def test_steps_change_the_parameter_in_place(make: Any) -> None:
    for p in (parameter(1.0, 2.0), nn.Parameter(torch.tensor(2.0))):
        optimizer, memory = make([p]), p.detach().numpy()
        descend(optimizer, p, 2)
        assert memory is p.detach().numpy() or np.shares_memory(memory, p.detach().numpy())
        states = dict(optimizer.state[p])
        descend(optimizer, p, 2)
        assert all(optimizer.state[p][name] is t for name, t in states.items())


@every_kind
def test_a_graph_from_before_a_step_is_refused(make: Any) -> None:
    p = parameter(1.0, 2.0)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    make([p]).step()
    with pytest.raises(TensorError, match=r"modified by an inplace operation.*(sgd|adam|rmsprop) step"):
        loss.backward()


@every_kind
def test_training_that_diverges_is_silent(make: Any) -> None:
    p = parameter(1.0, -1.0)
    p.grad = torch.tensor([1e308, float("nan")], dtype=torch.float64)
    optimizer = make([p])
    for _ in range(3):
        optimizer.step()
    assert np.isnan(p.tolist()[1])


@every_kind
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))], ids=["copy", "pickle"])
def test_a_state_can_be_stored_and_taken_up(make: Any, duplicate: Any) -> None:
    p = parameter(0.0, -5.0)
    optimizer = make([p])
    descend(optimizer, p, 3)
    q = parameter(*p.tolist())
    other = make([q])
    other.load_state_dict(duplicate(optimizer.state_dict()))
    descend(optimizer, p, 3)
    descend(other, q, 3)
    assert p.tolist() == q.tolist()


def test_a_loaded_state_is_a_copy_in_the_dtype_of_its_parameter() -> None:
    p, q = parameter(1.0), nn.Parameter(torch.tensor([1.0]))
    first, second = optim.Adam([p]), optim.Adam([q])
    descend(first, p, 2)
    second.load_state_dict(first.state_dict())
    assert second.state[q]["exp_avg"].dtype is torch.float32
    assert second.state[q]["step"].item() == 2.0
    descend(second, q, 1)
    assert first.state[p]["step"].item() == 2.0


def test_parameters_without_gradients_are_left_alone() -> None:
    p, q = parameter(1.0), parameter(1.0)
    p.grad = torch.ones(1, dtype=torch.float64)
    optimizer = optim.SGD([p, q], lr=0.1, momentum=0.9, weight_decay=0.1)
    optimizer.step()
    assert q.item() == 1.0
    assert q not in optimizer.state


def test_a_closure_records_even_where_recording_is_off() -> None:
    p = parameter(1.0)
    optimizer = optim.SGD([p], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert p.item() == 0.8


def test_gradients_accumulate_over_batches() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(40, 10, dtype=torch.float64), torch.randn(40, 1, dtype=torch.float64)
    results = []
    for batches in (1, 4):
        torch.manual_seed(1)
        model = nn.Linear(10, 1).double()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for rows in np.split(np.arange(40), batches):
            loss = nn.MSELoss()(model(x[rows.tolist()]), y[rows.tolist()]) / batches
            loss.backward()
        optimizer.step()
        results.append(model.weight.detach().numpy())
    assert np.allclose(*results, rtol=1e-12)


def test_a_users_own_optimizer_steps() -> None:
    class Signs(optim.Optimizer):
        def __init__(self, params: Any, lr: float = 0.5) -> None:
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])

    p = parameter(1.0, -1.0)
    optimizer = Signs([p])
    descend(optimizer, p, 2)
    assert p.tolist() == [2.0, 0.0]


# ---- compiled steps


def trained(make: Any, compiled: bool) -> tuple[list[float], list[Any]]:
    """Losses and parameters of 12 steps of a classifier, whose rate halves after 6."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))
    optimizer = make(model.parameters())
    schedule = optim.lr_scheduler.StepLR(optimizer, 6, gamma=0.5)
    loss_of = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    act = torch.compile(step) if compiled else step
    losses = []
    for i in range(12):
        x, y = torch.randn(9, 2), torch.randint(0, 3, (9,))
        y[0] = -100 if i % 3 == 2 else 0  # a target that is ignored, now and then
        losses.append(act(x, y).item())
        schedule.step()
    assert not compiled or act.traces == 2
    return losses, [p.tolist() for p in model.parameters()]


@every_kind
def test_a_compiled_step_is_the_same_step_and_follows_the_rate(make: Any) -> None:
    assert trained(make, compiled=True) == trained(make, compiled=False)


# ---- schedules


def rates(schedule: Any, optimizer: optim.Optimizer, epochs: int) -> list[float]:
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


SCHEDULES = {
    "step": (lambda o: optim.lr_scheduler.StepLR(o, 2, gamma=0.5), [1.0, 1.0, 0.5, 0.5, 0.25]),
    "exponential": (lambda o: optim.lr_scheduler.ExponentialLR(o, 0.5), [1.0, 0.5, 0.25, 0.125, 0.0625]),
    "lambda": (lambda o: optim.lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + e)), [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
}


@pytest.mark.parametrize(("make", "expected"), SCHEDULES.values(), ids=SCHEDULES.keys())
def test_rates_follow_the_schedule(make: Any, expected: list[float]) -> None:
    optimizer = optim.SGD([parameter(1.0)], lr=1.0)
    assert rates(make(optimizer), optimizer, 5) == expected


@pytest.mark.parametrize(("make", "expected"), SCHEDULES.values(), ids=SCHEDULES.keys())
def test_a_schedule_can_be_stored_and_taken_up(make: Any, expected: list[float]) -> None:
    first = optim.SGD([parameter(1.0)], lr=1.0)
    schedule = make(first)
    assert rates(schedule, first, 2) == expected[:2]
    second = optim.SGD([parameter(1.0)], lr=7.0)
    resumed = make(second)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(pickle.loads(pickle.dumps(schedule.state_dict())))
    assert rates(resumed, second, 3) == expected[2:]


def test_a_schedule_that_begins_before_the_first_step_is_warned_of_at_the_users_line() -> None:
    schedule = optim.lr_scheduler.StepLR(optim.SGD([parameter(1.0)]), 2)
    with pytest.warns(UserWarning, match=r"optimizer.step\(\)") as caught:
        schedule.step()
    assert caught[0].filename == __file__


# ---- messages

P = parameter(1.0)
MESSAGES = {
    "rate": (lambda: optim.SGD([P], lr=-1), "Invalid learning rate: -1; it must be 0 or more"),
    "nan": (lambda: optim.Adam([P], lr=float("nan")), "Invalid learning rate: nan"),
    "beta": (lambda: optim.Adam([P], betas=(0.9, 1.0)), "index 1: 1.0; it must be at least 0 and below 1"),
    "differentiable": (lambda: optim.SGD([P], differentiable=True), "steps are not recorded"),
    "tensor": (lambda: optim.SGD(P), "put it in a list"),
    "number": (lambda: optim.SGD([1.0]), "one of the params is float"),
    "result": (lambda: optim.SGD([P * 2]), "non-leaf"),
    "groups": (
        lambda: optim.SGD([P]).load_state_dict(optim.SGD([P, parameter(2.0)]).state_dict()),
        "groups of [2] parameters, here are [1]",
    ),
    "resuming": (
        lambda: optim.lr_scheduler.StepLR(optim.SGD([P]), 2, last_epoch=3),
        "load the optimizer's state before",
    ),
    "period": (lambda: optim.lr_scheduler.StepLR(optim.SGD([P]), 0), "step_size must be 1 or more"),
}


@pytest.mark.parametrize(("act", "words"), MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_say_what_is_wrong(act: Any, words: str) -> None:
    with pytest.raises(SymdiffError, match=re.escape(words)):
        act()
