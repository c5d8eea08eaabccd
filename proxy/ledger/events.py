"""`events.jsonl`: one JSON object a line, in the order in which the fault engine saw and decided.

    {"event": "arm", "arm": "off", "idempotence": false, "faults": ["lose the third ack"]}
    {"event": "decided", "arm": "off", "at": 12.3, "fault": "lose the third ack", ..., "attempt": 3}
    {"event": "rotated", "let_go": 0, "arms": [{"event": "arm", ...}]}

A `decided` line holds the fields of `observations.Decided`; `at` is in seconds on the run's monotonic clock. A file
that has reached its limit becomes `events.1.jsonl`, in the place of the one that was it before. The new file begins
with a `rotated` line: how many `decided` lines were let go in all, and the arms that have begun.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from ..observations import Decided

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
}
_DECIDED = '{"event":"decided","arm":%s,' + ",".join(f'"{name}":%s' for name in _FIELDS) + "}\n"


def arm_line(name: str, idempotence: bool | None, faults: Sequence[str]) -> str:
    """The line with which an arm starts."""
    return _encode({"event": "arm", "arm": name, "idempotence": idempotence, "faults": list(faults)}) + "\n"


def decided_line(arm: str, decided: Decided) -> str:
    """The line of one decision, the same as the encoder's and made in a quarter of its time: there may be thousands a
    second."""
    return _DECIDED % (_quoted(arm), *[_TEXT[type(value)](value) for value in _values(decided)])


class EventFile:
    """`events.jsonl` of a run that goes on, and the one before it; each grows to `limit` bytes and some lines."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._file = (folder / FILE).open("w", encoding="ascii")
        self._size = self._decided = self._decided_before = self._let_go = 0
        self._arms: list[str] = []

    def write(self, lines: Sequence[str], arms: Sequence[str]) -> None:
        """Write the lines; `arms` are those among them with which arms begin. Raises OSError."""
        self._arms += [line.rstrip("\n") for line in arms]
        self._file.writelines(lines)
        self._file.flush()
        self._size += sum(map(len, lines))
        self._decided += len(lines) - len(arms)
        if self._size >= self._limit:
            self._rotate()

    def close(self) -> None:
        """Raises OSError."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        os.replace(self._folder / FILE, self._folder / FILE_BEFORE)
        self._let_go += self._decided_before
        self._decided, self._decided_before = 0, self._decided
        self._file = (self._folder / FILE).open("w", encoding="ascii")
        line = f'{{"event":"rotated","let_go":{self._let_go},"arms":[{",".join(self._arms)}]}}\n'
        self._file.write(line)
        self._file.flush()
        self._size = len(line)


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run, in order, from both files. A line that a killed process left unfinished is passed over."""
    paths = [path for path in (folder / FILE_BEFORE, folder / FILE) if path.exists()]
    for path in paths or [folder / FILE]:
        with path.open(encoding="ascii") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)
