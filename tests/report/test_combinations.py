"""A matrix's results side by side, in every format that has them."""

from __future__ import annotations

import dataclasses
import io
from types import SimpleNamespace

import lxml.etree
import pytest
from rich.console import Console

from ackdrop.report import html, junit, markdown
from ackdrop.report.combinations import print_table, tables
from ackdrop.report.finished import Finished
from ackdrop.result import RunResult


def of(result: RunResult, combination: dict[str, str]) -> Finished:
    scenario = dataclasses.replace(result.scenario, combination=combination)
    return Finished(dataclasses.replace(result, scenario=scenario), None)


@pytest.fixture
def combined(results: SimpleNamespace) -> list[Finished]:
    producers, every = ("kafka-python", "confluent-kafka"), ("all", "1")
    return [of(results.lost_ack(), {"producer": name, "acks": acks}) for name in producers for acks in every]


def test_a_row_for_each_combination(combined: list[Finished]) -> None:
    (table,) = tables(combined)
    assert table.title == "4 combinations of producer, acks"
    assert table.heads == ("producer", "acks", "verdict", "duplicates off/on", "retries off/on", "reasons")
    assert [row[:2] for row in table.rows] == [
        ("kafka-python", "all"),
        ("kafka-python", "1"),
        ("confluent-kafka", "all"),
        ("confluent-kafka", "1"),
    ]
    assert {row[2:] for row in table.rows} == {("passed", "1/0", "1/1", "")}


def test_arms_that_were_not_run_and_figures_that_nobody_knows(
    combined: list[Finished], results: SimpleNamespace
) -> None:
    first = combined[0].result
    unknown = dataclasses.replace(first.arms[0], log=dataclasses.replace(first.arms[0].log, duplicates=None))
    runs = [
        of(dataclasses.replace(first, arms=[unknown, first.arms[1]]), {"acks": "all"}),
        of(dataclasses.replace(first, arms=first.arms[:1]), {"acks": "1"}),
        of(dataclasses.replace(first, arms=[]), {"acks": "0"}),
        of(results.inconclusive(), {"acks": "x"}),
    ]
    (table,) = tables(runs)
    assert [row[2] for row in table.rows] == ["?/0", "1/-", "-/-", "0/0"]
    assert table.rows[3][4] == "fault-never-fired, control-clean"


def test_other_results_have_no_table(combined: list[Finished]) -> None:
    plain = of(combined[0].result, {})
    assert tables([plain, plain]) == []
    assert tables(combined[:1]) == []
    assert len(tables([plain, *combined, plain])) == 1


@pytest.mark.parametrize("width", [80, 40])
def test_a_terminal_of_any_width_shows_all_of_it(combined: list[Finished], width: int) -> None:
    file = io.StringIO()
    print_table(tables(combined)[0], Console(file=file, width=width, color_system=None))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    if width == 80:
        assert [line.split()[:4] for line in lines[-1:]] == [["confluent-kafka", "1", "passed", "1/0"]]


def test_no_word_of_a_terminal_s_table_is_broken_at_80_columns(results: SimpleNamespace) -> None:
    """Paths are told by their last word."""
    runs = [
        of(results.inconclusive(), {"workload.config.acks": acks, "faults[0].when.nth": "3"}) for acks in ("all", "1")
    ]
    file = io.StringIO()
    print_table(tables(runs)[0], Console(file=file, width=80, color_system=None))
    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "2 combinations of workload.config.acks, faults[0].when.nth",
        "                         duplicates  retries",
        "acks  nth  verdict       off/on      off/on   reasons",
        "all   3    inconclusive  0/0         0/0      fault-never-fired, control-clean",
        "1     3    inconclusive  0/0         0/0      fault-never-fired, control-clean",
    ]


def test_paths_that_end_alike_stand_whole(results: SimpleNamespace) -> None:
    keys = {"faults[0].when.nth": "1", "faults[1].when.nth": "2"}
    file = io.StringIO()
    print_table(tables([of(results.lost_ack(), keys)] * 2)[0], Console(file=file, width=140, color_system=None))
    assert "faults[0].when.nth  faults[1].when.nth  verdict" in file.getvalue()


def test_junit_tells_them_apart(combined: list[Finished]) -> None:
    suites = lxml.etree.fromstring(junit.text(combined).encode()).findall("testsuite")
    assert [suite.get("name") for suite in suites[:2]] == [
        "lost-ack [producer=kafka-python,acks=all]",
        "lost-ack [producer=kafka-python,acks=1]",
    ]
    values = {each.get("name"): each.get("value") for each in suites[1].iter("property")}
    assert (values["scenario.matrix.producer"], values["scenario.matrix.acks"]) == ("kafka-python", "1")


def test_markdown_and_html_have_it(combined: list[Finished]) -> None:
    assert "| confluent-kafka | 1 | passed | 1/0 | 1/1 |" in markdown.text(combined)
    page = html.text(combined)
    assert "<h2>4 combinations of producer, acks</h2>" in page
    assert "<td>confluent-kafka</td><td>1</td>" in page


def test_names_from_outside_are_harmless(combined: list[Finished]) -> None:
    runs = [of(run.result, {"<b>|\x1b[2J": "`|</td>"}) for run in combined]
    assert "<b>" not in html.text(runs)
    assert "\x1b" not in html.text(runs) + markdown.text(runs)
    (head,) = [line for line in markdown.text(runs).splitlines() if "| verdict |" in line]
    assert head.count(" | ") == 4
    assert "<b>" not in head
