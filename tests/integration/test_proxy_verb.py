"""`ackdrop proxy` end to end: a process of its own before a real broker, with programs that are not ours behind it."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.kafka.bodies import decode_response, encode_request

pytestmark = pytest.mark.integration

PATIENCE = 20.0
UNKNOWN_TOPIC_ID = 100

SCENARIO = """
version: 1
title: The third ack is lost
workload: {records: 12, pipelined: false}
faults:
  - name: lose the third ack
    at: produce.response
    match: {attempt: first}
    when: {nth: 3}
    do: {drop: {then: disconnect}}
expect:
  "off": {duplicates: ">= 1", lost: 0}
  "on": {duplicates: 0, lost: 0}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "third-ack.yaml"
    path.write_text(SCENARIO)
    return str(path)


@pytest.fixture
def produce(library: Any) -> Callable[..., list[int]]:
    """`produce(bootstrap, topic, values, **config)`: a program that is not ours; one at a time, gives the offsets."""
    kafka = library("kafka")

    def send(bootstrap: str, topic: str, values: list[bytes], **config: Any) -> list[int]:
        settings = {"bootstrap_servers": bootstrap, "retries": 5, "client_id": "not ours", **config}
        with contextlib.closing(kafka.KafkaProducer(**settings)) as producer:
            return [producer.send(topic, value, partition=0).get(PATIENCE).offset for value in values]

    return send


def values(word: str, count: int) -> list[bytes]:
    return [f"{word} {number}".encode() for number in range(count)]


class Raw:
    """A client made by hand: whole frames over one connection."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.sock = socket.create_connection((host, int(port)), PATIENCE)
        self._asked = 0

    def send(self, api: str, version: int, **fields: object) -> None:
        self._asked += 1
        self.sock.sendall(encode_request(api, version, self._asked, "by hand", **fields))

    def receive(self, api: str, version: int) -> Any:
        """The next answer, which has to be that to the last request."""
        frame = self._read(4)
        frame += self._read(struct.unpack(">i", frame)[0])
        assert struct.unpack_from(">i", frame, 4)[0] == self._asked
        return decode_response(api, version, frame)

    def ask(self, api: str, version: int, **fields: object) -> Any:
        self.send(api, version, **fields)
        return self.receive(api, version)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            assert more, "the connection was closed"
            data += more
        return data

    def ended(self) -> bool:
        """Waits for the connection's end, which nothing may come before."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def by_hand() -> Iterator[Callable[[str], Raw]]:
    """`by_hand(address)` connects a client made by hand."""
    made: list[Raw] = []

    def connect(address: str) -> Raw:
        made.append(Raw(address))
        return made[-1]

    yield connect
    for client in made:
        client.sock.close()


@pytest.fixture
def record(library: Any) -> Callable[[bytes], bytes]:
    """`record(value)`: a batch of one record without a producer id."""
    records = library("kafka.record.default_records")

    def make(value: bytes) -> bytes:
        builder = records.DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 16)
        builder.append(0, timestamp=1_700_000_000_000, key=None, value=value, headers=[])
        return bytes(builder.build())

    return make


def log_of(ended: Any) -> tuple[int, int, int, int, int]:
    log = ended.arm["log"]
    return log["records"], log["distinct"], log["duplicates"], log["lost"], log["past_proxy"]


# What is reported.


def test_without_a_producer_there_is_nothing_to_say(start_proxy: Any) -> None:
    """Standard output holds the JSON and nothing else where `--json -` asks for it there."""
    process = start_proxy("--json", "-")
    process.address()
    ended = process.end(signal.SIGINT)
    assert ended.exit_code == 3
    report = json.loads(ended.out)
    assert report["schema"] == "ackdrop/report/1"
    assert [reason["code"] for reason in report["reasons"]] == ["nothing-produced"]
    assert report["arms"][0]["wire"]["produce_requests"] == 0


