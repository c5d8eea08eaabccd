"""`ackdrop verify`: the checks of a run, of a topic's log alone, or of a run that is over.

A topic alone has no wire: nobody saw who sent what again. Its records are known by the identity that the user names,
else by key, value, headers and create time, and what cannot be decided so is said to be undecided. A run's folder has
its ledger: the log is read again and held against all that was seen then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import trio

from ..direct.cluster import Cluster
from ..direct.identity import broker_info
from ..errors import UsageError
from ..ledger import Ledger
from ..report import as_json
from ..report.finished import Finished
from ..report.progress import Progress
from ..result import ArmResult, ProducerInfo, Reason, RunResult, ScenarioInfo
from ..scenario.load import load
from ..scenario.models import Scenario
from ..verify.evidence import ArmEvidence
from ..verify.of_runs import ArmVerdict, judge_run
from ..verify.reader import ANY_RUN
from ..verify.verdict import judge_arm
from . import folder as folders
from .record import SCENARIO, Record
from .settings import Say, VerifySettings
from .view import View

ARM = "log"
LEDGER = ("ledger-not-written", "ledger-incomplete")
"""The codes of reasons by which a run has told that its ledger lacks something."""


async def verify(settings: VerifySettings, progress: Progress, say: Say) -> Finished:
    """Read what there is to be read, and judge it. Raises BrokerError where the broker does not answer, and UsageError
    for a topic or a folder that is not there; neither leaves a folder."""
    past = None if settings.run is None else _Past(settings.run)
    name = settings.topics[0] if past is None else past.folder.name
    async with Cluster.connect(settings.bootstrap, mapping=settings.mapping, security=settings.security) as cluster:
        broker = await broker_info(cluster, "given", settings.bootstrap)
        for note in cluster.notes:
            say(note)
        if past is None:
            verdicts = [await _alone(cluster, settings, progress)]
        else:
            verdicts = [await _against(cluster, past, arm, settings, progress) for arm in past.recorded]
    control = past is not None and past.scenario is not None and past.scenario.control and not past.watched
    run = judge_run(verdicts, control=control, extra=() if past is None else past.unrecorded())
    record = Record(folders.make(settings.out, f"verify-{name}"), settings.command)
    return record.finished(
        RunResult(
            scenario=_title(settings, past),
            broker=broker,
            verdict=run.verdict,
            reasons=run.reasons,
            exit_code=run.exit_code,
            arms=[verdict.result for verdict in verdicts],
            notes=[*cluster.notes, *(note for verdict in verdicts for note in verdict.notes)],
            failures=run.failures,
        )
    )


async def _alone(cluster: Cluster, settings: VerifySettings, progress: Progress) -> ArmVerdict:
    """The whole log of some topics, and nothing else."""
    found = await cluster.topics(sorted(settings.topics))
    missing = [topic for topic in settings.topics if topic not in found]
    if missing:
        raise UsageError(f"the broker has no topic {missing[0]!r}", remedy="see its name, or name another --bootstrap")
    view = View.chosen(None, settings, ANY_RUN)
    starts: dict[tuple[str, int], int] = {}
    ends: dict[str, dict[int, int]] = {}
    for topic in found:
        starts.update({(topic, partition): at for partition, at in (await cluster.start_offsets(topic)).items()})
        ends[topic] = await cluster.end_offsets(topic)
    reading = await view.read(cluster, starts, ends, progress)
    return await _judged(
        ArmEvidence(
            name=ARM,
            idempotence=None,
            wire=None,
            sends=None,
            log=reading.log,
            producer=ProducerInfo("unknown", None, {}),
            gone=tuple(reading.gone),
            isolation=view.isolation,
            named=view.naming is not None,
        )
    )


async def _against(
    cluster: Cluster, past: _Past, arm: ArmResult, settings: VerifySettings, progress: Progress
) -> ArmVerdict:
    """The log of what an arm wrote, held against the arm's ledger."""
    wire = await trio.to_thread.run_sync(past.ledger.wire, arm.name)
    lacking = past.lacking.get(arm.name)
    if lacking is not None:  # a ledger that could not be written could not tell so either
        wire = dataclasses.replace(wire, let_go=max(1, wire.let_go))
    sends = None if arm.idempotence is None else await trio.to_thread.run_sync(past.ledger.sends_of, arm.name)
    view = View.chosen(past.scenario, settings, past.run_id)
    topics = {topic for topic, _ in wire.starts}
    there = await cluster.topics(sorted(topics)) if topics else {}
    ends = {topic: await cluster.end_offsets(topic) for topic in there}
    reading = await view.read(cluster, wire.starts, ends, progress) if topics else view.nothing()
    scenario = None if past.watched else past.scenario
    verdict = await _judged(
        ArmEvidence(
            name=arm.name,
            idempotence=arm.idempotence,
            wire=wire,
            sends=sends,
            log=reading.log,
            producer=arm.producer,
            run_id=past.run_id or "",
            expectations=() if scenario is None else scenario.expect.get(arm.name, ()),
            gone=tuple(reading.gone),
            isolation=view.isolation,
            named=view.naming is not None,
            rules=tuple(tally.name for tally in wire.faults),
            elsewhere=frozenset() if scenario is None else scenario.elsewhere(arm.idempotence),
            control=scenario is not None and scenario.control,
            is_control=scenario is not None and scenario.control_arm == arm.name,
            producer_finished=arm.name not in past.died,
        )
    )
    if lacking is None:
        return verdict
    reasons = [lacking if reason.code in LEDGER else reason for reason in verdict.reasons]
    return dataclasses.replace(verdict, reasons=reasons)


