"""`latency`: every byte takes so much longer in each direction, as on a longer line. Order is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Lag


@dataclass(frozen=True, slots=True)
class Latency:
    """`seconds` is `for`, one way; `jitter` (seconds) widens it evenly to both sides, never below zero."""

    word: ClassVar[str] = "latency"
    seconds: float
    jitter: float = 0.0

    def verdict(self, chance: float) -> Lag:
        return Lag(self.seconds, self.jitter, chance)