def test_without_a_retry_nothing_is_proved_and_all_is_counted(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]]
) -> None:
    topic, process = new_topic(), start_proxy()
    assert produce(process.address(), topic, values("a", 5)) == [0, 1, 2, 3, 4]
    ended = process.end(signal.SIGINT)
    assert (ended.exit_code, ended.codes) == (3, ["no-retry"])
    assert log_of(ended) == (5, 5, 0, 0, 0)
    assert set(ended.arm["records"].values()) == {None}
    assert {ended.arm["log"][name] for name in ("unacked_present", "out_of_order", "phantom")} == {None}
    assert (ended.arm["name"], ended.arm["idempotence"]) == ("proxy", None)
    assert ended.arm["producer"]["client"].startswith("kafka-python")
    assert (ended.arm["wire"]["produce_requests"], ended.arm["wire"]["retries"]) == (5, 0)
    assert {expected["held"] for expected in ended.arm["expectations"]} == {True}
    (folder,) = process.out_folder.iterdir()
    assert {"report.json", "ledger.db", "events.jsonl"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "report.json").read_text()) == ended.report


def test_a_retry_without_a_producer_id_leaves_a_duplicate_that_is_told_and_not_condemned(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]], scenario: str
) -> None:
    """The scenario's `expect` speaks of its own arms. Of any other program only protected retries are expected to leave
    no duplicate: one that has idempotence turned off gets what it asked for, and is told."""
    topic, process = new_topic(), start_proxy("--scenario", scenario)
    assert len(produce(process.address(), topic, values("b", 5), enable_idempotence=False)) == 5
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (0, [])
    assert log_of(ended) == (6, 5, 1, 0, 0)
    (finding,) = ended.arm["findings"]
    assert (finding["kind"], finding["cause"], finding["fault"]) == (
        "duplicate",
        "retry-unprotected",
        "lose the third ack",
    )
    assert finding["places"] == [{"topic": topic, "partition": 0, "offset": offset} for offset in (2, 3)]
    assert [attempt["ack"] for attempt in finding["attempts"]] == ["dropped", "delivered"]
    assert ended.arm["wire"]["faults"] == [{"name": "lose the third ack", "matched": 5, "fired": 1}]
    assert [expected["expect"] for expected in ended.arm["expectations"]] == [
        "duplicates from protected retries 0",
        "lost 0",
    ]


def test_a_retry_with_a_producer_id_is_deduplicated(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]], scenario: str
) -> None:
    topic, process = new_topic(), start_proxy("--scenario", scenario)
    assert produce(process.address(), topic, values("c", 5), enable_idempotence=True) == [0, 1, 2, 3, 4]
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (0, [])
    assert log_of(ended) == (5, 5, 0, 0, 0)
    (finding,) = ended.arm["findings"]
    assert (finding["kind"], finding["cause"]) == ("deduplicated", None)
    first, again = finding["attempts"]
    assert first["producer_id"] == again["producer_id"] >= 0
    assert (first["base_offset"], first["ack"]) == (again["base_offset"], "dropped")


def test_a_fault_that_finds_nothing_and_a_program_that_does_not_retry_prove_nothing(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]], scenario: str
) -> None:
    topic, process = new_topic(), start_proxy("--scenario", scenario)
    produce(process.address(), topic, values("d", 2))
    ended = process.end()
    assert ended.exit_code == 3
    assert set(ended.codes) == {"fault-never-fired", "no-retry"}
    assert log_of(ended) == (2, 2, 0, 0, 0)


def test_records_of_others_are_counted_and_spoil_nothing(
    start_proxy: Any,
    embedded_broker: str,
    new_topic: Callable[..., str],
    produce: Callable[..., list[int]],
    scenario: str,
) -> None:
    """What stood there before, equal records among it, is not read; what came past us is not judged."""
    topic = new_topic()
    produce(embedded_broker, topic, [*values("before", 7), *values("e", 4)])
    process = start_proxy("--scenario", scenario)
    assert produce(process.address(), topic, values("e", 4))[0] == 11
    produce(embedded_broker, topic, values("past", 3))
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (0, [])
    assert log_of(ended) == (4, 4, 0, 0, 3)
    assert {finding["kind"] for finding in ended.arm["findings"]} == {"deduplicated"}


