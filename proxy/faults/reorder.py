"""`reorder`: a request changes places with the next one of its connection.

No TCP connection does this; a proxy or a broker with several threads on one connection can. The client gets its
answers in the order of its requests, as the protocol promises. Where no next request comes, the first one goes when
its client closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Swap


@dataclass(frozen=True, slots=True)
class Reorder:
    """No parameters."""

    word: ClassVar[str] = "reorder"

    def verdict(self, chance: float) -> Swap:
        return Swap()
