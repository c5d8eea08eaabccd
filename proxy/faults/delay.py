"""`delay`: the frame arrives late. Order on the connection is kept, so what follows it waits as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Postpone


@dataclass(frozen=True, slots=True)
class Delay:
    """`seconds` is `for`; `jitter` (seconds) widens it evenly to both sides, never below zero."""

    word: ClassVar[str] = "delay"
    seconds: float
    jitter: float = 0.0

    def verdict(self, chance: float) -> Postpone:
        return Postpone(max(0.0, self.seconds + self.jitter * (2.0 * chance - 1.0)))
