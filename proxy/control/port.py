"""What the control API holds in its hand: the one thing that it knows of a proxy. `experiment/live/` has it.

All of it is called on the proxy's own event loop; only `add` waits, for a text to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import UsageError
from .snapshot import FaultState, RetrySeen, Snapshot


class NoSuchFault(UsageError):
    """There is no fault of this name."""


@dataclass(frozen=True, slots=True)
class ScenarioState:
    """The scenario whose file is watched. `revision` counts its valid contents from 1. `refused` are the errors of its
    present content where that is not valid, and the one before is still in force."""

    file: str | None
    title: str
    revision: int
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """What a proxy is: its version, process and start (ISO 8601), where clients find it, what stands behind it, and
    the folder of its run. `scenario` is None where none was named."""

    version: str
    pid: int
    started: str
    listen: str
    broker: str
    bootstrap: str
    cluster_id: str | None
    folder: str
    scenario: ScenarioState | None


class Handle(Protocol):
    """A proxy that runs. Changes raise NoSuchFault, and AckdropError for what cannot be done; then nothing changes."""

    def about(self) -> About:
        """What it is."""

    def snapshot(self) -> Snapshot:
        """How things stand."""

    def retries(self, most: int) -> list[RetrySeen]:
        """The last retries, the newest last."""

    def fault(self, name: str) -> FaultState:
        """One fault."""

    def entry(self, name: str) -> Mapping[str, Any]:
        """What stands for it in a scenario's `faults`."""

    def schema(self, prefix: str) -> Mapping[str, Any]:
        """JSON Schemas of what stands in a scenario's `faults`, by name, `FaultSpec` among them; each refers to another
        as `prefix` and its name."""

    async def add(self, text: bytes) -> tuple[list[str], list[str]]:
        """Add the faults that a text means, armed: their names, and warnings. Raises ScenarioError with all errors."""

    def remove(self, name: str) -> None:
        """Take it out."""

    def arm(self, name: str) -> None:
        """Ask it again."""

    def disarm(self, name: str) -> None:
        """Let it rest."""

    def reset(self, name: str | None) -> None:
        """Let it count from nothing; None: all of them."""
