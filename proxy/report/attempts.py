"""One attempt of a finding's chain in words: what was sent, what the broker answered, what the client got of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..result import AttemptLine, Finding
from .clean import shortened
from .words import lasted

MOST = 6
"""How many attempts of a chain are told; of a longer one the first, and the last."""

_OF_ONE_RECORD = ("duplicate", "deduplicated")
_OTHERS = {"out_of_order": "a record sent later", "offset_mismatch": "another batch"}


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt in words. `at` in seconds since the arm's first produce; None (with no connection) for a gap."""

    at: float | None
    connection: int | None
    text: str


def told(finding: Finding, most: int = MOST) -> list[Told]:
    """The finding's attempts in words, in time; of more than `most` the first ones and the last."""
    chain = Chain(finding)
    count = len(finding.attempts)
    if count <= most:
        return [chain.told(n) for n in range(count)]
    gap = Told(None, None, f"and {count - most + 1:,} more attempts like these")
    return [*(chain.told(n) for n in range(most - 2)), gap, chain.told(count - 1)]


def moments(attempts: Sequence[Told]) -> list[str]:
    """`0.857 s  connection 2  `, equally wide for all attempts of a story; blank for a gap between them."""
    times = ["" if told.at is None else f"{told.at:.3f} s" for told in attempts]
    links = ["" if told.connection is None else f"connection {told.connection}" for told in attempts]
    wide, long = max(map(len, times), default=0), max(map(len, links), default=0)
    return [f"{time:>{wide}}  {link:<{long}}  " for time, link in zip(times, links, strict=True)]


Standing = Literal["appended", "known", "elsewhere", "no-offset", "error", "unasked", "unanswered"]
"""What the broker's answer to an attempt says of the log: it appended; it knew the batch and wrote nothing; it gave an
offset at which the record does not stand; it gave none; it answered with an error; it was not asked; it was not heard.
"""


class Chain:
    """A finding's attempts, and what they are to each other. Attempts go by their position `n` in the chain."""

    def __init__(self, finding: Finding) -> None:
        self._finding = finding
        self._lines = finding.attempts
        self._partitions = len({(line.topic, line.partition) for line in self._lines}) > 1
        self._own = _own(finding) if finding.kind in _OTHERS else None
        self._blamed = _blamed(finding)

    def told(self, n: int) -> Told:
        line = self._lines[n]
        fate = ", ".join((self._answer(n), *_ack(line, self.fault(n))))
        return Told(line.at, line.connection, f"{self.sent(n)}: {fate}")

    def sent(self, n: int) -> str:
        """What was sent: by which producer identity, or again."""
        line, before = self._lines[n], self._lines[:n]
        repeated = self._repeated(n)
        if line.injected:
            words = "ackdrop sent a copy"
        else:
            words = self._first(line) if repeated is None else _again(line, repeated, before)
        if self._of_another(n):
            other = _OTHERS[self._finding.kind]
            words = other if words == "sent" else f"{other}, {words}"
        if self._partitions:
            words += f" to partition {line.partition}"
        return f"{words}, {line.records:,} records" if line.records > 1 else words

    def _first(self, line: AttemptLine) -> str:
        """A phantom is what no application sent, so the attempt that brought it was not `sent` either."""
        words = _identified(line)
        return "came by the proxy" if words == "sent" and self._finding.kind == "phantom" else words

    def _repeated(self, n: int) -> AttemptLine | None:
        """What the attempt sends again. The chain of a copy is about one record; others hold other records' too."""
        line, before = self._lines[n], self._lines[:n]
        for earlier in reversed(before):
            if line.retry_of is not None and earlier.number == line.retry_of:
                return earlier
        for earlier in reversed(before):
            if _same_batch(line, earlier):
                return earlier
        return before[-1] if before and self._finding.kind in _OF_ONE_RECORD else None

    def _of_another(self, n: int) -> bool:
        """Whether the attempt carried another record than the one that the finding is about."""
        return self._own is not None and n not in self._own

    def standing(self, n: int) -> Standing:
        """What the broker's answer says of the log."""
        line = self._lines[n]
        if line.error is not None and not altered(line):
            return "error"
        if line.base_offset is None:
            return "unasked" if line.acks == 0 else "unanswered"
        if line.base_offset < 0:
            return "no-offset"
        if any(_same_identity(line, old) and old.base_offset == line.base_offset for old in self._lines[:n]):
            return "known"
        elsewhere = self._finding.kind == "offset_mismatch" and self._of_another(n)
        return "elsewhere" if elsewhere or self._finding.kind == "lost" else "appended"

    def fault(self, n: int) -> str | None:
        """The fault that touched the attempt, by its name."""
        return self._lines[n].fault or (self._finding.fault if n == self._blamed else None)

    def _answer(self, n: int) -> str:
        line = self._lines[n]
        match self.standing(n):
            case "error":
                return f"answered with {shortened(line.error or '')}"
            case "unasked":
                return "no answer asked"
            case "unanswered":
                return "no answer"
            case "no-offset":
                return "answered without an offset"
            case "known":
                return f"answered with offset {line.base_offset}, not written"
            case "elsewhere":
                return f"answered with offset {line.base_offset}"
            case "appended":
                return f"appended at {line.base_offset}"


