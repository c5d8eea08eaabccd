"""The thread that writes the ledger, off the event loop and bounded in memory.

What is handed over waits in a queue; the thread gathers it for at most a third of a second, or until nothing new comes,
and writes it in one transaction. More than `limit` observations waiting means that the disk cannot keep up: further
ones are let go and counted, for an event loop must never wait for a disk. Attempts that are told in one `Passed` take
less memory: 288 bytes of them weigh as much as one observation; when they are let go, each counts. So it is while a
reader keeps the write-ahead log from being emptied and that has reached its limit, and while the disk takes nothing:
then the one transaction that failed is kept and tried again every second, and what comes meanwhile is let go and
counted. What stood in the files before is still there, whole.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from time import monotonic

from ..errors import SurroundingsError
from ..observations import DiskFailure, Observation, Passed, Reached
from .blocks import Texts
from .database import Database
from .events import EventFile
from .limits import Limits
from .rows import Rows

GATHER = 0.3
"""Seconds after which a transaction is committed at the latest."""

IDLE = 0.05
"""Seconds without anything new after which it is committed at once."""

_ENOUGH = 20_000

_LOOK_AGAIN = 1.0
"""Seconds after which the database is looked after again although nothing may be written, or nothing could be."""

PAUSE = 30.0
"""Seconds without anything new after which attempts that are in blocks become rows, some at a time."""

Job = Callable[[Rows], None]
"""Something to put among the rows of the next transaction."""


_BYTES_FOR_ONE = 288
_BYTES_OF_PLACE = 24
"""Of a flow's places in a `Passed`; it is there without that."""


def _weight(observation: Observation) -> int:
    """How many observations' memory it takes."""
    if not isinstance(observation, Passed):
        return 1
    return 1 + (observation.attempts.size + _BYTES_OF_PLACE * len(observation.flows)) // _BYTES_FOR_ONE


def _count(observations: Sequence[Observation]) -> int:
    """How many they are, where each attempt in a `Passed` is one."""
    passed = [len(each.attempts) - 1 for each in observations if isinstance(each, Passed)]
    return len(observations) + sum(passed)


def _dispensable(observation: Observation) -> bool:
    return isinstance(observation, Reached)


class _Barrier(threading.Event):
    """Set when all that was handed over before is committed; `settle`: and is in the tables that people read."""

    def __init__(self, settle: bool) -> None:
        super().__init__()
        self.settle = settle


