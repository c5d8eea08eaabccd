"""What the rules say of a produce frame, and that they said it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..faults.engine import Decision, Outcome
from ..faults.rule import Entry, Frame, Side
from ..observations import Decided

if TYPE_CHECKING:
    from .produce import InFlight
    from .wire import Wire


def judged(wire: Wire, side: Side, connection: int, in_flight: InFlight, now: float) -> Outcome | None:
    """Ask the rules about a produce request or its answer; None where none of them fires."""
    if not wire.engine.armed("produce", side):
        return None
    entries = tuple(
        Entry(share.seen.topic, share.seen.partition, share.seen.producer_id >= 0, share.seen.tries, share.number)
        for share in in_flight.shares
    )
    frame = Frame("produce", side, in_flight.client_id, connection, in_flight.correlation_id, entries)
    outcome, decisions = wire.engine.decide(frame, wire.elapsed(now))
    _tell(wire, frame, decisions, now)
    return outcome


def _tell(wire: Wire, frame: Frame, decisions: Sequence[Decision], now: float) -> None:
    for decision in decisions:
        wire.observe(
            Decided(
                at=now,
                fault=decision.rule,
                connection=frame.connection,
                correlation_id=frame.correlation_id,
                client_id=frame.client_id,
                topic=wire.label(decision.entry.topic),
                partition=decision.entry.partition,
                n=decision.n,
                fired=decision.fired,
                verdict=decision.verdict,
                hit=decision.hit,
                attempt=decision.entry.attempt,
            )
        )
