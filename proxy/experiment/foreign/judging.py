"""The verdict on an arm of programs that are not ours: the wire, and the log of the topics that they wrote."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from ...errors import AckdropError
from ...observations import ArmWire, AttemptStory
from ...result import ProducerInfo
from ...verify.barrier import wait_quiet
from ...verify.evidence import ArmEvidence
from ...verify.of_runs import ArmVerdict
from ...verify.reader import LogReading
from ...verify.verdict import judge_arm
from ..view import clients
from .front import PATIENCE, Front

SETTLE = 0.5
"""Seconds in which what was answered before it was replicated is, and what has no answer is appended."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and what it rests on: the wire, and the log (None: it was not read)."""

    verdict: ArmVerdict
    wire: ArmWire
    reading: LogReading | None


async def verdict_on(front: Front, config: dict[str, str | int | None] | None = None) -> ArmVerdict:
    """The arm's verdict at its end, kept in the ledger too: see `judged`."""
    found = await judged(front, config)
    await trio.to_thread.run_sync(keep, front, found)
    return found.verdict


async def judged(front: Front, config: dict[str, str | int | None] | None = None) -> Judged:
    """The arm's verdict on what has passed. `config` is what is known of how the program was run.

    A scenario's `expect` speaks of arms with a workload of ours; what is expected here is the same with it and without:
    no duplicate from protected retries, no loss, and a retry.
    """
    place, claim = front.place, front.claim
    await trio.to_thread.run_sync(place.ledger.flush)
    wire = await trio.to_thread.run_sync(place.ledger.wire, claim.name)
    reading, quiet = await _read(front, wire)
    evidence = ArmEvidence(
        name=claim.name,
        idempotence=claim.idempotence,
        wire=wire,
        sends=None,
        log=None if reading is None else reading.log,
        producer=ProducerInfo(clients(wire), None, dict(config or {})),
        gone=() if reading is None else tuple(reading.gone),
        rules=tuple(tally.name for tally in wire.faults),
        elsewhere=_elsewhere(front),
        control=claim.control,
        is_control=claim.is_control,
        barrier_quiet=quiet,
        disk_failure=None if place.ledger.failure is None else place.ledger.failure.reason,
        isolation=place.view.isolation,
        named=place.view.naming is not None,
    )
    verdict = await trio.to_thread.run_sync(judge_arm, evidence, abandon_on_cancel=True)
    verdict.notes.extend(front.proxy.told)
    return Judged(verdict, wire, reading)


def _elsewhere(front: Front) -> frozenset[str]:
    scenario, idempotence = front.place.scenario, front.claim.idempotence
    return frozenset() if scenario is None or idempotence is None else scenario.elsewhere(idempotence)


def keep(front: Front, found: Judged) -> None:
    """What was read and found, into the ledger, once; waits for the disk."""
    writer, reading = front.writer, found.reading
    if reading is not None:
        writer.batches(reading.log.batches(), reading.log.batch_count)
        writer.log(reading.log.records(), len(reading.log))
    writer.findings(found.verdict.result.findings)


async def _read(front: Front, wire: ArmWire) -> tuple[LogReading | None, bool]:
    """The log of what was written through us, and whether all that is to come of it has come.

    None where it is to be left alone or cannot be read. Where nothing was written there is nothing to read. Others may
    go on writing to the same topics: the log has to come to rest only where a request was left without its answer,
    which the broker may still append.
    """
    place = front.place
    topics = {topic for topic, _ in wire.starts}
    if not place.settings.verify or place.cluster.locked is not None:
        return None, True
    if not topics:
        return place.view.nothing(), True
    unanswered = any(_unanswered(story) for story in wire.attempts)
    try:
        there = topics & (await place.cluster.topics(sorted(topics))).keys()
        place.progress.phase("waiting for the broker to come to rest")
        limit = PATIENCE if unanswered else 0.0
        unsettled = front.proxy.wire
        barrier = await wait_quiet(
            place.cluster,
            there,
            unsettled=lambda: unsettled.unsettled,
            timeout=limit,
            settle=0.0 if _all_in_place(wire) else SETTLE,
        )
        reading = await place.view.read(place.cluster, wire.starts, barrier.high_watermarks, place.progress)
    except AckdropError as error:
        place.progress.note(f"the log was not read: {error.message}")
        return None, True
    return reading, barrier.quiet or not unanswered


def _all_in_place(wire: ArmWire) -> bool:
    """Whether all that was sent stands below the high watermark by now: `acks=all` is answered after that. What ends a
    transaction is written after its end was answered."""
    sent = [story for story in wire.attempts if story.forwarded]
    plain = all(story.attempt.acks == -1 and story.attempt.transactional_id is None for story in sent)
    return plain and not wire.ranges and all(story.error == 0 for story in sent)


def _unanswered(story: AttemptStory) -> bool:
    return story.forwarded and story.answered_at is None and story.attempt.acks != 0
