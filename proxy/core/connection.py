"""One client's connection through the proxy: what becomes of each frame.

Requests go on to the broker as they came, answers to the client; what has to be read is read on the way. `exchanges`
knows which request an answer belongs to, `ends` whether anyone is left to send it to. A produce request with acks=0
gets no answer.
"""

from __future__ import annotations

from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Literal

from ..errors import UndecodableError, WireError
from ..faults.verdicts import Postpone, Withhold
from ..kafka.apis import api_name
from ..kafka.headers import RequestHeader, request_header, software
from ..observations import Ack, ConnectionOpened, Undecoded
from .assembly import HEAD, Assembly
from .commands import Command, Send, Side
from .copies import Copies
from .ends import Ends
from .exchanges import Exchange, Exchanges
from .outlet import FAR, Outlet
from .produce import PRODUCE, InFlight, ProduceTraffic, read_request
from .routing import API_VERSIONS, rewritten, topic_ids, wanted_whole

if TYPE_CHECKING:
    from .wire import Wire

_REQUEST_HEAD = Struct(">ihhi")
_RESPONSE_HEAD = Struct(">ii")
_REQUEST_LEAST = HEAD - 4
_RESPONSE_LEAST = 4
_READ_REQUESTS = frozenset({PRODUCE, API_VERSIONS})


