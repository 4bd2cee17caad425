"""What PyTorch refuses is refused here, in the same line, by an exception that the same except clause catches."""

from __future__ import annotations

import re
import textwrap

import pytest

from symdiff import SymdiffError
from tests.eager.parity import agree, ours, run

GIVEN = """
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    v = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    i = torch.tensor([1, 2, 3])
    b = torch.tensor([True, False, True])
    s = torch.tensor(2.0, requires_grad=True)
    y = x * 2

    class SQ(torch.autograd.Function):
        @staticmethod
        def forward(ctx, i):
            ctx.save_for_backward(i)
            return i * i
        @staticmethod
        def backward(ctx, g):
            i, = ctx.saved_tensors
            return 2 * i * g
"""

REFUSED: dict[type[Exception], dict[str, str]] = {
    RuntimeError: {
        "an integer tensor cannot require gradients": "torch.tensor([1, 2], requires_grad=True)",
        "a boolean tensor cannot require gradients": "torch.ones(2, dtype=torch.bool, requires_grad=True)",
        "an integer tensor cannot be made to require gradients": "i.requires_grad_()",
        "an integer tensor cannot be set to require gradients": "i.requires_grad = True",
        "an integer Parameter": "nn.Parameter(i)",
        "backward of a vector": "y.backward()",
        "backward of a vector by the function": "torch.autograd.backward(y)",
        "grad of a vector": "torch.autograd.grad(y, x)",
        "backward of a constant": "torch.tensor(2.0).backward()",
        "backward of a detached result": "y.sum().detach().backward()",
        "backward of a comparison": "(y > 0).sum().backward()",
        "backward of an integer": "y.argmax().backward()",
        "backward of what no_grad computed": "with torch.no_grad():\n        z = s * s\n    z.backward()",
        "a second backward": "z = s * s\n    z.backward()\n    z.backward()",
        "a second backward through a shared part": "a = s.exp()\n    (a * 2).backward()\n    (a * 3).backward()",
        "grad after backward": "z = s * s\n    z.backward()\n    torch.autograd.grad(z, s)",
        "a gradient of another shape": "y.backward(torch.ones(3, 2))",
        "a scalar gradient for a matrix": "y.backward(torch.tensor(1.0))",
        "a matrix gradient for a scalar": "y.sum().backward(torch.ones(2, 3))",
        "one gradient for two outputs": "torch.autograd.grad([y, y * 2], x, [torch.ones(2, 3)])",
        "grad by what does not require it": "torch.autograd.grad(s * s, torch.tensor(1.0))",
        "grad by what was not used": "torch.autograd.grad(s * s, x)",
        "grad of what has none": "torch.autograd.grad(torch.tensor(1.0), s)",
        "grad of another shape": "x.grad = torch.ones(2)",
        "an in-place change of a leaf": "s += 1",
        "an in-place change that backward sees": "z = y * y\n    y += 1\n    z.sum().backward()",
        "an in-place result of another shape": "z = v * 1\n    z += torch.ones(2, 3)",
        "an in-place sum that would grow": "v.detach().add_(torch.ones(2, 3))",
        "an in-place result of another dtype": "i += 0.5",
        "an in-place result of another dtype by a tensor": "i.mul_(v.detach())",
        "in-place division of integers": "i /= 2",
        "retain_grad of what has no gradient": "i.retain_grad()",
        "a hook on what has no gradient": "i.register_hook(print)",
        "requires_grad switched off at a result": "y.requires_grad = False",
        "requires_grad switched off at a result by its method": "y.requires_grad_(False)",
        "NumPy of a tensor with gradients": "x.numpy()",
        "NumPy of a result": "y.numpy()",
        "deepcopy of a result": "import copy\n    copy.deepcopy(y)",
        "shapes that do not broadcast": "x + torch.ones(2)",
        "shapes that do not broadcast in a product": "x * torch.ones(2, 2)",
        "shapes that do not broadcast in a function": "torch.maximum(x, torch.ones(2, 2))",
        "shapes that do not broadcast in where": "torch.where(x > 0, x, torch.ones(4))",
        "shapes that do not broadcast in a comparison": "x > torch.ones(2)",
        "shapes that do not multiply": "x @ torch.ones(2, 3)",
        "shapes that do not multiply by a vector": "x @ torch.ones(2)",
        "vectors that do not multiply": "v @ torch.ones(2)",
        "a number in a matrix product": "s @ x",
        "mm of a vector": "torch.mm(x, v)",
        "mv of two matrices": "torch.mv(x, x)",
        "dot of matrices": "torch.dot(x, x)",
        "dot of other lengths": "torch.dot(v, torch.ones(2))",
        "bmm of matrices": "torch.bmm(x, x)",
        "outer of matrices": "torch.outer(x, x)",
        "a matrix product of two dtypes": "x @ torch.ones(3, dtype=torch.float64)",
        "a matrix product with integers": "x @ i",
        "dot of two dtypes": "torch.dot(v, i)",
        "F.linear of shapes that do not fit": "F.linear(x, torch.ones(4, 2))",
        "a layer of another size": "nn.Linear(2, 1)(x)",
        "einsum of shapes that do not fit": "torch.einsum('ij,jk->ik', x, x)",
        "einsum with too few operands": "torch.einsum('ij,jk->ik', x)",
        "einsum with too many letters": "torch.einsum('ijk->i', x)",
        "einsum with an unknown output letter": "torch.einsum('ij->k', x)",
        "reshape to another size": "x.reshape(4)",
        "view to another size": "x.view(4, 2)",
        "view of transposed memory": "x.T.view(6)",
        "reshape with two unknown sizes": "x.reshape(-1, -1)",
        "reshape with an unknown size that does not divide": "x.reshape(4, -1)",
        "expand of a real axis": "x.expand(4, 3)",
        "expand to fewer axes": "x.expand(3)",
        "permute with too few axes": "x.permute(0)",
        "permute with an axis twice": "x.permute(0, 0)",
        "t of three axes": "torch.ones(2, 2, 2).t()",
        "stack of other shapes": "torch.stack([x, v])",
        "stack of nothing": "torch.stack([])",
        "cat of other shapes": "torch.cat([x, torch.ones(2, 2)])",
        "cat of other numbers of axes": "torch.cat([x, torch.ones(1, 1, 3)])",
        "cat of numbers": "torch.cat([s, s])",
        "split into sizes that do not add up": "torch.split(x, [1, 1], dim=1)",
        "a negative size": "torch.zeros(-1)",
        "a negative size among others": "torch.ones(2, -3)",
        "a negative size of random numbers": "torch.rand(-2)",
        "a negative number of steps": "torch.linspace(0, 1, -2)",
        "arange in the wrong direction": "torch.arange(3, 0)",
        "arange with step zero": "torch.arange(0, 3, 0)",
        "assignment of another shape": "torch.zeros(3)[0:2] = torch.ones(3)",
        "assignment of another shape through a mask": "z = torch.zeros(3)\n    z[b] = torch.ones(3)",
        "assignment of another shape to a row": "z = torch.zeros(2, 3)\n    z[0] = torch.ones(2)",
        "subtraction of truth values": "b - b",
        "subtraction of a truth value": "1 - b",
        "minus a truth value": "-b",
        "an integer to a negative power": "i ** -1",
        "an object": "torch.tensor(object())",
        "the bits of floating tensors": "v & v",
        "the mean of integers": "i.mean()",
        "the standard deviation of integers": "i.std()",
        "the mean of truth values": "b.mean()",
        "softmax of integers": "i.softmax(0)",
        "the truth of several elements": "bool(v)",
        "the truth of no element": "bool(torch.tensor([]))",
        "if of several elements": "if v > 0:\n        pass",
        "the item of several elements": "v.item()",
        "the argmax of nothing: max": "torch.tensor([]).max()",
        "chained comparison of several elements": "0 < v < 1",
        "and of several elements": "(v > 0) and (v < 1)",
        "a loss of shapes that do not broadcast": "F.mse_loss(x, torch.ones(2))",
        "cross entropy of floating classes of another shape": "F.cross_entropy(x, torch.tensor([0.0, 1.0]))",
        "BCE of integers with logits": "F.binary_cross_entropy(torch.tensor([2.0]), torch.tensor([1.0]))",
        "a state dict that lacks a part": "nn.Linear(2, 1).load_state_dict({'weight': torch.ones(1, 2)})",
        "a state dict of another shape": "nn.Linear(2, 1, bias=False).load_state_dict({'weight': torch.ones(1)})",
        "a state dict with a part too many": "nn.ReLU().load_state_dict({'weight': torch.ones(1)})",
        "sqrt_ of integers": "i.sqrt_()",
        "masked_fill with a mask that is none": "x.masked_fill(i, 0)",
        "a Function that is called": "SQ()(s)",
        "once differentiable, twice": """from torch.autograd.function import once_differentiable
    class Once(SQ):
        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            i, = ctx.saved_tensors
            return 2 * i * g
    g, = torch.autograd.grad(Once.apply(s), s, create_graph=True)
    g.backward()""",
        "a Function that returns too many gradients": """class Two(SQ):
        @staticmethod
        def backward(ctx, g):
            return g, g
    Two.apply(s).backward()""",
        "a Function that returns too few gradients": """class Two(SQ):
        @staticmethod
        def forward(ctx, a, b):
            return a * b
        @staticmethod
        def backward(ctx, g):
            return g
    Two.apply(s, s * 2).backward()""",
        "a Function that returns a gradient of another shape": """class Other(SQ):
        @staticmethod
        def backward(ctx, g):
            return torch.ones(7)
    Other.apply(v).sum().backward()""",
        "a Function that saves a value changed later": """z = SQ.apply(y)
    y.add_(1)
    z.sum().backward()""",
        "saved tensors a second time": "z = SQ.apply(s)\n    z.backward()\n    z.backward()",
        "grad of a function with a vector value": "torch.func.grad(lambda x: x * 2)(v)",
        "grad of sin of a vector": "torch.func.grad(torch.sin)(v)",
        "hessian of a vector function": "torch.autograd.functional.hessian(lambda x: x * 2, v)",
        "vjp without a vector for a vector function": "torch.autograd.functional.vjp(lambda x: x * 2, v)",
        "jvp without a vector for a vector input": "torch.autograd.functional.jvp(lambda x: x * 2, v)",
        "anomaly detection at a nan": """with torch.autograd.detect_anomaly():
        torch.sqrt(s - 3).backward()""",
    },
    IndexError: {
        "an index out of range": "v[3]",
        "a negative index out of range": "v[-4]",
        "an index of a matrix out of range": "x[2]",
        "a column out of range": "x[0, 3]",
        "too many indices": "v[0, 0]",
        "an index of a number": "s[0]",
        "a tensor of indices out of range": "v[torch.tensor([0, 3])]",
        "a list of indices out of range": "v[[0, 5]]",
        "an axis out of range": "x.sum(2)",
        "an axis out of range in max": "x.max(2)",
        "an axis out of range in softmax": "x.softmax(2)",
        "an axis out of range in unsqueeze": "x.unsqueeze(4)",
        "an axis out of range in squeeze": "x.squeeze(3)",
        "an axis out of range in transpose": "x.transpose(0, 2)",
        "an axis out of range in cat": "torch.cat([x, x], dim=2)",
        "an axis out of range in stack": "torch.stack([x, x], dim=4)",
        "an axis out of range in size": "x.size(2)",
        "a mask of another length": "v[torch.tensor([True, False])]",
        "a mask of another shape": "x[torch.ones(3, 3) > 0]",
        "a floating tensor as an index": "v[torch.tensor([0.0])]",
        "indices that do not broadcast": "x[torch.tensor([0, 1]), torch.tensor([0, 1, 2])]",
        "a shape's index": "x.shape[2]",
        "argmax of nothing": "torch.tensor([]).argmax()",
        "a class out of range": "F.cross_entropy(x, torch.tensor([0, 3]))",
        "an assignment out of range": "torch.zeros(3)[3] = 1",
        "a row of a data set out of range": "torch.utils.data.TensorDataset(x)[2]",
    },
    ValueError: {
        "a ragged list": "torch.tensor([[1.0, 2.0], [3.0]])",
        "a ragged deep list": "torch.tensor([[[1.0]], [[1.0, 2.0]]])",
        "a step that is negative": "v[::-1]",
        "a step of zero": "v[::0]",
        "the wrong number of values to unpack": "a, b = v",
        "SGD with a negative rate": "torch.optim.SGD([v], lr=-1)",
        "SGD with a negative momentum": "torch.optim.SGD([v], lr=0.1, momentum=-1)",
        "nesterov without momentum": "torch.optim.SGD([v], lr=0.1, nesterov=True)",
        "Adam with a beta of two": "torch.optim.Adam([v], betas=(2, 0.9))",
        "an optimizer without parameters": "torch.optim.SGD([], lr=0.1)",
        "an optimizer of a result": "torch.optim.SGD([y], lr=0.1)",
        "an unknown reduction": "F.mse_loss(x, x, reduction='median')",
        "cross entropy of other batches": "F.cross_entropy(x, torch.tensor([0, 1, 2]))",
        "BCE of other shapes": "nn.BCEWithLogitsLoss()(v, torch.ones(2))",
        "a batch size of zero": "torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=0)",
        "vmap over other sizes": "torch.func.vmap(torch.mul)(v, torch.ones(2))",
        "a mode that gradcheck cannot check": "torch.autograd.gradcheck(torch.sin, (v.detach(),))",
    },
    TypeError: {
        "a dtype that is none": "torch.zeros(2, dtype=7)",
        "a text as a number": "torch.zeros('a')",
        "a text in arithmetic": "x + 'a'",
        "None in arithmetic": "x * None",
        "a list in arithmetic": "x + [1.0, 2.0, 3.0]",
        "sum of a list": "torch.sum([1.0, 2.0])",
        "matmul with a number": "x @ 2",
        "a fractional axis": "x.sum(0.5)",
        "a fractional size": "torch.zeros(2.5)",
        "stack of numbers": "torch.stack([1.0, 2.0])",
        "an unknown argument": "torch.ones(2, shape=3)",
        "a missing argument": "torch.full((2,))",
        "a product with a set": "x * {1}",
        "iteration over a number": "list(s)",
        "the length of a number": "len(s)",
        "grad by a number": "torch.autograd.grad(s * s, 3.0)",
        "grad that is no tensor": "x.grad = 1.0",
        "a layer without input": "nn.Linear(2, 1)()",
        "a Function with an argument too many": "SQ.apply(s, s)",
        "saving a number": """class Bad(SQ):
        @staticmethod
        def forward(ctx, i):
            ctx.save_for_backward(3.0)
            return i
    Bad.apply(s)""",
        "a Parameter that is a number": "nn.Linear(2, 1).weight = 3.0",
        "optimizer of a tensor": "torch.optim.SGD(v, lr=0.1)",
        "optimizer of numbers": "torch.optim.SGD([1.0], lr=0.1)",
        "a module that is none in a Sequential": "nn.Sequential(nn.Linear(2, 1), 'relu')",
        "from_numpy of a list": "torch.from_numpy([1.0])",
        "the logical not of a floating tensor": "~v",
        "a range of a floating number": "range(s)",
    },
    AttributeError: {
        "an unknown function": "torch.sinn(x)",
        "an unknown method": "x.sinn()",
        "an unknown dtype": "torch.float33",
        "an unknown layer": "nn.Linaer(1, 1)",
        "an unknown attribute of a module": "nn.Linear(1, 1).wieght",
        "a parameter before super().__init__()": """class Early(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(torch.ones(1))
    Early()""",
        "zero_ of a missing grad": "s.grad.zero_()",
        "grad_fn is not to be set": "y.grad_fn = None",
        "is_leaf is not to be set": "y.is_leaf = True",
        "requires_grad of a shape": "x.shape.requires_grad",
    },
    NotImplementedError: {
        "a Module without forward": "nn.Module()(x)",
        "a Function without backward": """class Half(torch.autograd.Function):
        @staticmethod
        def forward(ctx, i):
            return i * 2
    Half.apply(s).backward()""",
        "a Function without forward": """class Half(torch.autograd.Function):
        @staticmethod
        def backward(ctx, g):
            return g
    Half.apply(s)""",
    },
}

