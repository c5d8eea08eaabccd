"""Duplicates, one after the other."""

from __future__ import annotations

from ..bench import Bench
from ..numbers import span
from ..sending import Producer, Sending
from .case import Case, seq

BACK = 10
"""So many batches back duplicates are sent."""


async def producer_ids(bench: Bench) -> None:
    """Two producers, and who they are."""
    exchange, first = await bench.ask_for_id()
    await bench.note("first", f"a producer id{_epoch(first)}", exchange)
    first = first or await bench.producer()  # which says why there is none
    exchange, second = await bench.ask_for_id()
    again = " (the SAME id)" if second is not None and second.id == first.id else ""
    await bench.note("second", f"another one{_epoch(second)}{again}", exchange)


def _epoch(producer: Producer | None) -> str:
    return "" if producer is None else f", epoch {producer.epoch}"


async def exact_duplicate(bench: Bench) -> None:
    batch = (await bench.producer()).batch(0)
    await bench.prepare("original", seq(0), Sending(batch))
    await bench.send("again", "the same bytes again", Sending(batch))
    await bench.send("third", "and once more", Sending(batch))


async def window(bench: Bench) -> None:
    """From the newest one back, since what is refused does not change what is remembered; the last step shows that."""
    producer = await bench.producer()
    batches = [producer.batch(2 * n, 2) for n in range(BACK)]
    await bench.prepare("ten", f"ten batches, {seq(0, 2 * BACK)}", *map(Sending, batches))
    for n in range(1, BACK + 1):
        batch = batches[-n]
        await bench.send(f"back-{n}", f"{n} from the end again, {span(batch.base_sequence, 2)}", Sending(batch))
    await bench.send("next", f"the next, {seq(2 * BACK, 2)}", Sending(producer.batch(2 * BACK, 2)))


async def other_payload(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("original", seq(0), Sending(producer.batch(0)))
    await bench.send("other", f"{seq(0)} with another payload", Sending(producer.batch(0, payload="b")))


async def other_count(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("original", seq(0), Sending(producer.batch(0)))
    await bench.send("fewer", f"its beginning alone, {seq(0, 2)}", Sending(producer.batch(0, 2)))
    await bench.send("more", f"it and one more record, {seq(0, 4)}", Sending(producer.batch(0, 4)))


async def other_connection(bench: Bench) -> None:
    batch = (await bench.producer()).batch(0)
    await bench.prepare("original", seq(0), Sending(batch))
    await bench.send("again", "the same bytes on another connection", Sending(batch, connection=2))


async def two_partitions(bench: Bench) -> None:
    producer = await bench.producer()
    await bench.prepare("first", f"{seq(0)} to partition 0", Sending(producer.batch(0)))
    await bench.send("second", "the same bytes to partition 1", Sending(producer.batch(0), partition=1))
    await bench.send("ahead", f"{seq(6)} to partition 1", Sending(producer.batch(6), partition=1))
    await bench.send("goes-on", f"{seq(3)} to partition 0", Sending(producer.batch(3)))


REPEATS = (
    Case("duplicates", "producer-ids", "Producer ids that are asked for", producer_ids),
    Case("duplicates", "exact-duplicate", "An exact duplicate", exact_duplicate),
    Case("duplicates", "window", "Each of the last ten batches again", window),
    Case("duplicates", "other-payload", "The same sequence, another payload", other_payload),
    Case("duplicates", "other-count", "The same first sequence, another number of records", other_count),
    Case("duplicates", "other-connection", "A duplicate on another connection", other_connection),
    Case("duplicates", "two-partitions", "One producer id in two partitions", two_partitions, partitions=2),
)
