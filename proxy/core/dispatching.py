"""What is told of requests of other APIs than produce that a fault sends again, or late: they went, or never will.

A produce request tells by its attempts what became of it. The others are no attempts, so this is told of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kafka.apis import api_name
from ..observations import Dispatched, Sent

if TYPE_CHECKING:
    from .exchanges import Exchange
    from .wire import Wire


def dispatched(wire: Wire, exchange: Exchange, kind: Sent, connection: int, now: float, sent: bool) -> None:
    """The request went to the broker on that connection, or never will; told once."""
    if exchange.went is not None:
        return
    exchange.went = sent
    wire.observe(
        Dispatched(
            at=now,
            connection=connection,
            api=api_name(exchange.api_key),
            version=exchange.api_version,
            correlation_id=exchange.correlation_id,
            client_id=exchange.client_id,
            kind=kind,
            sent=sent,
        )
    )
