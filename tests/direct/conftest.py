"""What the tests of the direct room share: a real Redpanda's answers, and a listener that plays a broker with them.

The listener is no stand-in for a broker's behaviour (tests/integration has a real one): it gives our client the bytes
and the silences that a healthy broker does not give on demand.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.kafka import bodies
from ackdrop.kafka.apis import api_name

CAPTURES = Path(__file__).parent.parent / "captures"

CLOSE = "close"
SILENCE = "silence"
Step = bytes | str
Play = Callable[[str, int, bytes], Step]


@pytest.fixture(scope="session")
def redpanda() -> dict[tuple[str, int], list[bytes]]:
    """(API, version) → the answers of a real Redpanda 22.3.25 to requests of that version."""
    answers: dict[tuple[str, int], list[bytes]] = {}
    for path in sorted(CAPTURES.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            seen = json.loads(line)
            if seen["direction"] == "response":
                key = (api_name(seen["api_key"]), seen["api_version"])
                answers.setdefault(key, []).append(bytes.fromhex(seen["frame"]))
    return answers


def message(api: str, version: int, **fields: Any) -> bytes:
    """A response frame with these fields (structures as dictionaries), encoded by kafka-python."""
    response = bodies._message_class(api, "Response")
    built = bodies._build(response, response._struct, version, fields)
    built.with_header(correlation_id=0)
    return bytes(built.encode(header=True, framed=True))


@dataclass
class Played:
    """A listener that answers each request with the next step of its play, or with what a function says.

    A step is the frame of an answer (it gets the request's correlation id), CLOSE, or SILENCE. `heard` holds
    (API, version) of each request, `connections` counts them.
    """

    port: int
    heard: list[tuple[str, int]] = field(default_factory=list)
    connections: int = 0

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def asked(self, api: str) -> int:
        """How often this API was asked for."""
        return sum(name == api for name, _ in self.heard)


Serve = Callable[..., Awaitable[Played]]


@pytest.fixture
async def serve(nursery: trio.Nursery) -> Serve:
    """`await serve(step, step, …)` or `await serve(function)`: a Played listener on a free loopback port.

    With `raw=True` the steps are sent as they are, whatever was asked.
    """

    async def start(*steps: Step | Play, raw: bool = False) -> Played:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        played = Played(listener.socket.getsockname()[1])
        left = list(steps)

        def next_step(api: str, version: int, frame: bytes) -> Step:
            if callable(left[0]):
                return left[0](api, version, frame)
            return left.pop(0)

        async def converse(stream: trio.SocketStream) -> None:
            played.connections += 1
            async with stream:
                await _answer(stream, played, next_step, raw)

        nursery.start_soon(partial(trio.serve_listeners, converse, [listener]))
        return played

    return start


async def _answer(stream: trio.SocketStream, played: Played, next_step: Play, raw: bool) -> None:
    unread = bytearray()
    async for data in stream:
        unread += data
        while len(unread) >= 4 and len(unread) >= (size := 4 + int.from_bytes(unread[:4], "big")):
            frame, unread = bytes(unread[:size]), unread[size:]
            api, version = api_name(int.from_bytes(frame[4:6], "big")), int.from_bytes(frame[6:8], "big")
            played.heard.append((api, version))
            step = next_step(api, version, frame)
            if step == CLOSE:
                return
            if isinstance(step, bytes):
                await stream.send_all(step if raw else step[:4] + frame[8:12] + step[8:])


@pytest.fixture
def answer() -> Callable[..., bytes]:
    """`answer(api, version, **fields)`: a response frame."""
    return message


@dataclass
class Broker:
    """What a single Redpanda 22.3 would answer, out of its captures, but where a test wants something else.

    `instead` maps an API to the answers that come first, in order; `topics` are those that Metadata tells of, as
    topic → partition → leader; `nodes` the brokers, by default the one that was captured.
    """

    redpanda: dict[tuple[str, int], list[bytes]]
    instead: dict[str, list[Step]] = field(default_factory=dict)
    nodes: dict[int, tuple[str, int]] = field(default_factory=lambda: {0: ("127.0.0.1", 39092)})
    topics: dict[str, dict[int, int]] = field(default_factory=dict)
    cluster_id: str = "redpanda.6d9c3e4a"

    def __call__(self, api: str, version: int, frame: bytes) -> Step:
        if self.instead.get(api):
            return self.instead[api].pop(0)
        if api == "metadata":
            return self.metadata(version)
        return self.redpanda[api, version][0]

    def metadata(self, version: int) -> bytes:
        return message(
            "metadata",
            version,
            brokers=[{"node_id": node, "host": host, "port": port} for node, (host, port) in self.nodes.items()],
            cluster_id=self.cluster_id,
            controller_id=min(self.nodes, default=-1),
            topics=[
                {
                    "error_code": 0,
                    "name": name,
                    "partitions": [
                        {
                            "error_code": 0,
                            "partition_index": index,
                            "leader_id": leader,
                            "replica_nodes": [],
                            "isr_nodes": [],
                        }
                        for index, leader in partitions.items()
                    ],
                }
                for name, partitions in self.topics.items()
            ],
        )


@pytest.fixture
def broker(redpanda: dict[tuple[str, int], list[bytes]]) -> Broker:
    return Broker(redpanda)


@pytest.fixture
def impatient(autojump_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """A clock that runs ahead once nothing has happened on any socket for 50 ms: silences end at once."""
    autojump_clock.autojump_threshold = 0.05
    return autojump_clock
