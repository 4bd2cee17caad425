"""A compiled function does what the function does, to the last bit, and notices when it must be traced again."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager import nn


def network(seed: int = 0) -> tuple[Any, Any, list[Any]]:
    random = np.random.default_rng(seed)
    x, y = torch.tensor(random.random((20, 2))), torch.tensor(random.random((20, 1)))
    shapes = [(2, 16), (16,), (16, 1), (1,)]
    return x, y, [torch.tensor(random.normal(size=s), requires_grad=True) for s in shapes]


def loss_of(p: list[Any], x: Any, y: Any) -> Any:
    return ((torch.tanh(x @ p[0] + p[1]) @ p[2] + p[3] - y) ** 2).mean()


def test_a_training_step_by_hand_gives_the_same_bits() -> None:
    x, y, _ = network()

    def train(compiled: bool) -> tuple[list[float], list[Any]]:
        p = network()[2]

        def step() -> Any:
            for a in p:
                a.grad = None
            loss = loss_of(p, x, y)
            loss.backward()
            with torch.no_grad():
                for a in p:
                    a -= 0.1 * a.grad
            return loss

        run = torch.compile(step) if compiled else step
        return [run().item() for _ in range(8)], [a.tolist() for a in p]

    assert train(True) == train(False)


@pytest.mark.parametrize(
    "make",
    [
        lambda ps: torch.optim.SGD(ps, lr=0.05),
        lambda ps: torch.optim.SGD(ps, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda ps: torch.optim.Adam(ps, lr=0.05),
        lambda ps: torch.optim.AdamW(ps, lr=0.05),
        lambda ps: torch.optim.RMSprop(ps, lr=0.05, momentum=0.5, centered=True),
    ],
    ids=["SGD", "nesterov", "Adam", "AdamW", "RMSprop"],
)
def test_a_step_with_modules_and_optimisers_gives_the_same_bits(make: Any) -> None:
    def train(compiled: bool) -> list[float]:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = make(model.parameters())
        x, y = torch.rand(30, 2), torch.rand(30, 1)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        run = torch.compile(step) if compiled else step
        return [run(x * (1 + k), y).item() for k in range(10)]

    assert train(True) == train(False)


def test_a_changed_learning_rate_is_noticed() -> None:
    def train(compiled: bool) -> list[float]:
        w = torch.tensor(2.0, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)

        def step() -> Any:
            optimizer.zero_grad()
            loss = (w - 1) ** 2
            loss.backward()
            optimizer.step()
            return loss

        run = torch.compile(step) if compiled else step
        found = []
        for _ in range(9):
            found.append(run().item())
            schedule.step()
        return found

    assert train(True) == train(False)


def test_gradients_accumulate_as_without_it() -> None:
    def run(compiled: bool) -> list[float]:
        w = torch.tensor([1.0, 2.0], requires_grad=True)

        def add() -> None:
            (w * w).sum().backward()

        f = torch.compile(add) if compiled else add
        found = []
        for k in range(7):
            f()
            found.append(w.grad.tolist())
            if k == 4:
                w.grad = None
        return found

    assert run(True) == run(False)


def test_other_shapes_are_traced_anew() -> None:
    double = torch.compile(lambda x: x * 2)
    for n in (2, 2, 2, 3, 3, 3, 2):
        assert double(torch.ones(n)).tolist() == [2.0] * n
    assert double.traces == 2


def test_a_tensor_put_on_another_array_is_noticed() -> None:
    w = torch.tensor([1.0, 2.0])
    f = torch.compile(lambda x: x * w)
    x = torch.ones(2)
    assert [f(x).tolist() for _ in range(3)] == [[1.0, 2.0]] * 3
    w.data = torch.tensor([5.0, 6.0])
    assert [f(x).tolist() for _ in range(3)] == [[5.0, 6.0]] * 3


def test_results_are_on_memory_of_their_own() -> None:
    f = torch.compile(lambda x: x * 2)
    results = [f(torch.full((2,), float(k))) for k in range(4)]
    assert [r.tolist() for r in results] == [[0.0, 0.0], [2.0, 2.0], [4.0, 4.0], [6.0, 6.0]]


def test_infinities_take_the_careful_way() -> None:
    w = torch.tensor(1.0, requires_grad=True)

    def slope(x: Any) -> Any:
        w.grad = None
        torch.where(x > 0, torch.sqrt(x * w), 0.0).sum().backward()
        return w.grad

    f = torch.compile(slope)
    xs = [torch.tensor([4.0, 1.0]), torch.tensor([4.0, 1.0]), torch.tensor([4.0, -1.0]), torch.tensor([9.0, 1.0])]
    assert [f(x).item() for x in xs] == [slope(x).item() for x in xs] == [1.5, 1.5, 1.0, 2.0]


def test_losses_with_maxima_and_selections_give_the_same() -> None:
    target = torch.tensor([0, 2, 1])

    def f(x: Any) -> Any:
        return nn.functional.cross_entropy(x, target) + x.max() + x.amax(0).sum() + torch.relu(x).std() + x.prod()

    compiled = torch.compile(f)
    random = np.random.default_rng(3)
    for _ in range(4):
        x = torch.tensor(random.normal(size=(3, 3)))
        assert compiled(x).item() == f(x).item()


@pytest.mark.parametrize(
    "read",
    [lambda x: x.item(), lambda x: float(x), lambda x: 1 if x > 0 else 0, lambda x: x.tolist(), lambda x: int(x)],
)
def test_reading_a_value_is_refused_with_the_reason(read: Any) -> None:
    f = torch.compile(lambda x: x * read(x.sum()))
    x = torch.ones(2)
    f(x)
    with pytest.raises(RuntimeError, match=r"while the function is compiled.*torch\.where"):
        f(x)


def test_random_numbers_are_refused() -> None:
    f = torch.compile(lambda x: x * torch.rand(2))
    f(torch.ones(2))
    with pytest.raises(TypeError, match="draw them outside"):
        f(torch.ones(2))


def test_after_a_refusal_tensors_work_as_before() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    f = torch.compile(lambda: (w * w).sum().item())
    f()
    with pytest.raises(RuntimeError):
        f()
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]
    assert type(w.detach().numpy()) is np.ndarray


def test_second_derivatives_can_be_compiled() -> None:
    f = torch.compile(torch.func.hessian(lambda x: (x**3).sum() * x[0]))
    for k in range(4):
        x = torch.tensor([1.0 + k, 2.0])
        assert f(x).tolist() == torch.func.hessian(lambda x: (x**3).sum() * x[0])(x).tolist()


def test_places_and_tests_are_found_anew() -> None:
    w = torch.tensor([1.0, 5.0, 2.0])

    def f(x: Any) -> Any:
        best = (x * w).argmax()
        return x.gather(0, best.reshape(1)), torch.isnan(w + x).any(), (x * w).sort().values, x[x.argsort()]

    compiled = torch.compile(f)
    for x in ([1.0, 2.0, 3.0], [9.0, 1.0, 1.0], [3.0, 0.0, 9.0], [1.0, float("nan"), 0.0], [0.0, 0.0, 1.0]):
        given = torch.tensor(x)
        assert [str(r) for r in compiled(given)] == [str(r) for r in f(given)]


def test_a_product_may_be_written_over_its_factor() -> None:
    def run(compiled: bool) -> list[Any]:
        w = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        a = torch.tensor([[0.0, 1.0], [1.0, 1.0]])

        def step() -> Any:
            w.copy_(w @ a)
            return w

        f = torch.compile(step) if compiled else step
        return [f().tolist() for _ in range(5)]

    assert run(True) == run(False)


def test_a_factor_that_is_overwritten_is_kept_for_backward() -> None:
    w = torch.tensor([2.0, 3.0], requires_grad=True)

    def f(x: Any) -> Any:
        w.grad = None
        y = x * 1
        y.mul_(w)
        y.sum().backward()
        return w.grad

    compiled = torch.compile(f)
    for k in range(4):
        x = torch.tensor([1.0 + k, 5.0])
        assert compiled(x).tolist() == [1.0 + k, 5.0]


@pytest.mark.parametrize("select", [lambda x: x[x > 1], lambda x: x.nonzero(), lambda x: x.masked_select(x > 1)])
def test_selections_of_unknown_length_are_refused(select: Any) -> None:
    f = torch.compile(lambda x: select(x * 2))
    f(torch.ones(3))
    with pytest.raises(RuntimeError, match=r"torch\.where"):
        f(torch.ones(3))


def both(make: Any, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """What a function and its compiled form do, call by call: ``make`` gives the function anew."""
    found = []
    for compiled in (False, True):
        f = make()
        run = torch.compile(f) if compiled else f
        seen = []
        for given in inputs:
            x = torch.tensor(given, dtype=torch.float64, requires_grad=True)
            result = run(x)
            seen.append((result.tolist(), x.tolist(), None if x.grad is None else x.grad.tolist()))
        found.append(seen)
    return found[0], found[1]


INPUTS = [[1.0, float(k)] for k in range(7)]


def leaves_a_gradient() -> Any:
    def f(x: Any) -> Any:
        loss = (x**3).sum()
        loss.backward()
        return loss

    return f


def changes_its_argument() -> Any:
    def f(x: Any) -> Any:
        with torch.no_grad():
            return x.add_(torch.ones(2, dtype=torch.float64)) * 2

    return f


def binds_its_state_anew() -> Any:
    state = {"h": torch.zeros(2, dtype=torch.float64)}

    def f(x: Any) -> Any:
        state["h"] = state["h"] * 0.5 + x.detach()
        return state["h"].clone()

    return f


def writes_a_number_after_a_sum() -> Any:
    def f(x: Any) -> Any:
        y = x.detach() * 1
        y.add_(1)
        y[0] = 7
        return y * 2

    return f


@pytest.mark.filterwarnings("ignore:f was traced")
@pytest.mark.parametrize(
    "make", [leaves_a_gradient, changes_its_argument, binds_its_state_anew, writes_a_number_after_a_sum]
)
def test_what_a_function_does_to_tensors_is_done(make: Any) -> None:
    plain, compiled = both(make, INPUTS)
    assert compiled == plain


def test_a_replaced_tensor_is_noticed() -> None:
    box = {"a": torch.tensor(2.0)}
    f = torch.compile(lambda x: x * box["a"])
    x = torch.tensor([1.0, 5.0])
    assert [f(x).tolist() for _ in range(3)] == [[2.0, 10.0]] * 3
    box["a"] = torch.tensor(5.0)
    assert [f(x).tolist() for _ in range(3)] == [[5.0, 25.0]] * 3


def test_a_frozen_parameter_and_another_mode_are_noticed() -> None:
    model = nn.Linear(2, 1)
    f = torch.compile(lambda x: model(x) * (2 if model.training else 1))
    x = torch.ones(1, 2)
    doubled = [f(x).item() for _ in range(3)]
    model.eval()
    assert [2 * f(x).item() for _ in range(3)] == doubled
    w = torch.tensor([1.0, 2.0], requires_grad=True)

    def step() -> Any:
        w.grad = None
        loss = (w * w).sum()
        if w.requires_grad:
            loss.backward()
        return loss

    run = torch.compile(step)
    for _ in range(3):
        run()
    w.requires_grad_(False)
    run()
    assert w.grad is None


def test_a_gradient_that_somebody_keeps_is_not_written_over() -> None:
    w = torch.tensor([1.0, 1.0], requires_grad=True)

    def f(x: Any) -> Any:
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    run, kept = torch.compile(f), []
    for k in range(6):
        assert run(torch.tensor([1.0, float(k)])).tolist() == [1.0, k]
        kept.append(w.grad)
    assert [g.tolist() for g in kept] == [[1.0, float(k)] for k in range(6)]


def test_arguments_that_share_memory_run_as_they_are() -> None:
    def g(x: Any, y: Any) -> Any:
        x.add_(y)
        return x * y

    f = torch.compile(g)
    for _ in range(4):
        f(torch.ones(2), torch.ones(2))
    a = torch.tensor([1.0, 5.0])
    assert f(a, a).tolist() == [4.0, 100.0]
    assert a.tolist() == [2.0, 10.0]


def test_integers_strides_keywords_and_methods() -> None:
    halves = torch.compile(lambda x: x / 2)
    assert [halves(torch.tensor([k, 3])).tolist() for k in range(5)] == [[k / 2, 1.5] for k in range(5)]

    def doubled(x: Any) -> Any:
        y = x.reshape(-1)
        y.mul_(2)
        return x * 1

    f = torch.compile(doubled)
    for _ in range(4):
        f(torch.arange(6.0).reshape(2, 3))
    turned = torch.arange(6.0).reshape(3, 2).T
    assert f(turned).tolist() == turned.tolist()
    scaled = torch.compile(lambda x, scale=1.0: x * scale)
    assert [scaled(torch.ones(1), scale=s).item() for s in (2.0, 2.0, 2.0, 3.0)] == [2.0, 2.0, 2.0, 3.0]

    class Model:
        w = 3.0

        @torch.compile
        def call(self, x: Any) -> Any:
            return x * self.w

    assert [Model().call(torch.ones(1)).item() for _ in range(4)] == [3.0] * 4
    with pytest.raises(TypeError, match="give its tensors one by one"):
        f({"x": torch.ones(2)})


def test_values_read_by_numpy_or_as_lists_are_refused() -> None:
    for read in (lambda x: sum(x.tolist()), lambda x: float(x.numpy().sum()), lambda x: np.asarray(x).sum()):
        f = torch.compile(lambda x, read=read: x * read(x))
        x = torch.ones(2)
        f(x)
        with pytest.raises(RuntimeError, match="compiled"):
            f(x)


def test_a_restored_optimiser_is_noticed() -> None:
    def train(compiled: bool) -> list[float]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        x, y = torch.rand(10, 2), torch.rand(10, 1)

        def step() -> Any:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        run, found, kept = torch.compile(step) if compiled else step, [], None
        for k in range(10):
            if k == 3:
                kept = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
            if k == 6 and kept is not None:
                model.load_state_dict(kept[0])
                optimizer.load_state_dict(kept[1])
            found.append(run().item())
        return found

    assert train(True) == train(False)


def test_a_step_by_hand_that_zeroes_its_gradient() -> None:
    def train(compiled: bool) -> tuple[list[float], Any]:
        w = torch.tensor([1.0, 2.0], requires_grad=True)

        def step(x: Any) -> Any:
            loss = ((w * x) ** 2).sum()
            loss.backward()
            with torch.no_grad():
                w.sub_(w.grad * 0.01)
                w.grad.zero_()
            return loss

        run = torch.compile(step) if compiled else step
        return [run(torch.tensor([1.0, float(k)])).item() for k in range(6)], w.tolist()

    assert train(True) == train(False)
