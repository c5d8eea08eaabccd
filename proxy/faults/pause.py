"""`pause`: the broker, or the producer, stands still for a while and then goes on, as in a long garbage collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .verdicts import Act, Command


@dataclass(frozen=True, slots=True)
class Pause:
    """`seconds` is `for`. `command` does it and `undo` ends it, where the scenario gives its own; argument vectors,
    no shell.
    """

    word: ClassVar[str] = "pause"
    seconds: float = 0.0
    command: Command = ()
    undo: Command = ()

    def verdict(self, chance: float) -> Act:
        return Act(self.word, self.seconds, self.command, self.undo)
