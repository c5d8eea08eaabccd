"""What clients may take: how many there are, and for how long one may say nothing, or half of something."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio
import trio.testing

from ackdrop.faults import Drop
from ackdrop.observations import Acked, ConnectionClosed, ConnectionOpened
from ackdrop.relay import descriptors
from ackdrop.relay import limits as module
from ackdrop.relay.limits import WANTING_AGAIN, Doorkeeper, Limits, Watch


class TestConnections:
    async def test_one_too_many_is_closed_as_it_comes_and_the_others_go_on(
        self, serve: Any, link: Any, streams: Any, frames: Any
    ) -> None:
        running = await serve(limits=Limits(connections=2))
        first, _ = await link(running), await link(running)
        third = await streams.connect(running.proxy.bootstrap)
        assert await third.rest() == b""
        await first.ask(frames.request(1))
        running.proxy.flush()
        assert len(running.all(ConnectionOpened)) == 2
        assert running.lines == [
            "2 connections are open, as many as --max-connections allows; 1 was closed as they came"
        ]

    async def test_there_is_room_again_when_one_has_gone(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve(limits=Limits(connections=1))
        first = await link(running)
        await first.client.finish()
        await first.broker.finish()
        await running.until(ConnectionClosed)
        await trio.testing.wait_all_tasks_blocked()  # it is let go right after that was told
        second = await link(running)
        await second.ask(frames.request(1))

    def test_it_is_said_now_and_then_and_not_each_time(self) -> None:
        lines: list[str] = []
        door = Doorkeeper(1, lines.append)
        assert door.enters(0.0)
        assert [door.enters(now / 10) for now in range(1, 200)] == [False] * 199
        assert [re.findall(r"\d+ w\w+", line) for line in lines] == [["1 was"], ["101 were"]]
        door.leaves()
        assert door.enters(20.0)


class TestDescriptors:
    async def test_a_client_for_whom_there_are_none_waits_until_another_one_has_gone(
        self, serve: Any, link: Any, upstream: Any, streams: Any, frames: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not let in, and not sent away; the others go on."""
        monkeypatch.setattr(descriptors, "SPARE", descriptors.limit() - 2 * descriptors.EACH)
        running = await serve()
        first, second = await link(running), await link(running)
        third = await streams.connect(running.proxy.bootstrap)
        await third.send(frames.request(7))
        await first.ask(frames.request(1))
        await second.ask(frames.request(2))
        running.proxy.flush()
        assert len(running.all(ConnectionOpened)) == 2
        (line,) = running.lines
        assert line.startswith("2 connections are open, and there are no file descriptors for more; further clients")
        await first.client.finish()
        await first.broker.finish()
        broker = await upstream.accept()
        assert await broker.read(len(frames.request(7))) == frames.request(7)

    async def test_the_end_does_not_wait_for_a_place(
        self, serve: Any, link: Any, streams: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(descriptors, "SPARE", descriptors.limit() - descriptors.EACH)
        running = await serve()
        first = await link(running)
        waits = await streams.connect(running.proxy.bootstrap)
        running.proxy.drain()
        await first.client.finish()
        await first.broker.finish()
        await running.until(ConnectionClosed)
        await running.stop()
        assert await waits.ends_by_reset()
        assert len(running.all(ConnectionOpened)) == 1

    async def test_it_is_said_once_for_as_long_as_it_lasts(self, autojump_clock: trio.testing.MockClock) -> None:
        lines: list[str] = []
        door = Doorkeeper(None, lines.append, lambda: 1)
        assert door.enters(0.0)
        for pause, said in ((1.0, 1), (WANTING_AGAIN - 1, 1), (WANTING_AGAIN + 1, 2)):
            await trio.sleep(pause)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(door.place)
                await trio.testing.wait_all_tasks_blocked()
                door.leaves()
            assert door.enters(0.0)
            assert len(lines) == said

    def test_the_limit_is_raised_as_far_as_it_may_be(self) -> None:
        """In a process of its own, since it stays so."""
        script = """
import resource
from ackdrop.relay import descriptors
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (300, min(hard, 1000)))
print(descriptors.limit(), descriptors.places())
descriptors.raise_limit()
print(descriptors.limit(), descriptors.places())
"""
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert ran.stdout.split() == ["300", "54", "1000", "404"]


class TestSilence:
    async def test_an_idle_connection_is_closed(self, serve: Any, link: Any) -> None:
        running = await serve(limits=Limits(idle=0.1))
        linked = await link(running)
        assert await linked.client.rest() == b""
        (closed,) = await running.until(ConnectionClosed)
        assert (closed.by, closed.reason) == ("ackdrop", "nothing came from either side for 0.1 s")

    @pytest.mark.parametrize("half", [b"\0", b"\0\0\0\x40\0\0", None])
    async def test_half_a_frame_that_stands_still_is_closed(
        self, serve: Any, link: Any, frames: Any, half: bytes | None
    ) -> None:
        running = await serve(limits=Limits(stalled=0.1))
        linked, other = await link(running), await link(running)
        await linked.client.send(half or frames.produce(1)[:-1])
        assert await linked.client.rest() == b""
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason == "half a frame, and no more of it for 0.1 s"
        await other.ask(frames.request(1))

    async def test_what_waits_for_a_fault_does_not_stand_still(
        self, serve: Any, link: Any, frames: Any, rule: Any
    ) -> None:
        running = await serve(rule(Drop(), nth=(1,)), limits=Limits(stalled=0.05))
        linked = await link(running)
        await linked.ask(frames.produce(1))
        await linked.broker.send(frames.produced(1))
        await running.until(Acked)
        await trio.sleep(0.2)
        await linked.ask(frames.produce(2))

    async def test_what_is_silent_between_frames_may_be_so_for_ever(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve(limits=Limits(stalled=0.05))
        linked = await link(running)
        await linked.ask(frames.request(1))
        await trio.sleep(0.2)
        await linked.ask(frames.request(2))

    def test_one_look_is_taken_well_within_the_shortest_limit(self) -> None:
        assert Limits(None, None, None).pause is None
        assert Limits(idle=600).pause == 5.0
        assert Limits(idle=2.0).pause == 0.5
        assert module.STALLED / 4 >= Limits().pause == 5.0  # type: ignore[operator]


@dataclass
class _Connection:
    number: int = 1
    buffered: int = 0


@dataclass
class Stood:
    """What is looked at of a session: it stands for one whose clock is the test's."""

    heard: float = 0.0
    taken: int = 0
    pauses: bool = False
    connection: _Connection = field(default_factory=_Connection)

    def takes(self, now: float, count: int, kept: int) -> None:
        """So many bytes come, and that much of a frame is kept then."""
        self.heard, self.taken, self.connection.buffered = now, self.taken + count, kept


class TestLooks:
    """Every second, with limits of ten."""

    def closed_at(self, come: Callable[[Stood, int], None], **limits: float | None) -> int | None:
        """The second at which the session is closed, of a minute."""
        watch, stood = Watch(Limits(**limits)), Stood()  # type: ignore[arg-type]
        for now in range(60):
            come(stood, now)
            if watch.over([stood], float(now)):  # type: ignore[list-item]
                return now
        return None

    def test_idle_is_what_nothing_comes_from(self) -> None:
        assert self.closed_at(lambda stood, now: None, idle=10.0, stalled=None) == 10

    def test_one_byte_now_and_then_is_enough(self) -> None:
        def come(stood: Stood, now: int) -> None:
            if now % 9 == 0:
                stood.takes(now, 1, 0)

        assert self.closed_at(come, idle=10.0, stalled=None) is None

    def test_half_a_frame_stands_still(self) -> None:
        def come(stood: Stood, now: int) -> None:
            if now == 5:
                stood.takes(now, 30, 30)

        assert self.closed_at(come, stalled=10.0) == 15

    def test_one_that_trickles_stands_still(self) -> None:
        assert self.closed_at(lambda stood, now: stood.takes(now, 1, now + 1), stalled=10.0) == 10

    def test_a_large_frame_may_take_its_time(self) -> None:
        assert self.closed_at(lambda stood, now: stood.takes(now, 200, 200 * (now + 1)), stalled=10.0) is None

    def test_small_frames_that_come_in_halves_do_not(self) -> None:
        """Whenever one looks, there is half a frame, of the same size; it is another one each time."""
        assert self.closed_at(lambda stood, now: stood.takes(now, 60, 30), stalled=10.0) is None

    def test_what_waits_for_us_does_not(self) -> None:
        def come(stood: Stood, now: int) -> None:
            stood.takes(0, 30 if now == 0 else 0, 30)
            stood.pauses = now < 20

        assert self.closed_at(come, stalled=10.0) == 30

    def test_a_connection_that_has_gone_is_forgotten(self) -> None:
        watch, stood = Watch(Limits(stalled=10.0)), Stood()
        stood.takes(0.0, 30, 30)
        assert watch.over([stood], 0.0) == []  # type: ignore[list-item]
        assert watch.over([], 5.0) == []
        assert watch.over([stood], 11.0) == []  # type: ignore[list-item]


class TestDraining:
    async def test_nobody_is_let_in_and_no_request_read_but_answers_go(
        self, serve: Any, link: Any, streams: Any, frames: Any
    ) -> None:
        running = await serve()
        linked = await link(running)
        await linked.ask(frames.produce(1))
        running.proxy.drain()
        with pytest.raises(OSError, match="all attempts to connect"):
            await streams.connect(running.proxy.bootstrap)
        await linked.client.send(frames.produce(2))  # read, since it was waited for
        await trio.testing.wait_all_tasks_blocked(0.02)
        await linked.client.send(frames.produce(3))
        await linked.broker.send(frames.produced(1))
        assert await linked.client.read(len(frames.produced(1))) == frames.produced(1)
        expected = frames.produce(2)
        assert await linked.broker.read(len(expected)) == expected
        await linked.broker.send(frames.produced(2))
        await running.proxy.settled()
        await trio.testing.wait_all_tasks_blocked(0.05)
        await running.stop()
        assert await linked.broker.rest() == b""

    async def test_a_broker_that_is_told_of_now_gets_an_address_all_the_same(self, serve: Any) -> None:
        running = await serve()
        running.proxy.drain()
        host, port = running.proxy.wire.translate(7, "somewhere", 9092)
        assert (host, port > 0) == ("127.0.0.1", True)
