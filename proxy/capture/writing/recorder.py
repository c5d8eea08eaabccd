"""From parcels to packets: each connection's numbers, credentials out, comments where they belong.

Nothing here knows the event loop. One recorder writes all arms of a capture, one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from .. import comments
from . import pcapng
from .blanking import Dialogue, Stream
from .events import Closed, Data, End, Event, Gap, Opened, Parcel
from .files import BROKER, CLIENT, Files
from .remarks import Remark
from .tcp import Conversation, Endpoint, Segment

_MICROSECONDS = 1_000_000
_CLOCK = 250_000
"""Initial sequence numbers grow by so many a second (RFC 9293, 3.4.1), so that ports that are used again begin anew."""


@dataclass(slots=True)
class _Line:
    """One side of one connection. `file` is the last one that tells what it is. `skipped` are bytes that came to nobody
    since the last packet, `lost` those that the disk did not take since then."""

    opened: Opened
    conversation: Conversation
    requests_inbound: bool
    dialogue: Dialogue = field(default_factory=Dialogue)
    file: int = 0
    skipped: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Packet:
    """A packet that is about to be written, and how many bytes before it were `skipped`."""

    at: float
    line: _Line
    segment: Segment
    opens: bool = False
    ends: bool = False
    skipped: int = 0
    comments: list[str] = field(default_factory=list)


_ENOUGH = 1 << 20
"""Bytes that are written at once."""
_ROUND = 512
"""About what a block has beside its packet."""

_Frame = tuple[int, bool, bool, int]
"""Connection, whether on the broker's side, whether inbound, and correlation id."""


