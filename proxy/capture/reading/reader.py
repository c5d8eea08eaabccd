"""Capture files in, events out: what a capture of Kafka's traffic tells, in one pass and in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...identity import Naming
from ...packets.files import CutOff, Packet, packets
from ..comments import Comment, parse
from .events import Event
from .flows import Flows
from .link import segment
from .retries import Chain, Judge, Tally
from .shared import Shared


@dataclass(slots=True)
class Summary:
    """What was read. `started` is the first packet's time in nanoseconds since 1970 (None without one), `seconds` from
    it to the last one's. `kafka` counts connections that speak Kafka, `others` those that speak something else, by
    what; `encrypted` are some addresses behind TLS; `skipped` counts packets that are no part of a connection, by what
    they are; `let_go` connections that there was no room for; `missing` bytes of Kafka's
    connections that the capture lacks, or that made no sense. `cut_off` says where files end before
    their end; `interrupted` that somebody has seen enough."""

    packets: int = 0
    started: int | None = None
    seconds: float = 0.0
    own: bool = False
    kafka: int = 0
    let_go: int = 0
    missing: int = 0
    others: Counter[str] = field(default_factory=Counter)
    encrypted: tuple[str, ...] = ()
    skipped: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False
    cut_off: list[CutOff] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class Reading:
    """One reading of a capture, in one file or in several that follow each other (None: standard input).

    `tell` hears each event as it comes, `closed` each chain of attempts once nothing can be added to it.
    """

    def __init__(
        self,
        tell: Callable[[Event], None],
        closed: Callable[[Chain], None],
        *,
        naming: Naming | None = None,
        keep_raw: bool = False,
    ) -> None:
        self._judge = Judge(closed, naming)
        self._shared = Shared(tell, self._judge, keep_raw=keep_raw)
        self._flows = Flows(self._shared)
        self._now = 0.0
        self.summary = Summary(tally=self._judge.tally, others=self._flows.others, skipped=self._flows.skipped)

    def run(self, files: Sequence[Path | None], *, progress: Callable[[int], None] = lambda _: None) -> Summary:
        """Read all of it; Ctrl-C ends it with what there is until then, as a pipe may go on for ever. Raises UsageError
        for a file that is no capture."""
        try:
            for file in files:
                self._read(file, progress)
        except KeyboardInterrupt:
            self.summary.interrupted = True
        return self.finish()

    def _read(self, file: Path | None, progress: Callable[[int], None]) -> None:
        for packet in packets(file):
            if isinstance(packet, CutOff):
                self.summary.cut_off.append(packet)
                continue
            self._packet(packet)
            if not self.summary.packets % 4096:
                progress(self.summary.packets)

    def finish(self) -> Summary:
        """Nothing more is read."""
        self._flows.finish(self._now)
        self._judge.finish()
        summary, flows = self.summary, self._flows
        summary.seconds, summary.own = self._now, self._shared.own
        summary.missing = self._shared.missing
        summary.kafka, summary.let_go, summary.encrypted = flows.kafka, flows.let_go, tuple(flows.encrypted)
        return summary

    def _packet(self, packet: Packet) -> None:
        summary = self.summary
        summary.packets += 1
        if packet.at is not None:
            if summary.started is None:
                summary.started = packet.at
            self._now = (packet.at - summary.started) / 1e9
        found = segment(packet.link, packet.data, packet.length)
        if isinstance(found, str):
            summary.skipped[found] += 1
            return
        comments = _ours(packet.comments) if packet.comments else ()
        if comments and not self._shared.own:
            self._shared.own = any(comment.what in ("opened", "continued") for comment in comments)
        self._flows.segment(found, packet.interface, comments, packet.inbound, self._now)


def _ours(texts: Sequence[str]) -> list[Comment]:
    return [comment for text in texts if (comment := parse(text)) is not None]
