"""A wire that is fed by hand, and that notes what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ackdrop.core.commands import Command, Send, Side
from ackdrop.core.connection import Connection
from ackdrop.core.wire import Wire, WireSettings
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Rule
from ackdrop.observations import Acked, Attempt, ConnectionClosed, Decided, Observation, Undecoded

Seen = TypeVar("Seen", bound=Observation)
Bytes = bytes | memoryview


def joined(commands: Iterable[Command]) -> list[Command]:
    """The commands, with neighbouring sends to one side made one, and their bytes copied."""
    out: list[Command] = []
    for command in commands:
        if isinstance(command, Send):
            last = out[-1] if out else None
            data = bytes(command.data)
            if isinstance(last, Send) and (last.connection, last.to) == (command.connection, command.to):
                data = bytes(out.pop().data) + data  # type: ignore[union-attr]
            command = Send(command.connection, command.to, data)
        out.append(command)
    return out


class Unread:
    """Bytes that went on without being read, and can be read later."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return self._data


class Line:
    """One connection of a playbook. Every call gives the commands that came back."""

    def __init__(self, play: Play, connection: Connection) -> None:
        self._play = play
        self.connection = connection
        self.number = connection.number

    def client(self, *frames: bytes) -> list[Command]:
        """The client sends these bytes, in one chunk."""
        return self._feed(Side.CLIENT, b"".join(frames))

    def broker(self, *frames: bytes) -> list[Command]:
        """The broker sends these bytes, in one chunk."""
        return self._feed(Side.BROKER, b"".join(frames))

    def dribble(self, side: Side, data: bytes, size: int = 1) -> list[Command]:
        """The side sends these bytes in chunks of this size."""
        out: list[Command] = []
        for at in range(0, len(data), size):
            out += self._feed(side, data[at : at + size])
        return joined(out)

    def _feed(self, side: Side, data: bytes) -> list[Command]:
        gone = self._unread(data) if side is Side.CLIENT and self._play.unread else []
        data = data[sum(len(send.data) for send in gone if isinstance(send, Send)) :]
        return [*self._play.noted(gone), *self._read(side, data)] if data else self._play.noted(gone)

    def _unread(self, data: bytes) -> list[Command]:
        """Of a large request nobody looks at all bytes."""
        large, now = self.connection.large, self._play.now
        piece = Unread(data[: large.opaque()])
        if not piece:
            return []
        large.let_by(piece)
        gone: list[Command] = [Send(self.number, Side.BROKER, bytes(piece))]
        if large.complete and not large.end(now):
            gone += joined(self.connection.came_whole(now))
            assert not any(isinstance(command, Send) and command.to is Side.BROKER for command in gone[1:])
        return gone

    def _read(self, side: Side, data: bytes) -> list[Command]:
        # The relay's buffer is used again at once: what the core keeps, it has to have copied.
        done = self.connection.through(side)(data, self._play.now)
        through: list[Command] = [Send(self.number, side.other, data[:done])] if done else []
        buffer = bytearray(data[done:])
        rest = joined(self.connection.received(side, memoryview(buffer), self._play.now)) if buffer else []
        commands = joined([*through, *rest])
        buffer[:] = b"\xaa" * len(buffer)
        return self._play.noted(commands)

    def client_ends(self, how: Any = "fin") -> list[Command]:
        return self._play.noted(joined(self.connection.ended(Side.CLIENT, how, self._play.now)))

    def broker_ends(self, how: Any = "fin") -> list[Command]:
        return self._play.noted(joined(self.connection.ended(Side.BROKER, how, self._play.now)))

    def shut(self, reason: str = "over") -> list[Command]:
        return self._play.noted(joined(self.connection.shut(reason, self._play.now)))

    def to_broker(self, *frames: bytes) -> Send:
        return Send(self.number, Side.BROKER, b"".join(frames))

    def to_client(self, *frames: bytes) -> Send:
        return Send(self.number, Side.CLIENT, b"".join(frames))


class Play:
    """A wire with a clock that stands still until it is moved. `seen` holds every observation in order. `unread`: of
    large requests bytes go on unread where they may."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.unread = False
        self.now = 0.0
        self.seen: list[Observation] = []
        self.commands: list[Command] = []

    def connect(self, node: int = -1) -> Line:
        return Line(self, self.wire.open(node, "peer", self.now))

    def at(self, now: float) -> list[Command]:
        """Move the clock; whatever is due on the way is done in its time."""
        out: list[Command] = []
        while self.wire.due is not None and self.wire.due <= now:
            self.now = max(self.now, self.wire.due)
            out += self.noted(joined(self.wire.tick(self.now)))
        self.now = now
        return joined(out)

    def starts(self, asked: Any, topic: str, starts: dict[int, int]) -> list[Command]:
        return self.noted(joined(self.wire.starts_known(asked, topic, starts, self.now)))

    def noted(self, commands: list[Command]) -> list[Command]:
        self.seen += self.wire.take_observations()
        self.commands += commands
        return commands

    def all(self, kind: type[Seen]) -> list[Seen]:
        return [seen for seen in self.seen if isinstance(seen, kind)]

    @property
    def acks(self) -> list[tuple[int, str, int | None]]:
        """(attempt, ack, error that the client saw), in the order in which they were settled."""
        return [(acked.attempt, acked.ack, acked.error) for acked in self.all(Acked)]

    @property
    def retries(self) -> list[tuple[int, int | None, int, bool]]:
        """(attempt, of which, tries, ambiguous) for each attempt that is a retry."""
        return [
            (seen.number, seen.retry_of, seen.tries, seen.ambiguous)
            for seen in self.all(Attempt)
            if seen.retry_of is not None
        ]

    @property
    def closed(self) -> list[tuple[int, str, str, str]]:
        return [(seen.connection, seen.by, seen.how, seen.reason) for seen in self.all(ConnectionClosed)]

    @property
    def undecoded(self) -> list[tuple[int, str, bool]]:
        return [(seen.connection, seen.api, seen.closed) for seen in self.all(Undecoded)]

    @property
    def fired(self) -> list[tuple[str, int, int, str]]:
        return [(seen.fault, seen.partition, seen.n, seen.verdict) for seen in self.all(Decided) if seen.fired]


def play(
    *rules: Rule,
    translate: Callable[[int, str, int], tuple[str, int]] = lambda node, host, port: (host, port),
    starts: dict[tuple[str, int], int] | None = None,
    label: Callable[[str], str] = lambda topic: topic,
    **settings: Any,
) -> Play:
    """Begin a play; without the short way, unless asked for with `quick`: so every observation is one of its own, and
    comes at once."""
    engine = Engine(rules, seed=1, arm="off", label=label)
    wanted = WireSettings(**{"quick": False, **settings})
    return Play(Wire(engine, translate, settings=wanted, starts=starts, label=label))
