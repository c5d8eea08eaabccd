from __future__ import annotations

import json
from functools import partial

import pytest
import trio

from ackdrop.direct.identity import BrokerIdentity, identify, kafka_release

BROKERS = [{"node_id": 0, "num_cores": 1, "membership_status": "active", "version": "v22.3.25 - 0f1e2d3c4b"}]


@pytest.fixture
async def admin(nursery):
    """`await admin({path: JSON})`: an Admin API on a free port; other paths are not found."""

    async def start(pages: dict[str, object], status: str = "200 OK") -> int:
        async def serve_page(stream: trio.SocketStream) -> None:
            async with stream:
                path = (await stream.receive_some()).split(b" ")[1].decode()
                found = path in pages
                body = json.dumps(pages[path]).encode() if found else b"{}"
                head = f"HTTP/1.1 {status if found else '404 Not Found'}\r\nContent-Length: {len(body)}\r\n\r\n"
                await stream.send_all(head.encode() + body)

        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(partial(trio.serve_listeners, serve_page, [listener]))
        return listener.socket.getsockname()[1]

    return start


@pytest.fixture
async def played(serve, broker):
    listener = await serve(broker)
    broker.nodes = {0: ("127.0.0.1", listener.port)}
    return listener


async def test_redpanda_is_known_by_its_cluster_id_and_its_version_by_its_admin_api(played, broker, admin):
    port = await admin({"/v1/cluster_config": {"cluster_id": "6d9c3e4a"}, "/v1/brokers": BROKERS})
    assert await identify(played.bootstrap, admin_port=port) == BrokerIdentity(
        "redpanda", "22.3.25", "redpanda.6d9c3e4a", broker.nodes
    )


async def test_the_admin_api_of_another_redpanda_is_not_believed(played, admin):
    port = await admin({"/v1/cluster_config": {"cluster_id": "another"}, "/v1/brokers": BROKERS})
    assert (await identify(played.bootstrap, admin_port=port)).version is None


@pytest.mark.parametrize(
    "brokers",
    [[], {}, [{"version": None}], [{}], [*BROKERS, {"version": "v24.3.1 - 99"}], "text"],
)
async def test_an_admin_api_that_does_not_tell_one_version_tells_none(played, admin, brokers):
    port = await admin({"/v1/cluster_config": {}, "/v1/brokers": brokers})
    assert (await identify(played.bootstrap, admin_port=port)).version is None


async def test_an_admin_api_that_wants_a_password_tells_nothing(played, admin):
    port = await admin({"/v1/cluster_config": {}, "/v1/brokers": BROKERS}, status="401 Unauthorized")
    assert (await identify(played.bootstrap, admin_port=port)).version is None


async def test_a_redpanda_without_admin_api_is_still_redpanda(played):
    identity = await identify(played.bootstrap, admin_port=1)
    assert (identity.kind, identity.version) == ("redpanda", None)


async def test_a_redpanda_that_starts_is_given_time_for_its_id(played, broker, impatient):
    named, broker.cluster_id = broker.cluster_id, "redpanda.initializing"
    starting = broker.metadata(7)
    broker.cluster_id, broker.instead = named, {"metadata": [starting] * 3}
    assert (await identify(played.bootstrap, admin_port=1)).cluster_id == named


async def test_a_redpanda_that_never_takes_an_id_is_redpanda_without_one(played, broker, impatient):
    broker.cluster_id = "redpanda.initializing"
    identity = await identify(played.bootstrap, admin_port=1)
    assert (identity.kind, identity.cluster_id) == ("redpanda", None)


@pytest.mark.parametrize(("features", "version"), [([(7, 30)], "4.3"), ([], None)])
async def test_kafka_is_known_by_the_metadata_version_that_it_supports(
    played, broker, answer, redpanda, features, version
):
    broker.cluster_id = "4L6g3nShT-eMCtK--X86sw"
    broker.instead = {
        "api_versions": [
            answer(
                "api_versions",
                3,
                error_code=0,
                api_keys=[{"api_key": 3, "min_version": 0, "max_version": 7}],
                supported_features=[
                    {"name": "metadata.version", "min_version": low, "max_version": high} for low, high in features
                ],
            )
        ]
    }
    assert await identify(played.bootstrap) == BrokerIdentity("kafka", version, broker.cluster_id, broker.nodes)


async def test_a_broker_without_a_cluster_id_is_unknown(played, broker):
    broker.cluster_id = None
    assert (await identify(played.bootstrap)).kind == "unknown"


@pytest.mark.parametrize(
    ("level", "release"),
    [(1, "3.0"), (4, "3.3"), (7, "3.3"), (8, "3.4"), (15, "3.7"), (21, "3.9"), (22, "4.0"), (25, "4.0"), (30, "4.3")],
)
def test_levels_are_told_as_releases(level, release):
    assert kafka_release({"metadata.version": (1, level)}) == release


@pytest.mark.parametrize("features", [{}, {"metadata.version": (0, 0)}, {"metadata.version": (7, 31)}])
def test_a_level_that_is_not_known_is_no_release(features):
    assert kafka_release(features) is None
