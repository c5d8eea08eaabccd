"""What can be done to a producer's process while it works: it is paused, or killed and followed by a new one."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable

import trio

from ..errors import ProducerError
from . import child
from .talk import Talk

Wait = Callable[[float], Awaitable[object]]
"""Waits so many seconds, or fewer where the run is to end."""


class Hand:
    """Held by whoever does things to the producer, and told by `run_producer` whose process it is now."""

    def __init__(self) -> None:
        self._process: trio.Process | None = None
        self._talk: Talk | None = None
        self._over = False
        self._change = trio.lowlevel.ParkingLot()
        self.killed = False
        """The process that runs, or ran last, was killed by us, and another one is to follow."""
        self.may_follow = trio.Event()
        """Set once the next one may be started."""

    # What is done to it.

    async def pause(self, seconds: float, wait: Wait) -> None:
        """SIGSTOP to the process and all that it started, and SIGCONT after that time, whatever ends the run.

        ProducerError: there is no producer any more, or not yet.
        """
        process = self._at_work()
        os.killpg(process.pid, signal.SIGSTOP)
        try:
            await wait(seconds)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)

    async def kill(self, seconds: float, wait: Wait) -> None:
        """SIGKILL; after that time a new process goes on with the work. Returns when its client is ready to send.

        ProducerError: there is no producer any more, or not yet; or no new one was started.
        """
        process = self._at_work()
        self.killed = True
        child.kill(process)
        try:
            await wait(seconds)
        finally:
            self.may_follow.set()
        while not self._over and (self.killed or self._talk is None or not self._talk.ready):
            await self._change.park()
        if self.killed or self._talk is None or not self._talk.ready:
            raise ProducerError("no new producer was ready to send before the run ended")

    def _at_work(self) -> trio.Process:
        process, talk = self._process, self._talk
        if process is None or talk is None or talk.done is not None or process.poll() is not None:
            raise ProducerError("the producer was not at work")
        return process

    # What `run_producer` tells.

    def holds(self, process: trio.Process, talk: Talk) -> None:
        """A process has been started."""
        self._process, self._talk, self.killed = process, talk, False
        self.may_follow = trio.Event()
        self.changed()

    def changed(self) -> None:
        """The process has said something."""
        self._change.unpark_all()

    def over(self) -> None:
        """No process follows."""
        self._over, self._process = True, None
        self._change.unpark_all()
