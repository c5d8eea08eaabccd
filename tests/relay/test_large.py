"""Large produce requests: their bodies go on without being read, and can still be read when something happens."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
import trio

from ackdrop.faults import Delay, Drop
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Acked, Attempt, ConnectionClosed, Decided, IndexLetGo, Passed
from ackdrop.relay import proxy, straight
from tests.core.frames import Frames

FRAMES = Frames()
SIZE = 300_000
CHANCE = random.Random(9)

PIPES = pytest.mark.skipif(straight.Pipes is None, reason="no Linux, or no C compiler when ackdrop was installed")


EITHER_WAY = pytest.mark.usefixtures("ways")


@pytest.fixture(params=["C", "Python"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pipes, and as it is where there are none."""
    if request.param == "Python":
        monkeypatch.setattr(proxy, "pipes", lambda: None)


@pytest.fixture(params=[7, 9], ids=["v7", "v9"])
def version(request: pytest.FixtureRequest) -> int:
    """Of version 7 a request ends with its batch, of version 9 with tagged fields behind it."""
    return int(request.param)


def batch(number: int, size: int = SIZE, *, producer: int = 5) -> bytes:
    numbers = (producer, 0, number) if producer >= 0 else (-1, -1, -1)
    return FRAMES.batch(FRAMES.record(CHANCE.randbytes(size)), producer=numbers, at=1000 + number)


def ask(number: int, version: int, **more: Any) -> bytes:
    return FRAMES.produce(number, ("t", 0, batch(number, **more)), version=version)


def told(number: int, version: int, error: int = 0) -> bytes:
    return FRAMES.produced(number, ("t", 0, error, number), version=version)


async def both(running: Any, linked: Any, number: int, version: int, **more: Any) -> None:
    """A request and its answer."""
    await linked.ask(ask(number, version, **more))
    await linked.broker.send(told(number, version))
    assert await linked.client.read(len(told(number, version))) == told(number, version)


def passed(running: Any) -> list[int]:
    running.proxy.flush()
    return [attempt[0] for each in running.all(Passed) for attempt in each.attempts]


@PIPES
async def test_they_go_on_unread(serve: Any, link: Any, version: int) -> None:
    running = await serve(told_singly=0)
    linked = await link(running)
    for number in range(20):
        await both(running, linked, number, version)
    assert running.proxy.pipes.moved > 10 * SIZE
    await linked.client.finish()
    await linked.broker.finish()
    await linked.client.rest()
    assert passed(running) == list(range(2, 21))


def at_requests(name: str, fault: Any, **when: Any) -> Rule:
    return Rule(name, "produce", "request", Match(), When(**when), fault)


@PIPES
async def test_and_so_they_do_while_rules_count_them(serve: Any, link: Any, version: int) -> None:
    rules = at_requests("never", Delay(1.0), nth=(1_000,)), at_requests("once", Drop("disconnect"), nth=(21,))
    running = await serve(*rules, told_singly=0)
    linked = await link(running)
    for number in range(20):
        await both(running, linked, number, version)
    assert running.proxy.pipes.moved > 10 * SIZE
    await linked.client.send(ask(20, version))
    assert await linked.client.rest() == b""
    assert await linked.broker.rest() == b""
    assert passed(running) == list(range(2, 21))
    assert [(fact.fault, fact.n) for fact in running.all(Decided) if fact.fired] == [("once", 21)]


@EITHER_WAY
async def test_large_and_small_ones_in_turn(serve: Any, link: Any, version: int) -> None:
    running = await serve(told_singly=0)
    linked = await link(running)
    await both(running, linked, 0, version)
    requests = [ask(number, version, size=CHANCE.choice((10, 5_000, 40_000, SIZE))) for number in range(1, 150)]
    answers = b"".join(told(number, version) for number in range(1, 150))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.client.send, b"".join(requests))
        for request in requests:
            assert await linked.broker.read(len(request)) == request
    await linked.broker.send(answers)
    assert await linked.client.read(len(answers)) == answers


