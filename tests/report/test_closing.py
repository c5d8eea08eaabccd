"""Below several results: what came of them, and which ones want to be looked at."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from ackdrop.report.closing import render
from ackdrop.report.finished import Finished


@pytest.fixture
def closed(tmp_path, monkeypatch):
    def show(*runs, width: int = 80) -> str:
        file = io.StringIO()
        render(runs, Console(file=file, width=width, color_system=None))
        return file.getvalue()

    monkeypatch.chdir(tmp_path)
    return show


def named(results, result, name):
    return results.change(result, scenario=results.change(result.scenario, file=f"{name}.yaml"))


def test_those_that_did_not_pass_are_named(results, closed, tmp_path):
    told = closed(
        Finished(results.lost_ack(), tmp_path / "runs" / "one"),
        Finished(named(results, results.failed(), "broken"), tmp_path / "runs" / "two"),
        Finished(named(results, results.inconclusive(), "unclear"), None),
    )
    assert told == (
        "\n"
        "  FAILED        broken, in runs/two/\n"
        "  INCONCLUSIVE  unclear\n"
        "3 results: 1 passed, 1 inconclusive, 1 failed\n"
    )


def test_nothing_but_the_count_where_all_passed(results, closed):
    assert closed(*[Finished(results.lost_ack(), None)] * 2) == "\n2 results: 2 passed\n"


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_longer_than_the_console(results, closed, tmp_path, width):
    result = named(results, results.inconclusive(), "a-long-name-of-a-scenario" * 3)
    told = closed(*[Finished(result, tmp_path / "runs" / ("x" * 60))] * 2, width=width)
    assert max(map(cell_len, told.splitlines())) <= width
