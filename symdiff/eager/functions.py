"""Elementwise functions that are no rows: compositions of rows, tests, and linear layers' products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symdiff.eager import dtypes
from symdiff.eager.arrays import applied
from symdiff.eager.creation import as_tensor
from symdiff.eager.modes import MODE
from symdiff.eager.operators import elementwise, unary
from symdiff.eager.reductions import composite, named
from symdiff.eager.storage import value
from symdiff.eager.tensor import Tensor, made, method, wrapped
from symdiff.errors import OperationError, TensorError
from symdiff.ops import OPS
from symdiff.ops.arrays import affine, permute
from symdiff.ops.arrays import matmul as matmul_row


@method()
def clamp(self: Tensor, min: Any = None, max: Any = None) -> Tensor:  # the names that its users know
    """``x`` between two bounds, of which one may be missing."""
    if min is None and max is None:
        raise TensorError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if min is None:
        return _clamped(self, elementwise(OPS["min"], (self, max)))
    if max is None:
        return _clamped(self, elementwise(OPS["max"], (self, min)))
    return _clamped(self, elementwise(OPS["clip"], (self, min, max)))


def _clamped(x: Tensor, result: Tensor) -> Tensor:
    return named("ClampBackward1", (x,), result)


method("clip")(clamp)


@method()
@composite("Reciprocal")
def reciprocal(self: Tensor) -> Tensor:
    """``1/x``."""
    return 1 / self


@method()
@composite("Rsqrt")
def rsqrt(self: Tensor) -> Tensor:
    """``1/sqrt(x)``."""
    return 1 / unary("sqrt")(self)  # type: ignore[no-any-return]


@method()
@composite("Pow")
def square(self: Tensor) -> Tensor:
    """``x**2``."""
    return self**2


@method()
@composite("Exp2")
def exp2(self: Tensor) -> Tensor:
    """``2**x``."""
    return 2.0**self


@method("sub")
def subtract(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """``x - alpha*other``."""
    return self - (other if alpha == 1 else alpha * other)  # type: ignore[no-any-return]


@method("add")
def plus(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """``x + alpha*other``."""
    return self + (other if alpha == 1 else alpha * other)  # type: ignore[no-any-return]


@method("pow")
def power(self: Any, exponent: Any) -> Any:
    """``x**exponent``."""
    return self**exponent


@method("div")
def divide(self: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``x/other``; rounded down (``"floor"``) or towards zero (``"trunc"``) on request."""
    ratio = self / other
    if rounding_mode is None:
        return ratio  # type: ignore[no-any-return]
    kind = result_type(self, other)
    if kind is dtypes.bool_:
        raise TensorError("division that rounds is not defined for a bool tensor; convert with .int()")
    divisor = value(other) if isinstance(other, Tensor) else other
    if not kind.is_floating_point and MODE.tracer is None and np.any(np.equal(divisor, 0)):
        raise ZeroDivisionError("a whole number divided by zero")
    if rounding_mode not in ("floor", "trunc"):
        raise TensorError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    rounded = unary("floor")(ratio) if rounding_mode == "floor" else unary("sign")(ratio) * unary("floor")(abs(ratio))
    return rounded.to(kind)  # type: ignore[no-any-return]


@method("__floordiv__")
def floor_divide(self: Tensor, other: Any) -> Tensor:
    """``floor(x/other)``."""
    return divide(self, other, rounding_mode="floor")


@method("__rfloordiv__")
def _floor_divided(self: Tensor, other: Any) -> Tensor:
    return divide(as_tensor(other, result_type(self, other)), self, rounding_mode="floor")


