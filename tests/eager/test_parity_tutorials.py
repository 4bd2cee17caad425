"""Everything that the four tutorials show (../shared/TUTORIALS.md) has the same numbers, attributes and text here."""

from __future__ import annotations

import pytest

from tests.eager.parity import agree

FORMULAS = [
    ("3*x**2", {"x": 3}, 27, [18]),
    ("6*x**2 + 2*x + 4", {"x": 3}, 64, [38]),
    ("x**2", {"x": 9}, 81, [18]),
    ("x**2", {"x": 2}, 4, [4]),
    ("x*x", {"x": 2}, 4, [4]),
    ("x**2 + 2*x + 1", {"x": 2}, 9, [6]),
    ("2*x**3 + x", {"x": 1}, 3, [7]),
    ("torch.sin(x / (2 * 2**0.5))", {"x": 100}, -0.7158, [-0.2469]),
    ("torch.sin(x / 2**1.5)", {"x": 100}, -0.7158, [-0.2469]),
    ("u**3 + v**2 + 4*u*v", {"u": 3, "v": 4}, 91, [43, 20]),
    ("u**2 + v**3 + u*v", {"u": 2, "v": 4}, 76, [8, 50]),
    ("u*v + u**2", {"u": 1, "v": 2}, 3, [4, 1]),
    ("u*v + (u*v)**2", {"u": 2, "v": 1}, 6, [5, 10]),
    ("x**2 + y**3", {"x": 2, "y": 3}, 31, [4, 27]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("formula", "at", "value", "grads"), FORMULAS, ids=[row[0] for row in FORMULAS])
def test_a_formula_has_the_value_and_the_derivatives_of_the_tutorials(
    formula: str, at: dict[str, int], value: float, grads: list[float], dtype: str
) -> None:
    leaves = "\n".join(f"{v} = torch.tensor({n}., dtype=torch.{dtype}, requires_grad=True)" for v, n in at.items())
    seen = agree(f"{leaves}\nf = {formula}\nf.backward()\nprint(f, {', '.join(f'{v}.grad' for v in at)})")
    for outcome in seen:  # four digits are what the tutorials print
        assert outcome.values["f"].values == pytest.approx(value, abs=5e-5)
        assert [outcome.values[v].grad.values for v in at] == pytest.approx(grads, abs=5e-5)


PRINTS = [
    ("torch.tensor(3.0, requires_grad=True)", "tensor(3., requires_grad=True)"),
    ("3 * x**2", "tensor(27., grad_fn=<MulBackward0>)"),
    ("6 * x**2 + 2*x + 4", "tensor(64., grad_fn=<AddBackward0>)"),
    ("x**2", "tensor(9., grad_fn=<PowBackward0>)"),
    ("torch.sin(x)", "tensor(0.1411, grad_fn=<SinBackward0>)"),
    ("torch.sum(x * x)", "tensor(9., grad_fn=<SumBackward0>)"),
    ("(x * x).sum()", "tensor(9., grad_fn=<SumBackward0>)"),
    ("torch.relu(x)", "tensor(3., grad_fn=<ReluBackward0>)"),
    ("x.detach()", "tensor(3.)"),
    ("(x**2).item()", "9.0"),
    ("(x * x).data", "tensor(9.)"),
    ("x.shape", "torch.Size([])"),
    ("x.dtype", "torch.float32"),
    ("x.grad", "None"),
    ("x.grad_fn", "None"),
    ("x.is_leaf, x.requires_grad", "True True"),
    ("torch.tensor([2.0, 3.0], requires_grad=True)", "tensor([2., 3.], requires_grad=True)"),
    ("type(x)", "<class 'torch.Tensor'>"),
]


@pytest.mark.parametrize(("expression", "text"), PRINTS, ids=[row[0] for row in PRINTS])
def test_a_tensor_prints_as_there(expression: str, text: str) -> None:
    for outcome in agree(f"x = torch.tensor(3.0, requires_grad=True)\nprint({expression})"):
        assert outcome.printed == text + "\n"


SNIPPETS = {
    "only floating dtypes may require gradients": """
        kinds = []
        for dtype in (torch.float32, torch.float64):
            kinds.append(torch.tensor([1, 2], dtype=dtype, requires_grad=True).requires_grad)
        for dtype in (torch.int64, torch.int32, torch.bool):
            try:
                torch.tensor([1, 2], dtype=dtype, requires_grad=True)
            except RuntimeError:
                kinds.append("refused")
    """,
    "the attributes of a leaf and of a result before and after backward": """
        def show(t):
            print(t.data, t.grad, t.grad_fn, t.is_leaf, t.requires_grad)
        x = torch.tensor(2.0, requires_grad=True)
        y = x**2
        show(x)
        show(y)
        y.backward()
        show(x)
        show(y)
    """,
    "the attributes of a tensor without gradients": """
        x = torch.tensor(7.0)
        y = x * 2
        print(x.data, x.grad, x.grad_fn, x.is_leaf, x.requires_grad)
        print(y.data, y.grad, y.grad_fn, y.is_leaf, y.requires_grad)
    """,
    "the grad of a result is None, with a warning": """
        x = torch.tensor(3.0, requires_grad=True)
        y = x**2
        z = 5 * y
        z.backward()
        print(y.grad)
        print(x.grad)
    """,
    "retain_grad keeps the grad of a result": """
        x = torch.tensor(3.0, requires_grad=True)
        y = x**2
        print(y.retains_grad)
        y.retain_grad()
        print(y.retains_grad)
        z = 5 * y
        z.backward()
        print(y.grad, x.grad)
    """,
    "next_functions lead from z to x and y": """
        x = torch.tensor(2.0, requires_grad=True)
        y = torch.tensor(3.0, requires_grad=True)
        z = x**2 + y**3
        def walk(node, depth=0):
            print("  " * depth + type(node).__name__)
            for below, index in node.next_functions:
                if below is not None:
                    assert index == 0
                    walk(below, depth + 1)
        walk(z.grad_fn)
        leaves = [powers[0].next_functions[0][0].variable for powers in z.grad_fn.next_functions]
        same = leaves[0] is x and leaves[1] is y
        z.backward()
    """,
    "a constant leaves a gap among next_functions": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x * torch.tensor(5.0)
        gap = y.grad_fn.next_functions[1]
        print(len(y.grad_fn.next_functions), gap)
        print(y.grad_fn, y.grad_fn.name())
    """,
    "an external gradient for a vector": """
        x = torch.tensor([2.0, 3.0], requires_grad=True)
        y = x * x
        y.backward(torch.tensor([1.0, 1.0]))
        print(y, x.grad)
    """,
    "a vector without an external gradient is refused": """
        x = torch.tensor([2.0, 3.0], requires_grad=True)
        y = x * x
        try:
            y.backward()
        except RuntimeError:
            print("refused")
        y.backward(gradient=torch.tensor([1.0, 0.5]))
    """,
    "a Jacobian product equals the analytic partials": """
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = torch.stack([x[0] ** 2, x[1] ** 3, x[2] ** 4])
        v = torch.tensor([1.0, 1.0, 1.0])
        y.backward(v)
        analytic = torch.tensor([2 * x[0], 3 * x[1] ** 2, 4 * x[2] ** 3])
        same = torch.allclose(x.grad, analytic)
        print(x.grad)
    """,
    "a Jacobian product into a tensor filled by index": """
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = torch.zeros(3)
        y[0] = x[0] ** 2
        y[1] = x[1] ** 3
        y[2] = x[2] ** 4
        print(y)
        y.backward(gradient=torch.ones(3))
        print(x.grad)
    """,
    "no_grad records nothing": """
        x = torch.tensor(2.0, requires_grad=True)
        with torch.no_grad():
            y = x**2
        print(y, y.requires_grad, y.grad_fn)
        try:
            y.backward()
        except RuntimeError:
            print("refused")
    """,
    "no_grad as a decorator": """
        @torch.no_grad()
        def double(x):
            return x * 2
        @torch.no_grad
        def triple(x):
            return x * 3
        x = torch.tensor(2.0, requires_grad=True)
        y, z = double(x), triple(x)
        after = x * 2
        name = double.__name__
    """,
    "enable_grad within no_grad": """
        x = torch.tensor(2.0, requires_grad=True)
        states = [torch.is_grad_enabled()]
        with torch.no_grad():
            states.append(torch.is_grad_enabled())
            with torch.enable_grad():
                states.append(torch.is_grad_enabled())
                y = x * 3
            z = x * 3
        @torch.enable_grad()
        def f(x):
            return x * x
        with torch.no_grad():
            w = f(x)
    """,
    "inference_mode as a context and as a decorator": """
        x = torch.tensor(2.0, requires_grad=True)
        with torch.inference_mode():
            y = x * x
            value = y.item()
            inside = y.requires_grad, torch.is_grad_enabled()
        @torch.inference_mode()
        def f(x):
            return x * 2
        flags = f(x).requires_grad, torch.is_grad_enabled()
        z = x * 2
    """,
    "set_grad_enabled as a function and as a context": """
        x = torch.tensor(2.0, requires_grad=True)
        torch.set_grad_enabled(False)
        y = x * 2
        torch.set_grad_enabled(True)
        with torch.set_grad_enabled(False):
            z = x * 2
        for train in (True, False):
            with torch.set_grad_enabled(train):
                print((x * 2).requires_grad)
        w = x * 2
    """,
    "no_grad is left by an exception": """
        x = torch.tensor(2.0, requires_grad=True)
        try:
            with torch.no_grad():
                raise KeyError
        except KeyError:
            pass
        y = x * 2
    """,
    "requires_grad_ switches gradients on and off": """
        x = torch.tensor([1.0, 2.0])
        print(x.requires_grad)
        y = x.requires_grad_()
        same = y is x
        print(x)
        x.requires_grad_(False)
        print(x)
        x.requires_grad = True
        (x * x).sum().backward()
    """,
    "detach shares the numbers and not the graph": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        z = y.detach()
        print(z, z.requires_grad, z.is_leaf)
        (y + z).sum().backward()
        z[0] = 50.0
        print(y)
    """,
    "conversion to NumPy": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x**2
        a = y.detach().numpy()
        b = y.data.numpy()
        c = torch.tensor([1, 2]).numpy()
        d = np.asarray(torch.tensor([1.0, 2.0]))
        e = torch.from_numpy(np.array([1.0, 2.0]))
    """,
    "the sum trick": """
        outcomes = {}
        for low, high, count in ((-10, 10, 10), (-10, 10, 1000), (-20, 20, 20)):
            for name, f in (("relu", torch.relu), ("square", lambda x: x**2), ("F.relu", F.relu)):
                x = torch.linspace(low, high, count, requires_grad=True)
                Y = f(x)
                y = torch.sum(Y)
                y.backward()
                outcomes[name, low, count] = x.detach().numpy(), Y.detach().numpy(), x.grad.numpy()
    """,
    "linspace requires gradients on request and prints": """
        x = torch.linspace(-10, 10, 10, requires_grad=True)
        print(x)
        print(x**2)
    """,
    "gradients accumulate until they are zeroed": """
        x = torch.tensor(2.0, requires_grad=True)
        for _ in range(2):
            y = x**2
            y.backward()
            print(x.grad)
        x.grad.zero_()
        print(x.grad)
        y = x**2
        y.backward()
        print(x.grad)
        x.grad = None
        y = x**2
        y.backward()
    """,
    "a second backward adds to the first when the graph is retained": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x**2
        y.backward(retain_graph=True)
        print(x.grad)
        y.backward()
        print(x.grad)
    """,
    "a second backward is refused": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x**2
        y.backward()
        try:
            y.backward()
        except RuntimeError:
            print("refused")
    """,
    "an in-place change of a leaf is refused": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x**2
        try:
            x += 1
        except RuntimeError:
            print("refused")
        y.backward()
    """,
    "an in-place change of a value that backward needs is refused": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x * 2
        z = y * y
        y += 1
        try:
            z.backward()
        except RuntimeError:
            print("refused")
    """,
    "the same without the change gives 8": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x * 2
        z = y * y
        z.backward()
        print(y, z, x.grad)
    """,
    "an in-place change of an added value does no harm": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x * 2
        z = y + 1
        y += 1
        z.backward()
    """,
    "a custom Function": """
        class SQ(torch.autograd.Function):
            @staticmethod
            def forward(ctx, i):
                result = i**2
                ctx.save_for_backward(i)
                return result
            @staticmethod
            def backward(ctx, grad_output):
                i, = ctx.saved_tensors
                grad_input = 2 * i
                return grad_output * grad_input
        x = torch.tensor(2.0, requires_grad=True)
        sq = SQ.apply
        y = sq(x)
        print(y)
        print(y.grad_fn)
        y.backward()
        print(x.grad)
        del sq
    """,
    "higher orders by autograd.grad": """
        x = torch.tensor(2.0, requires_grad=True)
        y = x**3 + x**2
        first = torch.autograd.grad(y, x, create_graph=True)[0]
        second = torch.autograd.grad(first, x, create_graph=True)[0]
        third = torch.autograd.grad(second, x)[0]
        numbers = first.item(), second.item(), third.item()
        print(y, numbers)
        del first, second, third
    """,
    "higher orders by backward": """
        from torch.autograd import grad
        x = torch.tensor(2.0, requires_grad=True)
        y = x**3 + x**2
        g = grad(y, x, create_graph=True)
        print(len(g), g[0].item(), g[0].requires_grad)
        g[0].backward()
        print(x.grad)
        del g
    """,
    "a gradient with respect to several variables": """
        u = torch.tensor(2.0, requires_grad=True)
        v = torch.tensor(4.0, requires_grad=True)
        f = u**2 + v**3 + u * v
        du, dv = torch.autograd.grad(f, (u, v))
        print(du, dv, u.grad)
    """,
    "the sensitivity of a network's outputs to its inputs is dy/dx": """
        layer = nn.Linear(3, 2)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([[1.0, -2.0, 0.5], [0.25, 1.5, -1.0]]))
            layer.bias.fill_(0.1)
        x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
        y = torch.tanh(layer(x))
        rows = [torch.autograd.grad(y[0, i], x, retain_graph=True)[0] for i in range(2)]
        jacobian = torch.autograd.functional.jacobian(lambda x: torch.tanh(layer(x)).sum(0), x)
    """,
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_tensors_do_as_there(name: str) -> None:
    agree(SNIPPETS[name])


LINE = """
    X = torch.linspace(-5, 5, 100).view(-1, 1)
    noise = 0.4 * torch.sin(torch.arange(100) * 12.9898).view(-1, 1)
    Y = 2 * X - 1 + noise
    losses = []
"""

TRAINING = {
    "linear regression by hand": """
        w = torch.tensor(-10.0, requires_grad=True)
        b = torch.tensor(-20.0, requires_grad=True)
        for epoch in range(100):
            prediction = w * X + b
            loss = torch.mean((prediction - Y) ** 2)
            loss.backward()
            w.data = w.data - 0.1 * w.grad.data
            b.data = b.data - 0.1 * b.grad.data
            w.grad.data.zero_()
            b.grad.data.zero_()
            losses.append(loss.item())
        W, B = w, b
    """,
    "linear regression by hand within no_grad": """
        W = torch.tensor(-10.0, requires_grad=True)
        B = torch.tensor(-20.0, requires_grad=True)
        for epoch in range(100):
            loss = ((W * X + B - Y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                W -= 0.1 * W.grad
                B -= 0.1 * B.grad
            W.grad.zero_()
            B.grad.zero_()
            losses.append(loss.item())
    """,
    "linear regression by a Module with two Parameters": """
        class Line(nn.Module):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.tensor(-10.0))
                self.b = nn.Parameter(torch.tensor(-20.0))
            def forward(self, x):
                return self.w * x + self.b
        model = Line()
        criterion = nn.MSELoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(100):
            optimizer.zero_grad()
            prediction = model(X)
            loss = criterion(prediction, Y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        names = [name for name, _ in model.named_parameters()]
        state = model.state_dict()
        W, B = model.w, model.b
        print(W, B)
    """,
    "linear regression by a Linear layer and a DataLoader": """
        import torch.optim as optim
        from torch.utils.data import DataLoader, TensorDataset
        model = nn.Linear(1, 1)
        model.state_dict()["weight"][0] = -15
        model.state_dict()["bias"][0] = -10
        optimizer = optim.SGD(model.parameters(), lr=0.02)
        loader = DataLoader(TensorDataset(X, Y), batch_size=20)
        for epoch in range(60):
            for x, y in loader:
                loss = F.mse_loss(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            losses.append(loss.item())
        W, B = model.weight, model.bias
        print(model, len(loader), len(loader.dataset))
    """,
}


@pytest.mark.parametrize("name", TRAINING)
def test_a_line_is_fitted_in_the_same_steps(name: str) -> None:
    # Steps contract errors: what remains are those of the sums over 100 points of size 60 and less, once.
    real, own = agree(LINE, TRAINING[name], units=64, scale=1.0)
    for outcome in (real, own):
        assert outcome.values["W"].values.item() == pytest.approx(2, abs=0.05)
        assert outcome.values["B"].values.item() == pytest.approx(-1, abs=0.05)


def test_a_module_with_sgd_at_the_rate_of_the_tutorials() -> None:
    agree(
        LINE,
        """
    class Line(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor([0.25]))
            self.b = torch.nn.Parameter(torch.tensor([0.75]))
        def forward(self, x):
            return x * self.w + self.b
    model = Line()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(100):
        loss = nn.MSELoss()(model(X), Y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    parameters = list(model.parameters())
    """,
        units=64,
        scale=1.0,  # the sums over the points
    )


ROWS = """
    rows = torch.sin(torch.arange(400.0)).reshape(40, 10)
    target = rows.sum(1, keepdim=True) * 0.3 + 0.5
    model = nn.Linear(10, 1)
    with torch.no_grad():
        model.weight.copy_(torch.cos(torch.arange(10.0)).reshape(1, 10))
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""


def test_gradients_accumulate_over_batches() -> None:
    agree(
        ROWS,
        """
    steps, grads, losses = [], [], []
    optimizer.zero_grad()
    for i in range(4):
        batch = slice(10 * i, 10 * i + 10)
        loss = nn.MSELoss()(model(rows[batch]), target[batch]) / 2
        loss.backward()
        grads.append(model.weight.grad.clone())
        losses.append(loss.item())
        if (i + 1) % 2 == 0:
            optimizer.step()
            optimizer.zero_grad()
            steps.append(i + 1)
    none = model.weight.grad is None
    weight, bias = model.weight, model.bias
    """,
        units=64,
        scale=1.0,  # sums over ten rows of numbers up to 2
    )


def test_a_loader_gives_the_batches_of_the_accumulation() -> None:
    agree(
        ROWS,
        """
    from torch.utils.data import DataLoader, TensorDataset
    data = TensorDataset(rows, target)
    loader = DataLoader(data, batch_size=10, shuffle=False)
    shapes = [(x.shape, y.shape) for x, y in loader]
    total = sum(nn.functional.mse_loss(model(x), y).item() for x, y in loader)
    first, last = data[0], data[39]
    """,
        units=64,
        scale=1.0,  # as above
    )


POINTS = """
    points = torch.stack([torch.sin(torch.arange(24.0)), torch.cos(torch.arange(24.0) * 1.7)], dim=1)
    classes = (points[:, 0] * points[:, 1] > 0).long()
    net = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(0.7 * torch.sin(torch.arange(float(p.numel())) + i).reshape(p.shape))
"""


def test_the_gradient_of_the_sum_of_a_three_by_three_tensor_is_one_everywhere() -> None:
    agree("""
        x = torch.arange(9.0).reshape(3, 3).requires_grad_()
        s = x.sum()
        s.backward()
        print(x, s, x.grad)
    """)


@pytest.mark.parametrize(
    "optimizer",
    [
        "SGD(net.parameters(), lr=0.1)",
        "SGD(net.parameters(), lr=0.1, momentum=0.9)",
        "SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)",
        "SGD(net.parameters(), lr=0.1, weight_decay=0.01)",
        "SGD(net.parameters(), lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01)",
        "Adam(net.parameters(), lr=0.01)",
        "Adam(net.parameters(), lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.01)",
        "Adam(net.parameters(), lr=0.01, amsgrad=True)",
        "AdamW(net.parameters(), lr=0.01)",
        "AdamW(net.parameters(), lr=0.01, weight_decay=0.1)",
        "RMSprop(net.parameters(), lr=0.01)",
        "RMSprop(net.parameters(), lr=0.01, alpha=0.9, momentum=0.5, weight_decay=0.01)",
        "RMSprop(net.parameters(), lr=0.01, centered=True)",
        "SGD([{'params': net[0].parameters(), 'lr': 0.2}, {'params': net[2].parameters()}], lr=0.1)",
    ],
)
def test_a_network_takes_the_same_steps(optimizer: str) -> None:
    agree(
        POINTS,
        f"""
    optimizer = torch.optim.{optimizer}
    loss_fn = nn.CrossEntropyLoss()
    losses, flow = [], []
    for epoch in range(5):
        optimizer.zero_grad()
        loss = loss_fn(net(points), classes)
        loss.backward()
        flow.append([p.grad.abs().mean().item() for p in net.parameters()])
        optimizer.step()
        losses.append(loss.item())
    names = [(name, p.shape) for name, p in net.named_parameters()]
    parameters = list(net.parameters())
    hits = (net(points).argmax(dim=1) == classes).sum().item()
    print(net)
    """,
        units=4096,  # Adam and RMSprop divide by the root of a mean of squares, here as small as 1e-4
        scale=1.0,
    )


def test_first_and_second_derivatives_of_sin_at_several_points() -> None:
    agree("""
        for at in (0.0, 0.5, 1.0, 3.14159265 / 2, 3.14159265):
            x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
            y = torch.sin(x)
            first, = torch.autograd.grad(y, x, create_graph=True)
            second, = torch.autograd.grad(first, x)
            print(f"{at:.4f} {y.item():.4f} {first.item():.4f} {second.item():.4f}")
        del first, second
    """)
