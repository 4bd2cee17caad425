"""The processor at hand, and the way from LLVM code to functions that can be called.

llvmlite is imported at the first use: 40 ms that only those pay who compile. Code goes through no passes but those
of the code generator; programs hold nothing that is computed twice or never used.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, Final

from symdiff.numeric.backends.llvm.ir import Builder, Value
from symdiff.numeric.backends.llvm.layout import arrays_are_known

_LEAST_LLVM: Final = 20  # the first in llvmlite whose code is written as here: one pointer type, splat(...)
_TRIED: Final = ("linux", "darwin")  # where code is known to be built and linked; elsewhere it is tried first
_lock: Final = Lock()
_library_numbers: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Host:
    """What code is written for.

    Attributes:
        triple: architecture and system, as LLVM calls them.
        cpu: the processor's name.
        features: what it can do beyond, ``"+avx2,+fma"``.
        width: doubles in a vector.
        has_fma: whether it multiplies and adds in one rounding.
    """

    triple: str
    cpu: str
    features: str
    width: int
    has_fma: bool


@cache
def available() -> bool:
    """Whether llvmlite is installed, recent enough, and of use here; and arrays are laid out as they should."""
    try:
        llvm = _llvm()
    except (ImportError, OSError):
        return False
    is_recent = bool(llvm.llvm_version_info[0] >= _LEAST_LLVM)
    return is_recent and arrays_are_known() and (sys.platform in _TRIED or runs())


def runs() -> bool:
    """Whether a function that calls the C library can be built, and gives what it should."""
    b = Builder(1, has_fma=False)
    result = b.library("fmod", Value(b, "double", "%x"), b.constant(4.0)).text
    lines = [*b.declared.values(), "define double @f(double %x) {", *b.lines, f"ret double {result}", "}"]
    try:
        library = Library(compiled("\n".join(lines), host(), 2), ["f"])
    except RuntimeError:
        return False
    return bool(ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(library.address("f"))(27.0) == 3.0)


def version() -> str:
    """LLVM's."""
    return ".".join(map(str, _llvm().llvm_version_info))


@cache
def host() -> Host:
    """This processor."""
    llvm = _llvm()
    triple = llvm.get_process_triple()
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:  # not known for this architecture
        features = {}
    is_arm = triple.startswith(("aarch64", "arm64"))
    width = 8 if features.get("avx512f") else 4 if features.get("avx2") else 2
    listed = ",".join(f"{'+' if has else '-'}{name}" for name, has in sorted(features.items()))
    return Host(triple, llvm.get_host_cpu_name(), listed, width, is_arm or bool(features.get("fma")))


def compiled(code: str, host: Host, level: int) -> bytes:
    """LLVM code as object code. ``level`` is that of the code generator: 2, or 0 for haste."""
    llvm = _llvm()
    with (
        llvm.create_context() as context,  # of its own, so that nothing stays behind
        llvm.parse_assembly(code, context=context) as module,
        _machine(host, level) as machine,
    ):
        module.triple = host.triple
        return bytes(machine.emit_object(module))


def _machine(host: Host, level: int) -> Any:
    return (
        _llvm()
        .Target.from_triple(host.triple)
        .create_target_machine(cpu=host.cpu, features=host.features, opt=level, reloc="pic", codemodel="small")
    )


class Library:
    """Object code in memory, as long as this object lives.

    Args:
        object_code: what `compiled` gave.
        names: of the functions that will be called.
        imports: the addresses of functions that are not to be looked up by name.
    """

    def __init__(self, object_code: bytes, names: Iterable[str], imports: Mapping[str, int] | None = None) -> None:
        builder = _llvm().JITLibraryBuilder().add_object_img(object_code).add_current_process()
        for name in names:
            builder.export_symbol(name)
        for name, address in (imports or {}).items():
            builder.import_symbol(name, address)
        self._tracker = builder.link(_linker(), f"symdiff{next(_library_numbers)}")

    def address(self, name: str) -> int:
        """Where a function begins."""
        return int(self._tracker[name])


@cache
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def _linker() -> Any:
    with _lock:
        return _only_linker()


@cache
def _only_linker() -> Any:
    with _machine(host(), 2) as machine:  # else LLVM looks at the processor again, for half a millisecond
        return _llvm().create_lljit_compiler(machine, use_jit_link=sys.platform != "win32")
