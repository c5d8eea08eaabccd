from __future__ import annotations

import pytest
import trio

from ackdrop.direct.cluster import Cluster, OffsetGone
from ackdrop.errors import BrokerError, UsageError

TOPIC = "t"


@pytest.fixture
async def played(serve, broker):
    """A broker that advertises its own listener, with a topic of two partitions."""
    listener = await serve(broker)
    broker.nodes = {0: ("127.0.0.1", listener.port)}
    broker.topics = {TOPIC: {0: 0, 1: 0}}
    return listener


@pytest.fixture
def fetch_answer(answer):
    def make(error=0, records=b"batches"):
        entry = {
            "partition_index": 0,
            "error_code": error,
            "high_watermark": 9,
            "last_stable_offset": 9,
            "log_start_offset": 2,
            "aborted_transactions": None,
            "preferred_read_replica": -1,
            "records": records,
        }
        return answer("fetch", 11, responses=[{"topic": TOPIC, "partitions": [entry]}])

    return make


@pytest.fixture
def offsets_answer(answer):
    def make(offsets, errors=None):
        partitions = [
            {"partition_index": index, "error_code": (errors or {}).get(index, 0), "timestamp": -1, "offset": offset}
            for index, offset in offsets.items()
        ]
        return answer("list_offsets", 4, topics=[{"name": TOPIC, "partitions": partitions}])

    return make


async def test_partitions_and_leaders_are_told(played, broker):
    broker.topics["u"] = {0: -1}
    async with Cluster.connect(played.bootstrap) as cluster:
        assert await cluster.topics() == {TOPIC: {0: 0, 1: 0}, "u": {0: -1}}
        assert await cluster.partitions(TOPIC) == [0, 1]
        assert cluster.cluster_id == broker.cluster_id
        assert cluster.nodes == broker.nodes


async def test_a_broker_that_gives_topics_no_ids(played):
    async with Cluster.connect(played.bootstrap) as cluster:
        assert await cluster.topic_id(TOPIC) is None
        assert await cluster.topic_id("nope") is None


async def test_a_broker_that_does_not_answer_says_nothing_of_a_topic(played, broker, impatient):
    async with Cluster.connect(played.bootstrap) as cluster:
        broker.instead = {"metadata": ["silence"] * 20}
        with pytest.raises(BrokerError, match="no end of metadata") as caught:
            await cluster.partitions(TOPIC)
    assert "there is no topic" not in str(caught.value)


async def test_an_unknown_topic_is_an_error_after_a_moment(played, impatient):
    async with Cluster.connect(played.bootstrap) as cluster:
        with pytest.raises(BrokerError, match="there is no topic 'nope'"):
            await cluster.partitions("nope")
        assert 1.9 <= trio.current_time() <= 3


async def test_a_broker_that_knows_no_topic_ids_cannot_name_one(played):
    async with Cluster.connect(played.bootstrap) as cluster:
        with pytest.raises(BrokerError, match="cannot tell which topic an id names"):
            await cluster.topic_name(bytes(16))


async def test_offsets_are_asked_of_the_leader_of_each_partition(serve, broker, offsets_answer):
    first, second = await serve(broker), await serve(broker)
    broker.nodes = {0: ("127.0.0.1", first.port), 1: ("127.0.0.1", second.port)}
    broker.topics = {TOPIC: {0: 0, 1: 1}}
    broker.instead = {"list_offsets": [offsets_answer({0: 5}), offsets_answer({1: 7})]}
    async with Cluster.connect(first.bootstrap) as cluster:
        assert await cluster.end_offsets(TOPIC) == {0: 5, 1: 7}
    assert (first.asked("list_offsets"), second.asked("list_offsets")) == (1, 1)


async def test_the_offset_of_one_partition_takes_one_request_once_its_leader_is_known(played, broker, offsets_answer):
    broker.instead = {"list_offsets": [offsets_answer({0: 5}), offsets_answer({1: 7})]}
    async with Cluster.connect(played.bootstrap) as cluster:
        assert await cluster.end_offsets(TOPIC, [0, 9]) == {0: 5}
        before = played.asked("metadata")
        assert await cluster.end_offsets(TOPIC, [1]) == {1: 7}
        assert played.asked("metadata") == before
        assert played.asked("list_offsets") == 2


async def test_the_leader_of_a_wanted_partition_is_asked_for_again(serve, broker, offsets_answer, impatient):
    first, second = await serve(broker), await serve(broker)
    broker.nodes = {0: ("127.0.0.1", first.port), 1: ("127.0.0.1", second.port)}
    broker.topics = {TOPIC: {0: 0}}
    async with Cluster.connect(first.bootstrap) as cluster:
        await cluster.topics()
        broker.topics = {TOPIC: {0: 1}}
        broker.instead = {"list_offsets": [offsets_answer({0: -1}, {0: 6}), offsets_answer({0: 5})]}
        assert await cluster.end_offsets(TOPIC, [0]) == {0: 5}
    assert (first.asked("list_offsets"), second.asked("list_offsets")) == (1, 1)


async def test_an_offset_that_one_leader_did_not_tell_is_asked_for_again(played, broker, offsets_answer, impatient):
    broker.instead = {"list_offsets": [offsets_answer({0: 5, 1: -1}, {1: 6}), offsets_answer({0: 5, 1: 7})]}
    async with Cluster.connect(played.bootstrap) as cluster:
        assert await cluster.start_offsets(TOPIC) == {0: 5, 1: 7}


async def test_a_fetch_brings_batches_as_they_are(played, broker, fetch_answer):
    broker.instead = {"fetch": [fetch_answer()]}
    async with Cluster.connect(played.bootstrap) as cluster:
        fetched = await cluster.fetch(TOPIC, 0, 2)
    assert (bytes(fetched.records), fetched.high_watermark, fetched.log_start) == (b"batches", 9, 2)


