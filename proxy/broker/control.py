"""What can be done to the brokers that ackdrop itself has started."""

from __future__ import annotations

import functools
import signal

import trio

from ..errors import BrokerError
from .acting import Steps
from .commands import run
from .ports import LOOPBACK
from .starting import BACK_WITHIN, answering, answers
from .supervised import Child

STOPPED_WITHIN = 30.0
"""Seconds that an orderly stop may take; the broker is killed then."""
TOLD_WITHIN = 10.0


class OfChild:
    """A broker that is the last command of a supervisor, which has the signals sent and starts it again.

    It comes back with the same data, on the same port.
    """

    def __init__(self, child: Child, port: int) -> None:
        self._child = child
        self._port = port

    def steps(self, word: str) -> Steps | None:
        """A pause is SIGSTOP and SIGCONT, a restart begins with SIGTERM, and a kill is SIGKILL."""
        freeze, thaw = (functools.partial(self._signal, number) for number in (signal.SIGSTOP, signal.SIGCONT))
        ways = {
            "pause": Steps(freeze, thaw, functools.partial(answering, LOOPBACK, self._port)),
            "restart": Steps(self._stop, self._start, self._back),
            "kill": Steps(self._kill, self._start, self._back),
        }
        return ways.get(word)

    async def _signal(self, number: signal.Signals) -> None:
        await self._child.order(f"signal {int(number)}")
        await self._told("signalled", str(int(number)))

    async def _stop(self) -> None:
        with trio.move_on_after(STOPPED_WITHIN):
            await self._child.order(f"signal {int(signal.SIGTERM)}")
            return await self._told("exited", within=STOPPED_WITHIN)
        return await self._kill()

    async def _kill(self) -> None:
        await self._child.order(f"signal {int(signal.SIGKILL)}")
        await self._told("exited")

    async def _start(self) -> None:
        await self._child.order("again")
        await self._told("started")

    async def _back(self) -> None:
        problem = await answers(self._child, self._port, BACK_WITHIN)
        if problem is not None:
            raise BrokerError(f"the broker did not come back: {problem}")

    async def _told(self, *wanted: str, within: float = TOLD_WITHIN) -> None:
        """Wait until the supervisor tells of this; BrokerError where it tells that it cannot be."""
        with trio.move_on_after(within):
            while (event := await self._child.event())[: len(wanted)] != wanted:
                match event:
                    case ("down",):
                        raise BrokerError("the broker was not running any more")
                    case ("failed", reason):
                        raise BrokerError(reason)
                    case ("gone",):
                        raise BrokerError("the broker's supervisor was ended from outside")
            return
        raise BrokerError(f"the broker's supervisor did not say that it has {wanted[0]} within {within:g} s")


class OfContainer:
    """A broker in a Docker container of ours, by its name. It comes back with the same data, on the same port."""

    def __init__(self, name: str, port: int) -> None:
        self._name = name
        self._port = port

    def steps(self, word: str) -> Steps | None:
        """`docker pause` and `unpause`, `stop` and `start`, `kill` and `start`."""
        pairs = {"pause": ("pause", "unpause"), "restart": ("stop", "start"), "kill": ("kill", "start")}
        if word not in pairs:
            return None
        begin, end = (functools.partial(run, ("docker", verb, self._name)) for verb in pairs[word])
        return Steps(begin, end, functools.partial(answering, LOOPBACK, self._port))
