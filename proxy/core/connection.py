"""One client's connection through the proxy: its exchanges in order, and what becomes of each frame.

A client sends requests; the broker answers them on the same connection in their order (the protocol guide, "Network").
So an answer belongs to the first request that still waits, and its correlation id has to agree. A produce request with
acks=0 gets no answer.

A connection ends in steps: when the client has gone while produce answers are still on their way, the broker's side is
kept for a while (`WireSettings.drain`), so that what the broker answered is known. A connection whose answers are
withheld stays silent towards its client, the broker's own FIN included, as a dead network would.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Literal

from ..errors import UndecodableError, WireError
from ..faults.verdicts import Postpone, Withhold
from ..kafka.apis import api_name
from ..kafka.headers import request_header, software
from ..observations import Ack, ConnectionClosed, ConnectionOpened, Undecoded
from .assembly import HEAD, Assembly
from .commands import Close, Command, Finish, Send, Side
from .outlet import FAR, Outlet
from .produce import PRODUCE, InFlight, Judged, ProduceTraffic, read_request
from .routing import API_VERSIONS, WANTED_WHOLE, rewritten, topic_ids

if TYPE_CHECKING:
    from .wire import Wire

_REQUEST_HEAD = Struct(">ihhi")
_RESPONSE_HEAD = Struct(">ii")
_REQUEST_LEAST = 8
_RESPONSE_LEAST = 4
_READ_REQUESTS = frozenset({PRODUCE, API_VERSIONS})


@dataclass(slots=True)
class Exchange:
    """A request that waits for its answer. `certain` is False where the broker may not answer it at all."""

    correlation_id: int
    api_key: int
    api_version: int
    produce: InFlight | None = None
    certain: bool = True


class Connection:
    """One connection, fed by the relay with what either side sends and with how either side ends."""

    def __init__(self, wire: Wire, number: int, node: int, peer: str, now: float) -> None:
        self.number = number
        self.node = node
        self._wire = wire
        self._now = now
        self._exchanges: deque[Exchange] = deque()
        self._answering: Exchange | None = None
        self._produce = ProduceTraffic(wire, number)
        self._software = ""
        self._parked: list[bytes] = []
        self._ended_while_parked: Literal["fin", "reset"] | None = None
        self._silent_until: float | None = None
        self._client_open = self._broker_open = True
        self._client_sends = self._broker_sends = True
        self._drain_until: float | None = None
        self._end: tuple[Literal["client", "broker", "ackdrop"], Literal["fin", "reset"], str] | None = None
        limit = wire.settings.frame_limit
        self._requests = Assembly(
            head=self._request_head,
            whole=self._request,
            through=self._pass_request,
            least=_REQUEST_LEAST,
            limit=limit,
        )
        self._answers = Assembly(
            head=self._answer_head,
            whole=self._answer,
            through=self._pass_answer,
            least=_RESPONSE_LEAST,
            limit=limit,
        )
        self._to_client = Outlet(lambda data: wire.command(Send(number, Side.CLIENT, data)))
        self._to_broker = Outlet(lambda data: wire.command(Send(number, Side.BROKER, data)))
        wire.observe(ConnectionOpened(now, number, node, peer))

    # What the relay calls.

    def received(self, side: Side, data: memoryview, now: float) -> list[Command]:
        """Bytes came from that side."""
        self._now = now
        if side is Side.CLIENT and self._client_open and self._broker_open:
            self._guarded(self._requests, data)
        elif side is Side.BROKER and self._broker_open:
            self._guarded(self._answers, data)
        return self._wire.take_commands()

    def ended(self, side: Side, how: Literal["fin", "reset"], now: float) -> list[Command]:
        """That side sends nothing more (FIN), or is gone altogether (reset)."""
        self._now = now
        if side is Side.CLIENT:
            self._client_ended(how)
        else:
            self._broker_ended(how)
        return self._wire.take_commands()

    def shut(self, reason: str, now: float) -> list[Command]:
        """End the connection from our side: the run is over, or the broker could not be reached."""
        self._now = now
        self._finish("ackdrop", "fin", reason)
        return self._wire.take_commands()

    def may_read(self, side: Side) -> bool:
        """Whether more bytes from that side are welcome, or too many wait already."""
        if side is Side.CLIENT:
            waiting = self._to_broker.waiting + sum(map(len, self._parked))
        else:
            waiting = self._to_client.waiting
        return waiting <= self._wire.settings.backlog

    # Requests, from the client to the broker.

    def _request_head(self, head: memoryview) -> bool:
        if len(head) < HEAD:
            raise WireError(f"a request of {len(head)} bytes is too short for its header")
        _, key, version, correlation_id = _REQUEST_HEAD.unpack(head)
        if key in _READ_REQUESTS or self._parked:
            return True
        self._exchanges.append(Exchange(correlation_id, key, version))
        return False

    def _pass_request(self, data: memoryview) -> None:
        if not self._broker_open:
            return
        self._to_broker.put(data, self._now)

    def _request(self, frame: memoryview) -> None:
        if self._parked:
            self._parked.append(bytes(frame))
            return
        if not self._broker_open:
            return
        header = request_header(frame)
        exchange = Exchange(header.correlation_id, header.api_key, header.api_version)
        if header.api_key == API_VERSIONS:
            self._software = software(frame, header) or self._software
        elif header.api_key == PRODUCE:
            request = read_request(frame, header)
            if isinstance(request, UndecodableError):
                exchange.certain = False
                self._undecoded(exchange, str(request), closed=False)
            else:
                unknown = self._produce.unknown(request)
                if unknown:
                    self._parked.append(bytes(frame))
                    for asked in unknown:
                        self._wire.ask(asked)
                    return
                exchange.produce = self._produce.request(frame, header, request, self._software, self._now)
                if exchange.produce is None:
                    self._to_broker.put(frame, self._now)
                    return
                self._wire.unsettled += 1
        self._exchanges.append(exchange)
        self._to_broker.put(frame, self._now)

    def unpark(self, now: float) -> None:
        """Start offsets came in: let the requests go that waited for them."""
        self._now = now
        parked, self._parked = self._parked, []
        for frame in parked:
            if self._parked or self._request_head(memoryview(frame)[:HEAD]):
                self._request(memoryview(frame))
            else:
                self._pass_request(memoryview(frame))
        if not self._parked and self._ended_while_parked is not None:
            self._client_ended(self._ended_while_parked)

    # Answers, from the broker to the client.

    def _answer_head(self, head: memoryview) -> bool:
        if not self._broker_open:
            return False
        correlation_id = _RESPONSE_HEAD.unpack_from(head)[1]
        while self._may_have_no_answer(correlation_id):
            self._exchanges.popleft()
        if not self._exchanges:
            raise WireError(f"an answer with correlation id {correlation_id}, which no request waits for")
        exchange = self._exchanges.popleft()
        if exchange.correlation_id != correlation_id:
            raise WireError(
                f"an answer with correlation id {correlation_id} where {exchange.correlation_id} was to come next"
            )
        self._answering = exchange
        return exchange.api_key in WANTED_WHOLE

    def _may_have_no_answer(self, correlation_id: int) -> bool:
        first = self._exchanges[0] if self._exchanges else None
        return first is not None and not first.certain and first.correlation_id != correlation_id

    def _pass_answer(self, data: memoryview) -> None:
        if self._client_open and not self._silent:
            self._to_client.put(data, self._now)

    def _answer(self, frame: memoryview) -> None:
        exchange, self._answering = self._answering, None
        assert exchange is not None
        try:
            answer = rewritten(exchange.api_key, exchange.api_version, frame, self._wire.translate)
            self._wire.topic_names.update(
                (topic_id, name) for name, topic_id in topic_ids(exchange.api_key, exchange.api_version, frame)
            )
        except UndecodableError as error:
            self._undecoded(exchange, str(error), closed=True)
            self._settle(exchange, "none")
            self._finish("ackdrop", "fin", f"{api_name(exchange.api_key)} answer not decoded")
            return
        if exchange.produce is not None:
            self._answer_produce(answer, exchange, exchange.produce)
        elif self._client_open and not self._silent:
            self._to_client.put(answer, self._now)
        self._drained()

    def _answer_produce(self, frame: bytes | memoryview, exchange: Exchange, in_flight: InFlight) -> None:
        self._wire.unsettled -= 1
        try:
            self._produce.answer(frame, in_flight, self._now)
        except UndecodableError as error:
            self._undecoded(exchange, str(error), closed=False)
        if self._silent:
            self._produce.lost(in_flight, "withheld", self._now)
        elif not self._client_open or not self._client_sends:
            self._produce.lost(in_flight, "none", self._now)
            self._pass_answer(memoryview(frame))
        else:
            self._perform(self._produce.judge(frame, exchange.correlation_id, in_flight, self._now), in_flight)

    def _perform(self, judged: Judged, in_flight: InFlight) -> None:
        verdict = judged.verdict
        if isinstance(verdict, Withhold):
            self._produce.lost(in_flight, "dropped", self._now)
            self._withhold(verdict)
            return
        late = isinstance(verdict, Postpone)
        due = self._now + verdict.seconds if isinstance(verdict, Postpone) else 0.0
        ack: Ack = "delayed" if late or not self._to_client.empty else "delivered"
        self._to_client.put(
            judged.frame, self._now, due=due, then=partial(self._answer_went, in_flight, judged.codes, ack)
        )
        if not self._to_client.empty:
            self._wire.wake_at(self._to_client.due, self.number)

    def _answer_went(self, in_flight: InFlight, codes: dict[int, int], ack: Ack, now: float, sent: bool) -> None:
        """An answer left, or never will. A client that has said its end is not counted on to have read it."""
        if sent and self._client_sends:
            self._produce.delivered(in_flight, codes, ack, now)
        else:
            self._produce.lost(in_flight, ack, now)

    # Silence and endings.

    @property
    def _silent(self) -> bool:
        return self._silent_until is not None

    def _withhold(self, verdict: Withhold) -> None:
        if verdict.then == "hold":
            self._silent_until = FAR if verdict.seconds is None else self._now + verdict.seconds
            if verdict.seconds is not None:
                self._wire.wake_at(self._silent_until, self.number)
            return
        how: Literal["fin", "reset"] = "reset" if verdict.then == "reset" else "fin"
        self._silent_until = FAR
        self._end = ("ackdrop", how, "fault")
        self._close_client(how)

    def wake(self, now: float) -> None:
        """A time that was planned has come."""
        self._now = now
        if self._silent_until is not None and self._silent_until <= now:
            self._silent_until = None
            if not self._broker_open:
                self._close_client("fin")
        if self._client_open:
            self._to_client.release(now)
            if not self._to_client.empty and self._to_client.due > now:
                self._wire.wake_at(self._to_client.due, self.number)
            elif self._to_client.empty and not self._broker_open and not self._silent:
                self._close_client("fin")
        if self._drain_until is not None and self._drain_until <= now:
            self._close_broker()
        self._wire_end()

    def _client_ended(self, how: Literal["fin", "reset"]) -> None:
        if not self._client_sends:
            return
        if self._parked:
            self._ended_while_parked = how
            return
        self._client_sends = False
        self._end = self._end or ("client", how, "")
        if how == "reset" or self._silent or not self._broker_open:
            self._close_client("fin")
        self._drain()
        self._wire_end()

    def _broker_ended(self, how: Literal["fin", "reset"]) -> None:
        if not self._broker_sends:
            return
        self._broker_sends = False
        self._end = self._end or ("broker", how, "")
        self._close_broker()
        if not self._silent and self._to_client.empty:
            self._close_client(how)
        self._wire_end()

    def _drain(self) -> None:
        """The client sends nothing more: tell the broker, once its answers to produce requests are in."""
        if not self._broker_open:
            return
        if not any(exchange.produce for exchange in self._exchanges):
            self._say_end_to_broker()
        elif self._drain_until is None:
            self._drain_until = self._now + self._wire.settings.drain
            self._wire.wake_at(self._drain_until, self.number)

    def _drained(self) -> None:
        if self._drain_until is not None:
            self._drain()
            self._wire_end()

    def _say_end_to_broker(self) -> None:
        if self._client_open:
            self._wire.command(Finish(self.number, Side.BROKER))
        else:
            self._close_broker()

    def _close_client(self, how: Literal["fin", "reset"]) -> None:
        if self._client_open:
            self._client_open = self._client_sends = False
            self._to_client.discard(self._now)
            self._wire.command(Close(self.number, Side.CLIENT, how))
            self._drain()

    def _close_broker(self) -> None:
        if self._broker_open:
            self._broker_open = False
            self._wire.command(Close(self.number, Side.BROKER, "fin"))
            for exchange in self._exchanges:
                self._settle(exchange, "none")
            self._exchanges.clear()

    def _settle(self, exchange: Exchange, ack: Ack) -> None:
        if exchange.produce is not None and not exchange.produce.settled:
            self._wire.unsettled -= 1
            self._produce.lost(exchange.produce, "withheld" if self._silent else ack, self._now)

    def _finish(self, by: Literal["client", "broker", "ackdrop"], how: Literal["fin", "reset"], reason: str) -> None:
        self._end = self._end or (by, how, reason)
        self._close_client(how)
        self._close_broker()
        self._wire_end()

    def _wire_end(self) -> None:
        if not self._client_open and not self._broker_open and self._end is not None:
            by, how, reason = self._end
            self._wire.observe(ConnectionClosed(self._now, self.number, by, how, reason))
            self._wire.forget(self.number)
            self._end = None

    # Errors of the peers.

    def _guarded(self, assembly: Assembly, data: memoryview) -> None:
        try:
            assembly.feed(data)
        except WireError as error:
            side = "request" if assembly is self._requests else "answer"
            self._wire.observe(Undecoded(self._now, self.number, side, -1, str(error), True))
            self._finish("ackdrop", "fin", str(error))

    def _undecoded(self, exchange: Exchange, reason: str, *, closed: bool) -> None:
        name = api_name(exchange.api_key)
        self._wire.observe(Undecoded(self._now, self.number, name, exchange.api_version, reason, closed))
