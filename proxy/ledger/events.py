"""`events.jsonl`: one JSON object a line, in the order in which the fault engine saw and decided.

    {"event": "arm", "format": 2, "arm": "off", "idempotence": false, "faults": ["lose it"], "suffix": "-7f3"}
    {"event": "frame", "arm": "off", "at": 12.3, "place": "produce.response", ..., "entries": [["orders", 0, ...]]}
    {"event": "decided", "arm": "off", "at": 12.3, "fault": "lose it", ..., "attempt": 3}
    {"event": "acted", "arm": "off", "at": 12.3, "fault": "kill it", "place": "broker", ..., "seconds": 4.5}
    {"event": "changed", "arm": "proxy", "at": 12.3, "fault": "lose it", "change": "disarmed", "who": "control", ...}
    {"event": "dispatched", "arm": "off", "at": 12.3, "connection": 4, "api": "metadata", ..., "sent": true}
    {"event": "rotated", "let_go": 0, "frames_let_go": 0, "arms": [{"event": "arm", ...}]}

A `decided` line holds the fields of `observations.Decided`, a `frame` line those of `observations.Reached`; `at` is in
seconds on the run's monotonic clock. A frame stands before what was decided about it. An `acted` line holds the fields
of `observations.Acted`, and comes when what was done is over; a `changed` line those of `observations.Changed`, and
comes before all that follows from the change; a `dispatched` line those of `observations.Dispatched`,
and comes when the request has gone, or cannot go any more. `suffix` is the end of the run's own topic names, which
decisions leave out. Files without a `format` (1) have no frames. A file that has reached its limit becomes
`events.1.jsonl`, in the place of the one that was it before. The new file begins with a `rotated` line: how many
`decided` and `frame` lines were let go in all, and the arms that have begun.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from io import FileIO
from operator import attrgetter
from pathlib import Path
from typing import Any

from ..observations import Acted, Changed, Decided, Dispatched, Reached, ReachedEntry

FORMAT = 2
"""The format of the file, told where an arm begins."""

FILE = "events.jsonl"
FILE_BEFORE = "events.1.jsonl"

_FIELDS = tuple(Decided.__dataclass_fields__)
_values = attrgetter(*_FIELDS)
_encode = json.JSONEncoder(separators=(",", ":")).encode

_quoted = lru_cache(256)(_encode)
_TEXT: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: int.__repr__,
    float: float.__repr__,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): lambda _: "null",
    tuple: lambda values: "[" + ",".join([_TEXT[type(value)](value) for value in values]) + "]",
}
_REACHED_FIELDS = tuple(Reached.__dataclass_fields__)
_reached_values = attrgetter(*_REACHED_FIELDS)
_DECIDED = '{"event":"decided","arm":%s,' + ",".join(f'"{name}":%s' for name in _FIELDS) + "}\n"
_FRAME = '{"event":"frame","arm":%s,' + ",".join(f'"{name}":%s' for name in _REACHED_FIELDS) + "}\n"


def arm_line(name: str, idempotence: bool | None, faults: Sequence[str], suffix: str = "") -> str:
    """The line with which an arm starts."""
    told = {"arm": name, "idempotence": idempotence, "faults": list(faults), "suffix": suffix}
    return _encode({"event": "arm", "format": FORMAT, **told}) + "\n"


def decided_line(arm: str, decided: Decided) -> str:
    """The line of one decision, the same as the encoder's and made in a quarter of its time: there may be thousands a
    second."""
    return _DECIDED % (_quoted(arm), *[_TEXT[type(value)](value) for value in _values(decided)])


def frame_line(arm: str, reached: Reached) -> str:
    """The line of a frame, made as `decided_line` makes its own."""
    return _FRAME % (_quoted(arm), *[_TEXT[type(value)](value) for value in _reached_values(reached)])


def acted_line(arm: str, acted: Acted) -> str:
    """The line of what was done to a process."""
    return _encode({"event": "acted", "arm": arm, **dataclasses.asdict(acted)}) + "\n"


def changed_line(arm: str, changed: Changed) -> str:
    """The line of a fault that was changed while it ran."""
    return _encode({"event": "changed", "arm": arm, **dataclasses.asdict(changed)}) + "\n"


def dispatched_line(arm: str, dispatched: Dispatched) -> str:
    """The line of a request that is no attempt, and that a fault sent again or late."""
    return _encode({"event": "dispatched", "arm": arm, **dataclasses.asdict(dispatched)}) + "\n"


class EventFile:
    """`events.jsonl` of a run that goes on, and the one before it; each grows to `limit` bytes and some lines.

    Nothing waits in a buffer of ours: of the lines that are written all are in the file or none, and where the disk
    does not take them the same ones may come again.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._file = self._new()
        self._size = 0
        self._begins = ""
        """The first line of the file, where it is still to be written."""
        self._here: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._let_go: Counter[str] = Counter()
        self._arms: list[str] = []

    def write(self, lines: Sequence[str], arms: Sequence[str]) -> None:
        """Write the lines; `arms` are those among them with which arms begin. Raises OSError."""
        if not lines:
            return
        if self._size >= self._limit:
            self._rotate()
        self._append("".join([self._begins, *lines]).encode("ascii"))
        self._begins = ""
        self._arms += [line.rstrip("\n") for line in arms]
        self._here.update(map(_kind, lines))

    def close(self) -> None:
        """Raises OSError."""
        self._file.close()

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            raise
        self._size += len(data)

    def _rotate(self) -> None:
        os.replace(self._folder / FILE, self._folder / FILE_BEFORE)
        full, self._file = self._file, self._new()
        full.close()
        self._let_go.update(self._before)
        self._here, self._before = Counter(), self._here
        gone = f'"let_go":{self._let_go["decided"]},"frames_let_go":{self._let_go["frame"]}'
        self._begins = f'{{"event":"rotated",{gone},"arms":[{",".join(self._arms)}]}}\n'
        self._size = 0

    def _new(self) -> FileIO:
        return (self._folder / FILE).open("wb", buffering=0)


def _kind(line: str) -> str:
    """`arm`, `frame`, `decided` or `acted`."""
    return line[10 : line.index('"', 10)]


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run, in order, from both files. A line that a killed process left unfinished is passed over."""
    paths = [path for path in (folder / FILE_BEFORE, folder / FILE) if path.exists()]
    for path in paths or [folder / FILE]:
        with path.open(encoding="ascii") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)


def reached_in(event: dict[str, Any]) -> Reached:
    """The frame in a `frame` line. Raises KeyError, TypeError and ValueError for what is none."""
    fields = {name: event[name] for name in _REACHED_FIELDS}
    return Reached(**{**fields, "entries": tuple(map(_entry, event["entries"]))})


def changed_in(event: dict[str, Any]) -> Changed:
    """The change in a `changed` line. Raises KeyError and TypeError for what is none."""
    return Changed(**{name: event[name] for name in Changed.__dataclass_fields__})


def _entry(values: list[Any]) -> ReachedEntry:
    topic, partition, producer_id, tries, attempt, records, size = values
    return topic, partition, producer_id, tries, attempt, records, size
