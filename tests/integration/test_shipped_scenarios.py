"""Every shipped scenario, run as a user runs it, and its figures held against a count of the log that is not ours.

All runs go side by side, a few at a time, before the session's broker; each test looks at one of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited
from ackdrop.ledger import Ledger
from ackdrop.scenario.files import shipped

pytestmark = pytest.mark.integration

SIDE_BY_SIDE = 5
"""Most of a run is waiting for a request timeout."""
DEADLINE = 300.0
OUT_OF_ORDER = 45

DEFAULT = "kafka-python"
CLIENTS = (DEFAULT, "confluent-kafka", "aiokafka")
SILENT = "aiokafka"
"""Without idempotence it does not retry after silence: it reports a failure for a record that is in the log."""

NAMES = (
    "restarted-broker",
    "partition",
    "lost-ack-pipelined",
    "slow-line",
    "delayed-ack",
    "late-after-window",
    "late-request",
    "reordered-requests",
    "request-lost",
    "lost-ack",
    "given-up",
    "lost-ack-disconnect",
    "lost-ack-reset",
    "broken-off-answer",
    "timed-out-append",
    "forgotten-producer",
    "corrupt-batch",
    "restarted-producer",
    "application-resend",
    "injected-copy",
)
"""The longest first, so that the last ones end together."""

OWN_BROKER = frozenset({"restarted-broker"})
"""Scenarios that do something to the broker, so that each run has one of its own, which is gone when it ends."""

Case = tuple[str, str]
CASES: tuple[Case, ...] = tuple((name, client) for name in NAMES for client in CLIENTS)
INCONCLUSIVE = {
    (name, SILENT) for name in ("lost-ack", "lost-ack-pipelined", "delayed-ack", "late-request", "restarted-broker")
}
FAILING = {
    ("late-after-window", SILENT),
    ("reordered-requests", SILENT),
    ("partition", SILENT),
    ("given-up", SILENT),
    ("forgotten-producer", DEFAULT),
    ("forgotten-producer", "aiokafka"),
}
"""What the clients make of a scenario that is about another client's way: as its text and the guide's table say."""

PASSING = [case for case in CASES if case not in INCONCLUSIVE | FAILING]
LOST_ACKS = (
    *("lost-ack-pipelined", "delayed-ack", "lost-ack", "lost-ack-disconnect", "lost-ack-reset"),
    *("broken-off-answer", "timed-out-append"),
)
RETRYING = [case for case in PASSING if case[0] in LOST_ACKS]


@dataclass(frozen=True, slots=True)
class Counted:
    """A topic's log as kafka-python's consumer gives it: `(record, send)` out of each `ackdrop` header, by offset."""

    identities: tuple[tuple[int, int], ...]

    @property
    def records(self) -> int:
        return len(self.identities)

    @property
    def distinct(self) -> int:
        return len({record for record, _ in self.identities})


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of `ackdrop run`: its exit code, what it said, its report, and for each arm the count of its topic.

    `unheard` is how many records were in the attempts of an arm whose acks were dropped or withheld: where the machine
    is busy, a batch holds several.
    """

    exit_code: int
    out: str
    err: str
    report: dict[str, Any]
    logs: dict[str, Counted]
    unheard: dict[str, int]
    late: dict[str, list[tuple[int | None, str, str]]]
    """By arm: what the broker said of attempts that were held back, what their client got, and why they went on."""

    @property
    def arms(self) -> dict[str, dict[str, Any]]:
        return {arm["name"]: arm for arm in self.report["arms"]}

    @property
    def codes(self) -> set[tuple[str, str]]:
        return {(reason["arm"], reason["code"]) for reason in self.report["reasons"]}


def start(case: Case, bootstrap: str, folder: Path) -> Ran:
    name, producer = case
    file = folder / "result.json"
    broker = ["--broker", "embedded"] if name in OWN_BROKER else ["--bootstrap", bootstrap]
    command = [sys.executable, "-m", "ackdrop", "run", name, *broker, "--producer", producer]
    command += ["--json", str(file), "--out", str(folder / "runs"), "--keep"]
    environment = inherited("ACKDROP_")
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "TMPDIR": str(folder), "XDG_STATE_HOME": str(folder), "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert file.exists(), done.stderr
    (run,) = (folder / "runs").iterdir()
    return Ran(
        done.returncode,
        done.stdout,
        done.stderr,
        json.loads(file.read_text()),
        {} if name in OWN_BROKER else counts(bootstrap, run),
        lost(run),
        held_back(run),
    )


