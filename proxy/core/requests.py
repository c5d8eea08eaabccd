"""The way of a connection's requests to the broker.

A request goes on as it came, in its order. It is read where that matters: a produce request, one that a rule is
about, and one behind which others wait. Then the rules are asked, and their verdict is done: what changes a request, or
answers it, here; what becomes of it as it is, in `onward`.
"""

from __future__ import annotations

from functools import partial
from struct import Struct

from ..errors import UndecodableError
from ..faults.decisions import Outcome
from ..faults.verdicts import Alter, Detain, Garble, Patch, Postpone, Repeat, Shorten, Swap, Withhold
from ..kafka.error_answers import error_answer
from ..kafka.headers import mechanism, request_header, software
from ..kafka.produce_edit import error_answer as produce_error
from ..kafka.produce_edit import patched, without
from .assembly import HEAD
from .exchanges import Exchange
from .judging import facts, judged
from .onward import Onward, Request
from .outlet import FAR
from .parts import Parts
from .produce import PRODUCE, InFlight, Share, read_request
from .quick import Quick
from .raw_sasl import GSSAPI, NOT_THROUGH_US, SASL_HANDSHAKE
from .recording import reached
from .routing import API_VERSIONS
from .tampering import garbled_request, shortened

_HEAD = Struct(">ihhi")
_READ = frozenset({PRODUCE, API_VERSIONS, SASL_HANDSHAKE})


