"""`rewrite`: fields of a produce request change on the way: what the broker is asked is not what the client asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Patch


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`timeout_ms` and `acks` (-1, 0, 1) as the protocol has them; None leaves a field alone."""

    word: ClassVar[str] = "rewrite"
    timeout_ms: int | None = None
    acks: int | None = None

    def verdict(self, chance: float) -> Patch:
        return Patch(self.timeout_ms, self.acks)
