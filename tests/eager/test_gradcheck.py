"""Wrong gradients do not pass, right ones do, and where nobody can tell the check says so."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symdiff.eager as torch
from symdiff.eager import nn
from symdiff.eager.autograd.gradcheck import gradcheck, gradgradcheck
from symdiff.eager.autograd.numerical import Probe, Slopes
from symdiff.errors import GradcheckError, OperationError, SettingError, SymdiffError

EPS = 2.0**-52
Unary = Callable[[Any], Any]


@pytest.fixture
def agree() -> Callable[..., Any]:
    """The same source on PyTorch; the test is skipped where that is not installed."""
    return importlib.import_module("tests.eager.parity").agree  # type: ignore[no-any-return]


def leaf(data: Any, dtype: Any = torch.float64, name: str | None = None) -> torch.Tensor:
    return torch.tensor(data, dtype=dtype, requires_grad=True, name=name)


def custom(value: Unary, derivative: Callable[[Any, Any], Any]) -> Any:
    """A function with a backward of its own, from the input and the cotangent."""

    class Custom(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return value(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return derivative(x, g)

    return Custom.apply


def fault(func: Any, inputs: Any, **options: Any) -> str:
    """The message of a check that must fail; without exceptions it is False."""
    assert gradcheck(func, inputs, **options, raise_exception=False) is False
    with pytest.raises(GradcheckError) as caught:
        gradcheck(func, inputs, **options)
    return str(caught.value)


# ---- the cases of the checkers that fail (USERS.md, table 4.2)

WRONG = {
    "1e-6*sin(x) with a backward of zero": (lambda x: 1e-6 * torch.sin(x), lambda x, g: 0 * g, 0.7),
    "1e-3*sin(x) with a backward of zero": (lambda x: 1e-3 * torch.sin(x), lambda x, g: 0 * g, 0.7),
    "sin(x) with a backward 0.09 % off": (torch.sin, lambda x, g: 1.0009 * torch.cos(x) * g, 0.7),
    "sin(x) with a backward 0.15 % off": (torch.sin, lambda x, g: 0.9985 * torch.cos(x) * g, 0.7),
    "sin(x) with a backward 1e-6 off": (torch.sin, lambda x, g: (1 + 1e-6) * torch.cos(x) * g, 0.7),
    "x**2 at 1e-6 with the wrong sign": (lambda x: x * x, lambda x, g: -2 * x * g, 1e-6),
    "x**2 + 1e8 with a backward of zero": (lambda x: x * x + 1e8, lambda x, g: 0 * g, 1.0),
    "sin(1e6*x) with that of another phase": (lambda x: torch.sin(1e6 * x), lambda x, g: 1e6 * torch.cos(x) * g, 0.3),
    "round(x), let through": (torch.round, lambda x, g: g, 0.3),
    "exp(x) with nan": (torch.exp, lambda x, g: g * math.nan, 0.3),
    "exp(x) with an infinity": (torch.exp, lambda x, g: g * math.inf, 0.3),
}

RIGHT: dict[str, tuple[Unary, Any, Any]] = {
    "sin(1e6*x)": (lambda x: torch.sin(1e6 * x), 0.3, torch.float64),
    "sqrt(x) at 1e-7": (torch.sqrt, 1e-7, torch.float64),
    "x**2 + 1e8": (lambda x: x**2 + 1e8, 1.0, torch.float64),
    "(x**2 + 1e8) - 1e8": (lambda x: (x**2 + 1e8) - 1e8, 1.0, torch.float64),
    "sin(x) in float32": (torch.sin, [0.3, 1.0, -40.0], torch.float32),
    "sin(1e6*x) in float32": (lambda x: torch.sin(1e6 * x), 0.3, torch.float32),
    "float32 inside": (lambda x: torch.sin(x.float()), [0.3, 1.0], torch.float64),
    "1e-6*sin(x)": (lambda x: 1e-6 * torch.sin(x), 0.7, torch.float64),
    "1e-200*x**3": (lambda x: 1e-200 * x**3, 2.0, torch.float64),
    "exp(700)": (torch.exp, 700.0, torch.float64),
    "x**2 at 0": (lambda x: x**2, [0.0, 0.0], torch.float64),
    "x*|x| at 0": (lambda x: x * abs(x), 0.0, torch.float64),
    "|x| at 1e-9": (abs, 1e-9, torch.float64),
    "relu beside its kink": (lambda x: torch.relu(x) + 5, [-1e-3, 1e-3, -2.0], torch.float64),
    "floor between whole numbers": (torch.floor, [0.3, 6.8, -3.2], torch.float64),
    "a saturated sigmoid": (torch.sigmoid, [20.0, 40.0, 400.0], torch.float64),
    "a constant": (lambda x: torch.ones(2, dtype=torch.float64), 1.0, torch.float64),
    "a sum that is always 1": (lambda x: torch.softmax(x, -1).sum(), [0.3, -1.0, 2.0], torch.float64),
    "a variance of large numbers": (lambda x: x.var(), [1000.0, 1001.0, 1003.0], torch.float64),
    "the largest": (lambda x: x.max(), [1.0, 0.0, 3.0], torch.float64),
    "no elements": (lambda x: x * 2, [], torch.float64),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_does_not_pass(name: str) -> None:
    value, derivative, x = WRONG[name]
    assert "wrong derivative of output 0 by input 0: backward gives" in fault(custom(value, derivative), leaf(x))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_does_not_pass_in_float32(name: str) -> None:
    value, derivative, x = WRONG[name]
    assert "wrong derivative" in fault(custom(value, derivative), leaf(x, torch.float32))


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_gradient_passes(name: str) -> None:
    func, x, dtype = RIGHT[name]
    assert gradcheck(func, leaf(x, dtype)) is True


def test_a_function_that_runs_in_float32_alone_is_checked_there() -> None:
    def value(x: Any) -> Any:
        assert x.dtype is torch.float32
        return torch.sin(x)

    assert gradcheck(custom(value, lambda x, g: torch.cos(x) * g), leaf([0.3, 1.0], torch.float32))
    assert "wrong" in fault(custom(value, lambda x, g: 1.0009 * torch.cos(x) * g), leaf(0.3, torch.float32))


@pytest.mark.parametrize("kind", ["float", "double"])
def test_a_network_passes_in_its_own_dtype(kind: str) -> None:
    torch.manual_seed(0)
    net = getattr(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), nn.Softmax(dim=-1)), kind)()
    x = getattr(torch.randn(5, 4), kind)().requires_grad_()
    assert gradcheck(net, x)
    assert gradcheck(lambda x: (net(x) ** 2).mean(), x)


# ---- points without a derivative

KINKS = {
    "|x| at 0": (abs, 0.0, (-1, 1)),
    "relu at 0": (torch.relu, 0.0, (0, 1)),
    "a small kink": (lambda x: x + 1e-4 * abs(x), 0.0, (0.9999, 1.0001)),
    "|x - 1| + 3 at 1": (lambda x: abs(x - 1) + 3, 1.0, (-1, 1)),
    "a branch at its end": (lambda x: torch.where(x > 1, x**2, torch.ones_like(x)), 1.0, (0, 2)),
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_told_by_its_one_sided_derivatives(name: str) -> None:
    func, x, (left, right) = KINKS[name]
    told = fault(func, leaf(x))
    assert f"one-sided derivatives differ, {left} from below and {right} from above" in told
    assert told.startswith("no derivative of output 0 by input 0: the ")
    assert "backward gives" in told


@pytest.mark.parametrize("tolerance", [{"atol": 10.0}, {"rtol": 10.0}])
def test_no_tolerance_excuses_a_kink(tolerance: dict[str, float]) -> None:
    assert "one-sided" in fault(abs, leaf(0.0), **tolerance)


@pytest.mark.parametrize(
    ("func", "x", "told"),
    [
        (torch.floor, 1.0, "jumps there"),
        (torch.sqrt, 0.0, "no finite values below the point"),
        (lambda x: torch.sqrt(-x), 0.0, "no finite values above the point"),
        (lambda x: torch.log(-x), 1.0, "the function is nan there"),
        (torch.cbrt, 0.0, "its slope is infinite"),
        (lambda x: torch.sin(1e20 * x), 0.3, "which hides their slope"),
    ],
)
def test_what_the_values_do_not_tell_is_undecided_and_does_not_pass(func: Unary, x: Any, told: str) -> None:
    message = fault(func, leaf(x))
    assert "undecided derivative" in message
    assert told in message


def test_a_smooth_function_that_looks_like_a_kink_passes() -> None:
    assert gradcheck(lambda x: torch.sqrt(x**2 + 1e-16), leaf(0.0))


def test_a_rule_that_loses_a_derivative_is_wrong() -> None:
    # relu(x) - relu(-x) is x; the rule of relu, taken twice at its kink, gives 0.
    assert "backward gives 0, the function's values give 1 ±" in fault(
        lambda x: torch.relu(x) - torch.relu(-x), leaf(0.0)
    )


# ---- what the message says


def test_the_message_names_input_element_output_numbers_and_place() -> None:
    wrong = custom(lambda x: x**3, lambda x, g: 3.03 * x**2 * g)
    x, w = leaf([1.0, 2.0]), leaf([[1.0, 2.0], [3.0, 4.0]], name="weights")
    told = fault(lambda x, w: (x * 2, wrong(w)), (x, w))
    first, place, *_ = told.splitlines()
    assert first.startswith("wrong derivative of output 1, element [0, 0] by input 1 ('weights'), element [0, 0]: ")
    assert "backward gives 3.03, the function's values give 3" in first
    assert "±" in first
    assert "CustomBackward at" in place
    assert __file__ in place


def test_the_message_is_cut_where_all_is_wrong() -> None:
    told = fault(custom(lambda x: x**3, lambda x, g: x * g), leaf(np.arange(1.0, 9.0).tolist()))
    assert told.count("wrong derivative") == 5
    assert told.endswith("... and 3 more")


def test_the_error_is_caught_as_pytorchs_is() -> None:
    assert issubclass(GradcheckError, RuntimeError)
    assert issubclass(GradcheckError, SymdiffError)


# ---- several inputs and outputs


def test_inputs_that_require_no_gradient_and_others_are_passed_on() -> None:
    x, c = leaf([0.5, -1.0]), torch.tensor([2.0, 3.0], dtype=torch.float64)
    seen = []

    def f(x: Any, c: Any, k: int, word: str) -> Any:
        seen.append((k, word))
        return (x * c) ** k, x > 0

    assert gradcheck(f, [x, c, 2, "as it is"])
    assert set(seen) == {(2, "as it is")}
    assert x.grad is None


def test_every_element_of_the_jacobian_is_checked() -> None:
    assert gradcheck(lambda a, b: (a @ b, a.T), (leaf([[1.0, 2.0], [3.0, -4.0]]), leaf([[0.5, 0.0], [1.0, -1.0]])))

    def swapped(x: Any, g: Any) -> Any:
        return g.flip(0)

    assert "element [0] by input 0, element [0]" in fault(custom(lambda x: x * 1, swapped), leaf([1.0, 2.0]))


def test_what_is_detached_is_missed() -> None:
    assert "backward gives 1, the function's values give 2" in fault(lambda x: x.detach() * x, leaf(1.0))
    assert "backward gives 0, the function's values give 2" in fault(lambda x: x.detach() * 2, leaf(1.0))


def test_inputs_stay_as_they_are() -> None:
    x = leaf([0.5, -1.0])
    gradcheck(lambda x: x.clone().mul_(2), x)
    assert x.tolist() == [0.5, -1.0]
    assert x.grad is None


def test_a_backward_that_forgets_its_cotangent_is_not_linear() -> None:
    assert "not linear in its cotangent" in fault(custom(lambda x: x * x, lambda x, g: 2 * x), leaf(1.5))


def test_a_backward_that_is_not_the_same_twice_is_told() -> None:
    calls = iter(range(10**6))
    told = fault(custom(lambda x: x * 2, lambda x, g: g * (2 + 1e-12 * next(calls))), leaf(1.5))
    assert "Backward is not reentrant" in told


def test_a_function_that_is_not_the_same_twice_is_told() -> None:
    told = fault(lambda x: x * torch.rand(2, dtype=torch.float64), leaf([1.0, 2.0]))
    assert "the function gives other values the second time, at the same inputs: output 0" in told


def test_a_function_whose_size_depends_on_values_is_told() -> None:
    with pytest.raises(GradcheckError, match="returns 2 elements near the inputs, and 1 at them"):
        gradcheck(lambda x: x if x.item() == 1.0 else torch.stack([x, x]), leaf(1.0))


# ---- options


def test_a_tolerance_lets_pass_with_a_warning() -> None:
    wrong = custom(torch.sin, lambda x, g: 1.0009 * torch.cos(x) * g)
    for tolerance in ({"atol": 1e-3}, {"rtol": 1e-3}):
        with pytest.warns(UserWarning, match=r"wrong derivative .* let this pass"):
            assert gradcheck(wrong, leaf(0.7), **tolerance)
    fault(wrong, leaf(0.7), atol=1e-4, rtol=1e-4)


def test_a_tolerance_decides_what_values_cannot_tell() -> None:
    rough = custom(lambda x: torch.sin(x) + 1e-3 * torch.sin(1e20 * x), lambda x, g: torch.cos(x) * g)
    assert "undecided" in fault(rough, leaf(0.3))
    assert gradcheck(rough, leaf(0.3), atol=0.1)


def test_a_tolerance_that_is_not_needed_changes_nothing() -> None:
    assert gradcheck(torch.sin, leaf(0.7), eps=1e-3, atol=1e-30, rtol=1e-30)


def test_the_fast_mode_looks_in_one_direction() -> None:
    x = leaf(np.linspace(0.1, 2.0, 50).reshape(5, 10).tolist())
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return torch.sin(x) * x[0]

    assert gradcheck(f, x, fast_mode=True)
    assert gradcheck(f, x, fast_mode=True, check_forward_ad=True)
    assert len(calls) < 100
    wrong = custom(torch.sin, lambda x, g: 1.0009 * torch.cos(x) * g)
    assert "a weighted sum of the outputs by a step along one direction" in fault(wrong, x, fast_mode=True)


def test_forward_derivatives_are_checked_where_asked_for() -> None:
    x = leaf([0.3, 1.0])
    assert gradcheck(lambda x: torch.sin(x) * x[0], x, check_forward_ad=True)
    wrong = custom(torch.sin, lambda x, g: 1.0009 * torch.cos(x) * g)
    assert fault(wrong, x, check_forward_ad=True, check_backward_ad=False).count("forward gives") == 2


@pytest.mark.parametrize("inputs", [torch.ones(2), torch.tensor([1, 2]), (2.0, "x"), ()])
def test_an_input_must_require_a_gradient(inputs: Any) -> None:
    with pytest.raises(SettingError, match="at least one input tensor to require gradient"):
        gradcheck(lambda *args: args[0], inputs)


def test_a_function_must_return_tensors() -> None:
    with pytest.raises(OperationError, match=r"must return tensors, not float \(2.0\)"):
        gradcheck(lambda x: 2.0, leaf(1.0))


def test_what_a_function_raises_comes_through() -> None:
    def broken(x: Any) -> Any:
        raise KeyError("mine")

    for dtype in (torch.float32, torch.float64):
        with pytest.raises(KeyError, match="mine"):
            gradcheck(broken, leaf(1.0, dtype))


# ---- second derivatives


def test_right_second_derivatives_pass() -> None:
    cube = custom(lambda x: x**3, lambda x, g: 3 * x**2 * g)
    x, w = leaf([0.5, -1.0]), leaf([2.0, 0.25])
    assert gradgradcheck(cube, x)
    assert gradgradcheck(lambda x, w: (x**2 * w, x @ w), (x, w))
    assert gradgradcheck(lambda x: x * 2, x)
    assert gradgradcheck(torch.sin, leaf([0.3, 1.0], torch.float32))
    assert gradgradcheck(torch.sin, x, check_fwd_over_rev=True)
    assert gradgradcheck(torch.sin, x, (leaf([1.0, -3.0]),))


def test_a_wrong_second_derivative_does_not_pass() -> None:
    cube = custom(lambda x: x**3, lambda x, g: 3 * x.detach() ** 2 * g)
    assert gradcheck(cube, leaf([0.5, -1.0]))
    assert gradgradcheck(cube, leaf([0.5, -1.0]), raise_exception=False) is False
    with pytest.raises(GradcheckError, match="wrong derivative of output 0, element"):
        gradgradcheck(cube, leaf([0.5, -1.0]))


def test_a_second_derivative_that_is_refused_stays_refused() -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    assert gradcheck(Once.apply, leaf(0.5))
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradgradcheck(Once.apply, leaf(0.5))


# ---- slopes from values


def slopes(f: Callable[[Any], Any], x: float, thorough: bool = True) -> Slopes:
    probe = Probe(lambda step: np.array([f(np.float64(x + step))]), x, EPS)
    with np.errstate(all="ignore"):
        return probe.thorough() if thorough else probe.usual()


KNOWN = {
    "sin": (np.sin, 1.0, math.cos(1.0)),
    "exp": (np.exp, -30.0, math.exp(-30.0)),
    "log": (np.log, 1e-300, 1e300),
    "tan": (np.tan, 1.5, 1 / math.cos(1.5) ** 2),
    "x**100": (lambda x: x**100, 10.0, 1e101),
    "1/x": (lambda x: 1 / x, -1e-3, -1e6),
    "exp(-1/x**2)": (lambda x: np.exp(-1 / x**2), 0.05, math.exp(-400.0) * 2 / 0.05**3),
    "sin(1e15*x)": (lambda x: np.sin(1e15 * x), 0.0, 1e15),
    "a ripple": (lambda x: x + 1e-9 * np.sin(1e6 * x), 0.3, 1 + 1e-3 * math.cos(0.3e6)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_slope_is_within_its_error_and_the_error_is_small(name: str) -> None:
    f, x, expected = KNOWN[name]
    found = slopes(f, x)
    assert found.trusted[0]
    assert abs(found.value[0] - expected) <= found.error[0] + 1e-10 * abs(expected)  # cos(0.3e6) is good to that
    assert found.error[0] <= 1e-7 * abs(expected)


@pytest.mark.parametrize("x", [0.0, 1e-12, 1.0, 1e12])
@pytest.mark.parametrize("seed", range(5))
def test_noise_is_not_taken_for_a_slope(x: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    found = slopes(lambda _: random.standard_normal(), x)
    assert not found.trusted[0]
    assert not found.kink[0]


@pytest.mark.parametrize("level", [1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("seed", range(5))
def test_a_slope_under_noise_is_within_its_error(level: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    found = slopes(lambda x: np.sin(x) + level * random.standard_normal(), 1.0)
    assert abs(found.value[0] - math.cos(1.0)) <= found.error[0]
    assert found.error[0] <= 1e3 * level
    assert not found.kink[0]


def test_usual_functions_take_few_values() -> None:
    calls = []
    Probe(lambda step: np.array([calls.append(step) or math.sin(1 + step)]), 1.0, EPS).usual()
    assert len(calls) == 15


# ---- the same as PyTorch

GIVEN = """
    from torch.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
    x = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    i = torch.tensor([1, 2])
