"""`blackhole`: nothing passes in either direction, and nobody is told: a network partition.

After `for` the network heals: what waited goes on in its order, as TCP would send it again, the end of a client that
has gone meanwhile included. Without `for` it lasts until the client closes; then nothing that waited is forwarded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Isolate


@dataclass(frozen=True, slots=True)
class Blackhole:
    """`seconds` is `for`: how long it lasts (None: until the client closes)."""

    word: ClassVar[str] = "blackhole"
    seconds: float | None = None

    def verdict(self, chance: float) -> Isolate:
        return Isolate(self.seconds)
