"""Whose retry is this? Batches against the index alone."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop import identity
from ackdrop.core.attempts import AttemptIndex, OpenAttempt, record_identities
from ackdrop.kafka.batch_headers import batch_header


class Index:
    """An attempt index whose attempts are numbered by themselves."""

    def __init__(self, limit: int = 100) -> None:
        self.index = AttemptIndex(limit)
        self._number = 0

    def begin(self, raw: bytes, connection: int = 1, partition: int = 0) -> OpenAttempt:
        self._number += 1
        return self.index.begin(self._number, connection, ("t", partition), batch_header(raw, 0, len(raw)), raw)

    def lost(self, raw: bytes, connection: int = 1) -> OpenAttempt:
        attempt = self.begin(raw, connection)
        self.index.lost(attempt)
        return attempt

    @property
    def empty(self) -> bool:
        """Whether nothing at all is kept."""
        index = self.index
        return not (len(index) or index._by_batch or index._by_record)


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture(scope="session")
def ours(frames: Any) -> Callable[..., bytes]:
    """A record with our identity header."""

    def make(record: int, send: int = 0, value: bytes = b"v") -> bytes:
        header = identity.write(identity.Identity("run", "p", record, send, record))
        made: bytes = frames.record(value, headers=[("other", b"1"), (identity.HEADER, header)])
        return made

    return make


def test_a_first_attempt_repeats_nothing(index: Index, frames: Any) -> None:
    attempt = index.begin(frames.batch(frames.record(b"a")))
    assert (attempt.repeats, attempt.tries, attempt.ambiguous) == (None, 1, False)


def test_delivered_before_is_no_retry_but_a_resend(index: Index, frames: Any) -> None:
    raw = frames.batch(frames.record(b"a"), producer=(5, 0, 0))
    index.index.delivered(index.begin(raw))
    assert index.empty
    assert index.begin(raw, connection=2).repeats is None


def test_the_same_bytes_again_are_a_retry(index: Index, frames: Any) -> None:
    raw = frames.batch(frames.record(b"a"))
    first = index.lost(raw)
    second = index.begin(raw)
    assert (second.repeats, second.tries, second.ambiguous) == (first, 2, False)


def test_the_third_try_is_a_retry_of_the_second(index: Index, frames: Any) -> None:
    raw = frames.batch(frames.record(b"a"))
    index.lost(raw)
    second = index.lost(raw)
    third = index.begin(raw)
    assert (third.repeats, third.tries) == (second, 3)


def test_the_same_sequence_is_a_retry_though_the_bytes_differ(index: Index, frames: Any) -> None:
    """A client may compress or stamp the batch anew; the broker goes by the sequence alone (KIP-98)."""
    first = index.lost(frames.batch(frames.record(b"a"), producer=(5, 0, 7)))
    again = index.begin(frames.batch(frames.record(b"b"), producer=(5, 0, 7), at=2000))
    assert again.repeats is first


@pytest.mark.parametrize("producer", [(6, 0, 7), (5, 1, 7), (5, 0, 8)], ids=["producer id", "epoch", "sequence"])
def test_another_sequence_with_other_records_is_none(index: Index, frames: Any, producer: tuple[int, int, int]) -> None:
    index.lost(frames.batch(frames.record(b"a"), producer=(5, 0, 7)))
    assert index.begin(frames.batch(frames.record(b"b"), producer=producer)).repeats is None


def test_the_same_sequence_with_fewer_records_is_told_by_its_records(index: Index, frames: Any) -> None:
    one, two = frames.record(b"a"), frames.record(b"b")
    first = index.lost(frames.batch(one, two, producer=(5, 0, 7)))
    assert index.begin(frames.batch(one, producer=(5, 0, 7))).repeats is first
    assert index.begin(frames.batch(frames.record(b"c"), producer=(5, 0, 7))).repeats is None


@pytest.mark.parametrize("producer", [(6, 0, 0), (5, 1, 0), (-1, -1, -1)], ids=["producer id", "epoch", "none"])
def test_the_same_records_under_another_identity_are_a_retry(
    index: Index, frames: Any, producer: tuple[int, int, int]
) -> None:
    first = index.lost(frames.batch(frames.record(b"a", key=b"k"), producer=(5, 0, 7)))
    again = index.begin(frames.batch(frames.record(b"a", key=b"k"), producer=producer))
    assert (again.repeats, again.tries) == (first, 2)


def test_another_partition_is_another_matter(index: Index, frames: Any) -> None:
    raw = frames.batch(frames.record(b"a"), producer=(5, 0, 0))
    index.lost(raw)
    assert index.begin(raw, partition=1).repeats is None


class TestOutstanding:
    """The first attempt's answer may still come."""

    def test_twice_on_one_connection_is_meant(self, index: Index, frames: Any) -> None:
        raw = frames.batch(frames.record(b"a"))
        index.begin(raw)
        second = index.begin(raw)
        assert (second.repeats, second.tries) == (None, 1)

    def test_on_another_connection_it_may_be_either(self, index: Index, frames: Any) -> None:
        raw = frames.batch(frames.record(b"a"))
        first = index.begin(raw)
        second = index.begin(raw, connection=2)
        assert (second.repeats, second.ambiguous) == (first, True)

    def test_a_sequence_makes_it_certain(self, index: Index, frames: Any) -> None:
        raw = frames.batch(frames.record(b"a"), producer=(5, 0, 0))
        first = index.begin(raw)
        second = index.begin(raw, connection=2)
        assert (second.repeats, second.ambiguous) == (first, False)

    def test_our_header_makes_it_certain(self, index: Index, frames: Any, ours: Any) -> None:
        raw = frames.batch(ours(1), ours(2))
        first = index.begin(raw)
        second = index.begin(raw, connection=2)
        assert (second.repeats, second.ambiguous) == (first, False)

    def test_one_foreign_record_makes_it_uncertain(self, index: Index, frames: Any, ours: Any) -> None:
        raw = frames.batch(ours(1), frames.record(b"foreign"))
        index.begin(raw)
        assert index.begin(raw, connection=2).ambiguous

    def test_records_that_cannot_be_read_make_it_uncertain(self, index: Index, frames: Any) -> None:
        raw = frames.batch(b"\x7fnot a record")
        index.begin(raw)
        assert index.begin(raw, connection=2).ambiguous

    def test_the_retry_delivered_settles_both(self, index: Index, frames: Any) -> None:
        raw = frames.batch(frames.record(b"a"), producer=(5, 0, 0))
        first = index.begin(raw)
        index.index.delivered(index.begin(raw, connection=2))
        assert index.empty
        index.index.lost(first)
        assert index.empty


