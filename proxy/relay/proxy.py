"""One arm's proxy: accepts clients, runs their sessions on the wire, and performs what the core commands."""

from __future__ import annotations

import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import trio

from ..core.commands import AskStarts, Close, Command, Dial, Do, Finish, Send, Side, Tell
from ..core.connection import Connection
from ..core.copy_connection import CopyConnection
from ..core.wire import Wire, WireSettings
from ..errors import BrokerError
from ..faults.engine import Engine
from ..observations import Observation
from ..security import ClientTls, Sasl, UpstreamTls
from .copying import CopySession
from .dialing import Dialler, Upstream
from .limits import Doorkeeper, Limits, Watch
from .listeners import Address, Listener, Listeners
from .peer import Peer
from .poller import Poller
from .reach import Reach
from .session import Session
from .straight import Pipes, pipes
from .tap import Tap, listen
from .tls_peer import HandshakeError, TlsPeer

READ_SIZE = 256 * 1024
FLUSH_EVERY = 0.2
HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a client may take for its TLS handshake."""

Starts = tuple[str, dict[int, int]]
Ask = Callable[[AskStarts], Awaitable[Starts]]
Observe = Callable[[list[Observation]], None]
Port = Callable[[Do], None]


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Where to listen and what stands behind.

    `upstream` are bootstrap addresses, tried in order. `advertise` is the host that clients are told (default: the
    host that is listened on). `mapping` turns a broker's advertised address into one that can be reached from here.
    `ports` are those that brokers' listeners may have (none: any free ones).
    `limits` are those of clients. `client_tls` is the TLS that clients are met with, `upstream_tls` the one towards
    brokers; None: none. `upstream_sasl` is who we are on connections of our own; clients say themselves who they are.
    """

    upstream: tuple[Address, ...]
    listen: Address = ("127.0.0.1", 0)
    advertise: str | None = None
    ports: Sequence[int] = ()
    mapping: dict[Address, Address] = field(default_factory=dict)
    client_tls: ClientTls | None = None
    upstream_tls: UpstreamTls | None = None
    upstream_sasl: Sasl | None = None
    limits: Limits = field(default_factory=Limits)
    wire: WireSettings = field(default_factory=WireSettings)


