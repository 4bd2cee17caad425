"""Modules and layers are those of PyTorch: values, gradients, names, printed text and what they refuse."""

from __future__ import annotations

import pytest

from tests.eager.parity import agree

GIVEN = """
    rng = np.random.default_rng(3)
    def array(*shape, low=-2.0, high=2.0, dtype="float64"):
        return torch.tensor(rng.uniform(low, high, shape).astype(dtype))
"""
MODEL = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(2))
            self.first = nn.Linear(2, 3)
            self.second = nn.Sequential(nn.Tanh(), nn.Linear(3, 3, bias=False))
            self.register_buffer("count", torch.zeros(1))
            self.register_buffer("scratch", torch.zeros(1), persistent=False)
            self.register_parameter("none", None)
            self.v = self.w
            self.again = self.first

        def forward(self, x):
            return self.second(self.first(x)).sum() + self.w.sum()

    model = Net()
"""

MODULES = {
    "MSELoss()": "x, y",
    "MSELoss(reduction='sum')": "x, y",
    "L1Loss()": "x, y",
    "CrossEntropyLoss()": "x, c",
    "CrossEntropyLoss(torch.ones(3) * 2, label_smoothing=0.1)": "x, c",
    "NLLLoss(reduction='none')": "x, c",
    "BCELoss()": "x.sigmoid(), p",
    "BCEWithLogitsLoss(pos_weight=torch.ones(3))": "x, p",
    "Tanh()": "x",
    "ReLU()": "x",
    "ReLU(inplace=True)": "x * 1",
    "Sigmoid()": "x",
    "Softmax(dim=1)": "x",
    "Softmax(dim=-1)": "x",
    "LogSoftmax(dim=0)": "x",
    "Softplus()": "x * 20",
    "Softplus(beta=2.0, threshold=1.0)": "x",
    "SiLU()": "x",
    "GELU()": "x",
    "GELU('tanh')": "x",
    "Flatten()": "x.reshape(2, 2, 3)",
    "Flatten(0)": "x.reshape(2, 2, 3)",
    "Identity()": "x",
}


@pytest.mark.parametrize(("module", "arguments"), MODULES.items(), ids=MODULES.keys())
def test_modules_compute_the_same_and_print_the_same(module: str, arguments: str) -> None:
    snippet = f"""
    x = array(4, 3, dtype="float32").requires_grad_()
    y = array(4, 3, dtype="float32")
    c = torch.tensor([0, 2, 1, 2])
    p = y.softmax(1)
    module = nn.{module}
    result = module({arguments})
    result.sum().backward()
    print(module, list(module.state_dict()))
    """
    agree(GIVEN, snippet, scale=1.0)


@pytest.mark.parametrize("shape", ["2", "5, 2", "4, 5, 2", "0, 2"])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_layers_agree(shape: str, bias: bool) -> None:
    snippet = f"""
    layer = nn.Linear(2, 3, bias={bias})
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(array(*p.shape, dtype="float32"))
    x = array({shape}, dtype="float32").requires_grad_()
    _y = layer(x)
    y = _y.detach()
    (_y * _y).sum().backward()
    weight = layer.weight
    """
    agree(GIVEN, snippet, scale=8.0)


@pytest.mark.parametrize("shape", ["5, 2", "0, 2"])
def test_layers_are_called_the_same_in_graphs(shape: str) -> None:
    agree(f"y = nn.Linear(2, 3)(torch.ones({shape})).grad_fn.name()")


# ---- modules


def test_names_agree() -> None:
    agree(
        MODEL,
        """
    parameters = [k for k, _ in model.named_parameters()]
    everything = [k for k, _ in model.named_parameters(remove_duplicate=False)]
    shallow = [k for k, _ in model.named_parameters(recurse=False)]
    prefixed = [k for k, _ in model.named_parameters(prefix="q")]
    modules = [k for k, _ in model.named_modules()]
    children = [k for k, _ in model.named_children()]
    buffers = [k for k, _ in model.named_buffers()]
    state = list(model.state_dict())
    prefixed_state = list(model.state_dict(prefix="q."))
    counts = len(list(model.parameters())), len(list(model.modules())), len(list(model.children()))
    print(model)
    """,
    )


CHANGES = {
    "a parameter replaced": "model.w = nn.Parameter(torch.zeros(3))",
    "a parameter set to None": "model.w = None",
    "a tensor made a parameter": "model.x = torch.ones(1)\n    model.x = nn.Parameter(torch.ones(1))",
    "a parameter over a module": "model.first = nn.Parameter(torch.ones(1))",
    "a module set to None": "model.first = None",
    "a module deleted": "del model.second",
    "a parameter deleted": "del model.v",
    "a buffer replaced": "model.count = torch.ones(3)",
    "a module added": "model.add_module('extra', nn.Linear(1, 1))",
    "double": "model.double()",
    "to float64": "model.to(torch.float64)",
    "to the CPU": "model.to('cpu')",
    "frozen": "model.requires_grad_(False)",
    "eval": "model.eval()",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes_agree(change: str) -> None:
    agree(
        MODEL,
        f"""
    {change}
    print(model)
    names = [k for k, _ in model.named_parameters()]
    state = [(k, v.shape, str(v.dtype), v.requires_grad) for k, v in model.state_dict().items()]
    flags = [p.requires_grad for p in model.parameters()], [m.training for m in model.modules()]
    """,
    )


CONTAINERS = {
    "print": "print(m, l)",
    "index": "print(m[0], m[-1], l[1], len(m), len(l))",
    "slice": "print(m[1:], l[1:], m[:-1])",
    "assign": "m[1] = nn.ReLU()\n    l[-1] = nn.ReLU()\n    print(m, l)",
    "delete": "del m[0]\n    del l[1:]\n    print(m, l)",
    "append": "m.append(nn.ReLU())\n    l.append(nn.ReLU())\n    print(m, l)",
    "insert": "m.insert(0, nn.ReLU())\n    l.insert(1, nn.ReLU())\n    print(m, l, list(m.state_dict()))",
    "extend": "m.extend([nn.ReLU(), nn.ReLU()])\n    l += [nn.ReLU()]\n    print(m, l)",
    "add": "print(m + nn.Sequential(nn.ReLU()), l + [nn.ReLU()])",
    "iterate": "print([type(x).__name__ for x in m], [type(x).__name__ for x in l])",
    "names": "print(nn.Sequential(OrderedDict(a=nn.Tanh(), b=nn.ReLU())))",
    "slice of names": "print(nn.Sequential(OrderedDict(a=nn.Tanh(), b=nn.ReLU()))[1:])",
    "nested": "print(nn.ModuleList([m, m, nn.Sequential(l)]), list(nn.ModuleList([m, m]).state_dict()))",
    "equal modules that follow each other": "print(nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.Tanh()]))",
    "empty": "print(nn.Sequential(), nn.ModuleList(), nn.Sequential()(torch.ones(1)))",
}


@pytest.mark.parametrize("act", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_containers_agree(act: str) -> None:
    agree(
        f"""
    from collections import OrderedDict
    m = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1, bias=False))
    l = nn.ModuleList([nn.Tanh(), nn.Sigmoid(), nn.Identity()])
    {act}
    """
    )


def test_hooks_agree() -> None:
    agree(
        """
    layer = nn.Linear(1, 1)
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    seen = []
    def note(module, args, result):
        seen.append((len(args), float(args[0].detach()[0]), float(result.detach()[0])))
    def double(module, args, result):
        return result * 2
    def shift(module, args):
        return args[0] + 10
    x = torch.ones(1)
    first = layer.register_forward_hook(note)
    layer(x)
    second = layer.register_forward_hook(double, prepend=True)
    y = layer(x).detach()
    third = layer.register_forward_pre_hook(shift)
    z = layer(x).detach()
    second.remove()
    third.remove()
    w = layer(x).detach()
    with layer.register_forward_hook(double):
        v = layer(x).detach()
    first.remove()
    layer(x)
    """
    )


def test_state_dictionaries_print_and_load_the_same() -> None:
    agree(
        """
    def make(value):
        model = nn.Sequential(nn.Linear(2, 1), nn.Tanh())
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(value)
        return model
    one, two = make(0.5), make(0.25)
    print(one.state_dict())
    print(one.load_state_dict(two.state_dict()), one[0].weight, one[0].bias)
    print(one.load_state_dict({"0.weight": torch.ones(1, 2), "new": torch.ones(1)}, strict=False), one[0].weight)
    state = one.state_dict()
    state["0.weight"].fill_(7.0)
    print(one[0].weight, one.state_dict(keep_vars=True))
    """
    )


def test_parameters_print_the_same() -> None:
    agree(
        """
    print(nn.Parameter(torch.tensor([1.0, 2.0])), nn.Parameter(torch.tensor(3.0)))
    print(nn.Parameter(torch.ones(2), requires_grad=False), [nn.Parameter(torch.ones(1))])
    t = torch.ones(2)
    p = nn.Parameter(t)
    t.mul_(3)
    q = p * 2
    isleaf = p.is_leaf, isinstance(p, torch.Tensor), isinstance(q, nn.Parameter)
    p.data.zero_()
    """
    )


def test_gains_agree() -> None:
    agree(
        """
    gains = [nn.init.calculate_gain(n) for n in ("linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu")]
    slope = nn.init.calculate_gain("leaky_relu", 0.5)
    """
    )


REFUSED: dict[type[Exception], dict[str, str]] = {
    ValueError: {
        "an unknown reduction": "F.mse_loss(torch.ones(2), torch.ones(2), reduction='avg')",
        "an unknown reduction of a module": "nn.CrossEntropyLoss(reduction='avg')(torch.ones(1, 2), torch.tensor([0]))",
        "too few targets": "F.cross_entropy(torch.ones(4, 3), torch.tensor([0, 1, 2]))",
        "probabilities of another shape": "F.binary_cross_entropy(torch.ones(2, 1), torch.ones(2))",
        "logits of another shape": "F.binary_cross_entropy_with_logits(torch.ones(2, 1), torch.ones(2))",
        "fans of a vector": "nn.init.xavier_uniform_(torch.ones(2))",
        "an unknown nonlinearity": "nn.init.calculate_gain('foo')",
        "an unknown mode": "nn.init.kaiming_uniform_(torch.ones(2, 2), mode='x')",
        "a mode that is no truth": "nn.Linear(1, 1).train('x')",
    },
    RuntimeError: {
        "features that do not fit": "nn.Linear(2, 3)(torch.ones(4, 5))",
        "features of a vector that do not fit": "nn.Linear(2, 3)(torch.ones(5))",
        "no features": "nn.Linear(2, 3)(torch.tensor(1.0))",
        "integers into a layer": "nn.Linear(2, 3)(torch.ones(4, 2, dtype=torch.int64))",
        "another dtype into a layer": "nn.Linear(2, 3)(torch.ones(4, 2, dtype=torch.float64))",
        "a target that does not broadcast": "F.mse_loss(torch.ones(4, 2), torch.ones(4))",
        "targets with a point": "F.cross_entropy(torch.ones(4, 3), torch.ones(4))",
        "targets of int32": "F.cross_entropy(torch.ones(3, 3), torch.tensor([0, 1, 2], dtype=torch.int32))",
        "targets with an axis too many": "F.cross_entropy(torch.ones(2, 3), torch.tensor([[0], [1]]))",
        "integer probabilities": "F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int64))",
        "too few weights": "F.cross_entropy(torch.ones(1, 3), torch.tensor([0]), torch.ones(2))",
        "too much smoothing": "F.cross_entropy(torch.ones(1, 3), torch.tensor([0]), label_smoothing=2.0)",
        "no probabilities": "F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0]))",
        "nan for a probability": "F.binary_cross_entropy(torch.tensor([float('nan')]), torch.tensor([1.0]))",
        "a target that is no probability": "F.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([3.0]))",
        "an unknown approximation": "F.gelu(torch.ones(1), approximate='x')",
        "one_hot classes that do not fit": "F.one_hot(torch.tensor([0, 2]), 2)",
        "a name that is missing": "nn.Linear(1, 1).load_state_dict({})",
        "a name too many": "nn.Tanh().load_state_dict({'x': torch.ones(1)})",
        "a state of another shape": "nn.Tanh().load_state_dict(nn.Linear(1, 1).state_dict())",
        "a list in a state": "nn.Linear(1, 1).load_state_dict({'weight': [[1.0]], 'bias': torch.ones(1)})",
        "a layer of negative size": "nn.Linear(-1, 2)",
    },
    IndexError: {
        "a target that is no class": "F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3]))",
        "a negative target": "F.cross_entropy(torch.ones(2, 3), torch.tensor([0, -1]))",
        "a module that is not there": "nn.Sequential(nn.Tanh())[5]",
        "axes that are not there": "nn.Flatten()(torch.ones(2))",
    },
    TypeError: {
        "a tensor as a parameter": "nn.Linear(1, 1).weight = torch.ones(1, 1)",
        "a module as a parameter": "nn.Linear(1, 1).weight = nn.Tanh()",
        "a number as a child": "nn.Sequential(nn.Tanh())[0] = 3",
        "a number as a module": "nn.Sequential(3)",
        "a number registered as a module": "nn.Tanh().add_module('x', 3)",
        "a tensor registered as a parameter": "nn.Tanh().register_parameter('x', torch.ones(1))",
        "a name that is no text": "nn.Tanh().register_parameter(3, nn.Parameter(torch.ones(1)))",
        "a number registered as a buffer": "nn.Tanh().register_buffer('x', 3)",
        "a state that is no dictionary": "nn.Tanh().load_state_dict(3)",
        "a dtype without a point": "nn.Linear(1, 1).to(torch.int64)",
    },
    KeyError: {
        "a dot in a name": "nn.Tanh().register_parameter('a.b', nn.Parameter(torch.ones(1)))",
        "no name": "nn.Tanh().add_module('', nn.Tanh())",
        "a name that is taken": "nn.Tanh().register_buffer('forward', torch.ones(1))",
    },
    AttributeError: {
        "a child before __init__": "type('N', (nn.Module,), {'__init__': lambda s: setattr(s, 'a', nn.Tanh())})()",
        "an unknown name": "nn.Linear(1, 1).weigth",
        "an unknown parameter": "nn.Linear(1, 1).get_parameter('weigth')",
        "an unknown module": "nn.Sequential(nn.Tanh()).get_submodule('1')",
    },
    NotImplementedError: {
        "no forward": "nn.Module()(1)",
        "the forward of a list": "nn.ModuleList([nn.Tanh()])(1)",
    },
}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [(kind, statement) for kind, group in REFUSED.items() for statement in group.values()],
    ids=[f"{kind.__name__}: {name}" for kind, group in REFUSED.items() for name in group],
)
def test_what_is_refused_is_refused_in_the_same_way(kind: type[Exception], statement: str) -> None:
    agree(statement, raises=kind)
