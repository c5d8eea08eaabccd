"""Whose retry is it? The table of cases: bytes in, observations out.

Each case is what some client really does, or what an application does that looks like it. A told story reads
`(retry_of, tries, ambiguous)` of the attempt in question.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import cramjam
import pytest

from ackdrop import identity
from ackdrop.faults import Delay, Drop, Error
from ackdrop.identity import Naming
from ackdrop.kafka.codes import ERROR_CODES
from ackdrop.observations import Answered, Attempt

FIRST = (None, 1, False)
SEQUENCES = 1 << 31

Told = tuple[int | None, int, bool]


class Story:
    """A wire with clients that produce to one partition, and a broker that answers as it is told to."""

    def __init__(self, play: Any, frames: Any) -> None:
        self.play = play
        self.frames = frames
        self._cid = 0

    def connect(self) -> Any:
        return self.play.connect()

    def send(self, line: Any, raw: bytes | None, *, partition: int = 0, client: str = "c", **more: Any) -> int:
        """Send a batch; its attempt's number."""
        self._cid += 1
        line.client(self.frames.produce(self._cid, ("t", partition, raw), client=client, **more))
        number: int = self.play.all(Attempt)[-1].number
        return number

    def answer(self, line: Any, number: int, error: int = 0, *, partition: int = 0, version: int = 7) -> None:
        """The broker answers that attempt."""
        cid = self.play.all(Attempt)[number - 1].correlation_id
        offset = -1 if error else number
        line.broker(self.frames.produced(cid, ("t", partition, error, offset), version=version))

    def lose(self, raw: bytes, **more: Any) -> int:
        """Send a batch on a connection that the broker resets in place of an answer."""
        line = self.connect()
        number = self.send(line, raw, **more)
        line.broker_ends("reset")
        return number

    def told(self, number: int) -> Told:
        attempt = self.play.all(Attempt)[number - 1]
        return attempt.retry_of, attempt.tries, attempt.ambiguous

    def sent(self, raw: bytes, **more: Any) -> Told:
        """Send a batch on a connection of its own, and tell of it."""
        return self.told(self.send(self.connect(), raw, **more))


@pytest.fixture
def story(playbook: Any, frames: Any) -> Story:
    return Story(playbook(), frames)


@pytest.fixture
def stories(playbook: Any, frames: Any) -> Callable[..., Story]:
    return lambda *rules, **settings: Story(playbook(*rules, **settings), frames)


@pytest.fixture(scope="session")
def ours(frames: Any) -> Callable[..., bytes]:
    """A record with our identity header."""

    def make(record: int, send: int = 0, value: bytes = b"v") -> bytes:
        header = identity.write(identity.Identity("run", "p", record, send, record))
        made: bytes = frames.record(value, headers=[("other", b"1"), (identity.HEADER, header)])
        return made

    return make


@pytest.fixture
def batch(frames: Any) -> Callable[..., bytes]:
    """A batch of the records with these values."""
    return lambda *values, **more: frames.batch(*map(frames.record, values), **more)