@method("round")
def rounded(self: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest whole number, ties to even; or to that many decimals."""
    if not decimals:
        return unary("round")(self)  # type: ignore[no-any-return]
    return named("Round", (self,), unary("round")(self * 10.0**decimals) / 10.0**decimals)


def sinc(x: Any) -> Any:
    """``sin(pi x)/(pi x)``; the row of that name leaves pi out."""
    y = OPS["sinc"](math.pi * x)
    return named("Sinc", (x,), y) if isinstance(x, Tensor) else y


method("sinc")(sinc)


@method("lerp")
def lerp(self: Tensor, end: Any, weight: Any) -> Tensor:
    """``x + weight*(end - x)``."""
    return named("Lerp", (self, end) if isinstance(end, Tensor) else (self,), self + weight * (end - self))


@method("addmm")
def addmm(self: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """``x + a @ b``."""
    return named("Addmm", (self, a, b), a @ b + self)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias``: x has the features last, weight has a row for each result.

    Raises:
        TensorError: the features do not fit; the message shows both shapes.
    """
    if x._value.ndim == 0 or x._value.shape[-1] != weight._value.shape[-1]:
        raise TensorError(
            f"mat1 and mat2 shapes cannot be multiplied ({_by(x)} and {_by(weight, True)}): the layer takes "
            f"{weight._value.shape[-1]} features"
        )
    if bias is None or weight._value.ndim != 2:
        turned = applied(permute, (weight,), (1, 0), name="T") if weight._value.ndim == 2 else weight
        y = applied(matmul_row, (x, turned), name="Mm" if x._value.ndim == 2 else "UnsafeView")
        return y if bias is None else y + bias
    y = applied(affine, (x, weight, bias), name="Addmm" if x._value.ndim == 2 else "View")
    if y._node is not None:
        y._node.outer = tuple([y._node.edges[i] for i in (2, 0, 1)])  # as PyTorch orders them: the bias first
    return y


def _by(x: Tensor, turned: bool = False) -> str:
    return "x".join(map(str, reversed(x.shape) if turned else x.shape))


# ---- tests


def _test(name: str, function: Any) -> Any:
    def test(self: Tensor) -> Tensor:
        return made(function(value(self)), dtypes.bool_)

    test.__doc__ = f"Elementwise ``{name}``, as booleans."
    return method(name)(test)


isnan = _test("isnan", np.isnan)
isinf = _test("isinf", np.isinf)
isfinite = _test("isfinite", np.isfinite)
logical_not = _test("logical_not", np.logical_not)


def _logical(name: str, function: Any, *dunders: str) -> Any:
    def combined(self: Tensor, other: Any) -> Tensor:
        a, b = value(self), value(other) if isinstance(other, Tensor) else other
        if name.startswith("logical"):
            return wrapped(function(a, b))
        kind = result_type(self, other)
        if kind.is_floating_point:
            raise TensorError(f"{name} is for whole numbers and truth values, not {kind}")
        return wrapped(np.asarray(function(a, b)).astype(kind.numpy)[()])

    combined.__doc__ = f"Elementwise ``{name}``."
    for dunder in dunders:
        method(dunder)(combined)
    return method(name)(combined)


logical_and = _logical("logical_and", np.logical_and)
logical_or = _logical("logical_or", np.logical_or)
logical_xor = _logical("logical_xor", np.logical_xor)
bitwise_and = _logical("bitwise_and", np.bitwise_and, "__and__", "__rand__")
bitwise_or = _logical("bitwise_or", np.bitwise_or, "__or__", "__ror__")
bitwise_xor = _logical("bitwise_xor", np.bitwise_xor, "__xor__", "__rxor__")


bitwise_left_shift = _logical("bitwise_left_shift", np.left_shift, "__lshift__")
bitwise_right_shift = _logical("bitwise_right_shift", np.right_shift, "__rshift__")


@method("__invert__")
def bitwise_not(self: Tensor) -> Tensor:
    """Elementwise not."""
    if self._dtype.is_floating_point:
        raise OperationError(f"~ is for whole numbers and truth values, not {self._dtype}")
    return wrapped(np.invert(self._value))


@method()
def isclose(self: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether elements differ by at most ``atol + rtol*abs(other)``."""
    return wrapped(np.isclose(self._value, other._value, rtol, atol, equal_nan))


@method()
def allclose(self: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close."""
    return bool(np.allclose(self._value, other._value, rtol, atol, equal_nan))


@method()
def equal(self: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are the same."""
    return self._value.shape == other._value.shape and bool(np.all(self._value == other._value))


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(value, Tensor)


def numel(x: Tensor) -> int:
    """The number of elements."""
    return int(x._value.size)


def result_type(a: Any, b: Any) -> dtypes.dtype:
    """The dtype to which two tensors or numbers promote."""
    tensors = [x for x in (a, b) if isinstance(x, Tensor)]
    full = tuple(x._dtype for x in tensors if x._value.ndim)
    scalar = tuple(x._dtype for x in tensors if not x._value.ndim)
    return dtypes.promoted(full, scalar, tuple(type(x) for x in (a, b) if not isinstance(x, Tensor)))
