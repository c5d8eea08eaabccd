"""One attempt of a finding's chain in words: what was sent, what the broker answered, what the client got of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..result import AttemptLine, Finding
from .clean import shortened

MOST = 6
"""How many attempts of a chain are told; of a longer one the first, and the last."""


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt in words. `at` in seconds since the arm's first produce; None (with no connection) for a gap."""

    at: float | None
    connection: int | None
    text: str


def told(finding: Finding) -> list[Told]:
    """The finding's attempts in words, in time."""
    chain = finding.attempts
    blamed = _blamed(finding)
    lines = [
        Told(attempt.at, attempt.connection, f"{_sent(finding, n)}: {_fate(finding, n, blamed)}")
        for n, attempt in enumerate(chain)
    ]
    if len(lines) <= MOST:
        return lines
    gap = Told(None, None, f"and {len(lines) - MOST + 1:,} more attempts like these")
    return [*lines[: MOST - 2], gap, lines[-1]] if len(lines) > MOST else lines


def _blamed(finding: Finding) -> int | None:
    """The attempt that the fault touched: the first whose answer it dropped, held back, delayed or altered."""
    if finding.fault is None:
        return None
    for n, attempt in enumerate(finding.attempts):
        if attempt.ack in ("dropped", "delayed", "withheld") or _altered(attempt):
            return n
    return None


def _sent(finding: Finding, n: int) -> str:
    attempt, before = finding.attempts[n], finding.attempts[:n]
    words = _again(attempt, before) if _repeats(finding, attempt, before) else _first(attempt)
    if len({(line.topic, line.partition) for line in finding.attempts}) > 1:
        words += f" to partition {attempt.partition}"
    return f"{words}, {attempt.records:,} records" if attempt.records > 1 else words


def _repeats(finding: Finding, attempt: AttemptLine, before: Sequence[AttemptLine]) -> bool:
    """The chain of a copy is about one record; other chains hold other records' attempts too."""
    if finding.kind in ("duplicate", "deduplicated"):
        return bool(before)
    return any(_same_identity(attempt, line) or attempt.crc == line.crc for line in before)


def _first(attempt: AttemptLine) -> str:
    if attempt.producer_id < 0:
        return "sent"
    return f"producer {attempt.producer_id}, epoch {attempt.producer_epoch}, sequence {attempt.base_sequence}"


def _again(attempt: AttemptLine, before: Sequence[AttemptLine]) -> str:
    if attempt.producer_id < 0:
        return "sent again, no producer id"
    if any(_same_identity(attempt, line) for line in before):
        return "the same sequence again"
    last = before[-1]
    if attempt.producer_id != last.producer_id:
        return f"sent again as {_first(attempt)}"
    if attempt.producer_epoch != last.producer_epoch:
        return f"sent again in epoch {attempt.producer_epoch} as sequence {attempt.base_sequence}"
    return f"sent again as sequence {attempt.base_sequence}"


def _same_identity(one: AttemptLine, other: AttemptLine) -> bool:
    return one.producer_id >= 0 and _identity(one) == _identity(other)


def _identity(line: AttemptLine) -> tuple[str, int, int, int, int]:
    return line.topic, line.partition, line.producer_id, line.producer_epoch, line.base_sequence


def _fate(finding: Finding, n: int, blamed: int | None) -> str:
    attempt = finding.attempts[n]
    return ", ".join((_answer(attempt, finding.attempts[:n]), *_ack(attempt, finding.fault, n == blamed)))


def _answer(attempt: AttemptLine, before: Sequence[AttemptLine]) -> str:
    if attempt.error is not None and not _altered(attempt):
        return f"answered with {attempt.error}"
    if attempt.base_offset is None:
        return "no answer"
    if attempt.base_offset < 0:
        return "answered without an offset"
    known = [line for line in before if _same_identity(attempt, line) and line.base_offset == attempt.base_offset]
    if known:
        return f"answered with offset {attempt.base_offset}, not written"
    return f"appended at {attempt.base_offset}"


def _ack(attempt: AttemptLine, fault: str | None, blamed: bool) -> Iterator[str]:
    by = f': "{shortened(fault)}"' if blamed and fault is not None else ""
    if attempt.ack != "delivered":
        unheard = attempt.base_offset is not None or attempt.error is not None
        if attempt.ack != "none":
            yield f"ack {attempt.ack}{by}"
        elif unheard:
            yield "ack never arrived"
    elif _altered(attempt):
        yield f"the client was told {attempt.error}{by}"
    elif attempt.error is None:
        yield "acked"


def _altered(attempt: AttemptLine) -> bool:
    """Whether a fault told the client an error after the broker had appended."""
    return attempt.error is not None and attempt.base_offset is not None and attempt.base_offset >= 0
