"""Observations turned into rows: what one transaction of the ledger will write.

Attempts by which nothing happened are packed (see `blocks.py`). The facts about any other attempt are merged into its
row while that row waits to be written, so that most cost one insert and no update; a fact about an attempt that is
already in the file becomes an update. Inserts go out many rows a statement (see `bulk.py`).
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from ..observations import (
    Acked,
    Acted,
    Answered,
    Asked,
    Attempt,
    Changed,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Dispatched,
    Forwarded,
    IndexLetGo,
    LetPass,
    LogBatch,
    LogRecord,
    Observation,
    Passed,
    Reached,
    Released,
    Send,
    TopicSeen,
    Undecoded,
)
from ..result import Finding
from .blocks import COLUMNS as BLOCK_COLUMNS
from .blocks import Packing, Texts
from .bulk import execute, insert
from .columns import ATTEMPT_FIELDS, COLUMNS, FATE_FIELDS
from .events import acted_line, arm_line, changed_line, decided_line, dispatched_line, frame_line, passed_line

Row = Sequence[Any]

_UNTOLD: tuple[None, ...] = (None,) * len(FATE_FIELDS)
_FATE = 1 + len(ATTEMPT_FIELDS)
_FORWARDED, _ANSWERED, _ACKED, _RELEASED = 0, 1, 4, 7
_CLOSED = 5

# Where a row may come again: a partition keeps its first known start, a log that is read again replaces itself.
_KEEP_FIRST_START = """
ON CONFLICT (arm, topic, partition) DO UPDATE SET start_offset = excluded.start_offset, at = excluded.at
WHERE start_offset < 0"""
_COMES_AGAIN = {
    "partitions": ("INSERT", _KEEP_FIRST_START),
    "sends": ("INSERT OR REPLACE", ""),
    "log": ("INSERT OR REPLACE", ""),
    "log_batches": ("INSERT OR REPLACE", ""),
}

_COUNTED = ("decisions", "undecoded", "partitions")

SCRATCH = """
CREATE TEMP TABLE fates (
    arm INTEGER, number INTEGER, forwarded_at REAL, answered_at REAL, error INTEGER, base_offset INTEGER,
    acked_at REAL, ack TEXT, seen_error INTEGER, released TEXT
);
"""
"""Where facts wait that came after their attempt was written: they go into it in one statement."""

_UPDATE_ATTEMPTS = """
UPDATE attempts SET forwarded_at = coalesce(f.forwarded_at, attempts.forwarded_at),
    answered_at = coalesce(f.answered_at, attempts.answered_at),
    error = coalesce(f.error, attempts.error), base_offset = coalesce(f.base_offset, attempts.base_offset),
    acked_at = coalesce(f.acked_at, attempts.acked_at), ack = coalesce(f.ack, attempts.ack),
    seen_error = CASE WHEN f.ack IS NULL THEN attempts.seen_error ELSE f.seen_error END,
    released = coalesce(f.released, attempts.released)