async def test_an_offset_outside_of_the_log_is_told_apart(played, broker, fetch_answer):
    broker.instead = {"fetch": [fetch_answer(error=1, records=None)]}
    async with Cluster.connect(played.bootstrap) as cluster:
        with pytest.raises(OffsetGone, match="t/0 has no offset 99"):
            await cluster.fetch(TOPIC, 0, 99)


async def test_a_leader_that_has_changed_is_followed(serve, broker, fetch_answer, impatient):
    first, second = await serve(broker), await serve(broker)
    broker.nodes = {0: ("127.0.0.1", first.port), 1: ("127.0.0.1", second.port)}
    broker.topics = {TOPIC: {0: 0}}

    async with Cluster.connect(first.bootstrap) as cluster:
        await cluster.topics()
        broker.topics = {TOPIC: {0: 1}}
        broker.instead = {"fetch": [fetch_answer(error=6), fetch_answer()]}
        assert bytes((await cluster.fetch(TOPIC, 0, 2)).records) == b"batches"
    assert (first.asked("fetch"), second.asked("fetch")) == (1, 1)


async def test_a_leader_that_has_gone_is_followed(serve, broker, fetch_answer, impatient):
    first = await serve(broker)
    broker.nodes = {0: ("127.0.0.1", first.port), 1: ("127.0.0.1", 1)}
    broker.topics = {TOPIC: {0: 1}}
    async with Cluster.connect(first.bootstrap) as cluster:
        await cluster.topics()
        broker.topics = {TOPIC: {0: 0}}
        broker.instead = {"fetch": [fetch_answer()]}
        assert bytes((await cluster.fetch(TOPIC, 0, 2)).records) == b"batches"


async def test_a_partition_that_stays_without_a_leader_is_given_up(played, broker, impatient):
    broker.topics = {TOPIC: {0: -1}}
    async with Cluster.connect(played.bootstrap, timeout=5) as cluster:
        begun = trio.current_time()
        with pytest.raises(BrokerError, match="a partition has no leader"):
            await cluster.fetch(TOPIC, 0, 2)
        assert trio.current_time() - begun <= 5.5


async def test_a_new_topic_is_there_once_every_partition_has_a_leader(played, broker, answer, impatient):
    broker.topics = {}
    made = answer("create_topics", 6, topics=[{"name": "new", "error_code": 0, "error_message": None}])

    def grow(leaders):
        broker.topics = {"new": leaders}
        known = broker.metadata(7)
        broker.topics = {}
        return known

    async with Cluster.connect(played.bootstrap) as cluster:
        nothing = broker.metadata(7)
        broker.instead = {
            "create_topics": [made],
            "metadata": [
                nothing,
                nothing,
                nothing,
                grow({0: -1}),
                nothing,
                grow({0: 0, 1: -1}),
                nothing,
                grow({0: 0, 1: 0}),
            ],
        }
        await cluster.create_topic("new", 2)
    assert broker.instead["metadata"] == []


async def test_a_new_topic_is_there_once_its_leader_knows_that_it_is_one(
    played, broker, answer, offsets_answer, impatient
):
    broker.topics = {}
    nothing = broker.metadata(7)
    broker.topics = {TOPIC: {0: 0}}
    async with Cluster.connect(played.bootstrap) as cluster:
        broker.instead = {
            "metadata": [nothing],
            "create_topics": [answer("create_topics", 6, topics=[{"name": TOPIC, "error_code": 0}])],
            "list_offsets": [offsets_answer({0: -1}, {0: 6}), offsets_answer({0: 0})],
        }
        await cluster.create_topic(TOPIC)
    assert broker.instead["list_offsets"] == []


async def test_a_topic_that_exists_is_an_error(played):
    async with Cluster.connect(played.bootstrap) as cluster:
        with pytest.raises(BrokerError, match="topic 't' could not be made: TOPIC_ALREADY_EXISTS"):
            await cluster.create_topic(TOPIC)
    assert played.asked("create_topics") == 0


async def test_what_a_lost_connection_made_is_not_taken_for_somebody_elses(played, broker, answer):
    """The first request arrived, its answer did not: the second finds the topic that the first one made."""
    exists = answer("create_topics", 6, topics=[{"name": "new", "error_code": 36, "error_message": None}])
    async with Cluster.connect(played.bootstrap) as cluster:
        broker.topics = {}
        broker.instead = {"create_topics": ["close", exists], "metadata": [broker.metadata(7)]}
        broker.topics = {"new": {0: 0}}
        await cluster.create_topic("new")


@pytest.mark.parametrize("error", [0, 3])
async def test_a_topic_is_removed_whether_it_exists_or_not(played, broker, answer, error):
    broker.instead = {"delete_topics": [answer("delete_topics", 5, responses=[{"name": TOPIC, "error_code": error}])]}
    async with Cluster.connect(played.bootstrap) as cluster:
        await cluster.delete_topic(TOPIC)
    assert played.asked("delete_topics") == 1


async def test_a_topic_that_may_not_be_removed_is_an_error(played, broker, answer):
    broker.instead = {"delete_topics": [answer("delete_topics", 5, responses=[{"name": TOPIC, "error_code": 29}])]}
    async with Cluster.connect(played.bootstrap) as cluster:
        with pytest.raises(BrokerError, match="could not be removed: TOPIC_AUTHORIZATION_FAILED"):
            await cluster.delete_topic(TOPIC)


async def test_a_bootstrap_that_is_no_address_is_a_mistake_of_the_callers():
    with pytest.raises(UsageError):
        async with Cluster.connect("localhost"):
            pass
