"""From record batches to the log: one partition's, as it is read from a start offset to a high watermark.

No sockets and no clock: batches go in, in the order of the log; rows and columns of a shelf come out, and what should
be there and is not.

Offsets that hold no record are normal where the broker keeps its own marks: control batches (KIP-98), and on Redpanda
one mark ahead of every transaction, which a fetch does not show at all (seen on Redpanda 22.3). Any other hole is a
part of the log that is gone: compacted, deleted or cut off.

A transaction's batches are open until the control batch of their producer id says what became of all of them; those of
a producer id that has none in this part of the log stay open.
"""

from __future__ import annotations

from ..errors import UndecodableError
from ..kafka.batches import Batch, is_control, is_transactional
from ..kafka.records import iter_records
from .parse import Contents, Ours, Parser
from .shelf import ABORTED, COMMITTED, NONE, OPEN, Shelf

_MARKS = {b"\0\0": ABORTED, b"\0\1": COMMITTED}
"""The type in the key of a control record, after its version."""


class PartitionLog:
    """What one partition's log holds from `start` (included) to `end` (excluded), both offsets; it goes to `shelf`.

    `position` is the offset to read next, `batches` and `control_batches` how many batches that took, `missing` how
    many offsets between batches, or inside of them, hold nothing that is accounted for.
    """

    def __init__(self, shelf: Shelf, start: int, end: int, parser: Parser) -> None:
        self.topic, self.partition, self.start, self.end = shelf.topic, shelf.partition, start, end
        self.shelf = shelf
        self.position = start
        self.batches = self.control_batches = self.missing = 0
        self._parser = parser
        self._notes: list[str] = []
        self._holes: tuple[int, int] | None = None
        self._transactional = False
        self._pending: dict[int, list[int]] = {}

    @property
    def name(self) -> str:
        """`topic/partition`."""
        return f"{self.topic}/{self.partition}"

    @property
    def done(self) -> bool:
        """Whether everything up to `end` was seen, or is known to be gone."""
        return self.position >= self.end

    @property
    def gone(self) -> list[str]:
        """A sentence for each part of the log that is missing."""
        if self._holes is None:
            return list(self._notes)
        first, last = self._holes
        holes = f"{_records(self.missing)} gone between offsets {first} and {last} of {self.name} (compacted?)"
        return [*self._notes, holes]

    def begins_at(self, log_start: int) -> None:
        """The log starts here: what was before it is gone."""
        if log_start > self.position:
            lost = min(log_start, self.end) - self.position
            self._notes.append(f"the log of {self.name} starts at {log_start}: {_records(lost)} gone")
            self.position = log_start

    def ends_before(self, high_watermark: int) -> None:
        """The log ends here, before the end that it had: it was cut off."""
        lost = self.end - max(high_watermark, self.position)
        self._notes.append(
            f"the log of {self.name} ends at {high_watermark}, and went on to {self.end} before: {_records(lost)} gone"
        )
        self.position = self.end

    def shows_no_more(self) -> None:
        """The broker has nothing to show between `position` and `end`: a mark of a transaction, or a hole."""
        if not self._transactional:
            self._miss(self.position, self.end - 1, self.end - self.position)
        self.position = self.end

    def unreadable(self, why: UndecodableError) -> None:
        """Nothing from `position` on can be told apart."""
        lost = _records(self.end - self.position)
        self._notes.append(f"the log of {self.name} cannot be read from offset {self.position} on, {lost} gone: {why}")
        self.position = self.end

    def take(self, batch: Batch) -> None:
        """The next batch of the log. One that lies before `position` or after the end adds nothing."""
        header = batch.header
        first, last = header.base_offset, header.base_offset + header.last_offset_delta
        if last < self.position or self.done:
            return
        transactional = is_transactional(header.attributes)
        self._transactional = self._transactional or transactional
        if header.magic == 2:
            self._see_gap(first, transactional)
        if first < self.end:
            self._hold(batch, last)
        self.position = max(self.position, last + 1)

    def _see_gap(self, first: int, transactional: bool) -> None:
        """What lies between `position` and the first offset of the next batch."""
        gap = min(first, self.end) - self.position
        if gap > 0:
            if not (gap == 1 and transactional):
                self._miss(self.position, self.position + gap - 1, gap)
            self.position += gap

    def _hold(self, batch: Batch, last: int) -> None:
        self.batches += 1
        if is_control(batch.header.attributes):
            self.control_batches += 1
            self._resolve(batch)
            return
        wanted = min(last + 1, self.end) - self.position
        try:
            found = self._trimmed(batch, self._parser.contents(batch))
        except UndecodableError as why:
            self._notes.append(
                f"the batch at offset {batch.header.base_offset} of {self.name} cannot be read, "
                f"{_records(wanted)} gone: {why}"
            )
            return
        if found.digests:
            self._keep(batch, found)
        missing = wanted - len(found.digests)
        if missing > 0 and batch.header.magic == 2:
            self._miss(self.position, min(last, self.end - 1), missing)

    def _keep(self, batch: Batch, found: Contents) -> None:
        if not is_transactional(batch.header.attributes):
            self.shelf.add(batch.header, found, NONE)
            return
        number = self.shelf.add(batch.header, found, OPEN)
        self._pending.setdefault(batch.header.producer_id, []).append(number)

    def _resolve(self, batch: Batch) -> None:
        """A marker ends the transaction of its producer id; a control batch of another kind ends none."""
        try:
            marks = [_MARKS.get((record.key or b"")[2:4]) for record in iter_records(batch)]
        except UndecodableError as why:
            self._notes.append(f"the marker at offset {batch.header.base_offset} of {self.name} cannot be read: {why}")
            return
        for mark in marks:
            if mark is not None:
                for number in self._pending.pop(batch.header.producer_id, ()):
                    self.shelf.resolve(number, mark)

    def _trimmed(self, batch: Batch, found: Contents) -> Contents:
        """The batch's records between `position` and the end."""
        count, base = len(found.digests), batch.header.base_offset
        deltas = range(count) if found.deltas is None else found.deltas
        if not count or (base + deltas[0] >= self.position and base + deltas[-1] < self.end):
            return found
        kept = [at for at, delta in enumerate(deltas) if self.position <= base + delta < self.end]
        some = slice(kept[0], kept[-1] + 1) if kept else slice(0, 0)
        return Contents(
            found.digests[some],
            found.timestamps[some],
            list(deltas[some]),
            None if found.ours is None else Ours(*(column[some] for column in found.ours)),
            None if found.names is None else found.names[some],
        )

    def _miss(self, first: int, last: int, count: int) -> None:
        self.missing += count
        self._holes = (first if self._holes is None else self._holes[0], last)


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count} records are"
