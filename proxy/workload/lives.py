"""The work of a producer whose process may be killed: what one life leaves, and what the next one has to do.

A new process is a new producer: it knows what the application was told, and nothing else. It sends every record again
that the dead one was not told of as acked, each with a new send number, for that is the application's doing and not a
retry of the client's; then it goes on with the rest. What the dead one has itself sent again because it failed counts
as its last send alone.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field

from ..observations import Send
from ..sends import OUTCOMES, Sends
from .outcome import Progress
from .plan import ProducerPlan
from .talk import Introduced, Talk

SHORTEST = 1.0
"""Seconds that a new process has at least."""


@dataclass(slots=True)
class Past:
    """All that earlier processes did of a plan. Empty for the first one."""

    plan: ProducerPlan
    sends: Sends = field(default_factory=Sends)
    introduced: Introduced | None = None
    told: Counter[str] = field(default_factory=Counter)
    _sent_again: Counter[int] = field(default_factory=Counter)

    def bury(self, talk: Talk, counted: int, seconds: float) -> ProducerPlan:
        """This process was killed, after it had begun `counted` sends: what the next one does.

        `seconds` have passed since the first process was started; the plan's deadline is that of all of them.
        """
        sends = talk.all_sends(counted)
        self.sends.extend(sends)
        self.introduced = talk.introduced or self.introduced
        self.told.update(send.outcome for send in talk.sends if send.outcome != "failed")
        dead = talk.plan
        resends = talk.again_of(len(sends)).values()
        self._sent_again.update(resend.record for resend in resends)
        followed, begun = {resend.of for resend in resends}, len(sends) - len(resends)
        untold = (send for send in sends if send.order not in followed and not _told(send, talk))
        again = [self._again(send.record) for send in untold]
        return dataclasses.replace(
            dead,
            again=(*again, *dead.again[begun:]),
            resent=tuple(self._sent_again.items()),
            position=dead.position + max(0, begun - len(dead.again)),
            first=len(self.sends),
            deadline=max(SHORTEST, self.plan.deadline - seconds),
        )

    def progress(self, talk: Talk, counted: int) -> Progress:
        """The counts of all processes; what is sent again counts once."""
        now = talk.progress(counted)
        counts = {outcome: self.told[outcome] + getattr(now, outcome) for outcome in OUTCOMES}
        return Progress(self.plan.planned, self.told.total() + now.begun, **counts)

    def _again(self, record: int) -> tuple[int, int]:
        number = self.plan.sends + self._sent_again[record]
        self._sent_again[record] += 1
        return record, number


def _told(send: Send, talk: Talk) -> bool:
    """Whether the application was told of a success: with acks=0 that is all it hears."""
    return send.outcome != "failed" and talk.heard(send.order)
