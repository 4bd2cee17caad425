"""SymPy in a process of its own: started early, reused, killed at its time limit.

`SympyProcess.ask` returns at once; the answer grows in the background, part by part. One thread
talks with the child, so that neither a full pipe nor a slow import keeps the caller waiting.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from symdiff.errors import WorkerError

START_LIMIT: Final = 60.0  # seconds for the child to import SymPy, on a machine that is busy
BOOT: Final = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from symdiff.compare.worker import main; main()"


@dataclass(slots=True, eq=False)
class Answer:
    """What SymPy has said about one question so far, in parts.

    Attributes:
        parts: the parts, in the order in which they came; see `symdiff.compare.worker.answer`.
        failure: why there are no more, where the process did not finish; else empty.
    """

    parts: list[dict[str, Any]] = field(default_factory=list)
    failure: str = ""
    _finished: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the answer is complete, or has failed; True if it is."""
        return self._finished.wait(timeout)

    def named(self, part: str) -> Iterator[dict[str, Any]]:
        """The parts of one kind."""
        return (p for p in list(self.parts) if p["part"] == part)


class SympyProcess:
    """One child process and the questions that wait for it. Threads may share it."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[tuple[dict[str, Any], float, Answer] | None] = queue.SimpleQueue()
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.version = ""
        self._thread = threading.Thread(target=self._converse, name="symdiff-sympy", daemon=True)
        self._thread.start()
        _ALIVE.add(self)

    def ask(self, question: dict[str, Any], time_limit: float) -> Answer:
        """Ask; the clock of ``time_limit`` seconds starts when the child takes up the question."""
        answer = Answer()
        self._questions.put((question, time_limit, answer))
        return answer

    def close(self) -> None:
        """End the child, whatever it is doing. Answers that are still open fail."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()
        self._questions.put(None)
        self._thread.join(5.0)

    @property
    def pid(self) -> int | None:
        """The process id of the child, or None where there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    # ---- the thread

    def _converse(self) -> None:
        with contextlib.suppress(WorkerError):  # the first question will say so
            self._ready_child()
        while True:
            asked = self._questions.get()
            if asked is None:
                self._forget()
                return
            question, time_limit, answer = asked
            try:
                self._hear(self._ready_child(), question, time_limit, answer)
            except WorkerError as why:
                answer.failure = str(why)
            finally:
                answer._finished.set()

    def _ready_child(self) -> subprocess.Popen[str]:
        """The child, started if there is none, once it has said that SymPy is there."""
        if self._child is not None:
            if self._child.poll() is None:
                return self._child
            self._forget()
        with self._lock:
            if self._closed:
                raise WorkerError("SymPy's process has been closed")
            child = self._child = _started()
        with _Deadline(child, START_LIMIT) as deadline:
            part = _read(child)
        if part is None or part["part"] != "ready" or "error" in part:
            self._forget()
            slow = f"SymPy did not start within {START_LIMIT:g} s"
            raise WorkerError(slow if deadline.passed else (part or {}).get("error", "SymPy's process did not start"))
        self.version = part["version"]
        return child

    def _hear(self, child: subprocess.Popen[str], question: dict[str, Any], time_limit: float, answer: Answer) -> None:
        assert child.stdin is not None
        with _Deadline(child, time_limit) as deadline:
            with contextlib.suppress(OSError):
                child.stdin.write(json.dumps(question) + "\n")
                child.stdin.flush()
            while (part := _read(child)) is not None and part["part"] != "done":
                answer.parts.append(part)
        if part is None or deadline.passed:  # the limit may have passed just after the last word
            self._forget()
        if part is None:
            if deadline.passed:
                gave = "had not finished" if answer.parts else "gave no answer"
                raise WorkerError(f"SymPy {gave} after {time_limit:g} s")
            raise WorkerError("SymPy's process has been closed" if self._closed else f"SymPy's process {_end(child)}")

    def _forget(self) -> None:
        """End and clear away the child. Only the thread that reads its pipes may close them."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):  # what was still to be written has no reader
                    pipe.close()


class _Deadline:
    """Kills the child if the block takes longer than its limit; the read inside then ends."""

    def __init__(self, child: subprocess.Popen[str], limit: float) -> None:
        self.passed = False
        self._child = child
        self._timer = threading.Timer(limit, self._pass)
        self._timer.daemon = True

    def _pass(self) -> None:
        self.passed = True
        self._child.kill()

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()


def _started() -> subprocess.Popen[str]:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # threads reserve memory
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", BOOT, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment,
        )
    except OSError as why:
        raise WorkerError(f"SymPy's process could not be started: {why}") from why


def _read(child: subprocess.Popen[str]) -> dict[str, Any] | None:
    """The next part, or None where the child has ended."""
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
        return json.loads(line) if line.endswith("\n") else None
    except (OSError, ValueError):
        return None


def _end(child: subprocess.Popen[str]) -> str:
    code = child.wait()
    return f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"


_ALIVE: Final[weakref.WeakSet[SympyProcess]] = weakref.WeakSet()
_SHARED: list[SympyProcess] = []


def shared() -> SympyProcess:
    """The process that comparisons share; starts it, in the background, if there is none."""
    if not _SHARED or _SHARED[0]._closed:
        _SHARED[:] = [SympyProcess()]
    return _SHARED[0]


@atexit.register
def close_all() -> None:
    """End every child: also run when the interpreter exits."""
    for process in list(_ALIVE):
        process.close()


def _after_fork() -> None:
    """A forked process has neither our thread nor a right to our child."""
    _SHARED.clear()
    _ALIVE.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
