"""What is known before the log is read, and what only the log can tell."""

from __future__ import annotations

from dataclasses import dataclass

from .snapshot import Acks, RetryCounts, RetrySeen, Snapshot

ONLY_AT_THE_END = (
    "duplicates, and their cause: the log is read when the proxy ends; until then the broker's answers say which "
    "retries it appended a second time",
    "lost records: what was acked and is not in the log",
    "records out of order",
    "the verdict",
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the wire has shown so far. `last` are the last retries, the newest last; `only_at_the_end` says what is
    missing here and will be in the report."""

    seconds: float
    produce_requests: int
    retries: RetryCounts
    acks: Acks
    injected: int
    errors: int
    undecoded: int
    observations_let_go: int
    last: tuple[RetrySeen, ...]
    only_at_the_end: tuple[str, ...] = ONLY_AT_THE_END


def findings(snapshot: Snapshot, last: list[RetrySeen]) -> Findings:
    """The findings so far."""
    return Findings(
        seconds=snapshot.seconds,
        produce_requests=snapshot.produce_requests,
        retries=snapshot.retries,
        acks=snapshot.acks,
        injected=snapshot.injected,
        errors=snapshot.errors,
        undecoded=snapshot.undecoded,
        observations_let_go=snapshot.ledger.let_go,
        last=tuple(last),
    )
