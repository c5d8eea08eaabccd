"""The page on a terminal, drawn anew four times a second while it lasts; its keys; and what a stop of the process asks.

The snapshot is taken on the event loop, and drawn in a thread: a terminal that takes its time does not hold up the
traffic.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator

import trio
from rich.console import Console
from rich.text import Text

from ...observations import Observation
from ..folding import folded
from .desk import Desk
from .keys import keys
from .page import Seen, Size, page
from .parts import Note
from .terminal import ENDING, Terminal, let_go

EVERY = 0.25
"""Seconds between two drawings, where nobody presses a key."""
MOST_NOTES = 50


class Screen:
    """`Live` on a terminal. What is said while it has the screen is on the page, and is printed when it has left."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._notes: deque[Note] = deque(maxlen=MOST_NOTES)
        self._later: list[str] = []
        self._selected = 0
        self._again = trio.Event()

    def say(self, line: str) -> None:
        if self._terminal.taken:
            self._notes.extend(Note(trio.current_time(), one) for one in line.splitlines())
            self._later.append(line)
        else:
            _print(self._terminal.console, line)

    def happened(self, fact: Observation) -> None:
        """The page has it from the snapshot."""

    def ended(self, verdict: str, exit_code: int, folder: str) -> None:
        """The report says so."""

    async def run(self, desk: Desk) -> None:
        try:
            with trio.open_signal_receiver(*ENDING) as received:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._draw, desk)
                    nursery.start_soon(self._listen, received)
                    if self._terminal.keys is not None:
                        nursery.start_soon(self._press, desk, self._terminal.keys)
        finally:
            self._leave()

    async def _draw(self, desk: Desk) -> None:
        """In the foreground alone; the screen is given back where the process is put behind."""
        while True:
            if self._terminal.in_front:
                self._terminal.take()
                seen = Seen(
                    about=desk.about,
                    snapshot=desk.snapshot(),
                    wall=time.time(),
                    selected=self._selected,
                    notes=tuple(self._notes),
                    keys=self._terminal.keys is not None,
                )
                await trio.to_thread.run_sync(self._show, seen)
            else:
                self._leave()
            with trio.move_on_after(EVERY):
                await self._again.wait()
            self._again = trio.Event()

    def _show(self, seen: Seen) -> None:
        size = Size(*self._terminal.size())
        lines = page(seen, size, ascii_only=self._terminal.console.options.ascii_only)
        self._terminal.draw(Text("\n", end="", no_wrap=True, overflow="crop").join(lines))

    async def _press(self, desk: Desk, descriptor: int) -> None:
        while True:
            await trio.lowlevel.wait_readable(descriptor)
            if not self._terminal.taken:
                await trio.sleep(EVERY)
                continue
            data = self._terminal.read()
            if not data:
                return
            for key in keys(data):
                self._pressed(desk, key)
            self._again.set()

    def _pressed(self, desk: Desk, key: str) -> None:
        names = [fault.name for fault in desk.snapshot().faults]
        self._selected = min(self._selected, max(len(names) - 1, 0))
        if key == "end":
            desk.end()
        elif key == "up":
            self._selected = max(self._selected - 1, 0)
        elif key == "down":
            self._selected = min(self._selected + 1, max(len(names) - 1, 0))
        else:
            number = self._selected if key == "toggle" else int(key) - 1
            if number < len(names):
                self._selected = number
                desk.toggle(names[number])

    async def _listen(self, received: AsyncIterator[int]) -> None:
        """Give the terminal back before the process is stopped, or ended by a signal that nobody else handles."""
        async for number in received:
            self._leave()
            let_go(number)
            self._again.set()

    def _leave(self) -> None:
        """The terminal as it was, and on it what was said meanwhile."""
        self._terminal.leave()
        said, self._later = self._later, []
        for line in said:
            _print(self._terminal.console, line)


def _print(console: Console, line: str) -> None:
    console.print("\n".join(folded(line.splitlines(), console.width)), markup=False, soft_wrap=True)
