"""What contests found, as data: JSON, and from it the tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Bar:
    """``other`` has to take at least ``factor`` times as long as ``of``; the first contestant where that is empty."""

    other: str
    factor: float
    of: str = ""


@dataclass
class Result:
    """How one contestant fared: what each round took, or why there are none.

    Attributes:
        ready: seconds from the first import to the end of the first call.
    """

    contestant: str
    status: str = "ok"
    remark: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    ready: float = 0.0
    rounds: list[float] = field(default_factory=list)

    @property
    def tool(self) -> str:
        return self.contestant.partition(", ")[0]

    @property
    def way(self) -> str:
        return self.contestant.partition(", ")[2]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def times(self, other: Result) -> list[float]:
        """How many times as long as ``other`` it takes, round by round."""
        return [a / b for a, b in zip(self.rounds, other.rounds, strict=False)]


@dataclass
class Report:
    """What one contest found; all that tables and plots are made of. The names are those of `Contest`."""

    contest: str
    title: str
    unit: str
    quantity: str
    best: bool
    group: str
    label: str
    results: list[Result]
    bars: list[Bar]
    ceilings: dict[str, float]
    series: tuple[str, float] | None
    machine: str

    def result(self, contestant: str) -> Result:
        return next(result for result in self.results if result.contestant == contestant)

    def references(self) -> list[Result]:
        """Those with which others are compared: the first tool, in each of its ways."""
        return [result for result in self.results if result.tool == self.results[0].tool]

    def ratio(self, result: Result, reference: Result) -> tuple[float, float, float] | None:
        """How many times as long: the number that counts, and the range in which half of the rounds lie."""
        ratios = result.times(reference)
        if not ratios:
            return None
        low, middle, high = statistics.quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
        return (max(ratios) if self.best else middle), low, high

    def bar(self, result: Result, reference: Result) -> Bar | None:
        first = self.results[0].contestant
        found = (b for b in self.bars if (b.other, b.of or first) == (result.contestant, reference.contestant))
        return next(found, None)

    def verdicts(self) -> Iterator[tuple[bool, str]]:
        """For each bar that could be measured whether it was met, and a line that says so."""
        for result in self.results:
            for reference in self.references():
                bar, ratio = self.bar(result, reference), self.ratio(result, reference)
                if bar is not None and ratio is not None:
                    met = ratio[0] >= bar.factor
                    wanted = f"{short(ratio[0])} times {reference.contestant}, at least {bar.factor:.3g} wanted"
                    yield met, f"{self.contest}: {result.contestant} takes {wanted}"
        for name, ceiling in self.ceilings.items():
            if (result := self.result(name)).rounds:
                shown, allowed = (readable(x, self.quantity) for x in (result.median, ceiling))
                yield result.median <= ceiling, f"{self.contest}: {name} takes {shown}, at most {allowed} wanted"

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Report:
        data: dict[str, Any] = json.loads(line)
        data["results"] = [Result(**result) for result in data["results"]]
        data["bars"] = [Bar(**bar) for bar in data["bars"]]
        return cls(**data)


# ---- one contest


def table(report: Report) -> Iterator[str]:
    """The lines of a Markdown table of everybody's results."""
    references = report.references()
    heads = [head for reference in references for head in (f"times {reference.contestant}", "bar")]
    yield f"### {report.contest}: {report.title}"
    yield ""
    measured = "time" if report.quantity == "s" else report.quantity
    yield f"| tool | {measured} a {report.unit} | {' | '.join(heads)} | ready after | remark |"
    yield "|---|---:|" + "---:|---|" * len(references) + "---:|---|"
    for result in report.results:
        if result.rounds:
            cells = [cell for reference in references for cell in compared(report, result, reference)]
            ready = readable(result.ready)
            yield f"| {result.contestant} | {own(report, result)} | {' | '.join(cells)} | {ready} | {result.remark} |"
        else:
            yield f"| {result.contestant} | " + "- | | " * len(references) + f"- | - | {result.status} |"
    yield ""


def own(report: Report, result: Result) -> str:
    """A result, and what is allowed."""
    shown, ceiling = readable(result.median, report.quantity), report.ceilings.get(result.contestant)
    if ceiling is None:
        return shown
    return f"{shown} (at most {readable(ceiling, report.quantity)}: {said(result.median <= ceiling)})"


def compared(report: Report, result: Result, reference: Result) -> tuple[str, str]:
    """The ratio of two results with its spread, and the bar."""
    ratio = report.ratio(result, reference)
    if ratio is None or result is reference:
        return "", ""
    number, low, high = ratio
    bar = report.bar(result, reference)
    shown = f"{short(number)} ({short(low)} to {short(high)})"
    return shown, "" if bar is None else f"≥ {bar.factor:.3g}: {said(number >= bar.factor)}"


def said(met: bool) -> str:
    return "met" if met else "**missed**"


def short(number: float) -> str:
    """Three digits, or all before the point."""
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def readable(number: float, quantity: str = "s") -> str:
    """A number with three digits and a unit."""
    if quantity != "s":
        return f"{number:.3g} {quantity}"
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if number >= scale:
            return f"{number / scale:.3g} {unit}"
    return f"{number / 1e-9:.3g} ns"


def summary(reports: Iterable[Report]) -> Iterator[str]:
    """How many bars were met, and each that was not."""
    verdicts = [verdict for report in reports for verdict in report.verdicts()]
    missed = [line for met, line in verdicts if not met]
    yield f"{len(verdicts) - len(missed)} of {len(verdicts)} bars met" + (", not these:" if missed else "")
    yield from (f"- {line}" for line in missed)


# ---- the README


def overview(reports: Sequence[Report]) -> Iterator[str]:
    """A table for each group: a row for each contest and way in which symdiff takes part, a column for each tool."""
    yield "How many times as long the others take (below 1: the other is faster); in parentheses the least that is"
    yield "wanted, bold where that is missed. Medians of interleaved rounds; ratios vary by a fifth between runs."
    yield from dict.fromkeys(report.machine for report in reports)
    for group in dict.fromkeys(report.group for report in reports if report.label):
        members = [report for report in reports if report.group == group and report.label]
        yield ""
        yield from group_table(group, members)


def group_table(group: str, reports: Sequence[Report]) -> Iterator[str]:
    results = [result for report in reports for result in report.results if result.rounds]
    tools = list(dict.fromkeys(result.tool for result in results if result.tool != "symdiff"))
    yield f"| {group} | symdiff | {' | '.join(tools)} |"
    yield "|---|---:|" + "---:|" * len(tools)
    for report in reports:
        for reference in report.references():
            if reference.rounds:
                label = f"{report.label}, {reference.way}" if reference.way else report.label
                cells = [brief(report, reference, tool) for tool in tools]
                yield f"| {label} | {readable(reference.median, report.quantity)} | {' | '.join(cells)} |"


def brief(report: Report, reference: Result, tool: str) -> str:
    """The ratio of a tool's contestant, the one that works in the same way if there is one, and the bar."""
    found = [result for result in report.results if result.tool == tool and result.rounds]
    result = next((result for result in found if result.way == reference.way), found[0] if found else None)
    ratio = report.ratio(result, reference) if result is not None else None
    if result is None or ratio is None:
        return ""
    bar = report.bar(result, reference)
    if bar is None:
        return f"{ratio[0]:.2g}" if ratio[0] < 10 else f"{ratio[0]:,.0f}"
    shown = f"{short(ratio[0])} ({bar.factor:.2g})"
    return shown if ratio[0] >= bar.factor else f"**{shown}**"
