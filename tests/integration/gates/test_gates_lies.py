"""Ways in which a report might pass although nothing was proved, or fail although nothing is wrong; all of them real.

What is wrong with the run is said by each test; what matters is that the verdict, the cause and the sentence do not lie
about it.
"""

from __future__ import annotations

import contextlib
import copy
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .past_the_proxy import DEADLINE, Hand, OwnBroker, records_in
from .runs import BASE, MANY, Ended, Run, Start, scenario

pytestmark = pytest.mark.integration

SIDE_BY_SIDE = 3
PASSED, FAILED, INCONCLUSIVE, ERROR = (0, "passed"), (1, "failed"), (3, "inconclusive"), (4, "error")
CLEAN_CONTROL = [("off", "control-clean"), ("off", "expectation-failed")]
ONE_ARM = {"arms": [{"name": "off", "idempotence": False}]}
NAMELESS = {name: value for name, value in BASE["faults"][0].items() if name != "name"}

NO_PRODUCER_ID = {
    "name": "no producer id yet",
    "at": "init_producer_id.response",
    "when": {"first": 2},
    "do": {"error": {"code": "COORDINATOR_LOAD_IN_PROGRESS"}},
}
BATCH_EACH = {"batch_size": "1B", "linger": "0ms"}


def answered(code: str) -> str:
    return scenario(fault={"do": {"error": {"code": code}}})


def stopped(expect: Any = None, **workload: Any) -> str:
    """An answer that is final for the client, to the third batch of six."""
    return scenario(
        fault={"do": {"error": {"code": "OUT_OF_ORDER_SEQUENCE_NUMBER"}}},
        workload={"producer": "confluent-kafka", "deadline": "15s", **workload},
        arms=[{"name": "on", "idempotence": True}],
        control="none",
        expect=expect or {"on": {"sent": 6, "duplicates": 0}},
    )


CASES: dict[str, str] = {
    "one-record": scenario(fault={"when": {"nth": 1}}, workload={"records": 1}),
    "last-record": scenario(fault={"when": {"nth": 6}, "do": {"drop": {"then": "disconnect"}}}),
    "twice-without-a-name": scenario(faults=[NAMELESS, NAMELESS]),
    "nothing-expected": scenario(control="none", faults=[], expect={"off": {}, "on": {}}),
    "only-in-off": scenario(fault={"match": {"idempotent": False}}),
    "one-of-two-in-off": scenario(faults=[BASE["faults"][0], NO_PRODUCER_ID]),
    "none-in-off": scenario(faults=[NO_PRODUCER_ID], control="none", expect={"off": {}, "on": {"duplicates": 0}}),
    "acks-0": scenario(workload={"config": {"acks": 0}}, **ONE_ARM),
    "acks-1": scenario(workload={"config": {"acks": 1}}),
    "answered-as-a-duplicate": answered("DUPLICATE_SEQUENCE_NUMBER"),
    "answered-out-of-order": answered("OUT_OF_ORDER_SEQUENCE_NUMBER"),
    "stopped-for-good": stopped(expect={"on": {"sent": 6, "acked": 2, "failed": 4, "unacked_present": 1}}),
    **{
        f"stopped-at-its-end-{n}": stopped(pipelined=True, config={"batch_size": "1B", "linger": "0ms"})
        for n in (1, 2, 3)
    },
    "sent-twice": scenario(workload={"sends": 2}, fault={"do": {"delay": {"for": "20ms"}}}, expect={"on": {}}),
    "no-control": scenario(arms=[{"name": "off", "idempotence": False}, {"name": "twin", "idempotence": False}]),
}

Ran = Callable[[str], Ended]


