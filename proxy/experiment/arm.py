"""One arm of a scenario: its topic, its proxy, its producer; then the barrier, the log and the verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trio

from ..broker.running import RunningBroker
from ..direct.cluster import Cluster
from ..errors import BrokerError
from ..faults.engine import Engine
from ..ledger import ArmWriter, Ledger
from ..relay import Proxy, ProxySettings
from ..report.progress import Progress
from ..result import ProducerInfo
from ..scenario.models import Arm, Scenario
from ..security import Sasl
from ..verify.barrier import Barrier, wait_quiet
from ..verify.evidence import ArmEvidence
from ..verify.of_runs import ArmVerdict
from ..verify.reader import LogReading, read_log
from ..verify.verdict import judge_arm
from ..workload.hand import Hand
from ..workload.outcome import ProducerReport
from ..workload.plan import ProducerPlan
from ..workload.run import run_producer
from . import disk
from .acting import Actor
from .capturing import Recording
from .moving import mover
from .settings import RunSettings
from .stopping import Stop, ungrouped

BARRIER = 30.0
"""Seconds in which the broker has to come to rest after the producer has ended."""
BROKEN_OFF = 10.0
"""Seconds for the barrier, and again for the log, after an interruption."""
CLEAN_UP, HURRIED = 10.0, 2.0
"""Seconds for the removal of the arm's topic: after a good end, and after any other."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What all arms of a run share. `notes` takes sentences for the report."""

    scenario: Scenario
    settings: RunSettings
    cluster: Cluster
    ledger: Ledger
    folder: Path
    run_id: str
    progress: Progress
    stop: Stop
    broker: RunningBroker
    recording: Recording | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArmRun:
    """How an arm went. `broken`: the broker was lost before all of the log was read; the verdict is about the rest."""

    verdict: ArmVerdict
    broken: BrokerError | None


@dataclass(slots=True)
class _Seen:
    """What an arm brings to light, as far as it came."""

    report: ProducerReport
    barrier: Barrier | None = None
    reading: LogReading | None = None
    broken: BrokerError | None = None


async def run_arm(stage: Stage, arm: Arm) -> ArmRun:
    """Run one arm to its verdict. The proxy ends before the log is read; the topic is removed unless kept.

    Raises BrokerError where the topic cannot be made, ProducerError and ListenerError where one of them does not
    start. A broker that is lost later is told in the result.
    """
    rules = tuple(rule.name for rule in stage.scenario.rules)
    writer = stage.ledger.arm(arm.name, arm.idempotence, rules, topic_suffix=f"-{stage.run_id}")
    seen = await _on_a_topic(stage, arm, writer)
    evidence = await trio.to_thread.run_sync(_recorded, stage, arm, writer, seen)
    verdict = await trio.to_thread.run_sync(judge_arm, evidence, abandon_on_cancel=True)
    await trio.to_thread.run_sync(writer.findings, verdict.result.findings)
    stage.notes.extend(f"{arm.name}: {note}" for note in verdict.notes)
    return ArmRun(verdict, seen.broken)


async def _on_a_topic(stage: Stage, arm: Arm, writer: ArmWriter) -> _Seen:
    """The arm's own topic, made anew; removed at the end, an interruption included, unless it is to be kept."""
    scenario = stage.scenario
    topic = f"ackdrop-{scenario.name}-{arm.name}-{stage.run_id}"
    limit = HURRIED
    try:
        await stage.cluster.create_topic(topic, scenario.workload.partitions, scenario.workload.replication)
        made = await stage.cluster.topic_id(topic)
        seen = await _traffic(stage, arm, topic, writer)
        await _read(stage, arm, topic, seen)
        await _made_anew(stage, topic, made, seen)
        if seen.broken is None:
            limit = CLEAN_UP
        return seen
    finally:
        if not stage.settings.keep:
            await _remove(stage, topic, limit)


async def _remove(stage: Stage, topic: str, limit: float) -> None:
    """Remove a topic within `limit` seconds, whatever is being cancelled; where that fails, the report says so."""
    why = f"the broker did not answer within {limit:g} s"
    with trio.move_on_after(limit, shield=True):
        try:
            return await stage.cluster.delete_topic(topic)
        except BrokerError as error:
            why = error.message
    stage.notes.append(f"The topic {topic} may still be there: {why}.")


async def _traffic(stage: Stage, arm: Arm, topic: str, writer: ArmWriter) -> _Seen:
    """The producer's run through a proxy of its own, until nothing is on its way any more."""
    starts = {(topic, partition): 0 for partition in range(stage.scenario.workload.partitions)}
    hand = Hand()
    with ungrouped():
        async with trio.open_nursery() as nursery:
            actor = Actor(nursery, stage.broker, hand, stage.stop, starts.keys, mover(stage.broker, stage.cluster))
            proxy = _proxy(stage, arm, writer, starts, actor)
            actor.tell = proxy.note
            await nursery.start(proxy.serve)
            nursery.start_soon(disk.tell, stage.ledger, stage.progress.note)
            if stage.recording is not None:
                nursery.start_soon(stage.recording.watch, stage.progress.note)
            seen = _Seen(await _produce(stage, arm, topic, proxy.bootstrap, hand))
            await actor.finish()
            await _come_to_rest(stage, topic, proxy, seen)
            nursery.cancel_scope.cancel()
    return seen