def lost(run: Path) -> dict[str, int]:
    ledger = Ledger.open(run)
    stories = {arm: ledger.wire(arm).attempts for arm in ledger.arms()}
    return {
        arm: sum(story.attempt.records for story in attempts if story.ack in ("dropped", "withheld"))
        for arm, attempts in stories.items()
    }


def held_back(run: Path) -> dict[str, list[tuple[int | None, str, str]]]:
    ledger = Ledger.open(run)
    return {
        arm: [(story.error, story.ack, story.released) for story in ledger.wire(arm).attempts if story.released]
        for arm in ledger.arms()
    }


def counts(bootstrap: str, run: Path) -> dict[str, Counted]:
    """The log of each arm's topic, read past everything of ackdrop's."""
    ledger = Ledger.open(run)
    return {
        arm: count(bootstrap, topic)
        for arm in ledger.arms()
        for topic in {story.attempt.topic for story in ledger.wire(arm).attempts}
    }


def count(bootstrap: str, topic: str) -> Counted:
    import kafka

    consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        place = kafka.TopicPartition(topic, 0)
        assert consumer.partitions_for_topic(topic) == {0}
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        records: list[Any] = []
        while consumer.position(place) < end:
            records += consumer.poll(timeout_ms=1000).get(place, [])
    finally:
        consumer.close()
    assert [record.offset for record in records] == list(range(end))
    assert {record.value for record in records} == {b'{"key": "value", "count": 1}'}
    return Counted(tuple(identity(dict(record.headers)["ackdrop"]) for record in records))


def identity(header: bytes) -> tuple[int, int]:
    """(logical record, the application's send of it) out of RUN/PRODUCER/RECORD/SEND/ORDER."""
    _, _, record, send, _ = header.decode().split("/")
    return int(record), int(send)


@pytest.fixture(scope="module")
def runs(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Future[Ran]]]:
    """All runs, started; at the end the topics that they kept are removed."""
    folders = [tmp_path_factory.mktemp("shipped") for _ in CASES]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {
            case: pool.submit(start, case, embedded_broker, folder) for case, folder in zip(CASES, folders, strict=True)
        }
    trio.run(remove_topics, embedded_broker)
    assert [path for folder in folders for path in folder.glob("ackdrop-*") if path.name != "ackdrop-runs"] == []


async def remove_topics(bootstrap: str) -> None:
    async with Cluster.connect(bootstrap) as cluster:
        for topic in await cluster.topics(None):
            if any(topic.startswith(f"ackdrop-{name}-o") for name in NAMES):
                await cluster.delete_topic(topic)


@pytest.fixture
def ran(runs: dict[Case, Future[Ran]]) -> Callable[[Case], Ran]:
    def wait(case: Case) -> Ran:
        module = case[1].replace("-", "_")
        if case[1] != DEFAULT and importlib.util.find_spec(module) is None and not os.environ.get("CI"):
            pytest.skip(f"{case[1]} is not installed: pip install 'ackdrop[{case[1]}]'")
        return runs[case].result(DEADLINE)

    return wait


def ids(case: Case) -> str:
    return "-".join(case)


def test_these_are_all_that_are_shipped() -> None:
    assert sorted(path.stem for path in shipped()) == sorted(NAMES)


def test_the_guide_has_the_verdict_of_each_scenario_with_each_client() -> None:
    guide = (shipped()[0].parent / "README.md").read_text(encoding="utf-8")
    _, _, section = guide.partition("## What each client gives")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    told = {
        (name, client): re.search(r": (passed|failed|inconclusive)", cell)[1]  # type: ignore[index]
        for name, cells in rows
        for client, cell in zip(CLIENTS, cells.split(" | "), strict=True)
    }
    verdicts = {
        case: "inconclusive" if case in INCONCLUSIVE else "failed" if case in FAILING else "passed" for case in CASES
    }
    assert told == verdicts


