"""Attempts by which nothing happened, as bytes."""

from __future__ import annotations

import random
from array import array

import pytest

from ackdrop.series import PackedAttempts, Quiet, packed, singly

ROWS: list[Quiet] = [(7, 1.5, 70, 10, 5, 0xFFFF_FFFF, 120, 1.75, 100), (9, 2.5, 71, 15, 1, 17, 90, 2.75, 105)]


def in_step(count: int, *, sequence: int = 10, records: int = 5) -> list[Quiet]:
    """Attempts of which each follows from the one before."""
    step = records if sequence >= 0 else 0
    return [
        (7 + n, 1.5, 70 + n, sequence + n * step, records, 0xFFFF_FFFF - n, 120, 1.75, 100 + n * records)
        for n in range(count)
    ]


def series(attempts: PackedAttempts) -> int:
    return len(attempts.times) // 16


def test_attempts_are_the_same_as_bytes() -> None:
    found = packed(ROWS)
    assert packed(found) is found
    assert (len(found), list(found), found[1]) == (2, ROWS, ROWS[1])
    assert (len(found.cells), len(found.times), found.more) == (2 * 7 * 8, 2 * 2 * 8, b"")
    assert list(packed([])) == []


@pytest.mark.parametrize(("sequence", "records"), [(10, 5), (-1, 5), (10, 0), (-1, 0)])
def test_those_that_follow_from_each_other_take_four_bytes(sequence: int, records: int) -> None:
    rows = in_step(100, sequence=sequence, records=records)
    found = packed(rows)
    assert (len(found), list(found), series(found)) == (100, rows, 1)
    assert len(found.cells) + len(found.times) + len(found.more) == 72 + 99 * 4


@pytest.mark.parametrize("field", range(9))
def test_what_does_not_follow_begins_a_series(field: int) -> None:
    """Any check sum may come next, and nothing else."""
    rows = in_step(3)
    changed = list(rows[1])
    changed[field] += 1
    rows[1] = tuple(changed)  # type: ignore[assignment]
    assert (series(packed(rows)) == 1) == (field == 5)
    assert list(packed(rows)) == rows


def any_rows(draw: random.Random) -> list[Quiet]:
    rows: list[Quiet] = []
    for _ in range(draw.randrange(8)):
        begin = draw.randrange(3)
        rows += in_step(draw.randrange(9), sequence=draw.choice((-1, 0, 10)), records=draw.choice((0, 1, 7)))[begin:]
    return rows


@pytest.mark.parametrize("seed", range(60))
def test_whatever_they_are_they_are_the_same(seed: int) -> None:
    draw = random.Random(seed)
    rows = any_rows(draw)
    found = packed(rows)
    assert (len(found), list(found)) == (len(rows), rows)
    cells, times = singly(array("q", found.cells), array("d", found.times), array("I", found.more))
    assert list(PackedAttempts(cells.tobytes(), times.tobytes(), b"")) == rows
    assert len(cells) == 7 * len(rows)
    if rows:
        assert (found.series, len(found)) == (series(found), len(rows))
        numbers, times = [row[0] for row in rows], [row[1] for row in rows]
        assert found.summary() == (min(numbers), max(numbers), min(times))
        assert found.records == sum(row[4] for row in rows)
    counts: list[int] = []
    while sum(counts) < found.series:
        counts.append(draw.randrange(1 + found.series - sum(counts)))
    parts = list(found.parts(counts))
    assert [part.series for part in parts] == counts
    assert [row for part in parts for row in part] == rows
