"""The records of our own workload, fast: each is taken apart as far as the header of ours."""

from __future__ import annotations

from ..errors import UndecodableError
from ..identity import HEADER
from ..kafka.batches import Batch, decompress, log_append_time
from ..kafka.digests import dated
from ..kafka.records import varint
from .parse import LARGEST, Contents, Ours, Parser, told_apart_foreign

_NAME = bytes((1 << 1, len(HEADER) << 1)) + HEADER.encode()
"""One header, and the name of ours: all that stands before the header's value."""

_NAMED = len(_NAME)


def contents(batch: Batch, parser: Parser) -> Contents | None:
    """What the batch holds; None where it is not as our own workload writes it, and has to be decoded: offsets with
    holes, or a header that is not the only one. Raises UndecodableError."""
    header = batch.header
    data = bytes(decompress(batch))
    stamped = log_append_time(header.attributes)
    base, salt = header.base_timestamp, parser.salt
    known, learn = parser.heads, parser.learn
    digests: list[int] = []
    timestamps: list[int] = []
    ours = Ours([], [], [], [])
    digested, timed = digests.append, timestamps.append
    producers, records, sends, orders = (column.append for column in ours)
    foreign = at = 0
    end = len(data)
    try:
        for number in range(header.records):
            size = data[at]
            at += 1
            if size >= 0x80:
                size, at = (size & 0x7F | data[at] << 7, at + 1) if data[at] < 0x80 else varint(data, at - 1, end)
            stop = at + (size >> 1)
            delta = data[at + 1]
            at += 2
            if delta >= 0x80:
                delta, at = (delta & 0x7F | data[at] << 7, at + 1) if data[at] < 0x80 else varint(data, at - 1, end)
            timestamp = base + ((delta >> 1) ^ -(delta & 1))
            delta = data[at]
            at += 1
            if delta >= 0x80:
                delta, at = (delta & 0x7F | data[at] << 7, at + 1) if data[at] < 0x80 else varint(data, at - 1, end)
            if delta != number << 1 or size & 1:
                return None
            first = at
            size = data[at]
            at += 1
            if size >= 0x80:
                size, at = (size & 0x7F | data[at] << 7, at + 1) if data[at] < 0x80 else varint(data, at - 1, end)
            if not size & 1:
                at += size >> 1
            size = data[at]
            at += 1
            if size >= 0x80:
                size, at = (size & 0x7F | data[at] << 7, at + 1) if data[at] < 0x80 else varint(data, at - 1, end)
            if not size & 1:
                at += size >> 1
            timed(timestamp)
            if data[at : at + _NAMED] == _NAME and data[at + _NAMED] < 0x80:
                at += _NAMED + 1
                size = data[at - 1]
                if at + (size >> 1) != stop or size & 1:
                    return None
                parts = data[at:stop].rsplit(b"/", 3)
                who = known.get(parts[0]) or learn(parts[0])
                if who is not None and len(parts) == 4:
                    _, record, send, order = parts
                    if record.isdigit() and (send == b"0" or send.isdigit()) and (order == record or order.isdigit()):
                        logical = int(record)
                        digested(who[1] ^ logical)
                        producers(who[0])
                        records(logical)
                        sends(0 if send == b"0" else int(send))
                        orders(logical if order == record else int(order))
                        at = stop
                        continue
            elif data[at] or at + 1 != stop:
                return None
            foreign += 1
            digested(dated(data[first:stop], salt if stamped else salt + timestamp))
            producers(-1)
            records(-1)
            sends(-1)
            orders(-1)
            at = stop
    except IndexError:
        raise UndecodableError(f"a batch's {header.records} records end too early") from None
    if at != end:
        raise UndecodableError(f"{header.records} records of a batch do not end where it ends")
    if digests and max(map(max, ours[1:])) >= LARGEST:
        return None
    if foreign > 1 and len(set(digests)) != len(digests):
        digests = told_apart_foreign(digests, ours.producers)
    return Contents(digests, [header.max_timestamp] * len(digests) if stamped else timestamps, None, ours)
