"""`kill`: the broker, or the producer, ends without a chance to say goodbye, and is started again after `for`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Act, Command


@dataclass(frozen=True, slots=True)
class Kill:
    """`seconds` is `for`: how long it stays away. `command` does it and `undo` ends it, where the scenario gives its
    own; argument vectors, no shell.
    """

    word: ClassVar[str] = "kill"
    seconds: float = 0.0
    command: Command = ()
    undo: Command = ()

    def verdict(self, chance: float) -> Act:
        return Act(self.word, self.seconds, self.command, self.undo)
