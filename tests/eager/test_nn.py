"""Modules, their states and layers, without PyTorch: registration, loading, copying, hooks, messages."""

from __future__ import annotations

import copy
import pickle
import re
from math import sqrt
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager import nn
from symdiff.errors import StateError, SymdiffError


class Net(nn.Module):
    """Two layers, a parameter of its own, and buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: Any) -> Any:
        """A number for each row."""
        return self.scale * self.layers(x)


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


F = nn.functional
X = torch.tensor([[0.5, -1.0], [2.0, 0.25]])

# ---- registration


def test_parameters_come_in_the_order_of_registration(net: Net) -> None:
    names = ["scale", "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"]
    assert [name for name, _ in net.named_parameters()] == names
    assert list(net.state_dict()) == ["scale", "count", *names[1:]]


def test_a_shared_parameter_is_listed_once_and_stored_twice(net: Net) -> None:
    net.layers[2].bias = net.scale
    assert len(list(net.parameters())) == 4
    assert "layers.2.bias" in net.state_dict()


def test_a_module_in_a_ring_is_listed_once(net: Net) -> None:
    net.layers[1].owner = net
    assert len(list(net.modules())) == 5
    with pytest.raises(SymdiffError, match=r"'layers\.1\.owner' is a module that holds it"):
        net.state_dict()


def test_a_deep_model_is_walked() -> None:
    model = nn.Sequential()
    for _ in range(10_000):
        model = nn.Sequential(model)
    assert sum(1 for _ in model.modules()) == 10_001


def test_reading_a_parameter_is_reading_an_attribute(net: Net) -> None:
    assert vars(net)["scale"] is net.scale


def test_an_attribute_that_is_deleted_is_forgotten(net: Net) -> None:
    del net.scale
    assert "scale" not in net.state_dict()
    net.scale = 3.0
    assert "scale" not in net.state_dict()


def test_a_subclass_that_forgets_init_is_told() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"begin Forgetful.__init__ with super\(\).__init__\(\)"):
        Forgetful()


# ---- states


def test_a_state_dictionary_shares_memory_and_has_no_graph(net: Net) -> None:
    state = net.state_dict()
    state["scale"].fill_(5.0)
    assert net.scale.item() == 5.0
    assert not any(value.requires_grad for value in state.values())
    assert net.state_dict(keep_vars=True)["scale"] is net.scale


def test_loading_copies_into_the_same_parameters(net: Net) -> None:
    other, before = Net(), list(net.parameters())
    assert str(net.load_state_dict(other.state_dict())) == "<All keys matched successfully>"
    assert all(a is b for a, b in zip(net.parameters(), before, strict=True))
    assert all(np.array_equal(net.state_dict()[k], v) for k, v in other.state_dict().items())
    other.scale.data.fill_(9.0)
    assert net.scale.item() == 1.0


def test_loading_converts_to_the_dtype_here(net: Net) -> None:
    net.load_state_dict(Net().double().state_dict())
    assert net.scale.dtype is torch.float32


def test_a_state_that_does_not_fit_is_refused_with_every_name_and_nothing_is_copied(net: Net) -> None:
    state = Net().state_dict()
    state["layers.0.weigth"] = state.pop("layers.0.weight")
    state["layers.2.bias"] = torch.ones(4)
    state["scale"] = torch.full((1,), 7.0)
    with pytest.raises(StateError) as caught:
        net.load_state_dict(state)
    title, missing, unexpected, mismatch = str(caught.value).split("\n\t")
    assert title == "Error(s) in loading state_dict for Net:"
    assert missing == 'Missing key(s) in state_dict: "layers.0.weight".'
    assert unexpected == 'Unexpected key(s) in state_dict: "layers.0.weigth" (did you mean "layers.0.weight"?).'
    assert mismatch.startswith("size mismatch for layers.2.bias: copying a param with shape torch.Size([4])")
    assert mismatch.endswith("the shape in current model is torch.Size([1]).")
    assert net.scale.item() == 1.0


def test_names_that_do_not_fit_are_returned_unless_strict(net: Net) -> None:
    keys = net.load_state_dict({"scale": torch.full((1,), 7.0), "new": X}, strict=False)
    assert keys.unexpected_keys == ["new"]
    assert len(keys.missing_keys) == 5
    assert net.scale.item() == 7.0


def test_buffers_that_do_not_persist_are_not_in_the_state(net: Net) -> None:
    net.register_buffer("scratch", torch.zeros(1), persistent=False)
    assert "scratch" in dict(net.named_buffers())
    assert "scratch" not in net.state_dict()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_a_model_can_be_copied(net: Net, duplicate: Any) -> None:
    made = duplicate(net)
    made.scale.data.fill_(5.0)
    assert net.scale.item() == 1.0
    assert isinstance(made.scale, nn.Parameter)
    assert [name for name, _ in made.named_parameters()] == [name for name, _ in net.named_parameters()]
    assert np.allclose(made(X).detach(), 5.0 * net(X).detach(), rtol=1e-6)  # float32


# ---- acting on all parts


def test_train_and_eval_reach_every_module(net: Net) -> None:
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_apply_visits_children_first(net: Net) -> None:
    seen: list[str] = []
    net.apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Tanh", "Linear", "Sequential", "Net"]


def test_double_keeps_the_parameters_that_an_optimizer_knows(net: Net) -> None:
    net(X).sum().backward()
    before = list(net.parameters())
    assert net.double() is net
    assert all(a is b and a.is_leaf for a, b in zip(net.parameters(), before, strict=True))
    assert {p.dtype for p in net.parameters()} | {p.grad.dtype for p in net.parameters()} == {torch.float64}
    assert net.count.dtype is torch.float64
    net(X.double()).sum().backward()
    assert net.float().to(torch.float64).to(X).scale.dtype is torch.float32


def test_zero_grad_drops_gradients_or_fills_them(net: Net) -> None:
    net(X).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(not p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_requires_grad_reaches_every_parameter(net: Net) -> None:
    assert not net.requires_grad_(False)(X).requires_grad
    assert net.requires_grad_()(X).requires_grad


def test_hooks_see_and_change_what_passes() -> None:
    layer = nn.Identity()
    seen: list[tuple[float, float]] = []
    with layer.register_forward_pre_hook(lambda module, args: args[0] + 1):
        handle = layer.register_forward_hook(lambda module, args, result: seen.append((args[0], result)))
        layer.register_forward_hook(lambda module, args, result: 10 * result, prepend=True)
        assert layer(1.0) == 20.0
    assert seen == [(2.0, 20.0)]
    handle.remove()
    handle.remove()
    assert layer(1.0) == 10.0


# ---- parameters and layers


def test_a_parameter_shares_memory_with_its_data() -> None:
    data = torch.tensor(2.0)
    parameter = nn.Parameter(data)
    data.mul_(3)
    assert parameter.item() == 6.0
    assert isinstance(parameter, torch.Tensor)
    assert not isinstance(parameter * 2, nn.Parameter)
    assert repr(parameter) == "Parameter containing:\ntensor(6., requires_grad=True)"


@pytest.mark.parametrize("data", [3.0, [1.0], np.ones(2)])
def test_a_parameter_is_made_of_a_tensor(data: Any) -> None:
    with pytest.raises(SymdiffError, match=re.escape("Parameter(torch.tensor(...))")):
        nn.Parameter(data)


def test_layers_start_within_the_bounds_of_their_inputs() -> None:
    torch.manual_seed(1)
    layer = nn.Linear(100, 2000)
    for p in layer.parameters():
        values = np.abs(p.detach().numpy())
        assert 0.099 < values.max() <= 0.1
        assert values.mean() == pytest.approx(0.05, rel=0.02)  # 2000 draws or more
    assert nn.Linear(2, 2, dtype=torch.float64).weight.dtype is torch.float64


INITS = {
    "uniform": (lambda t: nn.init.uniform_(t, -2.0, 4.0), 1.0, sqrt(3.0), 4.0),
    "normal": (lambda t: nn.init.normal_(t, 1.0, 2.0), 1.0, 2.0, np.inf),
    "xavier uniform": (lambda t: nn.init.xavier_uniform_(t, gain=2.0), 0.0, 2 * sqrt(2 / 500), 2 * sqrt(6 / 500)),
    "xavier normal": (lambda t: nn.init.xavier_normal_(t), 0.0, sqrt(2 / 500), np.inf),
    "kaiming uniform": (lambda t: nn.init.kaiming_uniform_(t), 0.0, sqrt(2 / 200), sqrt(6 / 200)),
    "kaiming normal": (
        lambda t: nn.init.kaiming_normal_(t, mode="fan_out", nonlinearity="tanh"),
        0.0,
        5 / 3 / sqrt(300),
        np.inf,
    ),
    "zeros": (nn.init.zeros_, 0.0, 0.0, 0.0),
    "ones": (nn.init.ones_, 1.0, 0.0, 1.0),
    "constant": (lambda t: nn.init.constant_(t, 0.3), 0.3, 0.0, 0.3),
}


@pytest.mark.parametrize(("fill", "mean", "std", "bound"), INITS.values(), ids=INITS.keys())
def test_initial_values_have_their_distribution(fill: Any, mean: float, std: float, bound: float) -> None:
    torch.manual_seed(2)
    tensor = nn.Parameter(torch.zeros(300, 200))
    assert fill(tensor) is tensor
    values = tensor.detach().double().numpy()
    assert values.mean() == pytest.approx(mean, abs=5 * std / sqrt(values.size) + 1e-7)  # five standard errors
    assert values.std() == pytest.approx(std, rel=0.02, abs=1e-7)
    assert np.abs(values).max() <= bound * (1 + 1e-6)


def test_the_same_seed_gives_the_same_model() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        states.append(Net().state_dict())
    assert all(np.array_equal(states[0][k], states[1][k]) for k in states[0])


def test_a_generator_of_its_own_leaves_the_others_alone() -> None:
    torch.manual_seed(5)
    alone = torch.rand(3).tolist()
    torch.manual_seed(5)
    nn.init.normal_(torch.zeros(3), generator=torch.Generator().manual_seed(1))
    assert torch.rand(3).tolist() == alone


def test_an_empty_tensor_is_left_as_it_is_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="no-op"):
        nn.init.kaiming_uniform_(torch.zeros(0, 2))


# ---- losses


def test_losses_do_not_overflow() -> None:
    x = torch.tensor([1000.0, -1000.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, torch.tensor([0.0, 1.0]), reduction="sum")
    loss.backward()
    assert loss.item() == 2000.0
    assert x.grad.tolist() == [1.0, -1.0]


def test_a_certain_prediction_that_fails_costs_a_hundred() -> None:
    assert F.binary_cross_entropy(torch.tensor([0.0]), torch.tensor([1.0])).item() == 100.0


def test_the_gradient_at_a_perfect_certain_prediction_is_the_one_sided_derivative() -> None:
    """PyTorch gives 0 there, by an epsilon in its formula; the slope of -log(1 - x) at 0 is 1."""
    x = torch.tensor([0.0], requires_grad=True)
    F.binary_cross_entropy(x, torch.tensor([0.0])).backward()
    assert x.grad.tolist() == [1.0]


def test_one_hot_rows_add_up_to_one() -> None:
    assert F.one_hot(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert F.one_hot(torch.tensor(1), 3).tolist() == [0, 1, 0]


def test_a_target_that_broadcasts_is_warned_of_at_the_users_line() -> None:
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[4\]\)\)") as caught:
        nn.MSELoss()(torch.ones(4, 1), torch.zeros(4))
    assert caught[0].filename == __file__


def test_a_loss_was_made_in_the_users_line() -> None:
    loss = nn.CrossEntropyLoss()(nn.Sequential(nn.Linear(2, 3), nn.Tanh())(X), torch.tensor([0, 2]))
    assert f"{__file__.rpartition('/')[2]}:" in loss.grad_fn.place


def test_an_implicit_axis_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="include dim=X"):
        assert nn.Softmax()(torch.zeros(2)).tolist() == [0.5, 0.5]


MESSAGES = {
    "features": (lambda: nn.Linear(2, 3)(torch.ones(4, 5)), "4x5"),
    "no tensor": (lambda: F.mse_loss(X, 1.0), "mse_loss takes tensors, not float"),
    "reduction": (lambda: F.l1_loss(X, X, reduction="avg"), "it must be mean, sum or none"),
    "batch": (lambda: F.cross_entropy(X, torch.tensor([0])), "the target must have the shape [2]"),
    "class": (lambda: F.cross_entropy(X, torch.tensor([0, 2])), "Target 2 is out of bounds: there are 2 classes"),
    "target": (lambda: F.cross_entropy(X, torch.tensor([0.0, 1.0])), "torch.int64"),
    "weights": (lambda: F.nll_loss(X, torch.tensor([0, 1]), torch.ones(3)), "all 2 classes"),
    "probabilities": (lambda: F.binary_cross_entropy(X, X), "binary_cross_entropy_with_logits"),
    "gain": (lambda: nn.init.calculate_gain("leaky_rellu"), "did you mean 'leaky_relu'?"),
    "fans": (lambda: nn.init.xavier_normal_(torch.ones(3)), "this one has the shape [3]"),
    "module": (lambda: nn.Sequential(nn.Tanh())[1], "there are 1 modules"),
}


@pytest.mark.parametrize(("act", "words"), MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_say_what_is_wrong(act: Any, words: str) -> None:
    with pytest.raises(SymdiffError, match=re.escape(words)):
        act()


def test_an_unknown_parameter_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean `weight`"):
        nn.Linear(1, 1).get_parameter("weigth")