@pytest.mark.parametrize("case", PASSING, ids=ids)
def test_it_passes(ran: Callable[[Case], Ran], case: Case) -> None:
    done = ran(case)
    assert done.exit_code == done.report["exit_code"] == 0, done.out + done.err
    assert (done.report["verdict"], done.report["reasons"]) == ("passed", [])
    assert [arm["verdict"] for arm in done.report["arms"]] == ["passed", "passed"]
    assert all(expectation["held"] for arm in done.report["arms"] for expectation in arm["expectations"])
    assert {arm["producer"]["client"] for arm in done.report["arms"]} == {case[1]}
    assert re.search(r"^PASSED  ", done.out, re.MULTILINE)
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("case", [case for case in CASES if case[0] not in OWN_BROKER], ids=ids)
def test_a_count_of_the_log_by_another_client_agrees(ran: Callable[[Case], Ran], case: Case) -> None:
    done = ran(case)
    assert set(done.logs) == {"off", "on"}
    for name, counted in done.logs.items():
        log = done.arms[name]["log"]
        assert (log["records"], log["distinct"]) == (counted.records, counted.distinct)
        assert log["duplicates"] == counted.records - counted.distinct
        told = {int(found["record"].split("/")[-1]) for found in done.arms[name]["findings"] if is_duplicate(found)}
        assert told == {record for record, copies in copies_of(counted).items() if copies > 1}


def is_duplicate(finding: dict[str, Any]) -> bool:
    return bool(finding["kind"] == "duplicate")


def copies_of(counted: Counted) -> dict[int, int]:
    records = [record for record, _ in counted.identities]
    return {record: records.count(record) for record in set(records)}


@pytest.mark.parametrize("case", RETRYING, ids=ids)
def test_the_retry_left_a_duplicate_with_idempotence_off_and_none_with_it_on(
    ran: Callable[[Case], Ran], case: Case
) -> None:
    done = ran(case)
    off, on = done.arms["off"], done.arms["on"]
    assert off["log"]["duplicates"] >= 1
    assert on["log"]["duplicates"] == 0
    for arm in (off, on):
        assert [fault["fired"] for fault in arm["wire"]["faults"]] == [1]
        assert arm["wire"]["retries"] >= 1
        assert arm["records"]["sent"] == arm["records"]["acked"] == arm["log"]["distinct"]
        clean = ("lost", "unacked_present", "phantom", "past_proxy")
        assert [arm["log"][figure] for figure in clean] == [0, 0, 0, 0]
    assert {found["cause"] for found in off["findings"] if is_duplicate(found)} == {"retry-unprotected"}
    assert {found["kind"] for found in on["findings"]} == {"deduplicated"}
    attempts = [attempt for found in on["findings"] for attempt in found["attempts"]]
    assert all(attempt["producer_id"] >= 0 and attempt["base_sequence"] >= 0 for attempt in attempts)
    assert all(attempt["producer_id"] == -1 for found in off["findings"] for attempt in found["attempts"])


@pytest.mark.parametrize(
    ("case", "figure"),
    [
        (("lost-ack", DEFAULT), "acks_dropped"),
        (("lost-ack-disconnect", DEFAULT), "acks_dropped"),
        (("lost-ack-reset", DEFAULT), "acks_dropped"),
        (("delayed-ack", DEFAULT), "acks_delayed"),
    ],
)
def test_one_ack_at_a_time_is_one_duplicate(ran: Callable[[Case], Ran], case: Case, figure: str) -> None:
    done = ran(case)
    for name, duplicates in (("off", 1), ("on", 0)):
        arm = done.arms[name]
        assert (arm["wire"]["retries"], arm["wire"][figure]) == (1, 1)
        assert (arm["log"]["duplicates"], arm["log"]["out_of_order"]) == (duplicates, 0)
    (duplicate,) = filter(is_duplicate, done.arms["off"]["findings"])
    assert [place["offset"] for place in duplicate["places"]] == [2, 3]
    assert [attempt["base_offset"] for attempt in duplicate["attempts"]] == [2, 3]
    (kept,) = done.arms["on"]["findings"]
    assert [attempt["base_offset"] for attempt in kept["attempts"]] == [2, 2]


