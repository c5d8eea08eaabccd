"""What is remembered of a producer after the broker was away. Only where the broker is ours."""

from __future__ import annotations

from ..bench import Bench
from ..numbers import span
from ..sending import Sending
from .case import Case, seq

BATCHES = 6


DAY = 24 * 60 * 60 * 1000
"""Milliseconds."""


async def after_restart(bench: Bench) -> None:
    await _away(bench, "restart", "the broker stops in order, and starts")


async def after_kill(bench: Bench) -> None:
    await _away(bench, "kill", "the broker is killed, and starts")


async def old_records(bench: Bench) -> None:
    """Somebody who copies old data gives its records their own times."""
    bench.may_restart()
    producer = await bench.producer()
    batch = producer.dated(producer.at - 2 * DAY).batch(0)
    await bench.prepare("original", f"{seq(0)}, two days old", Sending(batch))
    await bench.send("again", "the same bytes again", Sending(batch))
    await bench.restart("away", "the broker stops in order, and starts", "restart")
    await bench.send("after", "the same bytes again", Sending(batch))


async def _away(bench: Bench, word: str, what: str) -> None:
    bench.may_restart()
    producer = await bench.producer()
    batches = [producer.batch(3 * n) for n in range(BATCHES)]
    await bench.prepare("six", f"six batches, {seq(0, 3 * BATCHES)}", *map(Sending, batches))
    await bench.restart("away", what, word)
    for n in range(1, BATCHES + 1):
        batch = batches[-n]
        await bench.send(f"back-{n}", f"{n} from the end again, {span(batch.base_sequence)}", Sending(batch))
    await bench.send("next", f"the next, {seq(3 * BATCHES)}", Sending(producer.batch(3 * BATCHES)))


RESTARTS = (
    Case("restarts", "after-restart", "Duplicates after a restart", after_restart),
    Case("restarts", "after-restart-old", "A duplicate of old records after a restart", old_records),
    Case("restarts", "after-kill", "Duplicates after a kill", after_kill),
)
