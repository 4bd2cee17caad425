"""Four optimisers walk down the Rosenbrock function's curved valley, from (-0.5, 2.5) to its minimum at (1, 1).

Each gets a rate that suits it. The valley is flat and narrow: plain gradient descent creeps along its floor;
momentum rolls across it to and fro, and then faster; Adam and RMSprop divide by the size of recent gradients, and
walk at a pace of their own. With a path (`python examples/12_optimisers.py paths.svg`) the ways are drawn; that
needs matplotlib, the extra `plot`.

Prints:

                          after 200       after 2000       below 0.0001
    SGD             (-1.231, 1.524)   (0.603, 0.361)              never
    SGD, momentum   (-0.339, 0.120)   (0.992, 0.984)  from step 1894 on
    Adam            (-0.633, 0.406)   (1.000, 0.999)  from step 1477 on
    RMSprop         (-1.334, 1.788)   (0.909, 0.840)              never
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import symdiff as sd
import symdiff.eager as torch
import symdiff.eager.optim as optim

START, STEPS, CLOSE = (-0.5, 2.5), 2000, 1e-4
OPTIMISERS: dict[str, Callable[[Iterable[Any]], optim.Optimizer]] = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.001),
    "SGD, momentum": lambda parameters: optim.SGD(parameters, lr=0.0005, momentum=0.9),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.2),
    "RMSprop": lambda parameters: optim.RMSprop(parameters, lr=0.01),
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # of Okabe and Ito: told apart by colour-blind readers too
STYLES = ("-", "--", "-.", ":")  # and in grey


def rosenbrock(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def walk(make: Callable[[Iterable[Any]], optim.Optimizer]) -> np.ndarray:
    """The points after 0, 1, 2, ... steps."""
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimiser = make([p])
    path = [p.detach().clone()]
    for _ in range(STEPS):
        optimiser.zero_grad()
        rosenbrock(p[0], p[1]).backward()
        optimiser.step()
        path.append(p.detach().clone())
    return np.asarray(torch.stack(path).numpy())


def draw(path: str, walks: dict[str, np.ndarray]) -> None:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise sd.MissingExtraError("the picture needs matplotlib: pip install 'symdiff[plot]'") from error

    figure = Figure(figsize=(11, 5), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    values = figure.add_subplot(grid[:, 2:], xlabel="step", yscale="log", xlim=(0, STEPS))
    for k, (name, walked) in enumerate(walks.items()):
        draw_path(figure.add_subplot(grid[k // 2, k % 2]), name, walked, k)
        values.plot(rosenbrock(*walked.T), STYLES[k], color=COLOURS[k], label=name, gid=f"value-{k}")
    values.set_title("$f(x, y) = (1 - x)^2 + 100\\,(y - x^2)^2$ after each step")
    values.grid(alpha=0.3)
    values.legend()
    with matplotlib.rc_context({"svg.hashsalt": "symdiff"}):  # the same file every time
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.endswith(".svg") else None)


def draw_path(axes: Any, name: str, walked: np.ndarray, k: int) -> None:
    """One way over the level lines of the function, from the square to the star."""
    x, y = np.meshgrid(np.linspace(-2.0, 1.5, 300), np.linspace(-0.5, 3.0, 300))
    axes.plot(*walked.T, ".-", color=COLOURS[k], linewidth=1, markersize=2, gid=f"path-{k}")
    axes.contour(x, y, rosenbrock(x, y), levels=np.geomspace(0.1, 1000.0, 9), colors="grey", linewidths=0.5, zorder=0)
    axes.plot(*START, "s", color="black", markersize=5)
    axes.plot(1.0, 1.0, "*", color="black", markersize=9)
    axes.set(xlim=(-2.0, 1.5), ylim=(-0.5, 3.0), title=name, xlabel="$x$", ylabel="$y$")
    axes.label_outer()


def main() -> None:
    walks = {name: walk(make) for name, make in OPTIMISERS.items()}
    print(f"{'':<14} {'after 200':>16} {f'after {STEPS}':>16} {f'below {CLOSE:g}':>18}")
    for name, walked in walks.items():
        shown = [f"({x:.3f}, {y:.3f})" for x, y in walked[[200, STEPS]]]
        above = np.flatnonzero(rosenbrock(*walked.T) >= CLOSE)
        when = f"from step {above[-1] + 1} on" if above[-1] < STEPS else "never"
        print(f"{name:<14} {shown[0]:>16} {shown[1]:>16} {when:>18}")
    for path in sys.argv[1:]:
        draw(path, walks)


if __name__ == "__main__":
    main()
