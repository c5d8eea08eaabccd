"""What the log shows when it is held against what the producer was told and what passed on the wire.

Every figure is an exact count, with the first of its items kept, so that a finding can be told for each of these. An
item that rests on *absence* from the log (lost, out of place) is only known where the whole log was read: `Tally.sure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..observations import Send
from ..result import LogCounts, Records
from ..sends import ACKED, FAILED, UNKNOWN, Sends
from .copies import Selection, copies
from .duplicates import Duplicates, duplicates
from .evidence import ArmEvidence
from .items import Items
from .listed import LIMIT
from .log import Log
from .losses import losses
from .sent import SendCheck
from .shelf import ABORTED, OPEN, Row
from .trail import Trail


@dataclass(slots=True)
class Own:
    """Which of the log's records are the arm's own, as a consumer of its isolation level sees them: `selection`.

    `aborted` counts those of aborted and open transactions, seen or not. `past` counts what is seen and never passed
    the proxy, `past_ours` those with our header among them.
    """

    selection: Selection
    aborted: int = 0
    past: int = 0
    past_ours: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The items behind the figures. `read`: there is a log to speak of; `sure`: all of it was read, at rest. `told`
    says that all sends are known, so that one unknown is a phantom."""

    read: bool
    sure: bool
    told: bool
    own: Own
    duplicates: Duplicates
    items: Items


def tally(evidence: ArmEvidence, trail: Trail, limit: int = LIMIT) -> Tally:
    """All items of one arm. `trail` was made from this evidence's wire and log; `limit` items of a kind are kept."""
    sure = evidence.log is not None and not evidence.gone and evidence.barrier_quiet and not evidence.unread()
    finished = evidence.producer_finished and evidence.producer_error is None
    log, own = trail.log, _own(evidence, trail)
    if evidence.log is None:
        return Tally(False, sure, finished, own, Duplicates(limit), Items.up_to(limit))
    found = copies(log, own.selection)
    if evidence.sends is not None:
        check = SendCheck(evidence.sends, log)
        extra = duplicates(found, trail, limit, check.was_sent, named=evidence.named)
        return Tally(True, sure, finished, own, extra, check.items(extra.marks, limit))
    items = Items.up_to(limit)
    for loss in losses(evidence, trail):
        items.lost.add(loss, loss.count)
    return Tally(True, sure, finished, own, duplicates(found, trail, limit, named=evidence.named), items)


def _own(evidence: ArmEvidence, trail: Trail) -> Own:
    """A foreign program's records are those that passed the proxy; of our own workload, those with its header."""
    own, log = Own(Selection()), trail.log
    for row in log.rows():
        passed, seen = trail.passed(row), row.state in log.seen
        count = row.ours if evidence.sends is not None else row.records if passed else 0
        if row.state in (OPEN, ABORTED):
            own.aborted += count
        if not passed and seen:
            own.past += row.records
            own.past_ours += row.ours
        if seen and count == row.records:
            own.selection.add(row.position, row.position + row.records)
        elif seen and count:
            _some(own.selection, row, log)
    return own


def _some(selection: Selection, row: Row, log: Log) -> None:
    """The records of ours in a batch that holds others too."""
    shelf = log.shelf_of(row.position)
    assert shelf.ours is not None
    for position in range(row.position, row.position + row.records):
        if shelf.ours[0][position - shelf.start] >= 0:
            selection.add(position, position + 1)


def records_of(sends: Sequence[Send] | None) -> Records:
    """What the futures said, counted by send; all None for a program that is not ours."""
    if sends is None:
        return Records(None, None, None, None)
    said = Sends.of(sends).outcomes
    return Records(len(said), said.count(ACKED), said.count(FAILED), said.count(UNKNOWN))


def log_counts(tally: Tally, evidence: ArmEvidence) -> LogCounts:
    """The figures of the result. None stands for what cannot be known, never for 0.

    Where a part of the log was not read, what rests on absence from it (a loss) may be less than was counted, what
    rests on presence in it (a duplicate) may be more, and what rests on both is not known at all. A phantom is not
    known where the producer died before it had named all that it sent; nor is what went past the proxy, where the
    ledger has let something go, or where nobody watched. A loss is not known without the wire and the producer's word.
    Of a program that is not ours all figures are about what passed the proxy, as far as the ledger has it.
    """
    if not tally.read:
        return LogCounts(*[None] * 10)
    ours, sure, wire = not evidence.foreign, tally.sure, evidence.wire
    items, own, extra = tally.items, tally.own, tally.duplicates.count
    whole = not evidence.whose_unknown
    return LogCounts(
        records=own.selection.count if whole else None,
        distinct=own.selection.count - extra if whole else None,
        duplicates=_at_least(extra, sure and whole),
        lost=_at_least(_at_most(items.lost.count, sure), whole) if ours or wire is not None else None,
        unacked_present=_at_least(items.unacked_present.count, sure) if ours else None,
        out_of_order=items.out_of_order.count if ours and sure else None,
        phantom=_at_least(_at_most(items.phantom.count, tally.told), sure) if ours else None,
        offset_mismatch=items.offset_mismatch.count if ours and sure else None,
        past_proxy=None if wire is None else _at_least(_at_most(own.past, not wire.let_go), sure),
        aborted=own.aborted,
    )


def _at_most(count: int, sure: bool) -> int | None:
    """A count that can only be too high is known where it is sure, and where it is 0."""
    return count if sure or not count else None


def _at_least(count: int | None, sure: bool) -> int | None:
    """A count that can only be too low is known where it is sure, and where it is above 0."""
    return count if sure or count else None
