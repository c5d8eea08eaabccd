"""A connection to a broker: the first of its addresses that answers, with TLS where brokers want it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from ..direct.connection import reason
from ..errors import BrokerError
from .peer import Peer
from .tls_peer import HandshakeError, TlsPeer

CONNECT_TIMEOUT = 10.0
"""Seconds for one address: its TCP connection and its TLS handshake together."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a broker is reached. `name` is what its certificate has to be for: the host that the broker tells clients,
    also where another one is dialled (`--map`), since it is what clients would have asked for themselves."""

    host: str
    port: int
    name: str

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Dialler:
    """Connects to brokers, to all in the same way. `server_name`, where given, stands for every broker's name."""

    def __init__(self, context: ssl.SSLContext | None = None, server_name: str | None = None) -> None:
        self._context = context
        self._server_name = server_name

    async def dial(self, addresses: Sequence[Upstream]) -> Peer:
        """The first that answers. Raises BrokerError, which tells of each address why it does not."""
        failed: list[str] = []
        for address in list(addresses):
            with trio.move_on_after(CONNECT_TIMEOUT):
                try:
                    return await self._reach(address)
                except (OSError, ValueError, OverflowError, HandshakeError) as error:
                    failed.append(f"{address}: {_reason(error)}")
                continue
            failed.append(f"{address}: no answer within {CONNECT_TIMEOUT:g} s")
        raise BrokerError(f"the broker cannot be reached: {'; '.join(dict.fromkeys(failed))}")

    async def _reach(self, address: Upstream) -> Peer:
        stream = await trio.open_tcp_stream(address.host, address.port)
        sock = socket.socket(fileno=stream.socket.detach())
        if (unsent := getattr(socket, "TCP_NOTSENT_LOWAT", None)) is not None:  # trio lets the kernel keep 16 KB
            sock.setsockopt(socket.IPPROTO_TCP, unsent, 0)  # as the system has it for everybody
        if self._context is None:
            return Peer(sock)
        peer = TlsPeer(sock, self._context, self._server_name or address.name)
        try:
            await peer.handshake()
        except BaseException:  # a cancellation too: the socket is ours to close
            peer.close("reset")
            raise
        return peer


def _reason(error: Exception) -> str:
    """In words. What a broker tells may be no host name, no server name or no port."""
    if isinstance(error, (ValueError, OverflowError)):
        return "this is no host name" if isinstance(error, UnicodeError) else f"this is no address: {error}"
    return reason(error) if isinstance(error, OSError) else str(error)