def test_in_flight_the_acks_behind_the_lost_one_are_withheld(ran: Callable[[Case], Ran]) -> None:
    """With idempotence on, kafka-python has one request of a partition in flight, so nothing is behind the lost ack."""
    done = ran(("lost-ack-pipelined", DEFAULT))
    off, on = done.report["arms"]
    assert (off["wire"]["acks_dropped"], on["wire"]["acks_dropped"]) == (1, 1)
    assert off["wire"]["acks_withheld"] >= 1
    assert off["log"]["duplicates"] == done.unheard["off"] >= off["wire"]["acks_dropped"] + off["wire"]["acks_withheld"]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_restarted_producer_sends_again_stays_in_both_arms(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("restarted-producer", client))
    for arm in done.arms.values():
        (found,) = [found for found in arm["findings"] if found["kind"] == "duplicate"]
        assert (found["record"], found["cause"]) == ("p1/2", "application-resend")
        assert done.logs[arm["name"]].identities.count((2, 0)) == 1
        assert done.logs[arm["name"]].identities.count((2, 1)) == 1
    ids = {attempt["producer_id"] for found in done.arms["on"]["findings"] for attempt in found["attempts"]}
    assert len(ids) == 2


KINDS_OF_GIVEN_UP = "duplicate", "unacked_present"


@pytest.mark.parametrize("client", CLIENTS)
def test_what_the_client_gave_up_and_the_application_sends_again_stands_twice(
    ran: Callable[[Case], Ran], client: str
) -> None:
    """aiokafka never gives up with idempotence on: there its retry is known again."""
    done = ran(("given-up", client))
    for name, arm in done.arms.items():
        if (client, name) == (SILENT, "on"):
            assert [found["kind"] for found in arm["findings"]] == ["deduplicated"]
            assert done.logs[name].identities == tuple((record, 0) for record in range(12))
            continue
        assert arm["records"] == {"sent": 13, "acked": 12, "failed": 1, "unknown": 0}
        assert (arm["wire"]["acks_dropped"], arm["log"]["unacked_present"]) == (1, 1)
        if held := arm["wire"]["acks_withheld"]:  # the second send came before the client had closed the connection
            assert arm["wire"]["retries"] == held == 1
            continue
        found, present = (next(one for one in arm["findings"] if one["kind"] == kind) for kind in KINDS_OF_GIVEN_UP)
        assert (found["cause"], found["record"]) == ("application-resend", "p1/2")
        assert found["fault"] == present["fault"] == "lose the third ack"
        assert (arm["wire"]["retries"], len(arm["findings"])) == (0, 2)
        assert done.logs[name].identities == ((0, 0), (1, 0), (2, 0), (2, 1), *((record, 0) for record in range(3, 12)))
        first, again = found["attempts"]
        assert (first["base_offset"], first["ack"], first["fault"]) == (2, "dropped", "lose the third ack")
        assert (again["base_offset"], again["ack"], again["fault"], again["retry_of"]) == (3, "delivered", None, None)
        assert again["at"] - first["at"] >= 2.9
    assert "The application sent it twice" in " ".join(done.out.split())


def test_what_the_application_sends_again_stays_in_both_arms(ran: Callable[[Case], Ran]) -> None:
    done = ran(("application-resend", DEFAULT))
    for name, arm in done.arms.items():
        log = arm["log"]
        assert (arm["records"]["sent"], log["records"], log["distinct"], log["duplicates"]) == (3, 3, 1, 2)
        assert arm["wire"]["retries"] == 0
        assert [(found["kind"], found["cause"]) for found in arm["findings"]] == [("duplicate", "application-resend")]
        assert done.logs[name].identities == ((0, 0), (0, 1), (0, 2))