FROM temp.fates AS f WHERE attempts.arm = f.arm AND attempts.number = f.number"""

_UPDATE_CONNECTION = """
UPDATE connections SET closed_at = ?, closed_by = ?, closed_how = ?, closed_reason = ?
WHERE arm = ? AND connection = ?"""

_ADD_FAULT = """
INSERT INTO faults (arm, name, position)
SELECT ?1, ?2, (SELECT coalesce(max(position), -1) + 1 FROM faults WHERE arm = ?1)
ON CONFLICT (arm, name) DO UPDATE SET position = coalesce(faults.position, excluded.position)"""

_LET_PASS = """
INSERT INTO faults (arm, name, matched) VALUES (?, ?, ?)
ON CONFLICT (arm, name) DO UPDATE SET matched = matched + excluded.matched"""

_FIRST_REQUEST = "UPDATE arms SET zero = ?1 WHERE arm = ?2 AND (zero IS NULL OR zero > ?1)"

_attempt_row = attrgetter(*ATTEMPT_FIELDS)
_decided_row = attrgetter(*Decided.__dataclass_fields__)
_acted_row = attrgetter(*Acted.__dataclass_fields__)
_changed_row = attrgetter(*COLUMNS["changes"][1:])
_undecoded_row = attrgetter(*Undecoded.__dataclass_fields__)
_send_row = attrgetter("producer", "order", "record", "send", "outcome", "partition", "offset", "error")
_log_row = attrgetter(*LogRecord.__dataclass_fields__)
_batch_row = attrgetter(*LogBatch.__dataclass_fields__)


class Rows:
    """What one transaction will write. Filled by the `add` methods, written by `write`. `texts` outlive it."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.events: list[str] = []
        self.arms: list[str] = []
        """Those of the events with which arms begin."""
        self._inserts: dict[str, list[Row]] = {table: [] for table in COLUMNS}
        self._attempts: dict[tuple[int, int], list[Any]] = {}
        self._fates: dict[tuple[int, int], list[Any]] = {}
        self._packings: dict[tuple[int, str, bool], Packing] = {}
        self._passed_lines: list[str] = []
        self._connections: dict[tuple[int, int], list[Any]] = {}
        self._closes: list[Row] = []
        self._added: list[tuple[int, str]] = []
        self._matched: Counter[tuple[int, str]] = Counter()
        self._zeros: dict[int, float] = {}
        self._let_go: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._add: dict[type, Callable[[int, str, Any], None]] = {
            Attempt: self._attempt,
            Forwarded: self._forwarded,
            Answered: self._answered,
            Acked: self._acked,
            Passed: self._passed,
            LetPass: self._let_pass,
            Decided: self._decided,
            Reached: self._reached,
            ConnectionOpened: self._opened,
            ConnectionClosed: self._closed,
            Undecoded: self._undecoded,
            TopicSeen: self._topic,
            IndexLetGo: self._index_let_go,
            Acted: self._acted,
            Changed: self._changed,
            Released: self._released,
            Dispatched: self._dispatched,
        }

    def add(self, arm: int, name: str, observations: Iterable[Observation]) -> None:
        """Take in what was seen on the wire in the arm of this number and name."""
        handlers = self._add
        for observation in observations:
            handlers[type(observation)](arm, name, observation)

    def add_arm(self, arm: int, name: str, idempotence: bool | None, faults: Sequence[str], suffix: str = "") -> None:
        """Take in the start of an arm."""
        self._inserts["arms"].append((arm, name, idempotence))
        self._inserts["removed"].append((arm,))
        self._inserts["faults"].extend((arm, position, fault) for position, fault in enumerate(dict.fromkeys(faults)))
        line = arm_line(name, idempotence, faults, suffix)
        self.arms.append(line)
        self.events.append(line)

    def add_sends(self, arm: int, sends: Iterable[Send]) -> None:
        """Take in what the producer under test reported."""
        self._inserts["sends"].extend((arm, *_send_row(send)) for send in sends)

    def add_log(self, arm: int, records: Iterable[LogRecord]) -> None:
        """Take in records as they stand in the log."""
        self._inserts["log"].extend((arm, *_log_row(record)) for record in records)

    def add_batches(self, arm: int, batches: Iterable[LogBatch]) -> None:
        """Take in batches as they stand in the log."""
        self._inserts["log_batches"].extend((arm, *_batch_row(batch)) for batch in batches)

    def add_let_go(self, arm: int, column: str, count: int) -> None:
        """So many more were let go that this column of `arms` counts."""
        self._let_go[column][arm] += count

    def add_findings(self, arm: int, findings: Iterable[Finding]) -> None:
        """Take in what verification found; places and attempts become JSON."""
        self._inserts["findings"].extend(_finding_row(arm, finding) for finding in findings)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write everything; the caller holds the transaction. Raises what sqlite3 raises, and may be called again."""
        merged: dict[str, list[Row]] = {"attempts": [*self._attempts.values()]}
        merged["connections"] = [*self._connections.values()]
        for table, rows in (self._inserts | merged).items():
            verb, conflict = _COMES_AGAIN.get(table, ("INSERT", ""))
            insert(connection, f"{verb} INTO {table}", COLUMNS[table], rows, conflict)
        insert(connection, "INSERT INTO blocks", BLOCK_COLUMNS, self._blocks(), "")
        if self._fates:
            fates = [(*key, *fate) for key, fate in self._fates.items()]
            insert(connection, "INSERT INTO temp.fates", ("arm", "number", *FATE_FIELDS), fates, "")
            connection.execute(_UPDATE_ATTEMPTS)
            connection.execute("DELETE FROM temp.fates")
        connection.executemany(_ADD_FAULT, self._added)
        for (arm, fault), frames in self._matched.items():
            execute(connection, _LET_PASS, (arm, fault, frames))
        for close in self._closes:
            execute(connection, _UPDATE_CONNECTION, close)
        zeros = [*self._zeros.items(), *((arm, packing.zero) for (arm, *_), packing in self._packings.items())]
        connection.executemany(_FIRST_REQUEST, ((at, arm) for arm, at in zeros))
        for column, counts in self._let_go.items():
            values = [(count, arm) for arm, count in counts.items()]
            connection.executemany(f"UPDATE arms SET {column} = {column} + ? WHERE arm = ?", values)

    def _blocks(self) -> list[Row]:
        """The rows of `blocks`. Those whose frames rules could be asked about make lines of `events.jsonl` too."""
        blocks: list[Row] = []
        self._passed_lines = []
        for (arm, name, recorded), packing in self._packings.items():
            rows = packing.rows(arm)
            blocks += rows
            if recorded:
                self._passed_lines += map(partial(_passed_line, name), rows, packing.asked)
        return blocks

    def lines(self) -> list[str]:
        """What is to be written into `events.jsonl`; of what has passed, once `write` was called."""
        return self.events + self._passed_lines

    def added(self) -> dict[int, Counter[str]]:
        """How many rows go into the tables that have limits: arm → table → rows."""
        found: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for arm, count in Counter(arm for arm, _ in self._connections).items():
            found[arm]["connections"] = count
        for table in _COUNTED:
            for arm, count in Counter(row[0] for row in self._inserts[table]).items():
                found[arm][table] = count
        return found

    def numbers(self) -> dict[int, list[int]]:
        """The numbers of the rows that go into `attempts`, by arm."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for arm, number in self._attempts:
            found[arm].append(number)
        return found

    def newest(self) -> dict[int, int]:
        """The highest number of what goes into blocks, by arm."""
        found: dict[int, int] = {}
        for (arm, *_), packing in self._packings.items():
            found[arm] = max(packing.newest, found.get(arm, 0))
        return found

    def _attempt(self, arm: int, name: str, fact: Attempt) -> None:
        self._zeros[arm] = min(fact.at, self._zeros.get(arm, fact.at))
        self._attempts[arm, fact.number] = [arm, *_attempt_row(fact), *_UNTOLD]

    def _fate(self, arm: int, number: int) -> tuple[list[Any], int]:
        """The row to fill in, and the position at which the attempt's fate begins in it."""
        key = (arm, number)
        row = self._attempts.get(key)
        if row is not None:
            return row, _FATE
        return self._fates.setdefault(key, list(_UNTOLD)), 0

    def _forwarded(self, arm: int, name: str, fact: Forwarded) -> None:
        row, start = self._fate(arm, fact.attempt)
        row[start + _FORWARDED] = fact.at

    def _answered(self, arm: int, name: str, fact: Answered) -> None:
        row, start = self._fate(arm, fact.attempt)
        row[start + _ANSWERED : start + _ACKED] = (fact.at, fact.error, fact.base_offset)

    def _acked(self, arm: int, name: str, fact: Acked) -> None:
        row, start = self._fate(arm, fact.attempt)
        row[start + _ACKED : start + _RELEASED] = (fact.at, fact.ack, fact.error)

    def _passed(self, arm: int, name: str, fact: Passed) -> None:
        key = (arm, name, fact.asked is not None)
        if key not in self._packings:
            self._packings[key] = Packing(self._texts)
        self._packings[key].add(fact)

    def _let_pass(self, arm: int, name: str, fact: LetPass) -> None:
        self._matched[arm, fact.fault] += fact.frames

    def _released(self, arm: int, name: str, fact: Released) -> None:
        row, start = self._fate(arm, fact.attempt)
        row[start + _RELEASED] = fact.why

    def _decided(self, arm: int, name: str, fact: Decided) -> None:
        self._inserts["decisions"].append((arm, *_decided_row(fact)))
        self.events.append(decided_line(name, fact))

    def _reached(self, arm: int, name: str, fact: Reached) -> None:
        self.events.append(frame_line(name, fact))

    def _opened(self, arm: int, name: str, fact: ConnectionOpened) -> None:
        row = [arm, fact.connection, fact.node, fact.peer, fact.at, None, None, None, None]
        self._connections[arm, fact.connection] = row

    def _closed(self, arm: int, name: str, fact: ConnectionClosed) -> None:
        close = (fact.at, fact.by, fact.how, fact.reason)
        row = self._connections.get((arm, fact.connection))
        if row is None:
            self._closes.append((*close, arm, fact.connection))
        else:
            row[_CLOSED:] = close

    def _undecoded(self, arm: int, name: str, fact: Undecoded) -> None:
        self._inserts["undecoded"].append((arm, *_undecoded_row(fact)))

    def _acted(self, arm: int, name: str, fact: Acted) -> None:
        self._inserts["acted"].append((arm, *_acted_row(fact)))
        self.events.append(acted_line(name, fact))

    def _changed(self, arm: int, name: str, fact: Changed) -> None:
        self._inserts["changes"].append((arm, *_changed_row(fact)))
        self.events.append(changed_line(name, fact))
        self._added += [(arm, fact.fault)] if fact.change == "added" else []

    def _dispatched(self, arm: int, name: str, fact: Dispatched) -> None:
        self.events.append(dispatched_line(name, fact))

    def _index_let_go(self, arm: int, name: str, fact: IndexLetGo) -> None:
        self.add_let_go(arm, "index_let_go", fact.count)

    def _topic(self, arm: int, name: str, fact: TopicSeen) -> None:
        self._inserts["partitions"].append((arm, fact.topic, fact.partition, fact.start_offset, fact.at))


def _passed_line(name: str, row: Row, asked: Sequence[Asked]) -> str:
    """The line of a row of `blocks`."""
    _, _, _, count, flows, *packed = row
    return passed_line(name, count, flows, asked, *packed)


def _finding_row(arm: int, finding: Finding) -> Row:
    places = json.dumps([dataclasses.asdict(place) for place in finding.places])
    attempts = json.dumps([dataclasses.asdict(attempt) for attempt in finding.attempts])
    return arm, finding.kind, finding.cause, finding.record, finding.fault, places, attempts
