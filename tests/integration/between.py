"""Somebody between a probe and a real broker, who changes what the broker says, or says nothing at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from ackdrop.kafka import bodies
from ackdrop.kafka.apis import api_key, api_name
from ackdrop.kafka.headers import request_header

CLOSE = "close"
SILENCE = "silence"

Change = Callable[[str, int, bytes, bytes], bytes | str]
"""Takes API, version, the request's frame and the answer's, and gives what is answered, CLOSE or SILENCE."""
Admit = Callable[[str], Awaitable[None]]
"""Takes the API of a request, and returns when it may go on to the broker."""
Ranges = dict[str, tuple[int, int]]


@dataclass
class Between:
    """`address` is where it listens, `mapping` what leads there instead of to the broker. `seen` are the requests;
    once it is `gone` every connection ends. `ahead` is how many bytes came at most behind a produce request that was
    not yet answered, on the same connection."""

    address: tuple[str, int]
    broker: tuple[str, int]
    seen: list[tuple[str, int]] = field(default_factory=list)
    gone: bool = False
    ahead: int = 0

    @property
    def bootstrap(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def mapping(self) -> dict[tuple[str, int], tuple[str, int]]:
        return {self.broker: self.address}


@asynccontextmanager
async def between(bootstrap: str, change: Change, admit: Admit | None = None) -> AsyncIterator[Between]:
    """One of them before this broker, for as long as the block lasts."""
    host, _, port = bootstrap.rpartition(":")
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    here = Between(("127.0.0.1", listener.socket.getsockname()[1]), (host, int(port)))

    async def converse(client: trio.SocketStream) -> None:
        async with client, await trio.open_tcp_stream(host, int(port)) as broker:
            try:
                if not here.gone:
                    await _converse(here, change, admit, client, broker)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, converse, [listener])
        yield here
        nursery.cancel_scope.cancel()


async def _converse(
    here: Between, change: Change, admit: Admit | None, client: trio.SocketStream, broker: trio.SocketStream
) -> None:
    asked, said = bytearray(), bytearray()
    while (request := await _frame(client, asked)) is not None:
        header = request_header(request)
        api = api_name(header.api_key)
        here.seen.append((api, header.api_version))
        if admit is not None:
            await admit(api)
        await broker.send_all(request)
        if api == "produce" and _without_answer(request):
            continue
        if api == "produce":
            here.ahead = max(here.ahead, len(asked))
        answer = await _frame(broker, said)
        if answer is None:
            return
        told = change(api, header.api_version, request, answer)
        if told == CLOSE or here.gone:
            return
        if isinstance(told, bytes):
            await client.send_all(told)


def _without_answer(request: bytes) -> bool:
    """acks=0: behind the transactional id, which is null in the cases that do that."""
    header = request_header(request)
    assert header.body is not None
    at = header.body + (1 if header.api_version >= 9 else 2)
    return request[at : at + 2] == b"\0\0"


async def _frame(stream: trio.SocketStream, unread: bytearray) -> bytes | None:
    while len(unread) < 4 or len(unread) < 4 + int.from_bytes(unread[:4], "big"):
        data = await stream.receive_some()
        if not data:
            return None
        unread += data
    end = 4 + int.from_bytes(unread[:4], "big")
    frame = bytes(unread[:end])
    del unread[:end]
    return frame


def with_versions(wanted: Callable[[Ranges], Ranges]) -> Change:
    """Answers to ApiVersions with other ranges: `wanted` gets the broker's by the APIs' names."""

    def change(api: str, version: int, request: bytes, answer: bytes) -> bytes:
        if api != "api_versions":
            return answer
        body = bodies.decode_response(api, version, answer)
        ranges = wanted({api_name(entry.api_key): (entry.min_version, entry.max_version) for entry in body.api_keys})
        keys = {api_key(name): found for name, found in ranges.items()}
        body.api_keys = [entry for entry in body.api_keys if entry.api_key in keys]
        for entry in body.api_keys:
            entry.min_version, entry.max_version = keys[entry.api_key]
        return bodies.encode_response(body, api, version, int.from_bytes(answer[4:8], "big"))

    return change
