"""What the tests of verdicts share: real runs that are broken on purpose, in exactly one way, while they go on.

A run is `ackdrop run` in a process of its own before a real broker. What breaks it comes from outside: a signal to its
producer or its broker, a request to the broker past the proxy, a client made by hand at the proxy's own port. Where a
limit of ackdrop has to be small, a line of Python sets it in that process before it begins; nothing else differs.

Whatever a test has to do at a certain moment, it does while the producer stands still: `Run.paused`, where it stops
itself, and `Run.held`, where it is stopped.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .past_the_proxy import Hand, OwnBroker, WaitingProducer
from .runs import Run, Start


@pytest.fixture
def start(embedded_broker: str, tmp_path: Path) -> Iterator[Start]:
    """Starts `ackdrop run` of a scenario's text, before the session's broker unless another one is named."""
    yield from _starting(embedded_broker, tmp_path)


@pytest.fixture(scope="module")
def start_many(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The same, for runs that several tests of a file look at."""
    yield from _starting(embedded_broker, tmp_path_factory.mktemp("gates"))


def _starting(embedded_broker: str, home: Path) -> Iterator[Start]:
    started: list[Run] = []

    def begin(
        text: str,
        *arguments: str,
        before: str = "",
        broker: str | None = embedded_broker,
        stops: str | None = None,
    ) -> Run:
        started.append(Run(home / uuid.uuid4().hex, broker, text, list(arguments), before, stops))
        return started[-1]

    yield begin
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def waiting_producer(tmp_path: Path) -> WaitingProducer:
    return WaitingProducer(tmp_path)


@pytest.fixture
def hand(embedded_broker: str, library: Callable[[str], Any]) -> Hand:
    return Hand(library("kafka"), embedded_broker)


@pytest.fixture
def hand_at(library: Callable[[str], Any]) -> Callable[[str], Hand]:
    """`hand_at(bootstrap)`: the same for another broker."""
    return lambda broker: Hand(library("kafka"), broker)


@pytest.fixture
def own_broker(embedded_broker: str) -> Iterator[Callable[..., OwnBroker]]:
    """`own_broker()` starts a broker that may be broken; it takes some four seconds. It ends with the test.

    It asks for the shared one first, which skips the test where no broker can be started.
    """
    started: list[OwnBroker] = []

    def begin(**how: Any) -> OwnBroker:
        started.append(OwnBroker(**how))
        return started[-1]

    yield begin
    for broker in started:
        broker.close()
