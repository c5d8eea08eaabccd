"""What was observed, as remarks: lines that belong to a packet, and what is known of that packet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from ...observations import ConnectionClosed, Decided, LetPass, Observation, Passed, Reached
from .. import comments

Wanted = Literal["frame", "moment", "end"]
_ENDS = frozenset({"disconnect", "reset", "refuse"})


class Remark(NamedTuple):
    """A line about a packet of a connection: the one in which a `frame` ended, the first one since the `moment`, or the
    one that is the connection's `end`. `connection` 0: of any. `broker_side`, `inbound` and `correlation_id` are those
    of the frame."""

    at: float
    connection: int
    wanted: Wanted
    line: str
    broker_side: bool = False
    inbound: bool = True
    correlation_id: int = -1


def remarks(arm: str, observations: Sequence[Observation], places: Mapping[str, str]) -> list[Remark]:
    """Those of a while, in order. A fault that named several entries of a frame is told once."""
    told: list[Remark] = []
    frame: Reached | None = None
    decided: list[Decided] = []
    for observation in observations:
        if isinstance(observation, Decided):
            if observation.fired and observation.hit:
                if decided and not _same(decided[0], observation):
                    told += _fault(arm, decided, frame, places)
                    decided = []
                decided.append(observation)
            continue
        if isinstance(observation, Passed | LetPass):  # no fault did anything
            continue
        told += _fault(arm, decided, frame, places)
        decided = []
        if isinstance(observation, Reached):
            frame = observation
        elif isinstance(observation, ConnectionClosed):
            told.append(_closed(arm, observation))
    return [*told, *_fault(arm, decided, frame, places)]


def _same(one: Decided, other: Decided) -> bool:
    return (one.fault, one.connection, one.correlation_id, one.at) == (
        other.fault,
        other.connection,
        other.correlation_id,
        other.at,
    )


def _fault(arm: str, decided: list[Decided], frame: Reached | None, places: Mapping[str, str]) -> Iterator[Remark]:
    """What one fault decided about one frame, or about one connection."""
    if not decided:
        return
    first = decided[0]
    place = places.get(first.fault, "")
    event = "." not in place
    if frame is not None and (frame.connection, frame.correlation_id, frame.at) != (
        first.connection,
        first.correlation_id,
        first.at,
    ):
        frame = None
    one = len(decided) == 1 and first.partition >= 0
    line = comments.render(
        comments.FAULT,
        fault=first.fault,
        does=first.verdict,
        connection=first.connection or None,
        arm=arm,
        at=place or None,
        api=frame.api if frame is not None and not event else None,
        version=frame.version if frame is not None and not event else None,
        correlation=first.correlation_id if place != "connection" and first.connection else None,
        topic=first.topic if one else None,
        partition=first.partition if one else None,
        entries=len(decided) if len(decided) > 1 else None,
    )
    if place == "connection" or not first.connection:
        yield Remark(first.at, first.connection, "end" if first.verdict in _ENDS else "moment", line)
    else:
        answer = place.endswith(".response")
        yield Remark(first.at, first.connection, "frame", line, answer, True, first.correlation_id)


def _closed(arm: str, closed: ConnectionClosed) -> Remark:
    line = comments.render(
        comments.ENDED,
        connection=closed.connection,
        arm=arm,
        by=closed.by,
        how=closed.how,
        reason=closed.reason or None,
    )
    return Remark(closed.at, closed.connection, "end", line)
