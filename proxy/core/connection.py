"""One client's connection through the proxy, as the relay sees it: bytes and ends of either side in, commands out.

`requests` is the way of what the client sends, `answers` that of what the broker answers; `exchanges` knows which
request an answer belongs to, `ends` whether anyone is left to send to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ..errors import WireError
from ..faults.rule import Rule
from ..kafka.headers import client_of
from ..observations import ConnectionOpened, Undecoded
from .answers import Answers
from .assembly import HEAD, Assembly
from .commands import Command, Send, Side
from .copies import Copies
from .ends import Ends
from .exchanges import Exchanges
from .kept import Kept
from .large import Large
from .link import Layer
from .outlet import Outlet
from .parts import Parts
from .produce import ProduceTraffic
from .quick import whole_size
from .raw_sasl import RawSasl
from .recording import opened
from .requests import Requests
from .traffic import Received

if TYPE_CHECKING:
    from .wire import Wire

_REQUEST_LEAST = HEAD - 4
_RESPONSE_LEAST = 4
_FEW = 1 << 16
"""More bytes than an answer of the short way has."""
_ANY_SIZE = (1 << 31) - 1
"""A client may ask for answers of any size, and a broker sends them: `fetch.max.bytes` knows no limit."""


_OF_CLIENTS_TLS = "; with --tls-cert and --tls-key the proxy does, too"
_OF_BROKERS_TLS = "; with --upstream-tls the proxy does, too"


class Connection:
    """One connection, fed by the relay with what either side sends and with how either side ends."""

    def __init__(self, wire: Wire, number: int, node: int, peer: str, now: float, *, tls: bool = False) -> None:
        self.number = number
        self.node = node
        self.tls = tls
        """Whether the client's side is encrypted."""
        self._wire = wire
        self._now = now
        self._ended_while_parked: Literal["fin", "reset"] | None = None
        self.client_id: str | None = None
        """What the client has said that it is called; None where it has not, or nobody wants to know."""
        self._first: bytes | None = b"" if wire.names_clients else None
        self.awaited: list[Rule] = []
        """Rules that came while it was open, and could not be asked before its client has said its id."""
        self._late = False
        """Whether requests have passed before anybody wanted to know who the client is."""
        self._parts = _parts(wire, number, node, tls, RawSasl(self._raw))
        self._ends, self._to_client = self._parts.ends, self._parts.to_client
        self._requests = Requests(self._parts)
        self._answers = Answers(self._parts)
        self._quick = self._requests.quick
        self._kept_request, self._kept_answer = Kept(), Kept()
        """Too few bytes of a frame to see whether it may go the short way."""
        self._calm = self._flows = False
        """Whether answers may go the short way, and whether requests may as well: known anew each time after anything
        has gone the long one."""
        limit = wire.settings.frame_limit
        self._request_frames = Assembly(
            head=lambda head: self._requests.head(head, self._now),
            whole=self._request,
            through=lambda data: self._requests.through(data, self._now),
            least=_REQUEST_LEAST,
            limit=limit,
            of_tls=_OF_CLIENTS_TLS,
        )
        self._answer_frames = Assembly(
            head=lambda head: self._answers.head(head, self._now),
            whole=lambda frame: self._answers.whole(frame, self._now),
            through=lambda data: self._answers.through(data, self._now),
            least=_RESPONSE_LEAST,
            limit=limit,
            most=_ANY_SIZE,
            of_tls=_OF_BROKERS_TLS,
        )
        wire.observe(ConnectionOpened(now, number, node, peer))
        opened(wire, number, node, tls, now)

    # What the relay calls.

    def through(self, side: Side) -> Callable[[bytes, float], int]:
        """What says how many bytes that come from that side, and when, go on to the other as they are, and at once. The
        rest is to be `received`."""
        return self._quick.large.requests if side is Side.CLIENT else self._quick.open.answers

    @property
    def large(self) -> Large:
        """The large request that is on its way: bytes of it may go on unread."""
        return self._quick.large

    def came_whole(self, now: float) -> list[Command]:
        """A large request of which bytes went on unread has come to its end, and is not like others."""
        self._now = now
        self._quick.came_whole(now)
        return self._what_follows()

    def received(self, side: Side, data: memoryview, now: float) -> list[Command]:
        """Bytes came from that side."""
        self._now = now
        try:
            rest = self._requests_on(data) if side is Side.CLIENT else self._answers_on(data)
            if not rest and (self._flows if side is Side.CLIENT else self._calm):
                self._look()
                return self._wire.take_commands()
            if side is Side.BROKER and self._ends.broker_open:
                self._by_turns(rest, self._answer_frames, self._ours, self._short_answers)
            elif side is Side.CLIENT and self._ends.client_open and self._ends.broker_open:
                if self._first is None:
                    self._by_turns(rest, self._request_frames, self._copies, self._short_requests)
                else:
                    self._introduced(self._first + rest)
        except WireError as error:
            self._refuse("request" if side is Side.CLIENT else "answer", error)
        return self._what_follows()

    def _requests_on(self, data: memoryview) -> memoryview:
        """What is left where a request is on its way already, or goes the short way, or too few bytes of it came."""
        if not (self._ends.client_open and self._ends.broker_open):
            return data[:0]
        kept, going = bool(self._kept_request), self._quick.passing
        if going:
            done, goes = self._quick.go_on(data, self._now)
            if goes and self._ends.takes_requests:
                self._parts.to_broker.put(goes, self._now)
            data = data[done:]
            self._flows = self._flows and not self._requests.parked
        elif kept:
            data = self._kept_request.more(data)
        if not (self._flows and data):
            return data
        return self._short_requests(data) if kept or going else self._begun_request(data)

    def _short_requests(self, data: memoryview) -> memoryview:
        """What is left of bytes that begin with a request."""
        self._look()
        data = self._on(data, self._quick.large.requests, self._parts.to_broker)
        if not data or self._quick.passing:
            return self._requests_on(data) if data else data
        return self._begun_request(data)

    def _begun_request(self, data: memoryview) -> memoryview:
        """What is left of bytes that do not begin with a whole request of the short way: none where one begins that may
        be such a one."""
        quick, begun = self._quick, bytes(data)
        if quick.short(begun, self._now):
            self._kept_request.keep(begun, len(begun) + 1)
            return data[:0]
        if quick.large.lane_of(begun, self._now) is None and not quick.begins_known(begun):
            return data
        self._kept_request.keep(begun, whole_size(begun))
        return data[:0]

    def _by_turns(
        self,
        data: memoryview,
        frames: Assembly,
        then: Callable[[], None],
        short: Callable[[memoryview], memoryview],
    ) -> None:
        """The first frame goes the long way, or the rest of it; what comes behind may go the short one again. Each time
        that it does not, it is tried after twice as many, since to try costs as much as there are bytes."""
        most = 1
        while True:
            for _ in range(most):
                part = frames.part(data)
                frames.bytes += len(data) - part  # they came, also where what is before them cannot be read
                frames.feed(data[:part])
                frames.bytes -= len(data) - part
                then()
                data = data[part:]
            if not data:
                return
            self._find_peace()
            left = short(data) if (self._flows if frames is self._request_frames else self._calm) else data
            most = 1 if len(left) < len(data) else 2 * most
            data = left

    def _answers_on(self, data: memoryview) -> memoryview:
        """What is left of answers, of which whole ones were looked at unless some bytes are kept."""
        if self._kept_answer:
            return self._short_answers(self._kept_answer.more(data))
        return self._begun_answer(data)

    def _short_answers(self, data: memoryview) -> memoryview:
        """What is left of bytes that begin with an answer."""
        self._look()
        return self._begun_answer(self._on(data, self._quick.open.answers, self._parts.to_client))

    def _begun_answer(self, data: memoryview) -> memoryview:
        """What is left of bytes that do not begin with a whole answer of the short way."""
        if self._quick.open.takes_answers and len(data) < _FEW:
            begun = bytes(data)
            if self._quick.short_answer(begun):
                self._kept_answer.keep(begun, len(begun) + 1)
                return data[:0]
        return data

    def _on(self, data: memoryview, through: Callable[[bytes, float], int], outlet: Outlet) -> memoryview:
        whole = bytes(data)
        if done := through(whole, self._now):
            outlet.put(whole[:done], self._now)
        return data[done:]

    def _look(self) -> None:
        """See what may come the short way next."""
        opened = self._quick.open
        opened.takes_requests = self._flows and not self._kept_request
        opened.takes_answers = self._calm and not self._kept_answer and self._answer_frames.at_rest

    def ended(self, side: Side, how: Literal["fin", "reset"], now: float) -> list[Command]:
        """That side sends nothing more (FIN), or is gone altogether (reset)."""
        self._now = now
        self.take_the_long_way()
        if side is Side.BROKER:
            self._ends.broker_ended(how, now)
        elif self._requests.parked:
            self._ended_while_parked = how
        else:
            self._client_ended(how)
        return self._what_follows()

    def shut(self, reason: str, now: float) -> list[Command]:
        """End the connection from our side: the run is over, or the broker could not be reached."""
        self._now = now
        self.take_the_long_way()
        self._ends.finish(reason, now)
        return self._what_follows()

    def may_read(self, side: Side) -> bool:
        """Whether more bytes from that side are welcome, or too many wait already."""
        waiting = self._requests.waiting if side is Side.CLIENT else self._to_client.waiting
        return waiting <= self._wire.settings.backlog

    @property
    def buffered(self) -> int:
        """How many bytes of frames that are not whole yet are kept."""
        kept = self._kept_request.size + self._kept_answer.size
        return self._request_frames.buffered + self._answer_frames.buffered + self._quick.buffered + kept

    @property
    def closed_how(self) -> Literal["fin", "reset"] | None:
        """How the client's side was closed, once it is."""
        return self._ends.closed_how

    @property
    def received_so_far(self) -> Received:
        """What has come in from either side."""
        requests, answers, opened = self._request_frames, self._answer_frames, self._quick.open
        return Received(
            requests.frames + opened.last + self._quick.long,
            requests.bytes + opened.request_bytes + self._kept_request.size,
            answers.frames + opened.answered,
            answers.bytes + opened.answer_bytes + self._kept_answer.size,
        )

    # What the wire calls.

    def take_the_long_way(self) -> None:
        """Something may happen to what is open, or to what comes next."""
        opened = self._quick.open
        self._calm = self._flows = opened.takes_requests = opened.takes_answers = False
        self._keep_nothing(False, False)

    def settle(self) -> None:
        """Other rules are armed from now on: what is open or on its way goes the long way, as those before knew it."""
        self.take_the_long_way()
        self.large.unfit = self.large.passing
        self._parts.exchanges.restore()

    def over(self) -> None:
        """It has ended on both sides: what it knew of requests is of no use any more."""
        self._quick.forget()

    def lay(self, layer: Layer, now: float) -> None:
        """A fault at `connection` lies on it from now on."""
        self._now = now
        self.take_the_long_way()
        self._ends.lay(layer, now)
        self._advance()

    def lift(self, rule: str, now: float) -> None:
        """What this fault at `connection` has laid on it is no more."""
        self._now = now
        self.take_the_long_way()
        self._ends.lift(rule, now)
        self._advance()

    def meet(self, rule: Rule) -> bool:
        """This rule wants to know by now who the client is: where nobody has before, its next request says it."""
        if self.client_id is not None or not (self._first is None or self._late):
            return False
        self.take_the_long_way()
        self.awaited.append(rule)
        self._first, self._late = self._first or b"", True
        return True

    def cut(self, how: Literal["fin", "reset"], now: float) -> None:
        """A fault at `connection` ends it."""
        self._now = now
        self.take_the_long_way()
        self._ends.cut_both(how, now)
        self._advance()

    def wake(self, now: float) -> None:
        """A time that was planned has come."""
        self._now = now
        self.take_the_long_way()
        self._copies()
        self._advance()

    def unpark(self, now: float) -> None:
        """Start offsets came in: let the requests go that waited for them."""
        self._now = now
        if self._requests.parked:
            self.take_the_long_way()
        try:
            self._requests.unpark(now)
        except WireError as error:
            self._refuse("request", error)
        if not self._requests.parked and self._ended_while_parked is not None:
            self._client_ended(self._ended_while_parked)
        self._ours()
        self._advance()

    # Steps.

    def _introduced(self, data: bytes) -> None:
        """Bytes of the first request: once they say who the client is, the rules are asked that name one."""
        if self._late:
            self._introduced_late(data)
            return
        client_id = client_of(data)
        if client_id is None:
            self._first = data
            return
        self._first = None
        self._wire.introduced(self, client_id, self._now)
        if self._ends.client_open:
            self._request_frames.feed(memoryview(data))

    def _raw(self, going_on: bool) -> None:
        """Frames without headers begin or end: they may be of any size, none included."""
        self._request_frames.least = 0 if going_on else _REQUEST_LEAST
        self._answer_frames.least = 0 if going_on else _RESPONSE_LEAST

    def _introduced_late(self, data: bytes) -> None:
        """Bytes from the middle of the stream: the next request that begins in them says who the client is."""
        if not (self._request_frames.streaming or self._quick.passing or self._parts.sasl.going_on):
            client_id = client_of(self._request_frames.begun + data)
            if client_id is not None:
                self._first, self._late = None, False
                self._wire.introduced(self, client_id, self._now)
        if self._ends.client_open:
            self._request_frames.feed(memoryview(data))
            self._copies()

    def _request(self, frame: memoryview) -> None:
        self._requests.whole(frame, self._now)
        self._ours()

    def _ours(self) -> None:
        """Send what ackdrop answers itself, unless the broker's answer is in the middle of going through."""
        if not self._answer_frames.streaming:
            self._answers.ours(self._now)

    def _copies(self) -> None:
        """Send the copies that are due, unless a request is in the middle of going through."""
        if not self._request_frames.streaming and not self._quick.passing:
            self._parts.copies.wake(self._now)

    def _client_ended(self, how: Literal["fin", "reset"]) -> None:
        self._requests.ended(self._now)
        self._ends.client_ended(how, self._now)

    def _advance(self) -> None:
        if not (self._ends.client_sends and self._ends.broker_open):
            self._requests.ended(self._now)
        self._ends.advance(self._now)

    def _what_follows(self) -> list[Command]:
        self._advance()
        self._find_peace()
        self._keep_nothing(self._flows, self._calm)
        self._look()
        return self._wire.follow(self._now)

    def _keep_nothing(self, requests: bool, answers: bool) -> None:
        """What is kept goes the long way, unless requests (answers) may still go the short one."""
        if self._kept_request and not requests:
            self._request_frames.feed(memoryview(self._kept_request.take()))
        if self._kept_answer and not answers:
            self._answer_frames.feed(memoryview(self._kept_answer.take()))

    def _find_peace(self) -> None:
        """See whether nothing can happen to answers that come next, and to requests."""
        calm = bool(self._quick) and self._wire.untouched and self._first is None and not self._parts.sasl.going_on
        self._calm = calm and self._ends.calm and self._answers.calm
        self._flows = self._calm and self._requests.calm(self._now) and self._request_frames.at_rest

    def _refuse(self, what: str, error: WireError) -> None:
        """Bytes that make no sense: nothing after them can be told apart, so the connection ends."""
        self.take_the_long_way()
        if self._ends.garbled:
            self._ends.finish(f"after a fault: {error}", self._now)
            return
        self._wire.observe(Undecoded(self._now, self.number, what, -1, str(error), True))
        self._ends.finish(str(error), self._now)


def _parts(wire: Wire, number: int, node: int, tls: bool, sasl: RawSasl) -> Parts:
    traffic = ProduceTraffic(wire, number)
    exchanges = Exchanges(wire, traffic)
    to_client = Outlet(lambda data: wire.command(Send(number, Side.CLIENT, data)))
    to_broker = Outlet(lambda data: wire.command(Send(number, Side.BROKER, data)))
    copies = Copies(wire, number, node, exchanges, traffic, to_broker)
    return Parts(
        wire=wire,
        number=number,
        node=node,
        tls=tls,
        traffic=traffic,
        exchanges=exchanges,
        copies=copies,
        ends=Ends(wire, number, exchanges, copies, to_client, to_broker),
        to_client=to_client,
        to_broker=to_broker,
        sasl=sasl,
    )
