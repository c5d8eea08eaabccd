"""`events.jsonl`: one JSON object a line, in the order in which the fault engine saw and decided.

    {"event": "arm", "arm": "off", "idempotence": false, "faults": ["lose the third ack"]}
    {"event": "decided", "arm": "off", "at": 12.3, "fault": "lose the third ack", ..., "attempt": 3}

A `decided` line holds the fields of `observations.Decided`; `at` is in seconds on the run's monotonic clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from ..observations import Decided

FILE = "events.jsonl"

_FIELDS = tuple(Decided.__dataclass_fields__)
_values = attrgetter(*_FIELDS)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def arm_line(name: str, idempotence: bool | None, faults: Sequence[str]) -> str:
    """The line with which an arm starts."""
    return _encode({"event": "arm", "arm": name, "idempotence": idempotence, "faults": list(faults)}) + "\n"


def decided_line(arm: str, decided: Decided) -> str:
    """The line of one decision."""
    return _encode({"event": "decided", "arm": arm, **dict(zip(_FIELDS, _values(decided), strict=True))}) + "\n"


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run, in order. A last line that a killed process left unfinished is passed over."""
    with (folder / FILE).open(encoding="ascii") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
