"""From a batch in the log back to the attempts on the wire that account for it.

An attempt is told apart by what can be known of it, the surest first:

1. the broker answered it with the offsets at which the batch stands (a retry that the broker took for a duplicate is
   answered with the original's offset, KIP-98, so several attempts may account for one batch);
2. it got no such answer, but the batch carries its producer id, epoch and base sequence;
3. it got no such answer, but the batch has its CRC-32C (a broker that stamps its own append time or recompresses writes
   another one);
4. only for records of our own workload: it went to the broker, got no such answer, and accounts for no other batch.

An attempt without an answered offset accounts for one batch at most; among equals the earliest attempt gets the lowest
offset. Linear in records and attempts, sorting aside.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from ..observations import AttemptStory, LogRecord
from .attempts import Families, base, located, offsets

SEQUENCES = 1 << 31
"""Sequence numbers wrap to 0 after 2^31 - 1 (KIP-98)."""

_Partition = tuple[str, int]
_Batch = tuple[str, int, int]

place: Callable[[LogRecord], tuple[str, int, int]] = attrgetter("topic", "partition", "offset")
"""Where a record stands: topic, partition, offset. Also the order in which everything here looks at the log."""

batch_of: Callable[[LogRecord], tuple[str, int, int]] = attrgetter("topic", "partition", "batch_base_offset")
"""The batch that a record stands in: topic, partition, base offset."""


class Trail:
    """Answers, for each record of one arm's log, which attempts account for it. `log` may be in any order."""

    def __init__(self, attempts: Iterable[AttemptStory], log: Iterable[LogRecord]) -> None:
        self.stories = sorted(attempts, key=lambda story: story.attempt.number)
        self.log = sorted(log, key=place)
        self.families = Families(self.stories)
        self._ranges = _Ranges(story for story in self.stories if located(story))
        self._claimed: dict[_Batch, AttemptStory] = {}
        self._strange: set[_Batch] = set()
        self._claim()

    def attempts(self, record: LogRecord) -> Sequence[AttemptStory]:
        """The attempts that account for this record's batch, earliest first; empty where none is known."""
        answered = self._ranges.at(record)
        if answered:
            return answered
        claimed = self._claimed.get(batch_of(record))
        return () if claimed is None else (claimed,)

    def writer(self, record: LogRecord) -> AttemptStory | None:
        """The attempt that put this record there: the earliest of those that account for it."""
        return next(iter(self.attempts(record)), None)

    def appended(self) -> list[AttemptStory]:
        """The attempts that the broker appended: it said so, or their batch is in the log."""
        claimed = {story.attempt.number for story in self._claimed.values()}
        return [story for story in self.stories if located(story) or story.attempt.number in claimed]

    def passed(self, record: LogRecord) -> bool:
        """The record's batch went through the proxy, as far as anything can tell."""
        return batch_of(record) not in self._strange

    def answered_with(self, partition: int, offset: int) -> list[AttemptStory]:
        """The attempts that the broker answered with a range around this offset, on any topic of the arm."""
        return self._ranges.on_any_topic(partition, offset)

    def _claim(self) -> None:
        """Give each batch that no answer accounts for an attempt that got none, where there is one."""
        open_batches = [first for first in self._first_records() if not self._ranges.at(first)]
        waiting = _Waiting(story for story in self.stories if story.forwarded and not located(story))
        unknown: list[LogRecord] = []
        for record in open_batches:
            story = waiting.claim(record)
            if story is None:
                unknown.append(record)
            else:
                self._claimed[batch_of(record)] = story
        for record in unknown:
            if not (record.ours and waiting.claim_any(record)):
                self._strange.add(batch_of(record))

    def _first_records(self) -> Iterator[LogRecord]:
        """The first record of each batch, in the order of the log."""
        for _, records in groupby(self.log, key=batch_of):
            yield next(records)


class _Ranges:
    """The answered offset ranges of each partition, searchable by offset."""

    def __init__(self, stories: Iterable[AttemptStory]) -> None:
        self._stories: defaultdict[_Partition, list[AttemptStory]] = defaultdict(list)
        for story in stories:
            self._stories[story.attempt.topic, story.attempt.partition].append(story)
        for found in self._stories.values():
            found.sort(key=base)
        self._bases = {partition: [base(story) for story in found] for partition, found in self._stories.items()}

    def around(self, partition: _Partition, offset: int) -> list[AttemptStory]:
        """The attempts whose range begins last before the offset and holds it, earliest first."""
        bases = self._bases.get(partition)
        after = bisect_right(bases, offset) if bases else 0
        if not bases or not after:
            return []
        first = bisect_left(bases, bases[after - 1], hi=after)
        return [story for story in self._stories[partition][first:after] if offset in offsets(story)]

    def at(self, record: LogRecord) -> list[AttemptStory]:
        """Those around the record's batch that carried its producer id; another's may have taken the place."""
        found = self.around((record.topic, record.partition), record.batch_base_offset)
        return [story for story in found if story.attempt.producer_id == record.producer_id]

    def on_any_topic(self, partition: int, offset: int) -> list[AttemptStory]:
        return [story for key in sorted(self._bases) if key[1] == partition for story in self.around(key, offset)]


class _Waiting:
    """Attempts that went to the broker without an answered offset, each to be claimed by one batch at most."""

    def __init__(self, stories: Iterable[AttemptStory]) -> None:
        self._by: defaultdict[Hashable, deque[AttemptStory]] = defaultdict(deque)
        self._claimed: set[int] = set()
        for story in sorted(stories, key=lambda s: (bool(s.error), s.attempt.number)):
            attempt = story.attempt
            partition = (attempt.topic, attempt.partition)
            self._by[partition].append(story)
            if attempt.producer_id >= 0:
                key = (attempt.producer_id, attempt.producer_epoch, attempt.base_sequence)
                self._by[partition, "sequence", key].append(story)
            self._by[partition, "crc", attempt.producer_id, attempt.crc].append(story)

    def claim(self, record: LogRecord) -> AttemptStory | None:
        """The attempt whose sequence or CRC the record's batch has, the earliest that is not claimed yet."""
        partition = (record.topic, record.partition)
        if record.producer_id >= 0:
            key = (record.producer_id, record.producer_epoch, base_sequence(record))
            found = self._next((partition, "sequence", key))
            if found is not None:
                return found
        return self._next((partition, "crc", record.producer_id, record.batch_crc))

    def claim_any(self, record: LogRecord) -> bool:
        """Whether some unclaimed attempt on the record's partition is left that could have written it."""
        return self._next((record.topic, record.partition)) is not None

    def _next(self, key: Hashable) -> AttemptStory | None:
        queue = self._by.get(key)
        while queue:
            story = queue.popleft()
            if story.attempt.number not in self._claimed:
                self._claimed.add(story.attempt.number)
                return story
        return None


def base_sequence(record: LogRecord) -> int:
    """The base sequence of the record's batch; records of a batch are numbered on from it."""
    return (record.sequence - (record.offset - record.batch_base_offset)) % SEQUENCES
