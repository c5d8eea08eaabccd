"""The TCP connections of a capture: found by addresses and ports, known as Kafka by what they say.

A connection is looked at until its first bytes say what it is; what is none of Kafka's is counted by its kind. One that
begins in the middle is Kafka's if a request makes sense in it. Nothing grows without a bound: of very many connections,
and of very many bytes that wait behind holes, those that were quiet longest are let go, and counted.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from ipaddress import ip_address

from ..comments import Comment
from .events import Fault, Hop, How, Noted, Opened, Where
from .exchange import Marked
from .flow import Flow
from .link import ACK, RST, SYN, Segment
from .shared import Shared

MOST_FLOWS = 20_000
MOST_HELD = 128 << 20
"""Bytes that are held for all connections together."""
_MOST_ENDPOINTS = 20

End = tuple[bytes, int]
Key = tuple[int, End, End]


class Flows:
    """All connections of a capture. `skipped` counts packets by what they are; `others` connections that are none of
    Kafka's, by what they speak, with some of the addresses that they go to in `encrypted`."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._flows: OrderedDict[Key, Flow] = OrderedDict()
        self._over: OrderedDict[Key, None] = OrderedDict()
        self._held = 0
        self._numbered = 0
        self._turns: dict[tuple[int, str, Hop], int] = {}
        self.skipped: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.encrypted: dict[str, None] = {}
        self.let_go = 0
        self.kafka = 0

    def segment(
        self, segment: Segment, interface: int, comments: Sequence[Comment], inbound: bool | None, now: float
    ) -> None:
        """A TCP segment was captured; `inbound` says which way it went, where the capture does."""
        own = next((one for one in comments if one.what in ("opened", "continued")), None)
        key, way = self._key(segment, interface)
        flow = self._flows.get(key)
        if flow is not None and self._is_new(flow, segment, way, own):
            self._end(key, flow, "port", now)
            flow = None
        if flow is None:
            if not self._begins(key, segment, own):
                if key not in self._over:
                    self.skipped["TCP without content, of connections that begin before"] += 1
                return
            flow = self._open(key, segment, way, own, inbound, now)
        self._flows.move_to_end(key)
        self._comment(flow, comments, now)
        before = flow.held
        flow.segment(segment, way, now)
        self._held += flow.held - before
        if flow.over:
            self._end(key, flow, flow.how, now)
        elif self._held > MOST_HELD:
            self._let_go(now)

    def finish(self, now: float) -> None:
        """The capture is over."""
        for key, flow in list(self._flows.items()):
            self._end(key, flow, "capture", now)

    # Connections.

    def _key(self, segment: Segment, interface: int) -> tuple[Key, int]:
        """The connection of a segment, and its direction in it. Interfaces count only where ackdrop has made them."""
        own = interface if self._shared.own else -1
        if segment.source <= segment.target:
            return (own, segment.source, segment.target), 0
        return (own, segment.target, segment.source), 1

    def _is_new(self, flow: Flow, segment: Segment, way: int, own: Comment | None) -> bool:
        """Whether a segment begins another connection between the same ports."""
        if own is not None and own.what == "opened" and flow.busy:
            return True
        if not segment.flags & SYN or segment.flags & ACK:
            return False
        return flow.other_number(way, segment.sequence + 1)

    def _begins(self, key: Key, segment: Segment, own: Comment | None) -> bool:
        if segment.flags & SYN or own is not None:
            self._over.pop(key, None)
            return True
        return segment.length > 0 and not segment.flags & RST and key not in self._over

    def _open(
        self, key: Key, segment: Segment, way: int, own: Comment | None, inbound: bool | None, now: float
    ) -> Flow:
        client = None
        if segment.flags & SYN:
            client = 1 - way if segment.flags & ACK else way
        flow = self._flows[key] = Flow(self._shared, client, now, lambda found: self._known(key, found, own))
        if own is not None and client is None and inbound is not None:
            asks = inbound == (own.values.get("side") != "broker")  # ackdrop receives from clients, and asks brokers
            flow.is_kafka(way if asks else 1 - way)
        if len(self._flows) > MOST_FLOWS:
            oldest, quiet = next(iter(self._flows.items()))
            self.let_go += 1
            self._end(oldest, quiet, "idle", now)
        return flow

    def _known(self, key: Key, flow: Flow, own: Comment | None) -> None:
        """It is known what it speaks."""
        client, broker = (key[1], key[2]) if flow.client == 0 else (key[2], key[1])
        if flow.speaks != "Kafka":
            self.others[flow.speaks] += 1
            if flow.speaks == "TLS" and len(self.encrypted) < _MOST_ENDPOINTS:
                self.encrypted[_text(broker)] = None
            return
        self.kafka += 1
        self._numbered += 1
        where = Where(self._numbered, "", "")
        if own is not None:
            number, side = own.values.get("connection"), own.values.get("side")
            hop: Hop = "broker" if side == "broker" else "client"
            where = self._where(
                number if isinstance(number, int) else -1, str(own.values.get("arm", "")), hop, own.what
            )
        self._shared.links.opened(where, broker)
        self._shared.tell(Opened(flow.since, where, _text(client), _text(broker), flow.synced))
        flow.begin(where)

    def _where(self, number: int, arm: str, hop: Hop, what: str) -> Where:
        """One of ackdrop's own: several runs may have written to one file, each with numbers of its own."""
        turn = self._turns.get((number, arm, hop), -1) + (what == "opened")
        self._turns[number, arm, hop] = max(turn, 0)
        if len(self._turns) > 2 * MOST_FLOWS:
            del self._turns[next(iter(self._turns))]
        return Where(number, arm, hop, max(turn, 0))

    def _end(self, key: Key, flow: Flow, how: How, now: float) -> None:
        del self._flows[key]
        self._held -= flow.held
        flow.end(how, now)
        if flow.speaks == "":
            self.others["no content"] += 1
        if how in ("fin", "reset"):
            self._over[key] = None
            if len(self._over) > MOST_FLOWS:
                self._over.popitem(last=False)

    def _let_go(self, now: float) -> None:
        """Too much is held: whoever holds something and was quiet longest is let go."""
        for key, flow in list(self._flows.items())[:-1]:
            if flow.held:
                self.let_go += 1
                self._end(key, flow, "idle", now)
            if self._held <= MOST_HELD // 2:
                return

    # What ackdrop says.

    def _comment(self, flow: Flow, comments: Sequence[Comment], now: float) -> None:
        for comment in comments:
            if comment.what == "fault":
                self._fault(flow, comment, now)
        if len(flow.marks) > 1000:
            del flow.marks[:500]

    def _fault(self, flow: Flow, comment: Comment, now: float) -> None:
        values = comment.values
        fault = Fault(str(values.get("fault", "")), str(values.get("does", "")))
        place, correlation = str(values.get("at", "")), values.get("correlation")
        if place.endswith((".request", ".response")) and isinstance(correlation, int):
            flow.mark(Marked(correlation, "answer" if place.endswith(".response") else "request", fault))
        elif flow.where is not None:
            self._shared.tell(Noted(now, flow.where, fault, place))
        else:
            flow.early.append((fault, place))


def _text(end: End) -> str:
    host = ip_address(end[0]) if len(end[0]) in (4, 16) else "?"
    return f"[{host}]:{end[1]}" if len(end[0]) == 16 else f"{host}:{end[1]}"
