"""Compiled code on disk: only what is whole, ours and meant is read; whatever fails costs time alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symdiff.numeric.backends.llvm.cache import KernelCache
from symdiff.numeric.steps import Step, Steps

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
CODE = b"code" * 100
needs_users = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system's files have no user or mode")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "a" / "cache"
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(path))
    return path


@pytest.fixture
def cache(folder: Path) -> KernelCache:
    return KernelCache()


def only_file(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


def test_what_was_put_is_found(cache: KernelCache, folder: Path) -> None:
    assert cache.get(KEY) is None
    cache.put(KEY, CODE)
    cache.put(OTHER, b"")
    assert cache.get(KEY) == CODE
    assert KernelCache().get(OTHER) == b""
    assert cache.folder == folder
    assert cache.size() == sum(path.stat().st_size for path in folder.iterdir()) > len(CODE)
    cache.clear()
    assert cache.get(KEY) is None
    assert cache.size() == 0


def test_it_can_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", "")
    cache = KernelCache()
    cache.put(KEY, CODE)
    assert cache.folder is None
    assert cache.get(KEY) is None
    assert cache.size() == 0
    cache.clear()
    assert not list(tmp_path.iterdir())


def test_the_folder_is_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SYMDIFF_CACHE_DIR", raising=False)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    found = KernelCache().folder
    assert found is not None
    assert found.is_relative_to(tmp_path)
    assert "symdiff" in found.parts


@needs_users
def test_the_folder_and_the_files_are_private(cache: KernelCache, folder: Path) -> None:
    before = os.umask(0o002)
    try:
        cache.put(KEY, CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(folder).stat().st_mode) == 0o600


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda whole: whole[:-1],
    "only the head": lambda whole: whole[: -len(CODE)],
    "longer": lambda whole: whole + b"x",
    "one bit of the code": lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
    "one bit of the head": lambda whole: bytes([whole[0] ^ 1]) + whole[1:],
    "of another version": lambda whole: whole.replace(b"code 1", b"code 0"),
    "of somebody else": lambda _: b"#!/bin/sh\n" * 50,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_spoiled_file_is_ignored_and_replaced(
    spoil: Callable[[bytes], bytes], cache: KernelCache, folder: Path
) -> None:
    cache.put(KEY, CODE)
    path = only_file(folder)
    path.write_bytes(spoil(path.read_bytes()))
    assert cache.get(KEY) is None
    cache.put(KEY, CODE)
    assert cache.get(KEY) == CODE


def test_a_file_under_another_name_is_ignored(cache: KernelCache, folder: Path) -> None:
    cache.put(KEY, CODE)
    only_file(folder).rename(folder / f"{OTHER.hex()}.code")
    assert cache.get(OTHER) is None


@needs_users
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_ignored(mode: int, cache: KernelCache, folder: Path) -> None:
    cache.put(KEY, CODE)
    only_file(folder).chmod(mode)
    assert cache.get(KEY) is None


@needs_users
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_is_not_used(mode: int, cache: KernelCache, folder: Path) -> None:
    cache.put(KEY, CODE)
    folder.chmod(mode)
    assert cache.get(KEY) is None
    cache.put(OTHER, CODE)
    cache.clear()
    assert [path.name for path in folder.iterdir()] == [f"{KEY.hex()}.code"]


@needs_users
def test_what_another_user_owns_is_not_used(cache: KernelCache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(KEY, CODE)
    owner = folder.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert cache.get(KEY) is None
    cache.put(OTHER, CODE)
    assert len(list(folder.iterdir())) == 1


@needs_users
def test_a_link_is_not_followed(cache: KernelCache, folder: Path, tmp_path: Path) -> None:
    cache.put(KEY, CODE)
    path = only_file(folder)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.get(KEY) is None


def test_a_folder_that_cannot_be_made_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path / "file" / "cache"))
    cache = KernelCache()
    cache.put(KEY, CODE)
    assert cache.get(KEY) is None
    assert cache.size() == 0


@pytest.mark.parametrize("failing", ["mkdir", "open", "replace"])
def test_a_disk_that_cannot_be_written_costs_nothing(
    failing: str, cache: KernelCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(*{"mkdir": (Path, "mkdir"), "open": (os, "fdopen"), "replace": (os, "replace")}[failing], fail)
        if failing == "open":
            patch.setattr("tempfile.mkstemp", fail)
        cache.put(KEY, CODE)
    assert cache.get(KEY) is None
    assert not folder.exists() or not list(folder.iterdir())
    cache.put(KEY, CODE)
    assert cache.get(KEY) == CODE


def test_what_was_not_used_for_longest_makes_room(cache: KernelCache, folder: Path) -> None:
    keys = [bytes([i]) * 32 for i in range(10)]
    for age, key in enumerate(keys):
        cache.put(key, CODE)
        os.utime(folder / f"{key.hex()}.code", (1e9 + age, 1e9 + age))
    cache.get(keys[0])  # used now
    each = cache.size() // 10
    cache.limit = 10 * each
    cache.put(OTHER, CODE)
    assert cache.size() <= 0.75 * cache.limit
    kept = [key for key in [*keys, OTHER] if cache.get(key) is not None]
    assert kept == [keys[0], *keys[5:], OTHER]


def test_the_limit_holds_with_what_was_there_before(cache: KernelCache, folder: Path) -> None:
    for i in range(10):
        cache.put(bytes([i]) * 32, CODE)
    later = KernelCache(limit=cache.size())
    later.put(KEY, CODE)
    assert later.size() <= later.limit


def test_temporary_files_that_nobody_finished_are_removed(cache: KernelCache, folder: Path) -> None:
    cache.put(KEY, CODE)
    for name, used in (("old", 1e9), ("new", None)):
        path = folder / f"{name}.part"
        path.touch()
        if used:
            os.utime(path, (used, used))
    cache.limit = 1000
    for i in range(3):
        cache.put(bytes([i]) * 32, CODE)
    assert {path.name for path in folder.iterdir() if path.suffix == ".part"} == {"new.part"}


def test_threads_write_and_read_at_once(cache: KernelCache) -> None:
    keys = [bytes([i]) * 32 for i in range(8)]
    cache.limit = 5 * (len(CODE) + 200)
    wrong: list[object] = []

    def work() -> None:
        for _ in range(30):
            for key in keys:
                cache.put(key, CODE + key)
                wrong.append(cache.get(key)) if cache.get(key) not in (None, CODE + key) else None

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- with the compiler


def test_whatever_the_code_depends_on_is_in_its_key() -> None:
    pytest.importorskip("llvmlite")
    from symdiff.numeric.backends.llvm import engine, machine

    def program() -> Steps:
        code = [Step(np.multiply, (0, 1), 2), Step(np.greater, (2, 1), 3), Step(np.where, (3, 2, 0), 4)]
        return Steps({"x": 0}, {1: 0.0}, code, [4, 2], 5, {3})

    keys = {machine._key(("kernel", (True,), (False, False)), program(), engine.host(), 2)}
    keys.add(machine._key(("kernel", (True,), (False, False)), program(), engine.host(), 2))
    assert len(keys) == 1
    changed = [program() for _ in range(8)]
    changed[0].constants[1] = -0.0
    changed[1].outputs.reverse()
    changed[2].truths.clear()
    changed[3].code[0] = Step(np.add, (0, 1), 2)
    changed[4].code[0] = Step(np.multiply, (1, 0), 2)
    changed[5].code[0] = Step(np.multiply, (0, 1), 2, guarded=True)
    changed[6].inputs["y"] = 5
    changed[7].outputs.pop()
    keys |= {machine._key(("kernel", (True,), (False, False)), steps, engine.host(), 2) for steps in changed}
    keys.add(machine._key(("kernel", (True,), (False, True)), program(), engine.host(), 2))
    keys.add(machine._key(("kernel", (True,), (False, False)), program(), engine.host(), 0))
    for change in ({"triple": "x"}, {"cpu": "x"}, {"features": "x"}, {"width": 1}, {"has_fma": None}):
        other = replace(engine.host(), **change)
        keys.add(machine._key(("kernel", (True,), (False, False)), program(), other, 2))
    assert len(keys) == 1 + 8 + 2 + 5


PROGRAM = """
import sys
import numpy as np
import symdiff as sd
from symdiff.numeric.backends import Task, llvm
from symdiff.numeric.backends.llvm import engine
from symdiff.numeric.program import compile_program
from symdiff.numeric.steps import in_steps

