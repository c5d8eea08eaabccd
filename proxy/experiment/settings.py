"""What a run is told from outside, by the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..core.wire import WireSettings

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What `ackdrop run` was asked for beside its scenarios. None leaves the scenario's own value."""

    out: Path
    seed: int | None = None
    producer: str | None = None
    producer_python: str | None = None
    strict: bool = False
    keep: bool = False
    mapping: dict[Address, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What `ackdrop proxy` was asked for. `seconds` None: until a signal. Without `verify` the log is left alone."""

    bootstrap: str
    listen: Address
    out: Path
    allow_remote: bool = False
    advertise: str | None = None
    seconds: float | None = None
    verify: bool = True
    mapping: dict[Address, Address] = field(default_factory=dict)
    wire: WireSettings = field(default_factory=WireSettings)


Say = Callable[[str], None]
"""One line for the person who waits."""
