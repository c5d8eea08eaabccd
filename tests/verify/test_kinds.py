"""In what kinds an arm failed: the figure, the direction, and the cause of each duplicate."""

from __future__ import annotations

import pytest

from ackdrop.result import ArmResult, ExpectationResult, Failure, Finding, LogCounts, ProducerInfo, Records, WireCounts
from ackdrop.verify.kinds import failures
from ackdrop.verify.listed import LIMIT


def arm(*expected, causes=(), kind="duplicate"):
    """An arm with these expectations, and a finding for each of these causes."""
    return ArmResult(
        name="on",
        idempotence=True,
        verdict="failed",
        producer=ProducerInfo("kafka-python", None, {}),
        records=Records(9, 9, 0, 0),
        wire=WireCounts(1, 9, 1, 1, 0, 0, 0, []),
        log=LogCounts(*[0] * 9),
        findings=[Finding(kind, cause, "p1/0", [], None, []) for cause in causes],
        expectations=[ExpectationResult(*each) for each in expected],
    )


@pytest.mark.parametrize(
    ("expect", "actual", "figure", "how"),
    [
        ("duplicates 0", 2, "duplicates", "more"),
        ("duplicates 4", 2, "duplicates", "fewer"),
        ("duplicates < 2", 2, "duplicates", "more"),
        ("duplicates <= 1", 2, "duplicates", "more"),
        ("retries > 2", 2, "retries", "fewer"),
        ("retries >= 3", 2, "retries", "fewer"),
        ("retries != 2", 2, "retries", "other"),
        ("duplicates from protected retries 0", 2, "duplicates from protected retries", "more"),
    ],
)
def test_the_figure_and_the_direction(expect, actual, figure, how):
    assert failures([arm((expect, actual, False))]) == [Failure("on", figure, how, None)]


def test_what_held_or_is_not_known_failed_in_nothing():
    assert failures([arm(("duplicates 0", 0, True), ("lost 0", None, None))]) == []


def test_each_cause_once_where_copies_are_too_many():
    causes = ["new-epoch", "application-resend", "new-epoch"]
    found = failures([arm(("duplicates 0", 3, False), ("records 9", 12, False), causes=causes)])
    assert found == [
        Failure("on", figure, "more", cause)
        for figure in ("duplicates", "records")
        for cause in ("new-epoch", "application-resend")
    ]


@pytest.mark.parametrize(("expect", "actual"), [("duplicates >= 5", 3), ("lost 0", 3)])
def test_other_figures_have_nothing_to_do_with_the_causes(expect, actual):
    (found,) = failures([arm((expect, actual, False), causes=["new-epoch"])])
    assert found.cause is None


def test_findings_of_another_kind_are_no_causes():
    (found,) = failures([arm(("duplicates 0", 1, False), causes=["injected"], kind="deduplicated")])
    assert found.cause is None


def test_where_not_all_are_listed_a_cause_may_be_missing():
    expected = ("duplicates 0", LIMIT + 7, False)
    assert [found.cause for found in failures([arm(expected, causes=["new-epoch"] * (LIMIT - 1))])] == ["new-epoch"]
    assert [found.cause for found in failures([arm(expected, causes=["new-epoch"] * LIMIT)])] == ["new-epoch", None]
