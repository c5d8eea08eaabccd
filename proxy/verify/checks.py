"""What the log shows when it is held against what the producer was told and what passed on the wire.

Every figure is the length of a list of the offending items, so that a finding can be told for each. An item that rests
on *absence* from the log (lost, out of place) is only known where the whole log was read: `Tally.sure`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice

from ..observations import LogRecord, Send
from ..result import LogCounts, Records
from .attempts import located, offsets, told
from .evidence import ArmEvidence
from .trail import Trail, place

Name = tuple[str | None, str]
"""A logical record: its producer (None where that is unknown) and its identity."""


@dataclass(frozen=True, slots=True)
class Loss:
    """`count` acked records that are not in the log, from `offset` on. `topic` None: not known, the arm's own.

    `send` is the send whose success the client reported, None for a program that is not ours.
    """

    count: int
    topic: str | None
    partition: int | None
    offset: int | None
    send: Send | None


@dataclass(frozen=True, slots=True)
class Tally:
    """The items behind the figures. `read`: there is a log to speak of; `sure`: all of it was read, at rest.

    `records` are the arm's own, by place; `groups` the same by logical record. `out_of_order` pairs a record with the
    later-sent one that it stands behind. `told` says that all sends are known, so that one unknown is a phantom.
    """

    read: bool
    sure: bool
    told: bool
    records: list[LogRecord] = field(default_factory=list)
    groups: dict[Name, list[LogRecord]] = field(default_factory=dict)
    lost: list[Loss] = field(default_factory=list)
    unacked_present: list[list[LogRecord]] = field(default_factory=list)
    out_of_order: list[tuple[LogRecord, LogRecord]] = field(default_factory=list)
    phantom: list[LogRecord] = field(default_factory=list)
    offset_mismatch: list[tuple[Send, list[LogRecord]]] = field(default_factory=list)
    past_proxy: list[LogRecord] = field(default_factory=list)


def tally(evidence: ArmEvidence, trail: Trail) -> Tally:
    """All items of one arm. `trail` was made from this evidence's attempts and log."""
    sure = evidence.log is not None and not evidence.gone and evidence.barrier_quiet and not evidence.unread()
    finished = evidence.producer_finished and evidence.producer_error is None
    if evidence.log is None:
        return Tally(read=False, sure=False, told=finished)
    past = [record for record in trail.log if not trail.passed(record)]
    if evidence.sends is None:
        records = [record for record in trail.log if trail.passed(record)]
        lost = list(_lost_on_the_wire(evidence, trail))
        return Tally(True, sure, finished, records, _grouped(records), lost, past_proxy=past)
    records = [record for record in trail.log if record.ours]
    return _with_sends(Tally(True, sure, finished, records, _grouped(records), past_proxy=past), evidence.sends)


def _with_sends(tally: Tally, sends: Sequence[Send]) -> Tally:
    by_order = {(send.producer, send.order): send for send in sends}
    phantom: list[LogRecord] = []
    copies: dict[tuple[str, int], list[LogRecord]] = {}
    for key, same in _by_order(tally.groups.values()):
        send = by_order.get(key)
        if send is None or send.send != same[0].send or logical_name(send) != same[0].identity:
            phantom.extend(same)
        else:
            copies[key] = same
    found = [(send, copies.get(key, [])) for key, send in sorted(by_order.items())]
    return replace(
        tally,
        phantom=sorted(phantom, key=place),
        out_of_order=list(_out_of_order(_first_copies(tally, phantom))),
        unacked_present=[standing for send, standing in found if send.outcome != "acked" and standing],
        lost=[_loss(send) for send, standing in found if send.outcome == "acked" and not standing],
        offset_mismatch=[pair for pair in found if pair[0].outcome == "acked" and _stands_elsewhere(*pair)],
    )


def logical_name(send: Send) -> str:
    """The identity of the send's record, as the reader of the log writes it for a record of ours."""
    return f"{send.producer}/{send.record}"


def _by_order(groups: Iterable[list[LogRecord]]) -> Iterator[tuple[tuple[str, int], list[LogRecord]]]:
    """The copies of each send, known by the producer and the position in which it called `send()`."""
    for group in groups:
        if len(group) == 1:
            yield _sent_as(group[0]), group
        else:
            for key, same in groupby(sorted(group, key=_sent_as), key=_sent_as):
                yield key, list(same)


def _sent_as(record: LogRecord) -> tuple[str, int]:
    return record.producer or "", _order(record)


