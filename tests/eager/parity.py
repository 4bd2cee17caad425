"""One source text on two libraries: real PyTorch, and `symdiff.eager` under the name torch.

A snippet is Python with `torch`, `nn`, `F` and `np` at hand; its import statements of torch and its submodules reach
the library that it runs on. What it assigned, printed, warned of and raised, and in which line, must be the same.
Modules that import this one are skipped where PyTorch is not installed.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import io
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

theirs = pytest.importorskip("torch", reason="PyTorch is not installed, and nothing else can say what it does")
ours = importlib.import_module("symdiff.eager")

theirs.set_num_threads(1)
theirs.set_warn_always(True)  # else a warning is given once in a process, to whichever snippet comes first

UNITS = 16
"""How many units in the last place of its dtype a number may differ by. Either library is good to a few for one
operation, in float32 too, and a snippet is a handful of them; sums are ordered differently."""

ADVICE = re.compile(
    "Converting a tensor with requires_grad=True to|The use of `x.T` on|Tensor.T is deprecated|"
    "Anomaly Detection has been enabled|Error detected in"
)
"""Warnings that speak of PyTorch's own future, as deprecations do, or of its ways; neither asked for nor forbidden."""

OPAQUE = (type, ModuleType, FunctionType, staticmethod)


@dataclass(frozen=True)
class Seen:
    """A tensor taken apart."""

    kind: str
    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool
    is_leaf: bool
    grad_fn: str
    values: np.ndarray
    grad: Seen | None


@dataclass(frozen=True)
class Kind:
    """A class of exceptions or warnings: the built-in ones that catch it, the closest first."""

    names: tuple[str, ...]

    def serves_as(self, other: Kind) -> bool:
        """Whether it is caught where the other is."""
        return other.names[0] in self.names


@dataclass(frozen=True)
class Outcome:
    """What came of a snippet. `line` is the one that raised."""

    values: dict[str, Any]
    printed: str
    warned: list[Kind]
    raised: Exception | None
    line: int | None


@dataclass(frozen=True)
class Tolerance:
    """How far two outcomes may be apart; see `agree`."""

    units: float = UNITS
    scale: float = 0.0
    names: bool = True
    raises: type[Exception] | None = None

    def accepts(self, a: Any, b: Any) -> bool:
        """Equal shapes, kinds and numbers. A Python float may have come from a float32 tensor, and is judged so."""
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind != "f":
            return bool(np.array_equal(a, b))
        with np.errstate(all="ignore"):
            size = np.maximum(np.maximum(np.abs(a), np.abs(b)), self.scale)
            near = np.abs(a - b) <= self.units * np.finfo(a.dtype).eps * size
        return bool(np.all(near | (a == b) | (np.isnan(a) & np.isnan(b))))


def agree(
    *parts: str, raises: type[Exception] | None = None, units: float = UNITS, scale: float = 0.0, names: bool = True
) -> tuple[Outcome, Outcome]:
    """Assert that both libraries do the same, and return what each of them did: theirs, ours.

    Args:
        parts: pieces of one source text, each indented as it likes.
        raises: the built-in exception that PyTorch raises, itself or a narrower one; none, if this is None.
        units: how many units in the last place a number may differ by.
        scale: the size of numbers that cancel on the way: a smaller result has their errors.
        names: whether the classes of grad_fn must bear the same names.
    """
    source = "".join(map(textwrap.dedent, parts))
    real, own = run(source, theirs), run(source, ours)
    assert isinstance(real.raised, raises or type(None)), repr(real.raised)
    found = list(compare(real, own, Tolerance(units, scale, names, raises)))
    assert not found, "\n".join(["", source.strip(), *found])
    return real, own


def lines(text: str) -> list[str]:
    """The lines of a table in a test."""
    return [line.strip() for line in text.strip().splitlines()]


def run_both(source: str) -> tuple[Outcome, Outcome]:
    """What each library does: theirs, ours.

    PyTorch refuses to go back through a value that it saved and that was changed. Other values are saved here, and
    there may be nothing to refuse; but then the derivatives must be those of the values as they were. So where only
    ours goes back, theirs is asked again with copies of what it saved.
    """
    real, own = run(source, theirs), run(source, ours)
    if len(own.values) > len(real.values) or (real.raised and not own.raised):
        with theirs.autograd.graph.saved_tensors_hooks(lambda saved: saved.clone(), lambda saved: saved):
            real = run(source, theirs)
    return real, own


