"""A peer behind TLS: what is sent is encrypted at once, what is read is decrypted into the shared buffer.

OpenSSL works on buffers in memory here, not on the socket, so that sending, waiting and ending are those of a plain
peer. A key update that the other side asks for (TLS 1.3) is answered with the next bytes that are sent.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Literal, cast

import trio

from ..direct.tls import why
from .peer import Peer

_CHUNK = 16 * 1024


class HandshakeError(Exception):
    """TLS could not be agreed on; the text says why, in a clause."""


class TlsPeer(Peer):
    """Speaks TLS on a connected socket, once `handshake` has gone well.

    As a client it names the server that it wants (SNI), and verifies it as the context says; without a `server_name`
    it is the server.
    """

    tls = True

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_name: str | None = None) -> None:
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_name is None, server_hostname=server_name
        )

    async def handshake(self) -> None:
        """Agree on TLS; raises HandshakeError where that fails. How long it may take is the caller's affair."""
        buffer = memoryview(bytearray(_CHUNK))
        try:
            while not self._agreed():
                await self._say()
                count = await self._raw(buffer)
                if count is None or count <= 0:
                    raise HandshakeError("the connection ended in the middle of the TLS handshake")
                self._incoming.write(buffer[:count])
        except ssl.SSLError as error:
            await self._say()  # the alert, which tells the other side
            raise HandshakeError(why(error)) from error
        await self._say()

    async def _raw(self, buffer: memoryview) -> int | None:
        """Bytes as they come, still encrypted."""
        while (count := super().receive(buffer)) is None:
            try:
                await trio.lowlevel.wait_readable(self.sock)
            except trio.ClosedResourceError:
                return None
        return count

    def _agreed(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    async def _say(self) -> None:
        if super().send(self._outgoing.read()):
            await self.flush()

    def receive(self, buffer: memoryview) -> int | None:
        """As of a plain peer; the other side's close_notify is its FIN, and so is a FIN without one.

        More may be there that the socket does not tell of, until it says None.
        """
        while (count := self._decrypted(buffer)) is None:
            read = super().receive(buffer)
            if read is None or read < 0:
                return read
            if read:
                self._incoming.write(buffer[:read])
            else:
                self._incoming.write_eof()
        return count

    def _decrypted(self, buffer: memoryview) -> int | None:
        """As many bytes as there are and fit; 0 at the end, -1 where it is no TLS, None where more is needed."""
        filled = 0
        try:
            while filled < len(buffer) and (count := self._read(buffer[filled:])):
                filled += count
        except ssl.SSLWantReadError:
            return filled or None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return filled
        except ssl.SSLError as error:
            if not filled:
                self.trouble = why(error)
                self._alert()
                return -1
        return filled

    def _read(self, buffer: memoryview) -> int:
        return cast(int, self._tls.read(len(buffer), cast(bytearray, buffer)))

    def _alert(self) -> None:
        """Tell the other side what was wrong, where there is room for it."""
        if not self.backlog:
            with contextlib.suppress(OSError):
                self.sock.send(self._outgoing.read())

    def send(self, data: bytes | memoryview) -> bool:
        """Send now what the kernel takes; True when the rest begins to wait, so that `flush` must run."""
        if self.closed or self._finishing or self.broken or not data:
            return False
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self.broken = True  # the reading side will tell of the end
            return False
        if self.ear is not None:
            self.ear.sent(data, trio.current_time())
        return super().send(self._outgoing.read())

    def finish(self) -> bool:
        """close_notify and FIN, after what waits. Reading goes on."""
        must_flush = False
        if not self.closed and not self._finishing:
            with contextlib.suppress(ssl.SSLError):  # it waits for the other side's close_notify, which we do not
                self._tls.unwrap()
            must_flush = super().send(self._outgoing.read())
        super().finish()
        return must_flush

    def close(self, how: Literal["fin", "reset"] = "fin") -> None:
        """Close the socket at once; a FIN says goodbye first where nothing waits."""
        if how == "fin" and not self.closed and not self.backlog:
            self.finish()
        super().close(how)
