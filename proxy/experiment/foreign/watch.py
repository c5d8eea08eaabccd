"""`ackdrop proxy`: the proxy in front of programs that come and go, until somebody ends it; then the report."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Sequence
from functools import partial

import trio

from ...broker.running import RunningBroker
from ...control.snapshot import Snapshot
from ...direct.authentication import NotLetIn
from ...direct.cluster import Cluster
from ...errors import ListenerError
from ...ledger import Ledger
from ...report.finished import Finished
from ...report.live.desk import About, Live
from ...report.progress import Progress
from ...report.words import broker_at
from ...result import Reason, RunResult, ScenarioInfo
from ...scenario.models import Scenario
from ...verify.of_runs import ArmVerdict, RunVerdict, judge_run
from .. import folder as folders
from ..acting import check, check_watched
from ..capturing import recording
from ..live.door import Doors
from ..live.running import kept_live
from ..record import Record
from ..settings import WatchSettings
from ..stopping import Stop
from ..view import View
from .front import Claim, Front, Place
from .meeting import Meeting, in_words, instead, no_credentials

ARM = "proxy"


async def watch(
    scenario: Scenario | None,
    settings: WatchSettings,
    progress: Progress,
    live: Live,
    stop: Stop,
    doors: Doors | None = None,
) -> Finished:
    """Relay until the stop is asked for or the time is over, shown by `live`; then verify and report.

    A broker that does not answer yet is waited for. Raises ListenerError where the port is taken, and FaultError for a
    fault that the broker cannot have; neither leaves a folder.
    """
    view = View.chosen(scenario, settings)
    rules = () if scenario is None else scenario.rules
    check_watched(rules)
    security = settings.security
    async with Cluster.not_met(settings.bootstrap, mapping=settings.mapping, security=security) as cluster:
        broker = RunningBroker(settings.bootstrap, "given", remote=settings.allow_remote, security=security)
        meeting = Meeting(cluster, broker)
        if await meeting.at_once():
            check(rules, broker, cluster.nodes, None)
        meeting.check()
        folder = folders.make(settings.out, "proxy" if scenario is None else f"proxy-{scenario.name}")
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
                        live.say,
                        stop,
                        recorded,
                        live.happened,
                        lambda: meeting.info,
                    )
                    front = Front(place, Claim(ARM))
                    record.going_on(_result(scenario, meeting, judge_run([], control=False, interrupted=True), None))
                    await front.stand(partial(_until_ended, front, record, meeting, live, doors))
                    captured = [] if recorded is None else await recorded.notes()
                    from .judging import verdict_on

                    with progress:
                        verdict = await verdict_on(front)
        except* ListenerError:
            if not front.proxy.bootstrap:
                shutil.rmtree(folder)
            raise
        missing = no_credentials(cluster) if settings.verify else []
    run = judge_run([verdict], control=False, interrupted=False, extra=missing, error=meeting.reason)
    reasons = instead(missing, run.reasons)
    run = dataclasses.replace(run, reasons=[_left_alone(reason, settings) for reason in reasons])
    return record.finished(_result(scenario, meeting, run, verdict, captured))


async def _until_ended(
    front: Front, record: Record, meeting: Meeting, live: Live, doors: Doors | None, address: str
) -> None:
    """Say where it listens, and wait for the end; and for the broker, where it is not there yet."""
    place, sets = front.place, front.place.settings.sets
    seconds = place.settings.seconds
    behind = "" if meeting.trouble else f"{meeting.told} at "
    place.say(f"ackdrop listens on {address}, in front of {behind}{meeting.info.bootstrap}")
    place.say(f"  point your producers at  {address}")
    place.say("  Ctrl-C ends it and reports" if seconds is None else f"  it ends after {seconds:g} s")
    for note in meeting.notes:
        place.say(note)
    async with kept_live(front, record, doors, sets), trio.open_nursery() as nursery:
        if isinstance(meeting.trouble, NotLetIn):
            place.say(in_words(meeting.trouble))
        elif meeting.trouble is not None:
            place.say(f"{meeting.trouble.message}; ackdrop goes on asking, and clients are sent away until it answers")
            nursery.start_soon(meeting.later, place.say)
        nursery.start_soon(live.run, _Desk(front, meeting, address))
        with trio.move_on_after(math.inf if seconds is None else seconds):
            await place.stop.event.wait()
        nursery.cancel_scope.cancel()


class _Desk:
    """The proxy as the live view wants it: a `Desk`."""

    def __init__(self, front: Front, meeting: Meeting, address: str) -> None:
        self._front = front
        self._meeting = meeting
        self._address = address

    @property
    def about(self) -> About:
        scenario, meeting = self._front.place.scenario, self._meeting
        answers = meeting.trouble is None
        why = "which wants SASL" if meeting.locked else "which does not answer yet"
        name = broker_at(meeting.info) if answers else f"{meeting.info.bootstrap}, {why}"
        title = "ackdrop proxy, with no faults" if scenario is None else scenario.title
        return About(title, self._address, name, self._front.place.settings.seconds)

    def snapshot(self) -> Snapshot:
        return self._front.gathering.snapshot()

    def toggle(self, fault: str) -> None:
        for state in self.snapshot().faults:
            if state.name == fault:
                change = self._front.faults.disarm if state.armed else self._front.faults.arm
                change(fault, "keys")

    def end(self) -> None:
        self._front.place.stop.ask()


def _result(
    scenario: Scenario | None,
    meeting: Meeting,
    run: RunVerdict,
    arm: ArmVerdict | None,
    captured: Sequence[str] = (),
) -> RunResult:
    return RunResult(
        scenario=ScenarioInfo("Watching, with no faults", None, 0, None) if scenario is None else scenario.info,
        broker=meeting.info,
        verdict=run.verdict,
        reasons=run.reasons,
        exit_code=run.exit_code,
        arms=[] if arm is None else [arm.result],
        notes=[*meeting.notes, *([] if arm is None else arm.notes), *captured],
        failures=run.failures,
    )


def _left_alone(reason: Reason, settings: WatchSettings) -> Reason:
    """A log that was not read because nobody wanted it is no defect of anything."""
    if settings.verify or reason.code != "log-not-read":
        return reason
    return dataclasses.replace(reason, text="--no-verify left the log alone, so nothing is known of it.")
