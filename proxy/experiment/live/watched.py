"""The files of a scenario, looked at again and again; what was changed in them is taken while the proxy runs.

They are asked for their size, time and number twice a second, so that editors that put a new file in the place of the
old one, links that are led elsewhere, and folders on a network do as well. A file is read once it stands still. What is
not valid is refused with all its errors, and the last that was stays in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import trio

from ...errors import AckdropError
from ...scenario.load import Examined, examine
from ...scenario.models import Scenario
from ..record import Record
from ..settings import Say
from .faults import LiveFaults, Reloaded

EVERY = 0.5
"""Seconds between two looks."""

Sign = tuple[tuple[int, ...] | None, ...]
"""What tells one content of the files from another; None for a file that is not there."""


class Watched:
    """A scenario and its files. `revision` counts valid contents from 1; `refused` are the errors of the present one,
    none where it is in force."""

    def __init__(self, scenario: Scenario, sets: Sequence[str], record: Record, say: Say) -> None:
        self.scenario = scenario
        self.revision = 1
        self.refused: tuple[str, ...] = ()
        self._path = Path(scenario.file or "")
        self._sets = sets
        self._record = record
        self._say = say
        self._files: tuple[Path, ...] = (self._path,)
        self._read: Sign | None = None

    async def watch(self, faults: LiveFaults, every: float = EVERY) -> None:
        """Take what is changed, until cancelled."""
        examined = await self._examined()
        if [scenario.content for scenario in examined.scenarios] != [self.scenario.content]:
            self._read = None  # it was changed since the proxy began
        before = self._sign()
        while True:
            await trio.sleep(every)
            sign = self._sign()
            if sign == before != self._read:
                await self._take(faults, await self._examined())
            before = sign

    def _sign(self) -> Sign:
        return tuple(map(_sign, self._files))

    async def _examined(self) -> Examined:
        """What the files mean. One that changes while it is read is read again, since its sign was taken before; so
        are all where it is known only now which they are."""
        while True:
            self._read = self._sign()
            examined = await trio.to_thread.run_sync(examine, self._path, self._sets, abandon_on_cancel=True)
            if examined.files == self._files:
                return examined
            self._files = examined.files

    async def _take(self, faults: LiveFaults, examined: Examined) -> None:
        errors = [error.shown for error in examined.errors()]
        if not errors and len(examined.scenarios) != 1:
            errors = [f"{self._path}: it means {len(examined.scenarios)} scenarios now, and one can be in force"]
        if errors:
            self._refuse(errors)
            return
        (scenario,) = examined.scenarios
        try:
            reloaded = await faults.reload(scenario)
        except AckdropError as error:
            self._refuse([error.message if error.remedy is None else f"{error.message}\n    try: {error.remedy}"])
            return
        self._accept(scenario, reloaded)

    def _refuse(self, errors: Sequence[str]) -> None:
        self.refused = tuple(errors)
        self._say(f"{self._path} was changed and is not valid, so the faults stay as they are:")
        for error in errors:
            self._say(error)

    def _accept(self, scenario: Scenario, reloaded: Reloaded) -> None:
        again, self.refused = bool(self.refused), ()
        if scenario.content != self.scenario.content:
            self.revision += 1
            self._record.revised(scenario.content, self.revision)
        if reloaded:
            told = [
                f"{what}: {', '.join(names)}"
                for what, names in (
                    ("new", reloaded.added),
                    ("changed", reloaded.changed),
                    ("gone", reloaded.removed),
                )
                if names
            ]
            self._say(f"{self._path} was changed: its faults are taken ({'; '.join(told)})")
        elif again:
            self._say(f"{self._path} is valid again; its faults are those that are in force")
        elif scenario.rules != self.scenario.rules:
            self._say(f"{self._path} was changed: its faults are asked in another order")
        self.scenario = scenario


def _sign(path: Path) -> tuple[int, ...] | None:
    try:
        about = path.stat()
    except (OSError, ValueError):
        return None
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns
