"""`refuse`: a connection is reset as soon as it is opened, before a byte is read; the broker never hears of it.

A port that nobody listens on answers the same way, one step earlier: clients treat both as "broker not available".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Refuse


@dataclass(frozen=True, slots=True)
class RefuseConnection:
    """`seconds` is `for`: how long later connections are refused too."""

    word: ClassVar[str] = "refuse"
    seconds: float | None = None

    def verdict(self, chance: float) -> Refuse:
        return Refuse(self.seconds)
