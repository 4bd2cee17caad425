"""Object code by content: what a program is, for whom it is compiled and by what, makes the key to what was kept."""

from __future__ import annotations

import marshal
import os
import struct
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any

from symdiff.numeric.backends.llvm.cache import kernel_cache
from symdiff.numeric.backends.llvm.engine import Host, compiled, version
from symdiff.numeric.steps import Steps


def machine_code(what: tuple[Any, ...], steps: Steps, target: Host, level: int, write: Callable[[], str]) -> bytes:
    """The object code of a program, kept or new.

    Args:
        what: all that the code depends on besides the program and the processor; numbers, texts, tuples.
        steps: the program.
        target: the processor.
        level: of LLVM's code generator.
        write: gives the LLVM code.
    """
    key = _key(what, steps, target, level)
    code = kernel_cache.get(key)
    if code is None:
        code = compiled(write(), target, level)
        kernel_cache.put(key, code)
    return code


def _key(what: tuple[Any, ...], steps: Steps, target: Host, level: int) -> bytes:
    content = (
        what,
        level,
        list(steps.inputs.values()),
        list(steps.constants),
        struct.pack(f"<{len(steps.constants)}d", *steps.constants.values()),
        [(step.name, step.args, step.slot, step.guarded) for step in steps.code],
        steps.outputs,
        sorted(steps.truths),
    )
    return sha256(_maker(target) + marshal.dumps(content, 2)).digest()  # version 2: equal contents, equal bytes


@cache
def _maker(target: Host) -> bytes:
    """What writes the code, and for which processor."""
    about = (version(), target.triple, target.cpu, target.features, target.width, target.has_fma)
    digest = sha256(marshal.dumps(about, 2))
    for folder, _, names in sorted(os.walk(os.path.dirname(__file__))):  # half the time of Path.rglob
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(folder, name), "rb") as file:
                    digest.update(file.read())
    return digest.digest()
