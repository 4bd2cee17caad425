"""Every example runs, and prints what its docstring promises."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))


PICTURES: dict[str, dict[str, str]] = {  # the curves of each picture, with their colours: Okabe and Ito's
    "11_two_moons": {
        "decision-boundary": "#000000",
        "layer-1": "#0072b2",
        "layer-2": "#d55e00",
        "layer-3": "#009e73",
    },
    "12_optimisers": {
        f"{what}-{k}": colour
        for what in ("path", "value")
        for k, colour in enumerate(["#0072b2", "#d55e00", "#009e73", "#cc79a7"])
    },
    "13_sine_derivatives": {"derivative-0": "#0072b2", "derivative-1": "#d55e00", "derivative-2": "#009e73"},
}
LABELS = {
    "11_two_moons": [r"$\sigma(f(x_1, x_2)) = 1/2$", r"$\|\partial L/\partial W_3\|$", "$x_1$"],
    "12_optimisers": [r"$f(x, y) = (1 - x)^2 + 100\,(y - x^2)^2$", "Adam", "RMSprop", "SGD, momentum"],
    "13_sine_derivatives": [r"$f(x) = \sin\left(x\right)$", r"$f''(x) = -\sin\left(x\right)$"],
}
SVG = "{http://www.w3.org/2000/svg}"


def ran(script: Path, folder: Path, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run an example in a folder, and look for modules ``before`` anywhere else.

    Warnings are errors, but not where it draws: matplotlib has its own.
    """
    command = [sys.executable, *([] if arguments else ["-W", "error"]), "-X", "utf8", str(script), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [before, str(ROOT)]))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=60)


def promised(script: Path) -> str:
    """What the docstring says that the example prints."""
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")), clean=True) or ""
    return textwrap.dedent(docstring.partition("\nPrints:\n")[2]).strip("\n")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_prints_what_it_promises(script: Path, tmp_path: Path) -> None:
    run = ran(script, tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.rstrip() == promised(script)
    assert not list(tmp_path.iterdir()), "a picture that nobody asked for"


@pytest.mark.parametrize("name", PICTURES)
def test_an_example_draws_the_curves_that_it_names(name: str, tmp_path: Path) -> None:
    script = EXAMPLES / f"{name}.py"
    run = ran(script, tmp_path, "first.svg", "second.svg")
    assert run.returncode == 0, run.stderr
    assert run.stdout.rstrip() == promised(script)
    text = (tmp_path / "first.svg").read_text(encoding="utf-8")
    assert text == (tmp_path / "second.svg").read_text(encoding="utf-8")
    groups = {group.get("id"): group for group in ElementTree.fromstring(text).iter(f"{SVG}g")}
    for curve, colour in PICTURES[name].items():
        lines = list(groups[curve].iter(f"{SVG}path"))
        assert max(len(points(line)) for line in lines) >= 20, curve
        assert any(f"stroke: {colour}" in (line.get("style") or "").lower() for line in lines), curve
    for label in LABELS[name]:  # beside the shapes of its letters
        assert label in text


def points(line: ElementTree.Element) -> list[tuple[float, float]]:
    """The points that an SVG path joins."""
    numbers = [float(word) for word in re.findall(r"-?\d+\.?\d*", line.get("d") or "")]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_the_drawn_sine_is_a_sine(tmp_path: Path) -> None:
    run = ran(EXAMPLES / "13_sine_derivatives.py", tmp_path, "sine.svg")
    assert run.returncode == 0, run.stderr
    groups = {group.get("id"): group for group in ElementTree.parse(tmp_path / "sine.svg").iter(f"{SVG}g")}
    for k in range(3):
        (line,) = groups[f"derivative-{k}"].iter(f"{SVG}path")
        x, y = np.array(points(line)).T
        angle = 4 * np.pi * (x - x[0]) / (x[-1] - x[0]) - 2 * np.pi
        height = (y.max() + y.min() - 2 * y) / (y.max() - y.min())  # y points down
        assert height == pytest.approx(np.sin(angle + k * np.pi / 2), abs=0.01)  # the file has a millionth of an inch


@pytest.mark.parametrize("name", PICTURES)
def test_without_matplotlib_an_example_says_what_to_install(name: str, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n", encoding="utf-8")
    run = ran(EXAMPLES / f"{name}.py", tmp_path, "picture.svg", before=str(tmp_path))
    assert run.returncode == 1
    assert "MissingExtraError: the picture needs matplotlib: pip install 'symdiff[plot]'" in run.stderr
    assert run.stdout.rstrip() == promised(EXAMPLES / f"{name}.py")
    assert not (tmp_path / "picture.svg").exists()


def test_the_folder_lists_every_example_once_and_in_order() -> None:
    listed = re.findall(
        r"^\| \[.*?\]\((.*?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert listed == [script.name for script in SCRIPTS]
    assert [int(name[:2]) for name in listed] == list(range(1, len(listed) + 1))