@pytest.fixture(scope="module")
def ran(start_many: Start) -> Iterator[Ran]:
    """`ran(name)` is how the case of this name ended; all of them are started by the first call."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs: dict[str, Future[Ended]] = {
            name: pool.submit(lambda text: start_many(text).end(), text) for name, text in CASES.items()
        }
        yield lambda name: runs[name].result(3 * DEADLINE)


# Little is enough


@pytest.mark.parametrize("name", ["one-record", "last-record"])
def test_a_lost_ack_of_the_only_or_the_last_record_is_proof_enough(ran: Ran, name: str) -> None:
    done = ran(name)
    assert (done.verdict, done.reasons) == (PASSED, [])
    assert [arm["log"]["duplicates"] for arm in done.result["arms"]] == [1, 0]


# Nothing was proved


def test_a_fault_that_is_always_overruled_never_fired(ran: Ran) -> None:
    """Two rules alike: the first one fires, the other one has no say."""
    done = ran("twice-without-a-name")
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("off", "fault-never-fired"), ("on", "fault-never-fired")])


def test_a_fault_named_twice_is_an_error_of_the_file(start: Start) -> None:
    fault = copy.deepcopy(BASE["faults"][0])
    done = start(scenario(faults=[fault, fault])).end()
    assert (done.code, done.result, done.folder) == (2, None, None)
    assert "a second fault 'the fault'" in done.err


def test_where_nothing_is_expected_and_nothing_is_put_to_the_test_the_report_says_so(ran: Ran) -> None:
    done = ran("nothing-expected")
    assert (done.verdict, done.reasons) == (PASSED, [])
    assert "Nothing was expected of any arm" in done.out


def test_a_fault_that_only_the_control_meets_proves_nothing_about_the_other_arm(ran: Ran) -> None:
    done = ran("only-in-off")
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "fault-never-fired"), ("on", "no-lost-ack")])


def test_a_fault_about_producer_ids_has_no_place_where_nobody_asks_for_one(ran: Ran) -> None:
    """It need not fire there, as long as something does: an arm that nothing was done to shows nothing."""
    done = ran("one-of-two-in-off")
    assert (done.verdict, done.reasons) == (PASSED, [])
    assert [[fault["fired"] for fault in arm["wire"]["faults"]] for arm in done.result["arms"]] == [[1, 0], [1, 2]]
    alone = ran("none-in-off")
    assert (alone.verdict, alone.reasons) == (INCONCLUSIVE, [("off", "fault-never-fired")])
    assert "has no place in this arm" in " ".join(alone.out.split())
    assert "no fault has a place in the arm 'off'" in alone.err


def test_a_client_that_stops_for_good_has_told_so_of_every_record(ran: Ran) -> None:
    """librdkafka takes this answer to the oldest batch for fatal. Its program goes on, and so does the count."""
    done = ran("stopped-for-good")
    assert (done.verdict, done.reasons) == (PASSED, [])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_it_has_told_so_while_it_was_flushed_too(ran: Ran, n: int) -> None:
    """Which of two threads hears of it first is chance; nothing may be left without an answer, by neither way."""
    done = ran(f"stopped-at-its-end-{n}")
    assert (done.verdict, done.reasons) == (PASSED, [])


def test_an_ack_that_nobody_asked_for_cannot_be_lost(ran: Ran) -> None:
    done = ran("acks-0")
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == sorted([*CLEAN_CONTROL, ("off", "fault-never-fired"), ("off", "no-lost-ack")])
    assert done.arm("off")["records"] == {"sent": 6, "acked": 0, "failed": 0, "unknown": 6}


def test_a_client_that_does_not_do_idempotence_with_these_acks_is_no_pass(ran: Ran) -> None:
    done = ran("acks-1")
    assert (done.verdict, done.reasons) == (ERROR, [("on", "arm-not-run"), (None, "producer-not-started")])


@pytest.mark.parametrize("name", ["answered-as-a-duplicate", "answered-out-of-order"])
def test_an_answer_after_which_no_client_sends_again_forces_no_retry(ran: Ran, name: str) -> None:
    done = ran(name)
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == sorted([*CLEAN_CONTROL, ("off", "no-retry"), ("on", "no-retry")])


def test_what_the_application_sends_twice_is_no_control(ran: Ran) -> None:
    """Six duplicates, none of which a retry made."""
    done = ran("sent-twice")
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == [("off", "control-clean"), ("off", "no-lost-ack"), ("on", "no-lost-ack")]
    assert [arm["log"]["duplicates"] for arm in done.result["arms"]] == [6, 6]


def test_where_no_arm_is_idempotent_the_report_does_not_speak_of_idempotence(ran: Ran) -> None:
    done = ran("no-control")
    assert (done.verdict, done.reasons) == (PASSED, [])
    assert "idempotence on" not in done.out
    assert "Every expectation held." in done.out


BETWEEN = """
import pathlib, trio
from ackdrop.experiment import scenario
run_arm = scenario.run_arm
async def later(stage, arm):
    if arm.name == "on":
        pathlib.Path("between").touch()
        while not pathlib.Path("go").exists():
            await trio.sleep(0.02)
    return await run_arm(stage, arm)
