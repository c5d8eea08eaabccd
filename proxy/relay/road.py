"""What the end of a session has to know of a peer at every event. Compiled as `end` is (`road.pxd` has the types)."""

from __future__ import annotations


class Road:
    """The way to a peer is `plain` as long as bytes go straight to its socket: nothing waits, nothing has ended, nobody
    listens."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain
