"""Optimizers and schedules take PyTorch's steps, hold its states, print its text and refuse what it refuses."""

from __future__ import annotations

import pytest

from tests.eager.parity import agree

OPTIMIZERS = {
    "sgd": "SGD(params, lr=0.05)",
    "sgd with its defaults": "SGD(params)",
    "sgd with momentum": "SGD(params, lr=0.05, momentum=0.9)",
    "sgd with dampening": "SGD(params, lr=0.05, momentum=0.9, dampening=0.3)",
    "sgd with nesterov": "SGD(params, lr=0.05, momentum=0.9, nesterov=True)",
    "sgd with decay": "SGD(params, lr=0.05, weight_decay=0.1)",
    "sgd with everything": "SGD(params, 0.05, 0.8, 0, 0.1, True, maximize=True)",
    "adam": "Adam(params, lr=0.05)",
    "adam with its defaults": "Adam(params)",
    "adam with betas": "Adam(params, lr=0.05, betas=(0.5, 0.7), eps=1e-3)",
    "adam with no betas": "Adam(params, lr=0.05, betas=(0.0, 0.0))",
    "adam with decay": "Adam(params, lr=0.05, weight_decay=0.1)",
    "amsgrad": "Adam(params, lr=0.05, amsgrad=True)",
    "adam upwards": "Adam(params, lr=0.05, maximize=True)",
    "adamw": "AdamW(params, lr=0.05)",
    "adamw with everything": "AdamW(params, 0.05, (0.8, 0.9), 1e-6, 0.2, True, maximize=True)",
    "rmsprop": "RMSprop(params, lr=0.05)",
    "rmsprop with its defaults": "RMSprop(params)",
    "rmsprop with momentum": "RMSprop(params, lr=0.05, momentum=0.9)",
    "rmsprop, centered": "RMSprop(params, lr=0.05, alpha=0.8, centered=True)",
    "rmsprop with everything": "RMSprop(params, 0.05, 0.8, 1e-3, 0.1, 0.5, True, maximize=True)",
}
GIVEN = """
    rng = np.random.default_rng(7)
    def leaf(*shape, dtype="{dtype}"):
        return nn.Parameter(torch.tensor(rng.normal(size=shape).astype(dtype)))
    params = [leaf(3, 2), leaf(3), leaf()]
    def loss():
        a, b, c = params
        return (0.3 * a.sum(1) + b).sin().sum() + (b - c).cos().sum() + a.tanh().mean()
    def train(optimizer, steps=20):
        for _ in range(steps):
            optimizer.zero_grad()
            _y = loss()
            _y.backward()
            optimizer.step()
"""
# Of the values: the steps accumulate the errors of 20 evaluations, which the roots of Adam and RMSprop magnify where
# gradients are small.
UNITS = 500


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_steps_agree(optimizer: str, dtype: str) -> None:
    snippet = f"""
    optimizer = torch.optim.{optimizer}
    train(optimizer)
    state = optimizer.state_dict()
    print(optimizer)
    """
    agree(GIVEN.format(dtype=dtype), snippet, units=UNITS, scale=1.0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_one_step_agrees_to_the_last_digits(optimizer: str) -> None:
    snippet = f"""
    optimizer = torch.optim.{optimizer}
    for p in params:
        p.grad = torch.tensor(rng.normal(size=tuple(p.shape)))
    optimizer.step()
    """
    agree(GIVEN.format(dtype="float64"), snippet, scale=1.0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_training_resumes_from_a_state(optimizer: str) -> None:
    snippet = f"""
    optimizer = torch.optim.{optimizer}
    train(optimizer, 3)
    new = torch.optim.{optimizer}
    new.load_state_dict(optimizer.state_dict())
    train(new, 3)
    print(new)
    state = new.state_dict()
    """
    agree(GIVEN.format(dtype="float64"), snippet, units=UNITS, scale=1.0)


def test_parameters_without_gradients_stay() -> None:
    snippet = """
    optimizer = torch.optim.Adam(params, lr=0.05)
    params[0].grad = torch.ones_like(params[0])
    optimizer.step()
    optimizer.step()
    state = optimizer.state_dict()
    params[1].grad = torch.ones_like(params[1])
    optimizer.step()
    later = optimizer.state_dict()
    """
    agree(GIVEN.format(dtype="float64"), snippet)


GROUPS = """
    a, b, c = params
    _groups = [{"params": a, "lr": 0.1}, {"params": [b], "momentum": 0.5}]
    optimizer = torch.optim.SGD(_groups, lr=0.01)
    optimizer.add_param_group({"params": [c], "lr": 0.2, "note": "mine"})
"""


def test_groups_have_options_of_their_own() -> None:
    snippet = """
    train(optimizer, 3)
    print(optimizer)
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 5.0
    optimizer.load_state_dict(state)
    rates = [g["lr"] for g in optimizer.param_groups]
    """
    agree(GIVEN.format(dtype="float64"), GROUPS, snippet)


def test_parameters_may_have_names() -> None:
    snippet = """
    optimizer = torch.optim.SGD(nn.Linear(2, 1).named_parameters(), lr=0.1)
    print(optimizer)
    state = optimizer.state_dict()
    """
    agree(snippet)


def test_closures_compute_the_loss_of_their_step() -> None:
    snippet = """
    optimizer = torch.optim.SGD(params, lr=0.05)
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value
    with torch.no_grad():
        y = optimizer.step(closure).detach()
    nothing = optimizer.step()
    """
    agree(GIVEN.format(dtype="float64"), snippet)


def test_gradients_are_zeroed_as_asked() -> None:
    snippet = """
    optimizer = torch.optim.SGD(params, lr=0.05)
    loss().backward()
    optimizer.zero_grad(set_to_none=False)
    zeros = [p.grad.tolist() for p in params]
    optimizer.zero_grad()
    nothing = [p.grad for p in params]
    """
    agree(GIVEN.format(dtype="float64"), snippet)


# ---- schedules

SCHEDULES = {
    "step": "StepLR(optimizer, step_size=2)",
    "step with gamma": "StepLR(optimizer, 3, gamma=0.5)",
    "exponential": "ExponentialLR(optimizer, gamma=0.9)",
    "lambda": "LambdaLR(optimizer, lambda epoch: 0.5**epoch)",
    "lambdas": "LambdaLR(optimizer, lr_lambda=[lambda e: 1 / (1 + e), lambda e: 1.0, lambda e: float(e < 2)])",
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
def test_schedules_agree(schedule: str) -> None:
    snippet = f"""
    schedule = torch.optim.lr_scheduler.{schedule}
    rates = []
    for epoch in range(7):
        rates.append(([g["lr"] for g in optimizer.param_groups], schedule.get_last_lr(), schedule.last_epoch))
        train(optimizer, 1)
        schedule.step()
    print(optimizer)
    """
    agree(GIVEN.format(dtype="float64"), GROUPS, snippet, units=UNITS, scale=1.0)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
def test_schedules_resume(schedule: str) -> None:
    snippet = f"""
    schedule = torch.optim.lr_scheduler.{schedule}
    train(optimizer, 1)
    for _ in range(3):
        schedule.step()
    state = schedule.state_dict()
    new = torch.optim.lr_scheduler.{schedule}
    new.load_state_dict(state)
    for _ in range(3):
        new.step()
    rates = [g["lr"] for g in optimizer.param_groups], new.get_last_lr(), new.last_epoch, new.base_lrs
    del state
    """
    agree(GIVEN.format(dtype="float64"), GROUPS, snippet)


def test_a_rate_that_the_user_changes_stays_changed() -> None:
    snippet = """
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    train(optimizer, 1)
    schedule.step()
    optimizer.param_groups[0]["lr"] = 8.0
    schedule.step()
    rates = [g["lr"] for g in optimizer.param_groups]
    """
    agree(GIVEN.format(dtype="float64"), GROUPS, snippet)


def test_a_schedule_before_the_optimizer_is_warned_of() -> None:
    agree(
        """
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    schedule.step()
    """
    )


# ---- what is refused

REFUSED: dict[type[Exception], dict[str, str]] = {
    ValueError: {
        "a negative rate": "torch.optim.SGD([p], lr=-1)",
        "a negative momentum": "torch.optim.SGD([p], momentum=-1)",
        "a negative decay": "torch.optim.SGD([p], weight_decay=-1)",
        "nesterov without momentum": "torch.optim.SGD([p], nesterov=True)",
        "nesterov with dampening": "torch.optim.SGD([p], nesterov=True, momentum=0.9, dampening=0.1)",
        "a beta of 1": "torch.optim.Adam([p], betas=(1.0, 0.9))",
        "a second beta beyond 1": "torch.optim.AdamW([p], betas=(0.9, 1.9))",
        "a negative epsilon": "torch.optim.Adam([p], eps=-1)",
        "a negative rate of adam": "torch.optim.Adam([p], lr=-1)",
        "a negative alpha": "torch.optim.RMSprop([p], alpha=-1)",
        "a negative momentum of rmsprop": "torch.optim.RMSprop([p], momentum=-1)",
        "no parameters": "torch.optim.SGD([])",
        "a parameter in two groups": "torch.optim.SGD([{'params': [p]}, {'params': [p]}])",
        "a result": "torch.optim.SGD([p * 1])",
        "a state of another size": "torch.optim.SGD([p]).load_state_dict(torch.optim.SGD([p, q]).state_dict())",
        "a state of other groups": (
            "torch.optim.SGD([p]).load_state_dict(torch.optim.SGD([{'params': [p]}, {'params': [q]}]).state_dict())"
        ),
        "too many functions": "torch.optim.lr_scheduler.LambdaLR(torch.optim.SGD([p]), [abs, abs])",
    },
    TypeError: {
        "one tensor": "torch.optim.SGD(p)",
        "a number": "torch.optim.SGD([1.0])",
        "a set in a group": "torch.optim.SGD([{'params': {p}}])",
        "an unknown option": "torch.optim.SGD([p], learning_rate=1)",
        "a schedule of a number": "torch.optim.lr_scheduler.StepLR(3, 2)",
    },
}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [(kind, statement) for kind, group in REFUSED.items() for statement in group.values()],
    ids=[f"{kind.__name__}: {name}" for kind, group in REFUSED.items() for name in group],
)
def test_what_is_refused_is_refused_in_the_same_way(kind: type[Exception], statement: str) -> None:
    agree("p, q = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))\n", statement, raises=kind)


def test_a_parameter_twice_in_a_group_is_warned_of() -> None:
    agree("p = nn.Parameter(torch.ones(2))\ntorch.optim.SGD([p, p])")