def run(source: str, library: Any) -> Outcome:
    """What came of a snippet on one library."""
    code = compile(source, "<snippet>", "exec")
    torch = {"torch": library, "nn": _module(library, "torch.nn"), "F": _module(library, "torch.nn.functional")}
    space = {"__builtins__": _builtins(library), "__name__": "snippet", "np": np, **torch}
    given = set(space)
    printed, raised, line = io.StringIO(), None, None
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(code, space)
        except Exception as error:
            raised, line = error, _line(error)
    values = {k: v for k, v in space.items() if k not in given and not k.startswith("_") and not isinstance(v, OPAQUE)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = {name: look(value, library) for name, value in values.items()}
    warned = [_kind(w.category) for w in caught if not _is_advice(w)]
    return Outcome(seen, _neutral(printed.getvalue()), warned, raised, line)


def look(value: Any, library: Any) -> Any:
    """A value without the library that it came from."""
    if isinstance(value, library.Tensor):
        return _taken_apart(value, library)
    if isinstance(value, library.dtype):
        return str(value)
    if isinstance(value, type) and issubclass(value, BaseException):
        return _kind(value)
    if isinstance(value, list | tuple):
        items = [look(item, library) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: look(item, library) for key, item in value.items()}
    if isinstance(value, str):
        return _neutral(value)
    if isinstance(value, np.ndarray | np.generic | complex | float | int | type(None)):
        return value
    return "an object"


def compare(real: Outcome, own: Outcome, tolerance: Tolerance) -> Iterator[str]:
    """The differences between two outcomes, a line each."""
    if not _serves(own.raised, real.raised, tolerance.raises):
        yield f"raised: torch {real.raised!r}\n        ours {own.raised!r}"
    elif real.line != own.line:
        yield f"raised in line: torch {real.line}, ours {own.line} ({own.raised!r})"
    yield from _differ("warned", real.warned, own.warned, tolerance)
    if real.printed != own.printed:
        yield f"printed: torch\n{real.printed}ours\n{own.printed}"
    yield from _differ("", real.values, own.values, tolerance)


# ---- running


def _module(library: Any, name: str) -> ModuleType:
    return importlib.import_module(library.__name__ + name.removeprefix("torch"))


def _builtins(library: Any) -> dict[str, Any]:
    """The built-in names, with an import statement to which torch is the library."""

    def load(name: str, space: Any = None, local: Any = None, wanted: Any = (), level: int = 0) -> Any:
        if name != "torch" and not name.startswith("torch."):
            return builtins.__import__(name, space, local, wanted, level)
        module = _module(library, name)
        return module if wanted else library

    return {**vars(builtins), "__import__": load}


def _line(error: BaseException) -> int | None:
    """The line of the statement that raised, whatever it called."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != "<snippet>":
        frame = frame.tb_next
    return frame.tb_lineno if frame else None


def _is_advice(warning: warnings.WarningMessage) -> bool:
    # NumPy's RuntimeWarning is silenced by a filter of the package, which "always" above overrides: a context for
    # every operation (np.errstate) would cost more than the operation.
    kinds = DeprecationWarning | FutureWarning | RuntimeWarning
    return issubclass(warning.category, kinds) or bool(ADVICE.match(str(warning.message)))


def _neutral(text: str) -> str:
    """Text without addresses and without the name of the library."""
    return re.sub(r"0x[0-9a-f]+", "0x", text).replace(ours.__name__, "torch")


def _taken_apart(tensor: Any, library: Any) -> Seen:
    node, grad = tensor.grad_fn, tensor.grad
    return Seen(
        kind=type(tensor).__name__,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype),
        requires_grad=tensor.requires_grad,
        is_leaf=tensor.is_leaf,
        grad_fn="" if node is None else type(node).__name__,
        values=tensor.detach().clone().numpy(),  # a clone: PyTorch has zeros without memory
        grad=None if grad is None else _taken_apart(grad, library),
    )


# ---- comparing


def _kind(cls: type) -> Kind:
    return Kind(tuple(c.__name__ for c in cls.__mro__ if c.__module__ == "builtins"))


def _serves(ours: Exception | None, theirs: Exception | None, wanted: type[Exception] | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return _kind(type(ours)).serves_as(_kind(wanted or type(theirs)))


def _differ(name: str, a: Any, b: Any, tolerance: Tolerance) -> Iterator[str]:
    if isinstance(a, Seen) and isinstance(b, Seen):
        for field in fields(Seen):
            if field.name == "grad_fn" and not tolerance.names:
                continue
            yield from _differ(f"{name}.{field.name}", getattr(a, field.name), getattr(b, field.name), tolerance)
    elif isinstance(a, dict) and isinstance(b, dict):
        yield from _differ_in_parts(name, a, b, tolerance, [*a, *(key for key in b if key not in a)])
    elif isinstance(a, list | tuple) and type(a) is type(b) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _differ(f"{name}[{i}]", x, y, tolerance)
    elif isinstance(a, Kind) and isinstance(b, Kind) and b.serves_as(a):
        return
    elif not _same(a, b, tolerance):
        yield f"{name}: torch {a!r}, ours {b!r}"


def _differ_in_parts(
    name: str, a: dict[Any, Any], b: dict[Any, Any], tolerance: Tolerance, keys: Iterable[Any]
) -> Iterator[str]:
    for key in keys:
        part = f"{name}[{key!r}]" if name else str(key)
        if key not in a or key not in b:
            yield f"{part}: only in {'torch' if key in a else 'ours'}"
        else:
            yield from _differ(part, a[key], b[key], tolerance)


def _same(a: Any, b: Any, tolerance: Tolerance) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        a, b = (np.float32(v) if abs(v) < 3e38 else np.float64(v) for v in (a, b))
    return tolerance.accepts(a, b) if isinstance(a, np.ndarray | np.generic) else bool(a == b)