def _proxy(stage: Stage, arm: Arm, writer: ArmWriter, starts: dict[tuple[str, int], int], actor: Actor) -> Proxy:
    label = _label(stage.run_id)
    return Proxy(
        ProxySettings(
            upstream=stage.cluster.bootstraps,
            mapping=dict(stage.cluster.mapping),
            upstream_tls=stage.settings.security.tls,
            upstream_sasl=stage.settings.security.sasl,
        ),
        Engine(stage.scenario.rules, seed=stage.scenario.seed, arm=arm.name, label=label),
        writer.put,
        act=actor,
        starts=starts,
        label=label,
        tap=None if stage.recording is None else stage.recording.tap(arm.name),
    )


def _label(run_id: str) -> Callable[[str], str]:
    """Chance and decisions go by a topic's name without the part that is new in every run."""
    return lambda topic: topic.removesuffix(f"-{run_id}")


async def _produce(stage: Stage, arm: Arm, topic: str, bootstrap: str, hand: Hand) -> ProducerReport:
    workload = stage.scenario.workload
    plan = ProducerPlan(
        client=workload.producer,
        bootstrap=bootstrap,
        topic=topic,
        partitions=workload.partitions,
        run_id=stage.run_id,
        producer="p1",
        client_id=f"ackdrop-{arm.name}",
        idempotence=arm.idempotence,
        records=workload.records,
        sends=workload.sends,
        resend_failed=workload.resend_failed,
        rate=workload.rate,
        pipelined=workload.pipelined,
        value=workload.value,
        config=dataclasses.asdict(workload.config),
        client_config=dict(workload.client_config),
        deadline=workload.deadline,
        strict=stage.settings.strict,
        sasl=_who(stage.settings.security.sasl),
    )
    stage.progress.phase(f"arm {arm.name}: producing", plan.planned)
    return await run_producer(
        plan,
        python=stage.settings.producer_python,
        folder=stage.folder,
        label=arm.name,
        on_progress=lambda progress: stage.progress.advance_to(progress.acked + progress.failed + progress.unknown),
        stop=stage.stop.event,
        hand=hand,
    )


def _who(sasl: Sasl | None) -> dict[str, str] | None:
    """Who a producer is, in the words of its plan: the one that ackdrop is too."""
    if sasl is None:
        return None
    sasl = sasl.renewed()
    return {"mechanism": sasl.mechanism, "username": sasl.username, "password": sasl.password}


async def _come_to_rest(stage: Stage, topic: str, proxy: Proxy, seen: _Seen) -> None:
    """The barrier, while the proxy still hands through what is under way."""
    proxy.end_detention()
    limit = BROKEN_OFF if stage.stop.asked else BARRIER
    async with stage.stop.until(BROKEN_OFF):
        try:
            seen.barrier = await wait_quiet(
                stage.cluster, [topic], unsettled=lambda: proxy.wire.unsettled, timeout=limit
            )
        except BrokerError as error:
            seen.broken = error


async def _read(stage: Stage, arm: Arm, topic: str, seen: _Seen) -> None:
    """The topic's log from its beginning to where the barrier saw its end."""
    if seen.barrier is None:
        return
    wanted = {topic: {partition: (0, end) for partition, end in seen.barrier.high_watermarks[topic].items()}}
    stage.progress.phase(f"arm {arm.name}: reading the log", sum(end for _, end in wanted[topic].values()))
    async with stage.stop.until(BROKEN_OFF):
        try:
            seen.reading = await read_log(
                stage.cluster,
                wanted,
                run_id=stage.run_id,
                isolation=stage.scenario.isolation,
                on_progress=lambda done, _total: stage.progress.advance_to(done),
            )
        except BrokerError as error:
            seen.broken = error


async def _made_anew(stage: Stage, topic: str, made: bytes | None, seen: _Seen) -> None:
    """A topic of that name that is another one now has lost what stood in it, which is no loss by the broker."""
    if seen.reading is None or made is None:
        return
    async with stage.stop.until(BROKEN_OFF):
        try:
            now = await stage.cluster.topic_id(topic)
        except BrokerError as error:
            seen.broken = error
            return
        if now is not None and now != made:
            sentence = f"{topic} was removed and made anew while the arm ran"
            seen.reading = dataclasses.replace(seen.reading, gone=[*seen.reading.gone, sentence])


def _recorded(stage: Stage, arm: Arm, writer: ArmWriter, seen: _Seen) -> ArmEvidence:
    """What was seen, written to the ledger, and what was seen on the wire read back from there. Waits for the disk."""
    scenario, report, reading = stage.scenario, seen.report, seen.reading
    writer.sends(report.sends)
    if reading is not None:
        writer.batches(reading.log.batches(), reading.log.batch_count)
        writer.log(reading.log.records(), len(reading.log))
    return ArmEvidence(
        name=arm.name,
        idempotence=arm.idempotence,
        wire=stage.ledger.wire(arm.name),
        sends=report.sends,
        log=None if reading is None else reading.log,
        producer=ProducerInfo(report.client, report.version, report.config, list(report.not_applicable)),
        run_id=stage.run_id,
        expectations=scenario.expect.get(arm.name, ()),
        gone=() if reading is None else tuple(reading.gone),
        rules=tuple(rule.name for rule in scenario.rules),
        elsewhere=scenario.elsewhere(arm.idempotence),
        control=scenario.control,
        is_control=arm.name == scenario.control_arm,
        producer_finished=report.finished,
        producer_error=report.error,
        barrier_quiet=seen.barrier is not None and seen.barrier.quiet,
        isolation=scenario.isolation,
        disk_failure=None if stage.ledger.failure is None else stage.ledger.failure.reason,
    )
