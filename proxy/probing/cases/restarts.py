"""What is remembered of a producer after the broker was away, where it is ours, or another one leads."""

from __future__ import annotations

from ..bench import Bench
from ..model import Batch
from ..numbers import span
from ..sending import Producer, Sending
from .case import Case, seq

BATCHES = 6


DAY = 24 * 60 * 60 * 1000
"""Milliseconds."""


async def after_restart(bench: Bench) -> None:
    """In a second partition, records of two days ago: who copies old data gives its records their own times."""
    bench.may_restart()
    producer = await _prepared(bench)
    old = producer.dated(producer.at - 2 * DAY).batch(0)
    await bench.prepare("old", f"to partition 1: {seq(0)}, two days old", Sending(old, partition=1))
    await bench.send("old-again", "the same bytes again", Sending(old, partition=1))
    await bench.restart("away", "the broker stops in order, and starts", "restart")
    await _again(bench, producer)
    await bench.send("old-after", "what is two days old again", Sending(old, partition=1))


async def after_kill(bench: Bench) -> None:
    bench.may_restart()
    producer = await _prepared(bench)
    await bench.restart("away", "the broker is killed, and starts", "kill")
    await _again(bench, producer)


async def after_move(bench: Bench) -> None:
    bench.may_move()
    producer = await _prepared(bench)
    await bench.move("away", "another broker becomes the leader")
    await _again(bench, producer)


async def _prepared(bench: Bench) -> Producer:
    producer = await bench.producer()
    await bench.prepare("six", f"six batches, {seq(0, 3 * BATCHES)}", *map(Sending, _batches(producer)))
    return producer


async def _again(bench: Bench, producer: Producer) -> None:
    for n, batch in enumerate(reversed(_batches(producer)), 1):
        await bench.send(f"back-{n}", f"{n} from the end again, {span(batch.base_sequence)}", Sending(batch))
    await bench.send("next", f"the next, {seq(3 * BATCHES)}", Sending(producer.batch(3 * BATCHES)))


def _batches(producer: Producer) -> list[Batch]:
    return [producer.batch(3 * n) for n in range(BATCHES)]


RESTARTS = (
    Case("restarts", "after-move", "Duplicates after a change of the leader", after_move),
    Case("restarts", "after-restart", "Duplicates after a restart", after_restart, partitions=2),
    Case("restarts", "after-kill", "Duplicates after a kill", after_kill),
)
