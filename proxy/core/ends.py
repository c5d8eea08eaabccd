"""How one connection ends, and how it falls silent before that.

Either side may say that it sends nothing more (FIN) and go on reading; either may be gone altogether (RST). A
connection ends in steps: when the client has gone while produce answers are still on their way, or answers to what a
fault sent again or late, the broker's side is kept for a while (`WireSettings.drain`), so that what the broker answered
is known. A connection whose answers are withheld stays silent towards its client, the broker's own FIN included, as a
dead network would; it ends when the client closes it.

Events change the state; `advance` then does what follows from the state and the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..observations import ConnectionClosed
from .commands import Close, Finish, Side
from .copies import Copies
from .exchanges import Exchanges
from .link import Layer, Link
from .outlet import FAR, Outlet
from .recording import closed

if TYPE_CHECKING:
    from .wire import Wire

How = Literal["fin", "reset"]
By = Literal["client", "broker", "ackdrop"]


class Ends:
    """The two ends of a connection. The first cause of its end is the one that is told."""

    def __init__(
        self, wire: Wire, number: int, exchanges: Exchanges, copies: Copies, to_client: Outlet, to_broker: Outlet
    ) -> None:
        self._wire = wire
        self._number = number
        self._exchanges = exchanges
        self._copies = copies
        self._to_client = to_client
        self._to_broker = to_broker
        self.client_open = self.broker_open = True
        """Whether something may still be sent to that side."""
        self.takes_requests = True
        """Whether a request may still go to the broker: none may behind one that was lost on the line."""
        self.client_sends = self.broker_sends = True
        """Whether something may still come from that side. A client that sends nothing more counts as gone."""
        self.garbled = False
        """Whether a fault has spoilt the frames of this connection: what comes back may make no sense."""
        self.link: Link | None = None
        """What faults at `connection` make of the line; None where they do nothing to it."""
        self.closed_how: How | None = None
        """How the client's side was closed, once it is."""
        self._ending: How | None = None
        self._silent_until: float | None = None
        self._drain_until: float | None = None
        self._planned = FAR
        self._said_end = False
        self._left = False
        self._to_broker_how: How = "fin"
        self._to_client_how: How = "fin"
        self._cause: tuple[By, How, str] | None = None
        self._told = False

    @property
    def silent(self) -> bool:
        """Whether answers are withheld from the client."""
        return self._silent_until is not None

    @property
    def calm(self) -> bool:
        """Whether nothing has ended, and nothing is about to."""
        both = self.client_sends and self.broker_sends and self.takes_requests and self._ending is None
        return both and self._silent_until is None and not self.garbled and not self._left

    # What happens.

    def hold(self, until: float) -> None:
        """Withhold every answer from now on until that time."""
        self._silent_until = until

    def cut(self, how: How, now: float) -> None:
        """End the client's side for a fault. The broker's answers are still read, and withheld."""
        self._silent_until = FAR
        self._cause = self._cause or ("ackdrop", how, "fault")
        self._close_client(how, now)

    def lay(self, layer: Layer, now: float) -> None:
        """A fault at `connection` lies on it from now on."""
        if self.link is None:
            self.link = Link(lambda: self._wire.zero, self._to_broker.send, self._to_client.send)
        self._to_broker.under, self._to_client.under = self.link.up, self.link.down
        self.link.lay(layer, now)

    def lift(self, rule: str, now: float) -> None:
        """A fault at `connection` lies on it no more. Where it has swallowed bytes, nothing can go on behind them."""
        if self.link is not None and not self.link.take(rule, now) and self.closed_how is None:
            self.cut_both("reset", now)

    def cut_both(self, how: How, now: float) -> None:
        """End both sides for a fault at `connection`, whatever is on the line; the broker's once its answers are in."""
        self._give_up(now)
        self._to_broker_how = how
        self.cut(how, now)

    def client_ended(self, how: How, now: float) -> None:
        """The client sends nothing more, or is gone."""
        self._left = True
        if not self.client_sends:
            self._end_client(now, gone=True)
            return
        cut_off = self.link is not None and self.link.layers.cut_off
        if cut_off:
            self._give_up(now)
        elif self.link is not None:
            self.link.up.mark_end(now)
        self.client_sends = False
        self._cause = self._cause or ("client", how, "")
        self._to_broker_how = how
        self._exchanges.abandoned(now)
        self._to_client.disown(now)
        if how == "reset" or self.silent or cut_off:
            self._close_client("fin", now, gone=True)

    def broker_ended(self, how: How, now: float) -> None:
        """The broker sends nothing more, or is gone. Its client learns so once it has what the broker sent."""
        if not self.broker_sends:
            return
        self.broker_sends = False
        self._cause = self._cause or ("broker", how, "")
        if self._to_client.clear and not self.silent:
            self._to_client_how = how
        self._close_broker("fin", now)

    def finish(self, reason: str, now: float) -> None:
        """End both sides at once, from our side."""
        self._cause = self._cause or ("ackdrop", "fin", reason)
        self._give_up(now)
        self._close_client("fin", now)
        self._close_broker("fin", now)
        self._tell(now)

    def _give_up(self, now: float) -> None:
        """What is on the line is lost, and nothing comes behind what is lost on its way to the broker, or could never
        come through: TCP keeps order, and a broker reads no frame that has a hole in it."""
        if self.link is not None:
            lost = not self.link.up.clear or self.link.layers.cut_off
            self.link.give_up(now)
            if lost:
                self.takes_requests = False
                self._to_broker.discard(now)
                self._copies.give_up(now)
            self._exchanges.forget_unsent(now)

    # What follows.

    def advance(self, now: float) -> None:
        """Do what the state and the time ask for, and plan when to look again."""
        if self._silent_until is not None and self._silent_until <= now:
            self._silent_until = None
        if self.link is not None:
            self.link.advance(now)
            if self._left and self.link.layers.cut_off:
                self._give_up(now)
                self._close_client("fin", now, gone=True)
            if self.link.idle:
                self._to_broker.under = self._to_client.under = None
        if self.client_open:
            self._to_client.release(now)
        if self.broker_open:
            self._to_broker.release(now)
        if self._drain_until is not None and self._drain_until <= now:
            self._close_broker(self._to_broker_how, now)
        if not self.client_sends and self.broker_open:
            self._drain(now)
        if not self.broker_open and not self.silent and self._to_client.clear:
            self._close_client(self._to_client_how, now)
        self._end_client(now)
        self._tell(now)
        self._plan(now)

    def _drain(self, now: float) -> None:
        """The client sends nothing more: tell the broker, once it has all requests and its answers to them are in."""
        if not self._to_broker.clear:
            return
        if self._exchanges.owes:
            if self._drain_until is None:
                self._drain_until = now + self._wire.settings.drain
            return
        self._drain_until = None
        if not self.client_open:
            self._close_broker(self._to_broker_how, now)
        elif not self._said_end:
            self._said_end = True
            self._copies.give_up(now)
            self._wire.command(Finish(self._number, Side.BROKER))

    def _plan(self, now: float) -> None:
        if self._planned <= now:
            self._planned = FAR
        times = [self._silent_until, self._drain_until]
        times.append(self._to_client.due if self.client_open else None)
        times.append(self._to_broker.due if self.broker_open else None)
        times.append(self.link.due if self.link is not None else None)
        due = min((time for time in times if time is not None), default=FAR)
        if due < self._planned and not self._told:
            self._planned = due
            self._wire.wake_at(due, self._number)

    def _close_client(self, how: How, now: float, *, gone: bool = False) -> None:
        if self.client_open:
            self.client_open = self.client_sends = False
            self._exchanges.abandoned(now)
            self._to_client.discard(now)
            self._ending = how
            if self.link is not None and not gone:
                self.link.down.mark_end(now)
            self._end_client(now, gone=gone)

    def _end_client(self, now: float, *, gone: bool = False) -> None:
        """Close the client's side where that was asked for, behind what is still on the line; at once where nobody is
        there any more."""
        if self._ending is None or self.closed_how is not None:
            return
        if self.link is not None and gone:
            self.link.down.discard(now)
        if self.link is None or gone or self.link.down.clear:
            self.closed_how = self._ending
            self._wire.command(Close(self._number, Side.CLIENT, self._ending))
            closed(self._wire, self._number, now)

    def _close_broker(self, how: How, now: float) -> None:
        if self.broker_open:
            self.broker_open = self.broker_sends = self.takes_requests = False
            self._drain_until = None
            self._to_broker.discard(now)
            if self.link is not None:
                self.link.up.discard(now)
            self._wire.command(Close(self._number, Side.BROKER, how))
            self._exchanges.clear(now)
            self._copies.give_up(now)

    def _tell(self, now: float) -> None:
        if self.closed_how is not None and not self.broker_open and not self._told:
            self._told = True
            by, how, reason = self._cause or ("ackdrop", "fin", "")
            self._wire.lanes.tell_all()
            self._wire.observe(ConnectionClosed(now, self._number, by, how, reason))
            self._wire.forget(self._number)
