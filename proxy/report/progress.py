"""What goes on while a run lasts: a bar on a terminal, plain lines where there is none, on standard error.

A terminal shows the phase, a bar and the time. Anywhere else (a CI log) a phase is one line, and every five seconds at
most another one says how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .clean import clean, shortened
from .folding import folded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

INTERVAL = 5.0
"""Seconds between two plain lines of one phase."""

_REFRESH = 4
_WITH_BAR = 60
"""A terminal with fewer columns has no room for a bar."""
_SPINNER, _BAR, _AMOUNT, _TIME = 2, 24, 18, 8
_MIB = 1 << 20


class Progress:
    """Shows one phase after the other; a context manager, safe to call from any thread.

    `quiet` shows nothing. `console` gives where it goes, once there is something to show (None: standard error);
    `clock` gives seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        console: Callable[[], Console] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._given = console
        self._clock = clock
        self._show: _Plain | _Live | None = None

    def __enter__(self) -> Self:
        if not self._quiet:
            console = _standard_error() if self._given is None else self._given()
            moving = console.is_terminal and not console.is_dumb_terminal
            self._show = _Live(console) if moving else _Plain(console, self._clock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        show, self._show = self._show, None
        if show is not None:
            show.close()

    def phase(self, text: str, total: float | None = None, *, bytes: bool = False) -> None:
        """Begin a phase and end the one before. `total` is where `advance_to` will end, in bytes for a download."""
        if self._show is not None:
            self._show.phase(clean(text), total, bytes)

    def advance_to(self, done: float) -> None:
        """So much of the phase's total is done."""
        if self._show is not None:
            self._show.advance_to(done)

    def note(self, text: str) -> None:
        """Something worth a line of its own, which stays."""
        if self._show is not None:
            self._show.note(clean(text))


def _standard_error() -> Console:
    from .colours import console

    return console(stderr=True)


class _Plain:
    """Lines for a log: `[  12.3 s] arm off: producing 120/200`."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._start = self._said_at = clock()
        self._text, self._total, self._bytes = "", 0.0, False
        self._done = self._said = 0.0

    def phase(self, text: str, total: float | None, bytes: bool) -> None:
        self._finish()
        self._text, self._total, self._bytes = text, total or 0.0, bytes
        self._done = self._said = 0.0
        self._say(text)

    def advance_to(self, done: float) -> None:
        self._done = done
        if self._clock() - self._said_at >= INTERVAL and done != self._said:
            self._say_how_far()

    def note(self, text: str) -> None:
        self._say(text)

    def close(self) -> None:
        self._finish()

    def _finish(self) -> None:
        """How far it came, where nobody has said it yet and it took long enough to be of interest."""
        if self._said and self._done != self._said:
            self._say_how_far()

    def _say_how_far(self) -> None:
        self._said = self._done
        self._say(f"{self._text} {_amount(self._done, self._total, self._bytes)}")

    def _say(self, text: str) -> None:
        self._said_at = self._clock()
        line = f"[{self._said_at - self._start:6.1f} s] {text}"
        self._console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


class _Live:
    """One bar on a terminal; it vanishes at the end."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        self._bars: Bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            *([BarColumn(bar_width=_BAR)] if console.width >= _WITH_BAR else []),
            TextColumn("{task.fields[amount]}", markup=False, table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            refresh_per_second=_REFRESH,
        )
        self._bytes, self._total = False, 0.0
        self._task = self._bars.add_task("", total=None, amount="", visible=False)
        self._bars.start()

    def phase(self, text: str, total: float | None, bytes: bool) -> None:
        self._bytes, self._total = bytes, total or 0.0
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(shortened(text, self._room()), total=total, amount="")

    def _room(self) -> int:
        """Columns for a phase's name, so that all of it is one line."""
        width = self._bars.console.width
        taken = _SPINNER + (_BAR + 1 if width >= _WITH_BAR else 0) + (_AMOUNT if self._total else 1) + _TIME
        return max(width - taken, 8)

    def advance_to(self, done: float) -> None:
        self._bars.update(self._task, completed=done, amount=_amount(done, self._total, self._bytes))

    def note(self, text: str) -> None:
        console = self._bars.console
        console.print("\n".join(folded([text], console.width)), markup=False, highlight=False, emoji=False)

    def close(self) -> None:
        self._bars.stop()


def _amount(done: float, total: float, bytes: bool) -> str:
    """`3,000/12,000`, `3,000`, or `12.5/44.0 MiB`."""
    if bytes:
        return f"{done / _MIB:.1f}/{total / _MIB:.1f} MiB" if total else f"{done / _MIB:.1f} MiB"
    return f"{done:,.0f}/{total:,.0f}" if total else f"{done:,.0f}"