class TestRegrouped:
    """Without idempotence clients put records into other batches when they retry."""

    def test_two_batches_as_one(self, index: Index, frames: Any, ours: Any) -> None:
        index.lost(frames.batch(ours(1)))
        second = index.lost(frames.batch(ours(2)))
        both = index.begin(frames.batch(ours(1), ours(2)))
        assert (both.repeats, both.tries) == (second, 2)
        index.index.delivered(both)
        assert index.empty

    def test_one_batch_as_two(self, index: Index, frames: Any, ours: Any) -> None:
        first = index.lost(frames.batch(ours(1), ours(2)))
        halves = [index.begin(frames.batch(ours(number))) for number in (1, 2)]
        assert [half.repeats for half in halves] == [first, first]
        index.index.delivered(halves[0])
        assert len(index.index) == 2
        index.index.delivered(halves[1])
        assert index.empty

    def test_half_of_it_lost_again(self, index: Index, frames: Any, ours: Any) -> None:
        index.lost(frames.batch(ours(1), ours(2)))
        half = index.lost(frames.batch(ours(1)))
        index.index.delivered(index.begin(frames.batch(ours(2))))
        third = index.begin(frames.batch(ours(1)))
        assert (third.repeats, third.tries) == (half, 3)
        index.index.delivered(third)
        assert index.empty

    def test_compressed_the_second_time(self, index: Index, frames: Any, ours: Any) -> None:
        first = index.lost(frames.batch(ours(1), ours(2)))
        again = index.begin(frames.batch(ours(2), codec=(1, gzip.compress)))
        assert again.repeats is first

    def test_the_header_counts_and_not_the_payload(self, index: Index, frames: Any, ours: Any) -> None:
        first = index.lost(frames.batch(ours(1, value=b"v")))
        assert index.begin(frames.batch(ours(1, value=b"w"), at=2000)).repeats is first

    def test_the_applications_own_resend_is_no_retry(self, index: Index, frames: Any, ours: Any) -> None:
        index.lost(frames.batch(ours(1, send=0)))
        assert index.begin(frames.batch(ours(1, send=1))).repeats is None

    def test_with_records_that_never_went_before(self, index: Index, frames: Any, ours: Any) -> None:
        first = index.lost(frames.batch(ours(1)))
        more = index.begin(frames.batch(ours(1), ours(9)))
        assert more.repeats is first
        index.index.delivered(more)
        assert index.empty

    @pytest.mark.parametrize(
        "changed",
        [{"value": b"w"}, {"key": b"l"}, {"headers": [("h", b"2")]}, {"headers": []}, {"ms": 1}],
        ids=["value", "key", "header", "no header", "create time"],
    )
    def test_a_foreign_record_is_known_by_all_of_it(self, index: Index, frames: Any, changed: dict[str, Any]) -> None:
        same = {"value": b"v", "key": b"k", "headers": [("h", b"1")], "ms": 0}
        other = frames.record(b"other")
        first = index.lost(frames.batch(frames.record(**same)))
        assert index.begin(frames.batch(other, frames.record(**same))).repeats is first
        assert index.begin(frames.batch(other, frames.record(**(same | changed)))).repeats is None


