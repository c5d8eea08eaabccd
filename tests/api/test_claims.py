"""Claims: what violates them, what leaves them open, and what is printed then."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from ackdrop.api import Inconclusive, UsageError, Violated
from ackdrop.api.claims import ONLY_OF_RETRIES
from ackdrop.report.codes import CODES
from ackdrop.result import Cause, Finding


def test_what_holds_says_nothing(made: Any) -> None:
    report = made()
    report.no_duplicates()
    report.nothing_lost()
    report.retried()
    report.faults_fired()
    report.faults_fired("lose it")


def test_a_violation_is_an_assertion_with_the_chain_from_the_record_to_the_fault(made: Any) -> None:
    report = made(findings=[made.duplicate("retry-unprotected")], duplicates=1)
    with pytest.raises(Violated) as caught:
        report.no_duplicates()
    assert isinstance(caught.value, AssertionError)
    assert str(caught.value).splitlines() == [
        "ackdrop: 1 duplicate in the log, none expected",
        "",
        "record 3fa9c1… stands at offsets 2 and 3 of orders, partition 0",
        '  0.500 s  connection 2  sent: appended at 2, ack dropped: "lose it"',
        "  1.300 s  connection 3  sent again, no producer id: appended at 3, acked",
        "  The client sent it again without a producer id, so the broker could not know it again. (retry-unprotected)",
        "",
        'faults: "lose it" once; 0 attempts, 1 retry; 10 records in the log, 1 of them extra',
        f"report: {report.folder / 'report.html'}",
    ]


@pytest.mark.parametrize("cause", sorted({*get_args(Cause)} - {"ambiguous", "application-resend"}))
def test_every_copy_counts_unless_its_cause_is_allowed(made: Any, cause: Any) -> None:
    report = made(findings=[made.duplicate(cause, 3)], duplicates=2)
    with pytest.raises(Violated, match="2 duplicates in the log"):
        report.no_duplicates()
    report.no_duplicates(allow=[cause])


def test_what_the_application_sent_twice_counts_where_records_have_a_name(made: Any) -> None:
    found = made.duplicate("application-resend")
    made(findings=[found], duplicates=1).no_duplicates()
    with pytest.raises(Violated):
        made(findings=[found], duplicates=1, named=True).no_duplicates()


def test_a_copy_that_may_be_meant_leaves_it_open(made: Any) -> None:
    report = made(findings=[made.duplicate("ambiguous")], duplicates=1)
    with pytest.raises(Inconclusive, match=r"1 record may stand twice[\s\S]*ambiguous-duplicates"):
        report.no_duplicates()
    report.no_duplicates(allow=["ambiguous"])


def test_harm_that_was_seen_is_told_whatever_else_is_open(made: Any) -> None:
    report = made(findings=[made.duplicate("new-epoch")], duplicates=1, reasons=["not-settled"])
    with pytest.raises(Violated):
        report.no_duplicates()


def test_duplicates_that_are_not_listed_leave_it_open(made: Any) -> None:
    report = made(findings=[made.duplicate("injected")], duplicates=5)
    with pytest.raises(Inconclusive, match="not all of them are listed"):
        report.no_duplicates(allow=["injected"])


@pytest.mark.parametrize("code", sorted({*CODES} - {"expectation-failed"}))
def test_every_reason_of_a_report_leaves_it_open(made: Any, code: str) -> None:
    with pytest.raises(Inconclusive, match=rf"nothing is proved either way\n- Because of {code}\. \({code}\)"):
        made(reasons=[code]).no_duplicates()


@pytest.mark.parametrize("code", sorted({*CODES} - {"expectation-failed"}))
def test_what_is_about_retries_alone_says_nothing_of_losses(made: Any, code: str) -> None:
    report = made(reasons=[code])
    if code in ONLY_OF_RETRIES:
        report.nothing_lost()
        return
    with pytest.raises(Inconclusive):
        report.nothing_lost()


@pytest.mark.parametrize("claim", ["no_duplicates", "nothing_lost", "retried"])
@pytest.mark.parametrize(("fired", "told"), [(0, '"lose it" matched 5 times'), (None, "No fault was armed")])
def test_nothing_holds_where_nothing_was_injected(made: Any, claim: str, fired: int | None, told: str) -> None:
    with pytest.raises(Inconclusive, match=rf"{told}[\s\S]*\(nothing-injected\)"):
        getattr(made(fired=fired, retries=3), claim)()


@pytest.mark.parametrize("claim", ["no_duplicates", "nothing_lost"])
def test_an_unknown_figure_is_not_0(made: Any, claim: str) -> None:
    with pytest.raises(Inconclusive, match="not known"):
        getattr(made(duplicates=None, lost=None), claim)()


def test_a_retry_that_may_yet_come_leaves_it_open(made: Any) -> None:
    report = made(awaited=2)
    with pytest.raises(Inconclusive, match=r"2 batches lost the ack and may yet be sent again.*\(retry-awaited\)"):
        report.no_duplicates()
    report.nothing_lost()


def test_a_loss(made: Any) -> None:
    report = made(findings=[Finding("lost", None, "orders[0] offset 7", [], None, [])], lost=1)
    with pytest.raises(Violated, match=r"1 acked record not in the log\n\norders\[0\] offset 7 was acked"):
        report.nothing_lost()


def test_nothing_was_acked_so_nothing_could_be_lost(made: Any) -> None:
    with pytest.raises(Inconclusive, match="No client has heard of a success"):
        made(acked=0).nothing_lost()


def test_too_few_retries_show_what_faults_did(made: Any) -> None:
    with pytest.raises(Violated) as caught:
        made().retried(at_least=2)
    assert str(caught.value).splitlines() == [
        "ackdrop: 1 retry on the wire, at least 2 expected",
        "",
        "what faults did",
        '  0.500 s  connection 2  sent: appended at 2, ack dropped: "lose it"',
        "  1.300 s  connection 3  sent again, no producer id: appended at 3, acked",
        "",
        'faults: "lose it" once; 0 attempts, 1 retry',
    ]


def test_retries_that_nobody_counted(made: Any) -> None:
    with pytest.raises(Inconclusive, match="ledger-incomplete"):
        made(retries=None).retried()


def test_a_fault_that_fired_too_seldom(made: Any) -> None:
    with pytest.raises(Violated, match='"lose it" fired once, at least twice expected'):
        made().faults_fired("lose it", at_least=2)
    with pytest.raises(Violated, match="the faults fired never, at least once expected"):
        made(fired=0).faults_fired()


def test_a_claim_that_cannot_fail_or_means_nothing_is_refused(made: Any) -> None:
    report = made()
    with pytest.raises(UsageError, match="holds whatever happens"):
        report.retried(at_least=0)
    with pytest.raises(UsageError, match='no fault "lose"') as caught:
        report.faults_fired("lose")
    assert caught.value.remedy == 'did you mean "lose it"?'
    with pytest.raises(UsageError, match="there is no cause 'retry'"):
        report.no_duplicates(allow=["retry"])
