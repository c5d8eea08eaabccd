"""What is said at the end: what was read, what was not and why, and what to do about it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ...capture.reading.reader import Summary
from ..clean import clean
from ..words import counted, lasted, listed


def closing(summary: Summary, frames: int, width: int) -> Iterator[str]:
    """Lines, none wider than `width`."""
    for sentence in _sentences(summary, frames):
        yield from textwrap.wrap(clean(sentence), width)


def _sentences(summary: Summary, frames: int) -> Iterator[str]:
    read = f"{counted(summary.packets, 'packet')} in {lasted(summary.seconds)}"
    kafka = f"{counted(summary.kafka, 'connection')} with {counted(frames, 'frame')} of Kafka's"
    if summary.own:
        kafka += ", both sides of ackdrop counted"
    yield f"{read}: {kafka}."
    if summary.others or summary.skipped:
        others = [f"{counted(count, 'connection')} with {what}" for what, count in summary.others.most_common()]
        skipped = [f"{counted(count, 'packet')}: {what}" for what, count in summary.skipped.most_common()]
        yield f"Not read: {listed([*others, *skipped], 8)}."
    if summary.encrypted:
        yield (
            f"Encrypted, and so not read: {listed(list(summary.encrypted), 4)}. What TLS hides can be captured at"
            " ackdrop: `ackdrop proxy --capture FILE.pcapng` with --upstream-tls."
        )
    if summary.missing:
        yield f"The capture lacks {counted(summary.missing, 'byte')} of what was said, so something may not be told."
    if summary.tally.unread:
        yield f"{counted(summary.tally.unread, 'frame')} of Produce could not be read."
    if summary.let_go:
        yield f"{counted(summary.let_go, 'connection')} had to be let go, for too many at once: read a part of it."
    for cut in summary.cut_off:
        yield f"{cut.file} ends early, at byte {cut.at:,}: {cut.why}."
    if summary.interrupted:
        yield "It was interrupted: what came until then is told."
    if not summary.kafka:
        yield nothing(summary)


def nothing(summary: Summary) -> str:
    """Why there is no Kafka, and what can be done."""
    if not summary.packets:
        return "There is no packet in it."
    if summary.encrypted:
        return "No Kafka in the clear."
    if "IP fragments" in summary.skipped and len(summary.skipped) == 1:
        return "No Kafka that can be read: its packets are IP fragments, which are not put together."
    return (
        "No Kafka in it. Take a capture where clients and brokers talk, whole packets from the beginning of a"
        " connection on: `tcpdump -i any -s 0 -w FILE.pcap tcp port 9092`."
    )
