"""The way of the broker's answers to a connection's client.

An answer belongs to the first request that waits for one. It is read where that matters: an answer to a produce
request, one that carries addresses, versions or topic ids, and one that a rule is about.
"""

from __future__ import annotations

from functools import partial
from struct import Struct

from ..errors import ListenerError, UndecodableError, WireError
from ..faults.decisions import Outcome
from ..faults.verdicts import Alter, Garble, Postpone, Shorten, Withhold
from ..kafka.apis import api_name
from ..kafka.error_answers import with_error_code
from ..kafka.produce import with_errors
from ..kafka.produce_edit import merged
from ..kafka.sieve import Sieve
from ..observations import Ack
from .exchanges import Exchange
from .judging import judged
from .outlet import FAR
from .parts import Parts
from .produce import InFlight
from .routing import rewritten, sieve, topic_ids, wanted_whole
from .tampering import garbled_answer, shortened

_HEAD = Struct(">ii")
_Frame = bytes | memoryview
_Codes = dict[int, int]


class Answers:
    """The answers of one connection, on their way to the client."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._wire = parts.wire
        self._streams_on = False
        self._sieve: Sieve | None = None
        self._garbled = False

    @property
    def calm(self) -> bool:
        """Whether what comes next goes on as it is, and at once."""
        return not self._garbled and self._parts.to_client.plain

    # Frames as they come.

    def head(self, head: memoryview, now: float) -> bool:
        """Whether the answer that begins like this has to be seen whole. Raises WireError where it answers nothing."""
        self._sieve = None
        if not self._parts.ends.broker_open:
            self._streams_on = False
            return False
        if self._parts.sasl.going_on and not self._parts.exchanges:
            self._streams_on = not self._parts.ends.silent
            return False
        if len(head) < _HEAD.size:  # as a raw SASL token may be
            raise WireError(f"{len(head)} bytes where an answer was to come")
        (size, correlation_id) = _HEAD.unpack_from(head)
        self.ours(now)
        for gone in self._parts.exchanges.passed_over(correlation_id):
            if gone.produce is not None:
                self._parts.traffic.lost(gone.produce, "none", now)
            self._done(gone, now)
            self.ours(now)
        exchange = self._parts.exchanges.answered_by(correlation_id)
        if exchange.after is not None or exchange.followers or self._wire.asks(exchange.api_key):
            return True
        if wanted_whole(exchange.api_key, exchange.api_version):
            self._sieve = sieve(exchange.api_key, exchange.api_version, 4 + size, self._wire.translate)
            if self._sieve is None:
                return True
        self._parts.exchanges.pop()
        self._streams_on = not self._parts.ends.silent
        return False

    def through(self, data: memoryview, now: float) -> None:
        """Bytes of an answer that need not be seen whole. Raises UndecodableError where their end has to be read, and
        cannot."""
        if not self._streams_on or not self._parts.ends.client_open:
            return
        for part in [data] if self._sieve is None else self._sieved(self._sieve, data):
            self._parts.to_client.put(part, now)

    def _sieved(self, sieve: Sieve, data: memoryview) -> list[bytes | memoryview]:
        try:
            return sieve.feed(data)
        except ListenerError as error:
            raise UndecodableError(str(error)) from error

    def whole(self, frame: memoryview, now: float) -> None:
        """A whole answer."""
        exchange = self._parts.exchanges.pop()
        if exchange.after is not None and not exchange.after.done:
            exchange.kept = bytes(frame)
            if exchange.produce is not None:
                self._note(frame, exchange, exchange.produce, now)
            return
        self._answered(frame, exchange, now)
        self.ours(now)

    def ours(self, now: float) -> None:
        """Send the answers of ackdrop's own whose turn has come."""
        while (exchange := self._parts.exchanges.ours()) is not None:
            assert exchange.ours is not None
            in_flight = exchange.produce
            if self._parts.ends.silent or not self._parts.ends.client_sends:
                if in_flight is not None:
                    self._parts.traffic.lost(in_flight, "withheld" if self._parts.ends.silent else "none", now)
            else:
                self._put(exchange.ours, exchange, {} if in_flight is None else in_flight.removed, now)

    # One answer.

    def _answered(self, frame: memoryview, exchange: Exchange, now: float) -> None:
        self._read(frame, exchange, now)
        self._done(exchange, now)

    def _done(self, exchange: Exchange, now: float) -> None:
        """Nothing more comes for this one: let the answers go that waited behind it."""
        exchange.done = True
        for follower in exchange.followers:
            if follower.kept is not None:
                self._answered(memoryview(follower.kept), follower, now)
                follower.kept = None

    def _read(self, frame: memoryview, exchange: Exchange, now: float) -> None:
        in_flight = exchange.produce
        if exchange.unwanted:
            self._unwanted(frame, exchange, now)
            return
        try:
            answer = rewritten(exchange.api_key, exchange.api_version, frame, self._wire.translate)
            for name, topic_id in topic_ids(exchange.api_key, exchange.api_version, frame):
                self._wire.learn(topic_id, name)
        except (UndecodableError, ListenerError) as error:
            self._unreadable(exchange, error, now)
            return
        if in_flight is not None and exchange.kept is None:
            self._note(answer, exchange, in_flight, now)
        self._pass_on(answer, exchange, now)

    def _unreadable(self, exchange: Exchange, error: UndecodableError | ListenerError, now: float) -> None:
        """An answer that must not go on as it is, unread or without a listener to lead to: the connection ends."""
        if exchange.produce is not None:
            self._parts.traffic.lost(exchange.produce, "none", now)
        self._parts.undecoded(exchange, error, now, closed=True)
        self._parts.ends.finish(f"{api_name(exchange.api_key)} answer not decoded", now)

    def _note(self, frame: _Frame, exchange: Exchange, in_flight: InFlight, now: float) -> None:
        try:
            self._parts.traffic.answer(frame, in_flight, now)
        except UndecodableError as error:
            self._parts.undecoded(exchange, error, now, closed=False)

    def _unwanted(self, frame: memoryview, exchange: Exchange, now: float) -> None:
        """The answer to a copy of ours, or to a request whose client asked for none: it goes to nobody."""
        if exchange.produce is not None:
            self._note(frame, exchange, exchange.produce, now)
            self._parts.traffic.lost(exchange.produce, "none", now)

    def _pass_on(self, frame: _Frame, exchange: Exchange, now: float) -> None:
        in_flight, ends = exchange.produce, self._parts.ends
        if ends.silent:
            if in_flight is not None:
                self._parts.traffic.lost(in_flight, "withheld", now)
        elif ends.client_sends:
            self._judge(frame, exchange, now)
        else:
            if in_flight is not None:
                self._parts.traffic.lost(in_flight, "none", now)
            if ends.client_open:
                self._parts.to_client.put(frame, now)

    # What the rules say.

    def _judge(self, frame: _Frame, exchange: Exchange, now: float) -> None:
        outcome = judged(self._parts, "response", exchange, len(frame), now)
        codes: _Codes = {}
        if outcome is not None and isinstance(outcome.verdict, Alter):
            frame, codes = self._altered(frame, exchange, outcome, outcome.verdict.code, now)
        if exchange.merge is not None and exchange.produce is not None:
            entries, gone, code = exchange.merge
            try:
                frame = merged(frame, exchange.api_version, entries, gone, code)
            except UndecodableError as error:
                self._unreadable(exchange, error, now)
                return
            codes = {**exchange.produce.removed, **codes}
        match outcome and outcome.verdict:
            case Withhold() as verdict:
                self._lost(exchange, now)
                self._withhold(verdict, now)
            case Postpone(seconds):
                self._put(frame, exchange, codes, now, due=now + seconds, late=True)
            case Shorten(size):
                self._lost(exchange, now)
                self._parts.to_client.put(shortened(frame, size), now, then=self._cut)
            case Garble() as verdict:
                self._lost(exchange, now)
                self._parts.to_client.put(garbled_answer(frame, verdict), now)
                self._garbled = self._garbled or verdict.field == "length"
            case _:
                self._put(frame, exchange, codes, now)

    def _altered(
        self, frame: _Frame, exchange: Exchange, outcome: Outcome, code: int, now: float
    ) -> tuple[_Frame, _Codes]:
        """The answer with errors in it, and by attempt which."""
        in_flight = exchange.produce
        if in_flight is not None:
            hit = {entry.attempt for entry in outcome.hit}
            answers = {s.number: s.answer for s in in_flight.shares if s.answer and s.number in hit}
            return with_errors(frame, in_flight.api_version, answers.values(), code), dict.fromkeys(answers, code)
        try:
            return with_error_code(exchange.api_key, exchange.api_version, frame, code), {}
        except UndecodableError as error:
            self._parts.undecoded(exchange, error, now, closed=False)
            return frame, {}

    def _put(
        self,
        frame: _Frame,
        exchange: Exchange,
        codes: _Codes,
        now: float,
        *,
        due: float = 0.0,
        late: bool = False,
    ) -> None:
        """On to the client, now or when it is due."""
        in_flight = exchange.produce
        if in_flight is None or self._garbled or exchange.foreign:
            if in_flight is not None:
                self._parts.traffic.lost(in_flight, "withheld" if self._garbled else "dropped", now)
            self._parts.to_client.put(frame, now, due=due)
            return
        ack: Ack = "delayed" if late or not self._parts.to_client.empty else "delivered"
        self._parts.to_client.put(frame, now, due=due, then=partial(self._went, in_flight, codes, ack, now))

    def _went(self, in_flight: InFlight, codes: _Codes, ack: Ack, since: float, now: float, sent: bool) -> None:
        link = self._parts.ends.link
        if link is not None:
            ack = link.fate(ack, since, sent)
        if sent:
            self._parts.traffic.delivered(in_flight, codes, ack, now)
        else:
            self._parts.traffic.lost(in_flight, ack, now)

    def _lost(self, exchange: Exchange, now: float) -> None:
        if exchange.produce is not None:
            self._parts.traffic.lost(exchange.produce, "dropped", now)

    def _withhold(self, verdict: Withhold, now: float) -> None:
        ends = self._parts.ends
        if verdict.then == "hold":
            ends.hold(FAR if verdict.seconds is None else now + verdict.seconds)
        elif verdict.then != "skip":
            ends.cut("reset" if verdict.then == "reset" else "fin", now)

    def _cut(self, now: float, sent: bool) -> None:
        self._parts.ends.cut("fin", now)
