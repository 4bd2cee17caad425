"""``python -m tests.benchmarks [NAME ...]``: hold the contests and print a table for each.

Peers that are not installed are skipped, and said to be. On a shared machine only ratios mean something.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks.machine import described
from tests.benchmarks.referee import hold
from tests.benchmarks.report import Report, overview, summary, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="contests, or how their names begin; all if none")
    parser.add_argument("--rounds", type=int, help="how often each contestant is timed")
    parser.add_argument("--quick", action="store_true", help="three rounds, and nothing that takes long")
    parser.add_argument("--list", action="store_true", help="print the names of the contests")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round, a contest a line")
    parser.add_argument("--read", type=Path, metavar="FILE", help="take what --json wrote, and measure nothing")
    parser.add_argument("--table", action="store_true", help="print the tables of the README at the end")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw how times grow (needs Matplotlib)")
    options = parser.parse_args()
    if options.read:
        reports = [Report.from_json(line) for line in options.read.read_text(encoding="utf-8").splitlines()]
    else:
        reports = measured(parser, options)
    finish(reports, options)


def measured(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Report]:
    """Hold the contests that were asked for; what is found is printed, and written, one by one."""
    from tests.benchmarks.program import CONTESTS

    names = options.names
    if unknown := [name for name in names if not any(known.startswith(name) for known in CONTESTS)]:
        parser.error(f"no contest is called {', '.join(unknown)}; there are {', '.join(CONTESTS)}")
    asked = [c for c in CONTESTS.values() if not names or any(c.name.startswith(name) for name in names)]
    if options.list:
        parser.exit(0, "".join(f"{contest.name:<20} {contest.title}\n" for contest in asked))
    print(f"{described()}\n")
    if options.json:
        options.json.write_text("", encoding="utf-8")
    reports = []
    for contest in asked:
        if options.quick and contest.long:
            continue
        if sys.stderr.isatty():
            print(f"{contest.name} ...", end="\r", file=sys.stderr, flush=True)
        report = hold(contest, options.rounds or (3 if options.quick else None))
        print("\n".join(table(report)), flush=True)
        reports.append(report)
        if options.json:
            with options.json.open("a", encoding="utf-8") as file:
                file.write(report.to_json() + "\n")
    return reports


def finish(reports: list[Report], options: argparse.Namespace) -> None:
    """What is said about all of them."""
    print("\n".join(summary(reports)))
    if options.table:
        print("", *overview(reports), sep="\n")
    if options.plots:
        from tests.benchmarks.plots import draw

        for path in draw(reports, options.plots):
            print(path)


if __name__ == "__main__":
    main()
