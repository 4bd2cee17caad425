"""Where `symdiff.eager` means to differ from PyTorch, or both differ from the truth: the one list of it.

A row is a formula at a point with the derivatives by each of its variables there. Add a row, and the test and whoever
prints the table have it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

nan, inf = math.nan, math.inf

DEAD = "the branch that is not taken contributes nothing, not even 0 times nan"
ZERO = "zero times an infinite partial is zero"
OUTSIDE = "outside its domain a function has no derivative; PyTorch evaluates the formula of one"
HALFWAY = "either end of a clamp is a kink, with the mean of its two slopes"
DIGITS = "1 - tanh(x)**2 and expm1(x) + 1 cancel; the row's form does not"


@dataclass(frozen=True)
class Difference:
    """A formula, in the language and as code on tensors, with its derivatives at a point.

    Attributes:
        at: the variables, and the order of the derivatives.
        theirs: what PyTorch computes.
        ours: what `symdiff.eager` computes, and `symdiff.Expr.at` too.
        truth: what is true; None for a variable by which there is no derivative.
        why: ours.
    """

    formula: str
    code: str
    at: dict[str, float]
    theirs: tuple[float, ...]
    ours: tuple[float, ...]
    truth: tuple[float | None, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.formula} at {', '.join(f'{name} = {number:g}' for name, number in self.at.items())}"


DIFFERENCES: tuple[Difference, ...] = (
    Difference("where(x > 0, sqrt(x), 0)", "torch.where(x > 0, torch.sqrt(x), 0)", {"x": -1}, (nan,), (0,), (0,), DEAD),
    Difference("where(x > 0, sqrt(x), x)", "torch.where(x > 0, torch.sqrt(x), x)", {"x": -1}, (nan,), (1,), (1,), DEAD),
    Difference(
        "where(x == 0, 1, sin(x)/x)", "torch.where(x == 0, 1, torch.sin(x) / x)", {"x": 0}, (nan,), (0,), (0,), DEAD
    ),
    Difference(
        "where(x < 5, x, exp(1000*x))", "torch.where(x < 5, x, torch.exp(1000 * x))", {"x": 2}, (nan,), (1,), (1,), DEAD
    ),
    Difference("sqrt(x**4)", "torch.sqrt(x**4)", {"x": 0}, (nan,), (0,), (0,), ZERO),
    Difference("sqrt(x*x)", "torch.sqrt(x * x)", {"x": 0}, (nan,), (0,), (None,), ZERO),
    Difference("sqrt(x)**2", "torch.sqrt(x) ** 2", {"x": 0}, (nan,), (0,), (None,), ZERO),
    Difference("0*sqrt(x)", "0 * torch.sqrt(x)", {"x": 0}, (nan,), (0,), (None,), ZERO),
    Difference(
        "sqrt(x**2 + y**2)", "torch.sqrt(x**2 + y**2)", {"x": 0, "y": 0}, (nan, nan), (0, 0), (None, None), ZERO
    ),
    Difference(
        "sqrt(x**2 + y**2)**2", "torch.sqrt(x**2 + y**2) ** 2", {"x": 0, "y": 0}, (nan, nan), (0, 0), (0, 0), ZERO
    ),
    Difference(
        "hypot(x, y)",
        "torch.hypot(x, y)",
        {"x": 0, "y": 0},
        (nan, nan),
        (0, 0),
        (None, None),
        "0 lies between all the slopes of the cone",
    ),
    Difference(
        "x**y",
        "x**y",
        {"x": 0, "y": 0},
        (0, 0),
        (0, -inf),
        (None, None),
        "0**y jumps from inf over 1 to 0 at y = 0, and log(0) is the slope of x**y there as x falls to 0",
    ),
    Difference("log(x)", "torch.log(x)", {"x": -1}, (-1,), (nan,), (None,), OUTSIDE),
    Difference("log2(x)", "torch.log2(x)", {"x": -1}, (-1 / math.log(2),), (nan,), (None,), OUTSIDE),
    Difference("log10(x)", "torch.log10(x)", {"x": -1}, (-1 / math.log(10),), (nan,), (None,), OUTSIDE),
    Difference("log1p(x)", "torch.log1p(x)", {"x": -2}, (-1,), (nan,), (None,), OUTSIDE),
    Difference("atanh(x)", "torch.atanh(x)", {"x": 2}, (-1 / 3,), (nan,), (None,), OUTSIDE),
    Difference("mod(x, y)", "torch.remainder(x, y)", {"x": 6, "y": 0}, (1, -inf), (nan, nan), (None, None), OUTSIDE),
    Difference("atan2(x, y)", "torch.atan2(x, y)", {"x": 0, "y": 0}, (0, 0), (nan, nan), (None, None), OUTSIDE),
    Difference("clip(x, 0, 1)", "torch.clamp(x, 0, 1)", {"x": 0}, (1,), (0.5,), (None,), HALFWAY),
    Difference("clip(x, 0, 1)", "torch.clamp(x, 0, 1)", {"x": 1}, (1,), (0.5,), (None,), HALFWAY),
    Difference(
        "clip(x, y, y + 2)", "torch.clamp(x, y, y + 2)", {"x": 1, "y": 1}, (1, 0), (0.5, 0.5), (None, None), HALFWAY
    ),
    Difference(
        "tanh(x)", "torch.tanh(x)", {"x": 20}, (0,), (1.6993417021166355e-17,), (1.6993417021166355e-17,), DIGITS
    ),
    Difference("expm1(x)", "torch.expm1(x)", {"x": -40}, (0,), (math.exp(-40),), (math.exp(-40),), DIGITS),
    Difference(
        "digamma(x)",
        "torch.digamma(x)",
        {"x": 1.3},
        (1.134253435540072,),
        (1.1342534349966191,),
        (1.1342534349966191,),
        "PyTorch's trigamma is a series that ends after nine digits",
    ),
    Difference(
        "relu(x) - relu(-x)",
        "torch.relu(x) - torch.relu(-x)",
        {"x": 0},
        (0,),
        (0,),
        (1,),
        "a convention holds for one operation at a time: relu has slope 0 at 0; Expr.at marks the point",
    ),
)


@dataclass(frozen=True)
class Check:
    """A gradient that `gradcheck` is to judge: a function with its slope at a point, right or wrong.

    Attributes:
        value: the function of x, on tensors.
        slope: what is claimed to be its derivative.
        at: x.
        theirs: what PyTorch's `gradcheck` says; ours says the truth.
        right: whether the slope is the derivative.
    """

    value: str
    slope: str
    at: float
    theirs: bool
    right: bool
    dtype: str = "float64"

    def __str__(self) -> str:
        return f"{self.slope} for {self.value} at {self.at:g} in {self.dtype}"


CHECKS: tuple[Check, ...] = (
    Check("1e-6 * torch.sin(x)", "0 * x", 0.7, theirs=True, right=False),
    Check("torch.sin(x)", "1.0009 * torch.cos(x)", 0.7, theirs=True, right=False),
    Check("x * x", "-2 * x", 1e-6, theirs=True, right=False),
    Check("torch.sin(1e6 * x)", "1e6 * torch.cos(1e6 * x)", 0.3, theirs=False, right=True),
    Check("torch.sqrt(x)", "0.5 / torch.sqrt(x)", 1e-7, theirs=False, right=True),
    Check("x**2 + 1e8", "2 * x", 1.0, theirs=False, right=True),
    Check("torch.sin(x)", "torch.cos(x)", 0.7, theirs=False, right=True, dtype="float32"),
    Check("1 / x", "-1 / x**2", 1e-5, theirs=False, right=True),
)
"""Where PyTorch's `gradcheck` is wrong, by differences with one step and an absolute tolerance."""
