"""Record batches (magic 2) and the records in them, as Kafka's documentation of its message format has them.

`RecordBatch(records=[Record(value=b"x")])` is whole: its length, its counts and its CRC are computed where they are
not given. The records of a compressed batch are there to be read and changed; its bytes stay what they were until
something is changed, and are compressed again then. What stands in the place of records and cannot be read is `Raw`.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from scapy.config import conf
from scapy.fields import (
    BitEnumField,
    BitField,
    Field,
    FlagsField,
    SignedByteField,
    SignedIntField,
    SignedLongField,
    SignedShortField,
)
from scapy.packet import Packet, Raw

from ..errors import UndecodableError
from ..kafka.batch_headers import LENGTH_ENDS, RECORDS_AT
from ..kafka.batches import CODECS
from ..kafka.checksums import batch_crc
from ..kafka.compression import compress, expand
from .arrays import StructsField, built, dissected
from .fields import (
    INT,
    FromWire,
    VarBytesField,
    VarintField,
    VarStringField,
    encode_varint,
    read_varint,
)
from .structs import KafkaPart

CONTROL_TYPES = {
    0: "abort",
    1: "commit",
    2: "leader_change",
    3: "snapshot_header",
    4: "snapshot_footer",
    5: "kraft_version",
    6: "kraft_voters",
}
"""What a control record says, by the number in its key (ControlRecordType of Apache Kafka)."""

EXPANDED_LIMIT = 1 << 26
"""The most bytes that a compressed batch is opened to; a larger one stays compressed."""

_CRC = Struct(">I")
_CRC_AT = 17


class HeadersField(StructsField):
    """A record's headers, with a varint of their count before them."""

    def count(self, packet: Any, data: Any) -> tuple[int, Any]:
        number, at = read_varint(data)
        if not 0 <= number <= len(data) - at:
            raise UndecodableError(f"{number} headers of a record do not fit into {len(data) - at} bytes")
        return number, data[at:]

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return b"".join([s, encode_varint(len(val or ())), *(built(pkt, one) for one in val or ())])


class RecordHeader(KafkaPart):
    name = "Record header"
    fields_desc = [VarStringField("key", ""), VarBytesField("value", None)]


class RecordLengthField(VarintField):
    """The record's length without itself: computed where it is None."""

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        rest, length = super().getfield(pkt, s)
        return rest, FromWire(length)

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s if computed(val) else super().addfield(pkt, s, val)


class PositionField(VarintField):
    """A record's place in its batch: where it is None, the place in the list."""


class Record(KafkaPart):
    """A record. Its offset and its create time are those of the batch plus its deltas."""

    name = "Record"
    fields_desc = [
        RecordLengthField("length", None),
        SignedByteField("attributes", 0),
        VarintField("timestamp_delta", 0),
        PositionField("offset_delta", None),
        VarBytesField("key", None),
        VarBytesField("value", b""),
        HeadersField("headers", [], RecordHeader),
    ]

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        length, at = read_varint(view)
        if not 0 <= length <= len(view) - at:
            raise UndecodableError(f"a record claims {length} bytes, where {len(view) - at} are left")
        if len(super().do_dissect(view[: at + length])):
            raise UndecodableError("a record does not end where its length says")
        return view[at + length :] if isinstance(s, memoryview) else bytes(view[at + length :])

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        return (encode_varint(len(pkt)) if computed(self.getfieldval("length")) else b"") + pkt + pay


class ControlRecord(Record):
    """A marker that the broker wrote: its key says what it means, the end of a transaction for the most part."""

    name = "Control record"

    def marker(self) -> str:
        """`commit`, `abort` or another name; a number where it has none; `unknown` for a key that says nothing."""
        key = self.getfieldval("key")
        if not isinstance(key, bytes) or len(key) < 4:
            return "unknown"
        number = int.from_bytes(key[2:4], "big", signed=True)
        return CONTROL_TYPES.get(number, str(number))

    def mysummary(self) -> str:
        return f"Control record {self.marker()}"


def computed(value: Any) -> bool:
    """Whether a length, count or check sum is to be computed: none was given, or it is of bytes that have changed."""
    return value is None or isinstance(value, FromWire)


class ComputedField(Field[int | None, int]):
    """A number that follows from the rest of the packet, where it is not given."""

    __slots__ = ["compute"]

    def __init__(self, name: str, fmt: str, compute: Callable[[Any], int]) -> None:
        super().__init__(name, None, fmt)
        self.compute = compute

    def m2i(self, pkt: Packet | None, x: int) -> Any:
        return FromWire(x)

    def i2m(self, pkt: Packet | None, x: Any) -> int:
        return self.compute(pkt) if computed(x) else int(x)


