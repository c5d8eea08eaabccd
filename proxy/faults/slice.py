"""`slice`: bytes arrive in small pieces, with a pause between them, in each direction.

A reader that takes one read for one message fails here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Slices


@dataclass(frozen=True, slots=True)
class Slice:
    """`size` is `bytes`: of a piece; `every` is the pause between two, in seconds."""

    word: ClassVar[str] = "slice"
    size: int
    every: float = 0.0

    def verdict(self, chance: float) -> Slices:
        return Slices(self.size, self.every)