def test_a_topic_that_is_removed_meanwhile_is_told_and_the_others_are_read(
    start_proxy: Any, embedded_broker: str, new_topic: Callable[..., str], produce: Callable[..., list[int]]
) -> None:
    stays, goes, process = new_topic(), new_topic(), start_proxy()
    address = process.address()
    produce(address, goes, values("h", 2))
    produce(address, stays, values("i", 3))

    async def remove() -> None:
        async with Cluster.connect(embedded_broker) as cluster:
            await cluster.delete_topic(goes)

    trio.run(remove)
    ended = process.end()
    assert (ended.exit_code, set(ended.codes)) == (3, {"no-retry", "log-gone", "figure-unknown"})
    assert any(f"{goes} [0] was removed" in reason["text"] for reason in ended.report["reasons"])
    assert ended.arm["log"]["records"] == 3
    assert ended.arm["log"]["lost"] is None


def test_equal_records_in_two_topics_are_no_duplicates(
    start_proxy: Any, new_topic: Callable[..., str], by_hand: Callable[[str], Raw], record: Callable[[bytes], bytes]
) -> None:
    """One event that a program writes to two topics in one millisecond."""
    process = start_proxy()
    client = by_hand(process.address())
    partitions = [{"index": 0, "records": record(b"the same")}]
    data = [{"name": new_topic(), "partition_data": partitions} for _ in range(2)]
    client.ask("produce", 9, transactional_id=None, acks=-1, timeout_ms=5000, topic_data=data)
    assert log_of(process.end()) == (2, 2, 0, 0, 0)


def test_the_log_is_left_alone_where_that_is_wanted(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]]
) -> None:
    topic, process = new_topic(), start_proxy("--no-verify")
    produce(process.address(), topic, values("f", 2))
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["no-retry", "log-not-read"])
    assert set(ended.arm["log"].values()) == {None}
    assert ended.report["reasons"][1]["text"].startswith("--no-verify")


@pytest.mark.parametrize("told", [True, False], ids=["after its Metadata", "without any Metadata"])
def test_a_topic_that_is_produced_to_by_its_id_is_reported_by_its_name(
    start_proxy: Any,
    embedded_broker: str,
    new_topic: Callable[..., str],
    by_hand: Callable[[str], Raw],
    record: Callable[[bytes], bytes],
    told: bool,
) -> None:
    """Produce v13. An id that no topic has is the broker's to refuse."""
    topic, process = new_topic(), start_proxy()
    client = by_hand(process.address())
    (found,) = (by_hand(embedded_broker) if not told else client).ask("metadata", 12, topics=[{"name": topic}]).topics

    def answer(topic_id: uuid.UUID) -> Any:
        entry = {"index": 1, "records": record(b"by its id")}
        data = [{"topic_id": topic_id, "partition_data": [entry]}]
        answered = client.ask("produce", 13, transactional_id=None, acks=-1, timeout_ms=5000, topic_data=data).responses
        return answered[0].partition_responses[0]

    assert (answer(found.topic_id).error_code, answer(uuid.uuid4()).error_code) == (0, UNKNOWN_TOPIC_ID)
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["no-retry"])
    assert log_of(ended) == (1, 1, 0, 0, 0)


def test_an_acks_0_request_is_not_answered_and_the_next_answer_is_the_next_requests(
    start_proxy: Any, new_topic: Callable[..., str], by_hand: Callable[[str], Raw], record: Callable[[bytes], bytes]
) -> None:
    topic, process = new_topic(), start_proxy()
    client = by_hand(process.address())
    partition = {"index": 0, "records": record(b"unanswered")}
    data = [{"name": topic, "partition_data": [partition]}]
    client.send("produce", 9, transactional_id=None, acks=0, timeout_ms=5000, topic_data=data)
    assert [one.name for one in client.ask("metadata", 9, topics=[{"name": topic}]).topics] == [topic]
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["no-retry"])
    assert log_of(ended) == (1, 1, 0, 0, 0)


# How it ends.