def test_a_copy_of_ours_is_appended_with_idempotence_off_alone(ran: Callable[[Case], Ran]) -> None:
    done = ran(("injected-copy", DEFAULT))
    for name, kind, cause, offsets in (("off", "duplicate", "injected", [2, 3]), ("on", "deduplicated", None, [2, 2])):
        arm = done.arms[name]
        assert (arm["wire"]["retries"], arm["records"]["acked"], arm["log"]["distinct"]) == (0, 12, 12)
        (found,) = arm["findings"]
        assert (found["kind"], found["cause"]) == (kind, cause)
        sent, copy = found["attempts"]
        assert (sent["injected"], copy["injected"], copy["retry_of"]) == (False, True, sent["number"])
        assert [sent["base_offset"], copy["base_offset"]] == offsets
        assert (sent["ack"], copy["ack"]) == ("delivered", "none")
    assert [identity for identity in done.logs["off"].identities if identity[0] == 2] == [(2, 0)] * 2


@pytest.mark.parametrize("case", sorted(INCONCLUSIVE), ids=ids)
def test_aiokafka_does_not_retry_after_silence_with_idempotence_off(ran: Callable[[Case], Ran], case: Case) -> None:
    done = ran(case)
    assert (done.exit_code, done.report["verdict"]) == (3, "inconclusive")
    assert {arm for arm, _ in done.codes} == {"off"}
    assert ("off", "late-not-released" if case[0] == "late-request" else "no-retry") in done.codes
    off, on = done.arms["off"], done.arms["on"]
    assert off["records"]["failed"] >= off["log"]["unacked_present"] >= 1
    if case[0] not in OWN_BROKER:  # where nobody is there for a while, sends fail that never were in the log
        assert off["records"]["failed"] == off["log"]["unacked_present"]
    assert (on["wire"]["retries"], on["log"]["duplicates"], off["log"]["duplicates"]) == (1, 0, 0)
    said = {"delivery_timeout"} if case[0] in OWN_BROKER else {"delivery_timeout", "retries"}
    assert set(off["producer"]["not_applicable"]) >= said
    assert re.search(r"^INCONCLUSIVE  ", done.out, re.MULTILINE)
    if case[0] != "late-request":
        (why,) = [reason["text"] for reason in done.report["reasons"] if reason["code"] == "no-retry"]
        assert "aiokafka with idempotence off does not retry after silence" in why


@pytest.mark.parametrize("case", sorted(FAILING), ids=ids)
def test_a_client_that_goes_another_way_fails_the_expectation(ran: Callable[[Case], Ran], case: Case) -> None:
    done = ran(case)
    arm, *figures = {
        "late-after-window": ("off", ("duplicates 1", 0)),
        "reordered-requests": ("off", ("out_of_order >= 1", 0)),
        "partition": ("off", ("duplicates >= 1", 0)),
        "forgotten-producer": ("on", ("duplicates 1", 0)),
        "given-up": (
            "on",
            *(("records 13", 12), ("duplicates 1", 0), ("sent 13", 12), ("failed 1", 0)),
        ),
    }[case[0]]
    assert (done.exit_code, done.report["verdict"]) == (1, "failed")
    assert done.codes == {(arm, "expectation-failed")}
    missed = [line for each in done.report["arms"] for line in each["expectations"] if line["held"] is False]
    assert [(line["expect"], line["actual"]) for line in missed] == figures


@pytest.mark.parametrize("client", CLIENTS)
def test_a_lost_request_is_sent_again_and_stands_once(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("request-lost", client))
    for name, arm in done.arms.items():
        gave_up = (client, name) == (SILENT, "off")
        assert (arm["records"]["failed"], arm["wire"]["retries"]) == ((1, 0) if gave_up else (0, 1))
        assert (arm["log"]["records"], arm["log"]["unacked_present"]) == (12 - gave_up, 0)
        assert arm["wire"]["acks_dropped"] == 0


@pytest.mark.parametrize("client", CLIENTS[:2])
def test_a_late_request_stands_behind_its_retry_unless_it_is_known(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("late-request", client))
    (duplicate,) = filter(is_duplicate, done.arms["off"]["findings"])
    late, retry = sorted(duplicate["attempts"], key=lambda attempt: attempt["number"])
    assert retry["retry_of"] == late["number"]
    assert late["base_offset"] > retry["base_offset"] == 2
    assert late["ack"] == "none"
    (kept,) = done.arms["on"]["findings"]
    assert (kept["kind"], {attempt["base_offset"] for attempt in kept["attempts"]}) == ("deduplicated", {2})