class Requests:
    """The requests of one connection, on their way to the broker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._wire = parts.wire
        self._onward = Onward(parts)
        self.quick = Quick(parts, self.gone_by)
        """The short way, for what is like requests that were read here."""
        self._software = ""
        self._parked: list[tuple[bytes, int]] = []
        """Requests, and how many of their bytes have gone on already."""
        self._held_until = 0.0
        self._swapped: Request | None = None
        self._garbled = False
        self._discarding = False

    @property
    def parked(self) -> bool:
        """Whether requests wait for start offsets."""
        return bool(self._parked)

    def calm(self, now: float) -> bool:
        """Whether what comes next goes on as it is, and at once, unless rules say otherwise."""
        held = now < self._held_until or self._discarding or self._garbled or self._parts.copies.due(now)
        return not held and not self._parked and self._swapped is None and self._parts.to_broker.plain

    @property
    def waiting(self) -> int:
        """Bytes that wait on their way to the broker."""
        return sum(len(frame) for frame, _ in self._parked) + self._parts.to_broker.waiting

    # Frames as they come.

    def head(self, head: memoryview, now: float) -> bool:
        """Whether the request that begins like this has to be seen whole."""
        if self._parts.sasl.going_on and self._parts.sasl.takes(head):
            self._discarding = now < self._held_until
            return False
        _, key, version, correlation_id = _HEAD.unpack(head)
        if key == SASL_HANDSHAKE:
            self._parts.sasl.handshake(version)
        if key in _READ or self._parked or self._swapped is not None or self._wire.asks(key):
            return True
        self._discarding = now < self._held_until
        if not self._discarding:
            self._parts.exchanges.add(Exchange(correlation_id, key, version, certain=not self._garbled))
        return False

    def through(self, data: bytes | memoryview, now: float) -> None:
        """Bytes of a request that need not be seen whole."""
        if self._parts.ends.takes_requests and not self._discarding:
            self._parts.to_broker.put(data, now)

    def whole(self, frame: memoryview, now: float) -> None:
        """A whole request."""
        if self._parked:
            self._parked.append((bytes(frame), 0))
            return
        header = request_header(frame)
        exchange = Exchange(
            header.correlation_id, header.api_key, header.api_version, header.client_id or "", certain=not self._garbled
        )
        request = Request(frame, header, exchange)
        if header.api_key == API_VERSIONS:
            said = software(frame, header) or self._software
            if said != self._software:
                self._software = said
                self.quick.forget()
        elif header.api_key == SASL_HANDSHAKE and mechanism(frame, header) == GSSAPI:
            self._wire.tell(NOT_THROUGH_US)
        elif header.api_key == PRODUCE and not self._read(request, now):
            return
        if exchange.produce is not None:
            self._wire.passing(exchange.produce, self._parts.number, now)
        self._judge(request, now)

    def _read(self, request: Request, now: float) -> bool:
        """Read a produce request, and record it; False where it has to wait for start offsets first."""
        assert isinstance(request.frame, memoryview)
        read = read_request(request.frame, request.header)
        if isinstance(read, UndecodableError):
            request.exchange.certain = False
            self._parts.undecoded(request.exchange, read, now, closed=False)
            return True
        unknown = self._parts.traffic.unknown(read)
        if unknown:
            self._parked.append((bytes(request.frame), 0))
            for asked in unknown:
                self._wire.ask(asked)
            return False
        request.request = read
        request.exchange.produce = self._parts.traffic.request(request.frame, request.header, read, self._software, now)
        if self._wire.untouched:
            self.quick.learn(request.frame, request.header, read, self._software)
        return True

    def gone_by(self, frame: memoryview, now: float, armed: bool, gone: int) -> None:
        """A whole produce request of which so many bytes went on as they came, before it could be read whole; the rest
        goes on now. Where rules were `armed` when it began, they were asked then, and let it pass."""
        header = request_header(frame)
        exchange = Exchange(header.correlation_id, header.api_key, header.api_version, header.client_id or "")
        request = Request(frame, header, exchange)
        if not self._read(request, now):
            self._parked[-1] = bytes(frame), gone
            return
        if request.answered:
            self._parts.exchanges.add(exchange)
        if armed:
            reached(self._wire, facts(self._parts, "request", exchange, len(frame)), now)
        then = None if exchange.produce is None else partial(self._parts.traffic.went, exchange.produce)
        goes_on = self._parts.ends.takes_requests
        if goes_on and gone < len(frame):
            self._parts.to_broker.put(frame[gone:], now, then=then)
        elif then is not None:
            then(now, goes_on)

    def unpark(self, now: float) -> None:
        """Start offsets came in: let the requests go that waited for them. Raises WireError."""
        parked, self._parked = self._parked, []
        if not self._parts.ends.takes_requests:
            parked.clear()
        for frame, gone in parked:
            if self._parked:
                self._parked.append((frame, gone))
            elif gone:
                self.gone_by(memoryview(frame), now, False, gone)
            elif self.head(memoryview(frame)[:HEAD], now):
                self.whole(memoryview(frame), now)
            else:
                self.through(frame, now)

    def ended(self, now: float) -> None:
        """No more requests come, or go on: what waits for a next one has nothing to change places with."""
        self._after_swap(now)

    # What the rules say.

    def _judge(self, request: Request, now: float) -> None:
        if now < self._held_until:
            self._onward.lost(request, now)
            return
        outcome = judged(self._parts, "request", request.exchange, len(request.frame), now)
        if isinstance(outcome and outcome.verdict, Swap) and self._swapped is None:
            request.frame = bytes(request.frame)
            self._swapped = request
            return
        self._do(request, outcome, now)
        self._after_swap(now, request)

    def _do(self, request: Request, outcome: Outcome | None, now: float) -> None:
        match outcome and outcome.verdict:
            case None | Swap():
                self._onward.forward(request, now)
            case Withhold() as verdict:
                self._withhold(request, verdict, now)
            case Postpone(seconds):
                self._onward.forward(request, now, due=now + seconds)
            case Detain() as verdict:
                self._onward.detain(request, verdict, now)
            case Repeat() as verdict:
                self._onward.repeat(request, verdict, now)
            case Shorten(size):
                self._held_until = FAR
                self._parts.to_broker.put(shortened(request.frame, size), now, then=self._cut)
                self._onward.lost(request, now)
            case Garble() as verdict:
                self._garble(request, verdict, _hit(request, outcome), now)
            case Patch(timeout_ms, acks):
                self._patch(request, timeout_ms, acks, now)
            case Alter(code):
                self._refuse(request, code, _hit(request, outcome), now)

    def _withhold(self, request: Request, verdict: Withhold, now: float) -> None:
        if verdict.then != "skip":
            lasts = verdict.then == "hold" and verdict.seconds is not None
            self._held_until = now + (verdict.seconds or 0.0) if lasts else FAR
        self._onward.lost(request, now)
        if verdict.then in ("disconnect", "reset"):
            self._parts.ends.cut("reset" if verdict.then == "reset" else "fin", now)

    def _cut(self, now: float, sent: bool) -> None:
        self._parts.ends.cut("fin", now)

    def _after_swap(self, now: float, before: Request | None = None) -> None:
        """Let the request go that another one has changed places with; its answer still comes first."""
        swapped, self._swapped = self._swapped, None
        if swapped is None:
            return
        if before is not None and swapped.answered and before.answered:
            before.exchange.after = swapped.exchange
            swapped.exchange.followers.append(before.exchange)
        self._onward.forward(swapped, now)
        if swapped.in_flight is not None and not self._parts.ends.client_sends:
            self._parts.traffic.abandoned(swapped.in_flight, now)

    def _garble(self, request: Request, verdict: Garble, hit: list[Share], now: float) -> None:
        body = request.header.body or len(request.frame)
        request.frame = garbled_request(request.frame, verdict, body, hit)
        if verdict.field == "correlation_id":
            request.exchange.correlation_id = request_header(request.frame).correlation_id
            request.exchange.foreign = True
        elif verdict.field != "crc":
            self._garbled = self._parts.ends.garbled = verdict.field == "length" or self._garbled
            request.exchange.certain = False
        self._onward.forward(request, now)

    def _patch(self, request: Request, timeout_ms: int | None, acks: int | None, now: float) -> None:
        in_flight = request.in_flight
        if in_flight is None:
            self._onward.forward(request, now)
            return
        request.frame = patched(request.frame, request.header, timeout_ms, acks)
        if acks is None or (acks == 0) == (in_flight.acks == 0):
            self._onward.forward(request, now)
        elif acks == 0:
            in_flight.acks = 0
            self._parts.to_broker.put(request.frame, now, then=partial(self._went_unanswered, in_flight))
        else:
            request.exchange.unwanted = True
            self._parts.exchanges.add(request.exchange)
            self._parts.to_broker.put(request.frame, now, then=partial(self._parts.traffic.went, in_flight))

    def _went_unanswered(self, in_flight: InFlight, now: float, sent: bool) -> None:
        """The client waits for an answer that the broker was asked not to give."""
        if sent:
            self._parts.traffic.forwarded(in_flight, now)
        self._parts.traffic.lost(in_flight, "none", now)

    # Errors that the client is told by us.

    def _refuse(self, request: Request, code: int, hit: list[Share], now: float) -> None:
        in_flight, read = request.in_flight, request.request
        if in_flight is None or read is None:
            self._refuse_other(request, code, now)
            return
        in_flight.removed = dict.fromkeys((share.number for share in hit), code)
        gone = [share.entry for share in hit]
        if len(gone) < len(read.entries):
            request.frame = without(request.frame, request.header, read, gone)
            request.exchange.merge = (tuple(read.entries), tuple(gone), code)
            self._onward.forward(request, now)
        elif not request.answered:
            self._parts.traffic.unasked(in_flight, now)
        else:
            self._answer(request, produce_error(in_flight.api_version, in_flight.correlation_id, gone, code), now)

    def _refuse_other(self, request: Request, code: int, now: float) -> None:
        try:
            answer = error_answer(request.header, code)
        except UndecodableError as error:
            self._parts.undecoded(request.exchange, error, now, closed=False)
            self._onward.forward(request, now)
        else:
            self._answer(request, answer, now)

    def _answer(self, request: Request, answer: bytes, now: float) -> None:
        """Answer in its turn: behind a request that would have gone behind this one, had it gone anywhere."""
        self._after_swap(now)
        request.exchange.ours = answer
        self._parts.exchanges.add(request.exchange)


def _hit(request: Request, outcome: Outcome | None) -> list[Share]:
    if request.in_flight is None or outcome is None:
        return []
    numbers = {entry.attempt for entry in outcome.hit}
    return [share for share in request.in_flight.shares if share.number in numbers]
