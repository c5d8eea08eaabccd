"""The three producers against a real broker: what they say, and what stands in the log."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from ackdrop import identity
from ackdrop.direct.cluster import Cluster
from ackdrop.errors import ProducerError
from ackdrop.workload.outcome import ProducerReport, Progress
from ackdrop.workload.plan import ProducerPlan
from ackdrop.workload.run import run_producer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning"),  # kafka, at its import
]

CLIENTS = ["kafka-python", "confluent-kafka", "aiokafka"]
IDEMPOTENCE = {
    "kafka-python": "enable_idempotence",
    "confluent-kafka": "enable.idempotence",
    "aiokafka": "enable_idempotence",
}
each_client = pytest.mark.parametrize("client", CLIENTS)
MakeTopic = Callable[..., str]


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """A record as kafka-python's consumer gives it."""

    partition: int
    offset: int
    value: object
    identity: identity.Identity


@pytest.fixture
def admin(embedded_broker: str) -> Iterator[Any]:
    from kafka.admin import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=embedded_broker)
    yield client
    client.close()


@pytest.fixture
def make_topic(admin: Any) -> Iterator[MakeTopic]:
    from kafka.admin import NewTopic

    made: list[str] = []

    def make(partitions: int, **config: str) -> str:
        made.append(f"ackdrop-test-{uuid.uuid4().hex[:12]}")
        admin.create_topics([NewTopic(made[-1], partitions, 1, topic_configs=config)])
        return made[-1]

    yield make
    admin.delete_topics(made)


