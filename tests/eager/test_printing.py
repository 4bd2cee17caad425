"""The text of tensors: pinned, and letter for letter that of PyTorch on random arrays."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symdiff.eager.printing import size_text, tensor_text

NAN, INF = np.nan, np.inf
FLOAT = np.dtype(np.float32)
KINDS = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
LONG_ROW = """\
tensor([-10.0000,  -8.1818,  -6.3636,  -4.5455,  -2.7273,  -0.9091,   0.9091,
          2.7273,   4.5455,   6.3636,   8.1818,  10.0000])"""
MANY_ROWS = """\
tensor([[   0,    1],
        [   2,    3],
        [   4,    5],
        ...,
        [1094, 1095],
        [1096, 1097],
        [1098, 1099]])"""
WRITTEN = {
    "a scalar": (3.0, "tensor(3.)"),
    "a fraction": (-0.7158, "tensor(-0.7158)"),
    "no elements": ([], "tensor([])"),
    "no rows": (np.zeros((0, 3), FLOAT), "tensor([], size=(0, 3))"),
    "no integers": (np.zeros(0, np.int64), "tensor([], dtype=torch.int64)"),
    "fractions": ([1.0, -2.5], "tensor([ 1.0000, -2.5000])"),
    "whole numbers": ([1.0, -20.0, 300.0], "tensor([  1., -20., 300.])"),
    "large whole numbers": ([1.0, 1e9], "tensor([1.0000e+00, 1.0000e+09])"),
    "small numbers": ([1e-5, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
    "a wide range": ([0.25, 1000.0], "tensor([2.5000e-01, 1.0000e+03])"),
    "infinities among whole numbers": ([1.0, NAN, -INF], "tensor([1., nan, -inf])"),
    "infinities among fractions": ([1.5, NAN, INF], "tensor([1.5000,    nan,    inf])"),
    "zeros": ([0.0, NAN, -0.0], "tensor([0., nan, -0.])"),
    "integers": (np.array([[1, -2], [30, 4]]), "tensor([[ 1, -2],\n        [30,  4]])"),
    "truths": (np.array([True, False]), "tensor([ True, False])"),
    "float64": (np.array([1.5]), "tensor([1.5000], dtype=torch.float64)"),
    "int32": (np.int32(7), "tensor(7, dtype=torch.int32)"),
    "float16": (np.array([0.1, 65504.0], np.float16), "tensor([9.9976e-02, 6.5504e+04], dtype=torch.float16)"),
    "a matrix": ([[1.0, -10.5], [0.125, 2.0]], "tensor([[  1.0000, -10.5000],\n        [  0.1250,   2.0000]])"),
    "three axes": (
        np.arange(8.0, dtype=FLOAT).reshape(2, 2, 2),
        "tensor([[[0., 1.],\n         [2., 3.]],\n\n        [[4., 5.],\n         [6., 7.]]])",
    ),
    "a long row": (np.linspace(-10, 10, 12, dtype=FLOAT), LONG_ROW),
    "more than a thousand": (np.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    "more than a thousand in rows": (np.arange(1100).reshape(550, 2), MANY_ROWS),
}


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return pytest.importorskip("torch", reason="PyTorch is not installed, so there is nothing to compare with")


def array(values: Any) -> np.ndarray:
    return np.asarray(values, FLOAT if isinstance(values, float | list) else None)


@pytest.mark.parametrize(("values", "text"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_tensor_prints_as_in_pytorch(values: Any, text: str) -> None:
    assert tensor_text(array(values), default=FLOAT) == text


def test_the_default_dtype_goes_without_saying() -> None:
    values = np.array([1.5])
    assert tensor_text(values, default=values.dtype) == "tensor([1.5000])"
    assert tensor_text(array([1.5]), default=values.dtype) == "tensor([1.5000], dtype=torch.float32)"


def test_extras_follow_the_dtype() -> None:
    text = tensor_text(np.array(27.0), default=FLOAT, extras=["grad_fn=<MulBackward0>"])
    assert text == "tensor(27., dtype=torch.float64, grad_fn=<MulBackward0>)"
    assert tensor_text(array(3.0), default=FLOAT, extras=["requires_grad=True"]) == "tensor(3., requires_grad=True)"


def test_an_extra_that_does_not_fit_has_its_own_line() -> None:
    text = tensor_text(array([0.5] * 7), default=FLOAT, extras=["grad_fn=<MulBackward0>"])
    assert text.splitlines()[1] == "       grad_fn=<MulBackward0>)"


def test_sizes_print_as_in_pytorch() -> None:
    assert [size_text(shape) for shape in [(), (3,), (2, 0)]] == [
        "torch.Size([])",
        "torch.Size([3])",
        "torch.Size([2, 0])",
    ]


# ---- random arrays


def random_shape(rng: np.random.Generator) -> tuple[int, ...]:
    longest, most = [(7, 4), (3, 5), (40, 3), (9, 4), (1100, 1)][rng.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1])]
    shape = rng.integers(1, longest, size=rng.integers(0, most + 1))
    return tuple(int(n) for n in shape * (rng.random(shape.shape) > 0.02))


def random_floats(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = np.asarray(rng.normal(size=shape))
    match rng.integers(0, 6):
        case 0:
            values = np.round(values * 10.0 ** rng.integers(0, 10))
        case 1:
            values = values * 10.0 ** rng.integers(-12, 12)
        case 2:
            values = values * 10.0 ** rng.integers(-6, 6, size=shape)
        case 3:
            values = np.round(values, 1)
        case 4:
            values = values * 0
    odd = rng.choice([NAN, INF, -INF, 0.0, -0.0], size=shape)
    return np.where(rng.random(shape) < rng.choice([0, 0, 0.2]), odd, values)


def random_array(rng: np.random.Generator, kind: str) -> np.ndarray:
    shape = random_shape(rng)
    if kind.startswith("float"):
        with np.errstate(over="ignore"):
            return np.asarray(random_floats(rng, shape).astype(kind))
    if kind == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    limits = np.iinfo(kind)
    high = min(int(limits.max), 10 ** int(rng.integers(0, 18)))
    return np.asarray(rng.integers(max(int(limits.min), -high), high, size=shape, dtype=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_random_arrays_print_as_in_pytorch(torch: ModuleType, kind: str) -> None:
    rng = np.random.default_rng(KINDS.index(kind))
    for _ in range(1000):
        values = random_array(rng, kind)
        tensor = torch.from_numpy(values.copy()).reshape(values.shape)
        extras: list[str] = []
        if kind.startswith("float") and rng.random() < 0.5:
            tensor.requires_grad_()
            extras = ["requires_grad=True"]
            if rng.random() < 0.5:
                tensor = tensor * 1
                extras = ["grad_fn=<MulBackward0>"]
        assert tensor_text(values, default=FLOAT, extras=extras) == repr(tensor)
        assert size_text(values.shape) == repr(tensor.shape)
