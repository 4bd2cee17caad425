"""Which backend does the work, and why: by the size of the program, the number of points, and past use.

For floats a program becomes one function at once. For arrays NumPy starts, and machine code is built as soon as the
work done so far would have paid for it: then at most twice the best possible time is lost, whatever comes.

Source: R. M. Karp, On-line algorithms versus off-line algorithms, IFIP Congress 1992 (the ski-rental problem).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from symdiff.errors import MissingExtraError, OperationError, SettingError, listed
from symdiff.numeric.backends import Kernel, Shape, Task
from symdiff.numeric.program import Program
from symdiff.numeric.steps import Step, Steps

_INSTALL: Final = "pip install 'symdiff[jit]'"
BACKENDS: Final = ("python", "numpy", "wavefront", "llvm")

# Nanoseconds on one core of 2023, by measurement; another processor's differ by the same factor, nearly.
_ARITHMETIC: Final = 1.0  # of NumPy, for a step at a point
_FUNCTION: Final = 6.0  # likewise, for exp and the like
_OPAQUE: Final = 100.0
_BUILDING: Final = 6e6  # of LLVM, for any program
_BUILDING_STEP: Final = 6e4  # likewise, for a unit of cost
_FASTER: Final = 8.0  # LLVM against NumPy
_QUICK: Final = frozenset(
    {"add", "subtract", "multiply", "divide", "negative", "absolute", "where", "maximum", "minimum", "sqrt", "sign"}
    | {
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "logical_and",
        "logical_or",
        "logical_not",
    }
)
WIDE: Final = 500  # operations; fewer are not worth being grouped
_LONGEST: Final = 20_000  # steps; beyond, neither Python's compiler nor LLVM's pays


@dataclass(frozen=True, slots=True)
class Picked:
    """A choice that was made.

    Attributes:
        work: what is evaluated: ``"value_and_grad of floats"``.
        backend: by which backend.
        reason: why, in words.
    """

    work: str
    backend: str
    reason: str

    def __str__(self) -> str:
        return f"{self.work}: {self.backend} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Settings:
    """What users ask for.

    Attributes:
        backend: the only backend to use; None to choose.
        threads: at most so many; None for one on each core.
        lasting: whether the function is for repeated use, so that building machine code for floats pays.

    Raises:
        SettingError: no such backend, or fewer than one thread.
        MissingExtraError: the backend needs what is not installed.
    """

    backend: str | None = None
    threads: int | None = None
    lasting: bool = False

    def __post_init__(self) -> None:
        if self.backend is not None and self.backend not in BACKENDS:
            raise SettingError(f"no backend is called {self.backend!r}; there are {listed(BACKENDS)}")
        if self.backend == "llvm" and not _llvm().available():
            raise MissingExtraError(f"the backend llvm needs llvmlite: {_INSTALL}")
        if self.threads is not None and not (type(self.threads) is int and self.threads > 0):
            raise SettingError(f"threads is a whole number of at least 1, not {self.threads!r}")


@dataclass(slots=True)
class Choice:
    """The choices for one kind of work of a `Function`.

    Attributes:
        work: what it is called.
        picked: what was chosen, in order; shared by all work of a function.
        settings: what users ask for.
    """

    work: str
    picked: list[Picked]
    settings: Settings
    _kernels: dict[tuple[Any, ...], _Growing] = field(default_factory=dict)

    def function(
        self, program: Program, steps: Callable[[], Steps], shape: Shape, general: Callable[..., Any]
    ) -> Callable[..., Any]:
        """The function of floats.

        Args:
            program: the program.
            steps: gives the same in steps, which not every backend needs.
            shape: of the results.
            general: takes anything, and answers where the function of floats cannot.
        """
        backend, reason = self._for_floats(program, steps)
        began = perf_counter()
        if backend == "wavefront":
            from symdiff.numeric.backends import wavefront

            made: Callable[..., Any] = wavefront.scalar_function(steps(), shape, general)
        elif backend == "llvm":
            made = _llvm().scalar_function(steps(), shape, general)
        elif backend == "python":
            from symdiff.numeric.backends import python

            made = python.scalar_function(program, shape, general)
        else:
            made = general
        self.note("floats", backend, f"{reason}; built in {1e3 * (perf_counter() - began):.1f} ms")
        return made

    def _for_floats(self, program: Program, steps: Callable[[], Steps]) -> tuple[str, str]:
        if self.settings.backend == "llvm":
            _check_machine_code(steps(), floats=True)
        if self.settings.backend is not None:
            return self.settings.backend, "as asked"
        size = len(program.code)
        if size > WIDE and _is_wide(steps()):
            return "wavefront", "many equal operations on each level"
        if size > _LONGEST:
            return "numpy", f"more than {_LONGEST} operations"
        if not self.settings.lasting:
            return "python", "for a few calls"
        if size:
            obstacle = _obstacle(steps(), floats=True)
            return ("python", obstacle) if obstacle else ("llvm", "for many calls")
        return "python", "nothing to compute"

    def note(self, inputs: str, backend: str, reason: str) -> None:
        """Remember a choice."""
        self.picked.append(Picked(f"{self.work} of {inputs}", backend, reason))

    def kernel(
        self, steps: Steps, varying: tuple[bool, ...], summed: tuple[bool, ...], count: int
    ) -> tuple[Kernel, float]:
        """The kernel for a task at so many points, and about how many nanoseconds of it threads can share.

        NumPy's blocks gain nothing by that: threads hand the interpreter to each other at every call (two take 1.2
        times as long as one).
        """
        growing = self._kernels.get((varying, summed))
        if growing is None:
            growing = self._kernels[varying, summed] = _Growing(self, Task(steps, varying, summed))
        return growing.kernel(count)


class _Growing:
    """The kernel for one task: NumPy's, until machine code would have paid."""

    def __init__(self, choice: Choice, task: Task) -> None:
        self.choice = choice
        self.task = task
        self.cost = sum(_cost(step) for step in task.steps.code) + len(task.summed)
        self.done = 0.0
        self.numpy: Kernel | None = None
        self.llvm: Kernel | None = None
        if choice.settings.backend == "llvm":
            _check_machine_code(task.steps)
        self.obstacle = ""  # to machine code; found out when it would pay
        self.lock = threading.Lock()

    def kernel(self, count: int) -> tuple[Kernel, float]:
        work = count * self.cost
        with self.lock:
            self.done += work
            if self.llvm is None and self._has_paid():
                self._build_machine_code()
            if self.llvm is not None:
                return self.llvm, work / _FASTER
            if self.numpy is None:
                from symdiff.numeric.backends import blocks

                self.numpy = self._built("numpy", blocks.array_kernel)
            return self.numpy, 0.0

    def _build_machine_code(self) -> None:
        is_asked = self.choice.settings.backend == "llvm"
        self.obstacle = "" if is_asked else _obstacle(self.task.steps)
        if not self.obstacle:
            try:
                self.llvm = self._built("llvm", _llvm().array_kernel)
            except RuntimeError as error:  # the system does not let a process make code, say
                if is_asked:
                    raise
                self.obstacle = f"machine code cannot be had: {error}"
        if self.obstacle:
            self.choice.note("arrays", "numpy", self.obstacle)

    def _has_paid(self) -> bool:
        if self.choice.settings.backend is not None:
            return self.choice.settings.backend == "llvm"
        return not self.obstacle and self.done >= _BUILDING + _BUILDING_STEP * self.cost

    def _built(self, backend: str, build: Callable[[Task], Kernel]) -> Kernel:
        began = perf_counter()
        kernel = build(self.task)
        took = f"built in {1e3 * (perf_counter() - began):.1f} ms"
        asked = self.choice.settings.backend
        if asked == backend:
            reason = "as asked"
        elif asked is not None:
            reason = f"the backend {asked} is for floats"
        elif backend == "llvm":
            reason = "for so many points"
        else:
            reason = "until so many points have come that machine code pays"
        self.choice.note("arrays", backend, f"{reason}; {took}")
        return kernel


def _llvm() -> Any:
    """The backend, which takes longer to import than most formulas to evaluate; as all backends do."""
    from symdiff.numeric.backends import llvm

    return llvm


def _is_wide(steps: Steps) -> bool:
    from symdiff.numeric.backends.wavefront import pays

    return pays(steps)


def _obstacle(steps: Steps, floats: bool = False) -> str:
    """What keeps a program from becoming machine code, on floats or on arrays; empty if nothing does."""
    llvm = _llvm()
    if not llvm.available():
        return f"llvmlite is not installed: {_INSTALL}"
    if floats and not llvm.floats_are_known():
        return "this build of Python keeps floats in another way"
    lacking = llvm.lacking(steps)
    return f"no machine code for {listed(lacking)}" if lacking else ""


def _check_machine_code(steps: Steps, floats: bool = False) -> None:
    """Refuse what was asked for and cannot be.

    Raises:
        OperationError: an operation has no machine code.
    """
    if obstacle := _obstacle(steps, floats):
        raise OperationError(f"{obstacle}; leave the backend open")


def _cost(step: Step) -> float:
    return _OPAQUE if step.is_opaque else _ARITHMETIC if step.name in _QUICK else _FUNCTION
