"""A topic's log alone: nobody watched the wire, and the verdict says no more than the log can show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ackdrop.observations import LogRecord
from ackdrop.result import Expectation, ExpectationResult, ProducerInfo, WireCounts
from ackdrop.verify.evidence import ArmEvidence
from ackdrop.verify.log import Log
from ackdrop.verify.of_runs import judge_run
from ackdrop.verify.verdict import judge_arm

PLAIN = LogRecord("t", 0, 0, "a", None, None, None, False, -1, -1, -1, 0, 7, 1000)
PROTECTED = replace(PLAIN, producer_id=7, producer_epoch=0, sequence=4)
OURS = replace(PLAIN, identity="p1/3", ours=True, producer="p1", send=0, order=3)
NUMBERED = replace(OURS, producer_id=7, producer_epoch=0, sequence=1)


def judged(*records: LogRecord, naming: str | None = None, **changes) -> object:
    placed = [replace(one, offset=at, batch_base_offset=at) for at, one in enumerate(records)]
    evidence = ArmEvidence("log", None, None, None, Log.of(placed, naming=naming), ProducerInfo("unknown", None, {}))
    return judge_arm(replace(evidence, **changes))


def codes(verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def cause(*records: LogRecord) -> str | None:
    (found,) = judged(*records).result.findings
    assert found.attempts == []
    return found.cause


def test_without_a_duplicate_it_passes():
    verdict = judged(PLAIN, replace(PLAIN, identity="b"))
    assert (verdict.result.verdict, codes(verdict)) == ("passed", [])
    assert verdict.result.expectations == [ExpectationResult("duplicates 0", 0, True)]
    assert judge_run([verdict], control=False).exit_code == 0


def test_nothing_is_said_of_the_wire():
    result = judged(PLAIN).result
    assert result.wire == WireCounts(*[None] * 7, [])
    assert (result.log.lost, result.log.past_proxy, result.log.phantom) == (None, None, None)
    assert (result.log.records, result.log.distinct, result.log.aborted) == (1, 1, 0)


def test_an_empty_log_proves_nothing():
    assert codes(judged()) == ["nothing-produced"]


def test_a_log_of_which_a_part_is_gone_proves_nothing():
    verdict = judged(PLAIN, gone=("the log of t/0 starts at 512: 512 records are gone",))
    assert (verdict.result.verdict, codes(verdict)) == ("inconclusive", ["log-gone", "figure-unknown"])


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (PROTECTED, "broker-did-not-deduplicate"),
        (replace(PROTECTED, sequence=9), "application-resend"),
        (replace(PROTECTED, producer_epoch=1), "ambiguous"),
        (replace(PROTECTED, producer_id=8), "ambiguous"),
        (PLAIN, "ambiguous"),
    ],
)
def test_the_numbering_is_all_that_tells(later, expected):
    assert cause(PROTECTED, later) == expected


def test_without_producer_ids_nothing_tells():
    assert cause(PLAIN, PLAIN) == "ambiguous"


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        (OURS, replace(OURS, send=1, order=4), "application-resend"),
        (OURS, OURS, "retry-unprotected"),
        (NUMBERED, replace(NUMBERED, producer_id=8, sequence=0), "new-producer-id"),
        (NUMBERED, replace(NUMBERED, producer_epoch=1, sequence=0), "new-epoch"),
    ],
)
def test_our_own_header_tells_more(first, later, expected):
    assert cause(first, later) == expected


def test_copies_that_may_be_meant_are_not_held_against_it():
    verdict = judged(PLAIN, PLAIN, replace(PLAIN, identity="b"))
    assert (verdict.result.verdict, codes(verdict), verdict.violated) == (
        "inconclusive",
        ["ambiguous-duplicates"],
        False,
    )
    assert verdict.result.log.duplicates == 1
    assert verdict.result.expectations == [ExpectationResult("duplicates 0", 1, None)]
    assert "--identity header:" in verdict.reasons[0].text
    assert judge_run([verdict], control=False).exit_code == 3


@pytest.mark.parametrize(
    "records",
    [
        (PROTECTED, PROTECTED, replace(PLAIN, identity="b"), replace(PLAIN, identity="b")),
        (OURS, OURS),
        (PROTECTED, replace(PROTECTED, sequence=9)),
    ],
)
def test_one_sure_copy_fails_it(records):
    verdict = judged(*records)
    assert (verdict.violated, codes(verdict)) == (True, ["expectation-failed"])


def test_with_a_name_every_copy_is_sure():
    verdict = judged(PLAIN, PLAIN, naming="header:order-id")
    assert (verdict.violated, codes(verdict)) == (True, ["expectation-failed"])
    (found,) = verdict.result.findings
    assert (found.cause, found.record) == ("ambiguous", "order-id=a")


@pytest.mark.parametrize(
    ("comparison", "number", "held"),
    [("==", 1, None), ("<=", 1, True), (">=", 1, None), ("<=", 0, None), (">=", 0, True), (">=", 2, False)],
)
def test_an_expectation_that_hangs_on_them_is_open(comparison, number, held):
    verdict = judged(PLAIN, PLAIN, expectations=(Expectation("duplicates", comparison, number),))
    assert verdict.result.expectations[0].held is held
    assert codes(verdict) == {None: ["ambiguous-duplicates"], True: [], False: ["expectation-failed"]}[held]


def test_what_the_wire_would_have_to_tell_is_unknown():
    verdict = judged(PLAIN, expectations=(Expectation("retries", "==", 0),))
    assert codes(verdict) == ["figure-unknown"]