def _loss(send: Send) -> Loss:
    return Loss(1, None, send.partition, send.offset, send)


def _stands_elsewhere(send: Send, copies: list[LogRecord]) -> bool:
    """Acked at one offset, and none of its copies stands there; -1 is an offset that the broker did not give."""
    if send.offset is None or send.offset < 0 or not copies:
        return False
    return all(
        copy.offset != send.offset or (send.partition is not None and copy.partition != send.partition)
        for copy in copies
    )


def _grouped(records: Iterable[LogRecord]) -> dict[Name, list[LogRecord]]:
    groups: dict[Name, list[LogRecord]] = {}
    for record in records:
        groups.setdefault((record.producer, record.identity), []).append(record)
    return groups


def _first_copies(tally: Tally, phantom: Iterable[LogRecord]) -> Iterable[LogRecord]:
    """Of each logical record the first copy in each partition, by place, without those that nobody sent."""
    never = set(map(place, phantom))
    later: set[tuple[str, int, int]] = set()
    for group in tally.groups.values():
        if len(group) > 1:
            sent = [record for record in group if place(record) not in never]
            for _, same in groupby(sent, key=lambda record: place(record)[:2]):
                later.update(map(place, islice(same, 1, None)))
    left_out = never | later
    return [record for record in tally.records if place(record) not in left_out] if left_out else tally.records


def _out_of_order(records: Iterable[LogRecord]) -> Iterator[tuple[LogRecord, LogRecord]]:
    """The records that stand behind one that was sent later, per producer and partition; `records` come by place."""
    latest: dict[tuple[object, ...], LogRecord] = {}
    for record in records:
        lane = (record.producer, record.topic, record.partition)
        before = latest.get(lane)
        if before is not None and _order(record) < _order(before):
            yield record, before
        else:
            latest[lane] = record


def _order(record: LogRecord) -> int:
    return -1 if record.order is None else record.order


def _lost_on_the_wire(evidence: ArmEvidence, trail: Trail) -> Iterator[Loss]:
    """Success that reached a client, for offsets at which the log holds nothing of that producer id.

    A batch from before the partition's start offset was appended before this run; its retry may be answered with it.
    """
    standing: defaultdict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for record in trail.log:
        standing[record.topic, record.partition][record.offset] = record.producer_id
    judged: set[tuple[str, int, int]] = set()
    for story in trail.stories:
        where = (story.attempt.topic, story.attempt.partition)
        if not told(story) or not located(story) or story.attempt.acks == 0 or where not in evidence.wire.starts:
            continue
        promised = offsets(story)
        if promised.start < evidence.wire.starts[where] or (*where, promised.start) in judged:
            continue
        judged.add((*where, promised.start))
        found = standing[where]
        missing = [offset for offset in promised if found.get(offset) != story.attempt.producer_id]
        if missing:
            yield Loss(len(missing), where[0], where[1], missing[0], None)


def records_of(sends: Sequence[Send] | None) -> Records:
    """What the futures said, counted by send; all None for a program that is not ours."""
    if sends is None:
        return Records(None, None, None, None)
    said = [send.outcome for send in sends]
    return Records(len(said), said.count("acked"), said.count("failed"), said.count("unknown"))


def log_counts(tally: Tally, evidence: ArmEvidence) -> LogCounts:
    """The figures of the result. None stands for what cannot be known, never for 0.

    A loss, a wrong offset or a wrong order that would rest on a part of the log that was not read is not known; a
    phantom is not, where the producer died before it had named all that it sent; nor is what went past the proxy,
    where the ledger has let something go.
    """
    if not tally.read:
        return LogCounts(*[None] * 9)
    ours = not evidence.foreign
    return LogCounts(
        records=len(tally.records),
        distinct=len(tally.groups),
        duplicates=len(tally.records) - len(tally.groups),
        lost=_known(sum(loss.count for loss in tally.lost), tally.sure),
        unacked_present=len(tally.unacked_present) if ours else None,
        out_of_order=_known(len(tally.out_of_order), tally.sure) if ours else None,
        phantom=_known(len(tally.phantom), tally.told) if ours else None,
        offset_mismatch=_known(len(tally.offset_mismatch), tally.sure) if ours else None,
        past_proxy=_known(len(tally.past_proxy), not evidence.wire.let_go),
    )


def _known(count: int, sure: bool) -> int | None:
    return count if sure or not count else None