"""

SAME = """
    gradcheck(lambda x, k: x * k, (x, 3))
    gradcheck(lambda x, k: x * k, [x, 3])
    gradcheck(lambda x: (x * 2, x), (x,), fast_mode=True)
    gradcheck(lambda x: torch.ones((), dtype=torch.float64), x)
    gradcheck(lambda x: x.detach() * 2, x, raise_exception=False)
    gradcheck(lambda x: x * torch.rand(2), x, raise_exception=False)
    gradgradcheck(torch.sin, (x,), (torch.ones(2, dtype=torch.float64, requires_grad=True),))
    gradgradcheck(lambda x: x * 2, x)
    issubclass(GradcheckError, RuntimeError)
"""


@pytest.mark.parametrize("expression", [line.strip() for line in SAME.strip().splitlines()])
def test_it_says_what_pytorch_says(agree: Callable[..., Any], expression: str) -> None:
    agree(GIVEN, f"r = {expression}")


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("gradcheck(torch.sin, x.detach())", ValueError),
        ("gradcheck(torch.sin, i)", ValueError),
        ("gradcheck(lambda x: x.detach() * 2, x)", RuntimeError),
    ],
)
def test_it_refuses_what_pytorch_refuses(agree: Callable[..., Any], expression: str, error: type[Exception]) -> None:
    agree(GIVEN, f"r = {expression}", raises=error)
