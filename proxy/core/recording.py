"""What rules could be asked about, told so that other rules can be asked about it later, without a broker.

Told only while rules are armed: of every frame that reaches the place at which rules are asked, and of connections
that are opened and closed. Where rules are armed after a time without any, those that are open then are told first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..faults.rule import Frame
from ..observations import Reached

if TYPE_CHECKING:
    from .wire import Wire

OPENED, KNOWN, CLOSED, OPEN = "connection", "connection.known", "connection.closed", "connection.open"


def reached(wire: Wire, frame: Frame, now: float) -> None:
    """A frame has reached the place at which rules are asked about it."""
    if wire.engine.rules:
        _tell(wire, f"{frame.api}.{frame.side}", frame, now)


def opened(wire: Wire, connection: int, node: int, tls: bool, now: float) -> None:
    """A client has connected."""
    if wire.engine.rules:
        _tell(wire, OPENED, Frame("connection", "event", "", connection, 0, (), node=node, tls=tls), now)


def known(wire: Wire, frame: Frame, now: float) -> None:
    """A client has said its id, and rules are about to be asked that name one: they may end it before its request has
    reached any other place."""
    if wire.engine.rules:
        _tell(wire, KNOWN, frame, now)


def resumed(wire: Wire, now: float) -> None:
    """Rules are armed again after a time in which nothing was told: these connections are open by now."""
    for each in wire.connections:
        frame = Frame("connection", "event", each.client_id or "", each.number, 0, (), node=each.node, tls=each.tls)
        _tell(wire, OPEN, frame, now)


def closed(wire: Wire, connection: int, now: float) -> None:
    """A connection is closed towards its client."""
    if wire.engine.rules:
        _tell(wire, CLOSED, Frame("connection", "event", "", connection, 0, ()), now)


def _tell(wire: Wire, place: str, frame: Frame, now: float) -> None:
    wire.observe(
        Reached(
            at=now,
            place=place,
            api=frame.api,
            version=frame.version,
            side=frame.side,
            client_id=frame.client_id,
            connection=frame.connection,
            node=frame.node,
            tls=frame.tls,
            correlation_id=frame.correlation_id,
            acks=frame.acks,
            transactional_id=frame.transactional_id,
            entries=tuple(
                (each.topic, each.partition, each.producer_id, each.tries, each.attempt, each.records, each.size)
                for each in frame.entries
            ),
            elapsed=wire.elapsed(now),
        )
    )
