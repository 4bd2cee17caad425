"""The command line: what it prints, where, and its exit status."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from symdiff.cli import main

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def test_the_main_job(capsys: Capture) -> None:
    status, out, err = run(capsys, "6*x**2+2*x+4", "--at", "x=3")
    assert status == 0
    assert err == ""
    assert "df/dx = 12*x + 2" in out
    assert "64.0" in out
    assert "38.0" in out
    assert "proved equal" in out
    assert out.splitlines()[-2].startswith("agreed: 2 numbers at 1 point")


@pytest.mark.parametrize("formula", ["-x**2", "-2*x", "--x", "-x", "(-x)"])
def test_a_formula_may_begin_with_a_minus(capsys: Capture, formula: str) -> None:
    status, out, err = run(capsys, formula, "--at", "x=3", "--no-sympy")
    assert (status, err) == (0, "")
    assert f"f = {formula}" in out


def test_after_two_minus_signs_comes_a_formula(capsys: Capture) -> None:
    assert run(capsys, "diff", "--", "--abcd*x")[0] == 0


def test_without_a_point_only_the_forms_are_compared(capsys: Capture) -> None:
    status, out, _ = run(capsys, "sin(x)**2")
    assert status == 0
    assert "df/dx" in out
    assert "at x" not in out


def test_a_disagreement_is_status_1(capsys: Capture) -> None:
    status, out, _ = run(capsys, "sqrt(x**2+y**2)", "--at", "x=1e200,y=1e200")
    assert status == 1
    assert "disagreed: " in out


def test_diff_of_one_variable_is_the_bare_formula(capsys: Capture) -> None:
    assert run(capsys, "diff", "6*x**2+2*x+4") == (0, "12*x + 2\n", "")
    assert run(capsys, "diff", "x**3", "--order", "2") == (0, "6*x\n", "")
    assert run(capsys, "diff", "x**3", "--order=2", "--latex")[1] == "6 x\n"


def test_grad_names_its_parts_and_evaluates_them(capsys: Capture) -> None:
    status, out, _ = run(capsys, "grad", "u**3+v**2+4*u*v", "--at", "u=3,v=4")
    assert status == 0
    assert out.splitlines() == [
        "df/du = 3*u**2 + 4*v",
        "df/dv = 4*u + 2*v",
        "at u = 3.0, v = 4.0: df/du = 43.0, df/dv = 20.0",
    ]


def test_wrt_chooses(capsys: Capture) -> None:
    assert run(capsys, "diff", "x*y**2", "--wrt", "y")[1] == "2*x*y\n"


def test_ranges_make_points(capsys: Capture) -> None:
    found = json.loads(run(capsys, "grad", "x*y", "--at", "x=-1:1:3,y=2", "--json")[1])
    assert [point["at"]["x"] for point in found["points"]] == [-1.0, 0.0, 1.0]
    found = json.loads(run(capsys, "grad", "x", "--at", "x=-20:20", "--json")[1])
    assert len(found["points"]) == 51
    assert (found["points"][0]["at"]["x"], found["points"][-1]["at"]["x"]) == (-20.0, 20.0)


def test_values_may_be_constant_formulas(capsys: Capture) -> None:
    found = json.loads(run(capsys, "grad", "x*y", "--at", "x=pi/2,y=atan2(1, 2)", "--json")[1])
    assert found["points"][0]["at"]["x"] == pytest.approx(1.5707963267948966, rel=1e-15)


def test_json_is_the_documented_dict(capsys: Capture) -> None:
    status, out, _ = run(capsys, "x**2", "--at", "x=3", "--json")
    assert status == 0
    assert json.loads(out)["schema"] == "symdiff.comparison/1"


def test_output_goes_to_a_file(capsys: Capture, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    assert run(capsys, "diff", "x**2", "-o", str(target)) == (0, "", "")
    assert target.read_text() == "2*x\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x*sinn(x)"], ["unknown function 'sinn'", "^^^^", "'sin'"]),
        (["x*y", "--at", "x=3"], ["y"]),
        (["x*y", "--at", "x=3,y=4,z=5,w=6"], ["z and w", "not in the formula"]),
        (["x", "--at", "x=1,x=2"], ["x given twice"]),
        (["x*y", "--at", "x=a,y=1.2.3"], ["x = 'a'", "y = '1.2.3'"]),
        (["x", "--at", "x=nan"], ["not a number"]),
        (["x", "--at", "3"], ["name=number"]),
        (["x", "--at", ""], ["--at is empty"]),
        (["x", "--at", "x=1:2:0"], ["count of a range"]),
        (["x", "--at", "x=1:2:1000000"], ["100,000"]),
        (["x", "--at"], ["--at needs a value"]),
        (["x", "--wrt", "q", "--at", "x=1"], ["q not in the formula"]),
        (["x", "--order", "0"], ["--order"]),
        (["x", "--time-limit", "soon"], ["--time-limit"]),
        (["--nosympy", "x"], ["unknown option --nosympy", "--no-sympy"]),
        (["x", "y"], ["one formula", 'symdiff "x y"']),
        (["x", "--file", "f"], ["not both"]),
        (["--file", "/no/such/file"], ["cannot be read"]),
        (["__import__('os').system('x')"], ["1 |"]),
        ([""], ["error"]),
    ],
)
def test_bad_input_is_status_2_and_told_on_stderr(capsys: Capture, words: list[str], said: list[str]) -> None:
    status, out, err = run(capsys, *words, "--no-sympy")
    assert (status, out) == (2, "")
    for part in said:
        assert part in err


def test_a_bad_line_is_told_by_its_number_and_the_rest_is_done(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "formulas.txt"
    file.write_text('# comment\nx**2\n\nsinn(x)\n{"expr": "x**3", "points": [{"at": {"x": 2.0}}]}\n{broken\n')
    status, out, err = run(capsys, "--file", str(file), "--no-sympy")
    assert status == 2
    assert "line 4: unknown function 'sinn'" in err
    assert "line 6: " in err
    assert "2 formulas, 1 point" in out
    assert "2 bad lines skipped = failed" in out


def test_a_file_s_references_are_compared(capsys: Capture, tmp_path: Path) -> None:
    right = {"expr": "x**2", "points": [{"at": {"x": 3.0}, "value": 9.0, "grad": {"x": 6.0}}]}
    wrong = {"expr": "x**2", "at": {"x": 3.0}, "value": 9.0, "grad": {"x": 6.5}}
    file = tmp_path / "formulas.jsonl"
    file.write_text(f"{json.dumps(right)}\n{json.dumps(wrong)}\n")
    status, out, _ = run(capsys, "--file", str(file), "--no-sympy", "--json")
    first, second, summary = map(json.loads, out.splitlines())
    assert status == 1
    assert (first["line"], first["ok"], first["against_file"]) == (1, True, [])
    assert second["line"] == 2
    assert not second["ok"]
    assert [f["path"] for f in second["against_file"]] == ["closed form", "reverse mode"]
    assert summary["file_references"]["components"] == 4
    assert summary["file_references"]["share_within_4_ulp_times_condition"] == 0.5


def test_formulas_come_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("x**2\nx**3\n"))
    assert run(capsys, "diff", "--file", "-") == (0, "2*x\n3*x**2\n", "")


def command(*words: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "symdiff", *words], text=True, **more)


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parent = stat.read_text().rpartition(")")[2].split()[1]
            found += [int(stat.parent.name)] * (int(parent) == pid)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_ctrl_c_ends_at_once_and_leaves_no_process() -> None:
    deep = "gamma(x**x)"
    for _ in range(8):
        deep = f"gamma({deep}**x + sin({deep}))"
    running = command(deep, "--at", "x=0.5", "--time-limit", "60", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()  # our own part is there
    found = children(running.pid)
    assert found
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert running.returncode == 130
    assert "Traceback" not in err
    for pid in found:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("x**2\n" * 20_000)
    running = command("diff", "--file", str(file), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait(30) == 141
    running.stderr.close()


def test_without_sympy_none_is_imported() -> None:
    script = (
        "import sys; from symdiff.cli import main; main(['x**2', '--at', 'x=3', '--no-sympy']);"
        "assert not {'sympy', 'rich', 'scipy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
