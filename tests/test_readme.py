"""The README's blocks print what stands below them, and its commands are those that CI runs."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.eager.differences import DIFFERENCES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FLAGS = doctest.ELLIPSIS | doctest.REPORT_NDIFF


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """The commands of the console blocks, each with what is printed below it."""
    found = []
    for block in blocks("console"):
        _, *parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
        found += [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]
    return found


def difference_table() -> str:
    """The table of tests/eager/differences.py as Markdown."""
    lines = ["| derivatives of | at | PyTorch | symdiff | true | why |", "|---|---|---:|---:|---:|---|"]
    for row in DIFFERENCES:
        place = ", ".join(f"{name} = {number:g}" for name, number in row.at.items())
        numbers = [", ".join(map(shown, found)) for found in (row.theirs, row.ours, row.truth)]
        lines.append(f"| `{row.formula}` | {place} | {' | '.join(numbers)} | {row.why} |")
    return "\n".join(lines)


def shown(number: float | None) -> str:
    return "none" if number is None else f"{number:.9g}"


def test_the_table_of_differences_is_that_of_the_tests() -> None:
    found = README.partition("<!-- differences: begin -->\n")[2].partition("\n<!-- differences: end -->")[0]
    assert found == difference_table()


def test_python_blocks() -> None:
    source = "\n".join(block for block in blocks("python") if ">>>" in block)
    examples = doctest.DocTestParser().get_doctest(source, {}, "README.md", "README.md", 0)
    printed: list[str] = []
    assert examples.examples
    result = doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=printed.append)
    assert result.failed == 0, "".join(printed)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which ``symdiff`` is this package, run by this Python."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "symdiff"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m symdiff "$@"\n')
    script.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "120", "TERM": "dumb"}


@pytest.mark.parametrize(("command", "expected"), commands(), ids=[command for command, _ in commands()])
def test_console_blocks(command: str, expected: str, environment: dict[str, str], tmp_path: Path) -> None:
    run = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    printed = "".join(f"{line.rstrip()}\n" for line in run.stdout.splitlines())
    assert doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS), f"printed:\n{printed}"


def test_both_one_line_commands_are_there_once() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert "symdiff '6*x**2+2*x+4' --at x=3" in lines[0]
    assert "pytest" in lines[1]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """``.ci/run`` takes the line from the README; the pattern by which it does so finds that line alone."""
    script = (ROOT / ".ci" / "run").read_text()
    pattern = re.search(r"^test_command\(\) \{ grep -m 1 -E '([^']+)'", script, flags=re.MULTILINE)
    assert pattern is not None
    found = [line for line in README.splitlines() if re.search(pattern[1], line)]
    assert len(found) == 1
    assert script.count('bash -euo pipefail -c "$(test_command "$work")"') == 1