@PIPES
async def test_more_of_them_at_once_than_there_are_pipes(serve: Any, link: Any, version: int, open_files: Any) -> None:
    running = await serve(told_singly=0)
    linked = await link(running)
    await both(running, linked, 0, version)
    before = open_files()
    many = range(1, 2 * straight.MOST_PIPES)
    requests = b"".join(ask(number, version, size=100_000) for number in many)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.client.send, requests)
        assert await linked.broker.read(len(requests)) == requests
    assert before < open_files() <= before + 2 * straight.MOST_PIPES
    assert running.proxy.pipes.moved > 100_000
    answers = b"".join(told(number, version) for number in many)
    await linked.broker.send(answers)
    assert await linked.client.read(len(answers)) == answers
    await running.stop()
    assert open_files() < before


@EITHER_WAY
async def test_a_broker_that_reads_slowly_holds_its_client_up(serve: Any, link: Any, version: int) -> None:
    running = await serve(told_singly=0)
    linked = await link(running)
    await both(running, linked, 0, version)
    requests = b"".join(ask(number, version, size=1_000_000) for number in range(1, 40))
    gone = 0

    async def send() -> None:
        nonlocal gone
        for at in range(0, len(requests), 100_000):
            await linked.client.send(requests[at : at + 100_000])
            gone = at

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert gone < len(requests) - 1_000_000
        assert await linked.broker.read(len(requests)) == requests
    answers = b"".join(told(number, version) for number in range(1, 40))
    await linked.broker.send(answers)
    assert await linked.client.read(len(answers)) == answers


@EITHER_WAY
@pytest.mark.parametrize("producer", [5, -1], ids=["numbered", "by its records"])
async def test_one_that_is_lost_is_known_again(serve: Any, link: Any, version: int, producer: int) -> None:
    running = await serve(told_singly=0)
    linked, other = await link(running), await link(running)
    await both(running, linked, 0, version, producer=producer)
    lost = ask(1, version, producer=producer)
    await linked.ask(lost)
    linked.broker.reset()
    assert await linked.client.ends_by_reset()
    await other.ask(lost)
    running.proxy.flush()
    *_, attempt = running.all(Attempt)
    assert (attempt.number, attempt.retry_of) == (3, 2)
    assert not running.all(IndexLetGo)


@EITHER_WAY
async def test_one_that_is_refused(serve: Any, link: Any, version: int) -> None:
    running = await serve(told_singly=0)
    linked = await link(running)
    await both(running, linked, 0, version)
    for number in (1, 2, 3):
        await linked.ask(ask(number, version))
    await linked.broker.send(told(1, version), told(2, version, 45), told(3, version, 45))
    await linked.client.read(3 * len(told(1, version)))
    running.proxy.flush()
    assert [(acked.attempt, acked.error) for acked in running.all(Acked)][-2:] == [(3, 45), (4, 45)]


@EITHER_WAY
async def test_one_whose_end_is_not_like_others(serve: Any, link: Any) -> None:
    """It has gone on already, unread, when its last bytes turn out to be others."""
    running = await serve(told_singly=0)
    linked = await link(running)
    await both(running, linked, 0, 9)
    request = ask(1, 9)
    other = request[:-1] + b"\1"
    await linked.client.send(other)
    assert await linked.broker.read(len(other)) == other
    await linked.broker.finish()
    await linked.client.rest()
    running.proxy.flush()
    assert not running.all(Passed)


@EITHER_WAY
@pytest.mark.parametrize("who", ["client", "broker"])
async def test_an_end_in_the_middle_of_one(serve: Any, link: Any, version: int, who: str, open_files: Any) -> None:
    running = await serve(told_singly=0)
    linked = await link(running)
    await both(running, linked, 0, version)
    request = ask(1, version, size=4_000_000)

    async def send() -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            await linked.client.send(request[:3_000_000])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        assert await linked.broker.read(1_000_000) == request[:1_000_000]
        if who == "client":
            assert await linked.broker.read(2_000_000) == request[1_000_000:3_000_000]
            linked.client.reset()
            assert await linked.broker.ends_by_reset()
        else:
            linked.broker.reset()
    await running.until(ConnectionClosed)
    running.proxy.flush()
    assert [attempt.number for attempt in running.all(Attempt)] == [1]
    again = await link(running)
    await both(running, again, 2, version)