def test_it_ends_by_itself_when_its_time_is_over(start_proxy: Any, by_hand: Callable[[str], Raw]) -> None:
    process = start_proxy("--for", "2s")
    address = process.address()
    with contextlib.suppress(ConnectionRefusedError):  # its time may be over by now
        assert by_hand(address).ended()
    ended = process.end(None)
    assert (ended.exit_code, ended.codes) == (3, ["nothing-produced"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_clients_that_are_connected_at_the_end_are_not_left_hanging(
    start_proxy: Any, number: signal.Signals, by_hand: Callable[[str], Raw]
) -> None:
    """One on the bootstrap listener, one on the broker's own."""
    process = start_proxy("--grace", "60s")
    first = by_hand(process.address())
    (broker,) = first.ask("metadata", 9, topics=[]).brokers
    second = by_hand(f"{broker.host}:{broker.port}")
    second.ask("api_versions", 3, client_software_name="by-hand", client_software_version="1")
    ended = process.end(number)
    assert ended.exit_code == 3
    assert first.ended()
    assert second.ended()
    assert ended.seconds < 30


@pytest.fixture
def ceaseless(library: Any) -> Iterator[Callable[[str, str], None]]:
    """`ceaseless(bootstrap, topic)`: a program that goes on producing until the test ends; returns once it does."""
    confluent = library("confluent_kafka")
    over = threading.Event()
    threads: list[threading.Thread] = []

    def run(bootstrap: str, topic: str, begun: threading.Event) -> None:
        quiet = {"error_cb": lambda _: None, "log_level": 0, "message.timeout.ms": 2000}
        producer = confluent.Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, **quiet})
        number = 0
        while not over.is_set():
            producer.produce(topic, f"ceaseless {number}", partition=0, on_delivery=lambda *_: begun.set())
            producer.poll(0.005)
            number += 1
        producer.purge()
        producer.flush(PATIENCE)

    def start(bootstrap: str, topic: str) -> None:
        begun = threading.Event()
        threads.append(threading.Thread(target=run, args=(bootstrap, topic, begun)))
        threads[-1].start()
        assert begun.wait(PATIENCE)

    yield start
    over.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_a_program_that_never_stops_does_not_keep_it_from_ending(
    start_proxy: Any, new_topic: Callable[..., str], ceaseless: Callable[[str, str], None]
) -> None:
    topic, process = new_topic(), start_proxy()
    ceaseless(process.address(), topic)
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["no-retry"])
    records, distinct, duplicates, lost, past = log_of(ended)
    assert records == distinct > 0
    assert (duplicates, lost, past) == (0, 0, 0)
    assert ended.seconds < 10  # as long as it would wait for a log to come to rest


def test_others_that_never_stop_do_not_spoil_the_verdict(
    start_proxy: Any,
    embedded_broker: str,
    new_topic: Callable[..., str],
    produce: Callable[..., list[int]],
    ceaseless: Callable[[str, str], None],
) -> None:
    topic, process = new_topic(), start_proxy()
    ceaseless(embedded_broker, topic)
    produce(process.address(), topic, values("g", 3))
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["no-retry"])
    assert log_of(ended)[:4] == (3, 3, 0, 0)
    assert ended.arm["log"]["past_proxy"] > 0
    assert ended.seconds < 10  # as long as it would wait for a log to come to rest


def test_the_second_signal_ends_it_at_once(
    start_proxy: Any,
    embedded_broker: str,
    new_topic: Callable[..., str],
    by_hand: Callable[[str], Raw],
    record: Callable[[bytes], bytes],
    ceaseless: Callable[[str, str], None],
) -> None:
    """A request whose connection the broker closed without an answer makes it wait until the log rests, and this one
    never does."""
    topic, process = new_topic(), start_proxy()
    ceaseless(embedded_broker, topic)
    client = by_hand(process.address())
    client.sock.sendall(_produce_v2(topic, record(b"of a version that is no more")))
    assert client.ended()
    process.send(signal.SIGINT)
    process.says("waiting for the broker to come to rest")
    ended = process.end(signal.SIGINT)
    assert ended.exit_code == 130
    assert ended.report is None


