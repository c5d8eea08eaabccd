"""`truncate`: a frame breaks off in the middle, as when its sender dies; then the connection is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Shorten


@dataclass(frozen=True, slots=True)
class Truncate:
    """`size` is `bytes`: how many bytes of the frame arrive, its length among them."""

    word: ClassVar[str] = "truncate"
    size: int

    def verdict(self, chance: float) -> Shorten:
        return Shorten(self.size)
