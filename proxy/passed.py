"""Attempts by which nothing happened (`Passed`), in other forms: as the observations they stand for, as frames among
others in the order of their times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, merge
from itertools import count
from operator import attrgetter
from typing import Literal

from .observations import (
    Acked,
    Answered,
    Asked,
    Attempt,
    Changed,
    Flow,
    Forwarded,
    Observation,
    Passed,
    Reached,
    ReachedEntry,
)
from .series import TIMES, Quiet, has


def expanded(passed: Passed) -> Iterator[Observation]:
    """All that `passed` says, an observation at a time."""
    for flow, _, attempts in passed.by_flow():
        for attempt in attempts:
            yield from _expanded(flow, attempt)


def _expanded(flow: Flow, attempt: Quiet) -> Iterator[Observation]:
    number, at, correlation_id, base_sequence, records, crc, size, answered_at, base_offset = attempt
    yield Attempt(
        number=number,
        at=at,
        connection=flow.connection,
        correlation_id=correlation_id,
        client_id=flow.client_id,
        software=flow.software,
        api_version=flow.api_version,
        acks=flow.acks,
        transactional_id=flow.transactional_id,
        topic=flow.topic,
        partition=flow.partition,
        producer_id=flow.producer_id,
        producer_epoch=flow.producer_epoch,
        base_sequence=base_sequence,
        records=records,
        crc=crc,
        size=size,
        retry_of=None,
        tries=1,
        ambiguous=False,
    )
    yield Forwarded(at, number)
    yield Answered(answered_at, number, 0, base_offset)
    yield Acked(answered_at, number, "delivered", 0)


def reached(passed: Passed) -> Iterator[Reached]:
    """The frames that `passed` stands for: of each attempt its request and its answer. None where no rule was armed."""
    for flow, asked, attempts in passed.by_flow():
        if asked is not None:
            for attempt in attempts:
                yield from _reached(flow, asked, attempt)


def _reached(flow: Flow, asked: Asked, attempt: Quiet) -> Iterator[Reached]:
    number, at, correlation_id, _, records, _, size, answered_at, _ = attempt
    entries: tuple[ReachedEntry, ...] = ((flow.topic, flow.partition, flow.producer_id, 1, number, records, size),)
    yield frame_reached(flow, asked, "request", correlation_id, entries, at)
    yield frame_reached(flow, asked, "response", correlation_id, entries, answered_at)


def frame_reached(
    flow: Flow,
    asked: Asked,
    side: Literal["request", "response"],
    correlation_id: int,
    entries: tuple[ReachedEntry, ...],
    at: float,
) -> Reached:
    """A request of that flow, or the answer to one, as rules could be asked about it."""
    return Reached(
        at=at,
        place=f"produce.{side}",
        api="produce",
        version=flow.api_version,
        side=side,
        client_id=flow.client_id,
        connection=flow.connection,
        node=asked.node,
        tls=asked.tls,
        correlation_id=correlation_id,
        acks=flow.acks,
        transactional_id=flow.transactional_id,
        entries=entries,
        elapsed=at - asked.zero,
    )


def in_time(told: Iterable[Reached | Changed], passed: Iterable[Passed]) -> Iterator[Reached | Changed]:
    """Frames that were told one by one, and those that `passed` stands for, by their times: what has passed is told
    later than it came, and a request that has passed may be told by itself then. Of one time, which is that of bytes
    that were read at once, attempts come in the order of their numbers, others by their correlation ids. Few of
    `passed` are frames at once."""
    in_order, late = _apart(told)
    frames = merge(_frames(passed), sorted(late, key=_order), key=_order)
    waiting = next(frames, None)
    for one in sorted(in_order, key=attrgetter("at")):
        while waiting is not None and _before(waiting, one):
            yield waiting
            waiting = next(frames, None)
        yield one
    if waiting is not None:
        yield waiting
        yield from frames


def _apart(told: Iterable[Reached | Changed]) -> tuple[list[Reached | Changed], list[Reached]]:
    """Those that were told as they came, and requests that were told after a later one."""
    in_order: list[Reached | Changed] = []
    late: list[Reached] = []
    latest = 0
    for one in told:
        attempt = _number(one) if isinstance(one, Reached) and one.side == "request" else 0
        if isinstance(one, Reached) and 0 < attempt < latest:
            late.append(one)
        else:
            in_order.append(one)
            latest = max(latest, attempt)
    return in_order, late


def _before(passed: Reached, other: Reached | Changed) -> bool:
    if passed.at != other.at or isinstance(other, Changed):
        return passed.at < other.at
    attempt = other.entries[0][4] if other.entries else None
    if attempt is not None:
        return _number(passed) < attempt
    return passed.connection == other.connection and passed.correlation_id < other.correlation_id


def _frames(passed: Iterable[Passed]) -> Iterator[Reached]:
    waiting: list[tuple[float, int, bool, int, Reached]] = []
    tickets = count()
    by_begin = sorted(((_begin(each), place, each) for place, each in enumerate(passed) if each.attempts))
    for begin, _, each in by_begin:
        while waiting and waiting[0][0] < begin:
            yield heappop(waiting)[-1]
        for frame in reached(each):
            heappush(waiting, (*_order(frame), next(tickets), frame))
    while waiting:
        yield heappop(waiting)[-1]


def _order(frame: Reached) -> tuple[float, int, bool]:
    return frame.at, _number(frame), frame.side == "response"


def _number(frame: Reached) -> int:
    """That of its attempt; 0 where it is of none."""
    return (frame.entries[0][4] or 0) if frame.entries else 0


def _begin(passed: Passed) -> float:
    return min(memoryview(passed.attempts.times).cast("d")[::TIMES])


def one_of(passed: Passed, number: int) -> Iterator[Passed]:
    """The attempt of this number, where it is among them."""
    if has(passed.attempts, number):
        for flow, _, attempts in passed.by_flow():
            yield from (Passed.of(flow, [each]) for each in attempts if each[0] == number)
