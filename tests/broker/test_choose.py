"""The order in which sources of brokers are asked. The sources themselves are tested elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ackdrop.broker import choose as room
from ackdrop.broker.choose import Kind, choose
from ackdrop.broker.running import RunningBroker
from ackdrop.errors import BrokerError, UsageError


class World:
    """What there is: each source's answer can be set; `said` and `verbose` collect what the reader is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: RunningBroker | str = "no Kafka broker on localhost:9092: connection refused"
        self.no_docker: str | None = "there is no docker client"
        self.docker_fails = self.embedded_fails = False
        self.said: list[str] = []
        self.verbose: list[str] = []
        monkeypatch.setattr(room, "found", self._found)
        monkeypatch.setattr(room.docker, "why_not", self._why_not)
        monkeypatch.setattr(room.docker, "broker", self._source("docker", lambda: self.docker_fails))
        monkeypatch.setattr(room.embedded, "broker", self._source("embedded", lambda: self.embedded_fails))

    async def _found(self) -> RunningBroker | str:
        return self.found

    async def _why_not(self) -> str | None:
        return self.no_docker

    def _source(self, source: Any, fails: Callable[[], bool]) -> Any:
        @asynccontextmanager
        async def broker(*_: object, **asked: object) -> AsyncIterator[RunningBroker]:
            self.asked = asked
            if fails():
                raise BrokerError(f"{source} failed\nits last line", remedy="the remedy")
            yield RunningBroker("127.0.0.1:1", source)

        return broker

    asked: Mapping[str, object] = {}
    """What the source was asked for that was started."""

    async def source(self, kind: Kind = "auto", bootstrap: str | None = None) -> str:
        async with choose(kind, bootstrap, False, None, self.said.append, self.verbose.append) as running:
            return running.source


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


async def test_a_broker_on_9092_is_taken_and_said(world: World) -> None:
    world.found = RunningBroker("localhost:9092", "found")
    world.no_docker = None
    assert await world.source() == "found"
    assert len(world.said) == 1
    assert "localhost:9092" in world.said[0]


async def test_docker_comes_next(world: World) -> None:
    world.no_docker = None
    assert await world.source() == "docker"
    assert world.verbose == ["Passed over: no Kafka broker on localhost:9092: connection refused."]


async def test_embedded_comes_last_and_what_was_passed_over_is_told_to_verbose_alone(world: World) -> None:
    world.no_docker = "the docker client has no engine: cannot connect"
    assert await world.source() == "embedded"
    assert world.verbose[1] == "Passed over: the docker client has no engine: cannot connect."
    assert all("docker" not in line.lower() for line in world.said)


async def test_a_redpanda_that_does_not_start_is_passed_over_too(world: World) -> None:
    world.no_docker, world.docker_fails = None, True
    assert await world.source() == "embedded"
    assert "did not start" in world.said[0]
    assert any("docker failed" in line for line in world.verbose)


async def test_when_nothing_is_left_the_error_says_what_was_tried(world: World) -> None:
    world.embedded_fails = True
    with pytest.raises(BrokerError, match=r"(?s)embedded failed.*localhost:9092.*there is no docker client") as caught:
        await world.source()
    assert caught.value.remedy == "the remedy"


async def test_an_embedded_one_gets_its_properties(world: World) -> None:
    async with choose("embedded", None, False, None, world.said.append, world.verbose.append, properties={"a": "b"}):
        assert world.asked == {"extra": {"a": "b"}, "brokers": 1}


async def test_several_are_embedded_ones_even_where_docker_answers(world: World) -> None:
    world.no_docker = None
    async with choose("auto", None, False, None, world.said.append, world.verbose.append, brokers=3) as running:
        assert (running.source, world.asked["brokers"]) == ("embedded", 3)
    assert world.said[-1].endswith("embedded, 3 brokers ...")
    assert any("Redpanda in Docker is one broker" in line for line in world.verbose)


@pytest.mark.parametrize("kind", ["docker", "embedded"])
async def test_a_source_that_is_asked_for_is_taken_whatever_else_there_is(world: World, kind: Kind) -> None:
    world.found = RunningBroker("localhost:9092", "found")
    world.no_docker = None
    assert await world.source(kind) == kind


async def test_docker_asked_for_without_an_engine_is_an_error(world: World) -> None:
    with pytest.raises(BrokerError, match="--broker docker: there is no docker client") as caught:
        await world.source("docker")
    assert caught.value.remedy


async def test_found_asked_for_without_one_is_an_error(world: World) -> None:
    with pytest.raises(BrokerError, match="--broker found: no Kafka broker on localhost:9092"):
        await world.source("found")


async def test_a_given_broker_excludes_another_source(world: World) -> None:
    with pytest.raises(UsageError, match="--broker docker asks for another"):
        await world.source("docker", "localhost:9092")


async def test_a_given_broker_that_is_remote_needs_leave(world: World) -> None:
    with pytest.raises(UsageError, match="is not on this machine"):
        await world.source("auto", "192.0.2.1:9092")