if "kept" in sys.argv:
    def compiled(*args):
        raise AssertionError("compiled again")
    from symdiff.numeric.backends.llvm import machine
    machine.compiled = compiled

f = sd.parse("x*exp(y) + sin(x)")
steps = in_steps(compile_program([f.node], ["x", "y"]))
function = llvm.scalar_function(steps, 0, lambda *args: "general")
kernel = llvm.array_kernel(Task(steps, (True, False), (False,)))
out = np.empty(20)
assert kernel([np.full(20, 2.0), 0.5], [out]).size == 0
assert function(1, 2) == "general"
print(function(2.0, 0.5), out[7])
"""


def in_process(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_share_what_was_compiled(folder: Path) -> None:
    pytest.importorskip("llvmlite")
    racing = [in_process() for _ in range(2)]
    outputs = [process.communicate() for process in racing]
    assert [process.returncode for process in racing] == [0, 0], outputs
    assert len(list(folder.iterdir())) == 2
    later = in_process("kept")
    output = later.communicate()
    assert later.returncode == 0, output
    assert output == outputs[0] == outputs[1]


def test_a_kernel_is_right_whatever_lies_in_the_folder(folder: Path) -> None:
    pytest.importorskip("llvmlite")
    first = in_process()
    want = first.communicate()
    assert first.returncode == 0, want
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    again = in_process()
    assert again.communicate() == want
