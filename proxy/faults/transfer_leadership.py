"""`transfer_leadership`: another broker becomes the leader of the partitions that are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Act, Command


@dataclass(frozen=True, slots=True)
class TransferLeadership:
    """`to` is the node id of the new leader (None: any other replica). `command` does it, where the scenario gives
    one.
    """

    word: ClassVar[str] = "transfer_leadership"
    to: int | None = None
    command: Command = ()

    def verdict(self, chance: float) -> Act:
        return Act(self.word, 0.0, self.command, (), self.to)
