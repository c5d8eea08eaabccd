"""`ackdrop run`: every arm of a scenario against one broker, and the verdict over all of them."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from ..broker.running import RunningBroker
from ..direct.cluster import Cluster
from ..direct.identity import broker_info
from ..errors import AckdropError, BrokerError, FaultError, ListenerError, ProducerError
from ..ledger import Ledger
from ..report.finished import Finished
from ..report.progress import Progress
from ..result import EXIT_CODES, BrokerInfo, Reason, RunResult, ShardInfo
from ..scenario.files import shipped
from ..scenario.models import Scenario
from ..verify.of_runs import ArmVerdict, judge_run
from . import folder as folders
from .acting import check
from .arm import Stage, run_arm
from .capturing import Recording
from .record import Record
from .settings import RunSettings, Settings
from .stopping import Stop, ungrouped

CODES: tuple[tuple[type[Exception], str], ...] = (
    (BrokerError, "broker-error"),
    (ProducerError, "producer-not-started"),
    (ListenerError, "port-not-opened"),
    (FaultError, "fault-impossible"),
    (AckdropError, "environment"),
    (Exception, "internal-error"),
)
"""The code of the reason that an error becomes; the first kind that it is counts."""


class ScenarioRun:
    """One scenario on its way to its result, which is there at any time: also when the way ends early.

    `folder` is the run's own, made at once where none is given. `recording` captures the traffic. `shard` is where it
    stands in a run that was divided. `notes` are sentences for the report. `error` is the one of ours that ended the
    run.
    """

    def __init__(
        self,
        scenario: Scenario,
        settings: RunSettings,
        progress: Progress,
        stop: Stop,
        *,
        folder: Path | None = None,
        recording: Recording | None = None,
        shard: ShardInfo | None = None,
    ) -> None:
        self.scenario = overridden(scenario, settings)
        self.settings = settings
        self.progress = progress
        self.stop = stop
        self.recording = recording
        self.shard = shard
        self.folder: Path = folder or folders.make(settings.out, scenario.name)
        self.notes: list[str] = []
        self.error: AckdropError | None = None
        self._run_id = secrets.token_hex(4)
        self._record = Record(self.folder, command_of(scenario, settings), self._run_id)
        self._broker: BrokerInfo | None = None
        self._arms: list[ArmVerdict] = []
        self._reason: Reason | None = None

    async def run(self, broker: RunningBroker) -> Finished:
        """Run every arm, and write the reports however it ends.

        An interruption ends the arm that runs and leaves out the rest. An error of ours ends the run; it is in the
        result and in `error`. Any other, a defect, is in `report.json` and goes on to the caller.
        """
        try:
            self._record.scenario(self.scenario.content)
            self._record.going_on(self._result())
            await self._run(broker)
        except AckdropError as error:
            self.error = error
            self._reason = _reason(error)
        except BaseException as error:
            if isinstance(error, Exception):
                self._reason = _reason(error)
            self._record.finished(self._result())
            raise
        return self._record.finished(self._result())

    def so_far(self) -> Finished:
        """What is known by now."""
        return Finished(self._record.told(self._result()), self.folder)

    def _result(self) -> RunResult:
        verdict = judge_run(
            self._arms,
            control=self.scenario.control,
            interrupted=self.stop.interrupted,
            out_of_time=self.stop.out_of_time,
            extra=self._not_run(),
            error=self._reason,
        )
        result = RunResult(
            scenario=self.scenario.info,
            broker=self._broker,
            verdict=verdict.verdict,
            reasons=verdict.reasons,
            exit_code=verdict.exit_code,
            arms=[arm.result for arm in self._arms],
            notes=list(self.notes),
            failures=verdict.failures,
            shard=self.shard,
        )
        return result if self.settings.baseline is None else self.settings.baseline.applied(result)

    async def _run(self, broker: RunningBroker) -> None:
        self.notes.extend(broker.notes)
        with ungrouped():
            async with (
                _ledger(self.folder) as ledger,
                Cluster.connect(broker.bootstrap, mapping=self.settings.mapping, security=broker.security) as cluster,
            ):
                self.notes.extend(cluster.notes)
                for note in cluster.notes:
                    self.progress.note(note)
                self._broker = await broker_info(cluster, broker.source, broker.bootstrap)
                check(self.scenario.rules, broker, cluster.nodes, self.scenario.workload.replication)
                try:
                    await self._all_arms(cluster, ledger, broker)
                finally:
                    if self.recording is not None:
                        self.notes.extend(await self.recording.notes())

    async def _all_arms(self, cluster: Cluster, ledger: Ledger, broker: RunningBroker) -> None:
        stage = Stage(
            self.scenario,
            self.settings,
            cluster,
            ledger,
            self.folder,
            self._run_id,
            self.progress,
            self.stop,
            broker,
            self.recording,
            self.notes,
        )
        self._record.going_on(self._result())
        for arm in self.scenario.arms:
            if self.stop.asked:
                return
            done = await run_arm(stage, arm)
            self._arms.append(done.verdict)
            self._record.going_on(self._result())
            if done.broken is not None:
                raise done.broken
            await self._same_broker(cluster)

    async def _same_broker(self, cluster: Cluster) -> None:
        """Arms are compared, and the report names one broker: it has to be the one that was there at first."""
        assert self._broker is not None
        await cluster.refresh()
        first, now = self._broker.cluster_id, cluster.cluster_id
        if None not in (first, now) and first != now:
            raise BrokerError(
                f"another broker answers at {self._broker.bootstrap} now: cluster {now}, where {first} was at first",
                remedy="See that nobody replaces the broker while a run goes on, and run again.",
            )

    def _not_run(self) -> list[Reason]:
        """A reason for each arm that has no verdict."""
        how = "the run was interrupted" if self.stop.interrupted else "the run ended"
        how = "the time was up" if self.stop.out_of_time else how
        text = f"There is no verdict on this arm: {how} before. Run again for one."
        return [Reason("arm-not-run", arm.name, text) for arm in self.scenario.arms[len(self._arms) :]]


def not_run(
    scenario: Scenario, settings: RunSettings, why: Exception | Reason | None, shard: ShardInfo | None = None
) -> RunResult:
    """The result of a scenario that was not begun: for an error, mostly want of a broker; for a reason that makes it
    inconclusive; None: an interruption."""
    info = overridden(scenario, settings).info
    if isinstance(why, Reason):
        return RunResult(info, None, "inconclusive", [why], EXIT_CODES["inconclusive"], [], shard=shard)
    error = None if why is None else _reason(why)
    if isinstance(why, BrokerError):
        error = Reason("no-broker", None, _in_words(why))
    verdict = judge_run([], control=False, interrupted=why is None, error=error)
    return RunResult(info, None, verdict.verdict, verdict.reasons, verdict.exit_code, [], shard=shard)


def _reason(error: Exception) -> Reason:
    code = next(code for kind, code in CODES if isinstance(error, kind))
    return Reason(code, None, _in_words(error))


def _in_words(error: Exception) -> str:
    if isinstance(error, AckdropError):
        return error.message + (f" (try: {error.remedy})" if error.remedy else "")
    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return f"{type(cause).__name__}: {cause} (a defect of ackdrop; try: report it, with the traceback that was kept)"


def overridden(scenario: Scenario, settings: RunSettings) -> Scenario:
    """The scenario with what the command line says instead."""
    workload = dataclasses.replace(scenario.workload, producer=settings.producer or scenario.workload.producer)
    seed = scenario.seed if settings.seed is None else settings.seed
    isolation = settings.isolation or scenario.isolation
    return dataclasses.replace(scenario, workload=workload, seed=seed, isolation=isolation)


def command_of(scenario: Scenario, settings: Settings) -> tuple[str, ...]:
    """What runs this scenario again: the options that were given, and its file, or its name where it is shipped; of a
    matrix the one combination alone."""
    given = settings.command
    values = [f"{key}={text}" for key, text in scenario.combination]
    command = *given, *(word for value in values if value not in given for word in ("--set", value))
    if scenario.file is None:
        return *command, scenario.name
    return *command, Path(scenario.file).stem if Path(scenario.file) in shipped() else scenario.file


@asynccontextmanager
async def _ledger(folder: Path) -> AsyncIterator[Ledger]:
    """The run's ledger, written whole at the end, whatever is being cancelled; that waits for the disk."""
    ledger = Ledger.create(folder)
    try:
        yield ledger
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(ledger.close)
