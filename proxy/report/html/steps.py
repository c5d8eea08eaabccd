"""A finding's chain as steps in time: what goes from whom to whom, before it is drawn.

Times are seconds since the arm's first produce request; None where nobody saw the moment. A step without a time stands
where it must have happened: an append before its answer, an answer behind its request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ...result import AttemptLine, Finding
from ..attempts import Chain, Standing

MOST = 8
"""How many attempts of a chain are drawn; of a longer one the first, and the last."""

AT_ONCE = 0.005
"""Seconds within which an answer at the proxy and at the producer are one step."""

Kind = Literal["request", "write", "answer", "ack", "silence", "more"]
"""The producer's request; what became of it in the log; the broker's answer, on to the producer where that was at once;
the answer reaching the producer later; that there was no answer; that so many attempts are left out (`n`)."""

BROKEN = ("dropped", "withheld")
_WRITES: tuple[Standing, ...] = ("appended", "known", "elsewhere")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of attempt `n` in the chain. `at`: when it was seen; for what became of it in the log, when that was."""

    kind: Kind
    n: int
    at: float | None


def steps(finding: Finding) -> list[Step]:
    """The chain's steps in time."""
    chain, count = Chain(finding), len(finding.attempts)
    drawn = list(range(count)) if count <= MOST else [*range(MOST - 2), count - 1]
    found = [(key, step) for n in drawn for key, step in _of_one(finding, chain, n)]
    found.sort(key=lambda pair: pair[0])
    ordered = [step for _, step in found]
    if len(drawn) < count:
        last = next(place for place, step in enumerate(ordered) if step.n == count - 1)
        ordered.insert(last, Step("more", count - len(drawn), None))
    return ordered


def mixed(ordered: list[Step]) -> bool:
    """Whether an attempt's steps have those of another between them."""
    drawn = [step.n for step in ordered if step.kind != "more"]
    return sum(one != other for one, other in pairwise(drawn)) >= len(set(drawn))


def comes_later(line: AttemptLine) -> bool:
    """Whether the answer reached the producer as a step of its own."""
    if line.ack == "delayed":
        return True
    if line.ack != "delivered" or line.answered_at is None or line.acked_at is None:
        return False
    return line.acked_at - line.answered_at > AT_ONCE


def _of_one(finding: Finding, chain: Chain, n: int) -> Iterator[tuple[tuple[float, int, int], Step]]:
    """The attempt's steps, each with what it is sorted by."""
    line, standing = finding.attempts[n], chain.standing(n)
    answered = line.at if line.answered_at is None else line.answered_at
    yield (line.at, n, 0), Step("request", n, line.at)
    if standing in ("unasked", "unanswered") and line.ack not in BROKEN:
        yield (line.at, n, 1), Step("silence", n, None)
        return
    if _writes(finding, standing):
        yield (answered, n, 2), Step("write", n, line.answered_at)
    yield (answered, n, 3), Step("answer", n, line.answered_at)
    if comes_later(line):
        yield (answered if line.acked_at is None else line.acked_at, n, 4), Step("ack", n, line.acked_at)


def _writes(finding: Finding, standing: Standing) -> bool:
    """Whether there is something to draw at the log. An acked record that is lost is drawn where it should stand."""
    return standing in _WRITES and not (standing == "elsewhere" and finding.kind != "lost")
