"""`error`: the client is told an error instead of the broker's answer.

At a response the broker has appended the batch already: an error such as REQUEST_TIMED_OUT (7), as a broker sends it
when followers are slow, makes every client send the batch again at once, on the open connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Alter


@dataclass(frozen=True, slots=True)
class Error:
    """`code` is the protocol's error code; scenarios name it by its Kafka name."""

    word: ClassVar[str] = "error"
    code: int

    def verdict(self, chance: float) -> Alter:
        return Alter(self.code)
