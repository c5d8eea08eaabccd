"""`restart`: the broker is stopped in an orderly way, and started again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Act, Command


@dataclass(frozen=True, slots=True)
class Restart:
    """`seconds` is `for`: how long it stays away. `command` does it and `undo` ends it, where the scenario gives its
    own; argument vectors, no shell.
    """

    word: ClassVar[str] = "restart"
    seconds: float = 0.0
    command: Command = ()
    undo: Command = ()

    def verdict(self, chance: float) -> Act:
        return Act(self.word, self.seconds, self.command, self.undo)
