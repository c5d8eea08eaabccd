"""Counters that take no more than their room."""

from __future__ import annotations

from ackdrop.faults.counts import Counts


def test_each_key_counts_for_itself() -> None:
    counts: Counts[str] = Counts()
    assert [counts.add(key) for key in "aabab"] == [1, 2, 1, 3, 2]
    assert (counts["a"], counts["b"], counts["c"], len(counts)) == (3, 2, 0, 2)


def test_the_one_that_was_counted_longest_ago_is_forgotten() -> None:
    counts: Counts[str] = Counts(most=2)
    for key in "abac":
        counts.add(key)
    assert (counts["a"], counts["b"], counts["c"], len(counts)) == (2, 0, 1, 2)
    assert counts.add("b") == 1
