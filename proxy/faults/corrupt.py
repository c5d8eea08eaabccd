"""`corrupt`: bytes of a frame arrive changed, as from bad memory or a defective middlebox.

`length` makes the frame claim more than it has, `correlation_id` makes it an answer to nothing, `crc` spoils a
batch's check sum (the broker then answers CORRUPT_MESSAGE), `body` inverts bytes behind the header, at places that
chance gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Field, Garble


@dataclass(frozen=True, slots=True)
class Corrupt:
    """`size` is `bytes`: how many are inverted in the body; how many more a length claims."""

    word: ClassVar[str] = "corrupt"
    field: Field
    size: int = 1

    def verdict(self, chance: float) -> Garble:
        return Garble(self.field, self.size, chance)
