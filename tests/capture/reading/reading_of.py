"""Reads capture files for tests, and keeps all that is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ackdrop.capture.reading.events import Ended, Event, Frame, Hole, Opened
from ackdrop.capture.reading.reader import Reading, Summary
from ackdrop.capture.reading.retries import Chain
from ackdrop.capture.reading.verdicts import Word, verdict

from ...talks import Talk

Kind = TypeVar("Kind", bound=Event)
CAPTURES = Path(__file__).parent.parent.parent / "captures"


class Read:
    """A capture that was read."""

    def __init__(self, *files: Path) -> None:
        self.events: list[Event] = []
        self.chains: list[Chain] = []
        self.summary: Summary = Reading(self.events.append, self.chains.append).run(files)

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [told for told in self.events if isinstance(told, kind)]

    @property
    def frames(self) -> list[Frame]:
        return self.all(Frame)

    @property
    def holes(self) -> list[Hole]:
        return self.all(Hole)

    @property
    def ends(self) -> list[Ended]:
        return self.all(Ended)

    @property
    def opened(self) -> list[Opened]:
        return self.all(Opened)

    @property
    def words(self) -> list[Word]:
        return [verdict(chain).word for chain in self.chains]

    def told(self) -> list[tuple[int, str, int, int, int]]:
        """(connection, way, API key, correlation id, size) of each frame; connections by their clients' ports."""
        ports = {told.where: int(told.client.rpartition(":")[2]) - 40000 for told in self.opened}
        return [
            (ports[each.where], each.way, each.api_key, each.correlation_id, each.size)
            for each in self.frames
            if each.api
        ]


class Row(NamedTuple):
    """A frame of a recorded conversation."""

    at: float
    connection: int
    request: bool
    api_key: int
    data: bytes

    def as_told(self) -> tuple[int, str, int, int, int]:
        cid = int.from_bytes(self.data[8:12] if self.request else self.data[4:8], "big", signed=True)
        return self.connection, "request" if self.request else "answer", self.api_key, cid, len(self.data)


def recorded(name: str) -> list[Row]:
    """A conversation out of `tests/captures`."""
    rows: list[Any] = [
        json.loads(line) for line in (CAPTURES / f"redpanda-22.3.25-{name}.jsonl").read_text().splitlines()
    ]
    return [
        Row(row["t"], row["connection"], row["direction"] == "request", row["api_key"], bytes.fromhex(row["frame"]))
        for row in rows
    ]


def talks(rows: list[Row]) -> list[Talk]:
    """The same as TCP, acknowledged at once; each connection on a port of its own."""
    found: dict[int, Talk] = {}
    for row in rows:
        if row.connection not in found:
            found[row.connection] = Talk(("10.0.0.2", 40000 + row.connection), at=row.at).open()
        talk = found[row.connection]
        talk.now = row.at
        (talk.client if row.request else talk.broker)(row.data, after=0.0)
    return list(found.values())
