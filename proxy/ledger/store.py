"""`Ledger` and `ArmWriter`: all that the other rooms need of the ledger."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ..errors import SurroundingsError, UsageError
from ..observations import ArmWire, DiskFailure, LogBatch, LogRecord, Observation, Send
from ..result import Finding
from ..sends import Sends
from . import events, reading, schema
from .database import Database
from .limits import Limits
from .rows import Rows
from .writer import Writer

FILE = "ledger.db"

DEFAULT = Limits()

T = TypeVar("T")

_CHUNK = 5_000
_CHUNKS_WAITING = 4


class ArmWriter:
    """Where one arm's facts go. Every method hands over to the writing thread; `put` never waits."""

    def __init__(self, writer: Writer, arm: int, name: str, limits: Limits) -> None:
        self._writer = writer
        self._arm = arm
        self._room = {"log": limits.log, "batches": limits.batches}
        self.name = name

    def put(self, observations: Sequence[Observation]) -> None:
        """Hand over what was seen on the wire, in its order. Never blocks; over the limit it is let go and counted."""
        self._writer.put(self._arm, self.name, observations)

    def sends(self, sends: Iterable[Send]) -> None:
        """Store what the producer under test reported. Many thousands of them: call it in a worker thread."""
        self._hand_over(sends, Rows.add_sends)

    def log(self, records: Iterable[LogRecord], total: int | None = None) -> None:
        """Store records as they stand in the log, the first ones up to the limit of the arm; the rest is counted in
        `arms.log_let_go`, unseen where the `total` is known. Many thousands of them: call it in a worker thread."""
        self._up_to_limit("log", records, Rows.add_log, total)

    def batches(self, batches: Iterable[LogBatch], total: int | None = None) -> None:
        """Store batches as they stand in the log, as `log` does; the rest is counted in `arms.batches_let_go`."""
        self._up_to_limit("batches", batches, Rows.add_batches, total)

    def findings(self, findings: Iterable[Finding]) -> None:
        """Store what verification found."""
        self._hand_over(findings, Rows.add_findings)

    def _up_to_limit(
        self, what: str, values: Iterable[T], add: Callable[[Rows, int, Sequence[T]], None], total: int | None
    ) -> None:
        rest, room = iter(values), self._room[what]
        self._hand_over(self._counted(what, rest), add)
        over = sum(1 for _ in rest) if total is None else total - (room - self._room[what])
        if over:
            self._writer.do(lambda rows: rows.add_let_go(self._arm, f"{what}_let_go", over))

    def _counted(self, what: str, values: Iterator[T]) -> Iterator[T]:
        """As many of the values as there is room for."""
        while self._room[what] > 0:
            try:
                value = next(values)
            except StopIteration:
                return
            self._room[what] -= 1
            yield value

    def _hand_over(self, values: Iterable[T], add: Callable[[Rows, int, Sequence[T]], None]) -> None:
        """Hand over in chunks, and wait for the writer now and then: what is read from the log must not pile up. Where
        the disk takes nothing, the rest is left out."""
        rest = iter(values)
        number = 0
        while not self._writer.failing and (chunk := tuple(islice(rest, _CHUNK))):
            self._writer.do(partial(_add_chunk, add, self._arm, chunk))
            number += 1
            if number % _CHUNKS_WAITING == 0:
                self._writer.flush()


