"""Commands that a scenario gives, or that speak to Docker: a program and its arguments, without a shell."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import trio

from ..direct.approach import Approach
from ..environment import inherited
from ..errors import BrokerError
from ..security import ANYBODY, Security
from .acting import Steps
from .given import Address, parse
from .starting import answering

WITHIN = 60.0
"""Seconds that a command may take."""
LONGEST = 240
"""Characters of what it said that are told."""


async def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run it to its end, with these variables beside our own.

    Raises BrokerError where there is no such program, where it ends with another exit code than 0, with the last line
    that it wrote to standard error, and where it takes too long; it is ended then.
    """
    name = command[0]
    try:
        with trio.fail_after(WITHIN):
            done = await trio.run_process(
                list(command),
                stdin=b"",
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                env=inherited(**(environment or {})),
            )
    except OSError as error:
        raise BrokerError(f"{name} cannot be run: {error.strerror}") from error
    except trio.TooSlowError:
        raise BrokerError(f"{name} was still running after {WITHIN:g} s") from None
    if done.returncode != 0:
        raise BrokerError(f"{name} {_ending(done.returncode)}{_last_line(done.stderr)}")


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _last_line(told: bytes) -> str:
    lines = [line.strip() for line in told.decode(errors="replace").splitlines() if line.strip()]
    return f": {lines[-1][:LONGEST]}" if lines else ""


class Commands:
    """The scenario's own commands, for the broker at `bootstrap`, which is spoken to with `security`.

    Without `undo` the first one does all of it.
    """

    def __init__(
        self,
        command: Sequence[str],
        undo: Sequence[str],
        bootstrap: str,
        environment: Mapping[str, str],
        security: Security = ANYBODY,
    ) -> None:
        self._do = functools.partial(run, command, environment)
        self._undo = functools.partial(run, undo, environment) if undo else trio.lowlevel.checkpoint
        self._bootstrap = bootstrap
        self._security = security

    def steps(self, word: str) -> Steps:
        """The same for every word: what the commands do is the scenario's affair."""
        return Steps(self._do, self._undo, self._back)

    async def _back(self) -> None:
        """Wait until one of the bootstrap addresses answers."""
        failures: list[BrokerError] = []
        approach = Approach.of(self._security)

        async def wait(address: Address) -> None:
            try:
                await answering(*address, approach=approach)
            except BrokerError as error:
                failures.append(error)
            else:
                nursery.cancel_scope.cancel()

        addresses = [parse(each) for each in self._bootstrap.split(",")]
        async with trio.open_nursery() as nursery:
            for address in addresses:
                nursery.start_soon(wait, address)
        if len(failures) == len(addresses):
            raise failures[0]
