"""A proxy in front of programs that come and go, from its start to its report: what `ackdrop proxy` shows, and what
`ackdrop.api` gives to programs."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import trio

from ...broker.running import RunningBroker
from ...direct.cluster import Cluster
from ...errors import ListenerError
from ...ledger import Ledger
from ...observations import ArmWire, Observation
from ...report.finished import Finished
from ...report.progress import Progress
from ...result import ExpectationResult, Reason, RunResult, ScenarioInfo
from ...scenario.models import Scenario
from ...verify.of_runs import ArmVerdict, RunVerdict, judge_run
from .. import folder as folders
from ..acting import check, check_watched
from ..capturing import recording
from ..record import Record
from ..settings import FrontSettings, Say
from ..stopping import Stop
from ..view import View
from .front import Claim, Front, Place
from .meeting import Meeting, instead, no_credentials

if TYPE_CHECKING:
    from .judging import Judged

ARM = "proxy"


class Watch:
    """A proxy that runs: its front, its run's folder, and what is known of the cluster behind it."""

    def __init__(self, front: Front, record: Record, meeting: Meeting, title: str | None) -> None:
        self.front = front
        self._title = title
        self.record = record
        self.meeting = meeting
        self.claims: dict[str, ExpectationResult] = {}
        """What a test has claimed, by what it expects."""

    def claim(self, told: ExpectationResult) -> None:
        """A test has claimed this. Of the same claim the last one counts, unless one did not hold."""
        before = self.claims.get(told.expect)
        if before is None or before.held is not False:
            self.claims[told.expect] = told

    async def verified(self) -> tuple[RunResult, ArmWire]:
        """The verdict on what has passed until now, while it goes on, and the wire that it rests on. What is under way
        makes it inconclusive."""
        from .judging import judged

        self.front.proxy.flush()
        found = await judged(self.front)
        return self.record.told(self._told(found.verdict)), found.wire

    def ended(self, judged: Judged, captured: Sequence[str]) -> RunResult:
        """The result at the end, with what a test has claimed; `captured` is what there is to say of the capture."""
        from ...verify.claimed import claimed

        return self._told(claimed(judged.verdict, [*self.claims.values()]), captured)

    def _told(self, arm: ArmVerdict, captured: Sequence[str] = ()) -> RunResult:
        settings = self.front.place.settings
        missing = no_credentials(self.front.place.cluster) if settings.verify else []
        run = judge_run([arm], control=False, interrupted=False, extra=missing, error=self.meeting.reason)
        reasons = [_left_alone(reason, settings) for reason in instead(missing, run.reasons)]
        return self._result(dataclasses.replace(run, reasons=reasons), arm, captured)

    def begun(self) -> RunResult:
        """The result of a run that does not come any further."""
        return self._result(judge_run([], control=False, interrupted=True), None, ())

    def _result(self, run: RunVerdict, arm: ArmVerdict | None, captured: Sequence[str]) -> RunResult:
        scenario, notes = self.front.place.scenario, [*self.front.place.broker.notes, *self.meeting.notes]
        return RunResult(
            scenario=self._info(scenario, arm),
            broker=self.meeting.info,
            verdict=run.verdict,
            reasons=run.reasons,
            exit_code=run.exit_code,
            arms=[] if arm is None else [arm.result],
            notes=[*notes, *([] if arm is None else arm.notes), *captured],
            failures=run.failures,
        )

    def _info(self, scenario: Scenario | None, arm: ArmVerdict | None) -> ScenarioInfo:
        if scenario is None:
            added = arm is not None and arm.result.wire.faults
            title = f"Watching, with {'faults that were added meanwhile' if added else 'no faults'}"
            return ScenarioInfo(self._title or title, None, 0, None)
        return scenario.info if self._title is None else dataclasses.replace(scenario.info, title=self._title)


Until = Callable[[Watch, str], Awaitable[None]]
"""Gets the proxy once it listens, and its address; the proxy ends when it returns."""


async def watch(
    scenario: Scenario | None,
    settings: FrontSettings,
    broker: RunningBroker,
    until: Until,
    *,
    title: str | None = None,
    progress: Progress,
    say: Say,
    stop: Stop,
    happened: Callable[[Observation], None] = lambda fact: None,
) -> Finished:
    """Relay until `until` returns; then verify and report. A `title` stands in the report in the place of the
    scenario's, and in the name of the run's folder.

    A broker that does not answer yet is waited for. Raises ListenerError where the port is taken, and FaultError for a
    fault that the broker cannot have; neither leaves a folder.
    """
    view = View.chosen(scenario, settings)
    rules = () if scenario is None else scenario.rules
    check_watched(rules)
    async with Cluster.not_met(broker.bootstrap, mapping=settings.mapping, security=broker.security) as cluster:
        meeting = Meeting(cluster, broker)
        if await meeting.at_once():
            check(rules, broker, cluster.nodes, None)
        meeting.check()
        folder = folders.make(settings.out, _folder_name(scenario, title))
        record = Record(folder, settings.command)
        if scenario is not None:
            record.scenario(scenario.content)
        try:
            with Ledger.create(folder) as ledger:
                async with recording(settings.capture) as recorded:
                    place = Place(
                        scenario,
                        settings,
                        view,
                        cluster,
                        broker,
                        ledger,
                        progress,
                        say,
                        stop,
                        recorded,
                        happened,
                        lambda: meeting.info,
                    )
                    front = Front(place, Claim(ARM))
                    watched = Watch(front, record, meeting, title)
                    record.going_on(watched.begun())
                    await front.stand(partial(until, watched))
                    captured = [] if recorded is None else await recorded.notes()
                    from .judging import judged, keep

                    with progress:
                        found = await judged(front)
                        await trio.to_thread.run_sync(keep, front, found)
        except* ListenerError:
            if not front.proxy.bootstrap:
                shutil.rmtree(folder)
            raise
        return record.finished(watched.ended(found, captured))


def _folder_name(scenario: Scenario | None, title: str | None) -> str:
    if title is not None:
        return folders.slug(title)
    return "proxy" if scenario is None else f"proxy-{scenario.name}"


def _left_alone(reason: Reason, settings: FrontSettings) -> Reason:
    """A log that was not read because nobody wanted it is no defect of anything."""
    if settings.verify or reason.code != "log-not-read":
        return reason
    return dataclasses.replace(reason, text="--no-verify left the log alone, so nothing is known of it.")
