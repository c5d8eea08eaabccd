"""The log of a partition, batch by batch, as it is read back: past scapy, by the code that verifies runs."""

from __future__ import annotations

from ..direct.cluster import Cluster
from ..kafka.batches import Batch, is_control, iter_batches
from ..kafka.records import iter_records
from .model import Marker, Written

_MARKERS: dict[int, Marker] = {0: "abort", 1: "commit"}
"""The types of control records (KIP-98)."""


async def read(cluster: Cluster, topic: str, partition: int, offset: int, called: int) -> list[Written]:
    """The batches from this offset to the end of what is safe; `called` is the partition's number in its case.

    Raises BrokerError, and UndecodableError for what is no record batch.
    """
    found: list[Written] = []
    while True:
        fetched = await cluster.fetch(topic, partition, offset)
        batches = [batch for batch in iter_batches(fetched.records) if batch.header.base_offset >= offset]
        if not batches:
            return found
        found += [_written(batch, called) for batch in batches]
        offset = found[-1].last_offset + 1


def _written(batch: Batch, called: int) -> Written:
    header = batch.header
    return Written(
        called,
        header.base_offset,
        header.base_offset + header.last_offset_delta,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        header.records,
        _marker(batch) if is_control(header.attributes) else None,
    )


def _marker(batch: Batch) -> Marker | None:
    """What a control batch says: a key of version and type, two bytes each."""
    for record in iter_records(batch):
        return _MARKERS.get(int.from_bytes((record.key or b"")[2:4], "big"))
    return None
