"""All probes, side by side. One that does not answer, or breaks, is a finding and never the end of the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from . import brokers, installed, machine, producers
from .checks import Check, Examination

WITHIN = 6.0
"""Seconds for each probe. All of them go at once."""

Probe = Callable[[], Awaitable[Sequence[Check]]]


def probes(bootstrap: str | None) -> list[tuple[str, str, Probe]]:
    """Area, name and probe, in the order in which they are shown."""
    asked = [] if bootstrap is None else [("brokers", "given", partial(brokers.given, bootstrap))]
    return [
        ("ackdrop", "ackdrop", installed.ourselves),
        ("ackdrop", "Python", installed.python),
        ("ackdrop", "libraries", installed.libraries),
        ("ackdrop", "extras", installed.extras),
        *asked,
        ("brokers", "found", brokers.found),
        ("brokers", "docker", brokers.docker),
        ("brokers", "embedded", brokers.embedded),
        ("producers", "producers", producers.producers),
        ("machine", "system", machine.system),
        ("machine", "descriptors", machine.descriptors),
        ("machine", "disk", machine.disk),
        ("machine", "ports", machine.ports),
        ("machine", "terminal", machine.terminal),
        ("machine", "settings", machine.settings),
    ]


async def examine(bootstrap: str | None = None, *, within: float = WITHIN) -> Examination:
    """Look at everything; `bootstrap` is a broker to look at, too."""
    return await examined(probes(bootstrap), within)


async def examined(asked: Sequence[tuple[str, str, Probe]], within: float) -> Examination:
    """What these probes find, each within so many seconds."""
    found: list[Sequence[Check]] = [()] * len(asked)

    async def one(place: int, area: str, name: str, probe: Probe) -> None:
        with trio.move_on_after(within) as waited:
            try:
                found[place] = await probe()
            except Exception as error:  # whatever is broken here is what the doctor is asked about
                text = f"could not be looked at: {type(error).__name__}: {error}"
                found[place] = [Check(area, name, "warning", text)]
        if waited.cancelled_caught:
            found[place] = [Check(area, name, "warning", f"no answer within {within:g} s")]

    async with trio.open_nursery() as nursery:
        for place, (area, name, probe) in enumerate(asked):
            nursery.start_soon(one, place, area, name, probe)
    return Examination(tuple(check for checks in found for check in checks))
