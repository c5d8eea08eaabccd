"""What a record is known by, for many records in little time: 64 bits over its key, value, headers and create time.

A record of magic 2 is a varint length, a byte of attributes, the timestamp and offset deltas as varints, and then key,
value and headers (the message format since Kafka 0.11). A client's retry repeats what follows the offset delta byte
for byte, and so these bytes are hashed as they stand, without telling key, value and headers apart; the absolute create
time is the hash's seed. Where the broker's clock sets the time, it differs between copies and is left out.

64 bits: among ten million records the chance that two different ones meet is one in 400,000.
"""

from __future__ import annotations

from typing import NamedTuple

from xxhash import xxh64_intdigest

from ..errors import UndecodableError
from .batches import Batch, decompress, log_append_time
from .records import iter_tails, varint

dated = xxh64_intdigest
"""`dated(data, seed)`: of what a record says, and when. XXH64 stirs what it reads before it meets the seed. XXH3 does
not, where there are no more than 16 bytes: b"39" and b"69" would have one digest where 768 ms are between them."""

_REPEATED = 0x9E3779B97F4A7C15


class Digests(NamedTuple):
    """A batch's records in order: what each is known by, its timestamp in ms, its offset delta.

    `deltas` is None where they count 0, 1, 2, … without a hole.
    """

    digests: list[int]
    timestamps: list[int]
    deltas: list[int] | None


def digests(batch: Batch, salt: int) -> Digests:
    """Digests of all records of a batch. `salt` (64 bits) keeps those of one partition apart from another's.

    Two equal records of one batch were both meant: the second one has a digest of its own, and has it again where the
    batch was written twice. Raises UndecodableError where the records contradict themselves or the header; what lies
    inside of key, value and headers is not looked at.
    """
    found = _counted(batch, salt) if batch.header.magic == 2 else None
    if found is None:
        found = _any(batch, salt)
    if len(set(found.digests)) != len(found.digests):
        return found._replace(digests=told_apart(found.digests))
    return found


def told_apart(digests: list[int]) -> list[int]:
    """The second of two equal numbers, and every later one, becomes another: the same again for the same list."""
    seen: dict[int, int] = {}
    apart = []
    for digest in digests:
        count = seen[digest] = seen.get(digest, 0) + 1
        apart.append(digest if count == 1 else dated(digest.to_bytes(8, "big"), _REPEATED + count))
    return apart


def _counted(batch: Batch, salt: int) -> Digests | None:
    """The hot path: a batch whose offset deltas count on from 0, as producers write them. None for any other."""
    header = batch.header
    data = bytes(decompress(batch))
    base, stamped = header.base_timestamp, log_append_time(header.attributes)
    found: list[int] = []
    timestamps: list[int] = []
    add, add_timestamp = found.append, timestamps.append
    at = odd = 0
    end = len(data)
    try:
        for number in range(header.records):
            size = data[at]
            at += 1
            if size >= 0x80:
                more = data[at]
                if more < 0x80:
                    size, at = size & 0x7F | more << 7, at + 1
                else:
                    size, at = varint(data, at - 1, end)
            stop = at + (size >> 1)
            odd |= size
            delta = data[at + 1]
            at += 2
            if delta >= 0x80:
                more = data[at]
                if more < 0x80:
                    delta, at = delta & 0x7F | more << 7, at + 1
                else:
                    delta, at = varint(data, at - 1, end)
            timestamp = base + ((delta >> 1) ^ -(delta & 1))
            delta = data[at]
            at += 1
            if delta >= 0x80:
                more = data[at]
                if more < 0x80:
                    delta, at = delta & 0x7F | more << 7, at + 1
                else:
                    delta, at = varint(data, at - 1, end)
            if delta != number << 1:
                return None
            if at > stop:
                raise UndecodableError("a record ends before its offset")
            add(dated(data[at:stop], salt if stamped else salt + timestamp))
            add_timestamp(timestamp)
            at = stop
    except IndexError:
        raise UndecodableError(f"a batch's {header.records} records end too early") from None
    if at != end or odd & 1:
        raise UndecodableError(f"{header.records} records of a batch do not end where it ends")
    return Digests(found, [header.max_timestamp] * len(found) if stamped else timestamps, None)


def _any(batch: Batch, salt: int) -> Digests:
    """The same for any batch, old magics and compacted ones among them."""
    stamped = log_append_time(batch.header.attributes)
    found = Digests([], [], [])
    assert found.deltas is not None
    for delta, timestamp, tail in iter_tails(batch):
        found.digests.append(dated(bytes(tail), salt if stamped else salt + timestamp))
        found.timestamps.append(timestamp)
        found.deltas.append(delta)
    return found
