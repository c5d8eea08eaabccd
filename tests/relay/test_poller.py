"""The poller: whoever watches a socket is called, and whoever does not share it has a turn all the same."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import trio
import trio.testing

from ackdrop.relay.poller import IN, LONGEST, OUT, PATIENCE, Epoll, Kqueue, Poller


@pytest.fixture(params=[Epoll, select.epoll, Kqueue])
async def poller(request: pytest.FixtureRequest) -> AsyncIterator[Poller]:
    if request.param is None:
        pytest.skip("compiled on Linux alone")
    poller = Poller([], request.param())
    poller.open()
    yield poller
    poller.close()


@pytest.fixture
def near_and_far() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near, far


class Told:
    """A handler that reads what there is, and remembers what it was called with."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.events: list[int] = []
        self.data = b""
        self.called = trio.Event()

    def __call__(self, events: int) -> None:
        self.events.append(events)
        if events & IN:
            self.data += self.sock.recv(100)
        self.called.set()
        self.called = trio.Event() if events & IN else self.called


async def test_what_comes_is_told_until_it_is_forgotten(
    poller: Poller, near_and_far: tuple[socket.socket, socket.socket], nursery: trio.Nursery
) -> None:
    near, far = near_and_far
    told = Told(near)
    poller.watch(near.fileno(), IN, told)
    nursery.start_soon(poller.serve)
    for part in (b"one", b"two"):
        called = told.called
        far.send(part)
        with trio.fail_after(5):
            await called.wait()
    assert told.data == b"onetwo"
    poller.forget(near.fileno())
    far.send(b"three")
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert told.data == b"onetwo"
    assert near.recv(100) == b"three"


async def test_room_is_told_where_it_is_wanted(
    poller: Poller, near_and_far: tuple[socket.socket, socket.socket], nursery: trio.Nursery
) -> None:
    near, _ = near_and_far
    told = Told(near)
    poller.watch(near.fileno(), IN, told)
    poller.change(near.fileno(), IN | OUT)
    nursery.start_soon(poller.serve)
    with trio.fail_after(5):
        await told.called.wait()
    assert told.events[0] & OUT
    poller.forget(near.fileno())


async def test_one_that_a_handler_forgets_is_not_called_for_what_came_before(
    poller: Poller, nursery: trio.Nursery
) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    nears = [near for near, _ in pairs]
    called: list[int] = []
    done = trio.Event()

    def handler(own: int) -> Callable[[int], None]:
        def call(events: int) -> None:
            called.append(own)
            for near in nears:
                poller.forget(near.fileno())
            done.set()

        return call

    for number, (near, far) in enumerate(pairs):
        far.send(b"here")
        poller.watch(near.fileno(), IN, handler(number))
    nursery.start_soon(poller.serve)
    with trio.fail_after(5):
        await done.wait()
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert len(called) == 1
    for pair in pairs:
        for sock in pair:
            sock.close()


async def test_a_socket_that_is_always_ready_leaves_others_their_turn(
    poller: Poller, near_and_far: tuple[socket.socket, socket.socket], nursery: trio.Nursery
) -> None:
    near, far = near_and_far
    far.send(b"never read")
    calls = 0

    def busy(events: int) -> None:
        nonlocal calls
        calls += 1

    poller.watch(near.fileno(), IN, busy)
    nursery.start_soon(poller.serve)
    seen = []
    for _ in range(10):
        await trio.sleep(LONGEST)
        seen.append(calls)
    poller.forget(near.fileno())
    assert seen == sorted(seen)
    assert calls > 10


@pytest.mark.parametrize("due", [True, False])
async def test_a_burst_ends_where_something_else_is_due(
    near_and_far: tuple[socket.socket, socket.socket], due: bool, mock_clock: trio.testing.MockClock
) -> None:
    near, far = near_and_far
    far.send(b"never read")
    calls: list[int] = []

    def called(events: int) -> None:
        calls.append(events)
        mock_clock.jump(LONGEST / 4)

    poller = Poller([(trio.current_time(), 1)] if due else [])
    poller.open()
    poller.watch(near.fileno(), IN, called)
    poller.burst()
    poller.forget(near.fileno())
    poller.close()
    assert len(calls) == 1 if due else len(calls) > 1


async def test_its_time_is_trio_s(poller: Poller) -> None:
    for _ in range(100):
        before, now, after = trio.current_time(), poller.now(), trio.current_time()
        assert before <= now <= after
        await trio.lowlevel.checkpoint()


async def test_its_time_is_that_of_another_clock_too(autojump_clock: trio.testing.MockClock) -> None:
    poller = Poller([])
    poller.open()
    await trio.sleep(3600)
    assert poller.now() == trio.current_time()
    poller.close()


@pytest.mark.skipif(Epoll is None, reason="compiled on Linux alone")
def test_it_is_sure_of_what_comes_at_once_and_soon_sleeps_where_nothing_does(
    near_and_far: tuple[socket.socket, socket.socket],
) -> None:
    near, far = near_and_far
    poll = Epoll()
    poll.register(near.fileno(), IN)
    echo = threading.Thread(target=_echo, args=(far,))
    echo.start()
    surest, end = 0, time.monotonic() + 20
    while surest < 8 and time.monotonic() < end:  # on a busy machine some come late
        near.send(b"x")
        while not poll.poll(PATIENCE, 1):
            pass
        near.recv(1)
        surest = max(surest, poll.sure)
    near.shutdown(socket.SHUT_WR)
    echo.join()
    assert surest >= 8
    poll.unregister(near.fileno())
    for _ in range(8):
        assert poll.poll(PATIENCE, 1) == []
    assert poll.sure == 0
    poll.close()


def _echo(sock: socket.socket) -> None:
    while data := sock.recv(1):
        sock.send(data)


@pytest.mark.skipif(Epoll is None, reason="compiled on Linux alone")
def test_what_cannot_be_watched_is_an_error_of_the_system() -> None:
    poll = Epoll()
    with pytest.raises(OSError, match="cannot be watched"):
        poll.unregister(poll.fileno())
    poll.close()
    with pytest.raises(OSError, match="nothing can be watched"):
        poll.poll(0, 1)
