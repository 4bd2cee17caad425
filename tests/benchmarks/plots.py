"""Plots of how times grow, one for each series of contests, by Matplotlib."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Report

AXES = {
    "arrays-mixed": ("Value and gradient of exp(-xy) sin(x + 2y) + log(1 + x²) tanh(y)", "points", "seconds a point"),
    "iterate": ("Closed-form derivative of f ↦ f sin f + f, iterated", "levels", "seconds"),
    "parse": ("Reading a formula", "tokens", "seconds a token"),
    "rosenbrock": ("Closed-form gradient of the Rosenbrock sum", "variables", "seconds"),
    "wide": ("Value and gradient of the Rosenbrock sum at a point", "variables", "seconds"),
}
COLOURS = {
    "symdiff": "#d62728",
    "SymPy": "#8c564b",
    "SymEngine": "#2ca02c",
    "CasADi": "#bcbd22",
    "NumPy": "#1f77b4",
    "numexpr": "#17becf",
    "Numba": "#9467bd",
    "JAX": "#ff7f0e",
    "PyTorch eager": "#e377c2",
    "torch.compile": "#aa4499",
    "autograd": "#7f7f7f",
    "C": "#000000",
    "PyTensor": "#332288",
}


def draw(reports: Sequence[Report], folder: Path) -> Iterator[Path]:
    """A file for each series that has points enough for a line."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "symdiff"  # the same picture is the same file
    folder.mkdir(parents=True, exist_ok=True)
    for name in AXES:
        members = [report for report in reports if report.series is not None and report.series[0] == name]
        if len(members) > 1:
            yield plot(name, members, folder / f"{name}.svg")


def plot(name: str, reports: Sequence[Report], path: Path) -> Path:
    from matplotlib import pyplot

    title, across, up = AXES[name]
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for contestant, points in lines(reports).items():
        style = appearance(contestant)
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=contestant, **style)
    axes.set(title=title, xlabel=across, ylabel=up, xscale="log", yscale="log")
    axes.grid(which="major", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def lines(reports: Sequence[Report]) -> dict[str, list[tuple[float, float]]]:
    """For each contestant its medians along the axis."""
    found: dict[str, list[tuple[float, float]]] = {}
    for report in sorted(reports, key=place):
        for result in report.results:
            if result.rounds:
                found.setdefault(result.contestant, []).append((place(report), result.median))
    return found


def place(report: Report) -> float:
    assert report.series is not None
    return report.series[1]


def appearance(contestant: str) -> dict[str, Any]:
    """The tool's colour; symdiff stands out, and its second way is dashed."""
    tool, _, way = contestant.partition(", ")
    mine = tool == "symdiff"
    dashed = mine and way.startswith("without")
    return {
        "color": COLOURS.get(tool),
        "linewidth": 2.2 if mine else 1.2,
        "linestyle": "--" if dashed else "-",
        "zorder": 3 if mine else 2,
    }