def _blamed(finding: Finding) -> int | None:
    """Where no attempt says which fault touched it: the first whose answer was dropped, held back or altered."""
    if finding.fault is None or any(line.fault for line in finding.attempts):
        return None
    for n, line in enumerate(finding.attempts):
        if line.ack in ("dropped", "delayed", "withheld") or altered(line):
            return n
    return None


def _own(finding: Finding) -> set[int] | None:
    """The attempts that carried the finding's record: those answered with its places, and all of the same batches.

    None where it cannot be told.
    """
    places = {(place.topic, place.partition, place.offset) for place in finding.places}
    lines = finding.attempts
    own = {n for n, line in enumerate(lines) if any(_holds(line, *place) for place in places)}
    while more := {n for n, line in enumerate(lines) if n not in own and any(_linked(line, lines[k]) for k in own)}:
        own |= more
    return own or None


def _holds(line: AttemptLine, topic: str, partition: int, offset: int) -> bool:
    if line.base_offset is None or (line.topic, line.partition) != (topic, partition):
        return False
    return line.base_offset <= offset < line.base_offset + max(line.records, 1)


def _linked(one: AttemptLine, other: AttemptLine) -> bool:
    return _same_batch(one, other) or one.retry_of == other.number or other.retry_of == one.number


def _same_batch(one: AttemptLine, other: AttemptLine) -> bool:
    return _same_identity(one, other) or one.crc == other.crc


def _same_identity(one: AttemptLine, other: AttemptLine) -> bool:
    return one.producer_id >= 0 and _identity(one) == _identity(other)


def _identity(line: AttemptLine) -> tuple[str, int, int, int, int]:
    return line.topic, line.partition, line.producer_id, line.producer_epoch, line.base_sequence


def _identified(line: AttemptLine) -> str:
    if line.producer_id < 0:
        return "sent"
    return f"producer {line.producer_id}, epoch {line.producer_epoch}, sequence {line.base_sequence}"


def _again(line: AttemptLine, repeated: AttemptLine, before: Sequence[AttemptLine]) -> str:
    if line.producer_id < 0:
        return "sent again, no producer id"
    if any(_same_identity(line, earlier) for earlier in before):
        return "the same sequence again"
    if line.producer_id != repeated.producer_id:
        return f"sent again as {_identified(line)}"
    if line.producer_epoch != repeated.producer_epoch:
        return f"sent again in epoch {line.producer_epoch} as sequence {line.base_sequence}"
    return f"sent again as sequence {line.base_sequence}"


def _ack(line: AttemptLine, fault: str | None) -> Iterator[str]:
    """What the client got, and the fault beside what it did."""
    by = "" if fault is None else f': "{shortened(fault)}"'
    if line.ack in ("dropped", "withheld"):
        yield f"ack {line.ack}{by}"
    elif line.ack == "delayed":
        yield f"ack delayed{_late(line)}{by}"
    elif line.ack == "delivered" and altered(line):
        yield f"the client was told {shortened(line.error or '')}{by}"
    else:
        if line.ack == "delivered" and line.error is None:
            yield "acked"
        elif line.ack == "none" and not line.injected and (line.base_offset is not None or line.error is not None):
            yield "ack never arrived"
        if fault is not None:
            yield f'fault "{shortened(fault)}"'


def _late(line: AttemptLine) -> str:
    if line.answered_at is None or line.acked_at is None:
        return ""
    return f" by {lasted(line.acked_at - line.answered_at)}"


def altered(line: AttemptLine) -> bool:
    """Whether a fault told the client an error after the broker had appended."""
    return line.error is not None and line.base_offset is not None and line.base_offset >= 0
