"""`duplicate`: ackdrop itself sends a request again, as a network or a proxy that repeats a packet would.

The client knows nothing of it: it is no retry, whatever a batch carries. A broker that knows the batch's producer id,
epoch and sequence drops the copy (KIP-98); one without them is appended once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import CopyOn, Repeat


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`times` copies; `connection` as in the scenario; `seconds` is `after`: how much later than the original."""

    word: ClassVar[str] = "duplicate"
    times: int = 1
    connection: CopyOn = "same"
    seconds: float = 0.0

    def verdict(self, chance: float) -> Repeat:
        return Repeat(self.times, self.connection, self.seconds)
