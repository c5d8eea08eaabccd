"""`late`: a request is held back, and reaches the broker after its client has gone on.

As when a network holds packets back for longer than the client waits: the client gives the request up, sends the
batch again on another connection and is told of a success; only then does the broker get the first one. What follows
on the same connection waits behind it, since TCP keeps order. The connection to the broker stays open for it, though
its client may long be gone. Inside the broker's window of five batches the late one is known for a duplicate; behind
it, it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Detain, Until


@dataclass(frozen=True, slots=True)
class Late:
    """`seconds` goes with `until: time`, `batches` with `until: acked_batches`."""

    word: ClassVar[str] = "late"
    until: Until = "retried"
    batches: int = 0
    seconds: float = 0.0

    def verdict(self, chance: float) -> Detain:
        return Detain(self.until, self.batches, self.seconds)
