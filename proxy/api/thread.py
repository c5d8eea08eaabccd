"""A trio loop in a thread of its own, for programs that have another loop or none.

`trio.from_thread` refuses whoever comes from another trio loop, as a test under pytest-trio does: so calls go by a
Future.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

import trio
from outcome import Outcome, acapture, capture

from ..errors import UsageError

T = TypeVar("T")


class Loop:
    """Runs from `running` on until the end of its block."""

    def __init__(self, token: trio.lowlevel.TrioToken, nursery: trio.Nursery) -> None:
        self._token = token
        self._nursery = nursery

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Loop]:
        """A loop for as long as the block lasts."""
        told: Future[tuple[Loop, trio.Event]] = Future()
        ended: Future[Outcome[None]] = Future()

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                end = trio.Event()
                told.set_result((cls(trio.lowlevel.current_trio_token(), nursery), end))
                await end.wait()
                nursery.cancel_scope.cancel()

        thread = threading.Thread(target=lambda: ended.set_result(capture(trio.run, main)), name="ackdrop", daemon=True)
        thread.start()
        loop, end = told.result()
        try:
            yield loop
        finally:
            loop._soon(end.set)
            thread.join()
            ended.result().unwrap()

    def call(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """What an async function returns or raises, called on the loop."""
        return self._begun(function, *arguments).result().unwrap()

    def call_sync(self, function: Callable[..., T], *arguments: object) -> T:
        """What a function returns or raises, called on the loop."""

        async def called() -> T:
            return function(*arguments)

        return self.call(called)

    @contextmanager
    def held(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """An async context manager, entered and left on the loop, in one task."""
        opened: Future[T] = Future()
        end = trio.Event()

        async def hold() -> None:
            async with manager as value:
                opened.set_result(value)
                await end.wait()

        done = self._begun(hold)
        either: list[Future[Any]] = [opened, done]
        wait(either, return_when=FIRST_COMPLETED)
        if not opened.done():
            done.result().unwrap()
        try:
            yield opened.result()
        finally:
            if not done.done():
                self._soon(end.set)
            done.result().unwrap()

    def _begun(self, function: Callable[..., Awaitable[T]], *arguments: object) -> Future[Outcome[T]]:
        future: Future[Outcome[T]] = Future()

        async def run() -> None:
            future.set_result(await acapture(function, *arguments))

        self._soon(self._nursery.start_soon, run)
        return future

    def _soon(self, function: Callable[..., object], *arguments: object) -> None:
        try:
            self._token.run_sync_soon(function, *arguments)
        except trio.RunFinishedError as error:
            raise UsageError("the proxy has ended", remedy="use it inside its `with` block") from error
