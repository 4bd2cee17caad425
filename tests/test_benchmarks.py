"""The benchmarks refuse wrong answers, and say what they found. Nothing here depends on a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import plots, program, works
from tests.benchmarks.contest import Call, Contest, Contestant
from tests.benchmarks.referee import hold
from tests.benchmarks.report import Bar, Report, Result, overview, summary, table


def answering(number: float) -> Call:
    return lambda: number


def failing() -> Call:
    raise RuntimeError("no such thing")


def check(answer: float) -> str:
    assert abs(answer - 42) < 1e-9, f"{answer}, not 42"
    return "exact"


CONTESTS = {  # where the contestants' processes look for it
    "answers": Contest(
        "answers",
        "who knows the answer",
        [
            Contestant("right", partial(answering, 42.0)),
            Contestant("wrong", partial(answering, 43.0)),
            Contestant("not a number", partial(answering, float("nan"))),
            Contestant("failing", failing),
            Contestant("absent", partial(answering, 42.0), needs=("no_such_module",)),
        ],
        check,
        rounds=2,
        least=1e-4,
    )
}


@pytest.fixture(scope="module")
def answers() -> Report:
    return hold(CONTESTS["answers"], program=__name__)


def test_who_is_right_is_timed(answers: Report) -> None:
    right = answers.result("right")
    assert (right.status, right.remark, len(right.rounds)) == ("ok", "exact", 2)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("wrong", "wrong answer: 43.0, not 42"),
        ("not a number", "wrong answer: nan, not 42"),
        ("failing", "failed: RuntimeError: no such thing"),
        ("absent", "skipped: no_such_module not installed"),
    ],
)
def test_nobody_else_is_timed_and_the_table_says_why(answers: Report, name: str, status: str) -> None:
    result = answers.result(name)
    assert (result.status, result.rounds) == (status, [])
    assert any(line.startswith(f"| {name} | - |") and status in line for line in table(answers))


# ---- the references


COUNT = 10_000


def by_hand(work: works.Work) -> list[Any]:
    assert work.by_hand is not None
    value, partials = work.by_hand(np, *works.columns(work, COUNT))
    return [value, *partials]


@pytest.mark.parametrize("work", [works.QUADRATIC, works.GAUSS, works.PLANCK, works.MIXED, works.CHAIN5])
def test_derivatives_by_hand_hold(work: works.Work) -> None:
    works.check_columns(work, COUNT, works.condensed(by_hand(work), COUNT))


@pytest.mark.parametrize(("place", "factor"), [(0, 1 + 1e-9), (9_999, 1 + 1e-9), (9_999, np.nan), (4_321, 1.01)])
def test_a_wrong_element_is_found(place: int, factor: float) -> None:
    """A small error at the places that are looked at, and one that shows in the sum elsewhere."""
    results = by_hand(works.MIXED)
    results[-1][place] *= factor
    with pytest.raises(AssertionError, match="relative error"):
        works.check_columns(works.MIXED, COUNT, works.condensed(results, COUNT))


def test_a_column_of_another_kind_or_length_is_no_answer() -> None:
    with pytest.raises(AssertionError, match="float32"):
        works.condensed([np.zeros(3, dtype=np.float32)], 3)
    with pytest.raises(AssertionError, match="shape"):
        works.condensed([np.zeros(3)], 4)


def test_complex_steps_agree_with_mpmath() -> None:
    points = works.CHAIN5.points(2)
    columns = works.at_columns(works.CHAIN5, [np.array(column) for column in zip(*points, strict=True)])
    works.check_points(works.CHAIN5, [[column[i] for column in columns] for i in range(2)])


# ---- the program


def test_contests_have_names_of_their_own_and_bars_for_those_who_take_part() -> None:
    assert len(program.CONTESTS) == sum(len(module.CONTESTS) for module in program.MODULES)
    for contest in program.CONTESTS.values():
        names = [contestant.name for contestant in contest.contestants]
        assert len(set(names)) == len(names)
        assert {bar.other for bar in contest.bars} | {bar.of for bar in contest.bars if bar.of} <= set(names)
        assert set(contest.ceilings) <= set(names)


def test_every_plot_has_a_title_and_axes() -> None:
    drawn = {contest.series[0] for contest in program.CONTESTS.values() if contest.series is not None}
    assert set(plots.AXES) <= drawn


# ---- tables and plots, from JSON


def found(at: float, mine: float, other: float) -> Report:
    return Report(
        f"wide-{at:.0f}",
        "two tools",
        unit="point",
        quantity="s",
        best=False,
        group="one point",
        label=f"{at:.0f} variables",
        results=[
            Result("symdiff, compiled", rounds=[mine, 1.1 * mine, mine]),
            Result("symdiff, plain", rounds=[2 * mine] * 3),
            Result("JAX, jit", rounds=[other] * 3),
        ],
        bars=[Bar("JAX, jit", 5.0), Bar("JAX, jit", 5.0, "symdiff, plain")],
        ceilings={"symdiff, compiled": 2e-6},
        series=("wide", at),
        machine="a machine",
    )


@pytest.fixture
def reports() -> list[Report]:
    return [Report.from_json(found(at, at * 1e-6, at * 8e-6).to_json()) for at in (1.0, 10.0)]


def test_json_keeps_everything(reports: list[Report]) -> None:
    again = [Report.from_json(report.to_json()) for report in reports]
    assert [report.to_json() for report in again] == [report.to_json() for report in reports]


def test_a_table_has_each_ratio_with_its_bar(reports: list[Report]) -> None:
    lines = list(table(reports[0]))
    assert "| tool | time a point | times symdiff, compiled | bar | times symdiff, plain | bar |" in lines[2]
    assert "| symdiff, compiled | 1 µs (at most 2 µs: met) |" in lines[4]
    assert "| JAX, jit | 8 µs | 8 (7.64 to 8) | ≥ 5: met | 4 (4 to 4) | ≥ 5: **missed** |" in lines[6]


def test_the_summary_names_each_bar_that_was_missed(reports: list[Report]) -> None:
    assert list(summary(reports)) == [
        "3 of 6 bars met, not these:",
        "- wide-1: JAX, jit takes 4 times symdiff, plain, at least 5 wanted",
        "- wide-10: JAX, jit takes 4 times symdiff, plain, at least 5 wanted",
        "- wide-10: symdiff, compiled takes 10 µs, at most 2 µs wanted",
    ]


def test_the_overview_has_a_row_for_each_way(reports: list[Report]) -> None:
    assert list(overview(reports))[2:] == [
        "a machine",
        "",
        "| one point | symdiff | JAX |",
        "|---|---:|---:|",
        "| 1 variables, compiled | 1 µs | 8 (5) |",
        "| 1 variables, plain | 2 µs | **4 (5)** |",
        "| 10 variables, compiled | 10 µs | 8 (5) |",
        "| 10 variables, plain | 20 µs | **4 (5)** |",
    ]


def test_plots_are_drawn(reports: list[Report], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (path,) = plots.draw(reports, tmp_path)
    assert "<svg" in path.read_text(encoding="utf-8")
