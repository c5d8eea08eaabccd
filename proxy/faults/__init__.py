"""What can be done to a frame, and when: one small file a fault, and the engine that asks the rules in order.

A fault never touches a socket. It looks at a frame's facts and gives a *verdict*; the core turns the verdict into
commands, and the relay performs them. To add a fault: a frozen dataclass with `word` and `verdict()` in a file of its
own, a line in `FAULTS`, and its model in the scenario room.
"""

from __future__ import annotations

from .delay import Delay
from .drop import Drop
from .duplicate import Duplicate
from .error import Error

AnyFault = Drop | Delay | Error | Duplicate

FAULTS: dict[str, type[AnyFault]] = {fault.word: fault for fault in (Drop, Delay, Error, Duplicate)}

__all__ = ["FAULTS", "AnyFault", "Delay", "Drop", "Duplicate", "Error"]
