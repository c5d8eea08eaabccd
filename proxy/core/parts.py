"""What the two ways of a connection share, the one of its requests and the one of its answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..kafka.apis import api_name
from ..observations import Undecoded
from .copies import Copies
from .ends import Ends
from .exchanges import Exchange, Exchanges
from .outlet import Outlet
from .produce import ProduceTraffic
from .raw_sasl import RawSasl

if TYPE_CHECKING:
    from .wire import Wire


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one connection. `node` is the broker id that its listener stands for; `tls` is the client's side."""

    wire: Wire
    number: int
    node: int
    tls: bool
    traffic: ProduceTraffic
    exchanges: Exchanges
    copies: Copies
    ends: Ends
    to_client: Outlet
    to_broker: Outlet
    sasl: RawSasl

    def undecoded(self, exchange: Exchange, error: Exception, now: float, *, closed: bool) -> None:
        """A frame that matters cannot be read."""
        name = api_name(exchange.api_key)
        self.wire.observe(Undecoded(now, self.number, name, exchange.api_version, str(error), closed))
