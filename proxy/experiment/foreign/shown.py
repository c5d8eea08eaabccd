"""`ackdrop proxy`: until somebody ends it, it is shown, can be changed, and goes on asking for its broker."""

from __future__ import annotations

import math

import trio

from ...control.snapshot import Snapshot
from ...direct.authentication import NotLetIn
from ...report.live.desk import About, Live
from ...report.words import broker_at
from ..live.door import Doors
from ..live.running import kept_live
from ..settings import WatchSettings
from .front import Front
from .meeting import Meeting, in_words
from .watch import Watch


async def until_ended(settings: WatchSettings, live: Live, doors: Doors | None, watch: Watch, address: str) -> None:
    """Say where it listens, and wait for the end; and for the broker, where it is not there yet."""
    front, meeting, seconds = watch.front, watch.meeting, settings.seconds
    place = front.place
    behind = meeting.info.bootstrap if meeting.trouble else broker_at(meeting.info)
    place.say(f"ackdrop listens on {address}, in front of {behind}")
    place.say(f"  point your producers at  {address}")
    place.say("  Ctrl-C ends it and reports" if seconds is None else f"  it ends after {seconds:g} s")
    for note in meeting.notes:
        place.say(note)
    async with kept_live(front, watch.record, doors, settings.sets), trio.open_nursery() as nursery:
        if isinstance(meeting.trouble, NotLetIn):
            place.say(in_words(meeting.trouble))
        elif meeting.trouble is not None:
            place.say(f"{meeting.trouble.message}; ackdrop goes on asking, and clients are sent away until it answers")
            nursery.start_soon(meeting.later, place.say)
        nursery.start_soon(live.run, _Desk(front, meeting, address))
        with trio.move_on_after(math.inf if seconds is None else seconds):
            await place.stop.event.wait()
        nursery.cancel_scope.cancel()


class _Desk:
    """The proxy as the live view wants it: a `Desk`."""

    def __init__(self, front: Front, meeting: Meeting, address: str) -> None:
        self._front = front
        self._meeting = meeting
        self._address = address

    @property
    def about(self) -> About:
        scenario, meeting = self._front.place.scenario, self._meeting
        answers = meeting.trouble is None
        why = "which wants SASL" if meeting.locked else "which does not answer yet"
        name = broker_at(meeting.info) if answers else f"{meeting.info.bootstrap}, {why}"
        title = "ackdrop proxy, with no faults" if scenario is None else scenario.title
        return About(title, self._address, name, self._front.place.settings.seconds)

    def snapshot(self) -> Snapshot:
        return self._front.gathering.snapshot()

    def toggle(self, fault: str) -> None:
        for state in self.snapshot().faults:
            if state.name == fault:
                change = self._front.faults.disarm if state.armed else self._front.faults.arm
                change(fault, "keys")

    def end(self) -> None:
        self._front.place.stop.ask()