class Writer:
    """The writing thread and its queue. `database` and `events` belong to it from here on."""

    def __init__(self, database: Database, events: EventFile, limits: Limits) -> None:
        self._database = database
        self._events = events
        self._limit = limits.waiting
        self._queue: SimpleQueue[tuple[Job, int, int, int] | _Barrier | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._handed = self._written = 0
        self._let_go: Counter[int] = Counter()
        self._told: dict[int, int] = {}
        self._texts = Texts()
        self._rows = Rows(self._texts)
        self._taken: Counter[int] = Counter()
        """How many observations of each arm are in these rows, and what they weigh."""
        self._taken_weight = 0
        self._again = 0.0
        self._pause = PAUSE
        self.failure: DiskFailure | None = None
        self._ended = self._done = self._closed = False
        self._thread = threading.Thread(target=self._run, name="ackdrop-ledger", daemon=True)
        self._thread.start()

    def put(self, arm: int, name: str, observations: Sequence[Observation]) -> None:
        """Hand over observations, without waiting; what is over the limit is let go and counted."""
        kept, weight = self._admit(arm, tuple(observations))
        if kept:
            self._queue.put((lambda rows: rows.add(arm, name, kept), arm, weight, _count(kept)))

    def _admit(self, arm: int, offered: Sequence[Observation]) -> tuple[Sequence[Observation], int]:
        """Those of the offered observations that may wait, and their weight; the rest are counted as let go."""
        weight = sum(map(_weight, offered))
        with self._lock:
            shut = self._ended or self._database.crowded
            room = 0 if shut else max(0, self._limit - (self._handed - self._written))
            if weight > room:
                all_of_them = offered
                offered, weight = _that_fit(offered, room)
                self._let_go[arm] += _count(all_of_them) - _count(offered)
            self._handed += weight
            return offered, weight

    @property
    def lag(self) -> tuple[int, int]:
        """How many observations are not written yet, and how many were let go."""
        with self._lock:
            return self._handed - self._written, self._let_go.total()

    def do(self, job: Job) -> None:
        """Hand over something that is never let go."""
        self._queue.put((job, 0, 0, 0))

    @property
    def failing(self) -> bool:
        """The last write failed."""
        return self.failure is not None and not self.failure.over

    def missing(self, arm: int) -> int:
        """How many observations of the arm the file lacks that it does not tell of itself."""
        with self._lock:
            return self._let_go[arm] - self._told.get(arm, 0) + (self._taken[arm] if self.failing else 0)

    def flush(self, *, settle: bool = False) -> None:
        """Wait until all that was handed over before is committed, or could not be: then `failing` is so. `settle`: and
        until the attempts that are in blocks are rows. Raises SurroundingsError where the thread is gone."""
        barrier = _Barrier(settle)
        self._queue.put(barrier)
        while self._thread.is_alive() and not barrier.wait(0.1):
            pass
        self._check()

    def close(self) -> None:
        """Write what is left and end the thread; safe to call twice. Raises SurroundingsError as `flush` does."""
        if not self._closed:
            self._queue.put(None)
            self._thread.join()
            self._closed = True
            self._seal()
        self._check()

    def _check(self) -> None:
        if self._ended and not self._done:
            raise SurroundingsError("the thread that writes the ledger ended early")

    def _run(self) -> None:
        try:
            while self._cycle():
                pass
            self._done = True
        finally:
            with self._lock:
                self._ended = True

    def _cycle(self) -> bool:
        """Gather, commit, let those who wait go on; False at the end."""
        barriers, more = self._gather()
        if not self.failing or barriers or not more or monotonic() >= self._again:
            self._write()
        if not more or any(barrier.settle for barrier in barriers):
            self._database.settle()
        elif self._pause < PAUSE and not self._database.settle_some():
            self._pause = PAUSE
        for barrier in barriers:
            barrier.set()
        return more

    def _gather(self) -> tuple[list[_Barrier], bool]:
        try:
            item = self._queue.get(timeout=self._patience())
        except Empty:
            self._pause = IDLE
            return [], True
        self._pause = PAUSE
        due = monotonic() + GATHER
        while isinstance(item, tuple):
            self._take(*item)
            wait = min(IDLE, due - monotonic())
            if wait <= 0 or self._taken_weight >= _ENOUGH:
                return [], True
            try:
                item = self._queue.get(timeout=wait)
            except Empty:
                return [], True
        return [] if item is None else [item], item is not None

    def _patience(self) -> float | None:
        """Seconds to wait for something new before there is something else to do."""
        if self.failing or self._database.crowded:
            return _LOOK_AGAIN
        return self._pause if self._database.unsettled else None

    def _take(self, job: Job, arm: int, weight: int, count: int) -> None:
        if count and self.failing:  # the disk takes nothing
            with self._lock:
                self._written += weight
                self._let_go[arm] += count
            return
        job(self._rows)
        self._taken[arm] += count
        self._taken_weight += weight

    def _write(self) -> None:
        try:
            self._store()
            self._database.tend()
        except (sqlite3.Error, OSError, OverflowError) as error:
            self.failure = DiskFailure(reason(error))
            self._again = monotonic() + _LOOK_AGAIN
        else:
            if self.failure is not None:
                self.failure = DiskFailure(self.failure.reason, over=True)

    def _store(self) -> None:
        """Write the rows: first those of the database, and then their lines, so that neither comes twice."""
        with self._lock:
            let_go = {arm: count for arm, count in self._let_go.items() if self._told.get(arm) != count}
        self._database.write(self._rows, let_go)
        lines = Rows(self._texts)
        lines.events, lines.arms = self._rows.lines(), self._rows.arms
        with self._lock:
            self._told.update(let_go)
            self._written += self._taken_weight
            self._taken_weight = 0
            self._taken.clear()
            self._rows = lines
        self._events.write(lines.events, lines.arms)
        self._rows = Rows(self._texts)

    def _seal(self) -> None:
        try:
            self._database.close()
        finally:
            with contextlib.suppress(OSError):  # flushed at every commit; what fails here failed there
                self._events.close()


def _that_fit(observations: Sequence[Observation], room: int) -> tuple[Sequence[Observation], int]:
    """The first ones that weigh no more than this, and their weight. The frames of a recording go last, for no verdict
    hangs on them."""
    in_order = sorted(observations, key=_dispensable)
    weight = 0
    for place, observation in enumerate(in_order):
        if weight + _weight(observation) > room:
            return in_order[:place], weight
        weight += _weight(observation)
    return in_order, weight


def reason(error: Exception) -> str:
    """Why something could not be written, in a clause."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
