"""Graphs: how deep they may be, that their memory goes, that threads do not mix, and that errors say where."""

from __future__ import annotations

import gc
import threading
import tracemalloc

import numpy as np
import pytest

import symdiff.eager as torch

DEPTH = 100_000


def chain(x: torch.Tensor, depth: int) -> torch.Tensor:
    for _ in range(depth):
        x = torch.sin(x)
    return x


def test_a_deep_graph_runs_backward() -> None:
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(DEPTH):
        y = y * 1.00001
    y.backward()
    assert x.grad.item() == pytest.approx(1.00001**DEPTH, rel=1e-10)  # 1e5 roundings


def test_the_memory_of_a_deep_graph_goes_with_its_result() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    chain(x, 10).backward()
    gc.collect()
    gc.disable()  # no cycle may keep it
    try:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        y = chain(x, DEPTH)
        held = tracemalloc.get_traced_memory()[0] - before
        del y
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held > 100 * DEPTH
    assert left < held / 100


def test_graphs_of_several_threads_do_not_mix() -> None:
    failures: list[str] = []

    def work(k: int) -> None:
        x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        for i in range(300):
            if (i + k) % 3 == 0:
                with torch.no_grad():
                    if (x * 2).requires_grad:
                        failures.append("recorded within no_grad")
                continue
            y = (x**2 * k).sum()
            if not y.requires_grad:
                failures.append("not recorded")
            y.backward()
            if not np.array_equal(x.grad.numpy(), 2 * k * x.detach().numpy()):
                failures.append(f"{x.grad} with {k}")
            x.grad = None

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_one_graph_may_be_swept_by_several_threads() -> None:
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    y = chain(x, 200)
    (want,) = torch.autograd.grad(y, x, retain_graph=True)
    found: list[float] = []
    threads = [
        threading.Thread(target=lambda: found.append(torch.autograd.grad(y, x, retain_graph=True)[0].item()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [want.item()] * 4


def test_a_change_in_place_is_reported_with_both_places() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = y * y  # saved here
    y.add_(1)  # changed here
    with pytest.raises(RuntimeError) as caught:
        z.sum().backward()
    message = str(caught.value)
    assert "MulBackward0" in message
    assert "add_" in message
    assert "z = y * y  # saved here" in message
    assert "y.add_(1)  # changed here" in message


def test_a_second_backward_is_reported_with_the_place() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x**2
    y.backward()
    with pytest.raises(RuntimeError, match=r"retain_graph=True") as caught:
        y.backward()
    assert "y = x**2" in str(caught.value)


def test_the_gradient_of_a_result_says_why_there_is_none() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = 6 * x**2
    y.backward()
    with pytest.warns(UserWarning, match=r"retain_grad\(\).*leaf") as caught:
        assert y.grad is None
    assert "y = 6 * x**2" in str(caught[0].message)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda x: x.sum().item() + x.backward(), "only for scalar outputs"),
        (lambda x: torch.tensor([1, 2]).requires_grad_(), "floating point dtype"),
        (lambda x: x + torch.ones(3), r"\[2\] and \[3\]"),
        (lambda x: torch.ones(2, 3) @ torch.ones(2, 3), "2x3 and 2x3"),
        (lambda x: x[5], "out of bounds"),
        (lambda x: x.sum(3), r"range of \[-1, 0\], but got 3"),
        (lambda x: torch.zeros(-1), "negative dimension"),
        (lambda x: torch.tensor([[1.0], [2.0, 3.0]]), r"data\[0\] has 1 elements, data\[1\] has 2 elements"),
        (lambda x: torch.zeros(2, dtype="float46"), "did you mean 'float64'"),
        (lambda x: torch.tensor(1 + 2j), "complex"),
        (lambda x: x.reshape(3), r"'\[3\]' is invalid for input of size 2"),
    ],
)
def test_errors_show_what_is_wrong(change: object, text: str) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises((RuntimeError, IndexError, ValueError, TypeError), match=text):
        change(x)  # type: ignore[operator]


def test_the_first_operation_that_made_a_nan_can_be_asked_for() -> None:
    x = torch.tensor([1.0, -1.0], requires_grad=True)
    with torch.autograd.detect_anomaly() as found:
        y = torch.log(x)  # here
        z = (y * 2).sum()
        with pytest.raises(RuntimeError, match="nan values"):
            z.backward()
    assert found.first is not None
    assert "log made nan" in found.first
    assert "y = torch.log(x)  # here" in found.first


def test_infinities_flow_in_silence() -> None:
    x = torch.tensor([0.0, 1e30], requires_grad=True)
    y = (1 / x).sum() + (x * x).sum()
    assert y.item() == float("inf")


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_by_a_result_leaves_what_lies_below_alone(create_graph: bool) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    middle = x * x
    y = middle**3
    (by_middle,) = torch.autograd.grad(y, middle, create_graph=create_graph)
    assert by_middle.item() == 48.0
    assert torch.autograd.grad(middle, x)[0].item() == 4.0


def test_a_hook_sees_the_gradient_by_its_tensor() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    middle = x * x
    middle.register_hook(lambda g: g * 10)
    assert torch.autograd.grad(middle**3, middle)[0].item() == 480.0


@pytest.mark.parametrize("n", [-1, -2, -3])
def test_the_second_derivative_of_a_power_at_its_pole_is_infinite(n: int) -> None:
    x = torch.tensor(0.0, requires_grad=True)
    (slope,) = torch.autograd.grad(x**n, x, create_graph=True)
    assert slope.item() == -float("inf")
    assert torch.autograd.grad(slope, x)[0].item() == float("inf")


def test_a_function_of_two_results_has_second_derivatives() -> None:
    class Powers(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx, g, h):  # type: ignore[no-untyped-def]
            (x,) = ctx.saved_tensors
            return g * 2 * x + h * 3 * x * x

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    square, cube = Powers.apply(x)
    (slope,) = torch.autograd.grad((square + cube).sum(), x, create_graph=True)
    assert slope.tolist() == [5.0, 16.0]
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [8.0, 14.0]
    assert torch.autograd.grad(Powers.apply(x)[0].sum(), x)[0].tolist() == [2.0, 4.0]


def test_a_range_may_count_from_the_end_and_must_lie_inside() -> None:
    x = torch.arange(8.0).reshape(2, 4)
    assert x.narrow(1, -2, 2).tolist() == [[2.0, 3.0], [6.0, 7.0]]
    with pytest.raises(RuntimeError, match=r"start \(3\) and length \(3\)"):
        x.narrow(1, 3, 3)
