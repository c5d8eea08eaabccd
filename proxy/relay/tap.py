"""Whoever listens to what passes: a capture. The relay tells it, and neither waits for it nor asks it anything.

Without a tap nothing is told, which costs one look. Times are those of trio's clock; content is good only for the call.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import trio

from ..core.commands import Side
from ..observations import Observation

if TYPE_CHECKING:
    from .peer import Peer

Name = tuple[str | int, ...]
"""An address as sockets tell it: host and port come first."""

NOWHERE: Name = ("0.0.0.0", 0)
"""Where a connection leads that was over before anybody asked."""


class Ear(Protocol):
    """What hears one connection, on one side. `inbound`: it came from the far end."""

    def received(self, content: memoryview, at: float) -> None:
        """These bytes were read."""

    def sent(self, content: bytes | memoryview, at: float) -> None:
        """The kernel took these bytes; with TLS, they were encrypted to be sent."""

    def ended(self, inbound: bool, how: str, at: float) -> None:
        """That side has ended (`fin`), or has reset all (`reset`)."""

    def closed(self) -> None:
        """Nothing more will be told."""


class Tap(Protocol):
    """What hears of all connections."""

    @property
    def pressed(self) -> bool:
        """Whether `observed` should be called soon, because much waits for it."""

    def opened(
        self, at: float, connection: int, side: Side, node: int, near: Name, far: Name, *, own: bool, tls: bool
    ) -> Ear | None:
        """A connection between the proxy (`near`) and a client or a broker (`far`) has just come about.

        `connection` is its number; that of a client and the one to the broker behind it have the same. `node` is the
        broker it is for, -1 for the bootstrap listener. `own`: it is ackdrop's own, and no client stands behind it.
        `tls`: what is told of it is what was said inside TLS. None where nobody wants to hear it.
        """

    def observed(self, observations: Sequence[Observation], places: Mapping[str, str]) -> None:
        """What was observed since the last call, of all that was told since then and of nothing else. `places` tells
        where on the path each fault sits, such as `produce.response`."""


def listen(tap: Tap | None, peer: Peer, connection: int, side: Side, node: int, *, own: bool = False) -> None:
    """Let a tap hear this peer from now on."""
    if tap is not None:
        near, far = _names(peer.sock)
        peer.plain = False
        peer.ear = tap.opened(trio.current_time(), connection, side, node, near, far, own=own, tls=peer.tls)


def _names(sock: socket.socket) -> tuple[Name, Name]:
    near, far = NOWHERE, NOWHERE
    with suppress(OSError):  # the other side was faster
        near = sock.getsockname()
        far = sock.getpeername()
    return near, far
