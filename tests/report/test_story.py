"""What became of a record, in sentences: every kind, every cause, every way an attempt can end."""

from __future__ import annotations

import pytest

from ackdrop.report.story import chapters
from ackdrop.report.words import counted, figure, listed, times
from ackdrop.result import Finding


@pytest.fixture
def head(results):
    """The first sentence about one finding, alone in its arm."""

    def head_of(kind, record="p1/2", places=None, others=()):
        finding = Finding(kind, None, record, results.place(2) if places is None else places, None, [])
        arm = results.change(results.off_arm(), findings=[finding, *others])
        return chapters(arm)[0].stories[0].head

    return head_of


@pytest.fixture
def texts(results):
    """The attempts of one finding in words."""

    def texts_of(*attempts, kind="duplicate", fault=None):
        lines = [results.change(results.line, **attempt) for attempt in attempts]
        finding = Finding(kind, None, "p1/2", results.place(2), fault, lines)
        story = chapters(results.change(results.off_arm(), findings=[finding]))[0].stories[0]
        return [told.text for told in story.attempts]

    return texts_of


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("duplicate", "record 2 stands at offset 2 of partition 0"),
        ("deduplicated", "record 2 stands at offset 2 of partition 0 alone"),
        ("lost", "record 2 was acked and is not in the log"),
        ("out_of_order", "record 2 stands at offset 2 of partition 0, after a record that was sent later"),
        ("unacked_present", "record 2 stands at offset 2 of partition 0, though its producer was not told so"),
        ("phantom", "record 2 stands at offset 2 of partition 0, and was never sent"),
        ("offset_mismatch", "record 2 stands at offset 2 of partition 0, and was acked at another offset"),
    ],
)
def test_kinds(head, kind, text):
    assert head(kind) == text


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        ("2", "record 2"),
        ("3fa9c1" + "0" * 58, "record 3fa9c1…"),
        ("orders[0] offsets 3 to 5", "orders[0] offsets 3 to 5"),
        ("order-77", "order-77"),
        ("x" * 300, "x" * 39 + "…" + "x" * 20),
    ],
)
def test_names_of_records(head, record, shown):
    assert head("lost", record) == f"{shown} was acked and is not in the log"


def test_a_range_of_records(head, results):
    assert head("deduplicated", "p1/2 to p1/4", results.place(2, 3, 4)) == (
        "records 2 to 4 stand at offsets 2 to 4 of partition 0, each once"
    )


def test_two_producers_are_told_apart(head, results):
    other = Finding("lost", None, "p2/2", [], None, [])
    assert head("duplicate", others=[other]).startswith("record 2 of p1 stands")


def test_places(head, results):
    both = [*results.place(2, 9), *results.place(4, partition=1)]
    assert (
        head("duplicate", places=both)
        == "record 2 stands at offsets 2 and 9 of partition 0 and offset 4 of partition 1"
    )
    assert head("phantom", places=results.place(2, topic="orders")).startswith(
        "record 2 stands at offset 2 of orders, part"
    )
    many = results.place(*range(0, 60, 2))
    assert head("duplicate", places=many) == "record 2 stands at offsets 0, 2, 4, 6 and 26 more of partition 0"
    assert head("phantom", places=[]) == "record 2 stands at no place that is known, and was never sent"


def test_most_are_counted_not_told(results):
    arm = results.duplicates(7)
    (chapter,) = chapters(arm)
    assert (chapter.kind, len(chapter.stories), chapter.more) == ("duplicate", 3, 4)
    assert chapters(arm, most=7)[0].more == 0


def test_kinds_come_in_their_order(results):
    kinds = ["phantom", "lost", "deduplicated", "duplicate"]
    findings = [Finding(kind, None, "p1/1", [], None, []) for kind in kinds]
    arm = results.change(results.off_arm(), findings=findings)
    assert [chapter.kind for chapter in chapters(arm)] == ["duplicate", "deduplicated", "lost", "phantom"]


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        ({"ack": "delivered"}, "sent: appended at 2, acked"),
        ({"ack": "dropped"}, "sent: appended at 2, ack dropped"),
        ({"ack": "withheld"}, "sent: appended at 2, ack withheld"),
        ({"ack": "delayed"}, "sent: appended at 2, ack delayed"),
        ({"ack": "none"}, "sent: appended at 2, ack never arrived"),
        ({"ack": "none", "base_offset": None}, "sent: no answer"),
        ({"ack": "delivered", "base_offset": -1}, "sent: answered without an offset, acked"),
        (
            {"ack": "delivered", "base_offset": -1, "error": "NOT_ENOUGH_REPLICAS"},
            "sent: answered with NOT_ENOUGH_REPLICAS",
        ),
        ({"records": 1200, "ack": "delivered"}, "sent, 1,200 records: appended at 2, acked"),
    ],
)
def test_the_fate_of_an_attempt(texts, attempt, text):
    assert texts(attempt) == [text]


