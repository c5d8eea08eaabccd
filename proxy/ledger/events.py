"""`events.jsonl`: one JSON object a line, in the order in which the fault engine saw and decided.

    {"event": "arm", "format": 4, "arm": "off", "idempotence": false, "faults": ["lose it"], "suffix": "-7f3"}
    {"event": "frame", "arm": "off", "at": 12.3, "place": "produce.response", ..., "entries": [["orders", 0, ...]]}
    {"event": "passed", "frames": 4000, "arm": "off", "order": "little", "flows": [[1, ...]], ..., "times": "..."}
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
decisions leave out.

A `passed` line stands for `frames` frames of produce requests by which nothing happened, and of their answers
(`observations.Passed`); it comes later than they came, and what rules said of them is told nowhere but in the ledger's
table `faults`. `flows` are the values of each `Flow`, `asked` those of its `Asked`. The rest is base64: `runs` has two
int64 a run, the place in these lists and how many series; `cells`, `times` and `more` are those of `PackedAttempts`.
`order` says which byte of a number comes first: the lowest (`little`) or the highest (`big`).

Files without a `format` (1) have no frames, those of format 2 no `passed` lines, and in
those of format 3 these have no `more`: each attempt is a series. A file that has reached its limit
becomes `events.1.jsonl`, in the place of the one that was it before. The new file begins with a `rotated` line: how
many decisions and frames were let go in all, and the arms that have begun.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from array import array
from binascii import a2b_base64, b2a_base64
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from io import FileIO
from operator import attrgetter
from pathlib import Path
from typing import Any

from ..observations import (
    Acted,
    Asked,
    Changed,
    Decided,
    Dispatched,
    Flow,
    Passed,
    Reached,
    ReachedEntry,
)
from ..series import CELLS, CRC, TIMES, PackedAttempts, joined, lengths

FORMAT = 4
"""The format of the file, told where an arm begins."""

FRAMES_SINCE = 2
"""The first format that has frames."""

FILE = "events.jsonl"
FILE_BEFORE = "events.1.jsonl"

_FIELDS = tuple(Decided.__dataclass_fields__)
_values = attrgetter(*_FIELDS)
_encode = json.JSONEncoder(separators=(",", ":")).encode

_quoted = lru_cache(256)(_encode)
_flow = lru_cache(50_000)(Flow)
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
_PACKED = {"runs": "q", "cells": "q", "times": "d", "more": "I"}
_PASSED = '{"event":"passed","frames":'
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


def passed_line(
    arm: str, attempts: int, flows: str, asked: Sequence[Asked], runs: bytes, cells: bytes, times: bytes, more: bytes
) -> str:
    """The line of so many attempts that have passed. `flows` is JSON already; the bytes are in the order of this
    machine."""
    told = _encode([(each.node, each.tls, each.zero) for each in asked])
    return (
        f'{_PASSED}{2 * attempts},"arm":{_quoted(arm)},"order":"{sys.byteorder}","flows":{flows},"asked":{told},'
        f'"runs":"{_base64(runs)}","cells":"{_base64(cells)}","times":"{_base64(times)}",'
        f'"more":"{_base64(more)}"}}\n'
    )


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
        self._here["frame"] += sum(_frames(line) for line in lines if line.startswith(_PASSED))

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


def _frames(line: str) -> int:
    """How many frames a `passed` line stands for."""
    return int(line[len(_PASSED) : line.index(",", len(_PASSED))])


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


def passed_in(event: dict[str, Any]) -> list[Passed]:
    """What a `passed` line holds, flow by flow. Raises KeyError, TypeError and ValueError for what is none."""
    lanes = [(_flow(*flow), Asked(*asked)) for flow, asked in zip(event["flows"], event["asked"], strict=True)]
    swap = {"little": False, "big": True}[event["order"]] != (sys.byteorder == "big")
    told = {"more": ""} | event
    runs, cells, times, more = (_numbers(code, told[name], swap) for name, code in _PACKED.items())
    counts = lengths(cells[CRC::CELLS])
    whole = len(runs) % 2 == 0 and sum(runs[1::2]) == len(counts) and TIMES * len(counts) == len(times)
    if (
        not whole
        or CELLS * len(counts) != len(cells)
        or 2 * sum(counts) != event["frames"]
        or sum(counts) - len(counts) != len(more)
    ):
        raise ValueError("a line of attempts that have passed is not whole")
    attempts = PackedAttempts(cells.tobytes(), times.tobytes(), more.tobytes())
    found: list[list[PackedAttempts]] = [[] for _ in lanes]
    for place, part in zip(runs[::2], attempts.parts(runs[1::2]), strict=True):
        found[place].append(part)
    return [Passed.of(flow, joined(parts), asked) for (flow, asked), parts in zip(lanes, found, strict=True)]


def changed_in(event: dict[str, Any]) -> Changed:
    """The change in a `changed` line. Raises KeyError and TypeError for what is none."""
    return Changed(**{name: event[name] for name in Changed.__dataclass_fields__})


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _numbers(code: str, text: str, swap: bool) -> array[Any]:
    numbers = array(code, a2b_base64(text, strict_mode=True))
    if swap:
        numbers.byteswap()
    return numbers


def _entry(values: list[Any]) -> ReachedEntry:
    topic, partition, producer_id, tries, attempt, records, size = values
    return topic, partition, producer_id, tries, attempt, records, size
