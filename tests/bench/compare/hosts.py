"""Peers that are made of Python: `python -m tests.bench.compare.hosts NAME PORT` tells its own port, and relays.

tcp     a bare TCP relay on trio that looks at nothing: a task a direction, one buffer for all, `recv_into` and `send`
bare    ackdrop's relay and core, and what they observe is thrown away
"""

from __future__ import annotations

import json
import socket
import sys
from functools import partial

import trio

from ackdrop.faults.engine import Engine
from ackdrop.relay import Proxy, ProxySettings

BUFFER = memoryview(bytearray(256 * 1024))


async def tcp(port: int) -> None:
    """Relay to this port, until the process ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        listening.setblocking(False)
        _tell(listening.getsockname()[1])
        async with trio.open_nursery() as nursery:
            while True:
                await trio.lowlevel.wait_readable(listening)
                client, _ = listening.accept()
                nursery.start_soon(_pair, client, port)


async def _pair(client: socket.socket, port: int) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as broker:
        for each in (client, broker):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.setblocking(False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pump, client, broker, nursery.cancel_scope)
            nursery.start_soon(_pump, broker, client, nursery.cancel_scope)


async def _pump(source: socket.socket, target: socket.socket, end: trio.CancelScope) -> None:
    """Nothing else runs between a read and its `send`, so one buffer does for all; what the kernel does not take at
    once is copied."""
    try:
        while True:
            await trio.lowlevel.wait_readable(source)
            count = source.recv_into(BUFFER)
            if not count:
                break
            went = _sent(target, BUFFER[:count])
            if went < count:
                await _send_all(target, bytes(BUFFER[went:count]))
    except OSError:
        pass
    end.cancel()


async def _send_all(target: socket.socket, left: bytes) -> None:
    while left:
        await trio.lowlevel.wait_writable(target)
        left = left[_sent(target, left) :]


def _sent(target: socket.socket, data: bytes | memoryview) -> int:
    try:
        return target.send(data)
    except BlockingIOError:
        return 0


async def bare(port: int) -> None:
    """Relay to this port, until the process ends."""
    proxy = Proxy(ProxySettings((("127.0.0.1", port),)), Engine((), seed=0, arm="bench"), lambda seen: None)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(proxy.serve)
        _tell(int(address.rpartition(":")[2]))


def _tell(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


if __name__ == "__main__":
    trio.run(partial({"tcp": tcp, "bare": bare}[sys.argv[1]], int(sys.argv[2])))
