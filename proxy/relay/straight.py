"""Reading and sending without a socket object in between, and pipes by which bytes go on without being read: in C
(`kernel`) on Linux, where a C compiler is there when ackdrop is installed. Elsewhere bytes are read and sent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kernel import Pipes, receive, send
else:
    try:
        from .kernel import Pipes, receive, send
    except ImportError:
        Pipes = None

        def receive(fd: int, most: int, likely: int = 0) -> bytes | None:
            """Bytes that have come; none at an end, None where there is nothing. Raises OSError."""
            try:
                return os.read(fd, most)
            except BlockingIOError:
                return None

        def send(fd: int, data: bytes) -> int:
            """How many bytes the kernel took: all, some, or none. Raises OSError."""
            try:
                return os.write(fd, data)
            except BlockingIOError:
                return 0


MOST_PIPES = 64
"""As many pieces of large requests are kept unread at once; further ones are read. Two descriptors each."""

__all__ = ["MOST_PIPES", "Pipes", "pipes", "receive", "send"]


def pipes() -> Pipes | None:
    """Pipes for a proxy; None where there are none."""
    return None if Pipes is None else Pipes(MOST_PIPES)
