"""A log made of records instead of batches: what tests and tools have in hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from xxhash import xxh3_64_intdigest

from ..kafka.produce import BatchHeader
from ..observations import LogRecord
from .parse import Contents, Ours, Producers
from .shelf import STATES, Shelf
from .store import Spill

_SEQUENCES = 1 << 31
_partition = attrgetter("topic", "partition")
_place = attrgetter("topic", "partition", "offset")
_batch = attrgetter("batch_base_offset", "batch_crc", "producer_id", "producer_epoch", "transaction")


def shelves(records: Iterable[LogRecord], producers: Producers) -> Iterator[Shelf]:
    """The partitions of these records. Whose identity is the same is the same record; that of ours is
    `PRODUCER/NUMBER`."""
    spill = Spill()
    for (topic, partition), of_partition in groupby(sorted(records, key=_place), key=_partition):
        shelf = Shelf(topic, partition, spill, ours=True, named=True)
        for _, of_batch in groupby(of_partition, key=_batch):
            held = list(of_batch)
            shelf.add(_header(held), _contents(held, producers), STATES.index(held[0].transaction))
        shelf.seal()
        yield shelf


def _header(records: Sequence[LogRecord]) -> BatchHeader:
    first = records[0]
    base = first.batch_base_offset
    return BatchHeader(
        base_offset=base,
        length=0,
        magic=2,
        crc=first.batch_crc,
        attributes=0,
        last_offset_delta=records[-1].offset - base,
        base_timestamp=first.timestamp,
        max_timestamp=first.timestamp,
        producer_id=first.producer_id,
        producer_epoch=first.producer_epoch,
        base_sequence=-1 if first.sequence < 0 else (first.sequence - (first.offset - base)) % _SEQUENCES,
        records=len(records),
    )


def _contents(records: Sequence[LogRecord], producers: Producers) -> Contents:
    numbers = [producers.number(one.producer or "") if one.ours else -1 for one in records]
    return Contents(
        digests=[xxh3_64_intdigest(f"{one.producer}\0{one.identity}".encode()) for one in records],
        timestamps=[one.timestamp for one in records],
        deltas=[one.offset - one.batch_base_offset for one in records],
        ours=Ours(
            numbers,
            [int(one.identity.rpartition("/")[2]) if one.ours else -1 for one in records],
            [-1 if one.send is None else one.send for one in records],
            [-1 if one.order is None else one.order for one in records],
        ),
        names=[None if one.ours else one.identity.encode() for one in records],
    )
