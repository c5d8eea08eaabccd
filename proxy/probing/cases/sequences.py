"""Sequences that do not follow."""

from __future__ import annotations

from ..bench import Bench
from ..numbers import LAST
from ..sending import Sending
from .case import Case, seq


async def gap(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("original", seq(0), Sending(producer.batch(0)))
    await bench.send("gap", f"{seq(4)}, where 3 is next", Sending(producer.batch(4)))
    await bench.send("goes-on", f"{seq(3)} after all", Sending(producer.batch(3)))


async def overlap(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("two", f"{seq(0)} and 3-5", Sending(producer.batch(0)), Sending(producer.batch(3)))
    await bench.send("both", f"both as one, {seq(0, 6)}", Sending(producer.batch(0, 6)))
    await bench.send("middle", f"{seq(2)}, in both of them", Sending(producer.batch(2)))
    await bench.send("half-new", f"{seq(4, 4)}, half of it new", Sending(producer.batch(4, 4)))
    await bench.send("goes-on", f"{seq(6)}", Sending(producer.batch(6)))


async def wrap_around(bench: Bench) -> None:
    producer = await bench.producer()
    end = producer.batch(LAST - 2)
    await bench.prepare("end", seq(LAST - 2), Sending(end))
    await bench.send("one", f"{seq(1)}, where 0 is next", Sending(producer.batch(1)))
    await bench.send("negative", "sequence -2^31, as int32 goes on", Sending(producer.batch(-LAST - 1)))
    await bench.send("zero", seq(0), Sending(producer.batch(0)))
    await bench.send("again", "the first batch again", Sending(end))


async def wrap_inside(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("before", seq(LAST - 4), Sending(producer.batch(LAST - 4)))
    across = producer.batch(LAST - 1, 4)
    await bench.send("across", f"{seq(LAST - 1, 4)}, across the end", Sending(across))
    await bench.send("again", "the same bytes again", Sending(across))
    await bench.send("goes-on", f"{seq(2)}", Sending(producer.batch(2)))


SEQUENCES = (
    Case("sequences", "gap", "A gap", gap),
    Case("sequences", "overlap", "A batch that overlaps two earlier ones", overlap),
    Case("sequences", "wrap-around", "The end of the numbers, 2^31-1, between two batches", wrap_around),
    Case("sequences", "wrap-inside", "The end of the numbers within a batch", wrap_inside),
)
