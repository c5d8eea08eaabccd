"""`disconnect`: the connection is closed with a FIN on both sides, whatever is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import End


@dataclass(frozen=True, slots=True)
class Disconnect:
    """`seconds` is `for`: connections that are opened within that time are closed as well."""

    word: ClassVar[str] = "disconnect"
    seconds: float | None = None

    def verdict(self, chance: float) -> End:
        return End("fin", self.seconds)
