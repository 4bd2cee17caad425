"""``python -m tests.benchmarks [NAME ...]``: hold the contests and print a table for each.

Peers that are not installed are skipped, and said to be. On a shared machine only ratios mean something.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tests.benchmarks.contest import as_json, hold, table, versions
from tests.benchmarks.program import CONTESTS

TOOLS = ("symdiff", "lark", "numpy", "sympy", "symengine", "torch", "autograd", "jax")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(CONTESTS)}; all if none is given")
    parser.add_argument("--rounds", type=int, help="how often each contestant is timed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every round's seconds, a contest a line")
    options = parser.parse_args()
    if unknown := [name for name in options.names if not any(known.startswith(name) for known in CONTESTS)]:
        parser.error(f"no contest is called {', '.join(unknown)}; there are {', '.join(CONTESTS)}")

    found = ", ".join(f"{tool} {number}" for tool, number in versions(TOOLS).items())
    print(f"Python {platform.python_version()}, {found}; {platform.machine()}, {os.cpu_count()} cores\n")
    lines = []
    for name, contest in CONTESTS.items():
        if options.names and not any(name.startswith(asked) for asked in options.names):
            continue
        if sys.stderr.isatty():
            print(f"{name} ...", end="\r", file=sys.stderr, flush=True)
        results = hold(contest, options.rounds)
        print("\n".join(table(contest, results)), flush=True)
        lines.append(as_json(contest, results))
    if options.json:
        options.json.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