class CrcField(ComputedField):
    """The check sum of all that follows it: right, or wrong, is shown once it is there."""

    def __init__(self, name: str = "crc") -> None:
        super().__init__(name, "I", lambda packet: 0)

    def i2repr(self, pkt: Any, x: Any) -> str:
        if x is None:
            return "None"
        data = pkt.raw_packet_cache
        if data is None:
            return f"{x:#010x}"
        right = batch_crc(data)
        return f"{x:#010x} " + ("(right)" if x == right else f"(wrong: {right:#010x} is right)")


def _last_delta(batch: Any) -> int:
    """The last record's offset delta: that of an empty batch, which compaction leaves, is 0 unless it is given."""
    deltas = [one.getfieldval("offset_delta") for one in batch.records or () if isinstance(one, Record)]
    return max((at if delta is None else delta for at, delta in enumerate(deltas)), default=0)


def _max_timestamp(batch: Any) -> int:
    deltas = [one.getfieldval("timestamp_delta") for one in batch.records or () if isinstance(one, Record)]
    return int(batch.base_timestamp) + max(deltas, default=0) if batch.base_timestamp >= 0 else -1


def _record_count(batch: Any) -> int:
    return sum(isinstance(one, Record) for one in batch.records or ())


class RecordsField(StructsField):
    """The records of a batch, opened where they are compressed; what cannot be read is one `Raw`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [], Record)

    def getfield(self, pkt: Any, s: Any) -> tuple[Any, Any]:
        if not len(s):
            return s, []
        codec = CODECS[pkt.compression] if pkt.compression < len(CODECS) else "unknown"
        try:
            opened = memoryview(expand(codec, memoryview(s), EXPANDED_LIMIT))
            return s[len(s) :], self._records(pkt, opened)
        except UndecodableError:
            if conf.debug_dissector:
                raise
            return s[len(s) :], [Raw(load=bytes(s))]

    def _records(self, batch: Any, data: memoryview) -> list[Packet]:
        cls = ControlRecord if batch.flags.control else Record
        if not 0 <= batch.records_count <= len(data):
            raise UndecodableError(f"{batch.records_count} records do not fit into {len(data)} bytes")
        found = []
        for _ in range(batch.records_count):
            data, record = dissected(cls, batch, data)
            found.append(record)
        if len(data):
            raise UndecodableError(f"{len(data)} bytes follow the records of a batch")
        return found

    def addfield(self, pkt: Any, s: bytes, val: Any) -> bytes:
        one_by_one = [built(pkt, _placed(one, at)) for at, one in enumerate(val or ())]
        data = b"".join(one_by_one)
        if not any(isinstance(one, Record) for one in val or ()):
            return s + data
        return s + (compress(CODECS[pkt.compression], data) if 0 < pkt.compression < len(CODECS) else data)


def _placed(record: Any, at: int) -> Any:
    """The record with its place in the list as its offset delta, if it has none of its own."""
    if isinstance(record, Record) and record.getfieldval("offset_delta") is None:
        record = record.copy()
        record.offset_delta = at
    return record


class RecordBatch(KafkaPart):
    """A record batch of magic 2. Without a producer id (-1) it is not idempotent, and epoch and sequence are -1."""

    name = "Record batch"
    fields_desc = [
        SignedLongField("base_offset", 0),
        ComputedField("batch_length", "i", lambda packet: 0),
        SignedIntField("partition_leader_epoch", -1),
        SignedByteField("magic", 2),
        CrcField(),
        BitField("reserved", 0, 9),
        FlagsField("flags", 0, 4, ["log_append_time", "transactional", "control", "delete_horizon"]),
        BitEnumField("compression", 0, 3, dict(enumerate(CODECS))),
        ComputedField("last_offset_delta", "i", _last_delta),
        SignedLongField("base_timestamp", -1),
        ComputedField("max_timestamp", "q", _max_timestamp),
        SignedLongField("producer_id", -1),
        SignedShortField("producer_epoch", -1),
        SignedIntField("base_sequence", -1),
        ComputedField("records_count", "i", _record_count),
        RecordsField("records"),
    ]

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        (length,) = INT.unpack_from(view, LENGTH_ENDS - 4)
        if not RECORDS_AT <= length + LENGTH_ENDS <= len(view):
            raise UndecodableError(f"a batch claims {length} bytes, where {len(view) - LENGTH_ENDS} are left")
        super().do_dissect(view[: length + LENGTH_ENDS])
        rest = view[length + LENGTH_ENDS :]
        return rest if isinstance(s, memoryview) else bytes(rest)

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if computed(self.getfieldval("batch_length")):
            pkt = pkt[:8] + INT.pack(len(pkt) - LENGTH_ENDS) + pkt[LENGTH_ENDS:]
        if computed(self.getfieldval("crc")):
            pkt = pkt[:_CRC_AT] + _CRC.pack(batch_crc(pkt)) + pkt[_CRC_AT + 4 :]
        return pkt + pay

    def mysummary(self) -> str:
        return f"Record batch, {self.getfieldval('records_count')} records"
