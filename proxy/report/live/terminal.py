"""The terminal itself: keys without echo, another screen, and all of it put back however it ends.

It is taken by a process in its foreground alone: one in the background would be stopped for setting its modes, and
would draw over what is there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import termios
from typing import Any

from rich.console import Console, ConsoleDimensions, RenderableType
from rich.live import Live

ENDING = (signal.SIGTSTP, signal.SIGQUIT, signal.SIGHUP)
"""Signals that stop or end the process without our help: the terminal is put back before they do."""

_INPUT, _LOCAL, _CONTROL = 0, 3, 6
_AT_ONCE = 1


class Terminal:
    """A terminal that `console` draws on, and nobody else. `keys` is the file descriptor that keys are read from, None
    where there are none. Writing to a terminal may wait for it, so `draw` belongs in a thread."""

    def __init__(self, console: Console, keys: int | None) -> None:
        self.console = console
        self.keys = keys
        self._live: Live | None = None
        self._modes: list[Any] | None = None

    @property
    def taken(self) -> bool:
        """Whether its screen is ours."""
        return self._live is not None

    @property
    def in_front(self) -> bool:
        """Whether this process is in the terminal's foreground."""
        try:
            return os.tcgetpgrp(self.console.file.fileno()) == os.getpgrp()
        except OSError:  # it has hung up
            return False

    def take(self) -> None:
        """Another screen, without a cursor; keys come one by one and are not shown. Ctrl-C stays a signal."""
        if self._live is not None:
            return
        if self.keys is not None:
            self._modes = termios.tcgetattr(self.keys)
            termios.tcsetattr(self.keys, termios.TCSADRAIN, _one_by_one(self._modes))
        self._live = Live(
            console=self.console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def size(self) -> tuple[int, int]:
        """Its columns and lines now, whatever COLUMNS and LINES said when it was opened."""
        with contextlib.suppress(OSError):
            width, height = os.get_terminal_size(self.console.file.fileno())
            if width and height:  # a terminal of which nobody knows says 0
                self.console.size = ConsoleDimensions(width, height)
        return self.console.size

    def draw(self, page: RenderableType) -> None:
        """Show this, where the screen is ours."""
        live = self._live
        if live is not None:
            live.update(page, refresh=True)

    def leave(self) -> None:
        """Put everything back. Where the terminal has gone there is nothing to put back."""
        live, self._live = self._live, None
        modes, self._modes = self._modes, None
        if live is not None:
            with contextlib.suppress(OSError):
                live.stop()
        if modes is not None and self.keys is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.keys, termios.TCSADRAIN, modes)

    def read(self) -> bytes:
        """What was typed, once something was; nothing where the terminal has hung up."""
        if self.keys is None:
            return b""
        try:
            return os.read(self.keys, 256)
        except OSError:
            return b""


def let_go(number: int) -> None:
    """Have a signal do to this process what it does where nobody listens. Returns where the process goes on after it;
    belongs in the main thread."""
    before = signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    signal.signal(number, before)


def _one_by_one(modes: list[Any]) -> list[Any]:
    """These modes without echo, and without waiting for the end of a line. Ctrl-S would stop the drawing, and the
    proxy with it in the end; it is a key like any other."""
    changed = list(modes)
    changed[_INPUT] &= ~termios.IXON
    changed[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
    changed[_CONTROL] = list(modes[_CONTROL])
    changed[_CONTROL][termios.VMIN] = _AT_ONCE
    changed[_CONTROL][termios.VTIME] = 0
    return changed
