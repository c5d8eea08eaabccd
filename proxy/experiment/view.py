"""How a log that is not of our own workload is looked at: what makes a copy, and what a consumer sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ..direct.cluster import Cluster
from ..identity import Naming
from ..observations import ArmWire, Isolation
from ..report.progress import Progress
from ..scenario.models import Scenario
from .settings import Settings

if TYPE_CHECKING:
    from ..verify.reader import LogReading

Starts = Mapping[tuple[str, int], int]
"""(topic, partition) → the offset from which on it is looked at."""


@dataclass(frozen=True, slots=True)
class View:
    """`run_id` is the run whose identity headers are ours; ANY_RUN: those of any run; None: no record is."""

    naming: Naming | None
    isolation: Isolation
    run_id: str | None = None

    @classmethod
    def chosen(cls, scenario: Scenario | None, settings: Settings, run_id: str | None = None) -> Self:
        """What the command line says, else the scenario, else the defaults."""
        naming = settings.naming or (None if scenario is None else scenario.identity)
        isolation = settings.isolation or ("read_uncommitted" if scenario is None else scenario.isolation)
        return cls(naming, isolation, run_id)

    def nothing(self) -> LogReading:
        """The reading of a log to which nobody wrote."""
        from ..verify.log import Log
        from ..verify.reader import LogReading

        return LogReading(Log(isolation=self.isolation), [], 0, 0)

    async def read(
        self, cluster: Cluster, starts: Starts, ends: Mapping[str, Mapping[int, int]], progress: Progress
    ) -> LogReading:
        """The log from `starts` to `ends` (topic → partition → high watermark). Raises what `read_log` raises."""
        from ..verify.reader import read_log

        wanted, gone = _wanted(starts, ends)
        total = sum(end - start for found in wanted.values() for start, end in found.values())
        progress.phase("reading the log", total)
        reading = await read_log(
            cluster,
            wanted,
            run_id=self.run_id,
            naming=self.naming,
            isolation=self.isolation,
            on_progress=lambda done, _total: progress.advance_to(done),
        )
        return dataclasses.replace(reading, gone=[*gone, *reading.gone])


def clients(wire: ArmWire) -> str:
    """The client software that wrote, as it named itself."""
    names = {story.attempt.software or story.attempt.client_id for story in wire.attempts}
    return ", ".join(sorted(name for name in names if name)) or "unknown"


def _wanted(
    starts: Starts, ends: Mapping[str, Mapping[int, int]]
) -> tuple[dict[str, dict[int, tuple[int, int]]], list[str]]:
    """What is to be read (topic → partition → start and end), and a sentence for each log that is not there to be."""
    wanted: dict[str, dict[int, tuple[int, int]]] = {}
    gone: list[str] = []
    for (topic, partition), start in sorted(starts.items()):
        end = ends.get(topic, {}).get(partition, -1)
        if end < start:
            gone.append(f"{topic} [{partition}] was removed, or made anew, while it was watched")
        else:
            wanted.setdefault(topic, {})[partition] = start, end
    return wanted, gone
