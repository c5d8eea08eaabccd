"""The clients of a control API, each served by Hypercorn, for as long as it makes sense.

Hypercorn shields what it sends, and forgets some clients that have gone in the middle of an upgrade; a proxy has to end
all the same, and must not lose a file descriptor to each. So every client has an end here: when it is over, when it has
gone, when it does not read.
"""

from __future__ import annotations

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from .guard import App

IDLE = 5.0
"""Seconds that a connection is kept between two requests."""
SILENT = 30.0
"""Seconds for which a client may send nothing."""
UNREAD = 10.0
"""Seconds for which a client may leave an answer unread."""
GONE = 1.0
"""Seconds after a client has gone in which its request comes to its end."""


class _Stream(trio.abc.HalfCloseableStream):
    """A client's stream that does not wait for ever; it ends `scope` when the client has gone."""

    def __init__(self, stream: trio.SocketStream, scope: trio.CancelScope) -> None:
        self.socket = stream.socket
        self._stream = stream
        self._scope = scope

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data: bytes | bytearray = b""
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            if not data:
                self._scope.deadline = min(self._scope.deadline, trio.current_time() + GONE)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with trio.move_on_after(UNREAD) as waited:
            await self._stream.send_all(data)
        if waited.cancelled_caught:
            raise trio.BrokenResourceError("the answer is not read")

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Clients:
    """Serves one application to clients, each with `serve`."""

    def __init__(self, app: App) -> None:
        self._app = ASGIWrapper(app)  # type: ignore[arg-type]
        config = self._config = Config()
        config.accesslog = None
        config.errorlog = "-"
        config.loglevel = "ERROR"
        config.include_server_header = False
        config.keep_alive_timeout = IDLE
        config.read_timeout = SILENT  # type: ignore[assignment]
        config.h11_max_incomplete_size = 32 * 1024
        self._context = WorkerContext(None)

    async def serve(self, stream: trio.SocketStream) -> None:
        """One client, from its first request to its end, or until this is cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                scope = trio.CancelScope()
                nursery.start_soon(self._serve, _Stream(stream, scope), scope, nursery.cancel_scope)
                try:
                    await trio.sleep_forever()
                finally:
                    stream.socket.close()  # what is being sent in a shield ends with it
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone

    async def _serve(self, stream: _Stream, scope: trio.CancelScope, over: trio.CancelScope) -> None:
        try:
            with scope:
                await TCPServer(self._app, self._config, self._context, ConnectionState({}), stream)  # type: ignore[arg-type]
        finally:
            over.cancel()
