"""A program in the foreground of a terminal of its own, under a shell that can stop it and bring it back."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

SHELL = Path(__file__).with_name("job.py")
PATIENCE = 20.0
TAKEN, LEFT, CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Job:
    """A program in the foreground of a terminal of 100 columns. `seen` is all that it has written there."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        self._told = ""
        commands, self._commands = os.pipe()
        self._outcome, outcome = os.pipe()
        self.terminal, its = os.openpty()
        self.resize(100, 30)
        self.modes = termios.tcgetattr(self.terminal)
        command = [sys.executable, str(SHELL), str(commands), str(outcome), sys.executable, *arguments]
        self._shell = subprocess.Popen(
            command, stdin=its, stdout=its, stderr=its, pass_fds=(commands, outcome), start_new_session=True
        )
        for descriptor in (commands, outcome, its):
            os.close(descriptor)

    def shows(self, text: str, *, raw: bool = False) -> None:
        """Waits until this was written, since it was last waited for something."""
        self._until(lambda: text in (self.seen if raw else _ESCAPES.sub("", self.seen)), text)
        self.seen = ""

    def ends(self) -> str:
        """Waits until it has stopped or ended, and says how; `seen` is all that came before."""
        self._until(lambda: "\n" in self._told, "its end")
        said, _, self._told = self._told.partition("\n")
        self._drain()
        return said

    def press(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def shell(self, command: str) -> None:
        os.write(self._commands, f"{command}\n".encode("ascii"))

    def put_back(self) -> bool:
        """Whether the terminal has the modes that it had."""
        return termios.tcgetattr(self.terminal) == self.modes

    def resize(self, width: int, height: int) -> None:
        """The terminal has so many columns and lines from now on."""
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def silent(self, seconds: float) -> bool:
        """Whether nothing is written for so long."""
        return not select.select([self.terminal], [], [], seconds)[0]

    def close(self) -> None:
        for descriptor in (self._commands, self._outcome, self.terminal):
            os.close(descriptor)
        self._shell.wait(PATIENCE)

    def _until(self, there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not there():
            ready, _, _ = select.select([self.terminal, self._outcome], [], [], max(0.0, deadline - time.monotonic()))
            late = not ready or time.monotonic() > deadline
            assert not late, f"{what!r} did not come: {self.seen[-2000:]!r}"
            self._read(ready)

    def _drain(self) -> None:
        while ready := select.select([self.terminal], [], [], 0.2)[0]:
            if not self._read(ready):
                return

    def _read(self, ready: list[int]) -> bool:
        """False once nobody has the terminal open any more."""
        if self._outcome in ready:
            self._told += os.read(self._outcome, 1000).decode("ascii")
        with contextlib.suppress(OSError):  # EIO: so it is; what became of the job was told before
            if self.terminal in ready:
                self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
            return True
        return False
