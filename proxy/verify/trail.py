"""From a batch in the log back to the attempts on the wire that account for it.

An attempt is told apart by what can be known of it, the surest first:

1. the broker answered it with the offsets at which the batch stands (a retry that the broker took for a duplicate is
   answered with the original's offset, KIP-98, so several attempts may account for one batch);
2. it got no such answer, but the batch carries its producer id, epoch and base sequence;
3. it got no such answer, but the batch has its CRC-32C (a broker that stamps its own append time or recompresses writes
   another one);
4. only for records of our own workload: it went to the broker, got no such answer, and accounts for no other batch.

An attempt without an answered offset accounts for one batch at most; among equals the earliest attempt gets the lowest
offset. A batch inside of a range that the ledger folded attempts into passed the proxy, and no more is known of it.
Linear in batches and attempts, sorting aside; one byte in memory for each batch.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence

from ..observations import AckedRange, ArmWire, AttemptStory
from .attempts import Families, base, located, offsets
from .log import Log
from .shelf import Row

_Partition = tuple[str, int]
_Batch = tuple[str, int, int]


class Trail:
    """Answers, for each batch of one arm's log, which attempts account for it. `wire` None: nobody watched, so there
    are no attempts, and nothing can have gone past them."""

    def __init__(self, wire: ArmWire | None, log: Log) -> None:
        attempts = () if wire is None else wire.attempts
        self.stories = sorted(attempts, key=lambda story: story.attempt.number)
        self.last_of = {story.attempt.producer_id: story.attempt.number for story in self.stories}
        """For each producer id the number of the last attempt that carried it."""
        self.log = log
        self.watched = wire is not None
        self.families = Families(self.stories)
        self.folded = Folded(() if wire is None else wire.ranges)
        self._ranges = _Ranges(story for story in self.stories if located(story))
        self._claimed: dict[_Batch, AttemptStory] = {}
        self._strange = bytearray(log.batch_count if self.watched else 0)
        if self.watched:
            self._claim()

    def attempts(self, row: Row) -> Sequence[AttemptStory]:
        """The attempts that account for this batch, earliest first; empty where none is known."""
        answered = self._ranges.at(row)
        if answered:
            return answered
        claimed = self._claimed.get(row.place)
        return () if claimed is None else (claimed,)

    def writer(self, row: Row) -> AttemptStory | None:
        """The attempt that put this batch there: the earliest of those that account for it."""
        return next(iter(self.attempts(row)), None)

    def appended(self) -> list[AttemptStory]:
        """The attempts that the broker appended: it said so, or their batch is in the log."""
        claimed = {story.attempt.number for story in self._claimed.values()}
        return [story for story in self.stories if located(story) or story.attempt.number in claimed]

    def was_folded(self, row: Row) -> bool:
        """An attempt that the ledger folded wrote this batch."""
        return self.folded.holds(row.topic, row.partition, row.base_offset) and not self.attempts(row)

    def passed(self, row: Row) -> bool:
        """The batch went through the proxy, as far as anything can tell."""
        return not self.watched or not self._strange[row.number]

    def answered(self, topic: str, partition: int, offset: int) -> list[AttemptStory]:
        """The attempts that the broker answered with a range around this offset, earliest first."""
        return self._ranges.around((topic, partition), offset)

    def answered_with(self, partition: int, offset: int) -> list[AttemptStory]:
        """The same, on any topic of the arm."""
        return self._ranges.on_any_topic(partition, offset)

    def _claim(self) -> None:
        """Give each batch that no answer accounts for an attempt that got none, where there is one."""
        waiting = _Waiting(story for story in self.stories if story.forwarded and not located(story))
        unknown = array("q")
        for row in self.log.rows():
            if self._ranges.at(row) or self.folded.holds(row.topic, row.partition, row.base_offset):
                continue
            story = waiting.claim(row)
            if story is None:
                unknown.append(row.number)
            else:
                self._claimed[row.place] = story
        for number in unknown:
            row = self.log.row(number)
            self._strange[number] = not (row.ours and waiting.claim_any(row))


class Folded:
    """The ranges that the ledger folded attempts into: joined where they overlap, searchable by offset."""

    def __init__(self, ranges: Iterable[AckedRange]) -> None:
        self._joined: dict[_Partition, list[tuple[int, int]]] = {}
        for one in sorted(ranges, key=lambda one: (one.topic, one.partition, one.first)):
            joined = self._joined.setdefault((one.topic, one.partition), [])
            if joined and one.first <= joined[-1][1] + 1:
                joined[-1] = joined[-1][0], max(joined[-1][1], one.last)
            else:
                joined.append((one.first, one.last))

    def __bool__(self) -> bool:
        return bool(self._joined)

    def partitions(self) -> dict[_Partition, list[tuple[int, int]]]:
        """(topic, partition) → first and last offset of each range, both included, none beside another."""
        return self._joined

    def holds(self, topic: str, partition: int, offset: int) -> bool:
        """Whether an attempt that was folded was answered with this offset."""
        joined = self._joined.get((topic, partition), [])
        after = bisect_right(joined, (offset, 1 << 63))
        return after > 0 and offset <= joined[after - 1][1]


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

    def at(self, row: Row) -> list[AttemptStory]:
        """Those around the batch that carried its producer id; another's may have taken the place."""
        found = self.around((row.topic, row.partition), row.base_offset)
        return [story for story in found if story.attempt.producer_id == row.producer_id]

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

    def claim(self, row: Row) -> AttemptStory | None:
        """The attempt whose sequence or CRC the batch has, the earliest that is not claimed yet."""
        partition = (row.topic, row.partition)
        if row.producer_id >= 0:
            key = (row.producer_id, row.producer_epoch, row.base_sequence)
            found = self._next((partition, "sequence", key))
            if found is not None:
                return found
        return self._next((partition, "crc", row.producer_id, row.crc))

    def claim_any(self, row: Row) -> bool:
        """Whether some unclaimed attempt on the batch's partition is left that could have written it."""
        return self._next((row.topic, row.partition)) is not None

    def _next(self, key: Hashable) -> AttemptStory | None:
        queue = self._by.get(key)
        while queue:
            story = queue.popleft()
            if story.attempt.number not in self._claimed:
                self._claimed.add(story.attempt.number)
                return story
        return None
