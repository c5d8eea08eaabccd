"""What became of a record, in sentences: every kind, every cause, every way an attempt can end."""

from __future__ import annotations

import pytest

from ackdrop.report.attempts import Told, moments, told
from ackdrop.report.story import chapters
from ackdrop.report.words import counted, figure, lasted, listed, times
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
        "a record sent later",
        "sent again, no producer id",
    ]


def test_the_record_that_was_overtaken_is_told_apart_by_its_producer_too(texts):
    """The place is offset 2: what was answered with it, and what repeats that, carried the record."""
    one, other = {**PRODUCER, "crc": 1}, {**PRODUCER, "base_sequence": 8, "crc": 2}
    told = texts(
        {**one, "base_offset": None, "ack": "none"},
        {**other, "base_offset": 1, "ack": "delivered"},
        {**one, "ack": "delivered"},
        kind="out_of_order",
    )
    assert told == [
        "producer 5, epoch 0, sequence 7: no answer",
        "a record sent later, producer 5, epoch 0, sequence 8: appended at 1, acked",
        "the same sequence again: appended at 2, acked",
    ]


def test_an_offset_that_was_not_the_record_s(texts):
    """Acked at 9, and standing at 2: nothing says that what was answered with 9 was written."""
    told = texts({"crc": 1, "ack": "delivered"}, {"crc": 2, "base_offset": 9, "ack": "none"}, kind="offset_mismatch")
    assert told == ["sent: appended at 2, acked", "another batch: answered with offset 9, ack never arrived"]


def test_what_is_lost_was_answered_and_perhaps_never_appended(texts):
    assert texts({"ack": "delivered"}, kind="lost") == ["sent: answered with offset 2, acked"]


def test_a_phantom_was_not_sent(texts):
    assert texts({"ack": "delivered"}, kind="phantom") == ["came by the proxy: appended at 2, acked"]


def test_a_retry_is_known_by_what_it_repeats(texts):
    """Regrouped, the batch has another checksum: the number says what it repeats."""
    told = texts(
        {"number": 4, "crc": 1, "ack": "dropped"},
        {"number": 5, "crc": 2, "base_offset": 3, "ack": "delivered"},
        {"number": 6, "crc": 3, "base_offset": 4, "retry_of": 4, "ack": "delivered"},
        kind="lost",
    )
    assert [text.partition(":")[0] for text in told] == ["sent", "sent", "sent again, no producer id"]


def test_a_copy_of_ours(texts):
    told = texts(
        {**PRODUCER, "number": 1, "ack": "delivered", "fault": "twice"},
        {**PRODUCER, "number": 2, "ack": "none", "base_offset": 3, "retry_of": 1, "injected": True},
        {**PRODUCER, "number": 3, "ack": "none", "base_offset": 2, "retry_of": 1, "injected": True},
        fault="twice",
    )
    assert told == [
        'producer 5, epoch 0, sequence 7: appended at 2, acked, fault "twice"',
        "ackdrop sent a copy: appended at 3",
        "ackdrop sent a copy: answered with offset 2, not written",
    ]


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        ({"ack": "dropped"}, 'sent: appended at 2, ack dropped: "f"'),
        ({"ack": "delayed", "answered_at": 1.0, "acked_at": 5.25}, 'sent: appended at 2, ack delayed by 4.2 s: "f"'),
        ({"ack": "delayed", "answered_at": 1.0, "acked_at": 1.08}, 'sent: appended at 2, ack delayed by 80 ms: "f"'),
        ({"ack": "none", "base_offset": None}, 'sent: no answer, fault "f"'),
        ({"ack": "none"}, 'sent: appended at 2, ack never arrived, fault "f"'),
        ({"ack": "delivered", "base_offset": None, "error": "OOPS"}, 'sent: answered with OOPS, fault "f"'),
        ({"ack": "delivered", "error": "OOPS"}, 'sent: appended at 2, the client was told OOPS: "f"'),
    ],
)
def test_the_fault_of_an_attempt(texts, attempt, text):
    assert texts({**attempt, "fault": "f"}) == [text]


def test_each_attempt_has_its_own_fault(texts):
    told = texts(
        {"ack": "dropped", "fault": "lose"},
        {"ack": "delayed", "base_offset": 3, "fault": "slow"},
        {"ack": "delivered", "base_offset": 4},
        fault="lose",
    )
    assert told == [
        'sent: appended at 2, ack dropped: "lose"',
        'sent again, no producer id: appended at 3, ack delayed: "slow"',
        "sent again, no producer id: appended at 4, acked",
    ]


def test_no_answer_was_asked_for(texts):
    assert texts({"ack": "none", "acks": 0, "base_offset": None}) == ["sent: no answer asked"]


def test_as_many_as_fit(results):
    lines = [results.change(results.line, base_offset=n, ack="none") for n in range(9)]
    finding = Finding("duplicate", None, "p1/2", [], None, lines)
    assert len(told(finding, most=9)) == 9
    assert [line.text for line in told(finding, most=3)][1] == "and 7 more attempts like these"


def test_moments_stand_below_each_other():
    attempts = [Told(0.5, 3, "a"), Told(None, None, "and more"), Told(12.25, 10, "b")]
    assert moments(attempts) == [
        " 0.500 s  connection 3   ",
        "                         ",
        "12.250 s  connection 10  ",
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


def test_what_a_consumer_of_committed_records_lacks(results):
    finding = Finding("lost", None, "p1/2", [], None, [])
    arm = results.change(results.off_arm(), findings=[finding], isolation="read_committed")
    assert chapters(arm)[0].stories[0].head == (
        "record 2 was acked and is not in the log that a read_committed consumer sees"
    )


def test_words():
    assert [lasted(seconds) for seconds in (0.0804, 1, 99.94, 99.95, 3725)] == [
        "80 ms",
        "1.0 s",
        "99.9 s",
        "1 min 40 s",
        "62 min 5 s",
    ]
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
