"""The columns of the tables, in the order in which `rows.py` fills them."""

from __future__ import annotations

import dataclasses

from ..observations import Acted, Attempt, Changed, Decided, LogBatch, LogRecord, Undecoded

ATTEMPT_FIELDS = tuple(field.name for field in dataclasses.fields(Attempt))
"""The columns of `attempts` that come with the attempt itself, in the order of the dataclass."""

FATE_FIELDS = ("forwarded_at", "answered_at", "error", "base_offset", "acked_at", "ack", "seen_error", "released")
"""The columns of `attempts` that later facts fill in."""

_CLOSE_FIELDS = ("closed_at", "closed_by", "closed_how", "closed_reason")
_COLUMN = {"order": "send_order", "transaction": '"transaction"'}
"""Fields whose names SQL knows as words of its own."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "arms": ("arm", "name", "idempotence"),
    "removed": ("arm",),
    "faults": ("arm", "position", "name"),
    "connections": ("arm", "connection", "node", "peer", "opened_at", *_CLOSE_FIELDS),
    "attempts": ("arm", *ATTEMPT_FIELDS, *FATE_FIELDS),
    "decisions": ("arm", *(field.name for field in dataclasses.fields(Decided))),
    "acted": ("arm", *(field.name for field in dataclasses.fields(Acted))),
    "changes": ("arm", *(field.name for field in dataclasses.fields(Changed) if field.name != "elapsed")),
    "undecoded": ("arm", *(field.name for field in dataclasses.fields(Undecoded))),
    "partitions": ("arm", "topic", "partition", "start_offset", "at"),
    "sends": ("arm", "producer", "send_order", "record", "send", "outcome", "partition", "offset", "error"),
    "log": ("arm", *(_COLUMN.get(name, name) for name in LogRecord.__dataclass_fields__)),
    "log_batches": ("arm", *(_COLUMN.get(name, name) for name in LogBatch.__dataclass_fields__)),
    "findings": ("arm", "kind", "cause", "record", "fault", "places", "attempts"),
}