def _produce_v2(topic: str, records: bytes) -> bytes:
    """A Produce request of a version that Kafka 4 has given up: it closes the connection."""
    name = topic.encode()
    header = struct.pack(">hhih", 0, 2, 1, -1)
    body = struct.pack(f">hiih{len(name)}siii", -1, 5000, 1, len(name), name, 1, 0, len(records)) + records
    return struct.pack(">i", len(header) + len(body)) + header + body


@contextlib.contextmanager
def relay_to(broker: str, port: int) -> Iterator[None]:
    """Something that leads from this port to the broker."""
    host, _, theirs = broker.rpartition(":")
    made: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection((host, int(theirs)))
                made.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    server = socket.create_server(("127.0.0.1", port))
    acceptor = threading.Thread(target=accept, args=(server,), daemon=True)
    acceptor.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        for each in (server, *made):
            each.close()


# What it cannot do.


def test_a_port_that_is_taken_is_named(start_proxy: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start_proxy("--listen", f"127.0.0.1:{port}")
        ended = process.end(None)
    assert ended.exit_code == 4
    assert f"127.0.0.1:{port}" in ended.err
    assert "--listen" in ended.err
    assert not process.out_folder.exists() or list(process.out_folder.iterdir()) == []


def test_a_broker_that_does_not_answer_is_named(start_proxy: Any) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        process = start_proxy("--bootstrap", address, "--for", "1s")
        process.says(rf"{address}: connection refused; ackdrop goes on asking")
        ended = process.end(None)
    assert ended.exit_code == 4
    assert ended.codes[0] == "no-broker"
    assert ended.report["broker"] == {
        "kind": "unknown",
        "version": None,
        "source": "given",
        "bootstrap": address,
        "cluster_id": None,
    }


def test_a_broker_that_comes_later_is_met(start_proxy: Any, embedded_broker: str, produce: Any, new_topic: Any) -> None:
    """What stands for the broker is there first without a broker behind it, and then leads to the real one."""
    topic = new_topic(1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        process = start_proxy("--bootstrap", f"127.0.0.1:{port}")
        bootstrap = process.address()
        process.says("connection refused; ackdrop goes on asking")
        with socket.create_connection(bootstrap.split(":")) as client:
            process.says("bootstrap: the broker cannot be reached: .*: connection refused; its clients wait a moment")
            assert client.recv(1) == b""
    with relay_to(embedded_broker, port):
        process.says(r"Apache Kafka \d\.\d at .* answers now")
        assert produce(bootstrap, topic, [b"later"]) == [0]
        process.says("bootstrap: reached again after .* s; 1 client was sent away")
        ended = process.end()
    assert ended.exit_code == 3
    assert ended.codes == ["no-retry"]
    assert ended.report["broker"]["kind"] == "kafka"
    assert ended.arm["log"]["records"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bootstrap", "192.0.2.1:9092"], "--allow-remote"),
        (["--bootstrap", "nonsense"], "nonsense"),
        (["--listen", "nonsense"], "nonsense"),
        (["--scenario", "no-such-scenario"], "no-such-scenario"),
        (["--scenario", str(Path(__file__).parents[2] / "scenarios")], "name one of them"),
        (["--for", "soon"], "soon"),
        (["--json", "/proc/no/such/file"], "/proc/no/such/file"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_run(
    start_proxy: Any, arguments: list[str], says: str
) -> None:
    ended = start_proxy(*arguments).end(None)
    assert ended.exit_code == 2
    assert says in ended.err
    assert ended.out == ""


def test_the_broker_is_said_by_what_it_answered(start_proxy: Any, embedded_broker: str) -> None:
    async def cluster_id() -> str | None:
        async with Cluster.connect(embedded_broker) as cluster:
            return cluster.cluster_id

    process = start_proxy()
    process.address()
    assert process.end().report["broker"] == {
        "kind": "kafka",
        "version": "4.3",
        "source": "given",
        "bootstrap": embedded_broker,
        "cluster_id": trio.run(cluster_id),
    }
