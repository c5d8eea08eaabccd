"""The program that ends a broker however ackdrop itself ends. Standard library only; run by its file name.

`supervised.py` starts it in a session of its own and holds the other end of its standard input:

    in   one line of JSON, a `Spec` of supervised.py; then whenever it likes `detach` to let it outlive its
         starter, `signal NUMBER` to the running command, `again` to run the last one that ran once more; the end of
         the file: every ending of ackdrop closes the pipe, SIGKILL included
    out  `started STEP PID` and `exited STEP CODE` for each command, `detached`, `failed REASON`; `signalled NUMBER`, or
         `down` where no command runs that it could go to

It makes the folder, runs the commands in it one after the other with their output in one log file, and at the end
(end of its input, SIGTERM, SIGINT, SIGHUP) it ends the running command, runs the last rites and removes the folder.
It has one thread, on purpose: Linux's parent-death signal, with which its commands die even if it is killed itself,
follows the thread that forked.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

LOCK = "lock"
"""A file in the folder that is locked as long as its supervisor lives: what is not locked was left behind."""

_PR_SET_PDEATHSIG = 1


class Ended(Exception):
    """It is time to end: the starter is gone, or a signal came."""


class Supervisor:
    """One folder, one list of commands. `spec` is the JSON object that the starter sent."""

    def __init__(self, spec: dict[str, Any], wakeup: int) -> None:
        self.spec = spec
        self.folder: str = spec["folder"]
        self.child: subprocess.Popen[bytes] | None = None
        self.step = -1
        self.detached = False
        self.ending = False
        self._wakeup = wakeup
        self._unread = b""

    def run(self) -> None:
        """From the folder's making to its removal."""
        try:
            lock = self._prepare()
        except OSError as error:
            _tell(f"failed {self.folder} cannot be made: {error.strerror}")
            return
        try:
            self._next()
            while True:
                self._wait()
                self._look_after_child()
        except Ended:
            pass
        finally:
            self._end()
            os.close(lock)

    def _prepare(self) -> int:
        """Make the folder with its files, and lock it. Returns the lock's descriptor."""
        os.mkdir(self.folder, 0o700)
        unlocked = os.path.join(self.folder, "unlocked")
        lock = os.open(unlocked, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.rename(unlocked, os.path.join(self.folder, LOCK))  # so that nobody ever sees LOCK before it is locked
        for name, text in self.spec["files"].items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return lock

    def _next(self) -> None:
        """Start the next command."""
        self.step += 1
        with open(os.path.join(self.folder, self.spec["log"]), "ab") as log:
            try:
                self.child = subprocess.Popen(
                    self.spec["commands"][self.step],
                    cwd=self.folder,
                    env=self.spec["environment"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=_die_with_parent(),
                )
            except OSError as error:
                _tell(f"failed {self.spec['commands'][self.step][0]} cannot be run: {error.strerror}")
                return
        _tell(f"started {self.step} {self.child.pid}")

    def _wait(self) -> None:
        """Until something happens: a word or the end of our input, a signal, the end of the child."""
        watched = [self._wakeup] if self.detached else [self._wakeup, 0]
        readable, _, _ = select.select(watched, [], [])
        if self._wakeup in readable:
            os.read(self._wakeup, 4096)
        if self.ending:
            raise Ended
        if 0 in readable:
            self._listen()

    def _listen(self) -> None:
        data = os.read(0, 4096)
        if not data:
            raise Ended
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._obey(*line.decode().split())

    def _obey(self, order: str, number: str = "0") -> None:
        running = self.child is not None and self.child.poll() is None
        if order == "detach":
            self.detached = True
            _tell("detached")
        elif order == "signal" and self.child is not None and running:
            self.child.send_signal(int(number))
            _tell(f"signalled {number}")
        elif order == "signal":
            _tell("down")
        elif order == "again" and not running:
            self._look_after_child()
            self.step -= 1
            self._next()

    def _look_after_child(self) -> None:
        """Tell how a command ended, and go on with the next one where it went well."""
        if self.child is None or self.child.poll() is None:
            return
        code, self.child = self.child.returncode, None
        _tell(f"exited {self.step} {code}")
        if code == 0 and self.step + 1 < len(self.spec["commands"]):
            self._next()
        elif self.detached:
            raise Ended

    def _end(self) -> None:
        """End the child, first politely; then the last rites; then the folder."""
        if self.child is not None:
            self.child.terminate()
            self.child.send_signal(signal.SIGCONT)  # one that stands still cannot end politely
            try:
                self.child.wait(self.spec["grace"])
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for command in self.spec["rites"]:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30
                )
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does between fork and exec, on Linux: ask to be killed when we are."""
    if sys.platform != "linux":
        return None
    prctl, us = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != us:
            os._exit(1)

    return ask


def _tell(line: str) -> None:
    """One line to our starter, who may be gone."""
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def _read_spec() -> dict[str, Any] | None:
    """The first line of our input; None when the starter was gone before it was whole."""
    text = b""
    while not text.endswith(b"\n"):
        data = os.read(0, 65536)
        if not data:
            return None
        text += data
    spec: dict[str, Any] = json.loads(text)
    return spec


def main() -> None:
    """Read the spec, listen to signals, run."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    spec = _read_spec()
    if spec is None:
        return
    supervisor = Supervisor(spec, reading)

    def end(_number: int, _frame: object) -> None:
        supervisor.ending = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    supervisor.run()


if __name__ == "__main__":
    main()
