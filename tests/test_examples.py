"""Every example runs, and prints what its docstring promises."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_prints_what_it_promises(script: Path, tmp_path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")), clean=True) or ""
    _, _, promised = docstring.partition("\nPrints:\n")
    command = [sys.executable, "-W", "error", "-X", "utf8", str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.rstrip() == textwrap.dedent(promised).strip("\n")


def test_the_folder_lists_every_example_once_and_in_order() -> None:
    listed = re.findall(
        r"^\| \[.*?\]\((.*?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert listed == [script.name for script in SCRIPTS]
    assert [int(name[:2]) for name in listed] == list(range(1, len(listed) + 1))
