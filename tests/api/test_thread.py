"""A loop in a thread: whoever calls it gets what the function gives, from any thread and beside any loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from ackdrop.api.thread import Loop
from ackdrop.errors import UsageError


async def name_of(suffix: str) -> str:
    await trio.lowlevel.checkpoint()
    return threading.current_thread().name + suffix


def test_a_call_gives_what_the_function_gives() -> None:
    with Loop.running() as loop:
        assert loop.call(name_of, "!") == "ackdrop!"
        assert loop.call_sync(lambda: threading.current_thread().name) == "ackdrop"
        with pytest.raises(ZeroDivisionError):
            loop.call_sync(lambda: 1 // 0)
    assert "ackdrop" not in [thread.name for thread in threading.enumerate()]


async def test_from_another_trio_loop() -> None:
    with Loop.running() as loop:
        assert loop.call(name_of, "") == "ackdrop"


def test_after_its_end_it_is_refused() -> None:
    with Loop.running() as loop:
        pass
    with pytest.raises(UsageError, match="has ended"):
        loop.call(name_of, "")


def test_a_manager_is_entered_and_left_in_one_task() -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def manager() -> AsyncIterator[str]:
        seen.append(trio.lowlevel.current_task())
        async with trio.open_nursery():
            yield "value"
        seen.append(trio.lowlevel.current_task())

    with Loop.running() as loop, loop.held(manager()) as value:
        assert value == "value"
    assert len(set(map(id, seen))) == 1


@pytest.mark.parametrize("when", ["enter", "leave"])
def test_an_error_of_a_manager_comes_out(when: str) -> None:
    @asynccontextmanager
    async def manager() -> AsyncIterator[None]:
        if when == "enter":
            raise UsageError("entered")
        yield
        raise UsageError("left")

    with Loop.running() as loop:
        with pytest.raises(UsageError, match=when.replace("leave", "left")), loop.held(manager()):
            assert when == "leave"
        assert loop.call(name_of, "") == "ackdrop"
