"""Requests that are held back until something has happened on the wire: the fault `late`.

A detained request waits in its connection's way to the broker, and what follows it waits behind it. It goes on once
each of its batches has been sent again and that was acked, or once so many newer batches of each of its partitions,
from the same client, were acked. Where that never comes, it goes on at the end of the arm, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..faults.verdicts import Detain
from ..observations import Attempt, Released, Why

if TYPE_CHECKING:
    from .produce import InFlight


@dataclass(slots=True, eq=False)
class _Held:
    """`open` are the attempts whose condition is not met yet; `release` lets the request go."""

    verdict: Detain
    shares: dict[int, Attempt]
    open: set[int]
    release: Callable[[float], None]
    acked: dict[int, int] = field(default_factory=dict)


class Detained:
    """All requests of a run that are held back until something happens. `observe` is told when one is let go, `watch`
    whether every acknowledgement counts from now on."""

    def __init__(self, observe: Callable[[Released], None], watch: Callable[[bool], None]) -> None:
        self._observe = observe
        self._watch = watch
        self._held: list[_Held] = []
        self._family: dict[int, list[tuple[_Held, int]]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, in_flight: InFlight, verdict: Detain, release: Callable[[float], None]) -> None:
        """Hold a request back; `release(now)` is called once, when it may go."""
        shares = {share.number: share.seen for share in in_flight.shares}
        held = _Held(verdict, shares, set(shares), release)
        self._held.append(held)
        self._watch(True)
        for number in shares:
            self._family[number] = [(held, number)]

    def began(self, attempt: int, origins: tuple[int, ...]) -> None:
        """An attempt passes that repeats these: whatever is acked of it stands for what it repeats."""
        found = [each for origin in origins for each in self._family.get(origin, ())]
        if found:
            self._family[attempt] = found

    def acked(self, seen: Attempt, now: float) -> None:
        """The client was told that this attempt has succeeded."""
        stands_for = self._family.get(seen.number, ())
        for held in list(self._held):
            if held.verdict.until == "retried":
                held.open.difference_update(number for each, number in stands_for if each is held)
            else:
                self._count(held, seen)
            if not held.open:
                self._let_go(held, held.verdict.until, now)

    def _count(self, held: _Held, seen: Attempt) -> None:
        for number, share in held.shares.items():
            newer = seen.number > number and seen.client_id == share.client_id
            if newer and (seen.topic, seen.partition) == (share.topic, share.partition):
                held.acked[number] = held.acked.get(number, 0) + 1
                if held.acked[number] >= held.verdict.batches:
                    held.open.discard(number)

    def end(self, now: float) -> None:
        """Nothing more will happen: let all of them go."""
        for held in list(self._held):
            self._let_go(held, "end", now)

    def gone(self, in_flight: InFlight) -> None:
        """The request can never go: its connection to the broker is over."""
        numbers = {share.number for share in in_flight.shares}
        for held in [each for each in self._held if numbers & each.shares.keys()]:
            self._forget(held)

    def _let_go(self, held: _Held, why: Why, now: float) -> None:
        self._forget(held)
        for number in held.shares:
            self._observe(Released(now, number, why))
        held.release(now)

    def _forget(self, held: _Held) -> None:
        self._held.remove(held)
        self._watch(bool(self._held))
        for number, found in list(self._family.items()):
            found[:] = [each for each in found if each[0] is not held]
            if not found:
                del self._family[number]
