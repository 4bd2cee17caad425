"""What is measured with."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

OWN = ("symdiff", "llvmlite", "lark", "numpy")
PEERS = ("sympy", "symengine", "casadi", "numba", "numexpr", "jax", "torch", "autograd", "pytensor")


def described() -> str:
    """What is measured with, and what is not there."""
    found = versions((*OWN, *PEERS))
    tools = ", ".join(f"{tool} {number}" for tool, number in found.items())
    absent = ", ".join(tool for tool in PEERS if tool not in found)
    line = f"Python {platform.python_version()}, {tools}; {platform.machine()}, {os.cpu_count()} cores"
    return f"{line}; not installed: {absent}" if absent else line


def versions(modules: Sequence[str]) -> dict[str, str]:
    """The versions of those that are installed."""
    found = {}
    for module in modules:
        try:
            found[module] = version(module)
        except PackageNotFoundError:
            continue
    return found
