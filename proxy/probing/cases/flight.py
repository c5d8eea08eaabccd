"""Duplicates while the original is on its way, and with other acks."""

from __future__ import annotations

from ..bench import Bench
from ..model import Batch
from ..sending import Sending
from .case import Case, seq


async def pipelined(bench: Bench) -> None:
    """Both are sent before the first is answered. How far the broker had come with it then, nobody can see."""
    producer = await bench.producer()
    batch, following = producer.batch(0), producer.batch(3)
    await bench.together("twice", f"{seq(0)} twice in one write", Sending(batch), Sending(batch))
    await bench.together(
        "interleaved",
        f"{seq(3)}, 0-2 and 3-5, in one write",
        Sending(following),
        Sending(batch),
        Sending(following),
    )


async def two_connections(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("dial", f"{seq(0)} and 3-5", Sending(producer.batch(0)), _second(producer.batch(3)))
    for n in range(5):
        batch = producer.batch(6 + 3 * n)
        what = f"{seq(batch.base_sequence)} on both at once"
        await bench.together(f"at-once-{n + 1}", what, Sending(batch), _second(batch))


def _second(batch: Batch) -> Sending:
    return Sending(batch, connection=2)


async def acks(bench: Bench) -> None:
    producer = await bench.producer()
    for first, word in ((0, "1"), (3, "0"), (6, "all")):
        number = -1 if word == "all" else int(word)
        batch = producer.batch(first)
        await bench.send(f"acks-{word}", f"acks={word}, {seq(first)}", Sending(batch, acks=number))
        await bench.send(f"acks-{word}-again", "the same bytes again", Sending(batch, acks=number))
    await bench.send("mixed", f"acks=1, {seq(6)} again", Sending(producer.batch(6), acks=1))
    await bench.send("mixed-all", f"acks=all, {seq(0)} again", Sending(producer.batch(0)))


FLIGHT = (
    Case("batches in flight", "pipelined", "A duplicate while the original is in flight, one connection", pipelined),
    Case(
        "batches in flight",
        "two-connections",
        "A duplicate while the original is in flight, two connections",
        two_connections,
    ),
    Case("batches in flight", "acks", "Duplicates with acks=1, 0 and all", acks),
)