def read(bootstrap: str, topic: str, partitions: int) -> list[Read]:
    """Everything in the topic, by partition and offset."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends, records = consumer.end_offsets(places), []
    while any(consumer.position(place) < ends[place] for place in places):
        for batch in consumer.poll(timeout_ms=500).values():
            records += batch
    consumer.close()
    found = [
        Read(record.partition, record.offset, json.loads(record.value), whose)
        for record in records
        if (whose := identity.read(record.headers)) is not None
    ]
    assert len(found) == len(records)
    return sorted(found, key=lambda record: (record.partition, record.offset))


def active_producers(admin: Any, topic: str) -> list[Any]:
    """The producers that the broker has a state for in partition 0 (KIP-664): those whose batches carry an id."""
    from kafka import TopicPartition

    place = TopicPartition(topic, 0)
    return list(admin.describe_producers([place])[place].active_producers)


def plan(client: str, bootstrap: str, topic: str, **changes: Any) -> ProducerPlan:
    whole = ProducerPlan(
        client=client,
        bootstrap=bootstrap,
        topic=topic,
        partitions=1,
        run_id="run7",
        producer="p1",
        client_id="ackdrop-p1",
        idempotence=True,
        records=50,
        sends=1,
        rate=None,
        pipelined=True,
        value={"key": "value", "count": 1},
        config={"acks": "all", "retries": 5, "request_timeout": 5.0},
        client_config={},
        deadline=30.0,
    )
    return dataclasses.replace(whole, **changes)


async def produce(plan: ProducerPlan, folder: Path) -> ProducerReport:
    report = await run_producer(plan, python=None, folder=folder, label="arm")
    assert "Traceback" not in (folder / "producer-arm.log").read_text()
    return report


async def read_back(plan: ProducerPlan) -> list[Read]:
    return await trio.to_thread.run_sync(read, plan.bootstrap, plan.topic, plan.partitions)


@each_client
@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("idempotence", [True, False])
async def test_every_record_is_acked_where_it_stands(
    embedded_broker: str,
    make_topic: MakeTopic,
    admin: Any,
    tmp_path: Path,
    client: str,
    idempotence: bool,
    pipelined: bool,
) -> None:
    work = plan(client, embedded_broker, make_topic(1), idempotence=idempotence, pipelined=pipelined)
    report = await produce(work, tmp_path)
    assert (report.error, report.finished, report.exit_code) == (None, True, 0)
    assert [(send.outcome, send.record, send.order) for send in report.sends] == [("acked", n, n) for n in range(50)]
    assert report.config[IDEMPOTENCE[client]] is idempotence
    assert report.not_applicable == (["retries"] if client == "aiokafka" else [])
    assert report.version
    records = await read_back(work)
    assert {record.identity for record in records} == {identity.Identity("run7", "p1", n, 0, n) for n in range(50)}
    assert {(r.identity.record, r.offset) for r in records} == {(s.record, s.offset) for s in report.sends}
    assert [record.value for record in records] == [{"key": "value", "count": 1}] * 50
    sequences = [state.last_sequence for state in active_producers(admin, work.topic)]
    assert sequences == ([49] if idempotence else [])


@each_client
async def test_the_applications_own_sends_and_partitions_in_turn(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    work = plan(client, embedded_broker, make_topic(3), records=7, sends=3, partitions=3)
    report = await produce(work, tmp_path)
    assert [(send.record, send.send, send.partition) for send in report.sends] == [work.place(n) for n in range(21)]
    records = await read_back(work)
    assert {(r.identity.record, r.identity.send, r.identity.order, r.partition, r.offset) for r in records} == {
        (send.record, send.send, send.order, send.partition, send.offset) for send in report.sends
    }
    assert len(records) == 21


@each_client
async def test_the_rate_is_kept(embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str) -> None:
    work = plan(client, embedded_broker, make_topic(1), records=11, rate=10.0)
    start = trio.current_time()
    report = await produce(work, tmp_path)
    assert report.finished
    assert trio.current_time() - start >= 1.0


@each_client
async def test_without_acks_nothing_is_known(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    work = plan(client, embedded_broker, make_topic(1), idempotence=False, config={"acks": 0})
    report = await produce(work, tmp_path)
    assert {(send.outcome, send.offset) for send in report.sends} == {("unknown", None)}
    assert (len(report.sends), report.finished) == (50, True)
    async with Cluster.connect(embedded_broker) as cluster:
        with trio.fail_after(30):
            while sum((await cluster.end_offsets(work.topic)).values()) < 50:
                pass  # nobody said when they had arrived
    assert len(await read_back(work)) == 50


@each_client
async def test_the_librarys_own_words_win(
    embedded_broker: str, make_topic: MakeTopic, admin: Any, tmp_path: Path, client: str
) -> None:
    work = plan(client, embedded_broker, make_topic(1), client_config={IDEMPOTENCE[client]: False})
    report = await produce(work, tmp_path)
    assert report.config[IDEMPOTENCE[client]] is False
    assert active_producers(admin, work.topic) == []


@each_client
async def test_every_neutral_word_is_taken(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    words = {
        "acks": "all",
        "retries": 3,
        "request_timeout": 5.0,
        "delivery_timeout": 20.0,
        "retry_backoff": 0.3,
        "linger": 0.02,
        "batch_size": 1000,
        "max_in_flight": 2,
        "compression": "gzip",
    }
    report = await produce(plan(client, embedded_broker, make_topic(1), config=words), tmp_path)
    assert report.finished
    lacking = ["retries", "delivery_timeout", "max_in_flight"] if client == "aiokafka" else []
    assert report.not_applicable == lacking


@each_client
async def test_a_contradiction_is_told_in_the_clients_words(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    work = plan(client, embedded_broker, make_topic(1), config={"acks": 1})
    with pytest.raises(ProducerError, match=rf"{client} refused to start: .*enable.idempotence") as caught:
        await run_producer(work, python=None, folder=tmp_path, label="arm")
    assert "Traceback" not in caught.value.message


@each_client
async def test_a_full_buffer_is_waited_for(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    """confluent-kafka's queue holds 10 records here, aiokafka's batch is a few records; kafka-python 3 has no bound."""
    small: dict[str, dict[str, Any]] = {
        "kafka-python": {},
        "confluent-kafka": {"queue.buffering.max.messages": 10},
        "aiokafka": {"max_batch_size": 400},
    }
    work = plan(client, embedded_broker, make_topic(1), records=500, client_config=small[client])
    report = await produce(work, tmp_path)
    assert (report.error, {send.outcome for send in report.sends}) == (None, {"acked"})


@each_client
@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("fails", ["in the client", "at the broker"])
async def test_the_application_sends_again_what_failed(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str, pipelined: bool, fails: str
) -> None:
    """A record is larger than the client may send, or than the topic takes: no send of it succeeds, all are told."""
    small = {"confluent-kafka": "message.max.bytes"}.get(client, "max_request_size")
    topic = make_topic(1, **({"max.message.bytes": "1000"} if fails == "at the broker" else {}))
    work = plan(
        client,
        embedded_broker,
        topic,
        records=3,
        resend_failed=2,
        pipelined=pipelined,
        value="x" * 2000,
        client_config={small: 1500} if fails == "in the client" else {},
    )
    report = await produce(work, tmp_path)
    assert (report.error, report.finished) == (None, True)
    assert {send.outcome for send in report.sends} == {"failed"}
    assert [send.order for send in report.sends] == list(range(9))
    placed = [(send.record, send.send) for send in report.sends]
    expected = [(record, send) for record in range(3) for send in range(3)]
    assert sorted(placed) == expected
    if not pipelined:
        assert placed == expected
    assert await read_back(work) == []


@each_client
async def test_a_topic_that_is_not_there_is_not_acked(embedded_broker: str, tmp_path: Path, client: str) -> None:
    work = plan(client, embedded_broker, "ackdrop-test-nowhere", records=3, deadline=3.0)
    report = await produce(work, tmp_path)
    assert "acked" not in {send.outcome for send in report.sends}
    assert report.exit_code == 0


@each_client
async def test_a_killed_producer_leaves_no_record_untold(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    """What is in the log was begun, and the counts add up, though nobody could say goodbye."""

    def kill_when_busy(progress: Progress) -> None:
        for process in psutil.Process().children() if progress.acked >= 100 else []:
            with contextlib.suppress(psutil.NoSuchProcess):  # it has been killed by now
                if any("drive_" in word for word in process.cmdline()):
                    process.kill()

    work = plan(client, embedded_broker, make_topic(1), records=100_000, rate=2000.0)
    report = await run_producer(work, python=None, folder=tmp_path, label="arm", on_progress=kill_when_busy)
    assert report.exit_code == -signal.SIGKILL
    assert report.error == "the producer was ended by SIGKILL (see producer-arm.log)"
    told = {(send.record, send.offset) for send in report.sends if send.outcome == "acked"}
    stand = {(record.identity.record, record.offset) for record in await read_back(work)}
    assert len(told) >= 100
    assert told <= stand
    assert {record for record, _ in stand} <= {send.record for send in report.sends}
    assert [send.order for send in report.sends] == list(range(len(report.sends)))


@each_client
async def test_many_records_are_reported_whole(
    embedded_broker: str, make_topic: MakeTopic, tmp_path: Path, client: str
) -> None:
    work = plan(client, embedded_broker, make_topic(1), records=20_000, deadline=60.0)
    report = await produce(work, tmp_path)
    assert report.finished
    assert len({send.offset for send in report.sends}) == 20_000
