"""A listener for every broker, stable once it is told of."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.errors import ListenerError
from ackdrop.relay import listeners as module
from ackdrop.relay.dialing import Upstream
from ackdrop.relay.listeners import Listener, Listeners


class Accepted:
    """Takes what listeners accept."""

    def __init__(self) -> None:
        self.send, self.receive = trio.open_memory_channel[tuple[Listener, socket.socket]](100)

    async def __call__(self, listener: Listener, client: socket.socket) -> None:
        await self.send.send((listener, client))


@pytest.fixture
def accepted() -> Accepted:
    return Accepted()


@pytest.fixture
def make(nursery: trio.Nursery, accepted: Accepted) -> Callable[..., Listeners]:
    def start(host: str = "127.0.0.1", advertise: str = "proxy", mapping: Any = None, ports: Any = ()) -> Listeners:
        made = Listeners(host, advertise, mapping or {}, ports, accepted)
        made.bind(0, [Upstream("upstream", 9092, "upstream")])
        made.start(nursery)
        return made

    return start


async def test_clients_of_every_listener_are_told_apart(make: Any, accepted: Accepted) -> None:
    listeners = make()
    _, port = listeners.address(4, "broker-4", 9092)
    bootstrap = listeners._by_node[-1].port
    bootstrap_at = Upstream("upstream", 9092, "upstream")
    for at, node, upstream in ((port, 4, Upstream("broker-4", 9092, "broker-4")), (bootstrap, -1, bootstrap_at)):
        async with await trio.open_tcp_stream("127.0.0.1", at):
            listener, client = await accepted.receive.receive()
            assert (listener.node, listener.upstream) == (node, [upstream])
            client.close()


async def test_told_again_a_broker_has_the_same_address(make: Any) -> None:
    listeners = make()
    first = listeners.address(1, "a", 9092)
    other = listeners.address(2, "b", 9092)
    assert listeners.address(1, "a", 9092) == first
    assert first != other
    assert first[0] == "proxy"


async def test_a_broker_that_moves_keeps_its_listener(make: Any) -> None:
    """Connections to come lead to where it is now."""
    listeners = make()
    first = listeners.address(1, "a", 9092)
    listener = listeners._by_node[1]
    assert listeners.address(1, "elsewhere", 9093) == first
    assert listeners._by_node[1] is listener
    assert listener.upstream == [Upstream("elsewhere", 9093, "elsewhere")]


async def test_an_advertised_address_is_mapped_to_one_that_can_be_reached(make: Any) -> None:
    listeners = make(mapping={("redpanda", 9092): ("localhost", 19092)})
    listeners.address(1, "redpanda", 9092)
    listeners.address(2, "redpanda", 9093)
    assert listeners._by_node[1].upstream == [Upstream("localhost", 19092, "redpanda")]
    assert listeners._by_node[2].upstream == [Upstream("redpanda", 9093, "redpanda")]


async def test_what_is_reached_at_a_bootstrap_address_has_its_name(make: Any) -> None:
    """Its certificate was for that name when it was asked there first."""
    listeners = make(mapping={("redpanda", 9092): ("upstream", 9092)})
    listeners.address(1, "redpanda", 9092)
    assert listeners.upstream(1) == [Upstream("upstream", 9092, "upstream")]


async def test_a_taken_port_is_said_with_a_remedy(accepted: Accepted) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenerError, match=f"127.0.0.1:{port}") as error:
            Listeners("127.0.0.1", "x", {}, (), accepted).bind(port, [])
    assert "--listen" in (error.value.remedy or "")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_an_address_that_is_not_ours_is_said(host: str) -> None:
    with pytest.raises(ListenerError) as error:
        Listeners(host, "x", {}, (), Accepted()).bind(0, [])
    assert error.value.remedy


async def test_ipv6(make: Any, accepted: Accepted) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    listeners = make(host="::1")
    async with await trio.open_tcp_stream("::1", listeners._by_node[-1].port):
        _, client = await accepted.receive.receive()
        client.close()


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EAGAIN, errno.EPROTO, errno.EMFILE])
async def test_what_happened_to_a_client_ends_no_listener(number: int) -> None:
    await module._bear(OSError(number, "accept"))


async def test_a_listener_that_is_broken_says_so() -> None:
    with pytest.raises(OSError, match="accept"):
        await module._bear(OSError(errno.EBADF, "accept"))


async def test_ending_closes_all_listeners(accepted: Accepted, open_files: Callable[[], int]) -> None:
    before = open_files()
    async with trio.open_nursery() as nursery:
        listeners = Listeners("127.0.0.1", "x", {}, (), accepted)
        listeners.bind(0, [])
        listeners.start(nursery)
        listeners.address(1, "a", 1)
        assert open_files() > before
        nursery.cancel_scope.cancel()
    assert open_files() == before


class TestPorts:
    """Brokers' ports out of a range."""

    @pytest.fixture
    def ports(self) -> range:
        """Three ports in a row that are free now."""
        while True:
            with socket.create_server(("127.0.0.1", 0)) as first:
                port = first.getsockname()[1]
                try:
                    for other in (port + 1, port + 2):
                        socket.create_server(("127.0.0.1", other)).close()
                except OSError:
                    continue
            return range(port, port + 3)

    async def test_a_broker_has_the_port_at_the_place_of_its_id(self, make: Any, ports: range) -> None:
        listeners = make(ports=ports)
        assert [listeners.address(node, "a", 9092)[1] for node in (2, 0, 4)] == [ports[2], ports[0], ports[1]]
        assert listeners.ports == {2: ports[2], 0: ports[0], 4: ports[1]}

    async def test_a_port_that_is_taken_is_passed_over(self, make: Any, ports: range) -> None:
        listeners = make(ports=ports)
        with socket.create_server(("127.0.0.1", ports[1])):
            assert [listeners.address(node, "a", 9092)[1] for node in (1, 4)] == [ports[2], ports[0]]

    async def test_a_broker_too_many_is_not_told_of(self, make: Any, ports: range) -> None:
        listeners = make(ports=ports)
        for node in range(3):
            listeners.address(node, "a", 9092)
        with pytest.raises(ListenerError, match=f"no port from {ports[0]} to") as told:
            listeners.address(7, "a", 9092)
        assert "--ports" in (told.value.remedy or "")
        assert listeners.address(1, "a", 9092) == ("proxy", ports[1])

    async def test_no_file_descriptor_left_is_no_crash(self, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        listeners = make()

        def none_left(*_: Any) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(module.socket, "socket", none_left)
        with pytest.raises(ListenerError, match="cannot listen on"):
            listeners.address(7, "a", 9092)


async def test_a_cluster_without_end_gets_no_listener_without_end(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BROKERS", 2)
    listeners = make()
    listeners.address(1, "a", 9092)
    listeners.address(2, "a", 9092)
    with pytest.raises(ListenerError, match="more than 2 brokers"):
        listeners.address(3, "a", 9092)


async def test_the_bootstrap_listener_leads_to_any_broker_that_is_known(make: Any) -> None:
    listeners = make(mapping={("b", 9092): ("elsewhere", 1)})
    listeners.address(1, "a", 9092)
    listeners.address(2, "b", 9092)
    first = Upstream("upstream", 9092, "upstream")
    assert listeners.upstream(-1) == [first, Upstream("a", 9092, "a"), Upstream("elsewhere", 1, "b")]
    assert listeners.upstream(2) == [Upstream("elsewhere", 1, "b")]
