"""One connection to a broker, with TLS or without: a frame goes out, its answer comes in. All waits are bounded.

The only place where trio's and the operating system's errors become ours: each is a BrokerError that begins with
`HOST:PORT: `, and `ConnectionLost` where trying again on a new connection may help.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct

import trio

from ..errors import BrokerError
from ..kafka.frames import FRAME_LIMIT
from . import tls
from .approach import PLAINLY, Approach
from .authentication import NotLetIn

_SIZES = Struct(">ii")
_ALERT = b"\x15\x03"
"""How an alert of TLS begins: the answer of a listener that was spoken to without."""
_CHUNK = 256 * 1024

_NOBODY = "See that a broker runs there, and that host and port are right."
_NOT_KAFKA = "See that a Kafka listener is on this port."
_NO_ANSWER = "See that the broker runs and is not overloaded, and that the address is its Kafka listener."


Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class ConnectionLost(BrokerError):
    """The connection ended while an answer was awaited."""


class NoAnswer(BrokerError):
    """Nothing came in time, and the connection stands."""


def shown(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def told(address: str, doing: str, seconds: float) -> Iterator[None]:
    """Turns what trio and the operating system raise into BrokerErrors that name `address` and `doing`."""
    try:
        yield
    except trio.TooSlowError:
        raise NoAnswer(f"{address}: no end of {doing} within {seconds:g} s", remedy=_NO_ANSWER) from None
    except (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionResetError, BrokenPipeError) as error:
        failed = tls.failure(error)
        if failed is not None:
            raise NotLetIn(f"{address}: {tls.why(failed)}", remedy=tls.remedy(failed)) from error
        raise ConnectionLost(f"{address}: the connection broke during {doing}", remedy=_NO_ANSWER) from None
    except ValueError:  # of a name that cannot be looked up, or asked of TLS
        raise BrokerError(f"{address}: this is no host name", remedy=_NOBODY) from None
    except OSError as error:
        raise BrokerError(f"{address}: {reason(error)}", remedy=_NOBODY) from error


def reason(error: OSError) -> str:
    """Why a connection could not be opened, in the operating system's words; trio hides them in the cause."""
    cause: BaseException | None = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, OSError):
        return reason(cause)
    if isinstance(error, socket.gaierror):
        return "this host name is not known"
    return os.strerror(error.errno).lower() if error.errno else str(error)


def wants_tls(address: str) -> NotLetIn:
    """What to raise for a listener with TLS that we have spoken to without."""
    return NotLetIn(f"{address}: this listener speaks TLS", remedy="Say --upstream-tls.")


async def _secured(stream: trio.SocketStream, context: ssl.SSLContext, name: str) -> Stream:
    secured = trio.SSLStream(stream, context, server_hostname=name, https_compatible=True)
    await secured.do_handshake()
    return secured


class Connection:
    """One connection. Used by one task at a time; when an exchange is cut short, it must be closed."""

    def __init__(self, stream: Stream, sock: trio.socket.SocketType, address: str) -> None:
        self._stream = stream
        self._socket = sock
        self._address = address
        self._unread = bytearray()

    @classmethod
    async def open(
        cls, host: str, port: int, seconds: float, approach: Approach = PLAINLY, name: str | None = None
    ) -> Connection:
        """Connects within so many seconds, TLS included; BrokerError when that fails.

        `name` is what the broker's certificate has to be for, where that is not `host`.
        """
        address = shown(host, port)
        with told(address, "connecting", seconds), trio.fail_after(seconds):
            stream = await trio.open_tcp_stream(host, port)
        sock = stream.socket
        try:
            if sock.getsockname() == sock.getpeername():
                # A connection to a free port out of the ephemeral range can meet itself.
                raise BrokerError(f"{address}: nothing listens there", remedy=_NOBODY)
            if approach.context is None:
                return cls(stream, sock, address)
            with told(address, "the TLS handshake", seconds), trio.fail_after(seconds):
                return cls(
                    await _secured(stream, approach.context, approach.server_name or name or host), sock, address
                )
        except BaseException:  # a cancellation too: the socket is ours to close
            sock.close()
            raise

    async def exchange(self, frame: bytes, doing: str, seconds: float) -> memoryview:
        """Sends a request frame, and gives the frame that answers it (its correlation id was checked).

        Raises ConnectionLost when the connection ends before the answer, BrokerError for everything else.
        """
        with told(self._address, doing, seconds), trio.fail_after(seconds):
            await self._stream.send_all(frame)
            answer = await self._receive_frame(doing)
        if self._unread:
            raise self._not_kafka(f"more came than the answer to {doing}")
        return self._checked(answer, frame, doing)

    async def send(self, data: bytes, doing: str, seconds: float) -> None:
        """Sends a request frame, or several, and waits for no answer. Raises as `exchange` does."""
        with told(self._address, doing, seconds), trio.fail_after(seconds):
            await self._stream.send_all(data)

    async def receive(self, frame: bytes, doing: str, seconds: float) -> memoryview:
        """The next frame that comes, which has to answer the request `frame`. Raises as `exchange` does."""
        with told(self._address, doing, seconds), trio.fail_after(seconds):
            answer = await self._receive_frame(doing)
        return self._checked(answer, frame, doing)

    def _checked(self, answer: memoryview, frame: bytes, doing: str) -> memoryview:
        sent, received = frame[8:12], answer[4:8]
        if received != sent:
            raise self._not_kafka(f"the answer to {doing} carries another correlation id")
        return answer

    async def _receive_frame(self, doing: str) -> memoryview:
        await self._receive(8, doing)
        if self._unread.startswith(_ALERT):
            raise wants_tls(self._address)
        size, _ = _SIZES.unpack_from(self._unread)
        if not 4 <= size <= FRAME_LIMIT:
            raise self._not_kafka(f"the answer to {doing} claims {size} bytes, which is no Kafka frame")
        await self._receive(4 + size, doing)
        frame, self._unread = self._unread[: 4 + size], self._unread[4 + size :]
        return memoryview(frame).toreadonly()

    async def _receive(self, total: int, doing: str) -> None:
        """Reads until `total` bytes are there."""
        while len(self._unread) < total:
            data = await self._stream.receive_some(_CHUNK)
            if not data:
                raise ConnectionLost(
                    f"{self._address}: closed the connection without an answer to {doing}", remedy=_NO_ANSWER
                )
            self._unread += data

    def _not_kafka(self, what: str) -> BrokerError:
        return BrokerError(f"{self._address}: {what}", remedy=_NOT_KAFKA)

    def close(self) -> None:
        """Closes at once. Never waits, so it is right in a cancelled task too."""
        self._socket.close()