async def _judged(evidence: ArmEvidence) -> ArmVerdict:
    return await trio.to_thread.run_sync(judge_arm, evidence, abandon_on_cancel=True)


class _Past:
    """A run that is over, as its folder has it. `watched`: it was of programs that are not ours. `died` names the arms
    whose producer ended early, `lacking` has those of whom the ledger lacks something, and why; `recorded` are those of
    whom it has anything. Raises UsageError where the folder is not that of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.result = as_json.read(folder)
        if self.result.repeat is not None:
            raise UsageError(
                f"{folder} holds {self.result.repeat.runs} runs", remedy=f"name one of them, as in {folder / '1'}"
            )
        self.ledger = Ledger.open(folder)
        self.scenario = _scenario(folder)
        self.run_id = None if self.result.run is None else self.result.run.id
        self.arms: Sequence[ArmResult] = self.result.arms
        self.watched = all(arm.idempotence is None for arm in self.arms)
        self.died = {reason.arm for reason in self.result.reasons if reason.code == "producer-died"}
        self.lacking = {reason.arm: reason for reason in self.result.reasons if reason.code in LEDGER}
        known = self.ledger.arms()
        self.recorded = [arm for arm in self.arms if arm.name in known]
        if not self.arms:
            raise UsageError(f"the run in {folder} has no arm that came to its end", remedy="name another run")

    def unrecorded(self) -> list[Reason]:
        """A reason for each arm of which the ledger has nothing."""
        text = "The ledger has nothing of this arm, so there is nothing to hold the log against. Run it again."
        missing = [arm.name for arm in self.arms if arm not in self.recorded]
        return [self.lacking.get(name, Reason(LEDGER[1], name, text)) for name in missing]


def _scenario(folder: Path) -> Scenario | None:
    file = folder / SCENARIO
    return load(file) if file.is_file() else None


def _title(settings: VerifySettings, past: _Past | None) -> ScenarioInfo:
    if past is None:
        return ScenarioInfo(f"The log of {', '.join(settings.topics)}, alone", None, 0, None)
    told = past.result.scenario
    return ScenarioInfo(f"{told.title}, verified again", told.file, told.seed, told.sha256)
