"""Several runs side by side: figures as minimum / median / maximum, expectations as held k of N."""

from __future__ import annotations

import pytest

from ackdrop.report.spreads import headings, mark, rows, runs, spread, tally
from ackdrop.result import HeldTally, Repetition, Spread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Spread(0, 0, 0), "0"),
        (Spread(0, 2, 5), "0 / 2 / 5"),
        (Spread(0, 0, 5), "0 / 0 / 5"),
        (Spread(1, 2.5, 12_000), "1 / 2.5 / 12,000"),
        (Spread(None, None, None), "unknown"),
    ],
)
def test_a_spread(value, text):
    assert spread(value) == text


@pytest.mark.parametrize(
    ("held", "of", "unknown", "text"),
    [
        (5, 5, 0, "duplicates ≥ 1: 5 of 5 ✓"),
        (4, 5, 0, "duplicates ≥ 1: 4 of 5 ✗"),
        (4, 5, 1, "duplicates ≥ 1: 4 of 5 ?"),
        (0, 5, 4, "duplicates ≥ 1: 0 of 5 ✗"),
        (0, 5, 5, "duplicates ≥ 1: 0 of 5 ?"),
    ],
)
def test_an_expectation(held, of, unknown, text):
    told = HeldTally("duplicates >= 1", held, of, unknown)
    assert tally(told) == text
    assert mark(told) == text[-1]


@pytest.mark.parametrize(
    ("asked", "done", "verdicts", "text"),
    [
        (5, 5, {"failed": 1, "passed": 4}, "5 runs: 4 passed, 1 failed"),
        (5, 3, {"passed": 3}, "3 of 5 runs: 3 passed"),
        (5, 1, {"interrupted": 1}, "1 of 5 runs: 1 interrupted"),
        (1, 1, {"error": 1}, "1 run: 1 error"),
    ],
)
def test_runs(asked, done, verdicts, text):
    assert runs(Repetition(asked, done, 1, verdicts, [], [])) == text


def test_rows(results):
    """What happened in no run has no row; a figure that some runs lack is that of the others."""
    repeat = results.repeated().repeat
    assert [(row.label, *row.cells) for row in rows(repeat)] == [
        ("sent", "200", "200"),
        ("acked", "200", "200"),
        ("acks dropped", "1", "1"),
        ("retries", "1", "1"),
        ("records in the log", "201", "200 / 200 / 202"),
        ("duplicates", "1", "0 / 0 / 2"),
        ("lost", "0", "0"),
        ("out of order", "0", "0"),
        ("runs", "3 passed", "3 passed, 1 failed"),
    ]


def test_headings(results):
    """Also of an arm that the shown run did not come to."""
    repeat = results.repeated().repeat
    assert headings(repeat, [results.on_arm()]) == ["off", "idempotence on"]
