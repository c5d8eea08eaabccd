"""What a fault can decide about a frame. The core acts on these; it knows no fault by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

Then = Literal["hold", "disconnect", "reset"]
CopyOn = Literal["same", "new"]


@dataclass(frozen=True, slots=True)
class Withhold:
    """The frame does not arrive, and neither does what comes after it on the connection.

    `then` says how the connection goes on: `hold` is silence (for `seconds`, or until the client closes),
    `disconnect` is a FIN, `reset` a RST towards the client.
    """

    then: Then
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Postpone:
    """The frame arrives `seconds` later, and what comes after it no earlier than it does."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Alter:
    """The entries that were hit are answered with this error code in place of the broker's answer."""

    code: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """The request goes on, and so do `times` copies of it, `seconds` later, which the client is told nothing of.

    `on` says where: `same`, the connection of the original; `new`, one of ackdrop's own for each copy.
    """

    times: int
    on: CopyOn
    seconds: float


Verdict = Withhold | Postpone | Alter | Repeat


class Fault(Protocol):
    """What the engine needs of a fault. `word` is its name in a scenario's `do`."""

    word: ClassVar[str]

    def verdict(self, chance: float) -> Verdict:
        """The verdict on a frame that the rule fires on; `chance` is this frame's own draw from [0, 1)."""
