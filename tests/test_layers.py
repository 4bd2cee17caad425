"""The import contract of pyproject.toml holds, and would say so if it did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT, "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_imports_point_downward() -> None:
    run = lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("graph.py", "import symdiff.dag", "symdiff.graph -> symdiff.dag"),
        ("text/format.py", "import symdiff.numeric", "symdiff.text.format -> symdiff.numeric"),
        ("dag.py", "def late():\n    import symdiff.symbolic", "symdiff.dag -> symdiff.symbolic"),
        ("dag.py", "import sympy", "symdiff.dag -> sympy"),
        ("utils.py", "", "symdiff.utils"),
    ],
    ids=["upward", "sideways", "inside a function", "sympy", "stray module"],
)
def test_a_wrong_import_is_rejected(tmp_path: Path, module: str, line: str, complaint: str) -> None:
    package = shutil.copytree(ROOT / "symdiff", tmp_path / "symdiff", ignore=shutil.ignore_patterns("__pycache__"))
    with (package / module).open("a") as file:
        file.write(f"\n{line}\n")
    run = lint(tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert complaint in run.stdout