PRODUCER = {"producer_id": 5, "producer_epoch": 0, "base_sequence": 7}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "the same sequence again: answered with offset 2, not written, acked"),
        ({"base_offset": 9}, "the same sequence again: appended at 9, acked"),
        ({"base_sequence": 8, "base_offset": 9}, "sent again as sequence 8: appended at 9, acked"),
        (
            {"producer_epoch": 1, "base_sequence": 0, "base_offset": 9},
            "sent again in epoch 1 as sequence 0: appended at 9, acked",
        ),
        (
            {"producer_id": 6, "base_sequence": 0, "base_offset": 9},
            "sent again as producer 6, epoch 0, sequence 0: appended at 9, acked",
        ),
    ],
)
def test_what_was_sent_again(texts, changes, text):
    assert texts(PRODUCER, {**PRODUCER, "ack": "delivered", **changes})[1] == text


def test_the_fault_is_named_where_it_struck(texts):
    lost = texts({"ack": "withheld"}, {"ack": "delivered", "base_offset": 3}, fault="lose")
    assert lost == ['sent: appended at 2, ack withheld: "lose"', "sent again, no producer id: appended at 3, acked"]


def test_an_answer_that_was_changed(texts):
    """Error 7 after the append: the answer arrived, and said something else than the broker had."""
    altered = {"ack": "delivered", "error": "REQUEST_TIMED_OUT"}
    told = texts(altered, {"ack": "delivered", "base_offset": 3}, fault="time out")
    assert told == [
        'sent: appended at 2, the client was told REQUEST_TIMED_OUT: "time out"',
        "sent again, no producer id: appended at 3, acked",
    ]


def test_other_records_in_a_chain_are_not_sent_again(texts):
    """The chain of a record out of order holds the attempts of the one that overtook it."""
    chain = [
        {"crc": 1, "ack": "dropped"},
        {"crc": 2, "base_offset": 3, "ack": "delivered"},
        {"crc": 1, "base_offset": 4},
    ]
    assert [text.partition(":")[0] for text in texts(*chain, kind="out_of_order")] == [
        "sent",
        "sent",
        "sent again, no producer id",
    ]


def test_partitions_are_named_where_they_differ(texts):
    told = texts({"partition": 0}, {"partition": 3})
    assert [text.partition(":")[0] for text in told] == [
        "sent to partition 0",
        "sent again, no producer id to partition 3",
    ]


def test_a_long_chain_is_cut(texts):
    told = texts(*({"base_offset": n, "ack": "none"} for n in range(40)))
    assert len(told) == 6
    assert told[4:] == [
        "and 35 more attempts like these",
        "sent again, no producer id: appended at 39, ack never arrived",
    ]


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (None, ""),
        ("retry-unprotected", "without a producer id, so the broker could not know it again. (retry-unprotected)"),
        ("broker-did-not-deduplicate", "twice: it should not have. (broker-did-not-deduplicate)"),
        ("new-epoch", "in a new epoch, and so the broker took it for a new record. (new-epoch)"),
        ("new-producer-id", "under a new producer id, and so the broker took it for a new record. (new-producer-id)"),
        ("injected", "ackdrop itself sent the copy, as the scenario asks. (injected)"),
        ("ambiguous", "whether the client or the application sent it again. (ambiguous)"),
        ("unexplained", "Nothing that was seen on the wire accounts for the copy. (unexplained)"),
        ("application-resend", "The application sent it twice: each send is a record of its own. (application-resend)"),
    ],
)
def test_causes(results, cause, why):
    finding = results.change(results.off_arm().findings[0], cause=cause)
    story = chapters(results.change(results.off_arm(), findings=[finding]))[0].stories[0]
    assert story.why.endswith(why)
    assert bool(story.why) == bool(why)


def test_an_application_that_sends_again_with_idempotence_on(results):
    story = chapters(results.resend_arm(True))[0].stories[0]
    assert story.why == (
        "The application sent it three times, each send has its own sequence number: idempotence cannot know. "
        "(application-resend)"
    )


def test_words():
    assert [times(n) for n in (1, 2, 3, 10, 11, 1200)] == [
        "once",
        "twice",
        "three times",
        "ten times",
        "11 times",
        "1,200 times",
    ]
    assert [figure(n) for n in (None, 0, 12_000)] == ["unknown", "0", "12,000"]
    assert [counted(n, "retry", "retries") for n in (0, 1, 2)] == ["0 retries", "1 retry", "2 retries"]
    assert [listed(list("abcdefg")[:n]) for n in (1, 2, 5, 7)] == [
        "a",
        "a and b",
        "a, b, c, d and e",
        "a, b, c, d and 3 more",
    ]
