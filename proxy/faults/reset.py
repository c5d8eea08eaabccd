"""`reset`: the connection is ended with a RST towards its client, whatever is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import End


@dataclass(frozen=True, slots=True)
class Reset:
    """`seconds` is `for`: connections that are opened within that time are reset as well."""

    word: ClassVar[str] = "reset"
    seconds: float | None = None

    def verdict(self, chance: float) -> End:
        return End("reset", self.seconds)
