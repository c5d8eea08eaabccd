"""The line between client and broker, as faults at `connection` make it: two pipes under what frame faults let pass.

A request that the rules at frames have let pass goes through the one, an answer through the other. With the client's
end, what waits behind an isolation without an end is lost; behind one that ends, it still goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from ..observations import Ack
from .layers import FAR, Layer, Layers
from .pipe import Pipe

Send = Callable[[bytes | memoryview], None]


class Link:
    """The link of one connection; made when the first layer comes."""

    def __init__(self, zero: Callable[[], float | None], to_broker: Send, to_client: Send) -> None:
        self.layers = Layers(zero)
        self.up = Pipe(self.layers, "up", to_broker)
        self.down = Pipe(self.layers, "down", to_client)

    @property
    def due(self) -> float:
        """When something is to be done; FAR where nothing is."""
        return min(self.layers.due, self.up.due, self.down.due)

    @property
    def idle(self) -> bool:
        """Whether nothing is left of it."""
        return not self.layers and self.up.clear and self.down.clear

    def lay(self, layer: Layer, now: float) -> None:
        """Put a layer on the connection."""
        self.layers.add(layer)
        self.advance(now)

    def take(self, rule: str, now: float) -> bool:
        """Take away what a rule has laid on it; False where bytes are gone that can never come any more."""
        self.layers.take(rule, now)
        return bool(self.layers.cut_off) or not (self.up.swallowed or self.down.swallowed)

    def advance(self, now: float) -> None:
        """Do what is due."""
        self.layers.lift(now)
        self.up.release(now)
        self.down.release(now)

    def give_up(self, now: float) -> None:
        """The connection is over: what waits is lost, and no layer is left."""
        self.up.discard(now)
        self.down.discard(now)
        self.layers.clear()

    def fate(self, ack: Ack, since: float, sent: bool) -> Ack:
        """What became of an answer that went into the link at `since`; `ack` is what it would be without one."""
        if not sent:
            if self.layers.isolate is not None:
                return "withheld"
            return "none" if ack == "delivered" else ack
        return "delayed" if self.layers.healed_at > since else ack


__all__ = ["FAR", "Layer", "Link"]
