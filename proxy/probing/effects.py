"""What a step came to, in a few words that stay the same from probe to probe.

`appended`, and `deduplicated`: answered with the offset of a batch that stood there already, and nothing was written.
`acked with another offset` is a success that names no batch of this producer and sequence, with nothing written.
`refused NAME`, `done` for a request that writes nothing. What should not be is said in full: `written again`, `refused
NAME, yet written`. Where there was no answer, what the log tells is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .model import Exchange, Written

APPENDED = "appended"
DEDUPLICATED = "deduplicated"
DONE = "done"
NONE = "NONE"

_UNANSWERED = {"not-asked": "no answer asked for", "closed": "connection closed", "silent": "no answer"}


def refused(error: str) -> str:
    """The effect of an error, where nothing was written."""
    return f"refused {error}"


def effect(exchanges: Sequence[Exchange], before: Sequence[Written], wrote: Sequence[Written]) -> str:
    """What these exchanges came to: `before` is what the log held, `wrote` what it holds since.

    Of several that are alike one is told, with their number: `10 x appended`; others with ` + ` between, in the order
    of the alphabet, as nobody knows which of two comes first.
    """
    left = list(wrote)
    told = [_one(exchange, before, wrote, left) for exchange in exchanges]
    if len(told) > 1:
        told = [f"{count} x {each}" if count > 1 else each for each, count in sorted(Counter(told).items())]
    if any(batch.marker is None for batch in left):
        told.append("more was written than was sent")
    return " + ".join(told)


def _one(exchange: Exchange, before: Sequence[Written], wrote: Sequence[Written], left: list[Written]) -> str:
    answer, batch = exchange.answer, exchange.batch
    if batch is None:
        if answer.how == "answered":
            return DONE if answer.error == NONE else refused(answer.error or "?")
        return _UNANSWERED.get(answer.how, "an answer that cannot be read")
    copies = [
        each
        for each in left
        if each.partition == exchange.partition
        and each.producer_id == batch.producer_id
        and each.base_sequence == batch.base_sequence
    ]
    if answer.how != "answered":
        how = _UNANSWERED.get(answer.how, "an answer that cannot be read")
        return f"{how}, {_taken(copies, left)}"
    if answer.error != NONE:
        return refused(answer.error or "?") + (", yet written" if _taken(copies, left) == APPENDED else "")
    return _success(exchange, before, wrote, copies, left)


def _success(
    exchange: Exchange,
    before: Sequence[Written],
    wrote: Sequence[Written],
    copies: Sequence[Written],
    left: list[Written],
) -> str:
    at = exchange.answer.base_offset
    here = [each for each in copies if each.base_offset == at]
    if here:
        left.remove(here[0])
        return APPENDED
    assert exchange.batch is not None
    theirs = [
        each
        for each in (*before, *wrote)
        if each.partition == exchange.partition
        and each.base_offset == at
        and each.producer_id == exchange.batch.producer_id
        and each.base_sequence == exchange.batch.base_sequence
    ]
    told = DEDUPLICATED if theirs else "acked without an offset" if at == -1 else "acked with another offset"
    if _taken(copies, left) == APPENDED:
        return f"{told}, yet written again"
    return told if theirs else f"{told}, not written"


def _taken(copies: Sequence[Written], left: list[Written]) -> str:
    if not copies:
        return "not written"
    left.remove(copies[0])
    return APPENDED
