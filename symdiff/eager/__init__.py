"""Tensors with PyTorch's names, on symdiff's table: ``import symdiff.eager as torch``.

    >>> import symdiff.eager as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> y = 6*x**2 + 2*x + 4
    >>> y.backward()
    >>> y, x.grad
    (tensor(64., grad_fn=<AddBackward0>), tensor(38.))

Every elementwise row of the table is a function here and a method of tensors; its derivative is
the row's. The differences from PyTorch are listed in the README.
"""

from __future__ import annotations

import builtins as _builtins
import math
import sys
from functools import cache
from typing import Any

import numpy as np

from symdiff.eager import (
    arrays,
    conversions,
    dtypes,
    functions,
    gradients,
    inplace,
    joining,
    linalg,
    look,
    operators,
    printing,
    reductions,
    selections,
    shapes,
    sweep,
)
from symdiff.eager import frames as _frames
from symdiff.eager import tensor as _tensor
from symdiff.eager.batches import vmap
from symdiff.eager.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from symdiff.eager.dtypes import bool_ as bool
from symdiff.eager.dtypes import (
    dtype,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from symdiff.eager.functions import is_tensor, result_type, sinc
from symdiff.eager.joining import cat, hstack, meshgrid, stack, vstack, where
from symdiff.eager.linalg import einsum
from symdiff.eager.look import explain
from symdiff.eager.modes import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from symdiff.eager.operators import row_function
from symdiff.eager.random import Generator, manual_seed, rand, rand_like, randint, randn, randn_like, randperm
from symdiff.eager.replay import compiled as compile  # the names that its users know
from symdiff.eager.shapes import broadcast_to
from symdiff.eager.tensor import Size, Tensor
from symdiff.ops import Op
from symdiff.ops.core import forgetters

float = float32
double = float64
long = int64
int = int32
short = int16
device = _tensor.device
pi = math.pi
e = math.e
inf = math.inf
nan = math.nan
concat = concatenate = cat

FloatTensor = tensor


def LongTensor(data: Any) -> Tensor:
    """A tensor of int64."""
    return tensor(data, dtype=int64)


__all__ = [
    "FloatTensor",
    "Generator",
    "LongTensor",
    "Size",
    "Tensor",
    "arange",
    "as_tensor",
    "bool",
    "broadcast_to",
    "cat",
    "compile",
    "concat",
    "concatenate",
    "cuda",
    "device",
    "double",
    "dtype",
    "e",
    "einsum",
    "empty",
    "empty_like",
    "enable_grad",
    "explain",
    "eye",
    "finfo",
    "float",
    "float32",
    "float64",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "hstack",
    "inf",
    "inference_mode",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "is_tensor",
    "linalg",
    "linspace",
    "logspace",
    "long",
    "manual_seed",
    "meshgrid",
    "nan",
    "no_grad",
    "ones",
    "ones_like",
    "pi",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "result_type",
    "set_default_dtype",
    "set_grad_enabled",
    "short",
    "sinc",
    "stack",
    "tensor",
    "uint8",
    "vmap",
    "vstack",
    "where",
    "zeros",
    "zeros_like",
]

_METHODS = frozenset(
    (
        "abs",
        "add",
        "addmm",
        "all",
        "allclose",
        "amax",
        "amin",
        "any",
        "argmax",
        "argmin",
        "argsort",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "bmm",
        "chunk",
        "clamp",
        "clip",
        "clone",
        "cumsum",
        "detach",
        "diag",
        "diagonal",
        "div",
        "dot",
        "equal",
        "exp2",
        "flatten",
        "flip",
        "gather",
        "index_select",
        "isclose",
        "isfinite",
        "isinf",
        "isnan",
        "lerp",
        "log_softmax",
        "logical_and",
        "logical_not",
        "logical_or",
        "logical_xor",
        "logsumexp",
        "masked_fill",
        "masked_select",
        "matmul",
        "max",
        "mean",
        "min",
        "mm",
        "mul",
        "mv",
        "narrow",
        "nonzero",
        "norm",
        "numel",
        "outer",
        "permute",
        "pow",
        "prod",
        "ravel",
        "reciprocal",
        "reshape",
        "rsqrt",
        "round",
        "select",
        "softmax",
        "sort",
        "split",
        "square",
        "squeeze",
        "std",
        "sub",
        "sum",
        "t",
        "transpose",
        "tril",
        "triu",
        "unbind",
        "unsqueeze",
        "var",
    )
)
_TORCH_ONLY = {
    "bitwise_not": "__invert__",
    "divide": "div",
    "floor_divide": "__floordiv__",
    "ger": "outer",
    "is_floating_point": "is_floating_point",
    "multiply": "__mul__",
    "subtract": "sub",
    "true_divide": "div",
}


def __getattr__(name: str) -> Any:
    if name in _METHODS and name in vars(Tensor):
        return _as_function(name)
    function = None if name.startswith("_") else row_function(name)
    if function is not None:
        globals()[name] = function  # found at once the next time; `_forget` takes it away with its row
        return function
    if name == "__version__":
        return sys.modules["symdiff"].__version__
    if name in _TORCH_ONLY:
        return _as_function(_TORCH_ONLY[name])
    if name in _SUBMODULES:
        import importlib

        return importlib.import_module(f"symdiff.eager.{name}")
    from symdiff.errors import nearest

    known = [*globals(), *_METHODS]
    hints = [] if name.startswith("_") else nearest(name, known)
    raise AttributeError(
        f"symdiff.eager has no attribute {name!r}" + (f"; did you mean {hints[0]!r}?" if hints else "")
    )


_SUBMODULES = ("autograd", "func", "linalg", "nn", "optim", "special", "utils")


def _forget(op: Op) -> None:
    for name in [name for name, found in globals().items() if found is op or getattr(found, "op", None) is op]:
        del globals()[name]


forgetters.append(_forget)


@cache
def _as_function(name: str) -> Any:
    """A method of tensors as a function; of other values, the row of that name."""
    of_tensor = getattr(Tensor, name)

    def function(x: Any, *args: Any, **options: Any) -> Any:
        if isinstance(x, Tensor):
            return of_tensor(x, *args, **options)
        row = row_function(name)
        if row is None:
            raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(x).__name__}")
        return row(x, *args)

    function.__name__ = name
    function.__doc__ = of_tensor.__doc__
    return function


def __dir__() -> list[str]:
    from symdiff.ops import function_names

    return sorted({*globals(), *_METHODS, *_SUBMODULES, *function_names()})


class finfo:  # the name that its users know
    """The limits of a floating dtype: ``eps``, ``max``, ``min``, ``tiny``."""

    def __init__(self, kind: dtype) -> None:
        limits = np.finfo(kind.numpy)
        self.bits = _builtins.int(limits.bits)
        self.eps = _builtins.float(limits.eps)
        self.max = _builtins.float(limits.max)
        self.min = _builtins.float(limits.min)
        self.tiny = self.smallest_normal = _builtins.float(limits.tiny)


class cuda:
    """There is none; tutorials ask."""

    @staticmethod
    def is_available() -> _builtins.bool:
        """False."""
        return False


Tensor.__module__ = __name__
_frames.register_package()