class Recorder:
    """Writes parcels to `files`. `wall` is what is added to trio's clock for microseconds since 1970."""

    def __init__(self, files: Files, wall: int) -> None:
        self._files = files
        self._wall = wall
        self._arm: tuple[str, str | None] = ("", None)
        self._lines: dict[int, _Line] = {}
        self._floating: list[Remark] = []
        self._packets: list[_Packet] = []
        self._frames: dict[_Frame, list[_Packet]] = defaultdict(list)
        self._remarked: set[int] = set()
        self._unwritten: list[_Packet] = []
        self.ports: set[int] = set()
        """Where Kafka is spoken in the last run: the ports of listeners and of brokers."""
        self.written = self.missing = 0
        """Packets that were written; bytes that passed and are in no file."""

    def take(self, parcel: Parcel, *, write: bool = True) -> None:
        """Write a parcel. Raises OSError where the disk does not take it; what was not written is counted, and told at
        the next packet of its connection. Without `write` that is so with all of it."""
        if (parcel.arm, parcel.run) != self._arm:
            if parcel.run != self._arm[1]:
                self.ports.clear()
            self._arm = parcel.arm, parcel.run
            self._lines.clear()
        told = [*self._floating, *parcel.remarks]
        self._floating = []
        self._remarked = {remark.connection for remark in told}
        over = [event.key for event in parcel.events if isinstance(event, Closed)]
        for event in parcel.events:
            for packet in self._of(event):
                packet.skipped, packet.line.skipped = packet.line.skipped, 0
                self._packets.append(packet)
        for remark in told:
            self._attach(remark)
        for key in over:
            self._lines.pop(key, None)
        packets = sorted(self._packets, key=lambda packet: packet.at)
        self._packets = []
        self._frames.clear()
        if write:
            self._write(packets)
        else:
            self._lose(packets)

    # Packets.

    def _of(self, event: Event) -> Iterator[_Packet]:
        if isinstance(event, Opened):
            yield from self._opened(event)
            return
        line = self._lines.get(event.key)
        if line is None:
            return
        if isinstance(event, Data):
            yield from self._data(line, event)
        elif isinstance(event, End):
            for segment in line.conversation.end(event.inbound, reset=event.reset):
                yield _Packet(event.at, line, segment, ends=True)
        elif isinstance(event, Gap):
            line.conversation.skip(event.inbound, event.size)
            self._stream(line, event.inbound).skip(event.size)
            line.skipped += event.size
            self.missing += event.size

    def _opened(self, event: Opened) -> Iterator[_Packet]:
        start = int(event.at * _CLOCK) % (1 << 32)
        near, far = Endpoint.of(event.near), Endpoint.of(event.far)
        line = _Line(event, Conversation(near, far, start), requests_inbound=not event.broker_side)
        self._lines[event.key] = line
        self.ports.add(far.port if event.broker_side else near.port)
        for number, segment in enumerate(line.conversation.handshake(inbound=not event.broker_side)):
            yield _Packet(event.at, line, segment, opens=number == 0)

    def _data(self, line: _Line, event: Data) -> Iterator[_Packet]:
        seen = self._stream(line, event.inbound).feed(event.content)
        ended = iter(seen.ended if line.opened.connection in self._remarked else ())
        frame = next(ended, None)
        for segment in line.conversation.data(event.inbound, seen.data):
            packet = _Packet(event.at, line, segment)
            if seen.hidden:
                connection = line.opened.connection
                packet.comments.append(comments.render(comments.BLANKED, connection=connection, bytes=seen.hidden))
            while frame is not None and frame.end <= segment.end:
                key = line.opened.connection, line.opened.broker_side, event.inbound, frame.correlation_id
                self._frames[key].append(packet)
                frame = next(ended, None)
            yield packet

    def _stream(self, line: _Line, inbound: bool) -> Stream:
        return line.dialogue.requests if inbound == line.requests_inbound else line.dialogue.answers

    # Remarks.

    def _attach(self, remark: Remark) -> None:
        packet = self._found(remark)
        if packet is not None:
            packet.comments.append(remark.line)
        elif not remark.connection:
            self._floating.append(remark)
        else:
            self._lonely(remark)

    def _found(self, remark: Remark) -> _Packet | None:
        """The packet that a remark is about, or the one that is next to it."""
        if remark.wanted == "frame":
            key = remark.connection, remark.broker_side, remark.inbound, remark.correlation_id
            ended = [packet for packet in self._frames[key] if packet.at <= remark.at]
            if ended:
                return ended[-1]
        around = [packet for packet in self._packets if _concerns(remark, packet.line.opened)]
        if remark.wanted == "end":
            ends = [packet for packet in around if packet.ends]
            later = [packet for packet in ends if packet.at >= remark.at]
            if ends:
                return (later or ends[-1:])[0]
        later = [packet for packet in around if packet.at >= remark.at]
        return next(iter(later or around[-1:]), None)

    def _lonely(self, remark: Remark) -> None:
        """A remark without a packet nearby gets one of its own, without content; none where the connection is over."""
        for line in self._lines.values():
            if not line.conversation.over and _concerns(remark, line.opened):
                segment = line.conversation.acknowledgement(inbound=not remark.inbound)
                self._packets.append(_Packet(remark.at, line, segment, comments=[remark.line]))
                return

    # Writing.

    def _write(self, packets: list[_Packet]) -> None:
        for number, packet in enumerate(packets):
            try:
                self._write_one(packet)
            except OSError:
                self._lose(packets[number:])
                raise
        self.flush()

    def _write_one(self, packet: _Packet) -> None:
        segment = packet.segment
        size = len(segment.headers) + len(segment.content)
        if not self._files.has_room(size + _ROUND):
            self.flush()
            self._files.next()
        if self._files.waiting >= _ENOUGH:
            self.flush()
        before, behind = pcapng.around(
            BROKER if packet.line.opened.broker_side else CLIENT,
            self._wall + round(packet.at * _MICROSECONDS),
            size,
            inbound=segment.inbound,
            comments=[*self._of_line(packet), *packet.comments],
        )
        self._files.add(before, segment.headers, segment.content, behind)
        self._unwritten.append(packet)

    def flush(self) -> None:
        """Write what waits. Raises OSError where the disk does not take it; it is lost then, and counted."""
        unwritten, self._unwritten = self._unwritten, []
        try:
            self._files.flush()
        except OSError:
            self._lose(unwritten)
            raise
        self.written += len(unwritten)

    def _of_line(self, packet: _Packet) -> Iterator[str]:
        """What has to be told of a connection at its first packet in a file, and behind a gap."""
        line, opened = packet.line, packet.line.opened
        if line.file != self._files.number:
            line.file = self._files.number
            arm, run = self._arm
            yield comments.render(
                comments.OPENED if packet.opens else comments.CONTINUED,
                connection=opened.connection,
                arm=arm,
                run=run,
                side="broker" if opened.broker_side else "client",
                node=opened.node,
                peer="ackdrop" if opened.own else None,
                tls=1 if opened.tls else None,
            )
        if line.lost + packet.skipped:
            yield comments.render(comments.GAP, connection=opened.connection, bytes=line.lost + packet.skipped)
            line.lost = 0

    def _lose(self, packets: list[_Packet]) -> None:
        for packet in packets:
            packet.line.file = 0
            packet.line.lost += len(packet.segment.content) + packet.skipped
            self.missing += len(packet.segment.content)


def _concerns(remark: Remark, opened: Opened) -> bool:
    if not remark.connection:
        return True
    return opened.connection == remark.connection and opened.broker_side == (remark.broker_side or opened.own)
