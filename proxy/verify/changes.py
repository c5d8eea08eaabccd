"""What the faults that were changed while an arm ran mean for its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..observations import Changed

TOLD = 10
"""Changes that are told one by one; the ledger and events.jsonl have all."""

_WHO = {
    "control": "by the control API",
    "file": "by the scenario's file",
    "keys": "by hand",
    "program": "by the program",
}


def taken_back(changes: Sequence[Changed]) -> frozenset[str]:
    """The faults that were not armed any more at the end: nobody waits for these to fire."""
    last = {one.fault: one.change for one in changes if one.change != "reset"}
    return frozenset(fault for fault, change in last.items() if change in ("removed", "disarmed"))


def notes(changes: Sequence[Changed]) -> Iterator[str]:
    """A sentence that says what was changed when; figures of a fault are of all its forms together."""
    if changes:
        told = [f'"{one.fault}" {one.change} at {one.elapsed:.3f} s {_WHO[one.who]}' for one in changes[:TOLD]]
        more = len(changes) - TOLD
        told += [f"and {more} more, see events.jsonl"] if more > 0 else []
        yield f"Faults were changed while it ran: {', '.join(told)}."