class TestBounds:
    def test_many_delivered_leave_nothing(self, index: Index, frames: Any) -> None:
        for number in range(500):
            index.index.delivered(index.begin(frames.batch(frames.record(b"%d" % number), producer=(1, 0, number))))
        assert index.empty
        assert index.index.let_go == 0

    @pytest.mark.parametrize("tries", [2, 3, 5])
    def test_a_chain_of_retries_leaves_nothing(self, index: Index, frames: Any, ours: Any, tries: int) -> None:
        raw = frames.batch(ours(1), ours(2))
        for _ in range(tries - 1):
            index.lost(raw)
        assert len(index.index) == 1
        index.index.delivered(index.begin(raw))
        assert index.empty

    def test_a_chain_whose_records_cannot_be_read_leaves_nothing(self, index: Index, frames: Any) -> None:
        raw = frames.batch(b"\x7fnot a record")
        index.lost(raw)
        index.lost(raw)
        index.index.delivered(index.begin(raw))
        assert index.empty

    def test_the_oldest_are_let_go_and_counted(self, frames: Any) -> None:
        index = Index(limit=3)
        batches = [frames.batch(frames.record(b"%d" % number)) for number in range(5)]
        attempts = [index.lost(raw) for raw in batches]
        assert (len(index.index), index.index.let_go) == (3, 2)
        assert index.begin(batches[0]).repeats is None
        assert index.begin(batches[4]).repeats is attempts[4]

    def test_one_that_was_let_go_may_still_be_settled(self, frames: Any) -> None:
        index = Index(limit=1)
        first, second = (index.begin(frames.batch(frames.record(value))) for value in (b"a", b"b"))
        index.index.lost(first)
        assert len(index.index) == 1
        index.index.delivered(second)
        index.index.delivered(first)
        assert index.empty

    def test_a_lost_attempt_keeps_its_records_alone(self, index: Index, frames: Any) -> None:
        attempt = index.lost(frames.batch(frames.record(b"a"), frames.record(b"b")))
        assert (attempt.raw, len(attempt.records)) == (b"", 2)


def test_lost_twice_is_lost_once(index: Index, frames: Any) -> None:
    attempt = index.lost(frames.batch(frames.record(b"a")))
    records = attempt.records
    index.index.lost(attempt)
    assert attempt.records is records


def test_what_cannot_be_read_has_no_identities(frames: Any) -> None:
    assert record_identities(frames.batch(b"\x7f")) == []
    assert record_identities(frames.batch(frames.record(b"a"), codec=(1, lambda data: b"no gzip"))) == []


def test_a_header_of_our_name_with_another_text_is_foreign(frames: Any) -> None:
    (known,) = record_identities(frames.batch(frames.record(b"a", headers=[(identity.HEADER, b"not ours")])))
    assert known == (1000, None, b"a", ((identity.HEADER, b"not ours"),))


@given(st.lists(st.tuples(st.sets(st.integers(0, 5), min_size=1), st.booleans(), st.integers(1, 2)), max_size=12))
def test_whatever_is_lost_and_delivered_nothing_stays_once_all_is_delivered(
    frames: Any, ours: Any, steps: list[tuple[set[int], bool, int]]
) -> None:
    """Batches of any of six records go out and are lost or delivered; then each record once more, delivered."""
    index = Index()
    for numbers, delivered, connection in [*steps, *(({number}, True, 3) for number in range(6))]:
        attempt = index.begin(frames.batch(*(ours(number) for number in sorted(numbers))), connection)
        (index.index.delivered if delivered else index.index.lost)(attempt)
    assert index.empty