class Proxy:
    """Runs with `nursery.start(proxy.serve)`; ends when it is cancelled. `observe` gets what was seen, in batches.

    `ask` answers AskStarts from the broker directly; without it every partition's start counts as known. `act` does
    what rules at `broker` and `workload` ask for; it must not block. `tap` hears what passes. `tell` gets lines for a
    person, about brokers that cannot be reached and clients that are too many. Raises UsageError for a certificate or
    a key that cannot be used.
    """

    def __init__(
        self,
        settings: ProxySettings,
        engine: Engine,
        observe: Observe,
        *,
        ask: Ask | None = None,
        act: Port = lambda do: None,
        tell: Callable[[str], None] = lambda line: None,
        starts: dict[tuple[str, int], int] | None = None,
        label: Callable[[str], str] = lambda topic: topic,
        tap: Tap | None = None,
    ) -> None:
        self._settings = settings
        self._observe = observe
        self._ask = ask
        self.act = act
        tls = settings.upstream_tls
        self._client_tls = None if settings.client_tls is None else settings.client_tls.context()
        self._dialler = Dialler() if tls is None else Dialler(tls.context(), tls.server_name)
        host = settings.listen[0]
        self._door = Doorkeeper(settings.limits.connections, tell)
        self._listeners = Listeners(
            host, settings.advertise or host, settings.mapping, settings.ports, self._session, self._door.place
        )
        quick = settings.wire.quick and tap is None  # who listens is told of every attempt by itself
        wire = replace(settings.wire, quick=quick)
        self.wire = Wire(engine, self._listeners.address, settings=wire, starts=starts, label=label)
        self._tell = tell
        self._tap = tap
        self._reach = Reach(tell)
        self._draining = False
        self._sessions: dict[int, Session] = {}
        self._copies: dict[int, CopySession] = {}
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.poller = Poller(self.wire.timers)
        self.pipes: Pipes | None = None
        self._rescheduled = trio.Event()
        self._planned = math.inf
        self._settled = trio.lowlevel.ParkingLot()
        self.paused: set[Session] = set()
        self.settling = 0
        """How many wait until every request is answered."""
        self._nursery: trio.Nursery | None = None
        self.bootstrap = ""
        """HOST:PORT of the bootstrap listener, once it serves."""
        self.told: list[str] = []
        """Sentences of the core's for a person."""

    async def serve(self, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen and relay until cancelled; tells its bootstrap address once it listens. Raises ListenerError."""
        settings = self._settings
        listener = self._listeners.bind(settings.listen[1], [Upstream(*each, each[0]) for each in settings.upstream])
        host = settings.advertise or settings.listen[0]
        self.bootstrap = f"[{host}]:{listener.port}" if ":" in host else f"{host}:{listener.port}"
        self.poller.open()
        self.pipes = pipes()
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._listeners.start(nursery)
                nursery.start_soon(self.poller.serve)
                nursery.start_soon(self._keep_time)
                nursery.start_soon(self._hand_over)
                nursery.start_soon(self._keep_limits)
                task_status.started(self.bootstrap)
        finally:
            self.poller.close()
            if self.pipes is not None:
                self.pipes.close()
            self.wire.shut("the proxy ended", trio.current_time())
            self.flush()

    def flush(self) -> None:
        """Hand over what was observed until now."""
        observations = self.wire.take_observations()
        if self._tap is not None:
            self._tap.observed(observations, {rule.name: rule.place for rule in self.wire.engine.all})
        if observations:
            self._observe(observations)

    def listening(self) -> list[tuple[int, str, str]]:
        """The listeners: broker (-1: the bootstrap listener), the address for clients, and where it leads."""
        return self._listeners.told()

    def note(self, observation: Observation) -> None:
        """Tell of something that was not seen on the wire, in its place among what was."""
        self.wire.observe(observation)
        self.flush()

    def end_detention(self) -> None:
        """The producers have ended: what a fault holds back for something that can come no more goes on."""
        self.perform(self.wire.end_detention(trio.current_time()))

    def drain(self) -> None:
        """Let nobody in any more, and read no more requests; answers still go to those that wait for them."""
        self._draining = True
        self._listeners.close()
        for session in self._sessions.values():
            session.drain()

    async def settled(self) -> None:
        """Wait until every produce request that was forwarded has its answer, or a dead connection."""
        self.settling += 1
        try:
            while self.wire.unsettled:
                await self._settled.park()
        finally:
            self.settling -= 1

    async def _session(self, listener: Listener, client: socket.socket) -> None:
        """One client, from accept to end."""
        if not self._door.enters(trio.current_time()):
            client.close()
            return
        try:
            await self._served(listener, client)
        finally:
            self._door.leaves()

    async def _served(self, listener: Listener, client: socket.socket) -> None:
        now = trio.current_time()
        context = self._client_tls
        peer = Peer(client) if context is None else TlsPeer(client, context)
        connection = self.wire.open(listener.node, _peer_name(client), now, tls=peer.tls)
        listen(self._tap, peer, connection.number, Side.CLIENT, listener.node)
        self.perform(self.wire.follow(now))
        reason = "the proxy ended"
        try:
            if connection.closed_how is None:
                reason = await self._dialled(connection, listener, peer)
            if connection.closed_how is not None:
                await peer.turn_away(connection.closed_how)
        finally:
            peer.close()
            self.perform(connection.shut(reason, trio.current_time()))

    async def _dialled(self, connection: Connection, listener: Listener, client: Peer) -> str:
        """Connect to the broker, and relay until the end; says why it ended, where the core does not know."""
        if isinstance(client, TlsPeer) and (problem := await _no_tls(client)):
            return problem
        try:
            broker = await self._dialler.dial(self._listeners.upstream(listener.node))
        except BrokerError as error:
            self._reach.lost(listener.node, error.message, trio.current_time())
            await trio.sleep(listener.patience())
            return error.message
        listener.refused = 0
        self._reach.found(listener.node, trio.current_time())
        listen(self._tap, broker, connection.number, Side.BROKER, listener.node)
        try:
            if connection.closed_how is None:
                await self._relay(connection, client, broker)
        finally:
            broker.close()
        return "the proxy ended"

    async def _relay(self, connection: Connection, client: Peer, broker: Peer) -> None:
        backlog = self._settings.wire.backlog
        session = Session(connection, client, broker, backlog=backlog, surroundings=self)
        self._sessions[connection.number] = session
        if self._draining:
            session.drain()
        try:
            await session.run()
        finally:
            del self._sessions[connection.number]

    def passed(self) -> None:
        """Bytes have gone on without a command."""
        if not self.wire.unsettled:
            self._settled.unpark_all()

    def spawn(self, task: Callable[[Peer], Awaitable[None]], peer: Peer) -> None:
        """Run a task of a session's, beside it."""
        if self._nursery is not None:
            self._nursery.start_soon(task, peer)

    def perform(self, commands: list[Command]) -> None:
        """Carry out what the core commands, at once: its memoryviews are good only now.

        A connection without a session has not reached its broker yet, or has ended: there is nothing to be done to it.
        """
        for command in commands:
            if isinstance(command, AskStarts):
                if self._nursery is not None:
                    self._nursery.start_soon(self._answer_starts, command)
                continue
            if isinstance(command, Dial):
                self._dial(command)
                continue
            if isinstance(command, Do):
                self.act(command)
                continue
            if isinstance(command, Tell):
                self.told.append(command.text)
                self._tell(command.text)
                continue
            session = self._sessions.get(command.connection)
            if session is None:
                self._perform_copy(command)
            elif isinstance(command, Send):
                session.send(command.to, command.data)
                if session in self.paused:
                    session.make_room()
            elif isinstance(command, Finish):
                session.finish(command.to)
            elif isinstance(command, Close):
                session.close(command.to, command.how)
        if not self.wire.unsettled:
            self._settled.unpark_all()
        if self._tap is not None and self._tap.pressed:
            self.flush()
        due = self.wire.due
        if due is not None and due < self._planned:
            self._rescheduled.set()

    def _dial(self, command: Dial) -> None:
        copy = self.wire.copy(command.connection)
        if copy is not None and self._nursery is not None:
            self._nursery.start_soon(self._copy, copy)

    async def _copy(self, copy: CopyConnection) -> None:
        session = self._copies[copy.number] = CopySession(
            copy, self._dialler, self._settings.upstream_sasl, self.perform, self._tap
        )
        try:
            await session.run(self._listeners.upstream(copy.node))
        finally:
            del self._copies[copy.number]

    def _perform_copy(self, command: Send | Finish | Close) -> None:
        session = self._copies.get(command.connection)
        if session is not None and isinstance(command, Send):
            session.send(command.data)
        elif session is not None:
            session.finish()

    async def _answer_starts(self, asked: AskStarts) -> None:
        topic, starts = (asked.topic, {}) if self._ask is None else await self._ask(asked)
        self.perform(self.wire.starts_known(asked, topic, starts, trio.current_time()))
        for session in self._sessions.values():
            session.make_room()

    async def _keep_time(self) -> None:
        """Wake the core when it asked to be."""
        while True:
            due = self.wire.due
            self._planned = math.inf if due is None else due
            with trio.move_on_at(self._planned):
                await self._rescheduled.wait()
            self._rescheduled = trio.Event()
            self.perform(self.wire.tick(trio.current_time()))

    async def _keep_limits(self) -> None:
        """Look now and then for sessions whose time is over."""
        pause = self._settings.limits.pause
        if pause is None:
            return
        watch = Watch(self._settings.limits)
        while True:
            await trio.sleep(pause)
            now = trio.current_time()
            for session, why in watch.over(list(self._sessions.values()), now):
                self.perform(session.connection.shut(why, now))

    async def _hand_over(self) -> None:
        while True:
            await trio.sleep(FLUSH_EVERY)
            self.flush()


async def _no_tls(client: TlsPeer) -> str | None:
    """Agree on TLS with a client; a sentence where that fails."""
    with trio.move_on_after(HANDSHAKE_TIMEOUT):
        try:
            await client.handshake()
        except HandshakeError as error:
            return f"no TLS with the client: {error}"
        return None
    return f"no TLS with the client: no handshake within {HANDSHAKE_TIMEOUT:g} s"


def _peer_name(client: socket.socket) -> str:
    try:
        address = client.getpeername()
    except OSError:
        return "gone"
    return f"{address[0]}:{address[1]}"
