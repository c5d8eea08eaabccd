"""The one value that every source of brokers gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..security import ANYBODY, Security
from .acting import Control

Source = Literal["given", "found", "docker", "embedded"]

Progress = Callable[[int, int], None]
"""Called on trio's thread with (bytes done, bytes total) while jars are downloaded, not at all when none is missing. In
the last call both are alike."""

Say = Callable[[str], None]
"""Takes one line for the reader."""


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker that answers at `bootstrap` (`HOST:PORT`).

    `log_file` is its own log, which goes with the broker's temporary folder; None where it is not ours to read. `notes`
    are sentences for the report. `pid` is the process id of an embedded broker, `admin` the `HOST:PORT` of
    Redpanda's Admin API where Docker published it. `control` does things to a broker of our own; None: ackdrop cannot
    do anything to its process. `remote`: it may be asked for things off this machine.
    """

    bootstrap: str
    source: Source
    log_file: Path | None = None
    notes: list[str] = field(default_factory=list)
    pid: int | None = None
    admin: str | None = None
    control: Control | None = None
    remote: bool = False
    security: Security = ANYBODY
