"""The first and second derivative of sin(x) over a range, from tensors, beside their closed forms.

`autograd.grad(..., create_graph=True)` records the backward pass too, so that its result can be differentiated
again. With a path (`python examples/13_sine_derivatives.py sine.svg`) it also draws the three curves; that
needs matplotlib, the extra `plot`.

Prints:

          x      sin(x)    cos(x)   -sin(x)
     0.0000      0.0000    1.0000    0.0000
     0.5236      0.5000    0.8660   -0.5000
     1.0472      0.8660    0.5000   -0.8660
     1.5708      1.0000    0.0000   -1.0000
     2.0944      0.8660   -0.5000   -0.8660
     2.6180      0.5000   -0.8660   -0.5000
     3.1416      0.0000   -1.0000    0.0000
    as the closed forms at 1000 points from -20 to 20, to 1e-15: True
"""

import sys

import numpy as np

import symdiff as sd
import symdiff.eager as torch

COLOURS = ("#0072B2", "#D55E00", "#009E73")  # of Okabe and Ito: told apart by colour-blind readers too
STYLES = ("-", "--", "-.")  # and in grey


def curves(low: float, high: float, count: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The points, and there sin(x) with its first and second derivative."""
    x = torch.linspace(low, high, count, dtype=torch.float64, requires_grad=True)
    y = torch.sin(x)
    # Each element of y depends on its own x alone, so the gradient of the sum holds every slope.
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return x.detach(), [y.detach(), first.detach(), second]


def closed_forms() -> list[sd.Expr]:
    f = sd.parse("sin(x)")
    return [f, f.diff("x"), sd.diff(f, "x", 2)]


def draw(path: str) -> None:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise sd.MissingExtraError("the picture needs matplotlib: pip install 'symdiff[plot]'") from error

    x, values = curves(-2 * np.pi, 2 * np.pi, 401)
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="$x$", xlim=(-2 * np.pi, 2 * np.pi))
    for k, (formula, y) in enumerate(zip(closed_forms(), values, strict=True)):
        name = "f" + "'" * k
        label = f"${name}(x) = {formula.latex()}$"
        axes.plot(x.numpy(), y.numpy(), STYLES[k], color=COLOURS[k], label=label, gid=f"derivative-{k}")
    axes.set_xticks(np.pi * np.arange(-2, 3), [r"$-2\pi$", r"$-\pi$", "$0$", r"$\pi$", r"$2\pi$"])
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    with matplotlib.rc_context({"svg.hashsalt": "symdiff"}):  # the same file every time
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.endswith(".svg") else None)


def main() -> None:
    x, values = curves(0.0, np.pi, 7)
    forms = closed_forms()
    print("      x  " + "".join(f"{formula!s:>10}" for formula in forms))
    for row in zip(x.tolist(), *(y.tolist() for y in values), strict=True):
        print(f"{row[0]:7.4f}  " + "".join(f"{round(number, 4) + 0.0:10.4f}" for number in row[1:]))
    x, values = curves(-20.0, 20.0, 1000)
    worst = [np.abs(y.numpy() - formula(x=x.numpy())).max() for y, formula in zip(values, forms, strict=True)]
    print("as the closed forms at 1000 points from -20 to 20, to 1e-15:", max(worst) < 1e-15)
    for path in sys.argv[1:]:
        draw(path)


if __name__ == "__main__":
    main()
