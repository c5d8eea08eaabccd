"""Attempts as tables: those of a finding's chain, and those that the ledger has of the run."""

from __future__ import annotations

from collections.abc import Iterator

from ...observations import Ack, Attempt, AttemptStory
from ...result import AttemptLine
from ..clean import shortened
from .tables import Cell, Column, Line, Table, cell, milliseconds, plain
from .wires import Wires, answer, eventful, seen

MOST = 1_000
"""How many attempts of a run are listed."""

_MARKS: dict[Ack, str] = {"dropped": "bad", "withheld": "bad", "delayed": "warn", "none": "warn"}

_WHO = (
    Column("#", True, "Counts the arm's attempts"),
    Column("at, s", True, "Seconds since the arm's first produce request"),
    Column("conn.", True, "Connection"),
    Column("corr.", True, "Correlation id of the produce request"),
    Column("part.", True, "Partition"),
    Column("producer id", True),
    Column("epoch", True),
    Column("sequence", True, "Base sequence of the batch"),
    Column("records", True),
)
_CHAIN = (
    *_WHO,
    Column("CRC", False, "The batch's CRC-32C as the client wrote it"),
    Column("acks", True, "As the client asked: -1 for all, 1, or 0"),
    Column("again", True, "The attempt that this one repeats"),
    Column("offset", True, "Base offset that the broker answered"),
    Column("error"),
    Column("answered at, s", True),
    Column("ack"),
    Column("ack settled at, s", True, "When the answer's fate at the client was known"),
    Column("fault"),
    Column("topic"),
)
_RUN = (
    *_WHO,
    Column("again", True, "The attempt that this one repeats"),
    Column("answer", False, "What the broker answered"),
    Column("after, ms", True, "From the request to the broker's answer"),
    Column("ack", False, "What became of the answer"),
    Column("client saw"),
    Column("faults"),
    Column("topic"),
)


def of_chain(lines: list[AttemptLine], name: str) -> Table:
    """A finding's attempts, in time."""
    rows = [Line([*_who(line), *_fate(line)], {}) for line in lines]
    return Table(name, "The attempts of this finding, as they were seen on the wire", _CHAIN, rows)


def of_run(wires: Wires, name: str) -> Table:
    """The attempts of all arms, those first of whom there is something to tell; in the order of arm and number."""
    stories = [(arm, story) for arm, wire in wires.arms.items() for story in wire.attempts]
    kept = stories
    note = ""
    if len(stories) > MOST:
        ranked = sorted(stories, key=lambda pair: not eventful(pair[1]))[:MOST]
        shown = {(arm, story.attempt.number) for arm, story in ranked}
        kept = [(arm, story) for arm, story in stories if (arm, story.attempt.number) in shown]
        note = (
            f"{MOST:,} of {len(stories):,} attempts, those first that were retried, lost, delayed or failed; "
            "ledger.db has all of them."
        )
    rows = [_story(arm, story, wires.arms[arm].zero or 0.0) for arm, story in kept]
    return Table(name, "Attempts as the proxy saw them", (Column("arm"), *_RUN), rows, note)


def _story(arm: str, story: AttemptStory, zero: float) -> Line:
    attempt = story.attempt
    latency = None if story.answered_at is None else story.answered_at - attempt.at
    asked = attempt.acks != 0 and not attempt.injected
    cells = [
        Cell(shortened(arm, 24)),
        plain(attempt.number),
        cell(attempt.at - zero),
        *_sent(attempt),
        _again(attempt.retry_of, attempt.injected),
        Cell(answer(story), mark="bad" if story.error else ""),
        milliseconds(latency),
        Cell(story.ack, mark=_MARKS.get(story.ack, "") if asked else ""),
        Cell(seen(story), mark="bad" if story.seen_error else ""),
        Cell(", ".join(shortened(fault) for fault in story.faults), mark="warn" if story.faults else ""),
        Cell(shortened(attempt.topic)),
    ]
    return Line(cells, {"arm": arm, "eventful": "yes" if eventful(story) else "no"})


def _who(line: AttemptLine) -> Iterator[Cell]:
    yield plain(line.number or None)
    yield cell(line.at)
    yield from _sent(line)


def _sent(line: AttemptLine | Attempt) -> Iterator[Cell]:
    """The columns that both tables have."""
    yield plain(line.connection)
    yield plain(line.correlation_id)
    yield plain(line.partition)
    yield plain(line.producer_id)
    yield plain(line.producer_epoch)
    yield plain(line.base_sequence)
    yield cell(line.records)


def _fate(line: AttemptLine) -> Iterator[Cell]:
    asked = line.acks != 0 and not line.injected
    yield Cell(f"{line.crc & 0xFFFFFFFF:08x}")
    yield Cell(str(line.acks))
    yield _again(line.retry_of, line.injected)
    yield plain(line.base_offset)
    yield cell(None if line.error is None else shortened(line.error), "bad")
    yield cell(line.answered_at)
    yield Cell(line.ack, mark=_MARKS.get(line.ack, "") if asked else "")
    yield cell(line.acked_at)
    yield cell(None if line.fault is None else shortened(line.fault), "warn")
    yield Cell(shortened(line.topic))


def _again(number: int | None, injected: bool) -> Cell:
    if number is None:
        return cell(None)
    return Cell(f"copy of {number}", by=str(number)) if injected else plain(number)
