"""A capture as one JSON document (`ackdrop/capture/1`), written as it is read: memory does not grow with the capture.

`frames` in their order in time; then `connections`, `faults` at connections, `retries` (chains of attempts, each with a
verdict), and a `summary`. Numbers that a batch does not have are null; so is what the capture does not show.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from ... import __version__
from ...capture.reading.events import Ended, Event, Fault, Frame, Hole, Noted, Opened, Sent, Told, Where
from ...capture.reading.reader import Summary
from ...capture.reading.retries import Attempt, Chain
from ...capture.reading.verdicts import Word, retry_verdicts, verdict
from ...kafka.codes import error_name
from .spool import Spool

SCHEMA = "ackdrop/capture/1"
_MOST_HOLES = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Document:
    """Writes the document with `write`. `frames` says whether it has them; `wants` which chains."""

    def __init__(
        self, write: Callable[[str], object], files: Sequence[str], *, frames: bool, wants: Callable[[Chain], bool]
    ) -> None:
        self._write, self._wants, self._frames = write, wants, frames
        self._spool = Spool()
        self._first = True
        self._open: dict[Where, dict[str, Any]] = {}
        self.words: Counter[Word] = Counter()
        head = {"schema": SCHEMA, "ackdrop": __version__, "files": list(files)}
        write(json.dumps(head)[:-1] + ', "frames": [')

    def tell(self, told: Event) -> None:
        """An event."""
        if isinstance(told, Frame):
            if self._frames:
                self._write(("" if self._first else ",") + "\n" + json.dumps(_frame(told)))
                self._first = False
        elif isinstance(told, Opened):
            self._open[told.where] = {
                **_where(told.where),
                "client": told.client,
                "broker": told.broker,
                "opened_at": _at(told.at),
                "begins": told.begins,
                "holes": [],
            }
        elif isinstance(told, Ended):
            self._ended(told)
        elif isinstance(told, Hole):
            holes = self._open.get(told.where, {}).get("holes", [])
            if len(holes) < _MOST_HOLES:
                holes.append({"at": _at(told.at), **_rest(told)})
        elif isinstance(told, Noted) and told.fault is not None:
            fault = {"at": _at(told.at), **_where(told.where), **_fault(told.fault), "place": told.text}
            self._add("faults", fault)

    def closed(self, chain: Chain) -> None:
        """Attempts for the same records."""
        if not self._wants(chain):
            return
        told, each = verdict(chain), retry_verdicts(chain)
        self.words.update([found.word for found in each.values()] or [told.word])
        self._add(
            "retries",
            {
                "verdict": told.word,
                "why": told.why,
                "topic": chain.attempts[0].topic,
                "partition": chain.attempts[0].partition,
                "offsets": list(told.offsets),
                "attempts": [
                    _attempt(attempt, each[attempt.number].word if attempt.number in each else None)
                    for attempt in chain.attempts
                ],
            },
        )

    def finish(self, summary: Summary, exit_code: int) -> None:
        """The rest of the document."""
        self._write("\n]")
        for name in ("connections", "faults", "retries"):
            self._write(f', "{name}": [')
            for n, text in enumerate(self._spool.lines(name)):
                self._write((",\n" if n else "\n") + text)
            self._write("\n]")
        self._write(f', "summary": {json.dumps(_summary(summary, self.words, exit_code))}}}\n')
        self._spool.close()

    def _ended(self, told: Ended) -> None:
        known = self._open.pop(told.where, None)
        if known is None:
            return
        known |= {
            "ended_at": None if told.how == "capture" else _at(told.at),
            "ended_by": told.by or None,
            "ended_how": told.how,
            "unanswered": [{"api": api, "correlation_id": number} for api, number in told.unanswered],
            "unacknowledged": [{"api": api, "correlation_id": number} for api, number in told.unacknowledged],
        }
        self._add("connections", known)

    def _add(self, name: str, value: dict[str, Any]) -> None:
        self._spool.add(name, json.dumps(value) + "\n")


def _frame(told: Frame) -> dict[str, Any]:
    said = told.said
    return {
        "at": _at(told.at),
        **_where(told.where),
        "way": told.way,
        "api": told.api or None,
        "version": _known(told.version),
        "correlation_id": told.correlation_id,
        "client_id": told.client_id,
        "size": told.size,
        "missing": told.missing,
        "latency": None if told.latency is None else _at(told.latency),
        "acks": said.acks,
        "sent": [_sent(share) for share in said.sent],
        "told": [_told(share) for share in said.told],
        "topics": [{"topic": topic, "partition": _known(partition)} for topic, partition in said.topics],
        "facts": dict(said.facts),
        "errors": [error_name(code) for code in said.errors],
        "problem": said.problem or None,
        "faults": [_fault(fault) for fault in told.faults],
        "passed_on": told.passed_on,
        "of_connection": told.of,
    }


def _sent(share: Sent) -> dict[str, Any]:
    first = None if share.first is None else {"connection": share.first[0], "correlation_id": share.first[1]}
    numbers = ("producer_id", "producer_epoch", "base_sequence", "records")
    return asdict(share) | {name: _known(getattr(share, name)) for name in numbers} | {"first": first}


def _told(share: Told) -> dict[str, Any]:
    return {
        "topic": share.topic,
        "partition": share.partition,
        "error": error_name(share.error) if share.error else None,
        "base_offset": _known(share.base_offset),
    }


def _attempt(attempt: Attempt, word: Word | None) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": _at(attempt.at),
        **_where(attempt.where),
        "correlation_id": attempt.correlation_id,
        "client_id": attempt.client_id,
        "acks": attempt.acks,
        "producer_id": _known(attempt.producer_id),
        "producer_epoch": _known(attempt.producer_epoch),
        "base_sequence": _known(attempt.base_sequence),
        "records": _known(attempt.records),
        "retry_of": attempt.retry_of,
        "ambiguous": attempt.ambiguous,
        "verdict": word,
        "answered_at": None if attempt.answered_at is None else _at(attempt.answered_at),
        "error": error_name(attempt.error) if attempt.error else None,
        "base_offset": None if attempt.base_offset is None else _known(attempt.base_offset),
        "ack": attempt.fate,
        "forwarded": attempt.forwarded if attempt.where.hop else None,
        "acknowledged_at": None if attempt.acknowledged_at is None else _at(attempt.acknowledged_at),
        "connection_ended": attempt.ended,
        "connection_ended_at": None if attempt.ended_at is None else _at(attempt.ended_at),
        "faults": [_fault(fault) for fault in attempt.faults],
    }


def _summary(summary: Summary, words: Counter[Word], exit_code: int) -> dict[str, Any]:
    return {
        "packets": summary.packets,
        "started": _date(summary.started),
        "seconds": _at(summary.seconds),
        "made_by_ackdrop": summary.own,
        "connections": summary.kafka,
        "produce_attempts": summary.tally.attempts,
        "answered": summary.tally.answered,
        "lost_acks": summary.tally.lost,
        "retries": summary.tally.retries,
        "verdicts": dict(words),
        "unread_produce": summary.tally.unread,
        "missing_bytes": summary.missing,
        "other_connections": dict(summary.others),
        "encrypted": list(summary.encrypted),
        "skipped_packets": dict(summary.skipped),
        "connections_let_go": summary.let_go,
        "attempts_let_go": summary.tally.let_go,
        "cut_off": [cut._asdict() for cut in summary.cut_off],
        "interrupted": summary.interrupted,
        "exit_code": exit_code,
    }


def _where(where: Where) -> dict[str, Any]:
    return {"connection": where.connection, "arm": where.arm or None, "turn": where.turn, "hop": where.hop or None}


def _rest(told: Hole) -> dict[str, Any]:
    return {"way": told.way, "missing": told.missing, "skipped": told.skipped, "resumed": told.resumed}


def _fault(fault: Fault) -> dict[str, Any]:
    return {"fault": fault.name, "does": fault.does}


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _at(seconds: float) -> float:
    return round(seconds, 9)


def _date(nanoseconds: int | None) -> str | None:
    """ISO 8601 with microseconds; None for a time that no calendar has, as a broken file may say."""
    if nanoseconds is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat()
    except OverflowError:
        return None
