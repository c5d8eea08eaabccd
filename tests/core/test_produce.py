"""Produce requests and answers: attempts, many partitions, errors written in, and the rules' say."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from ackdrop.faults import Delay, Drop, Error
from ackdrop.observations import Acked, Answered, Attempt, Decided, Forwarded, TopicSeen

TOPIC_ID = bytes(range(16))


@pytest.fixture
def batch(frames: Any) -> Any:
    return lambda value, **more: frames.batch(frames.record(value), **more)


def test_an_attempt_says_what_was_sent(playbook: Any, frames: Any, batch: Any) -> None:
    play = playbook(starts={("t", 3): 40})
    play.at(2.0)
    line = play.connect()
    raw = frames.batch(frames.record(b"a"), frames.record(b"b"), producer=(7, 1, 12))
    line.client(frames.produce(5, ("t", 3, raw), client="me", acks=1))
    (seen,) = play.all(Attempt)
    assert seen == Attempt(
        number=1,
        at=2.0,
        connection=1,
        correlation_id=5,
        client_id="me",
        software="",
        api_version=7,
        acks=1,
        transactional_id=None,
        topic="t",
        partition=3,
        producer_id=7,
        producer_epoch=1,
        base_sequence=12,
        records=2,
        crc=int.from_bytes(raw[17:21], "big"),
        size=len(raw),
        retry_of=None,
        tries=1,
        ambiguous=False,
    )
    play.at(2.5)
    line.broker(frames.produced(5, ("t", 3, 0, 41)))
    assert play.all(Forwarded) == [Forwarded(2.0, 1)]
    assert play.all(TopicSeen) == [TopicSeen(2.0, "t", 3, 40)]
    assert play.all(Answered) == [Answered(2.5, 1, 0, 41)]
    assert play.all(Acked) == [Acked(2.5, 1, "delivered", 0)]


def test_a_partition_is_told_once(playbook: Any, frames: Any, batch: Any) -> None:
    play = playbook()
    for cid in (1, 2):
        play.connect().client(frames.produce(cid, ("t", 0, batch(b"a")), ("t", 1, batch(b"b"))))
    assert [(seen.partition, seen.start_offset) for seen in play.all(TopicSeen)] == [(0, -1), (1, -1)]


@pytest.mark.parametrize("version", [0, 2, 3, 7, 9, 11])
def test_each_partition_is_an_attempt(playbook: Any, frames: Any, batch: Any, version: int) -> None:
    play = playbook()
    line = play.connect()
    ask = frames.produce(1, ("a", 0, batch(b"1")), ("a", 1, batch(b"2")), ("b", 0, batch(b"3")), version=version)
    assert line.client(ask) == [line.to_broker(ask)]
    assert play.wire.unsettled == 1
    told = [("b", 0, 0, 30), ("a", 1, 6, -1), ("a", 0, 0, 10)]
    answer = frames.produced(1, *told, version=version)
    assert line.broker(answer) == [line.to_client(answer)]
    assert [(seen.topic, seen.partition) for seen in play.all(Attempt)] == [("a", 0), ("a", 1), ("b", 0)]
    assert [(seen.attempt, seen.error, seen.base_offset) for seen in play.all(Answered)] == [
        (3, 0, 30),
        (2, 6, -1),
        (1, 0, 10),
    ]
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 6), (3, "delivered", 0)]


def test_an_error_of_the_brokers_leads_to_a_retry(playbook: Any, frames: Any, batch: Any) -> None:
    play = playbook()
    line = play.connect()
    line.client(frames.produce(1, ("t", 0, batch(b"a")), ("t", 1, batch(b"b"))))
    line.broker(frames.produced(1, ("t", 0, 6, -1), ("t", 1, 0, 5)))
    line.client(frames.produce(2, ("t", 0, batch(b"a"))), frames.produce(3, ("t", 1, batch(b"b"))))
    assert play.retries == [(3, 1, 2, False)]


def test_an_entry_without_records_is_no_attempt(playbook: Any, frames: Any) -> None:
    play = playbook()
    line = play.connect()
    line.client(frames.produce(1, ("t", 0, None)))
    line.broker(frames.produced(1, ("t", 0, 0, 5)))
    assert play.all(Attempt) == []
    assert play.wire.unsettled == 0


def test_a_partition_that_nobody_asked_about_is_passed_over(playbook: Any, frames: Any, batch: Any) -> None:
    play = playbook()
    line = play.connect()
    line.client(frames.produce(1, ("t", 0, batch(b"a"))))
    line.broker(frames.produced(1, ("t", 0, 0, 5), ("t", 9, 0, 5)))
    assert play.acks == [(1, "delivered", 0)]


class TestError:
    """`error` at a response: the broker has appended, and the client is told otherwise."""

    @pytest.mark.parametrize("version", [0, 1, 2, 3, 7, 9, 12])
    def test_only_the_entries_that_were_hit_change(
        self, playbook: Any, rule: Any, frames: Any, batch: Any, version: int
    ) -> None:
        play = playbook(rule(Error(7), match={"partition": (1,)}))
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, batch(b"a")), ("t", 1, batch(b"b")), version=version))
        answer = frames.produced(1, ("t", 0, 0, 10), ("t", 1, 0, 11), version=version)
        altered = frames.produced(1, ("t", 0, 0, 10), ("t", 1, 7, -1), version=version)
        assert line.broker(answer) == [line.to_client(altered)]
        assert play.acks == [(1, "delivered", 0), (2, "delivered", 7)]
        assert [(seen.error, seen.base_offset) for seen in play.all(Answered)] == [(0, 10), (0, 11)]

    def test_node_endpoints_and_errors_in_one_frame(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        """Offsets that were read before the addresses were rewritten would point elsewhere."""
        play = playbook(rule(Error(7)), translate=lambda node, host, port: ("a.longer.name", 1))
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, batch(b"a")), version=11))
        answer = frames.produced(1, ("t", 0, 0, 10), version=11, nodes=[(1, "b", 9092)])
        altered = frames.produced(1, ("t", 0, 7, -1), version=11, nodes=[(1, "a.longer.name", 1)])
        assert line.broker(answer) == [line.to_client(altered)]

    def test_topic_ids(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        play = playbook(rule(Error(7), match={"partition": (1,)}))
        line = play.connect()
        line.client(frames.produce(1, (TOPIC_ID, 0, batch(b"a")), (TOPIC_ID, 1, batch(b"b")), version=13))
        answer = frames.produced(1, (TOPIC_ID, 0, 0, 1), (TOPIC_ID, 1, 0, 2), version=13)
        altered = frames.produced(1, (TOPIC_ID, 0, 0, 1), (TOPIC_ID, 1, 7, -1), version=13)
        assert line.broker(answer) == [line.to_client(altered)]

    def test_only_the_attempts_that_were_hit_are_retried(
        self, playbook: Any, rule: Any, frames: Any, batch: Any
    ) -> None:
        play = playbook(rule(Error(7), match={"partition": (1,)}, nth=(1,)))
        line = play.connect()
        ask = [("t", 0, batch(b"a")), ("t", 1, batch(b"b"))]
        line.client(frames.produce(1, *ask))
        line.broker(frames.produced(1, ("t", 0, 0, 10), ("t", 1, 0, 11)))
        line.client(frames.produce(2, *ask))
        assert play.retries == [(4, 2, 2, False)]

    def test_an_entry_that_the_broker_did_not_answer_stays_unanswered(
        self, playbook: Any, rule: Any, frames: Any, batch: Any
    ) -> None:
        play = playbook(rule(Error(7)))
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, batch(b"a")), ("t", 1, batch(b"b"))))
        (sent,) = line.broker(frames.produced(1, ("t", 0, 0, 10)))
        assert sent.data == frames.produced(1, ("t", 0, 7, -1))
        assert play.acks == [(1, "delivered", 7), (2, "delivered", None)]


class TestManyPartitions:
    """`drop` and `delay` act on the whole frame when any entry matches; the others are told as not hit."""

    def ask(self, play: Any, frames: Any, batch: Any) -> None:
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, batch(b"a")), ("t", 1, batch(b"b")), ("u", 0, batch(b"c"))))
        line.broker(frames.produced(1, ("t", 0, 0, 1), ("t", 1, 0, 1), ("u", 0, 0, 1)))

    def test_all_of_a_dropped_frame_are_dropped(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        play = playbook(rule(Drop(), match={"topic": ("u",)}))
        self.ask(play, frames, batch)
        assert play.acks == [(1, "dropped", None), (2, "dropped", None), (3, "dropped", None)]
        assert [(seen.topic, seen.fired, seen.hit, seen.verdict) for seen in play.all(Decided)] == [
            ("u", True, True, "drop")
        ]

    def test_all_of_a_delayed_frame_are_delayed(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        play = playbook(rule(Delay(1.0), match={"topic": ("u",)}))
        self.ask(play, frames, batch)
        play.at(1.0)
        assert play.acks == [(1, "delayed", 0), (2, "delayed", 0), (3, "delayed", 0)]

    def test_per_partition_names_the_entry_that_was_hit(
        self, playbook: Any, rule: Any, frames: Any, batch: Any
    ) -> None:
        play = playbook(rule(Drop(), nth=(2,), per="partition"))
        line = play.connect()
        line.client(frames.produce(1, ("t", 1, batch(b"x"))))
        line.broker(frames.produced(1, ("t", 1, 0, 1)))
        self.ask(play, frames, batch)
        assert [(seen.partition, seen.n, seen.fired, seen.hit) for seen in play.all(Decided)][1:] == [
            (0, 1, True, False),
            (1, 2, True, True),
            (0, 1, True, False),
        ]


class TestDecided:
    def test_it_says_all_that_a_repetition_agrees_on(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        play = playbook(rule(Drop(), "lose it", nth=(2,)), label=lambda topic: topic.removesuffix("-run1"))
        line = play.connect()
        for cid in (1, 2):
            line.client(frames.produce(cid, ("t-run1", 0, batch(b"%d" % cid)), client="me"))
        play.at(4.0)
        line.broker(frames.produced(1, ("t-run1", 0, 0, 1)), frames.produced(2, ("t-run1", 0, 0, 2)))
        assert play.all(Decided) == [
            Decided(4.0, "lose it", 1, 1, "me", "t", 0, 1, False, "pass", False, 1),
            Decided(4.0, "lose it", 1, 2, "me", "t", 0, 2, True, "drop", True, 2),
        ]

    def test_a_retry_is_known_to_the_rules(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        play = playbook(
            rule(Drop("disconnect"), "first", match={"attempt": "first"}),
            rule(Error(7), "second", match={"attempt": 2, "idempotent": True}),
        )
        raw = batch(b"a", producer=(1, 0, 0))
        for _ in range(3):
            line = play.connect()
            line.client(frames.produce(1, ("t", 0, raw)))
            line.broker(frames.produced(1, ("t", 0, 0, 1)))
        assert play.fired == [("first", 0, 1, "drop"), ("second", 0, 1, "error")]
        assert play.acks == [(1, "dropped", None), (2, "delivered", 7), (3, "delivered", 0)]

    def test_a_withheld_answer_is_nobodys_to_decide(self, playbook: Any, rule: Any, frames: Any, batch: Any) -> None:
        play = playbook(rule(Drop(), nth=(1,)))
        line = play.connect()
        for cid in (1, 2):
            line.client(frames.produce(cid, ("t", 0, batch(b"%d" % cid))))
        line.broker(frames.produced(1, ("t", 0, 0, 1)), frames.produced(2, ("t", 0, 0, 2)))
        assert len(play.all(Decided)) == 1

    def test_time_counts_from_the_first_produce_request(
        self, playbook: Any, rule: Any, frames: Any, batch: Any
    ) -> None:
        play = playbook(rule(Error(7), after=2.0, until=3.0))
        line = play.connect()
        play.at(100.0)
        line.client(*(frames.produce(cid, ("t", 0, batch(b"%d" % cid))) for cid in range(4)))
        for cid, now in enumerate((100.0, 101.9, 102.0, 103.0)):
            play.at(now)
            line.broker(frames.produced(cid, ("t", 0, 0, cid)))
        assert [error for _, _, error in play.acks] == [0, 0, 7, 0]
        assert [seen.n for seen in play.all(Decided)] == [1]


class TestWhatIsSaid:
    """Every field of an attempt, for every version of Produce and every form that records come in."""

    def told(self, play: Any) -> Attempt:
        (seen,) = play.all(Attempt)
        assert isinstance(seen, Attempt)
        return seen

    @pytest.mark.parametrize("version", range(14))
    def test_in_every_version(self, playbook: Any, frames: Any, version: int) -> None:
        play = playbook()
        line = play.connect()
        line.client(frames.request(18, 3, 0, b"\x04lib\x061.2.3\0", tags=b"\0"))
        raw = frames.batch(frames.record(b"a"), frames.record(b"b"), producer=(1 << 40, 7, (1 << 31) - 1))
        topic = TOPIC_ID if version == 13 else "t"
        of = "tx" if version >= 3 else None
        line.client(frames.produce(9, (topic, 5, raw), version=version, acks=1, client="é", transactional_id=of))
        told = self.told(play)
        assert told.topic == (f"id:{TOPIC_ID.hex()}" if version == 13 else "t")
        assert (told.connection, told.correlation_id, told.client_id, told.software) == (1, 9, "é", "lib 1.2.3")
        assert (told.api_version, told.acks, told.transactional_id, told.partition) == (version, 1, of, 5)
        assert (told.producer_id, told.producer_epoch, told.base_sequence) == (1 << 40, 7, (1 << 31) - 1)
        assert (told.records, told.crc, told.size) == (2, int.from_bytes(raw[17:21], "big"), len(raw))

    def test_a_topic_id_becomes_the_name_that_metadata_told(self, playbook: Any, frames: Any, batch: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(frames.request(3, 12, 1, tags=b"\0"))
        line.broker(frames.metadata(1, [], [("named", TOPIC_ID)]))
        line.client(frames.produce(2, (TOPIC_ID, 0, batch(b"a")), version=13))
        assert self.told(play).topic == "named"

    @pytest.mark.parametrize("version", [0, 1, 2])
    @pytest.mark.parametrize("magic", [0, 1])
    def test_a_message_set_is_one_attempt(self, playbook: Any, frames: Any, version: int, magic: int) -> None:
        """The broker answers it as a whole. The check sum is that of its first message."""
        play = playbook()
        raw = b"".join(frames.message(value, magic=magic) for value in (b"a", b"b", b"c"))
        play.connect().client(frames.produce(1, ("t", 0, raw), version=version))
        told = self.told(play)
        assert (told.producer_id, told.producer_epoch, told.base_sequence) == (-1, -1, -1)
        assert (told.records, told.crc, told.size) == (3, int.from_bytes(raw[12:16], "big"), len(raw))

    @pytest.mark.parametrize("magic", [0, 1])
    def test_a_packed_message_is_as_many_as_it_holds(self, playbook: Any, frames: Any, magic: int) -> None:
        inner = b"".join(frames.message(value, magic=magic) for value in (b"a", b"b", b"c"))
        raw = frames.message(gzip.compress(inner), magic=magic, codec=1) + frames.message(b"d", magic=magic)
        play = playbook()
        play.connect().client(frames.produce(1, ("t", 0, raw), version=2))
        assert self.told(play).records == 4

    def test_one_that_cannot_be_opened_has_an_unknown_number(self, playbook: Any, frames: Any) -> None:
        play = playbook()
        raw = frames.message(b"no gzip", codec=1)
        play.connect().client(frames.produce(1, ("t", 0, raw), version=2))
        assert (self.told(play).records, self.told(play).size) == (-1, len(raw))

    def test_several_batches_for_one_partition_are_one_attempt(self, playbook: Any, frames: Any, batch: Any) -> None:
        """Brokers refuse it (INVALID_RECORD, since KIP-98); the answer is for all of them."""
        play = playbook()
        raw = batch(b"a", producer=(5, 0, 3)) + frames.batch(frames.record(b"b"), frames.record(b"c"))
        play.connect().client(frames.produce(1, ("t", 0, raw)))
        told = self.told(play)
        assert (told.records, told.size, told.base_sequence) == (3, len(raw), 3)

    @pytest.mark.parametrize("records", [None, b""], ids=["null", "empty"])
    @pytest.mark.parametrize("version", [2, 7, 9])
    def test_a_partition_without_records_is_none(
        self, playbook: Any, frames: Any, batch: Any, records: bytes | None, version: int
    ) -> None:
        play = playbook()
        play.connect().client(frames.produce(1, ("t", 0, records), ("t", 1, batch(b"a")), version=version))
        assert self.told(play).partition == 1

    def test_a_batch_of_no_records_is_one(self, playbook: Any, frames: Any) -> None:
        play = playbook()
        play.connect().client(frames.produce(1, ("t", 0, frames.batch())))
        assert self.told(play).records == 0

    def test_of_a_partition_that_is_named_twice_the_last_is_answered(
        self, playbook: Any, frames: Any, batch: Any
    ) -> None:
        """So do brokers: the second entry takes the place of the first."""
        play = playbook()
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, batch(b"a")), ("t", 0, batch(b"b"))))
        line.broker(frames.produced(1, ("t", 0, 0, 5)))
        assert [seen.attempt for seen in play.all(Answered)] == [2]
        assert play.acks == [(1, "delivered", None), (2, "delivered", 0)]
        line.client(frames.produce(2, ("t", 0, batch(b"a"))))
        assert play.retries == [(3, 1, 2, False)]

    def test_no_client_id_is_an_empty_one(self, playbook: Any, frames: Any, batch: Any) -> None:
        play = playbook()
        ask = frames.produce(1, ("t", 0, batch(b"a")), client="")
        nameless = frames.framed(ask[4:12] + b"\xff\xff" + ask[14:])
        play.connect().client(nameless)
        assert self.told(play).client_id == ""
