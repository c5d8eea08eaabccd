"""`drop`: the frame is lost, as a network loses it.

TCP keeps order: when one answer is lost, none behind it can arrive either. So the default, `hold`, withholds this and
every later answer of the connection while requests still go through and append; letting later answers pass would show
the client a correlation id that it does not expect, which no network does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Then, Withhold


@dataclass(frozen=True, slots=True)
class Drop:
    """`then` as in the scenario; `seconds` is `for`: how long `hold` lasts (None: until the client closes)."""

    word: ClassVar[str] = "drop"
    then: Then = "hold"
    seconds: float | None = None

    def verdict(self, chance: float) -> Withhold:
        return Withhold(self.then, self.seconds)
