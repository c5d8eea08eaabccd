"""A program of the user's, run as if ackdrop were not there: its own streams, the signals that we get, its exit code.

It stays in our process group, so that it can read from the terminal; what the terminal sends to the group reaches it
without us, and is not sent twice.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import trio

from ...environment import inherited
from ...errors import ProducerError
from ..stopping import Stop

ENDED_WITHIN = 10.0
"""Seconds from SIGTERM to SIGKILL for a program whose time is over."""
_PASSED_ON = tuple(
    getattr(signal, name) for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""Beside those that ask us to stop, which are passed on too."""
_OF_THE_TERMINAL = (signal.SIGINT, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended: with `code`, as a shell tells it (128 and the signal's number), or because its time was
    over."""

    code: int
    timed_out: bool = False

    @property
    def said(self) -> str:
        """It as a clause."""
        if self.timed_out:
            return "was ended when its time was over"
        if self.code > 128:
            try:
                return f"was ended by {signal.Signals(self.code - 128).name}"
            except ValueError:
                pass
        return f"ended with exit code {self.code}"


def check(program: Sequence[str]) -> None:
    """Raises ProducerError for a program that is not there."""
    if shutil.which(program[0]) is None:
        there = os.path.exists(program[0])
        raise ProducerError(
            f"cannot start {program[0]}: {'it is not executable' if there else 'there is no such program'}",
            remedy="give the command as a shell would find it, behind --",
        )


async def run(program: Sequence[str], variables: Mapping[str, str], stop: Stop, seconds: float | None) -> Ending:
    """Run it to its end, with these variables beside our own; after `seconds` it is asked to end, and then killed.

    However this ends, the program has ended. Raises ProducerError where it cannot be started.
    """
    with trio.open_signal_receiver(*_PASSED_ON) as received:
        try:
            process = await trio.lowlevel.open_process(list(program), env=inherited(**variables))
        except OSError as error:
            raise ProducerError(
                f"cannot start {program[0]}: {error.strerror or error}", remedy="see that it can be run by itself"
            ) from error
        return await _to_its_end(process, received, stop, seconds)


async def _to_its_end(process: trio.Process, received: AsyncIterator[int], stop: Stop, seconds: float | None) -> Ending:
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pass_on, process, received)
            nursery.start_soon(_pass_on_stop, process, stop)
            with trio.move_on_after(float("inf") if seconds is None else seconds) as limit:
                await process.wait()
            if limit.cancelled_caught:
                await _end(process)
            nursery.cancel_scope.cancel()
    finally:
        if process.poll() is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
    code = process.returncode or 0
    return Ending(128 - code if code < 0 else code, limit.cancelled_caught)


async def _end(process: trio.Process) -> None:
    process.terminate()
    with trio.move_on_after(ENDED_WITHIN):
        await process.wait()


async def _pass_on(process: trio.Process, received: AsyncIterator[int]) -> None:
    async for number in received:
        _send(process, signal.Signals(number))


async def _pass_on_stop(process: trio.Process, stop: Stop) -> None:
    await stop.event.wait()
    if stop.signal is not None:
        _send(process, stop.signal)


def _send(process: trio.Process, number: signal.Signals) -> None:
    if process.poll() is None and not (number in _OF_THE_TERMINAL and _in_the_foreground()):
        process.send_signal(number)


def _in_the_foreground() -> bool:
    """Whether we are what the terminal talks to: its Ctrl-C then reaches the whole group."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
