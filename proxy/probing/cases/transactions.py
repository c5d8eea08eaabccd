"""Transactions: who may still write in one, and what is taken outside of one.

Up to Produce 11 a partition belongs to a transaction once AddPartitionsToTxn has said so; from Produce 12 on the
broker adds it by itself (KIP-890). So most batches here go in Produce 11 at most, which every broker can be asked in.
"""

from __future__ import annotations

from ..bench import Bench
from ..ground import NotMeasured
from ..transacting import Transactions
from .case import Case, seq

EXPLICIT = 11
"""The newest Produce in which a batch does not itself add its partition to the transaction."""


async def fencing(bench: Bench) -> None:
    transactions = await Transactions.begin(bench)
    old = await transactions.producer("old", "a transactional producer")
    await transactions.add("add", "it adds its partition", old)
    await bench.prepare("original", seq(0), transactions.sending(old.batch(0, transactional=True), EXPLICIT))
    new = await transactions.producer("new", "a second producer of that id", fences=True)
    await transactions.add("old-adds", "the first adds its partition", old)
    await bench.send(
        "old-next", f"the first sends {seq(3)}", transactions.sending(old.batch(3, transactional=True), EXPLICIT)
    )
    await bench.send(
        "old-again",
        f"the first sends {seq(0)} again",
        transactions.sending(old.batch(0, transactional=True), EXPLICIT),
    )
    await transactions.end("old-ends", "the first commits", old)
    await transactions.add("new-adds", "the second adds its partition", new)
    await bench.send(
        "new-first", f"the second sends {seq(0)}", transactions.sending(new.batch(0, transactional=True), EXPLICIT)
    )
    await transactions.end("new-ends", "the second commits", new)


async def outside(bench: Bench) -> None:
    transactions = await Transactions.begin(bench)
    producer = await transactions.producer("producer", "a transactional producer")
    await bench.send(
        "outside",
        f"{seq(0)}, no partition added",
        transactions.sending(producer.batch(0, transactional=True), EXPLICIT),
    )
    await transactions.add("add", "it adds its partition", producer)
    await bench.send("inside", seq(0), transactions.sending(producer.batch(0, transactional=True), EXPLICIT))
    await bench.send(
        "again", "the same bytes again", transactions.sending(producer.batch(0, transactional=True), EXPLICIT)
    )
    await bench.send("plain", f"{seq(3)}, not transactional", transactions.sending(producer.batch(3), EXPLICIT))
    await transactions.end("end", "it commits", producer)


async def implicit(bench: Bench) -> None:
    transactions = await Transactions.begin(bench)
    producer = await transactions.producer("producer", "a transactional producer")
    sending = transactions.sending(producer.batch(0, transactional=True))
    if await bench.produce_version() <= EXPLICIT:
        raise NotMeasured("absent", f"it takes Produce {EXPLICIT + 1}, which both sides do not speak here")
    await bench.send("outside", f"{seq(0)}, no partition added", sending)
    await transactions.end("end", "it commits", producer)


async def after_end(bench: Bench) -> None:
    transactions = await Transactions.begin(bench)
    producer = await transactions.producer("producer", "a transactional producer")
    await transactions.add("add", "it adds its partition", producer)
    first = transactions.sending(producer.batch(0, transactional=True), EXPLICIT)
    await bench.prepare("original", seq(0), first)
    _, following = await transactions.end("end", "it commits", producer)
    await bench.send("again", f"{seq(0)} again, after the end", first)
    await bench.send(
        "next", f"{seq(3)}, after the end", transactions.sending(producer.batch(3, transactional=True), EXPLICIT)
    )
    if following != producer:
        await bench.send(
            "new-epoch",
            f"{seq(0)} in the new epoch",
            transactions.sending(following.batch(0, transactional=True), EXPLICIT),
        )


TRANSACTIONS = (
    Case("transactions", "txn-fencing", "Transactions: a producer that another one has followed", fencing),
    Case("transactions", "txn-outside", "Transactions: a batch outside of one", outside),
    Case("transactions", "txn-outside-12", "Transactions: a batch outside of one, in Produce 12 or newer", implicit),
    Case("transactions", "txn-after-end", "Transactions: a batch after the end", after_end),
)