scenario.run_arm = later
"""
"""Between the arms the run waits for a file."""


def test_a_broker_that_was_replaced_between_the_arms_is_not_one_broker(
    start: Start, embedded_broker: str, own_broker: Callable[..., OwnBroker]
) -> None:
    """The arm `off` meets one broker and the arm `on` another, at the same address."""
    broker = own_broker()
    with Switch(broker.bootstrap) as switch:
        run = start(scenario(), before=BETWEEN, broker=switch.address)
        run.until((run.home / "between").exists)
        broker.kill()
        switch.leads_to = embedded_broker
        (run.home / "go").touch()
        done = run.end()
    assert (done.verdict, done.reasons) == (ERROR, [(None, "broker-error")])
    assert "another broker answers" in done.text("broker-error")
    assert [arm["log"]["duplicates"] for arm in done.result["arms"]] == [1, 0]


class Switch:
    """A port whose connections are handed through to a broker: to another one from when on `leads_to` is changed."""

    def __init__(self, leads_to: str) -> None:
        self.leads_to = leads_to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = False
        self._thread = threading.Thread(target=self._accept)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Switch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        pumps: list[threading.Thread] = []
        pairs: list[socket.socket] = []
        while not self._over:
            client, _ = self._listener.accept()
            if self._over:
                client.close()
                break
            try:
                broker = socket.create_connection(_parsed(self.leads_to))
            except OSError:
                client.close()
                continue
            for source, sink in ((client, broker), (broker, client)):
                pumps.append(threading.Thread(target=_pump, args=(source, sink)))
                pumps[-1].start()
            pairs += [client, broker]
        for one in pairs:
            _shut(one)
        for pump in pumps:
            pump.join()
        for one in pairs:
            one.close()


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Hands on what comes, and the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _shut(source)
    _shut(sink)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


# Nothing is wrong


def test_what_others_write_to_the_topic_is_counted_and_spoils_nothing(start: Start, hand: Hand) -> None:
    """Not even what another run of ackdrop writes."""
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        hand.write(topic, (b"noise", []), (b"noise", [("ackdrop", b"deadbeef/p1/0/0/0")]))
    done = run.end()
    assert (done.verdict, done.reasons) == (PASSED, [])
    assert done.arm("on")["log"]["past_proxy"] == 2
    assert "2 records in the log are not of this run" in " ".join(done.out.split())


def test_a_broker_that_stands_still_for_a_while_loses_acks_too(
    start: Start, own_broker: Callable[..., OwnBroker]
) -> None:
    """It stops until the producer has given up its connection, and so what was under way on it."""
    broker = own_broker()
    workload = {**MANY, "config": {"request_timeout": "1s"}}
    run = start(scenario(workload=workload), broker=broker.bootstrap, stops="on")
    with run.paused(), broker.stopped():
        run.resume()
        run.until(lambda: given_up(run, "on") > 0)
    done = run.end()
    assert (done.verdict, done.reasons) == (PASSED, [])
    on = done.arm("on")
    assert (on["log"]["records"], on["log"]["duplicates"], on["log"]["lost"]) == (36, 0, 0)
    assert on["wire"]["retries"] >= 2


def given_up(run: Run, arm: str) -> int:
    """The attempts of that arm that the broker has not answered, and whose client has closed their connection."""
    query = """SELECT count(*) FROM attempts JOIN connections USING (arm, connection) JOIN arms USING (arm)
        WHERE name = ? AND answered_at IS NULL AND closed_by = 'client'"""
    (file,) = run.runs.glob("*/ledger.db")
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as ledger:
        return int(ledger.execute(query, (arm,)).fetchone()[0])


# The harm is where one does not look


def test_a_copy_in_another_partition_is_a_duplicate(start: Start, hand: Hand) -> None:
    run = start(scenario(workload={**MANY, "topic": {"partitions": 2}}), stops="on")
    with run.paused() as topic:
        hand.write(topic, (b"past", run.header(topic, "p1/1/0/1")))
    done = run.end()
    assert (done.verdict, set(done.reasons)) == (FAILED, {("on", "expectation-failed"), ("on", "went-past-proxy")})
    assert done.arm("on")["log"]["duplicates"] == 1
    (found,) = (found for found in done.arm("on")["findings"] if found["kind"] == "duplicate")
    assert {place["partition"] for place in found["places"]} == {0, 1}


# Programs that are not ours

LOSES_THE_FIRST = """
version: 1
title: The answer to the first attempt is an error
faults:
  - {at: produce.response, match: {attempt: first}, when: {nth: 1}, do: {error: {code: REQUEST_TIMED_OUT}}}