class Connection:
    """One connection, fed by the relay with what either side sends and with how either side ends."""

    def __init__(self, wire: Wire, number: int, node: int, peer: str, now: float) -> None:
        self.number = number
        self.node = node
        self._wire = wire
        self._now = now
        self._software = ""
        self._parked: list[bytes] = []
        self._ended_while_parked: Literal["fin", "reset"] | None = None
        self._streams_on = False
        self._produce = ProduceTraffic(wire, number)
        self._exchanges = Exchanges(wire, self._produce)
        self._to_client = Outlet(lambda data: wire.command(Send(number, Side.CLIENT, data)))
        self._copies = Copies(wire, number, node, self._exchanges, self._produce)
        self._ends = Ends(wire, number, self._exchanges, self._copies, self._to_client)
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
        wire.observe(ConnectionOpened(now, number, node, peer))

    # What the relay calls.

    def received(self, side: Side, data: memoryview, now: float) -> list[Command]:
        """Bytes came from that side."""
        self._now = now
        try:
            if side is Side.BROKER and self._ends.broker_open:
                self._answers.feed(data)
            elif side is Side.CLIENT and self._ends.client_open and self._ends.broker_open:
                self._requests.feed(data)
        except WireError as error:
            self._refuse("request" if side is Side.CLIENT else "answer", error)
        return self._what_follows()

    def ended(self, side: Side, how: Literal["fin", "reset"], now: float) -> list[Command]:
        """That side sends nothing more (FIN), or is gone altogether (reset)."""
        self._now = now
        if side is Side.BROKER:
            self._ends.broker_ended(how, now)
        elif self._parked:
            self._ended_while_parked = how
        else:
            self._ends.client_ended(how, now)
        return self._what_follows()

    def shut(self, reason: str, now: float) -> list[Command]:
        """End the connection from our side: the run is over, or the broker could not be reached."""
        self._now = now
        self._ends.finish(reason, now)
        return self._what_follows()

    def may_read(self, side: Side) -> bool:
        """Whether more bytes from that side are welcome, or too many wait already."""
        waiting = sum(map(len, self._parked)) if side is Side.CLIENT else self._to_client.waiting
        return waiting <= self._wire.settings.backlog

    # What the wire calls.

    def wake(self, now: float) -> None:
        """A time that was planned has come."""
        self._now = now
        self._copies.wake(now)
        self._ends.advance(now)

    def unpark(self, now: float) -> None:
        """Start offsets came in: let the requests go that waited for them."""
        self._now = now
        parked, self._parked = self._parked, []
        if not self._ends.broker_open:
            parked.clear()
        try:
            for frame in parked:
                if self._parked or self._request_head(memoryview(frame)[:HEAD]):
                    self._request(memoryview(frame))
                else:
                    self._pass_request(frame)
        except WireError as error:
            self._refuse("request", error)
        if not self._parked and self._ended_while_parked is not None:
            self._ends.client_ended(self._ended_while_parked, now)
        self._ends.advance(now)

    def _what_follows(self) -> list[Command]:
        self._ends.advance(self._now)
        return self._wire.take_commands()

    # Requests, from the client to the broker.

    def _request_head(self, head: memoryview) -> bool:
        _, key, version, correlation_id = _REQUEST_HEAD.unpack(head)
        if key in _READ_REQUESTS or self._parked:
            return True
        self._exchanges.add(Exchange(correlation_id, key, version))
        return False

    def _pass_request(self, data: bytes | memoryview) -> None:
        if self._ends.broker_open:
            self._wire.command(Send(self.number, Side.BROKER, data))

    def _request(self, frame: memoryview) -> None:
        if self._parked:
            self._parked.append(bytes(frame))
            return
        header = request_header(frame)
        exchange = Exchange(header.correlation_id, header.api_key, header.api_version)
        if header.api_key == API_VERSIONS:
            self._software = software(frame, header) or self._software
        elif header.api_key == PRODUCE:
            self._produce_request(frame, header, exchange)
            return
        self._exchanges.add(exchange)
        self._pass_request(frame)

    def _produce_request(self, frame: memoryview, header: RequestHeader, exchange: Exchange) -> None:
        """Read a produce request and pass it on, and copies of it where a rule says so; or let it wait."""
        request = read_request(frame, header)
        if isinstance(request, UndecodableError):
            exchange.certain = False
            self._undecoded(exchange, request, closed=False)
            self._exchanges.add(exchange)
            self._pass_request(frame)
            return
        unknown = self._produce.unknown(request)
        if unknown:
            self._parked.append(bytes(frame))
            for asked in unknown:
                self._wire.ask(asked)
            return
        in_flight = self._produce.request(frame, header, request, self._software, self._now)
        if in_flight.acks != 0:
            exchange.produce = in_flight
            self._exchanges.add(exchange)
        self._pass_request(frame)
        self._copies.ask(frame, in_flight, self._now)

    # Answers, from the broker to the client.

    def _answer_head(self, head: memoryview) -> bool:
        if not self._ends.broker_open:
            self._streams_on = False
            return False
        exchange = self._exchanges.answered_by(_RESPONSE_HEAD.unpack_from(head)[1])
        if wanted_whole(exchange.api_key, exchange.api_version):
            return True
        self._exchanges.pop()
        self._streams_on = not self._ends.silent
        return False

    def _pass_answer(self, data: memoryview) -> None:
        if self._streams_on and self._ends.client_open:
            self._to_client.put(data, self._now)

    def _answer(self, frame: memoryview) -> None:
        exchange = self._exchanges.pop()
        in_flight = exchange.produce
        if in_flight is not None and in_flight.injected:
            self._answer_copy(frame, exchange, in_flight)
            return
        try:
            answer = rewritten(exchange.api_key, exchange.api_version, frame, self._wire.translate)
            for name, topic_id in topic_ids(exchange.api_key, exchange.api_version, frame):
                self._wire.learn(topic_id, name)
        except UndecodableError as error:
            if in_flight is not None:
                self._produce.lost(in_flight, "none", self._now)
            self._undecoded(exchange, error, closed=True)
            self._ends.finish(f"{api_name(exchange.api_key)} answer not decoded", self._now)
            return
        if in_flight is not None:
            self._answer_produce(answer, exchange, in_flight)
        elif self._ends.client_open and not self._ends.silent:
            self._to_client.put(answer, self._now)

    def _answer_produce(self, frame: bytes | memoryview, exchange: Exchange, in_flight: InFlight) -> None:
        try:
            self._produce.answer(frame, in_flight, self._now)
        except UndecodableError as error:
            self._undecoded(exchange, error, closed=False)
        if self._ends.silent:
            self._produce.lost(in_flight, "withheld", self._now)
        elif self._ends.client_sends:
            self._judge(frame, in_flight)
        else:
            self._produce.lost(in_flight, "none", self._now)
            if self._ends.client_open:
                self._to_client.put(frame, self._now)

    def _answer_copy(self, frame: memoryview, exchange: Exchange, in_flight: InFlight) -> None:
        """The answer to a copy of ours: nobody waits for it but we."""
        try:
            self._produce.answer(frame, in_flight, self._now)
        except UndecodableError as error:
            self._undecoded(exchange, error, closed=False)
        self._produce.lost(in_flight, "none", self._now)

    def _judge(self, frame: bytes | memoryview, in_flight: InFlight) -> None:
        """Let the rules decide what becomes of an answer, and do it."""
        judged = self._produce.judge(frame, in_flight, self._now)
        verdict = judged.verdict
        if isinstance(verdict, Withhold):
            self._produce.lost(in_flight, "dropped", self._now)
            self._withhold(verdict)
            return
        late = isinstance(verdict, Postpone)
        due = self._now + verdict.seconds if isinstance(verdict, Postpone) else 0.0
        ack: Ack = "delayed" if late or not self._to_client.empty else "delivered"
        went = partial(self._answer_went, in_flight, judged.codes, ack)
        self._to_client.put(judged.frame, self._now, due=due, then=went)

    def _answer_went(self, in_flight: InFlight, codes: dict[int, int], ack: Ack, now: float, sent: bool) -> None:
        if sent:
            self._produce.delivered(in_flight, codes, ack, now)
        else:
            self._produce.lost(in_flight, ack, now)

    def _withhold(self, verdict: Withhold) -> None:
        if verdict.then == "hold":
            self._ends.hold(FAR if verdict.seconds is None else self._now + verdict.seconds)
        else:
            self._ends.cut("reset" if verdict.then == "reset" else "fin", self._now)

    # Errors of the peers.

    def _refuse(self, what: str, error: WireError) -> None:
        """Bytes that make no sense: nothing after them can be told apart, so the connection ends."""
        self._wire.observe(Undecoded(self._now, self.number, what, -1, str(error), True))
        self._ends.finish(str(error), self._now)

    def _undecoded(self, exchange: Exchange, error: UndecodableError, *, closed: bool) -> None:
        name = api_name(exchange.api_key)
        self._wire.observe(Undecoded(self._now, self.number, name, exchange.api_version, str(error), closed))
