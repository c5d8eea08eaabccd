"""`ackdrop exec`: the user's program behind the proxy, once for each arm; then the report."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import partial

from ...broker.running import RunningBroker
from ...direct.authentication import SaslWanted
from ...direct.cluster import Cluster
from ...direct.identity import broker_info
from ...errors import ListenerError
from ...ledger import Ledger
from ...report.finished import Finished
from ...report.progress import Progress
from ...result import BrokerInfo, Reason, RunResult, ScenarioInfo
from ...scenario.models import Scenario
from ...verify.of_runs import ArmVerdict, judge_run
from .. import folder as folders
from ..acting import check, check_watched
from ..capturing import recording
from ..record import Record
from ..settings import ExecSettings, ProgramArm, Say
from ..stopping import Stop
from ..view import View
from .front import Claim, Front, Place
from .judging import verdict_on
from .meeting import in_words, instead, no_credentials
from .program import Ending, run

ADDRESS_IN = ("ACKDROP_PROXY", "KAFKA_BOOTSTRAP_SERVERS", "BOOTSTRAP_SERVERS")
"""The variables that hold the proxy's address."""
ONLY = ProgramArm("program")
CLAIMS = {"off": False, "on": True}
"""What the names of arms say of idempotence."""


@dataclass(frozen=True, slots=True)
class Executed:
    """The report, and the program's own exit code: the first that is not 0."""

    finished: Finished
    code: int

    @property
    def exit_code(self) -> int:
        """Ours where it is not 0, else the program's."""
        return self.finished.result.exit_code or self.code


class Execution:
    """One run of it. `arms` have their verdicts as far as it came."""

    def __init__(self, scenario: Scenario | None, settings: ExecSettings, broker: RunningBroker, stop: Stop) -> None:
        self._scenario = scenario
        self._settings = settings
        self._broker = broker
        self._stop = stop
        self._name = os.path.basename(settings.program[0])
        self._info: BrokerInfo | None = None
        self._arms: list[ArmVerdict] = []
        self._endings: list[Ending] = []
        self._notes = list(broker.notes)
        self._missing: list[Reason] = []

    async def run(self, progress: Progress, say: Say) -> Executed:
        """Run the program in every arm, and report. Raises BrokerError where no broker answers, ListenerError where no
        port can be had, and ProducerError where the program cannot be started."""
        scenario, settings, broker = self._scenario, self._settings, self._broker
        rules = () if scenario is None else scenario.rules
        check_watched(rules)
        async with Cluster.not_met(broker.bootstrap, mapping=settings.mapping, security=broker.security) as cluster:
            self._info = await self._met(cluster, say)
            self._notes.extend(cluster.notes)
            for note in cluster.notes:
                say(note)
            if cluster.locked is None:
                check(rules, broker, cluster.nodes, None)
            folder = folders.make(settings.out, f"exec-{scenario.name if scenario else self._name}")
            record = Record(folder, settings.command)
            if scenario is not None:
                record.scenario(scenario.content)
            try:
                with Ledger.create(folder) as ledger:
                    view = View.chosen(scenario, settings)
                    async with recording(settings.capture) as recorded:
                        place = Place(
                            scenario, settings, view, cluster, broker, ledger, progress, say, self._stop, recorded
                        )
                        await self._all(place, record)
                        if recorded is not None:
                            self._notes.extend(await recorded.notes())
            except* ListenerError:
                if not self._arms:
                    shutil.rmtree(folder)
                raise
            self._missing = no_credentials(cluster) if settings.verify else []
        finished = record.finished(self._result())
        return Executed(finished, next((each.code for each in self._endings if each.code and not each.timed_out), 0))

    async def _met(self, cluster: Cluster, say: Say) -> BrokerInfo:
        """Who the broker is; unknown where it wants to know who is speaking, which the program says for itself."""
        source, bootstrap = self._broker.source, self._broker.bootstrap
        try:
            await cluster.meet()
        except SaslWanted as error:
            say(in_words(error))
            return BrokerInfo("unknown", None, source, bootstrap, None)
        return await broker_info(cluster, source, bootstrap)

    async def _all(self, place: Place, record: Record) -> None:
        for arm in self._settings.arms or (ONLY,):
            record.going_on(self._result())
            if self._stop.asked:
                return
            front = Front(place, self._claim(arm))
            await front.stand(partial(self._until_ended, place, arm))
            ending = self._endings[-1]
            self._notes.append(f"{arm.name}: {self._name} {ending.said}.")
            with place.progress:
                told = {"program": self._name, "exit_code": None if ending.timed_out else ending.code}
                self._arms.append(await verdict_on(front, told))
            self._notes.extend(f"{arm.name}: {note}" for note in self._arms[-1].notes)

    def _claim(self, arm: ProgramArm) -> Claim:
        """The arm named `off` is the control, where another one is held against it."""
        control = len(self._settings.arms) > 1 and any(each.name == "off" for each in self._settings.arms)
        control = control and (self._scenario is None or self._scenario.control)
        return Claim(arm.name, CLAIMS.get(arm.name), control, control and arm.name == "off")

    async def _until_ended(self, place: Place, arm: ProgramArm, address: str) -> None:
        which = f", arm {arm.name}" if self._settings.arms else ""
        place.say(f"{self._name} runs behind ackdrop at {address}{which}")
        variables = dict.fromkeys((*ADDRESS_IN, *self._settings.variables), address)
        variables.update(arm.variables)
        self._endings.append(await run(self._settings.program, variables, self._stop, self._settings.seconds))

    def _result(self) -> RunResult:
        names = [arm.name for arm in self._settings.arms or (ONLY,)]
        left = names[len(self._arms) :]
        text = "There is no verdict on this arm: the run was interrupted before. Run again for one."
        run = judge_run(
            self._arms,
            control=False,
            interrupted=bool(left),
            extra=[*self._missing, *(Reason("arm-not-run", name, text) for name in left)],
        )
        return RunResult(
            scenario=ScenarioInfo(f"{self._name}, with no faults", None, 0, None)
            if self._scenario is None
            else self._scenario.info,
            broker=self._info,
            verdict=run.verdict,
            reasons=instead(self._missing, run.reasons),
            exit_code=run.exit_code,
            arms=[arm.result for arm in self._arms],
            notes=list(self._notes),
            failures=run.failures,
        )
