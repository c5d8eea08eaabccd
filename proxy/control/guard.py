"""What stands before every request to the control API: who is addressed, how much may come, and the token.

A page in a browser can have its own name lead to loopback (DNS rebinding), so the name that a request was sent to has
to be one of this machine. The token is compared in constant time.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/health", "/metrics"})
"""Paths that need no token: the server listens on loopback, or on a socket of its user, alone."""
OURS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", "ackdrop"})
MOST_BYTES = 128 * 1024
"""Bytes that a request may bring: as many as a scenario."""


class Guard:
    """Lets through to `app` what may pass; answers all else itself."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        refusal = self._refused(scope["path"], headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        body = await _read(receive)
        if body is None:
            await _answer(send, 413, f"more than {MOST_BYTES // 1024} KiB", "a fault is a small text")
            return
        await self._app(scope, _again(body, receive), send)

    def _refused(self, path: str, headers: dict[bytes, bytes]) -> tuple[int, str, str] | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if host and _name(host) not in OURS:
            return 421, f"this is no server for {host[:100]}", "use the address that ackdrop proxy has said"
        if path in OPEN:
            return None
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            remedy = "send the header Authorization: Bearer TOKEN; ackdrop proxy has said which file holds it"
            return 401, "the token is missing, or not the right one", remedy
        return None


def _name(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0] if host.count(":") == 1 else host


async def _read(receive: Receive) -> bytes | None:
    """The request's body; None where it is too large."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that begins with the body."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Send, status: int, error: str, remedy: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    body = json.dumps({"error": error, "remedy": remedy, "problems": []}).encode()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
