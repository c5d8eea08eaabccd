"""One TCP connection: two directions put into order, and the conversation in it once it is known to be Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from .conversation import Conversation
from .events import Fault, How, Noted, Where
from .exchange import Marked
from .halves import Half, Piece
from .link import ACK, FIN, RST, SYN, Segment
from .recognition import KAFKA, Recognition
from .shared import Shared


class Flow:
    """A connection between two ends, 0 and 1. `client` is the one that began it, None where this is not known yet.
    `speaks` says what: empty until it is known, `Kafka`, `TLS`, `HTTP` or `another protocol`."""

    def __init__(self, shared: Shared, client: int | None, now: float, known: Callable[[Flow], None]) -> None:
        self.client = client
        self.synced = client is not None
        """Whether its beginning is in the capture."""
        self.since = now
        self.speaks = ""
        self.over = False
        self.how: How = "fin"
        self.where: Where | None = None
        self.early: list[tuple[Fault, str]] = []
        self._by: Literal["client", "broker", ""] = ""
        self._shared = shared
        self._known = known
        self._halves = (Half(exact=shared.own), Half(exact=shared.own))
        self._ended = [False, False]
        self._recognition = Recognition(client)
        self._conversation: Conversation | None = None
        self._marks: list[Marked] = []

    @property
    def busy(self) -> bool:
        """Whether anything was said on it."""
        return any(half.offset for half in self._halves) or any(self._ended)

    @property
    def held(self) -> int:
        """Bytes that are held."""
        kept = self._conversation.kept if self._conversation is not None else self._recognition.size
        return kept + self._halves[0].waiting + self._halves[1].waiting

    @property
    def marks(self) -> list[Marked]:
        return self._marks if self._conversation is None else self._conversation.marks

    def mark(self, mark: Marked) -> None:
        """ackdrop says this of a frame that ends in the next segment."""
        self.marks.append(mark)

    def other_number(self, way: int, sequence: int) -> bool:
        """Whether this direction has begun with another number."""
        half = self._halves[way]
        return any(self._ended) or (half.first is not None and half.first != sequence % (1 << 32))

    def segment(self, segment: Segment, way: int, now: float) -> None:
        """A segment of one direction."""
        half, back = self._halves[way], self._halves[1 - way]
        if segment.flags & SYN:
            if not half.begun:
                half.begin(segment.sequence + 1)
            return
        if segment.flags & ACK:
            back.acks(segment.acknowledged)
            if self._conversation is not None and way == self.client:
                self._conversation.acknowledged(back.acknowledged, now)
        if segment.length and self.speaks in ("", "Kafka"):
            if back.waiting and back.acknowledged > back.offset:
                self._takes(1 - way, back.rest(), now)  # what this answers was there, and the capture has missed some
            self._takes(way, half.takes(segment.sequence, segment.data, segment.length, now), now)
        if segment.flags & RST:
            self._close(way, "reset")
        elif segment.flags & FIN:
            if self._conversation is not None and not self._ended[way]:
                self._conversation.side_ended(self._side(way), "fin", now)
            self._ended[way] = True
            self._by = self._by or self._side(way)
            self.over = all(self._ended)

    def is_kafka(self, client: int) -> None:
        """ackdrop says so, of a connection whose beginning is in an earlier file."""
        self._recognition.client = client
        self._is(KAFKA)

    def begin(self, where: Where) -> None:
        """It is Kafka's, with this number."""
        self.where = where
        conversation = self._conversation = Conversation(
            self._shared, where, synced=self.synced, client_id=self._recognition.name
        )
        conversation.marks = self._marks
        for fault, place in self.early:
            self._shared.tell(Noted(self.since, where, fault, place))
        looked_at, self._recognition = self._recognition.pieces, Recognition(None)
        for way, piece, at in looked_at:
            conversation.takes("request" if way == self.client else "answer", *piece, at)

    def end(self, how: How, now: float) -> None:
        """Nothing more of it comes, or is looked at."""
        for way in (0, 1):
            self._takes(way, self._halves[way].last(said_end=self._ended[way]), now)
        if self.speaks == "":
            self._is(self._recognition.last())
        if self._conversation is None:
            return
        if self.client is not None:
            self._conversation.acknowledged(self._halves[1 - self.client].acknowledged, now)
        by = self._by
        if how == "capture" and any(self._ended):
            how = "fin"  # one side has said its end, and the other one's is not in the capture
        self._conversation.ended(by, how, now)

    def _side(self, way: int) -> Literal["client", "broker", ""]:
        return "" if self.client is None else "client" if way == self.client else "broker"

    def _close(self, way: int, how: How) -> None:
        self._by = self._by or self._side(way)
        self.how = how
        self.over = True

    def _takes(self, way: int, pieces: Iterable[Piece], now: float) -> None:
        for piece in pieces:
            if self._conversation is not None:
                self._conversation.takes("request" if way == self.client else "answer", piece.data, piece.missing, now)
            elif self.speaks == "":
                self._is(self._recognition.looks(way, piece, now))

    def _is(self, speaks: str) -> None:
        """It is known, or still not, what it speaks."""
        if not speaks:
            return
        self.speaks, self.client, self.synced = speaks, self._recognition.client, self._recognition.begins
        if speaks != KAFKA:
            self._recognition = Recognition(None)
        self._known(self)