"""

THEN = 1_700_000_000_000


@pytest.fixture
def watched(start_proxy: Callable[..., Any], tmp_path: Path) -> tuple[Any, str]:
    """`ackdrop proxy` that loses the first ack, and its address."""
    (tmp_path / "first.yaml").write_text(LOSES_THE_FIRST)
    process = start_proxy("--scenario", str(tmp_path / "first.yaml"))
    return process, process.address()


@pytest.fixture
def producer(library: Callable[[str], Any]) -> Callable[..., Any]:
    """`producer(address, **config)`: an idempotent one, to be used in a `with`."""

    def make(address: str, **config: Any) -> contextlib.closing[Any]:
        return contextlib.closing(library("kafka").KafkaProducer(bootstrap_servers=address, **{"retries": 5, **config}))

    return make


def causes(ended: Any) -> list[tuple[str, str | None]]:
    return [(found["kind"], found["cause"]) for found in ended.arm["findings"]]


def test_a_program_that_starts_again_and_sends_what_was_acked_is_no_retry(
    watched: tuple[Any, str], new_topic: Callable[..., str], producer: Callable[..., Any]
) -> None:
    """Its second life has another producer id, and its first one had heard of the success."""
    (process, address), topic = watched, new_topic()
    for _ in range(2):
        with producer(address) as life:
            life.send(topic, b"the same", partition=0, timestamp_ms=THEN).get(DEADLINE)
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (0, [])
    assert causes(ended) == [("duplicate", "application-resend")]
    assert (ended.arm["wire"]["retries"], ended.arm["log"]["duplicates"]) == (1, 1)


def test_a_transaction_that_is_aborted_and_done_again_is_no_retry(
    watched: tuple[Any, str], new_topic: Callable[..., str], producer: Callable[..., Any]
) -> None:
    (process, address), topic = watched, new_topic()
    with producer(address, transactional_id=topic) as client:
        client.init_transactions()
        for end in (client.abort_transaction, client.commit_transaction):
            client.begin_transaction()
            client.send(topic, b"the same", partition=0, timestamp_ms=THEN).get(DEADLINE)
            end()
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (0, [])
    assert causes(ended) == [("duplicate", "application-resend")]


def test_two_producers_that_send_the_same_at_once_are_no_retry(
    watched: tuple[Any, str], new_topic: Callable[..., str], producer: Callable[..., Any], embedded_broker: str
) -> None:
    """Both live, and have one client id: the one whose ack was lost sends it again itself, after the other one."""
    (process, address), topic = watched, new_topic()
    with (
        producer(address, client_id="twin", retry_backoff_ms=2000) as one,
        producer(address, client_id="twin") as other,
    ):
        assert other.partitions_for(topic)
        first = one.send(topic, b"the same", partition=0, timestamp_ms=THEN)
        while not records_in(embedded_broker, topic):
            assert not first.is_done
        other.send(topic, b"the same", partition=0, timestamp_ms=THEN).get(DEADLINE)
        assert not first.is_done
        first.get(DEADLINE)
    ended = process.end()
    assert ended.arm["log"]["duplicates"] == 1
    assert causes(ended) == [("duplicate", "ambiguous")]
    assert (ended.exit_code, ended.codes) == (3, ["ambiguous-duplicates"])


def test_a_watched_programs_retry_that_is_refused_proves_nothing(
    start_proxy: Callable[..., Any],
    tmp_path: Path,
    new_topic: Callable[..., str],
    producer: Callable[..., Any],
    hand: Hand,
) -> None:
    (tmp_path / "hold.yaml").write_text(LOSES_THE_FIRST.replace("error: {code: REQUEST_TIMED_OUT}", "drop: {}"))
    process, topic = start_proxy("--scenario", str(tmp_path / "hold.yaml")), new_topic()
    patience = {"request_timeout_ms": 6000, "delivery_timeout_ms": 20_000}
    with hand.admin() as admin, producer(process.address(), **patience) as client:
        sent = client.send(topic, b"too large", partition=0)
        while not records_in(hand.broker, topic):
            assert not sent.is_done
        hand.refuse_everything(topic, admin)
        with pytest.raises(Exception, match="MessageSizeTooLarge"):
            sent.get(DEADLINE)
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["retry-refused"])
