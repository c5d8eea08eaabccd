"""The index of attempts: what it keeps, what leaves it, and what its limits cost. The rule is in test_whose_retry."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop import identity
from ackdrop.core import attempts
from ackdrop.core.alike import State
from ackdrop.core.attempts import AttemptIndex, IndexLimits, Line, OpenAttempt
from ackdrop.core.identities import known_records
from ackdrop.core.lost_records import MOST_ALIKE
from ackdrop.identity import Naming
from ackdrop.kafka.batch_headers import batch_header


class Index:
    """An attempt index whose attempts are numbered by themselves. Connections that are not named are new ones."""

    def __init__(self, naming: Naming | None = None, **limits: int) -> None:
        self.index = AttemptIndex(IndexLimits(**limits), naming)
        self.now = 0.0
        self._number = 0

    def begin(self, raw: bytes, line: Line | None = None) -> OpenAttempt:
        self._number += 1
        header = batch_header(raw, 0, len(raw))
        return self.index.begin(self._number, line or Line(self._number), "c", ("t", 0), header, raw, self.now)

    def lost(self, raw: bytes) -> OpenAttempt:
        """The answer is lost, and its connection over."""
        attempt = self.begin(raw)
        self.index.lost(attempt)
        self.index.ended(attempt.line, self.now)
        return attempt

    def delivered(self, raw: bytes, line: Line | None = None) -> OpenAttempt:
        attempt = self.begin(raw, line)
        self.index.delivered(attempt, self.now)
        return attempt

    @property
    def empty(self) -> bool:
        """Whether nothing at all is kept."""
        index = self.index
        return not (len(index) or index._keys or len(index._records) or index._held or index._doubted)


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture(scope="session")
def ours(frames: Any) -> Any:
    def make(record: int, value: bytes = b"v") -> bytes:
        header = identity.write(identity.Identity("run", "p", record, 0, record))
        made: bytes = frames.record(value, headers=[(identity.HEADER, header)])
        return made

    return make


class TestWhatLeaves:
    def test_the_delivered(self, index: Index, frames: Any) -> None:
        line = Line(1)
        for number in range(500):
            index.delivered(frames.batch(frames.record(b"%d" % number), producer=(1, 0, number)), line)
        assert index.empty
        assert index.index.let_go == 0
        assert len(line.told) == 8

    @pytest.mark.parametrize("tries", [2, 3, 5])
    def test_a_chain_of_retries(self, index: Index, frames: Any, ours: Any, tries: int) -> None:
        raw = frames.batch(ours(1), ours(2))
        for _ in range(tries - 1):
            index.lost(raw)
        assert len(index.index) == 1
        assert index.delivered(raw).tries == tries
        assert index.empty

    def test_a_chain_whose_records_cannot_be_read(self, index: Index, frames: Any) -> None:
        raw = frames.batch(b"\x7fnot a record")
        index.lost(raw)
        index.lost(raw)
        assert index.delivered(raw).tries == 3
        assert index.empty

    def test_a_batch_once_all_its_records_came_again(self, index: Index, frames: Any, ours: Any) -> None:
        index.lost(frames.batch(ours(1), ours(2), ours(3)))
        index.delivered(frames.batch(ours(1), ours(3)))
        assert len(index.index) == 1
        index.delivered(frames.batch(ours(2), ours(4)))
        assert index.empty

    def test_a_lost_attempt_keeps_digests_alone(self, index: Index, frames: Any) -> None:
        attempt = index.lost(frames.batch(frames.record(b"a" * 1000), frames.record(b"b" * 1000)))
        assert (attempt.raw, attempt.left, [len(digest) for digest in attempt.records]) == (b"", 2, [16, 16])

    def test_lost_twice_is_lost_once(self, index: Index, frames: Any) -> None:
        attempt = index.lost(frames.batch(frames.record(b"a")))
        index.index.lost(attempt)
        index.index.failed(attempt)
        assert (attempt.state, len(index.index._records)) == (State.LOST, 1)

    def test_an_attempt_that_a_retry_stands_for(self, index: Index, frames: Any) -> None:
        raw = frames.batch(frames.record(b"a"), producer=(5, 0, 0))
        first = index.begin(raw)
        index.delivered(raw)
        assert index.empty
        index.index.lost(first)
        index.index.delivered(first, 0.0)
        index.index.ended(first.line, 0.0)
        assert index.empty

    def test_the_doubted_are_forgotten_in_time(self, index: Index, frames: Any) -> None:
        raw = frames.batch(frames.record(b"a"), producer=(5, 0, 0))
        attempt = index.delivered(raw)
        index.index.ended(attempt.line, 0.5)
        assert not index.empty
        index.now = 61.0
        assert index.begin(raw).repeats is None

    def test_and_are_few(self, index: Index, frames: Any) -> None:
        for number in range(1500):
            attempt = index.delivered(frames.batch(frames.record(b"%d" % number)))
            index.index.ended(attempt.line, 0.0)
        assert (len(index.index._doubted), len(index.index._keys), index.index.let_go) == (1000, 1000, 0)
        assert len(index.index) == 0


class TestReading:
    """A batch is opened only where it may hold what was lost: that takes longer than all else."""

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        seen: list[bytes] = []

        def note(raw: bytes, *more: Any) -> Any:
            seen.append(raw)
            return known_records(raw, *more)

        monkeypatch.setattr(attempts, "known_records", note)
        return seen

    def test_nothing_was_lost(self, index: Index, frames: Any, opened: list[bytes]) -> None:
        for number in range(5):
            index.delivered(frames.batch(frames.record(b"%d" % number)))
        assert opened == []

    def test_what_a_client_has_given_up_does_not_slow_down_what_follows(
        self, index: Index, frames: Any, opened: list[bytes]
    ) -> None:
        lost = frames.batch(frames.record(b"a"), frames.record(b"b", ms=50), at=1000)
        index.lost(lost)
        for at in range(1051, 1100):
            index.delivered(frames.batch(frames.record(b"a"), at=at))
        assert opened == [lost]
        again = frames.batch(frames.record(b"b"), frames.record(b"new", ms=900), at=1050)
        assert index.begin(again).repeats == 1
        assert opened == [lost, again]

    def test_a_name_is_looked_for_as_long_as_somebody_may_still_try(self, frames: Any, opened: list[bytes]) -> None:
        index = Index(naming=Naming.parse("value"))
        index.lost(frames.batch(frames.record(b"a"), at=1000))
        index.now = 599.0
        assert index.begin(frames.batch(frames.record(b"a"), at=2000)).ambiguous
        index.now = 601.0
        assert index.begin(frames.batch(frames.record(b"a"), at=3000)).repeats is None
        assert len(opened) == 2


class TestLimits:
    def test_the_oldest_are_let_go_and_counted(self, frames: Any) -> None:
        index = Index(attempts=3)
        batches = [frames.batch(frames.record(b"%d" % number)) for number in range(5)]
        attempts = [index.lost(raw) for raw in batches]
        assert (len(index.index), index.index.let_go) == (3, 2)
        assert index.begin(batches[4]).repeats == attempts[4].number
        assert index.begin(batches[0]).repeats is None

    def test_one_whose_answer_is_open_counts_when_it_is_lost(self, frames: Any) -> None:
        """Nothing is missing in the story of an attempt that was acked after all."""
        index = Index(attempts=2)
        first, second, *_ = [index.begin(frames.batch(frames.record(b"%d" % number))) for number in range(4)]
        assert (len(index.index), index.index.let_go) == (2, 0)
        index.index.delivered(first, 0.0)
        assert index.index.let_go == 0
        index.index.lost(second)
        index.index.lost(second)
        assert (index.index.let_go, index.index.take_let_go(), index.index.take_let_go()) == (1, 1, 0)

    def test_bytes_are_let_go_before_the_attempts_are(self, frames: Any) -> None:
        """An attempt without its bytes is still known by its numbers and its check sum, though not record by record."""
        batches = [frames.batch(frames.record(b"%d" % number * 100)) for number in range(4)]
        index = Index(bytes=2 * len(batches[0]))
        attempts = [index.begin(raw) for raw in batches]
        assert [bool(attempt.raw) for attempt in attempts] == [False, False, True, True]
        assert (index.index._held, index.index.let_go) == (2 * len(batches[0]), 0)
        for attempt in attempts:
            index.index.lost(attempt)
            index.index.ended(attempt.line, 0.0)
        assert (index.index._held, index.index.let_go) == (0, 2)
        assert [index.begin(raw).repeats for raw in batches] == [1, 2, 3, 4]

    def test_one_batch_beyond_the_limit_has_no_bytes_at_all(self, frames: Any) -> None:
        index = Index(bytes=10)
        attempt = index.begin(frames.batch(frames.record(b"a")))
        assert (attempt.raw, index.index._held) == (b"", 0)
        index.index.delivered(attempt, 0.0)
        assert index.empty

    def test_records_are_bounded(self, frames: Any, ours: Any) -> None:
        index = Index(records=5)
        for first in (0, 2, 4):
            index.lost(frames.batch(ours(first), ours(first + 1)))
        assert (len(index.index), len(index.index._records), index.index.let_go) == (2, 4, 1)
        assert index.begin(frames.batch(ours(0))).repeats is None
        assert index.begin(frames.batch(ours(5))).repeats == 3

    def test_more_records_than_the_limit_in_one_batch(self, frames: Any, ours: Any) -> None:
        index = Index(records=2)
        index.lost(frames.batch(ours(1), ours(2), ours(3)))
        assert (index.empty, index.index.let_go) == (True, 1)

    def test_records_that_are_equal_without_end(self, index: Index, frames: Any) -> None:
        tick = frames.message(b"tick", magic=0)
        for _ in range(3 * MOST_ALIKE):
            attempt = index.begin(tick)
            index.index.lost(attempt)
        assert len(index.index._records) == MOST_ALIKE == len(index.index)
        assert index.index.let_go == 2 * MOST_ALIKE

    def test_equal_records_without_end_in_one_batch(self, index: Index, frames: Any) -> None:
        raw = frames.batch(*[frames.record(b"a")] * (3 * MOST_ALIKE))
        assert index.lost(raw).left == MOST_ALIKE
        assert len(index.index) == 1
        index.delivered(raw)
        assert index.empty

    def test_equal_batches_without_end_take_no_time(self, index: Index, frames: Any) -> None:
        line, raw = Line(1), frames.batch(frames.record(b"a"))
        attempts = [index.begin(raw, line) for _ in range(1000)]
        assert max(map(len, index.index._keys.values())) <= 16
        for attempt in attempts:
            index.index.delivered(attempt, 0.0)
        assert index.empty


class TestMemory:
    """What never gets an answer stays, within the limits; sizes are what Python's allocator was asked for."""

    @staticmethod
    def held(index: Index, batches: Any) -> int:
        lines = [Line(number) for number in range(1000)]
        tracemalloc.start()
        try:
            for number, raw in enumerate(batches):
                index.begin(raw, lines[number % 1000])
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    def test_attempts_without_an_answer(self, frames: Any) -> None:
        index = Index(attempts=5_000)
        batches = (frames.batch(frames.record(b"%d" % number), producer=(1, 0, number)) for number in range(20_000))
        assert self.held(index, batches) < 5_000 * 2_000
        assert len(index.index) == 5_000

    def test_their_bytes(self, frames: Any) -> None:
        index = Index(bytes=4 << 20)
        batches = (frames.batch(frames.record(b"%d" % number * 16_000)) for number in range(1_000))
        assert self.held(index, batches) < (4 << 20) + 1_000 * 2_000
        assert len(index.index) == 1_000
        assert index.index._held <= 4 << 20

    def test_the_records_of_lost_ones(self, frames: Any) -> None:
        index = Index(records=10_000)
        tracemalloc.start()
        try:
            for number in range(60):
                index.lost(frames.batch(*(frames.record(b"%d" % (number * 500 + i)) for i in range(500))))
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert held < 10_000 * 500
        assert len(index.index._records) == 10_000
        assert index.index.let_go == 40


@given(st.lists(st.tuples(st.sets(st.integers(0, 5), min_size=1), st.sampled_from(["lost", "failed", "told"]))))
def test_whatever_is_lost_and_delivered_nothing_stays_once_all_is_delivered(
    frames: Any, ours: Any, steps: list[tuple[set[int], str]]
) -> None:
    """Batches of any of six records go out and fare in any way; then each record once more, delivered."""
    index = Index()
    for numbers, fate in [*steps, *(({number}, "told") for number in range(6))]:
        attempt = index.begin(frames.batch(*(ours(number) for number in sorted(numbers))))
        if fate == "told":
            index.index.delivered(attempt, 0.0)
        else:
            (index.index.lost if fate == "lost" else index.index.failed)(attempt)
    assert index.empty
