"""What is wanted of a proxy by whoever looks at it while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ...control.snapshot import Snapshot
from ...observations import Observation


@dataclass(frozen=True, slots=True)
class About:
    """What does not change: what is injected, where clients connect, and what stands behind, as `Apache Kafka 4.3 at
    HOST:PORT`. `seconds` until it ends by itself, None where it does not."""

    title: str
    address: str
    broker: str
    seconds: float | None = None


class Desk(Protocol):
    """A proxy that runs. Its methods are called on the event loop, and none of them waits."""

    @property
    def about(self) -> About: ...

    def snapshot(self) -> Snapshot:
        """How things stand."""

    def toggle(self, fault: str) -> None:
        """Disarm the fault of this name where it is armed, arm it where it is not. One that is gone is left alone."""

    def end(self) -> None:
        """End well, and report."""


class Live(Protocol):
    """Shows a proxy. `run` lasts until it is cancelled; `say` and `happened` may be called before it and after it."""

    def say(self, line: str) -> None:
        """A line for the person."""

    def happened(self, fact: Observation) -> None:
        """Something worth a line was seen: one of those that `control.gathering.told` has words for."""

    async def run(self, desk: Desk) -> None:
        """Show it until cancelled."""

    def ended(self, verdict: str, exit_code: int, folder: str) -> None:
        """The report is there."""


Form = Literal["text", "json"]
"""What log lines look like."""
