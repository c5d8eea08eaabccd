"""Retries and lost acks in a capture as stories: the first attempt, what became of its ack, what came again, and what
it comes to."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator

from ...capture.reading.events import How
from ...capture.reading.retries import Attempt, Chain, Tally
from ...capture.reading.verdicts import WORST, Verdict, Word, retry_verdicts, verdict
from ...core.produce import SUCCESS
from ...kafka.codes import error_name
from ..clean import clean, shortened
from ..words import counted, listed
from .lines import LEAST, records

TITLES: dict[Word, str] = {
    "duplicate": "DUPLICATE in the log",
    "cannot-tell": "cannot be told",
    "lost-ack": "ack lost, not sent again",
    "deduplicated": "taken for a duplicate, not written twice",
    "protected": "written once, by its numbers",
    "once": "written once",
    "refused": "not written",
}
_MOST_TOLD = 8
_MOST_STORIES = 200


class Stories:
    """Prints a story for each chain as it is closed, the first ones; all are counted."""

    def __init__(self, say: Callable[[str], None], width: int, wants: Callable[[Chain], bool]) -> None:
        self._say, self._width, self._wants = say, max(width, LEAST), wants
        self.words: Counter[Word] = Counter()
        """Verdicts of retries, and of attempts that were lost and not sent again."""
        self._told = 0

    def closed(self, chain: Chain) -> None:
        """A chain is over."""
        if not self._wants(chain):
            return
        told = verdict(chain)
        self.words.update([each.word for each in retry_verdicts(chain).values()] or [told.word])
        self._told += 1
        if self._told <= _MOST_STORIES:
            for line in story(chain, told, self._width):
                self._say(line)
            self._say("")
        elif self._told == _MOST_STORIES + 1:
            self._say("More of them are counted below; --format json has all.")
            self._say("")

    def summary(self, tally: Tally) -> Iterator[str]:
        """What was found, and what it comes to."""
        counts = [
            counted(tally.attempts, "produce attempt"),
            f"{tally.answered:,} answered",
            f"{tally.lost:,} without an ack that the client is known to have",
            counted(tally.retries, "retry", "retries"),
        ]
        yield from textwrap.wrap(", ".join(counts) + ".", self._width)
        for word in WORST:
            if self.words[word]:
                yield f"  {self.words[word]:>6,}  {TITLES[word]}"


def story(chain: Chain, told: Verdict, width: int) -> Iterator[str]:
    """One chain."""
    first = chain.attempts[0]
    place = f"{shortened(clean(first.topic), 50)}-{first.partition}"
    yield from textwrap.wrap(clean(f"{place}, {records(first.records)}, {shortened(first.client_id, 40)}"), width)
    attempts = chain.attempts
    if len(attempts) > _MOST_TOLD:
        attempts = [*attempts[: _MOST_TOLD - 1], attempts[-1]]
    heads = [f"{attempt.at:.3f} s  {_connection(attempt)} #{attempt.correlation_id}" for attempt in attempts]
    wide = max(map(len, heads))
    for n, (attempt, head) in enumerate(zip(attempts, heads, strict=True)):
        if n == len(attempts) - 1 and len(chain.attempts) > len(attempts):
            yield f"    and {len(chain.attempts) - len(attempts):,} more like these"
        begin = f"    {head:>{wide}}  "
        yield from textwrap.wrap(
            clean(_attempt(attempt, chain)), width, initial_indent=begin, subsequent_indent=" " * min(len(begin), 30)
        )
    yield from textwrap.wrap(
        clean(f"{TITLES[told.word]}: {told.why}"), width, initial_indent="  ", subsequent_indent="  "
    )


def _connection(attempt: Attempt) -> str:
    arm = f"{shortened(clean(attempt.where.arm), 12)}, " if attempt.where.arm else ""
    return f"{arm}connection {attempt.where.connection}"


def _attempt(attempt: Attempt, chain: Chain) -> str:
    return f"{_sent(attempt, chain)}; {_answered(attempt)}"


def _sent(attempt: Attempt, chain: Chain) -> str:
    numbers = attempt.numbers
    said = "no producer id" if numbers is None else "producer {}, epoch {}, sequence {}".format(*numbers)
    if attempt.retry_of is None:
        return f"sent, {said}"
    again = "perhaps sent again" if attempt.ambiguous else "sent again"
    same = numbers is not None and any(origin.numbers == numbers for origin in attempt.origins)
    return f"{again}, {'the same numbers' if same else said}"


def _answered(attempt: Attempt) -> str:
    parts = []
    if attempt.answered_at is None:
        parts.append(_without_answer(attempt))
    elif attempt.error in SUCCESS:
        offset = attempt.base_offset if attempt.base_offset is not None else -1
        what = f"offset {offset}" if offset >= 0 else "success, without an offset"
        parts.append(f"answered at {attempt.answered_at:.3f} s with {what}, {_fate(attempt)}")
    else:
        parts.append(f"answered at {attempt.answered_at:.3f} s with {error_name(attempt.error or 0)}, {_fate(attempt)}")
    if attempt.seen_error is not None:
        parts.append(f"the client was told {error_name(attempt.seen_error)}")
    if attempt.faults:
        parts.append(listed([f'{fault.does}: "{shortened(fault.name, 60)}"' for fault in attempt.faults], 3))
    return "; ".join(parts)


def _fate(attempt: Attempt) -> str:
    match attempt.fate:
        case "acknowledged":
            return "acknowledged by the client" if not attempt.where.hop else "which the client was told"
        case "unacknowledged" | "unanswered":
            never = "never acknowledged by the client" if not attempt.where.hop else "which the client was never told"
            return f"{never}{_end(attempt)}"
        case _:
            return "whether the client has it is not in the capture"


def _without_answer(attempt: Attempt) -> str:
    if attempt.kept_back:
        return f"never sent on to the broker{_end(attempt)}"
    match attempt.fate:
        case "none":
            return "acks=0, so it has no answer"
        case "acknowledged":
            return "the client has an answer, and the broker's is not in the capture"
        case "unanswered" | "unacknowledged":
            return f"never answered{_end(attempt)}"
        case _:
            return "its answer is not in the capture"


_ENDS: dict[How, str] = {
    "fin": "its connection was closed",
    "reset": "its connection was reset",
    "port": "its ports were used again",
    "passed": "later requests were answered",
}


def _end(attempt: Attempt) -> str:
    if attempt.ended is None or attempt.ended_at is None:
        return ""
    return f"; {_ENDS.get(attempt.ended, 'the end')} at {attempt.ended_at:.3f} s"
