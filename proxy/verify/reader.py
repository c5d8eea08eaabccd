"""Reads the log back from the broker, directly: every record between two offsets of each partition.

One uncommitted reading serves both isolation levels, since the log itself says what became of each transaction.
Partitions are read side by side, a few at a time; what each brings goes to columns at once, so that only a few fetched
chunks are held, whatever the size of the log. Every part of the log that should be there and is not becomes a sentence
in `gone`, never an error: the reading is still evidence, only not all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import trio

from ..direct.cluster import Cluster, OffsetGone
from ..errors import AckdropError, UndecodableError
from ..identity import Naming
from ..kafka.batches import iter_batches
from ..observations import Isolation
from .log import Log
from .log_records import PartitionLog
from .parse import ANY_RUN, Parser, Producers
from .shelf import Shelf
from .store import Spill

__all__ = ["ANY_RUN", "LogReading", "read_log"]

AT_ONCE = 8
"""How many partitions are read side by side."""

_TRIES = 5
_PAUSE = 0.2
"""An answer without any batch below the high watermark is asked for again so often, with such pauses in seconds."""

_TURN = 10_000
"""After so many records other tasks get a turn: some 20 ms."""

Progress = Callable[[int, int], None]
"""Called with (offsets read, offsets to read), again and again while the log is read."""

Wanted = Mapping[str, Mapping[int, tuple[int, int]]]
"""topic → partition → (start offset, high watermark): what is to be read."""


@dataclass(frozen=True, slots=True)
class LogReading:
    """What was read: records by topic, partition and offset.

    `gone` holds a sentence for each part of the log that is missing. `batches` counts all batches, `control_batches`
    the broker's transaction markers among them, which hold no records.
    """

    log: Log
    gone: list[str]
    batches: int
    control_batches: int


async def read_log(
    cluster: Cluster,
    wanted: Wanted,
    *,
    run_id: str | None = None,
    naming: Naming | None = None,
    isolation: Isolation = "read_uncommitted",
    on_progress: Progress | None = None,
) -> LogReading:
    """Reads the wanted ranges.

    `run_id` is the run whose identity headers are ours (ANY_RUN: of any run; None: all records are foreign), `naming`
    what foreign records are known by (None: create time, key, value and headers), `isolation` what the log shows of
    transactions. Raises BrokerError when the broker does not answer in time, or no longer knows a topic, and
    SurroundingsError where a large log does not fit on the disk.
    """
    spill, producers = Spill(), Producers()
    logs = [
        PartitionLog(
            Shelf(topic, partition, spill, ours=run_id is not None, named=naming is not None),
            start,
            end,
            Parser(topic, partition, run_id, naming, producers),
        )
        for topic, partitions in sorted(wanted.items())
        for partition, (start, end) in sorted(partitions.items())
    ]
    report = _reporter(logs, on_progress)
    failures: list[AckdropError] = []
    limit = trio.CapacityLimiter(AT_ONCE)

    async def read(log: PartitionLog) -> None:
        try:
            async with limit:
                await _read_partition(cluster, log, report)
        except AckdropError as error:
            failures.append(error)
            nursery.cancel_scope.cancel()

    report()
    async with trio.open_nursery() as nursery:
        for log in logs:
            nursery.start_soon(read, log)
    if failures:
        raise failures[0]
    return LogReading(
        log=Log([log.shelf for log in logs], producers, isolation, None if naming is None else str(naming)),
        gone=[sentence for log in logs for sentence in log.gone],
        batches=sum(log.batches for log in logs),
        control_batches=sum(log.control_batches for log in logs),
    )


def _reporter(logs: list[PartitionLog], on_progress: Progress | None) -> Callable[[], None]:
    """What tells the progress of all partitions together."""
    total = sum(max(0, log.end - log.start) for log in logs)

    def report() -> None:
        if on_progress is not None:
            on_progress(sum(min(log.position, log.end) - log.start for log in logs if log.end > log.start), total)

    return report


async def _read_partition(cluster: Cluster, log: PartitionLog, report: Callable[[], None]) -> None:
    empty = 0
    while not log.done and empty < _TRIES:
        before = log.position
        high_watermark = await _read_on(cluster, log)
        report()
        if log.position > before:
            empty = 0
        elif high_watermark < log.end:
            log.ends_before(high_watermark)
        else:
            empty += 1
            await trio.sleep(_PAUSE)
    if not log.done:
        log.shows_no_more()
    log.shelf.seal()
    report()


async def _read_on(cluster: Cluster, log: PartitionLog) -> int:
    """Fetches once from where the log was left, and takes what came; gives the high watermark that came with it."""
    try:
        fetched = await cluster.fetch(log.topic, log.partition, log.position)
    except OffsetGone:
        return await _find_log(cluster, log)
    log.begins_at(fetched.log_start)
    await _take(log, fetched.records)
    return fetched.high_watermark


async def _find_log(cluster: Cluster, log: PartitionLog) -> int:
    """Where the log begins, after an offset that is not in it; gives its high watermark."""
    log.begins_at((await cluster.start_offsets(log.topic)).get(log.partition, log.position))
    return (await cluster.end_offsets(log.topic)).get(log.partition, log.position)


async def _take(log: PartitionLog, records: memoryview) -> None:
    """Makes records of every whole batch, and lets other tasks have a turn now and then."""
    turn = len(log.shelf) + _TURN
    try:
        for batch in iter_batches(records):
            log.take(batch)
            if log.done:
                return
            if len(log.shelf) >= turn:
                turn = len(log.shelf) + _TURN
                await trio.lowlevel.checkpoint()
    except UndecodableError as why:
        log.unreadable(why)
