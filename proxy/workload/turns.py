"""Whose turn it is: a plan's sends in their order, and what the application sends again (Python >= 3.8, standard
library alone).

Where the plan says `resend_failed`, a send whose future failed is followed by another one of the same record, by the
application's own doing: with a send number of its own, before anything new, and so often at most.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .driving import Plan


class Turn(NamedTuple):
    """One `send()`: `order` numbers it, `record` and `send` are its identity, `headers` is ready to be sent.

    If it fails, its record may be sent again `left` times. `instead_of` is the order of the failed send that this one
    comes after, None for one of the plan's own.
    """

    order: int
    record: int
    send: int
    partition: int
    headers: list[tuple[str, bytes]]
    left: int
    instead_of: int | None


class Turns:
    """The sends that are still to begin. One thread takes them; any may tell that one has failed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._own = self._begun = 0
        self._failed: deque[Turn] = deque()
        self._resent = Counter({record: often for record, often in plan.resent})
        self._zero: float | None = None

    @property
    def planned(self) -> int:
        """How many sends the plan has, without what is sent again."""
        plan = self._plan
        return len(plan.again) + plan.records * plan.sends - plan.position

    @property
    def waiting(self) -> int:
        """How many have failed and are to be sent again."""
        return len(self._failed)

    @property
    def remain(self) -> bool:
        """Whether there is one that could begin."""
        return bool(self._failed) or self._own < self.planned

    def failed(self, turn: Turn) -> None:
        """This one's future failed."""
        if turn.left:
            self._failed.append(turn)

    def due(self) -> float:
        """Seconds until the next one's time: what failed goes at once, the others by a schedule that began with the
        first one."""
        rate = self._plan.rate
        if self._failed or rate is None or self._zero is None:
            return 0.0
        return self._zero + self._own / rate - time.monotonic()

    def next(self) -> Turn:
        """The next one, which has not begun before `begin`. A dead producer's work comes before the plan's own."""
        plan = self._plan
        if self._failed:
            before = self._failed[0]
            send = plan.sends + self._resent[before.record]
            return self._turn(before.record, send, before.left - 1, before.order)
        ahead, index = len(plan.again), self._own
        record, send = plan.again[index] if index < ahead else divmod(plan.position + index - ahead, plan.sends)
        return self._turn(record, send, plan.resend_failed, None)

    def _turn(self, record: int, send: int, left: int, instead_of: int | None) -> Turn:
        plan, order = self._plan, self._plan.first + self._begun
        identity = f"{plan.run_id}/{plan.producer}/{record}/{send}/{order}"
        headers = [("ackdrop", identity.encode("ascii"))]
        return Turn(order, record, send, record % plan.partitions, headers, left, instead_of)

    def begin(self, turn: Turn) -> int:
        """It begins now; how many have begun."""
        if self._zero is None:
            self._zero = time.monotonic()
        if turn.instead_of is None:
            self._own += 1
        else:
            self._failed.popleft()
            self._resent[turn.record] += 1
        self._begun += 1
        return self._begun
