"""Every row of the table of differences is true of both libraries, and the harness sees a difference where one is."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from tests.eager.differences import CHECKS, DIFFERENCES, Check, Difference
from tests.eager.parity import Tolerance, compare, ours, run, theirs

SLOPES = """
{leaves}
f = {code}
f.backward()
slopes = [{grads}]
"""


def slopes(row: Difference, library: object) -> list[float]:
    leaves = [f"{v} = torch.tensor({float(n)}, dtype=torch.float64, requires_grad=True)" for v, n in row.at.items()]
    grads = ", ".join(f"{v}.grad.item()" for v in row.at)
    outcome = run(SLOPES.format(leaves="\n".join(leaves), code=row.code, grads=grads), library)
    assert outcome.raised is None, outcome.raised
    found: list[float] = outcome.values["slopes"]
    return found


every_difference = pytest.mark.parametrize("row", DIFFERENCES, ids=str)


@every_difference
def test_pytorch_has_these_derivatives(row: Difference) -> None:
    np.testing.assert_allclose(slopes(row, theirs), row.theirs, rtol=1e-15)


@every_difference
def test_eager_tensors_have_those(row: Difference) -> None:
    np.testing.assert_allclose(slopes(row, ours), row.ours, rtol=1e-15)


@every_difference
def test_expressions_have_the_same_as_eager_tensors(row: Difference) -> None:
    grad = sd.parse(row.formula).at(row.at).grad
    np.testing.assert_allclose([grad[name] for name in row.at], row.ours, rtol=1e-15)


@every_difference
def test_a_true_derivative_is_what_differences_of_values_give(row: Difference) -> None:
    f, step = sd.parse(row.formula), 2.0**-20
    for name, truth in zip(row.at, row.truth, strict=True):
        if truth is not None:
            high, low = (f.at({**row.at, name: row.at[name] + sign * step}).value for sign in (1, -1))
            assert (high - low) / (2 * step) == pytest.approx(truth, rel=1e-5, abs=step)  # both differences are rough


# ---- gradcheck

CHECKED = """
class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return {value}
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * ({slope})

x = torch.tensor([{at!r}], dtype=torch.{dtype}, requires_grad=True)
verdict = torch.autograd.gradcheck(Function.apply, (x,), raise_exception=False)
"""


def verdict(check: Check, library: object) -> bool:
    outcome = run(CHECKED.format(**vars(check)), library)
    assert outcome.raised is None, outcome.raised
    return bool(outcome.values["verdict"])


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_pytorch_is_wrong_about_a_gradient(check: Check) -> None:
    assert check.theirs != check.right
    assert verdict(check, theirs) == check.theirs


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_gradcheck_here_is_right_about_it(check: Check) -> None:
    assert verdict(check, ours) == check.right


# ---- the harness


APART = [
    ("x = torch.tensor(1.0)", "x = torch.tensor(1.0 + 1e-5)"),
    ("x = torch.tensor(1.0)", "x = torch.tensor(1.0, dtype=torch.float64)"),
    ("x = torch.tensor(1.0)", "x = torch.tensor(1)"),
    ("x = torch.tensor(1.0)", "x = torch.tensor([1.0])"),
    ("x = torch.tensor(1.0)", "x = torch.tensor(1.0, requires_grad=True)"),
    ("x = torch.tensor(1.0)", "y = torch.tensor(1.0)"),
    ("x = torch.tensor(float('nan'))", "x = torch.tensor(0.0)"),
    ("x = torch.tensor(1.0).item()", "x = 1"),
    ("x = torch.tensor([1.0]).numpy()", "x = [1.0]"),
    ("x = (1, 2)", "x = [1, 2]"),
    ("x = {'a': 1}", "x = {'a': 1, 'b': 2}"),
    ("print(1)", "print(2)"),
    ("import warnings; warnings.warn('', UserWarning)", ""),
    ("raise ValueError", "raise TypeError"),
    ("raise ValueError", ""),
    ("", "raise ValueError"),
    ("raise ValueError", "\nraise ValueError"),
    ("x = torch.ones(2, requires_grad=True) * 1", "x = torch.ones(2, requires_grad=True) + 0"),
    (
        "x = torch.ones(1, requires_grad=True); x.sum().backward()",
        "x = torch.ones(1, requires_grad=True); (2 * x).sum().backward()",
    ),
]


@pytest.mark.parametrize("library", [theirs, ours], ids=["torch", "symdiff.eager"])
@pytest.mark.parametrize(("one", "other"), APART)
def test_the_harness_sees_a_difference(one: str, other: str, library: object) -> None:
    assert list(compare(run(one, library), run(other, library), Tolerance()))
    assert not list(compare(run(one, library), run(one, library), Tolerance()))
