"""Free loopback ports: below the ephemeral range, and held until they are used.

A port out of the range that the kernel hands to outgoing connections may be taken by any of them at any moment, and a
connection to it while it is free can even meet itself. A port that is merely looked up may be taken by the next run
that looks. So a port is bound here without SO_REUSEADDR, which no other bind without it can pass, and SO_REUSEADDR is
set only then: on Linux a server that sets it too (Java does) may bind the same port while it is still held. Where
that is not so, the port is let go just before the server starts, and a start that finds it taken is tried again.
"""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import BrokerError

LOOPBACK = "127.0.0.1"
LOWEST = 20000
USUAL_EPHEMERAL = 32768
"""Where Linux begins its ephemeral range unless told otherwise; other systems begin higher."""
TRIES = 200

_CHANCE = random.SystemRandom()


def candidates() -> range:
    """The ports to choose from: from 20000 to the ephemeral range, or from 1024 where that begins lower."""
    end = USUAL_EPHEMERAL
    if sys.platform == "linux":
        with suppress(OSError):
            end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return range(LOWEST, end) if end > LOWEST + 1000 else range(1024, max(end, 2048))


def is_free(port: int) -> bool:
    """Could a server bind this loopback port now?"""
    try:
        with _bind(port):
            return True
    except OSError:
        return False


@contextmanager
def held(count: int, *wanted: int) -> Iterator[list[int]]:
    """This many free loopback ports, the first of them those `wanted`; held while the block runs.

    Raises BrokerError where one that is wanted is taken, or where there is no free port.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(_wanted(wanted[n]) if n < len(wanted) else _any()) for n in range(count)]
        ports = [int(one.getsockname()[1]) for one in sockets]
        for one in sockets:
            if sys.platform == "linux":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                one.close()
        yield ports


def _bind(port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        one.bind((LOOPBACK, port))
    except OSError:
        one.close()
        raise
    return one


def _wanted(port: int) -> socket.socket:
    try:
        return _bind(port)
    except OSError as error:
        raise BrokerError(
            f"port {port} of {LOOPBACK} cannot be used: {(error.strerror or str(error)).lower()}",
            remedy="give another port, or end the program that holds this one",
        ) from error


def _any() -> socket.socket:
    choice = candidates()
    for _ in range(TRIES):
        try:
            return _bind(_CHANCE.choice(choice))
        except OSError:
            continue
    raise BrokerError(f"no free port of {LOOPBACK} between {choice.start} and {choice.stop}")
