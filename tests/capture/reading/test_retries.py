"""A lost ack, and what came of it: each case of what a capture can show, and of what it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ackdrop.capture.reading.retries import Attempt
from ackdrop.capture.reading.verdicts import verdict

from ...core.frames import Frames
from ...talks import Talk, write
from .reading_of import CAPTURES, Read, recorded, talks

FRAMES = Frames()
NUMBERED = (7, 0, 3)
NONE = (-1, -1, -1)
REFUSED, TIMED_OUT, OUT_OF_ORDER, DUPLICATE = 3, 7, 45, 46


def ask(cid: int, producer: tuple[int, int, int] = NONE, value: bytes = b"v", at: int = 1000) -> bytes:
    return FRAMES.produce(cid, ("t", 0, FRAMES.batch(FRAMES.record(value), producer=producer, at=at)))


def told(cid: int, offset: int, error: int = 0) -> bytes:
    return FRAMES.produced(cid, ("t", 0, error, -1 if error else offset))


def first(producer: tuple[int, int, int] = NONE) -> Talk:
    """A connection that has begun, and has asked with correlation id 5."""
    return Talk().open().client(FRAMES.request(3, 1, 1)).broker(FRAMES.answer(1)).client(ask(5, producer))


def again(producer: tuple[int, int, int] = NONE, at: float = 2.0) -> Talk:
    return Talk(("10.0.0.2", 40001), at=at).open().client(ask(9, producer))


LOST: dict[str, Callable[[Talk], Talk]] = {
    "reset before an answer": lambda talk: talk.rst(1),
    "closed by the client, who waited in vain": lambda talk: talk.fin(0, after=1.0).fin(1),
    "never acknowledged": lambda talk: talk.broker(told(5, 7), acked=False).rst(0),
    "refused": lambda talk: talk.broker(told(5, 0, REFUSED)),
    "timed out": lambda talk: talk.broker(told(5, 0, TIMED_OUT)),
}
CASES = [
    ("reset before an answer", NONE, told(9, 8), "cannot-tell", (8,)),
    ("closed by the client, who waited in vain", NONE, told(9, 8), "cannot-tell", (8,)),
    ("never acknowledged", NONE, told(9, 8), "duplicate", (7, 8)),
    ("refused", NONE, told(9, 8), "once", (8,)),
    ("timed out", NONE, told(9, 8), "cannot-tell", (8,)),
    ("never acknowledged", NONE, told(9, 7), "cannot-tell", (7,)),
    ("never acknowledged", NONE, told(9, -1), "cannot-tell", (7,)),
    ("never acknowledged", NONE, told(9, 0, REFUSED), "once", (7,)),
    ("never acknowledged", NONE, None, "cannot-tell", (7,)),
    ("refused", NONE, told(9, 0, REFUSED), "refused", ()),
    ("reset before an answer", NONE, told(9, 0, REFUSED), "once", ()),
    ("reset before an answer", NUMBERED, told(9, 8), "protected", (8,)),
    ("never acknowledged", NUMBERED, told(9, 7), "deduplicated", (7,)),
    ("never acknowledged", NUMBERED, told(9, 8), "duplicate", (7, 8)),
    ("never acknowledged", NUMBERED, told(9, -1, DUPLICATE), "deduplicated", (7,)),
    ("reset before an answer", NUMBERED, told(9, 0, OUT_OF_ORDER), "protected", ()),
    ("timed out", NUMBERED, told(9, 8), "protected", (8,)),
    ("reset before an answer", NUMBERED, None, "protected", ()),
]


@pytest.mark.parametrize(("lost", "producer", "answer", "word", "offsets"), CASES)
def test_what_a_retry_has_left(
    lost: str,
    producer: tuple[int, int, int],
    answer: bytes | None,
    word: str,
    offsets: tuple[int, ...],
    tmp_path: Path,
) -> None:
    talk = again(producer)
    if answer is not None:
        talk.broker(answer)
    read = Read(write(tmp_path / "a.pcap", LOST[lost](first(producer)), talk.fin(0).fin(1)))
    (chain,) = read.chains
    shown = verdict(chain)
    assert [attempt.correlation_id for attempt in chain.attempts] == [5, 9]
    assert (shown.word, shown.offsets) == (word, offsets), shown.why
    assert read.summary.tally.retries == 1


def test_a_retry_under_other_numbers_is_a_duplicate_where_two_offsets_say_so(tmp_path: Path) -> None:
    lost = LOST["never acknowledged"](first(NUMBERED))
    read = Read(write(tmp_path / "a.pcap", lost, again((7, 1, 0)).broker(told(9, 8))))
    assert read.words == ["duplicate"]


def test_an_ack_that_arrived_makes_the_next_one_the_applications_own(tmp_path: Path) -> None:
    talk = first().broker(told(5, 7)).client(b"", acked=False, after=5.0).fin(0).fin(1)
    read = Read(write(tmp_path / "a.pcap", talk, again(at=9.0).broker(told(9, 8))))
    assert (read.chains, read.summary.tally.retries) == ([], 0)


def test_a_lost_ack_that_is_not_sent_again_is_told(tmp_path: Path) -> None:
    read = Read(write(tmp_path / "a.pcap", LOST["never acknowledged"](first())))
    assert read.words == ["lost-ack"]
    assert read.ends[0].unacknowledged == (("produce", 5),)
    assert read.summary.tally.lost == 1


def test_a_capture_that_ends_before_an_answer_knows_of_no_loss(tmp_path: Path) -> None:
    read = Read(write(tmp_path / "a.pcap", first()))
    assert (read.chains, read.summary.tally.lost) == ([], 0)


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (7, "The retry's offset follows the one that was acked before it"),
        (8, "Right before the retry one record stands that no answer here accounts for"),
        (10, "Right before the retry 3 records stand that no answer here accounts for"),
    ],
)
def test_what_offsets_say_of_an_attempt_without_an_answer(offset: int, said: str, tmp_path: Path) -> None:
    before = Talk(("10.0.0.2", 39999)).open().client(ask(3, value=b"w", at=900)).broker(told(3, 6)).fin(0).fin(1)
    lost = Talk(at=1.0).open().client(ask(5)).rst(1)
    read = Read(write(tmp_path / "a.pcap", before, lost, again().broker(told(9, offset))))
    (chain,) = read.chains
    assert verdict(chain).word == "cannot-tell"
    assert said in verdict(chain).why


def test_an_answer_that_later_ones_have_passed_is_lost(tmp_path: Path) -> None:
    talk = first().client(ask(6, value=b"w", at=1001)).broker(told(6, 8))
    read = Read(write(tmp_path / "a.pcap", talk, again().broker(told(9, 9))))
    (chain,) = read.chains
    assert [(each.correlation_id, each.fate, each.ended) for each in chain.attempts] == [
        (5, "unanswered", "passed"),
        (9, "acknowledged", None),
    ]


def test_a_client_that_has_said_its_end_is_gone_whatever_the_broker_says(tmp_path: Path) -> None:
    waiting = first().fin(0, after=1.0)
    read = Read(write(tmp_path / "a.pcap", waiting, again().broker(told(9, 8))))
    (chain,) = read.chains
    assert [(each.fate, each.ambiguous) for each in chain.attempts] == [("unanswered", False), ("acknowledged", False)]


def test_equal_records_while_the_first_attempt_may_still_be_answered_prove_nothing(tmp_path: Path) -> None:
    waiting = first().broker(told(5, 7), acked=False)
    read = Read(write(tmp_path / "a.pcap", waiting, again().broker(told(9, 8))))
    (chain,) = read.chains
    assert (verdict(chain).word, verdict(chain).offsets) == ("cannot-tell", (7, 8))
    assert "whether the client or the application did is open" in verdict(chain).why


def test_the_same_request_to_the_same_broker_is_a_retry_and_not_passed_on(tmp_path: Path) -> None:
    same = Talk(("10.0.0.2", 40001), at=2.0).open().client(ask(5, NUMBERED)).broker(told(5, 7))
    read = Read(write(tmp_path / "a.pcap", first(NUMBERED), same))
    assert (read.words, read.summary.tally.retries) == (["protected"], 1)


def test_three_attempts_are_one_story(tmp_path: Path) -> None:
    second = again().rst(1)
    third = Talk(("10.0.0.2", 40002), at=4.0).open().client(ask(11)).broker(told(11, 9))
    read = Read(write(tmp_path / "a.pcap", LOST["never acknowledged"](first()), second, third))
    (chain,) = read.chains
    assert [attempt.correlation_id for attempt in chain.attempts] == [5, 9, 11]
    assert verdict(chain).word == "duplicate"


def test_two_retries_that_share_one_batch_between_them_are_no_copies_of_each_other(tmp_path: Path) -> None:
    both = FRAMES.produce(5, ("t", 0, FRAMES.batch(FRAMES.record(b"a"), FRAMES.record(b"b"))))
    talk = Talk().open().client(FRAMES.request(3, 1, 1)).broker(FRAMES.answer(1)).client(both)
    talk.broker(told(5, 0, REFUSED))
    talk.client(ask(6, value=b"a")).broker(told(6, 7)).client(ask(7, value=b"b")).broker(told(7, 8))
    read = Read(write(tmp_path / "a.pcap", talk))
    assert read.words == ["once"]
    assert read.summary.tally.retries == 2


def test_both_sides_of_something_that_passes_requests_on_are_one_attempt(tmp_path: Path) -> None:
    front, behind = first(), Talk(("10.0.0.1", 50000), ("10.0.0.9", 9092), at=0.002).open()
    behind.client(FRAMES.request(3, 1, 1)).broker(FRAMES.answer(1), after=0.0005)
    behind.client(ask(5), after=0.0012).broker(told(5, 7), after=0.01)
    read = Read(write(tmp_path / "a.pcap", front.fin(0, after=1.0).fin(1), behind, again().broker(told(9, 8))))
    (chain,) = read.chains
    attempts: list[Attempt] = chain.attempts
    assert [(each.correlation_id, each.base_offset, each.fate) for each in attempts] == [
        (5, 7, "unacknowledged"),
        (9, 8, "acknowledged"),
    ]
    assert read.words == ["duplicate"]
    assert [frame.of for frame in read.frames if frame.way == "request" and frame.api == "produce"] == [None, 1, None]


@pytest.mark.parametrize("client", ["kafka-python", "confluent-kafka", "java"])
@pytest.mark.parametrize(("arm", "word"), [("off", "duplicate"), ("on", "deduplicated")])
def test_real_clients_that_lost_an_ack(client: str, arm: str, word: str, tmp_path: Path) -> None:
    """The recordings were made behind the broker's answer: here the client's TCP does not acknowledge the lost one."""
    rows = recorded(f"{client}-idempotence-{arm}-close")
    all_talks = talks(rows)
    order = list(dict.fromkeys(row.connection for row in rows))
    (talk,) = [all_talks[order.index(connection)] for connection in cut_off(f"{client}-idempotence-{arm}-close")]
    while not talk.packets[-1].data:
        talk.packets.pop()  # the acknowledgement of its last answer
    talk.now = talk.packets[-1].at
    talk.rst(0)
    read = Read(write(tmp_path / "a.pcap", *all_talks))
    assert word in read.words
    assert "duplicate" not in read.words or arm == "off"


def cut_off(name: str) -> list[int]:
    """The connections whose last answer a fault took."""
    rows = [json.loads(line) for line in (CAPTURES / f"redpanda-22.3.25-{name}.jsonl").read_text().splitlines()]
    return [row["connection"] for row in rows if row["fault"]]
