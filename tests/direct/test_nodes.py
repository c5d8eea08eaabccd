from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trio

from ackdrop.direct.nodes import Nodes, parse_address, parse_addresses
from ackdrop.errors import BrokerError, UsageError


@pytest.fixture
def nobody() -> Iterator[tuple[str, int]]:
    """An address where nobody listens, and nobody will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()


async def met(*bootstraps: tuple[str, int], mapping=None, seconds=10.0) -> Nodes:
    nodes = Nodes(bootstraps, mapping or {}, seconds)
    try:
        await nodes.meet()
    finally:
        nodes.close()
    return nodes


async def test_a_single_broker_whose_address_leads_nowhere_is_reached_by_the_bootstrap(serve, broker, nobody):
    broker.nodes = {0: nobody}
    played = await serve(broker)
    nodes = await met(("127.0.0.1", played.port))
    assert nodes.known == {0: nobody}
    assert nodes.address(0) == ("127.0.0.1", played.port)
    assert nodes.notes == [
        f"The broker advertises 127.0.0.1:{nobody[1]}, which does not lead to it from here: "
        f"127.0.0.1:{played.port} is used instead."
    ]


async def test_a_single_broker_whose_address_leads_to_another_cluster_is_reached_by_the_bootstrap(serve, broker):
    other = await serve(broker)

    def itself(api, version, frame):
        broker.nodes, known = {0: ("127.0.0.1", other.port)}, broker.cluster_id
        broker.cluster_id = "redpanda.another"
        try:
            return broker(api, version, frame)
        finally:
            broker.cluster_id = known

    played = await serve(itself)
    nodes = await met(("127.0.0.1", played.port))
    assert nodes.address(0) == ("127.0.0.1", played.port)
    assert len(nodes.notes) == 1


async def test_an_address_that_leads_to_the_broker_is_kept(serve, broker):
    second = await serve(broker)
    broker.nodes = {0: ("127.0.0.1", second.port)}
    played = await serve(broker)
    nodes = await met(("127.0.0.1", played.port))
    assert (nodes.address(0), nodes.notes) == (("127.0.0.1", second.port), [])
    assert second.connections == 1


async def test_a_given_mapping_replaces_the_advertised_address(serve, broker):
    broker.nodes = {0: ("redpanda", 9092)}
    played = await serve(broker)
    here = ("127.0.0.1", played.port)
    nodes = await met(here, mapping={("redpanda", 9092): here})
    assert (nodes.address(0), nodes.notes) == (here, [])


async def test_a_mapping_is_no_alias_of_the_callers(serve, broker, nobody):
    broker.nodes, mapping = {0: nobody}, {}
    await met(("127.0.0.1", (await serve(broker)).port), mapping=mapping)
    assert mapping == {}


async def test_several_brokers_are_taken_at_their_word(serve, broker, nobody):
    broker.nodes = {0: nobody, 1: ("redpanda-1", 9092)}
    played = await serve(broker)
    nodes = await met(("127.0.0.1", played.port))
    assert (nodes.known, nodes.mapping, nodes.notes) == (broker.nodes, {}, [])


async def test_a_broker_that_names_nobody_yet_is_asked_again(serve, broker, impatient, redpanda):
    nameless = broker.metadata(7)
    broker.nodes, known = {}, broker.nodes
    empty = broker.metadata(7)
    broker.nodes = {0: ("127.0.0.1", 39092)}
    broker.instead = {"metadata": [empty, empty, nameless]}
    played = await serve(broker)
    assert (await met(("127.0.0.1", played.port))).known == known
    assert played.asked("metadata") >= 3


async def test_a_broker_that_never_names_anybody_is_given_up(serve, broker, impatient):
    broker.nodes = {}
    played = await serve(broker)
    with pytest.raises(BrokerError, match=rf"127\.0\.0\.1:{played.port}: names no brokers"):
        await met(("127.0.0.1", played.port), seconds=5)
    assert trio.current_time() <= 5.5


async def test_a_broker_that_is_silent_is_given_up_after_the_timeout(serve, impatient):
    played = await serve(*["silence"] * 9)
    with pytest.raises(BrokerError, match=rf"127\.0\.0\.1:{played.port}: .* within 5 s"):
        await met(("127.0.0.1", played.port), seconds=5)
    assert trio.current_time() <= 5.5


async def test_another_broker_is_asked_where_the_bootstrap_has_gone(serve, broker, redpanda):
    second = await serve(broker)
    broker.nodes = {0: ("127.0.0.1", 1), 1: ("127.0.0.1", second.port)}
    first = await serve(redpanda["api_versions", 3][0], broker.metadata(7), *["close"] * 9)
    nodes = Nodes([("127.0.0.1", first.port)], {}, 5)
    await nodes.meet()
    assert (await nodes.metadata([])).cluster_id == broker.cluster_id
    nodes.close()
    assert second.asked("metadata") == 1


async def test_the_next_bootstrap_is_asked_where_the_first_does_not_answer(serve, broker, nobody):
    played = await serve(broker)
    nodes = await met(nobody, ("127.0.0.1", played.port))
    assert nodes.bootstrap == ("127.0.0.1", played.port)
    assert nodes.name == f"127.0.0.1:{played.port}"


async def test_a_silent_bootstrap_leaves_time_for_the_next_one(serve, broker):
    silent, played = await serve(*["silence"] * 9), await serve(broker)
    nodes = await met(("127.0.0.1", silent.port), ("127.0.0.1", played.port), seconds=2.0)
    assert nodes.bootstrap == ("127.0.0.1", played.port)


async def test_where_no_bootstrap_answers_the_first_ones_reason_is_told(serve, nobody):
    silent = await serve(*["silence"] * 9)
    with pytest.raises(BrokerError, match=rf"127\.0\.0\.1:{nobody[1]}: connection refused"):
        await met(nobody, ("127.0.0.1", silent.port), seconds=1.0)


def test_several_addresses_are_parsed():
    assert parse_addresses("a:1, [::1]:2,a:1") == (("a", 1), ("::1", 2))
    with pytest.raises(UsageError, match="'' is no address"):
        parse_addresses("a:1,")


@pytest.mark.parametrize(
    ("text", "address"),
    [("localhost:9092", ("localhost", 9092)), ("[::1]:9092", ("::1", 9092)), ("10.0.0.1:1", ("10.0.0.1", 1))],
)
def test_addresses_are_parsed(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "localhost", ":9092", "localhost:", "localhost:x", "a:0", "a:65536", "a:٣"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match="is no address"):
        parse_address(text)
