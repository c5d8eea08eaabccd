"""`throttle`: the connection carries so many bytes a second in each direction, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Limit


@dataclass(frozen=True, slots=True)
class Throttle:
    """`rate` is in bytes a second."""

    word: ClassVar[str] = "throttle"
    rate: float

    def verdict(self, chance: float) -> Limit:
        return Limit(self.rate)
