"""Whose retry is it? What the records are: equal ones, numbered ones, named, compressed and old ones."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import cramjam
import pytest

from ackdrop.identity import Naming
from ackdrop.kafka.codes import ERROR_CODES

from .conftest import FIRST, SEQUENCES, Story, Told


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
