"""Whose retry is it? What became of the answers before, and of the connection."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.faults import Delay, Drop, Error
from ackdrop.kafka.codes import ERROR_CODES
from ackdrop.observations import Answered

from .conftest import FIRST, Story, Told


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
