"""Where the run's broker comes from: given, found on localhost:9092, Docker, embedded; the first that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Literal

from ..errors import BrokerError, UsageError
from ..security import ANYBODY, Security
from . import docker, embedded
from .given import FOUND_AT, found, given
from .jars import pinned
from .running import Progress, RunningBroker, Say

Kind = Literal["auto", "found", "docker", "embedded"]
Start = Callable[[], AbstractAsyncContextManager[RunningBroker]]


@asynccontextmanager
async def choose(
    kind: Kind,
    bootstrap: str | None,
    allow_remote: bool,
    progress: Progress | None,
    say: Say,
    verbose: Say,
    security: Security = ANYBODY,
    properties: Mapping[str, str] | None = None,
    brokers: int = 1,
) -> AsyncIterator[RunningBroker]:
    """The broker for this run; one of our own ends with the block, one of the user's is left alone.

    `kind` asks for one source, `auto` takes the first there is. `say` gets what the reader must know before anything
    is written, `verbose` what was passed over and why; `security` is how the given one is spoken to. An embedded one
    has `properties` that win over ours, and consists of so many `brokers`; Docker's is always one. Raises UsageError
    for what excludes itself and for a remote address without `allow_remote`, BrokerError where there is no broker, with
    what was tried and a remedy.
    """
    async with AsyncExitStack() as stack:
        start = partial(embedded.broker, progress, extra=properties, brokers=brokers)
        if bootstrap is not None:
            if kind != "auto":
                raise UsageError(
                    f"--bootstrap gives a broker, and --broker {kind} asks for another", remedy="leave one of them out"
                )
            yield await given(bootstrap, allow_remote, security)
        elif kind == "auto":
            yield await _auto(stack, start, say, verbose, brokers)
        else:
            yield await _asked_for(kind, stack, start, say)


async def _asked_for(kind: Kind, stack: AsyncExitStack, start: Start, say: Say) -> RunningBroker:
    """The one source that was asked for, or a BrokerError."""
    if kind == "embedded":
        return await stack.enter_async_context(start())
    if kind == "docker":
        reason = await docker.why_not()
        if reason is not None:
            raise BrokerError(
                f"--broker docker: {reason}",
                remedy="start Docker's engine, or take the embedded broker with --broker embedded",
            )
        return await stack.enter_async_context(docker.broker(say))
    there = await found()
    if isinstance(there, str):
        raise BrokerError(
            f"--broker found: {there}", remedy="start one there, or leave --broker out: ackdrop then starts its own"
        )
    _say_found(say)
    return there


async def _auto(stack: AsyncExitStack, start: Start, say: Say, verbose: Say, brokers: int) -> RunningBroker:
    """The first source that there is; each that is passed over is told to `verbose`."""
    there = await found()
    if not isinstance(there, str):
        _say_found(say)
        return there
    verbose(f"Passed over: {there}.")
    reason = await docker.why_not() if brokers == 1 else "Redpanda in Docker is one broker, and more are wanted"
    if reason is None:
        try:
            return await stack.enter_async_context(docker.broker(say))
        except BrokerError as error:
            say("Docker's engine answers, but Redpanda did not start in it; taking the embedded broker instead.")
            reason = error.message
    verbose(f"Passed over: {reason}.")
    say(f"Starting Apache Kafka {pinned().kafka}, embedded{f', {brokers} brokers' if brokers > 1 else ''} ...")
    try:
        return await stack.enter_async_context(start())
    except BrokerError as error:
        raise BrokerError(
            f"{error.message}\n(before that: {there}; {reason.splitlines()[0]})", remedy=error.remedy
        ) from error


def _say_found(say: Say) -> None:
    say(f"A broker answers on {FOUND_AT}: ackdrop writes topics of its own there (--broker embedded: not there).")