CASES = [
    pytest.param(source, kind, id=f"{name}: {kind.__name__}")
    for kind, group in REFUSED.items()
    for name, source in group.items()
]


@pytest.mark.parametrize(("source", "kind"), CASES)
def test_it_is_refused_by_the_same_kind_of_exception(source: str, kind: type[Exception]) -> None:
    agree(GIVEN, "    " + source, raises=kind)


MISMATCHES = [
    "x + torch.ones(4)",
    "x @ torch.ones(4)",
    "torch.maximum(x, torch.ones(4))",
    "x.detach().add_(torch.ones(4))",
]
MISMATCHES += ["y.backward(torch.ones(4))", "torch.cat([x, torch.ones(1, 4)])", "torch.stack([x, torch.ones(4)])"]


@pytest.mark.parametrize("source", MISMATCHES)
def test_a_mismatch_names_both_shapes(source: str) -> None:
    _, own = agree(GIVEN, "    " + source, raises=RuntimeError)
    assert re.search(r"2, 3\b.*\b4\b", str(own.raised)) or re.search(r"\b4\b.*\b2, 3", str(own.raised))


UNSUPPORTED = ["torch.tensor(1 + 2j)", "torch.tensor([1.0, 2j])", "v * 1j", "1j + v", "torch.tensor(np.array([1j]))"]
UNSUPPORTED += ["torch.from_numpy(np.array([1j]))", "torch.zeros(2, dtype=complex)"]


@pytest.mark.parametrize("expression", UNSUPPORTED)
def test_complex_numbers_are_refused_and_the_message_says_so(expression: str) -> None:
    """PyTorch has them."""
    outcome = run(textwrap.dedent(GIVEN) + expression, ours)
    assert isinstance(outcome.raised, SymdiffError)
    assert isinstance(outcome.raised, TypeError | ValueError | RuntimeError)
    assert "complex" in str(outcome.raised)
