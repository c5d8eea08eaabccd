"""`ackdrop proxy`: the same proxy for programs that are not ours.

It relays until it is told to end, takes each partition's start offset before its first produce request goes on, then
verifies the topics that were written through it. There is one arm, and the program's futures are unknown: records are
known by key, value, headers and create time.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import trio

from ..broker.running import RunningBroker
from ..core.commands import AskStarts
from ..direct.cluster import Cluster
from ..direct.identity import identity_of
from ..errors import AckdropError, ListenerError
from ..faults.engine import Engine
from ..ledger import ArmWriter, Ledger
from ..observations import ArmWire, AttemptStory
from ..relay import Proxy, ProxySettings
from ..report.finished import Finished
from ..report.progress import Progress
from ..result import BrokerInfo, ProducerInfo, Reason, RunResult, ScenarioInfo
from ..scenario.models import Scenario
from ..verify.barrier import wait_quiet
from ..verify.evidence import ArmEvidence
from ..verify.reader import LogReading
from ..verify.verdict import ArmVerdict, RunVerdict, judge_arm, judge_run
from . import folder as folders
from .acting import Actor, check, check_watched
from .record import Record
from .scenario import scenario_info
from .settings import Say, WatchSettings
from .stopping import Stop
from .view import View, clients

ARM = "proxy"
PATIENCE = 10.0
"""Seconds for the broker to come to rest, and for each question that is put to it."""


async def watch(
    scenario: Scenario | None, settings: WatchSettings, progress: Progress, say: Say, stop: Stop
) -> Finished:
    """Relay until the stop is asked for or the time is over, then verify and report. Raises BrokerError at the start
    where no broker answers, and ListenerError where the port is taken; neither leaves a folder."""
    view = View.chosen(scenario, settings)
    rules = () if scenario is None else scenario.rules
    check_watched(rules)
    async with Cluster.connect(settings.bootstrap, mapping=settings.mapping) as cluster:
        identity = await identity_of(cluster)
        for note in cluster.notes:
            say(note)
        info = BrokerInfo(identity.kind, identity.version, "given", settings.bootstrap, identity.cluster_id)
        broker = RunningBroker(settings.bootstrap, "given", remote=settings.allow_remote)
        check(rules, broker, info, len(cluster.nodes))
        folder = folders.make(settings.out, "proxy" if scenario is None else f"proxy-{scenario.name}")
        record = _record(scenario, settings, folder)
        try:
            with Ledger.create(folder) as ledger:
                writer = ledger.arm(ARM, None, [rule.name for rule in rules])
                proxy = _proxy(cluster, scenario, settings, view, writer.put)
                record.going_on(_result(scenario, info, judge_run([], control=False, interrupted=True), None))
                await _relay(proxy, settings, say, stop, info, broker)
                verdict = await _verdict(cluster, proxy, ledger, writer, settings, view, progress)
        except* ListenerError:
            if not proxy.bootstrap:
                shutil.rmtree(folder)
            raise
    run = judge_run([verdict], control=False, interrupted=False)
    run = dataclasses.replace(run, reasons=[_left_alone(reason, settings) for reason in run.reasons])
    return record.finished(_result(scenario, info, run, verdict))


def _record(scenario: Scenario | None, settings: WatchSettings, folder: Path) -> Record:
    record = Record(folder, settings.command)
    if scenario is not None:
        record.scenario(scenario.content)
    return record


def _result(scenario: Scenario | None, broker: BrokerInfo, run: RunVerdict, arm: ArmVerdict | None) -> RunResult:
    return RunResult(
        scenario=ScenarioInfo("Watching, with no faults", None, 0, None)
        if scenario is None
        else scenario_info(scenario),
        broker=broker,
        verdict=run.verdict,
        reasons=run.reasons,
        exit_code=run.exit_code,
        arms=[] if arm is None else [arm.result],
        notes=[] if arm is None else arm.notes,
    )


async def _verdict(
    cluster: Cluster,
    proxy: Proxy,
    ledger: Ledger,
    writer: ArmWriter,
    settings: WatchSettings,
    view: View,
    progress: Progress,
) -> ArmVerdict:
    """The one arm's verdict.

    A scenario's `expect` speaks of arms with a workload of ours; what is expected here is the same with it and without:
    no duplicate from protected retries, no loss, and a retry.
    """
    await trio.to_thread.run_sync(ledger.flush)
    wire = await trio.to_thread.run_sync(ledger.wire, ARM)
    reading, quiet = await _read(cluster, proxy, wire, settings, view, progress)
    evidence = ArmEvidence(
        name=ARM,
        idempotence=None,
        wire=wire,
        sends=None,
        log=None if reading is None else reading.log,
        producer=ProducerInfo(clients(wire), None, {}),
        gone=() if reading is None else tuple(reading.gone),
        rules=tuple(tally.name for tally in wire.faults),
        barrier_quiet=quiet,
        isolation=view.isolation,
        named=view.naming is not None,
    )
    verdict = await trio.to_thread.run_sync(judge_arm, evidence, abandon_on_cancel=True)
    await trio.to_thread.run_sync(_kept, writer, reading, verdict)
    return verdict


def _kept(writer: ArmWriter, reading: LogReading | None, verdict: ArmVerdict) -> None:
    """What was read and found, into the ledger; waits for the disk."""
    if reading is not None:
        writer.batches(reading.log.batches())
        writer.log(reading.log.records())
    writer.findings(verdict.result.findings)


def _proxy(
    cluster: Cluster,
    scenario: Scenario | None,
    settings: WatchSettings,
    view: View,
    observe: Callable[..., None],
) -> Proxy:
    engine = Engine(() if scenario is None else scenario.rules, seed=0 if scenario is None else scenario.seed, arm=ARM)
    return Proxy(
        ProxySettings(
            upstream=cluster.bootstraps,
            listen=settings.listen,
            advertise=settings.advertise,
            ports=settings.ports,
            client_tls=settings.client_tls,
            upstream_tls=settings.security.tls,
            mapping=dict(cluster.mapping),
            wire=dataclasses.replace(settings.wire, ask_starts=True, naming=view.naming),
        ),
        engine,
        observe,
        ask=lambda asked: _starts(cluster, asked),
    )


async def _starts(cluster: Cluster, asked: AskStarts) -> tuple[str, dict[int, int]]:
    """The high watermarks of partitions that are about to be written through us for the first time.

    A broker that does not answer makes them unknown; the request goes on, and the report says so.
    """
    with trio.move_on_after(PATIENCE):
        try:
            topic = asked.topic if asked.topic_id is None else await cluster.topic_name(asked.topic_id)
            return topic, await cluster.end_offsets(topic)
        except AckdropError:
            pass
    return asked.topic, {}


async def _relay(
    proxy: Proxy, settings: WatchSettings, say: Say, stop: Stop, info: BrokerInfo, broker: RunningBroker
) -> None:
    async with trio.open_nursery() as nursery:
        actor = Actor(nursery, broker, None, stop, proxy.wire.starts.keys)
        actor.tell, proxy.act = proxy.note, actor
        address = await nursery.start(proxy.serve)
        kind = " ".join(filter(None, (info.kind, info.version)))
        say(f"ackdrop listens on {address}, in front of {kind} at {info.bootstrap}")
        say(f"  point your producers at  {address}")
        say("  Ctrl-C ends it and reports" if settings.seconds is None else f"  it ends after {settings.seconds:g} s")
        with trio.move_on_after(math.inf if settings.seconds is None else settings.seconds):
            await stop.event.wait()
        await actor.finish()
        proxy.end_detention()
        with trio.move_on_after(PATIENCE):
            await proxy.settled()
        nursery.cancel_scope.cancel()


async def _read(
    cluster: Cluster, proxy: Proxy, wire: ArmWire, settings: WatchSettings, view: View, progress: Progress
) -> tuple[LogReading | None, bool]:
    """The log of what was written through us, and whether all that is to come of it has come.

    None where it is to be left alone or cannot be read. Where nothing was written there is nothing to read. Others may
    go on writing to the same topics: the log has to come to rest only where a request was left without its answer,
    which the broker may still append.
    """
    topics = {topic for topic, _ in wire.starts}
    if not settings.verify:
        return None, True
    if not topics:
        return view.nothing(), True
    unanswered = any(_unanswered(story) for story in wire.attempts)
    try:
        there = topics & (await cluster.topics(sorted(topics))).keys()
        progress.phase("waiting for the broker to come to rest")
        limit = PATIENCE if unanswered else 0.0
        barrier = await wait_quiet(cluster, there, unsettled=lambda: proxy.wire.unsettled, timeout=limit)
        reading = await view.read(cluster, wire.starts, barrier.high_watermarks, progress)
    except AckdropError as error:
        progress.note(f"the log was not read: {error.message}")
        return None, True
    return reading, barrier.quiet or not unanswered


def _unanswered(story: AttemptStory) -> bool:
    return story.forwarded and story.answered_at is None and story.attempt.acks != 0


def _left_alone(reason: Reason, settings: WatchSettings) -> Reason:
    """A log that was not read because nobody wanted it is no defect of anything."""
    if settings.verify or reason.code != "log-not-read":
        return reason
    return dataclasses.replace(reason, text="--no-verify left the log alone, so nothing is known of it.")
