"""A listener for every broker that the cluster tells of, made when it is first told of, and stable from then on.

Addresses are needed in the middle of rewriting an answer, so a listening socket is bound at once; the accept loop
starts in the background. A broker that moves keeps its listener: only where it leads changes.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import trio

from ..errors import ListenerError
from .dialing import Upstream

Address = tuple[str, int]
BOOTSTRAP = -1
MOST_BROKERS = 1000
"""More than any cluster has: an answer that tells of more makes no sense, and shall not use up all ports."""
FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0

_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_BROKEN = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EOPNOTSUPP, errno.EFAULT}


@dataclass(slots=True)
class Listener:
    """One listening socket. `node` is the broker id that it stands for, `upstream` where its connections lead.

    `refused` counts the connections in a row for whom no broker was there.
    """

    node: int
    sock: socket.socket
    upstream: list[Upstream]
    refused: int = 0
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.sock.getsockname()[1]

    def patience(self) -> float:
        """Seconds for which the next client is kept waiting, where no broker is there: it sees its connection accepted,
        and many a client comes again at once where it would have waited after a refusal."""
        self.refused += 1
        return min(LONGEST_WAIT, FIRST_WAIT * float(1 << min(self.refused - 1, 10)))


class Listeners:
    """All listeners of one proxy. `mapping` turns advertised addresses into ones that can be reached from here.

    Brokers' listeners have their ports out of `ports`, each the one at its node id's place where that is free, so that
    it has the same after a restart of ackdrop; without `ports` they have any free one. Nobody is accepted before
    `place` has returned: there is a place for one more then.
    """

    def __init__(
        self,
        host: str,
        advertise: str,
        mapping: dict[Address, Address],
        ports: Sequence[int],
        accept: Callable[[Listener, socket.socket], Awaitable[None]],
        place: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
    ) -> None:
        self._host = host
        self._advertise = advertise
        self._mapping = mapping
        self._ports = ports
        self._accept = accept
        self._place = place
        self._nursery: trio.Nursery | None = None
        self._closed = False
        self._by_node: dict[int, Listener] = {}

    def bind(self, port: int, upstream: list[Upstream]) -> Listener:
        """Open the bootstrap listener; nobody is accepted yet. Raises ListenerError."""
        return self._open(BOOTSTRAP, port, upstream)

    def start(self, nursery: trio.Nursery) -> None:
        """Accept clients in `nursery` from now on, those of listeners to come included."""
        self._nursery = nursery
        for listener in self._by_node.values():
            nursery.start_soon(self._serve, nursery, listener)

    def close(self) -> None:
        """Let nobody in any more; those that are in stay."""
        self._closed = True
        for listener in self._by_node.values():
            trio.lowlevel.notify_closing(listener.sock)
            listener.sock.close()

    def told(self) -> list[tuple[int, str, str]]:
        """Broker, the address where clients find it, and the ones where it leads, of each that lets clients in."""
        there = [] if self._closed else list(self._by_node.values())
        host = f"[{self._advertise}]" if ":" in self._advertise else self._advertise
        return [(each.node, f"{host}:{each.port}", ",".join(map(str, each.upstream))) for each in there]

    def address(self, node: int, host: str, port: int) -> Address:
        """Where clients find broker `node`, which tells its own address as host and port.

        Raises ListenerError where no listener can be opened for it.
        """
        if node == BOOTSTRAP:  # no broker has this id: nothing that is told of it moves the listener that all begin at
            return self._advertise, self._by_node[BOOTSTRAP].port
        upstream = self._reached(host, port)
        listener = self._by_node.get(node)
        if listener is None:
            listener = self._for_broker(node, upstream)
        listener.upstream[:] = [upstream]
        return self._advertise, listener.port

    def upstream(self, node: int) -> list[Upstream]:
        """Where connections to this node's listener lead, in the order in which to try.

        To the bootstrap listener every broker is right, so those that are known are tried behind the ones it was given.
        """
        upstream = self._by_node[node].upstream
        if node != BOOTSTRAP:
            return upstream
        known = [each for other in self._by_node.values() for each in other.upstream]
        return list(dict.fromkeys([*upstream, *known]))

    @property
    def ports(self) -> dict[int, int]:
        """Broker id → the port that stands for it."""
        return {node: listener.port for node, listener in self._by_node.items() if node != BOOTSTRAP}

    def _reached(self, host: str, port: int) -> Upstream:
        """Where a broker is reached that tells this address. One that is reached at a bootstrap address is known by the
        name that it has there."""
        reached = self._mapping.get((host, port), (host, port))
        for each in self._by_node[BOOTSTRAP].upstream:
            if reached == (each.host, each.port):
                return each
        return Upstream(*reached, host)

    def _for_broker(self, node: int, upstream: Upstream) -> Listener:
        if len(self._by_node) > MOST_BROKERS:
            raise ListenerError(f"the cluster tells of more than {MOST_BROKERS} brokers")
        if not self._ports:
            return self._open(node, 0, [upstream])
        used = {listener.port for listener in self._by_node.values()}
        first = node % len(self._ports)
        for port in [*self._ports[first:], *self._ports[:first]]:
            if port not in used:
                with contextlib.suppress(ListenerError):
                    return self._open(node, port, [upstream])
        raise ListenerError(
            f"no port from {self._ports[0]} to {self._ports[-1]} is free for broker {node}",
            remedy="name more of them with --ports",
        )

    def _open(self, node: int, port: int, upstream: list[Upstream]) -> Listener:
        listener = Listener(node, _listen(self._host, port), upstream)
        self._by_node[node] = listener
        if self._closed:
            listener.sock.close()
        elif self._nursery is not None:
            self._nursery.start_soon(self._serve, self._nursery, listener)
        return listener

    async def _serve(self, nursery: trio.Nursery, listener: Listener) -> None:
        try:
            while not self._closed:
                try:
                    await trio.lowlevel.wait_readable(listener.sock)
                    await self._place()
                    if self._closed:
                        return
                    client, _ = listener.sock.accept()
                except trio.ClosedResourceError:
                    return
                except OSError as error:
                    await _bear(error)
                else:
                    nursery.start_soon(self._accept, listener, client)
        finally:
            listener.sock.close()


async def _bear(error: OSError) -> None:
    """Go on after a failed accept, unless the listener itself is broken.

    Linux also reports what happened to the client on the way, and what the network did (accept(2), "Error handling").
    """
    if error.errno in _BROKEN:
        raise error
    if error.errno in _NO_ROOM:
        await trio.sleep(0.1)  # give sessions time to end


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ListenerError(f"cannot listen on {host}: {error}", remedy="name an address of this machine") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise ListenerError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            remedy="choose another port with --listen, or port 0 for any free one",
        ) from error
    return sock
