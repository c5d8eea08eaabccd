"""One thing that happened, as an entry of the log: a word, a sentence, and its parts for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...control.gathering import told
from ...control.snapshot import Kind
from ...kafka.codes import error_name
from ...observations import (
    Acted,
    Answered,
    Attempt,
    Changed,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Observation,
    Undecoded,
)

KINDS: dict[type, Kind] = {
    ConnectionOpened: "connected",
    ConnectionClosed: "closed",
    Attempt: "retry",
    Answered: "error",
    Decided: "fault",
    Acted: "acted",
    Changed: "change",
    Undecoded: "undecoded",
}
"""What it is called, known without the words for it."""

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `at` is on the clock of observations; `parts` come from outside in part."""

    at: float
    event: str
    text: str
    parts: Mapping[str, Value]


def entry(fact: Observation) -> Entry:
    """The entry of something that `told` has words for."""
    line = told(fact)
    text = line.text if line.fault is None else f'"{line.fault}": {line.text}'
    return Entry(line.at, line.kind, text, _parts(fact))


def _parts(fact: Observation) -> dict[str, Value]:
    match fact:
        case ConnectionOpened():
            return {"connection": fact.connection, "node": fact.node, "peer": fact.peer}
        case ConnectionClosed():
            return {"connection": fact.connection, "by": fact.by, "how": fact.how, "reason": fact.reason}
        case Attempt():
            return {
                "connection": fact.connection,
                "client_id": fact.client_id,
                "topic": fact.topic,
                "partition": fact.partition,
                "records": fact.records,
                "tries": fact.tries,
                "protected": fact.producer_id >= 0,
                "ambiguous": fact.ambiguous,
                "attempt": fact.number,
                "retry_of": fact.retry_of,
            }
        case Answered():
            return {"attempt": fact.attempt, "error": error_name(fact.error)}
        case Decided():
            return {
                "fault": fact.fault,
                "verdict": fact.verdict,
                "connection": fact.connection,
                "client_id": fact.client_id,
                "topic": fact.topic or None,
                "partition": fact.partition if fact.topic else None,
                "attempt": fact.attempt,
            }
        case Acted():
            return {
                "fault": fact.fault,
                "act": fact.act,
                "place": fact.place,
                "ok": fact.ok,
                "reason": fact.reason,
                "seconds": round(fact.seconds, 3),
            }
        case Changed():
            return {"fault": fact.fault, "change": fact.change, "who": fact.who}
        case Undecoded():
            return {
                "connection": fact.connection,
                "api": fact.api,
                "version": fact.version,
                "reason": fact.reason,
                "closed": fact.closed,
            }
    raise TypeError(f"{type(fact).__name__} is told nowhere")