class TestDelivered:
    """The client was told a success: the same records again are the application's."""

    @pytest.mark.parametrize("again_on", ["same", "new"])
    def test_the_same_bytes_are_a_resend(self, story: Story, batch: Any, again_on: str) -> None:
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a")))
        assert story.told(story.send(line if again_on == "same" else story.connect(), batch(b"a"))) == FIRST

    def test_and_so_are_the_same_numbers(self, story: Story, batch: Any) -> None:
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a", producer=(5, 0, 0))))
        assert story.sent(batch(b"a", producer=(5, 0, 0))) == FIRST

    def test_after_the_retry_was_acked(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a"))
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a")))
        assert story.sent(batch(b"a")) == FIRST

    def test_a_duplicate_that_the_broker_names_is_a_success(self, story: Story, batch: Any) -> None:
        """Brokers before Kafka 1.0 answer DUPLICATE_SEQUENCE_NUMBER, and clients take it for an ack."""
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a", producer=(5, 0, 0))), ERROR_CODES["DUPLICATE_SEQUENCE_NUMBER"])
        assert story.told(story.send(line, batch(b"a", producer=(5, 0, 0)))) == FIRST

    def test_a_late_answer_was_delivered_as_well(self, stories: Any, rule: Any, batch: Any) -> None:
        story = stories(rule(Delay(5.0)))
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a")))
        story.play.at(6.0)
        assert story.told(story.send(line, batch(b"a"))) == FIRST


class TestUnread:
    """A success was sent to the client, which ended the connection right then: it may not have read it."""

    def again(self, story: Story, raw: bytes, *, after: float = 0.01, how: str = "reset", same: bytes = b"") -> Told:
        line = story.connect()
        story.answer(line, story.send(line, raw))
        story.play.at(after)
        line.client_ends(how)
        return story.sent(same or raw)

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_the_same_numbers_are_the_librarys(self, story: Story, batch: Any, how: str) -> None:
        assert self.again(story, batch(b"a", producer=(5, 0, 0)), how=how) == (1, 2, False)

    def test_our_header_is_too(self, story: Story, frames: Any, ours: Any) -> None:
        assert self.again(story, frames.batch(ours(1), ours(2))) == (1, 2, False)

    def test_the_same_bytes_may_be_either(self, story: Story, batch: Any) -> None:
        assert self.again(story, batch(b"a")) == (1, 2, True)

    def test_the_same_records_in_another_batch_are_a_resend(self, story: Story, batch: Any) -> None:
        assert self.again(story, batch(b"a"), same=batch(b"a", b"b")) == FIRST

    def test_a_moment_later_it_was_read(self, story: Story, batch: Any) -> None:
        assert self.again(story, batch(b"a", producer=(5, 0, 0)), after=1.5) == FIRST

    def test_a_reset_of_ours_takes_the_answer_before_along(self, stories: Any, rule: Any, batch: Any) -> None:
        """A RST makes the client's system throw away what it had not read yet."""
        story = stories(rule(Drop("reset"), nth=(2,)))
        line = story.connect()
        for value in (b"a", b"b"):
            number = story.send(line, batch(value, producer=(5, 0, int(value == b"b"))))
            story.answer(line, number)
        line = story.connect()
        assert story.told(story.send(line, batch(b"a", producer=(5, 0, 0)))) == (1, 2, False)
        assert story.told(story.send(line, batch(b"b", producer=(5, 0, 1)))) == (2, 2, False)


class TestLost:
    """The success was not delivered, and the client knows."""

    @pytest.mark.parametrize("producer", [(-1, -1, -1), (5, 0, 7)], ids=["unprotected", "idempotent"])
    @pytest.mark.parametrize("then", ["disconnect", "reset", "hold"])
    def test_an_ack_that_a_fault_dropped(
        self, stories: Any, rule: Any, batch: Any, then: Any, producer: tuple[int, int, int]
    ) -> None:
        """Every client but aiokafka without idempotence: closes what is silent, and sends again elsewhere."""
        story, raw = stories(rule(Drop(then), nth=(1,))), batch(b"a", producer=producer)
        line = story.connect()
        story.answer(line, story.send(line, raw))
        if then == "hold":
            line.client_ends()
        assert story.sent(raw) == (1, 2, False)

    def test_a_connection_that_died_with_the_answer_undelivered(self, story: Story, batch: Any) -> None:
        assert story.lose(batch(b"a")) == 1
        assert story.sent(batch(b"a")) == (1, 2, False)

    def test_a_client_that_closed_before_its_answer(self, story: Story, batch: Any) -> None:
        """The answer still comes in while the broker's side drains; the client does not hear of it."""
        line = story.connect()
        number = story.send(line, batch(b"a"))
        line.client_ends()
        story.answer(line, number)
        assert story.play.all(Answered)
        assert story.sent(batch(b"a")) == (1, 2, False)

    def test_a_late_answer_to_a_client_that_has_left(self, stories: Any, rule: Any, batch: Any) -> None:
        story = stories(rule(Delay(5.0)))
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a")))
        line.client_ends("reset")
        assert story.sent(batch(b"a")) == (1, 2, False)

    @pytest.mark.parametrize(
        "name",
        [
            "NOT_LEADER_OR_FOLLOWER",
            "REQUEST_TIMED_OUT",
            "NOT_ENOUGH_REPLICAS",
            "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            "UNKNOWN_TOPIC_OR_PARTITION",
            "OUT_OF_ORDER_SEQUENCE_NUMBER",
            "UNKNOWN_PRODUCER_ID",
        ],
    )
    @pytest.mark.parametrize("producer", [(-1, -1, -1), (5, 0, 7)], ids=["unprotected", "idempotent"])
    def test_an_error_that_the_client_retries(
        self, story: Story, batch: Any, name: str, producer: tuple[int, int, int]
    ) -> None:
        """At once, on the open connection."""
        line, raw = story.connect(), batch(b"a", producer=producer)
        story.answer(line, story.send(line, raw), ERROR_CODES[name])
        assert story.told(story.send(line, raw)) == (1, 2, False)

    def test_an_error_of_a_fault_after_the_append(self, stories: Any, rule: Any, batch: Any) -> None:
        story = stories(rule(Error(7), nth=(1,)))
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a")))
        assert story.told(story.send(line, batch(b"a"))) == (1, 2, False)

    def test_the_third_try_repeats_the_second(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a"))
        story.lose(batch(b"a"))
        assert story.sent(batch(b"a")) == (2, 3, False)

    def test_another_partition_is_another_matter(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a", producer=(5, 0, 0)))
        assert story.sent(batch(b"a", producer=(5, 0, 0)), partition=1) == FIRST

    def test_another_program_is_too(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a"), client="one")
        assert story.sent(batch(b"a"), client="two") == FIRST
        assert story.sent(batch(b"a"), client="one") == (1, 2, False)

    def test_but_nobody_elses_records_have_our_header(self, story: Story, frames: Any, ours: Any) -> None:
        story.lose(frames.batch(ours(1)), client="one")
        assert story.sent(frames.batch(ours(1)), client="two") == (1, 2, False)


class TestStillWaiting:
    """For all that the client knows, the first answer may still come."""

    def test_twice_on_one_connection_is_meant(self, story: Story, batch: Any) -> None:
        line = story.connect()
        story.send(line, batch(b"a"))
        assert story.told(story.send(line, batch(b"a"))) == FIRST

    @pytest.mark.parametrize("producer", [(-1, -1, -1), (5, 0, 0)], ids=["unprotected", "idempotent"])
    def test_and_whatever_it_carries(self, story: Story, batch: Any, producer: tuple[int, int, int]) -> None:
        line, raw = story.connect(), batch(b"a", producer=producer)
        story.send(line, raw)
        assert story.told(story.send(line, raw)) == FIRST

    def test_in_a_silence_that_nobody_has_noticed_it_is_meant_as_well(
        self, stories: Any, rule: Any, batch: Any
    ) -> None:
        story = stories(rule(Drop(), nth=(1,)))
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a")))
        assert story.told(story.send(line, batch(b"a"))) == FIRST

    def test_but_numbers_tell_that_the_library_lost_patience(self, stories: Any, rule: Any, batch: Any) -> None:
        """librdkafka with socket.max.fails=0 sends again on the connection that fell silent."""
        story, raw = stories(rule(Drop(), nth=(1,))), batch(b"a", producer=(5, 0, 0))
        line = story.connect()
        story.answer(line, story.send(line, raw))
        assert story.told(story.send(line, raw)) == (1, 2, False)

    @pytest.mark.parametrize("silent", [True, False], ids=["dropped", "open"])
    def test_on_another_connection_it_may_be_either(self, stories: Any, rule: Any, batch: Any, silent: bool) -> None:
        story = stories(rule(Drop(), nth=(1,)))
        line = story.connect()
        number = story.send(line, batch(b"a"))
        if silent:
            story.answer(line, number)
        assert story.sent(batch(b"a")) == (1, 2, True)

    def test_numbers_make_it_certain(self, story: Story, batch: Any) -> None:
        story.send(story.connect(), batch(b"a", producer=(5, 0, 0)))
        assert story.sent(batch(b"a", producer=(5, 0, 0))) == (1, 2, False)

    def test_our_header_makes_it_certain(self, story: Story, frames: Any, ours: Any) -> None:
        story.send(story.connect(), frames.batch(ours(1), ours(2)))
        assert story.sent(frames.batch(ours(1), ours(2))) == (1, 2, False)

    def test_one_record_without_it_makes_it_uncertain(self, story: Story, frames: Any, ours: Any) -> None:
        raw = frames.batch(ours(1), frames.record(b"foreign"))
        story.send(story.connect(), raw)
        assert story.sent(raw) == (1, 2, True)

    def test_records_that_cannot_be_read_make_it_uncertain(self, story: Story, frames: Any) -> None:
        raw = frames.batch(b"\x7fnot a record")
        story.send(story.connect(), raw)
        assert story.sent(raw) == (1, 2, True)

    def test_another_program_means_it(self, story: Story, batch: Any) -> None:
        story.send(story.connect(), batch(b"a"), client="one")
        assert story.sent(batch(b"a"), client="two") == FIRST

    def test_an_uncertain_one_leaves_the_first_to_be_retried(self, story: Story, batch: Any) -> None:
        line = story.connect()
        story.send(line, batch(b"a"))
        assert story.sent(batch(b"a")) == (1, 2, True)
        line.broker_ends("reset")
        assert story.sent(batch(b"a")) == (1, 2, False)


class TestUnasked:
    """acks=0: nothing was ever to be heard."""

    def test_the_same_bytes_are_the_applications(self, story: Story, batch: Any) -> None:
        line = story.connect()
        story.send(line, batch(b"a"), acks=0)
        assert story.told(story.send(line, batch(b"a"), acks=0)) == FIRST

    def test_after_the_end_of_the_connection_they_may_be_either(self, story: Story, batch: Any) -> None:
        line = story.connect()
        story.send(line, batch(b"a"), acks=0)
        line.client_ends()
        assert story.sent(batch(b"a"), acks=0) == (1, 2, True)


class TestRegrouped:
    """Without idempotence clients put records into other batches when they send them again."""

    def test_two_batches_as_one(self, story: Story, batch: Any) -> None:
        """librdkafka, sarama: the retry names the latest, and counts on from the one that was tried most."""
        for _ in range(3):
            story.lose(batch(b"a"))
        story.lose(batch(b"b"))
        assert story.sent(batch(b"a", b"b")) == (4, 4, False)

    def test_one_batch_as_two(self, story: Story, batch: Any) -> None:
        """MESSAGE_TOO_LARGE: Java and librdkafka split the batch."""
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a", b"b")), ERROR_CODES["MESSAGE_TOO_LARGE"])
        assert [story.told(story.send(line, batch(value))) for value in (b"a", b"b")] == [(1, 2, False)] * 2

    def test_half_of_it_lost_again(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a", b"b"))
        story.lose(batch(b"a"))
        assert story.sent(batch(b"b")) == (1, 2, False)
        assert story.sent(batch(b"a")) == (2, 3, False)

    def test_together_with_records_that_never_went_before(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a"))
        assert story.sent(batch(b"a", b"new")) == (1, 2, False)
        assert story.sent(batch(b"new")) == FIRST  # while its answer is open, a batch is known as a whole

    def test_new_records_alone_are_none(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a"))
        assert story.sent(batch(b"b")) == FIRST

    @pytest.mark.parametrize(
        "changed",
        [{"value": b"w"}, {"key": b"l"}, {"headers": [("h", b"2")]}, {"headers": []}, {"ms": 1}],
        ids=["value", "key", "header", "no header", "create time"],
    )
    def test_a_foreign_record_is_known_by_all_of_it(self, story: Story, frames: Any, changed: dict[str, Any]) -> None:
        same = {"value": b"v", "key": b"k", "headers": [("h", b"1")], "ms": 0}
        other = frames.record(b"other")
        story.lose(frames.batch(frames.record(**same)))
        assert story.sent(frames.batch(other, frames.record(**(same | changed)))) == FIRST
        assert story.sent(frames.batch(other, frames.record(**same))) == (1, 2, False)

    def test_one_of_ours_is_known_by_its_header_alone(self, story: Story, frames: Any, ours: Any) -> None:
        story.lose(frames.batch(ours(1, value=b"v")))
        assert story.sent(frames.batch(ours(1, value=b"w"), at=2000)) == (1, 2, False)

    def test_the_applications_own_resend_of_ours_is_no_retry(self, story: Story, frames: Any, ours: Any) -> None:
        story.lose(frames.batch(ours(1, send=0)))
        assert story.sent(frames.batch(ours(1, send=1))) == FIRST

    def test_the_same_bytes_that_nobody_can_read(self, story: Story, frames: Any) -> None:
        story.lose(frames.batch(b"\x7fnot a record"))
        assert story.sent(frames.batch(b"\x7fnot a record")) == (1, 2, False)


class TestEqualRecords:
    """The same payload in the same millisecond, meant twice."""

    def test_two_batches_lost_at_once_are_two_retries(self, story: Story, batch: Any) -> None:
        line = story.connect()
        for _ in range(2):
            story.send(line, batch(b"a"))
        line.broker_ends("reset")
        line = story.connect()
        numbers = [story.send(line, batch(b"a")) for _ in range(3)]
        assert [story.told(number) for number in numbers] == [(1, 2, False), (2, 2, False), FIRST]

    def test_two_in_one_batch_come_again_one_by_one(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a", b"a"))
        line = story.connect()
        numbers = [story.send(line, batch(b"a")) for _ in range(3)]
        assert [story.told(number) for number in numbers] == [(1, 2, False), (1, 2, False), FIRST]

    def test_two_batches_come_again_as_one(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a"))
        story.lose(batch(b"a", b"b"))  # tries the first one again
        assert story.sent(batch(b"a", b"a", b"b")) == (2, 3, False)

    @pytest.mark.parametrize("magic", [0, 2])
    def test_without_a_create_time_nothing_tells_a_retry_from_the_next(
        self, story: Story, frames: Any, batch: Any, magic: int
    ) -> None:
        raw = frames.message(b"tick", magic=0) if magic == 0 else batch(b"tick", at=-1)
        story.lose(raw, version=2 if magic == 0 else 7)
        assert story.sent(raw, version=2 if magic == 0 else 7) == (1, 2, True)


class TestNumbers:
    """Idempotent producers: producer id, epoch and sequence (KIP-98)."""

    def test_the_same_numbers_are_a_retry_though_the_bytes_differ(self, story: Story, batch: Any) -> None:
        """A client may compress or stamp the batch anew; the broker goes by the sequence alone."""
        story.lose(batch(b"a", producer=(5, 0, 7)))
        assert story.sent(batch(b"a", producer=(5, 0, 7), at=2000)) == (1, 2, False)

    def test_after_an_error_too(self, story: Story, batch: Any) -> None:
        """kafkajs dates its records anew with every try."""
        line = story.connect()
        number = story.send(line, batch(b"a", producer=(5, 0, 7)))
        story.answer(line, number, ERROR_CODES["REQUEST_TIMED_OUT"])
        assert story.told(story.send(line, batch(b"a", producer=(5, 0, 7), at=2000))) == (1, 2, False)

    def test_another_payload_under_the_same_numbers_is_none(self, story: Story, batch: Any) -> None:
        """The broker takes it for the retry that it is not, and whoever is told so has lost it."""
        story.lose(batch(b"a", producer=(5, 0, 7)))
        assert story.sent(batch(b"b", producer=(5, 0, 7), at=2000)) == FIRST

    @pytest.mark.parametrize("producer", [(6, 0, 7), (5, 1, 7), (5, 0, 8)], ids=["producer id", "epoch", "sequence"])
    def test_other_numbers_with_other_records_are_none(
        self, story: Story, batch: Any, producer: tuple[int, int, int]
    ) -> None:
        story.lose(batch(b"a", producer=(5, 0, 7)))
        assert story.sent(batch(b"b", producer=producer)) == FIRST

    @pytest.mark.parametrize("producer", [(6, 0, 0), (5, 1, 0)], ids=["producer id", "epoch"])
    def test_the_same_records_under_a_new_id_or_epoch(
        self, story: Story, batch: Any, producer: tuple[int, int, int]
    ) -> None:
        """Java after error 45 takes a new epoch, franz-go a new producer id, and they number the batch anew."""
        line = story.connect()
        number = story.send(line, batch(b"a", b"b", producer=(5, 0, 7)))
        story.answer(line, number, ERROR_CODES["OUT_OF_ORDER_SEQUENCE_NUMBER"])
        assert story.told(story.send(line, batch(b"a", b"b", producer=producer))) == (1, 2, False)

    def test_after_silence_too(self, story: Story, batch: Any) -> None:
        story.lose(batch(b"a", producer=(5, 0, 7)))
        assert story.sent(batch(b"a", producer=(5, 1, 0))) == (1, 2, False)

    @pytest.mark.parametrize("base", [7, SEQUENCES - 3, SEQUENCES - 1], ids=["plain", "wraps", "wraps at once"])
    def test_a_batch_that_is_split_keeps_its_numbers(self, story: Story, batch: Any, base: int) -> None:
        """Java gives the parts the numbers that their records had; they go on from 0 after 2^31 - 1."""
        values = (b"a", b"b", b"c", b"d", b"e")
        story.lose(batch(*values, producer=(5, 0, base)))
        line = story.connect()
        first = story.send(line, batch(*values[:3], producer=(5, 0, base)))
        second = story.send(line, batch(*values[3:], producer=(5, 0, (base + 3) % SEQUENCES)))
        assert (story.told(first), story.told(second)) == ((1, 2, False), (1, 2, False))

    def test_the_same_record_under_the_next_number_is_the_applications(self, story: Story, batch: Any) -> None:
        """A library that does not know what became of a batch repeats its numbers; a second number is a second send."""
        story.lose(batch(b"a", producer=(5, 0, SEQUENCES - 1)))
        assert story.sent(batch(b"a", producer=(5, 0, 0))) == FIRST
        assert story.sent(batch(b"a", producer=(5, 0, SEQUENCES - 1))) == (1, 2, False)

    def test_after_an_error_a_library_may_number_it_anew(self, story: Story, batch: Any) -> None:
        """Java moves later batches up when one before them has failed for good."""
        line = story.connect()
        large = story.send(line, batch(b"large", producer=(5, 0, 0)))
        later = story.send(line, batch(b"b", producer=(5, 0, 1)))
        story.answer(line, large, ERROR_CODES["MESSAGE_TOO_LARGE"])
        story.answer(line, later, ERROR_CODES["OUT_OF_ORDER_SEQUENCE_NUMBER"])
        assert story.told(story.send(line, batch(b"b", producer=(5, 0, 0)))) == (2, 2, False)

    def test_so_the_same_numbers_prove_nothing_then(self, story: Story, batch: Any) -> None:
        line = story.connect()
        number = story.send(line, batch(b"refused", producer=(5, 0, 0)))
        story.answer(line, number, ERROR_CODES["INVALID_RECORD"])
        assert story.told(story.send(line, batch(b"next", producer=(5, 0, 0)))) == FIRST


class TestTransactions:
    def test_a_retry_inside_of_one(self, story: Story, batch: Any) -> None:
        raw = batch(b"a", producer=(5, 0, 0), transactional=True)
        story.lose(raw, transactional_id="x")
        assert story.sent(raw, transactional_id="x") == (1, 2, False)

    @pytest.mark.parametrize("epoch", [0, 1], ids=["same epoch", "next epoch"])
    def test_the_same_records_in_the_next_one_are_the_applications(self, story: Story, batch: Any, epoch: int) -> None:
        """After an abort a library has dropped its batches (KIP-360, KIP-890); times that the application sets stay."""
        story.lose(batch(b"a", producer=(5, 0, 0), transactional=True), transactional_id="x")
        again = batch(b"a", producer=(5, epoch, 1 - epoch), transactional=True)
        assert story.sent(again, transactional_id="x") == FIRST

    def test_a_first_one_that_was_acked_and_aborted(self, story: Story, batch: Any) -> None:
        line = story.connect()
        story.answer(line, story.send(line, batch(b"a", producer=(5, 0, 0), transactional=True)))
        assert story.told(story.send(line, batch(b"a", producer=(5, 0, 1), transactional=True))) == FIRST


class TestNaming:
    """The user says what names a record."""

    @pytest.fixture
    def named(self, stories: Any) -> Story:
        story: Story = stories(naming=Naming.parse("header:id"))
        return story

    @pytest.fixture
    def order(self, frames: Any) -> Callable[..., bytes]:
        def make(name: bytes | None, value: bytes = b"v", **more: Any) -> bytes:
            headers = [] if name is None else [("id", name)]
            made: bytes = frames.batch(frames.record(value, headers=headers), frames.record(b"beside"), **more)
            return made

        return make

    def test_the_name_counts_and_not_the_rest(self, named: Story, order: Any) -> None:
        named.lose(order(b"1", b"v"))
        assert named.sent(order(b"2", b"v", at=1001)) == FIRST
        assert named.sent(order(b"1", b"w")) == (1, 2, False)

    def test_another_create_time_may_be_a_client_that_stamps_again(self, named: Story, order: Any) -> None:
        """sarama and kafkajs do; so does an application that sends again."""
        named.lose(order(b"1"))
        assert named.sent(order(b"1", at=2000)) == (1, 2, True)

    def test_with_numbers_it_is_the_application(self, named: Story, order: Any) -> None:
        named.lose(order(b"1", producer=(5, 0, 0)))
        assert named.sent(order(b"1", at=2000, producer=(5, 1, 0))) == FIRST
        assert named.sent(order(b"1", at=2000, producer=(6, 0, 0))) == FIRST

    def test_a_record_without_a_name_is_known_by_its_content(self, named: Story, order: Any) -> None:
        named.lose(order(None, b"x"))
        assert named.sent(order(None, b"y", at=3000)) == FIRST
        assert named.sent(order(None, b"x")) == (1, 2, False)

    def test_our_own_header_wins(self, stories: Any, frames: Any, ours: Any) -> None:
        story = stories(naming=Naming.parse("value"))
        story.lose(frames.batch(ours(1)))
        assert story.sent(frames.batch(ours(2), at=2000)) == FIRST
        assert story.sent(frames.batch(ours(1), at=2000)) == (1, 2, False)


def xerial(data: bytes) -> bytes:
    block = bytes(cramjam.snappy.compress_raw(data))
    return b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, len(block)) + block


CODECS = {
    "gzip": (1, lambda data: bytes(cramjam.gzip.compress(data))),
    "snappy": (2, lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "snappy in blocks": (2, xerial),
    "lz4": (3, lambda data: bytes(cramjam.lz4.compress(data))),
    "zstd": (4, lambda data: bytes(cramjam.zstd.compress(data))),
}


@pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
class TestCompressed:
    def test_records_are_known_again_out_of_a_packed_batch(self, story: Story, batch: Any, codec: Any) -> None:
        story.lose(batch(b"a", b"b", codec=codec))
        assert story.sent(batch(b"b", b"c")) == (1, 2, False)

    def test_and_in_one(self, story: Story, batch: Any, codec: Any) -> None:
        story.lose(batch(b"a", b"b"))
        assert story.sent(batch(b"c", b"b", codec=codec)) == (1, 2, False)


class TestMessageSets:
    """Produce v0 to v2: messages of magic 0 and 1, without numbers."""

    def sent(self, story: Story, raw: bytes) -> Told:
        return story.sent(raw, version=2)

    def test_the_same_set(self, story: Story, frames: Any) -> None:
        raw = frames.message(b"a") + frames.message(b"b")
        story.lose(raw, version=2)
        assert self.sent(story, raw) == (1, 2, False)

    def test_one_message_of_it(self, story: Story, frames: Any) -> None:
        story.lose(frames.message(b"a") + frames.message(b"b"), version=2)
        assert self.sent(story, frames.message(b"b")) == (1, 2, False)

    def test_two_sets_that_begin_alike_are_two(self, story: Story, frames: Any) -> None:
        """A check sum covers one message alone."""
        story.send(story.connect(), frames.message(b"a") + frames.message(b"b"), version=2)
        assert self.sent(story, frames.message(b"a") + frames.message(b"c")) == FIRST

    @pytest.mark.parametrize("codec", list(CODECS.values())[:4], ids=list(CODECS)[:4])
    def test_a_packed_one(self, story: Story, frames: Any, codec: Any) -> None:
        number, pack = codec
        packed = frames.message(pack(frames.message(b"a") + frames.message(b"b")), codec=number)
        story.lose(packed, version=2)
        assert self.sent(story, frames.message(b"b")) == (1, 2, False)

    def test_a_set_becomes_a_batch(self, story: Story, frames: Any, batch: Any) -> None:
        """A client that learns of a newer broker writes another format the next time."""
        story.lose(frames.message(b"a", at=1000), version=2)
        assert story.sent(batch(b"a", at=1000)) == (1, 2, False)
