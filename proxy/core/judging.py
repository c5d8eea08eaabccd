"""What the rules say of a frame, and that they said it. Every question about a frame goes through here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..faults.decisions import Decision, Outcome
from ..faults.rule import Entry, Frame, Side
from ..kafka.apis import api_name
from ..observations import Decided, Flow
from .recording import reached

if TYPE_CHECKING:
    from .exchanges import Exchange
    from .parts import Parts
    from .produce import Share
    from .wire import Wire


def judged(parts: Parts, side: Side, exchange: Exchange, size: int, now: float) -> Outcome | None:
    """Ask the rules about a request or its answer of `size` bytes; None where none of them fires."""
    wire, api = parts.wire, api_name(exchange.api_key)
    if not wire.engine.rules:
        return None
    frame = facts(parts, side, exchange, size)
    reached(wire, frame, now)
    if not wire.engine.armed(api, side):
        return None
    outcome, decisions = wire.engine.decide(frame, wire.elapsed(now), now)
    tell(wire, frame, decisions, now)
    return outcome


def facts(parts: Parts, side: Side, exchange: Exchange, size: int) -> Frame:
    """A frame as rules see it: of a produce request or answer what its batches say, of any other its size alone."""
    in_flight = exchange.produce
    if in_flight is None:
        entries: tuple[Entry, ...] = (Entry("", -1, False, 1, None, size=size),)
        acks = transactional_id = None
    else:
        entries = tuple(entry_of(share) for share in in_flight.shares if share.number not in in_flight.removed)
        acks, transactional_id = in_flight.acks, in_flight.transactional_id
    return Frame(
        api=api_name(exchange.api_key),
        side=side,
        client_id=exchange.client_id,
        connection=parts.number,
        correlation_id=exchange.correlation_id,
        entries=entries,
        version=exchange.api_version,
        node=parts.node,
        tls=parts.tls,
        acks=acks,
        transactional_id=transactional_id,
    )


def request_of(flow: Flow, node: int, tls: bool) -> Frame:
    """What rules know of every produce request of a flow, each of which has one batch; its size and records are not
    known. `node` and `tls` are of its connection."""
    entry = Entry(flow.topic, flow.partition, flow.producer_id >= 0, 1, None, flow.producer_id)
    return Frame(
        api="produce",
        side="request",
        client_id=flow.client_id,
        connection=flow.connection,
        correlation_id=0,
        entries=(entry,),
        version=flow.api_version,
        node=node,
        tls=tls,
        acks=flow.acks,
        transactional_id=flow.transactional_id,
    )


def entry_of(share: Share) -> Entry:
    """One partition's share of a produce request, as rules see it."""
    seen = share.seen
    return Entry(
        topic=seen.topic,
        partition=seen.partition,
        idempotent=seen.producer_id >= 0,
        tries=seen.tries,
        attempt=share.number,
        producer_id=seen.producer_id,
        records=seen.records,
        size=seen.size,
    )


def tell(wire: Wire, frame: Frame, decisions: Sequence[Decision], now: float) -> None:
    """Observe what the rules said."""
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
