"""Rules at connections, requests to send through them, and how to read what was commanded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Finish, Send, Side
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.spans import Span


@pytest.fixture
def on() -> Callable[..., Rule]:
    """`on(fault, name="c", match={...}, **when)`: a rule at connections."""

    def make(fault: Any, name: str = "c", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        return Rule(name, "connection", "event", Match(**(match or {})), When(**when), fault)

    return make


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    """`produce(n)`: the n-th produce request, with a numbered record of its own."""

    def make(n: int, cid: int | None = None, **arguments: Any) -> bytes:
        batch = frames.batch(frames.record(b"%d" % n), producer=(7, 0, n), at=n)
        return frames.produce(n if cid is None else cid, ("t", 0, batch), **arguments)

    return make


@pytest.fixture
def produced(frames: Any) -> Callable[..., bytes]:
    return lambda n: frames.produced(n, ("t", 0, 0, n))


def ends(commands: list[Any]) -> list[tuple[int, Side, str]]:
    """(connection, side, how) of each end that is commanded."""
    return [
        (command.connection, command.to, command.how if isinstance(command, Close) else "finish")
        for command in commands
        if isinstance(command, Close | Finish)
    ]


def opened(play: Any) -> list[Any]:
    """The commands of connections that were just opened."""
    return play.noted(play.wire.follow(play.now))


def only(number: int) -> Any:
    return Span(number, number)


def data(commands: list[Any]) -> bytes:
    return b"".join(bytes(command.data) for command in commands if isinstance(command, Send))


def size(commands: list[Any]) -> int:
    return len(data(commands))
