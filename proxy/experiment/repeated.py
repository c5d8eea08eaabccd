"""`--repeat N` and `repeat: N`: a scenario run several times, each in a folder of its own, and a report of all."""

from __future__ import annotations

from pathlib import Path

from ..broker.running import RunningBroker
from ..report.combine import combine
from ..report.finished import Finished
from ..result import RunResult
from ..scenario.models import Scenario
from . import folder as folders
from .record import Record
from .scenario import ScenarioRun, command_of
from .settings import RunSettings


class RepeatedRun:
    """The runs of one scenario. Their folders `1`, `2`, ... lie in `folder`, which holds the report of all of them."""

    def __init__(self, scenario: Scenario, settings: RunSettings, times: int) -> None:
        self.folder = folders.make(settings.out, scenario.name)
        self._times = times
        self._baseline = settings.baseline
        self._record = Record(self.folder, command_of(scenario, settings))
        self._record.scenario(scenario.content)
        self._results: list[RunResult] = []

    def folder_of(self, number: int) -> Path:
        """The folder of the run of this number, from 1."""
        return folders.made(self.folder / str(number))

    async def run(self, run: ScenarioRun, broker: RunningBroker) -> RunResult:
        """One run more. What there is of it counts however it ends."""
        try:
            await run.run(broker)
        finally:
            result = run.so_far().result
            self._results.append(result)
            self._record.going_on(self._together())
        return result

    @property
    def begun(self) -> bool:
        """There is a run to speak of."""
        return bool(self._results)

    def finished(self) -> Finished:
        """What all runs say together, once one has begun."""
        return self._record.finished(self._together())

    def _together(self) -> RunResult:
        names = [str(number) for number in range(1, len(self._results) + 1)]
        told = combine(self._results, names, self._times)
        return told if self._baseline is None else self._baseline.of_all(told, self._results)