@pytest.mark.parametrize("client", CLIENTS[:2])
def test_behind_the_window_the_late_request_is_refused(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("late-after-window", client))
    assert done.arms["on"]["findings"] == []
    assert [arm["log"]["duplicates"] for arm in done.report["arms"]] == [1, 0]
    assert done.late["on"] == [(OUT_OF_ORDER, "none", "acked_batches")]
    assert done.late["off"] == [(0, "none", "acked_batches")]


def test_a_restarted_broker_knows_the_last_batch_alone(ran: Callable[[Case], Ran]) -> None:
    """librdkafka stops for good then. kafka-python had the last batch alone under way, with idempotence on."""
    done = ran(("restarted-broker", "confluent-kafka"))
    off, on = done.arms["off"], done.arms["on"]
    assert off["log"]["duplicates"] == off["wire"]["retries"] == on["wire"]["retries"] == 5
    found = {finding["record"]: finding["attempts"] for finding in on["findings"]}
    assert sorted(found) == ["p1/10", "p1/11", "p1/12", "p1/13", "p1/9"]
    known = found.pop("p1/13")
    assert [(attempt["error"], attempt["base_offset"]) for attempt in known] == [(None, 13)] * 2
    for first, again in found.values():
        assert (first["error"], again["error"]) == (None, "OUT_OF_ORDER_SEQUENCE_NUMBER")
    assert (on["log"]["records"], on["log"]["duplicates"]) == (14, 0)
    told = on["records"]
    assert (told["sent"], told["acked"] + told["failed"] + told["unknown"]) == (40, 40)
    assert told["failed"] >= 27, "all that came later, and the oldest; of the others it says either"
    known = ran(("restarted-broker", DEFAULT)).arms["on"]
    assert [finding["kind"] for finding in known["findings"]] == ["deduplicated"]
    assert known["records"]["acked"] == 40


def test_a_new_epoch_duplicates_with_idempotence_on(ran: Callable[[Case], Ran]) -> None:
    done = ran(("forgotten-producer", "confluent-kafka"))
    (duplicate,) = done.arms["on"]["findings"]
    assert (duplicate["kind"], duplicate["cause"]) == ("duplicate", "new-epoch")
    first, again = duplicate["attempts"]
    assert first["producer_id"] == again["producer_id"]
    assert (again["producer_epoch"], again["base_sequence"]) == (first["producer_epoch"] + 1, 0)


def test_requests_that_change_places_do_so_in_the_log_with_idempotence_off(ran: Callable[[Case], Ran]) -> None:
    done = ran(("reordered-requests", "confluent-kafka"))
    assert done.arms["off"]["log"]["out_of_order"] >= 1
    assert done.arms["on"]["log"]["out_of_order"] == 0
    records = [record for record, _ in done.logs["off"].identities]
    assert sorted(records) == list(range(100)) != records


@pytest.mark.parametrize("client", CLIENTS)
def test_a_damaged_batch_is_refused(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("corrupt-batch", client))
    for name, arm in done.arms.items():
        assert arm["wire"]["retries"] == (1 if client == "confluent-kafka" else 0)
        assert arm["log"]["records"] == arm["records"]["acked"]
        assert (arm["records"]["failed"] > 0) == (client != "confluent-kafka"), name


@pytest.mark.parametrize("client", CLIENTS[:2])
def test_what_a_partition_held_arrives_when_it_heals(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("partition", client))
    off, on = done.report["arms"]
    assert {found["cause"] for found in off["findings"] if is_duplicate(found)} == {"retry-unprotected"}
    assert off["wire"]["retries"] >= 1 <= on["wire"]["retries"]
    assert {found["kind"] for found in on["findings"]} == {"deduplicated"}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_slow_line_leaves_no_trace(ran: Callable[[Case], Ran], client: str) -> None:
    done = ran(("slow-line", client))
    for arm in done.report["arms"]:
        assert (arm["log"]["records"], arm["wire"]["retries"], arm["findings"]) == (30, 0, [])
        assert all(fault["fired"] == arm["wire"]["connections"] for fault in arm["wire"]["faults"])
