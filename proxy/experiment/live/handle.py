"""What the control API holds in its hand: a front, and the scenario that is watched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...control.port import About, ScenarioState
from ...control.snapshot import FaultState, RetrySeen, Snapshot

if TYPE_CHECKING:
    from ..foreign.front import Front
    from .watched import Watched


class LiveHandle:
    """A `control.port.Handle`."""

    def __init__(self, front: Front, watched: Watched | None) -> None:
        self._front = front
        self._watched = watched
        self._started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def about(self) -> About:
        place = self._front.place
        info = place.info()
        return About(
            version=__version__,
            pid=os.getpid(),
            started=self._started,
            listen=self._front.proxy.bootstrap,
            broker="unknown" if info is None else " ".join(filter(None, (info.kind, info.version))),
            bootstrap=place.broker.bootstrap,
            cluster_id=None if info is None else info.cluster_id,
            folder=str(place.ledger.folder),
            scenario=self._scenario(),
        )

    def _scenario(self) -> ScenarioState | None:
        watched = self._watched
        if watched is None:
            return None
        return ScenarioState(watched.scenario.file, watched.scenario.title, watched.revision, watched.refused)

    def snapshot(self) -> Snapshot:
        self._front.proxy.flush()
        return self._front.gathering.snapshot()

    def retries(self, most: int) -> list[RetrySeen]:
        return self._front.gathering.retries(most)

    def fault(self, name: str) -> FaultState:
        return self._front.faults.state(name, self._front.gathering.totals)

    def entry(self, name: str) -> Mapping[str, Any]:
        return self._front.faults.entry(name)

    def schema(self, prefix: str) -> Mapping[str, Any]:
        from ...scenario.schema import of_fault

        return of_fault(prefix)

    async def add(self, text: bytes) -> tuple[list[str], list[str]]:
        return await self._front.faults.add(text)

    def remove(self, name: str) -> None:
        self._front.faults.remove(name)

    def arm(self, name: str) -> None:
        self._front.faults.arm(name)

    def disarm(self, name: str) -> None:
        self._front.faults.disarm(name)

    def reset(self, name: str | None) -> None:
        self._front.faults.reset(name)
