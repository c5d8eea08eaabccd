"""Record batches (magic 2), as Kafka's documentation of its message format has them.

`RecordBatch(records=[Record(value=b"x")])` is whole: its length, its counts and its CRC are computed where they are
not given. The records of a compressed batch are there to be read and changed; its bytes stay what they were until
something is changed, and are compressed again then. What stands in the place of records and cannot be read is `Raw`.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import Any

from scapy.config import conf
from scapy.fields import (
    BitEnumField,
    BitField,
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
from .arrays import StructsField, built, dissected
from .codecs import budget_of, opened, packed
from .computed import ComputedField, CrcField, computed
from .fields import INT, SetField, TimeField, at
from .records import ControlRecord, Record
from .structs import KafkaPart

_CRC = Struct(">I")
_CRC_AT = 17


def _last_delta(batch: Any) -> int:
    """The last record's offset delta: that of an empty batch, which compaction leaves, is 0 unless it is given."""
    deltas = [one.getfieldval("offset_delta") for one in batch.records or () if isinstance(one, Record)]
    return max((at if delta is None else delta for at, delta in enumerate(deltas)), default=0)


def _max_timestamp(batch: Any) -> int:
    deltas = [one.getfieldval("timestamp_delta") for one in batch.records or () if isinstance(one, Record)]
    return int(batch.base_timestamp) + max(deltas, default=0) if batch.base_timestamp >= 0 else -1


def _record_count(batch: Any) -> int:
    return sum(isinstance(one, Record) for one in batch.records or ())


class MaxTimeField(ComputedField):
    """The time of the latest record, or the time at which the broker appended all of them."""

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return at(x)


class RecordsField(StructsField):
    """The records of a batch, opened where they are compressed; what cannot be read is one `Raw`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [], Record)

    def getfield(self, pkt: Any, s: Any) -> tuple[Any, Any]:
        if not len(s):
            return s, []
        try:
            return s[len(s) :], self._records(pkt, opened(pkt, memoryview(s)))
        except (UndecodableError, StructError):
            if conf.debug_dissector:
                raise
            return s[len(s) :], [Raw(load=bytes(s))]

    def _records(self, batch: Any, data: memoryview) -> list[Packet]:
        cls = ControlRecord if batch.flags.control else Record
        if not 0 <= batch.records_count <= len(data):
            raise UndecodableError(f"{batch.records_count} records do not fit into {len(data)} bytes")
        if batch.compression:
            budget_of(batch).take_records(batch.records_count)
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
        return s + packed(pkt, data)


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
        SetField("flags", 0, 4, ["log_append_time", "transactional", "control", "delete_horizon"]),
        BitEnumField("compression", 0, 3, dict(enumerate(CODECS))),
        ComputedField("last_offset_delta", "i", _last_delta),
        TimeField("base_timestamp", -1),
        MaxTimeField("max_timestamp", "q", _max_timestamp),
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
        for field in self.fields_desc:
            if isinstance(field, ComputedField):
                field.settle(self)
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
