"""Plain C as a lower bound: the derivatives by hand on explicit vectors, with glibc's vector functions."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.contest import Call
from tests.benchmarks.peers import Peer
from tests.benchmarks.printed import Printed
from tests.benchmarks.works import Columns, Work

FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
PRELUDE = """
#if defined(__AVX512F__)
#define WIDTH 8
#define NAME(f) _ZGVeN8v_##f
#elif defined(__AVX2__)
#define WIDTH 4
#define NAME(f) _ZGVdN4v_##f
#else
#error "no vectors of four doubles or more"
#endif
typedef double vector __attribute__((vector_size(8 * WIDTH), aligned(8)));
#define DECLARE(f) vector NAME(f)(vector) __attribute__((const));
DECLARE(exp) DECLARE(log) DECLARE(sin) DECLARE(cos) DECLARE(tanh)
"""


class Vector:
    """A variable of C: what Python does to it is written down as statements."""

    def __init__(self, name: str, steps: list[tuple[str, str]]) -> None:
        self.name, self.steps = name, steps

    def step(self, text: str) -> Vector:
        name = f"step_{len(self.steps)}"
        self.steps.append((name, text))
        return Vector(name, self.steps)

    def __neg__(self) -> Vector:
        return self.step(f"-{self.name}")

    def __add__(self, other: Any) -> Vector:
        return self.step(f"{self.name} + {operand(other)}")

    def __sub__(self, other: Any) -> Vector:
        return self.step(f"{self.name} - {operand(other)}")

    def __mul__(self, other: Any) -> Vector:
        return self.step(f"{self.name}*{operand(other)}")

    def __truediv__(self, other: Any) -> Vector:
        return self.step(f"{self.name}/{operand(other)}")

    def __rsub__(self, other: float) -> Vector:
        return self.step(f"{operand(other)} - {self.name}")

    def __rtruediv__(self, other: float) -> Vector:
        return self.step(f"{operand(other)}/{self.name}")

    __radd__, __rmul__ = __add__, __mul__


def operand(other: Any) -> str:
    return other.name if isinstance(other, Vector) else repr(float(other))


class VectorMath:
    """The functions of a module, on variables of C."""

    def __getattr__(self, name: str) -> Callable[[Vector], Vector]:
        return lambda x: x.step(f"NAME({name})({x.name})")


def written(work: Work) -> Printed:
    """The derivatives by hand, in C on vectors."""
    assert work.by_hand is not None
    steps: list[tuple[str, str]] = []
    value, partials = work.by_hand(VectorMath(), *(Vector(name, steps) for name in work.names))
    return Printed(work.names, tuple(steps), tuple(map(operand, (value, *partials))))


def built(source: str) -> Any:
    """The function ``f`` of C source."""
    with tempfile.TemporaryDirectory() as folder:
        text, library = Path(folder) / "f.c", Path(folder) / "f.so"
        text.write_text(PRELUDE + source)
        command = ["cc", *FLAGS, str(text), "-o", str(library), "-lmvec", "-lm"]
        run = subprocess.run(command, capture_output=True, encoding="utf-8")
        if run.returncode:
            raise RuntimeError(run.stderr.strip().splitlines()[-1])
        return ctypes.CDLL(str(library)).f


def pointers(arrays: Sequence[Any]) -> Any:
    """Their addresses; the arrays live as long."""
    found = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    found.arrays = arrays  # type: ignore[attr-defined]  # a ctypes array takes any attribute
    return found


class C(Peer):
    name, needs, programs = "C, libmvec", (), ("cc",)

    def arrays(self, work: Work, columns: Columns) -> Call:
        import numpy as np

        code, size = written(work), len(columns[0])
        f, given = built(self.loop(code)), pointers(columns)

        def call() -> Any:
            found = [np.empty(size) for _ in code.results]
            f(ctypes.c_long(size), given, pointers(found))
            return found

        return call

    def loop(self, code: Printed) -> str:
        """Vectors one after the other, the last one ending where the columns do."""
        lines = [
            "void f(long n, const double *const *in, double *const *out) {",
            "  for (long i = 0; i < n; i += WIDTH) {",
            "    if (i > n - WIDTH) i = n - WIDTH;",
            *(f"    const vector {name} = *(const vector *)(in[{k}] + i);" for k, name in enumerate(code.names)),
            *(f"    const vector {name} = {text};" for name, text in code.steps),
            *(f"    const vector result_{k} = {text};" for k, text in enumerate(code.results)),
            *(f"    *(vector *)(out[{k}] + i) = result_{k};" for k in range(len(code.results))),
            "  }",
            "}",
        ]
        return "\n".join(lines)

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        code, size = written(work), len(columns[0])
        f, given = built(self.summing(code, len(columns))), pointers(columns)
        at = (ctypes.c_double * len(parameters))(*parameters)
        found = (ctypes.c_double * len(code.results))()

        def call() -> Any:
            f(ctypes.c_long(size), given, at, found)
            return list(found)

        return call

    def summing(self, code: Printed, columns: int) -> str:
        """The same with sums in registers; the number of points is a multiple of the width."""
        totals = range(len(code.results))
        given, fixed = code.names[:columns], code.names[columns:]
        lines = [
            "void f(long n, const double *const *in, const double *at, double *out) {",
            *(f"  const vector {name} = at[{k}] - (vector){{}};" for k, name in enumerate(fixed)),
            *(f"  vector sum_{k} = {{}};" for k in totals),
            "  for (long i = 0; i < n; i += WIDTH) {",
            *(f"    const vector {name} = *(const vector *)(in[{k}] + i);" for k, name in enumerate(given)),
            *(f"    const vector {name} = {text};" for name, text in code.steps),
            *(f"    sum_{k} += {text};" for k, text in enumerate(code.results)),
            "  }",
            *(f"  out[{k}] = 0; for (int j = 0; j < WIDTH; j++) out[{k}] += sum_{k}[j];" for k in totals),
            "}",
        ]
        return "\n".join(lines)
