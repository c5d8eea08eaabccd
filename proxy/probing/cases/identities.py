"""Epochs, and producer ids that the broker has not given."""

from __future__ import annotations

import secrets

from ..bench import Bench
from ..sending import Producer, Sending
from .case import Case, seq


async def newer_epoch(bench: Bench) -> None:
    old = await bench.producer()
    new = old.of_epoch(1)
    await bench.prepare("original", f"epoch 0, {seq(0)}", Sending(old.batch(0)))
    await bench.send("new", f"epoch 1, {seq(0)}", Sending(new.batch(0)))
    await bench.send("new-again", "the same bytes again", Sending(new.batch(0)))
    await bench.send("old-again", f"epoch 0, {seq(0)} again", Sending(old.batch(0)))
    await bench.send("old-next", f"epoch 0, {seq(3)}", Sending(old.batch(3)))
    await bench.send("new-next", f"epoch 1, {seq(3)}", Sending(new.batch(3)))


async def newer_epoch_ahead(bench: Bench) -> None:
    """A new epoch begins with sequence 0. What goes on with the old numbers is not that."""
    old = await bench.producer()
    await bench.prepare("original", f"epoch 0, {seq(0)}", Sending(old.batch(0)))
    await bench.send("ahead", f"epoch 1, {seq(3)}", Sending(old.of_epoch(1).batch(3)))


async def older_epoch(bench: Bench) -> None:
    """The older epoch is one that this partition has never seen."""
    producer = (await bench.producer()).of_epoch(5)
    older = producer.of_epoch(4)
    await bench.prepare("original", f"epoch 5, {seq(0)}", Sending(producer.batch(0)))
    await bench.send("again", f"epoch 4, {seq(0)} again", Sending(older.batch(0)))
    await bench.send("next", f"epoch 4, {seq(3)}", Sending(older.batch(3)))
    await bench.send("goes-on", f"epoch 5, {seq(3)}", Sending(producer.batch(3)))


async def unknown_at_zero(bench: Bench) -> None:
    unknown = _nobody()
    await bench.send("zero", seq(0), Sending(unknown.batch(0)))
    await bench.send("again", "the same bytes again", Sending(unknown.batch(0)))


async def unknown_ahead(bench: Bench) -> None:
    unknown = _nobody()
    await bench.send("seven", seq(7), Sending(unknown.batch(7)))
    await bench.send("again", "the same bytes again", Sending(unknown.batch(7)))
    await bench.send("goes-on", seq(10), Sending(unknown.batch(10)))


def _nobody() -> Producer:
    """An id that no broker has given by now: they count up from 0."""
    return Producer((1 << 60) + secrets.randbits(32), 0)


IDENTITIES = (
    Case("epochs and producer ids", "newer-epoch", "A newer epoch, and then the older one again", newer_epoch),
    Case("epochs and producer ids", "newer-epoch-ahead", "A newer epoch that does not begin with 0", newer_epoch_ahead),
    Case("epochs and producer ids", "older-epoch", "An older epoch", older_epoch),
    Case(
        "epochs and producer ids", "unknown-producer", "A producer id that nobody was given, from 0 on", unknown_at_zero
    ),
    Case(
        "epochs and producer ids",
        "unknown-producer-ahead",
        "A producer id that nobody was given, from 7 on",
        unknown_ahead,
    ),
)
