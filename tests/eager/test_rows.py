"""Tensors know the operations of the table, all of them and no others: a row added or removed is so here too."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import symdiff as sd
import symdiff.eager as torch
from symdiff.ops import OPS, Op, find, remove
from tests.test_runtime_operation import add_cubic


@pytest.fixture
def cubic() -> Iterator[Op]:
    op = add_cubic()
    yield op
    if find("cubic") is op:
        remove(op)


def test_a_new_row_is_a_function_and_a_method_with_derivatives(cubic: Op) -> None:
    x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    y = torch.cubic(x)
    assert torch.equal(y, x.cubic())
    assert y.grad_fn.name() == "CubicBackward0"
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert slope.tolist() == [3 * 0.25 - 1, 11.0]
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [3.0, 12.0]
    assert "cubic" in dir(torch)
    assert y[0].expression(x=x) == sd.parse("cubic(x[0])") if hasattr(y, "expression") else True


def test_a_removed_row_is_gone(cubic: Op) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    assert torch.cubic(x).item() == 6.0
    remove(cubic)
    with pytest.raises(AttributeError, match="cubic"):
        torch.cubic(x)
    with pytest.raises(AttributeError, match="cubic"):
        x.cubic()
    with pytest.raises(AttributeError, match="cubic_"):
        x.cubic_()


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.arity == 1 and not op.condition])
def test_every_row_of_one_argument_acts_on_tensors_as_on_formulas(name: str) -> None:
    f = sd.parse(f"{name}(x)") if not OPS[name].infix else sd.parse("-x" if name == "neg" else "not x")
    points = np.array([-1.7, -0.6, 0.3, 0.8, 1.9])
    with np.errstate(all="ignore"):
        want = f.at(x=points)
    x = torch.tensor(points, requires_grad=True)
    y = OPS[name](x)
    y.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), want.value)
    gradient = np.zeros(5) if x.grad is None else x.grad.numpy()
    # where the sum is nan, every entry is: the formula speaks of each point alone
    if not np.isnan(want.value).any():
        np.testing.assert_allclose(gradient, want.grad["x"], rtol=4e-15)


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_function_of_the_table_is_in_the_namespace(name: str) -> None:
    op = OPS[name]
    if op.arity == 0 or op.infix == "[]" or not name.isidentifier() or op.condition:
        return
    assert callable(getattr(torch, name))