class Ledger:
    """A run's ledger: `ledger.db` and `events.jsonl` in the run's folder.

    `create` for a run, `open` to read a finished one. The reading methods see all that was handed over before, as far
    as the disk took it: `failure` tells where it did not. They and `flush` wait for the disk: call them in a worker
    thread. All raise SurroundingsError where the file cannot be read, or nobody writes it any more.
    """

    def __init__(self, folder: Path, writer: Writer | None, limits: Limits = DEFAULT) -> None:
        self.folder = folder
        self._writer = writer
        self._limits = limits
        self._arms: list[str] = []

    @classmethod
    def create(cls, folder: Path, *, limits: Limits = DEFAULT) -> Ledger:
        """Start a ledger in the folder, made if need be. SurroundingsError: it holds one, or cannot be made."""
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.open("xb").close()
            lines = events.EventFile(folder, limits.events)
            return cls(folder, Writer(Database(path, limits), lines, limits), limits)
        except FileExistsError as error:
            raise SurroundingsError(
                f"{path} is there already", remedy="Every run needs a folder of its own: choose another --out."
            ) from error
        except (OSError, sqlite3.Error) as error:
            raise SurroundingsError(
                f"the ledger {path} could not be made: {error}",
                remedy="Choose a folder that can be written with --out.",
            ) from error

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """A finished run's ledger, to be read. UsageError: there is none, or of a version that we cannot read."""
        path = folder / FILE
        if not path.is_file():
            raise UsageError(f"{path} is not there", remedy="Name the folder of a run; it holds a ledger.db.")
        try:
            with reading.connected(path) as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise UsageError(f"{path} is not a ledger: {error}") from error
        if version != schema.VERSION:
            raise UsageError(
                f"{path} has version {version}, this ackdrop reads version {schema.VERSION}",
                remedy="Read it with the version of ackdrop that wrote it.",
            )
        return cls(folder, None)

    @property
    def failure(self) -> DiskFailure | None:
        """Why the ledger cannot be written, or could not be for a while; None: it always could."""
        return None if self._writer is None else self._writer.failure

    def arm(
        self, name: str, idempotence: bool | None, faults: Sequence[str] = (), *, topic_suffix: str = ""
    ) -> ArmWriter:
        """Begin an arm. `faults` names the scenario's rules, so that one which never matches is tallied with 0.

        `topic_suffix` is the part of the run's own topic names that decisions leave out.
        """
        if self._writer is None:
            raise ValueError("this ledger was opened to be read")
        if name in self._arms:
            raise ValueError(f"the arm {name!r} has begun already")
        self._arms.append(name)
        number = len(self._arms)
        self._writer.do(lambda rows: rows.add_arm(number, name, idempotence, faults, topic_suffix))
        return ArmWriter(self._writer, number, name, self._limits)

    def flush(self, *, settle: bool = False) -> None:
        """Wait until all that was handed over is committed; `settle`: and what was packed is in `attempts`."""
        if self._writer is not None:
            self._writer.flush(settle=settle)

    @property
    def lag(self) -> tuple[int, int]:
        """How many observations are not written yet, and how many were let go and never will be. Of attempts that are
        told in one (`Passed`) 288 bytes wait as one, and each counts that is let go. Never waits."""
        return (0, 0) if self._writer is None else self._writer.lag

    def close(self) -> None:
        """Write what is left and end the thread. Safe to call twice; reading goes on working."""
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def arms(self) -> list[str]:
        """The names of the arms, in their order."""
        with self._reader() as connection:
            return reading.arms(connection)

    def idempotence_of(self, arm: str) -> bool | None:
        """What the arm claims; None for a program that is not ours. KeyError: no such arm."""
        with self._reader() as connection:
            return reading.idempotence(connection, arm)

    def wire(self, arm: str) -> ArmWire:
        """All that was seen on the wire in the arm. KeyError: no such arm."""
        with self._reader(settle=True) as connection:
            try:
                wire = reading.wire(connection, arm)
            except KeyError:
                if arm not in self._arms:
                    raise
                wire = reading.nothing(arm)  # it has begun, and the disk took nothing of it
        if self._writer is None:
            return wire
        return dataclasses.replace(wire, let_go=wire.let_go + self._writer.missing(self._arms.index(arm) + 1))

    def sends_of(self, arm: str) -> Sends:
        """What the producers reported, by producer and order of `send()`."""
        with self._reader() as connection:
            return reading.sends(connection, arm)

    def log_of(self, arm: str) -> Iterator[LogRecord]:
        """The records in the log by topic, partition and offset. They stream; the file stays open meanwhile."""
        with self._reader() as connection:
            yield from reading.log(connection, arm)

    def batches_of(self, arm: str) -> Iterator[LogBatch]:
        """The batches in the log by topic, partition and offset. They stream; the file stays open meanwhile."""
        with self._reader() as connection:
            yield from reading.batches(connection, arm)

    def findings_of(self, arm: str) -> list[Finding]:
        """What verification found, in its order."""
        with self._reader() as connection:
            return reading.findings(connection, arm)

    @contextlib.contextmanager
    def _reader(self, *, settle: bool = False) -> Iterator[sqlite3.Connection]:
        self.flush(settle=settle)
        try:
            with reading.connected(self.folder / FILE) as connection:
                yield connection
        except sqlite3.Error as error:
            raise SurroundingsError(
                f"{self.folder / FILE} cannot be read: {error}",
                remedy="See whether it is still there, and whether there is room on its disk.",
            ) from error


def _add_chunk(add: Callable[[Rows, int, Sequence[T]], None], arm: int, chunk: Sequence[T], rows: Rows) -> None:
    add(rows, arm, chunk)
