"""`ackdrop.api` before a real broker: sync, on the caller's own trio loop, and while it goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from kafka import KafkaProducer

from ackdrop.api import AsyncProxy, Broker, Inconclusive, Proxy, UsageError, Violated, open_proxy
from ackdrop.errors import BrokerError, ScenarioError

pytestmark = pytest.mark.integration

LOSE: dict[str, Any] = {"name": "lose it", "at": "produce.response", "when": {"nth": 3}, "do": {"drop": {}}}


@pytest.fixture(scope="module")
def broker(embedded_broker: str) -> Iterator[Broker]:
    with Broker.start(embedded_broker) as running:
        yield running


def wait_until(so: Callable[[], Any]) -> None:
    """What is observed is asked for again: nothing in a sync program tells when it has changed."""
    deadline = time.monotonic() + 10
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Client:
    """A producer behind a proxy, which sends one record after the other. A context manager."""

    def __init__(self, bootstrap: str, topic: str, *, idempotence: bool = True) -> None:
        self._topic = topic
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=idempotence,
            request_timeout_ms=2_000,
            delivery_timeout_ms=15_000,
        )
        self._count = 0

    def send(self, count: int) -> None:
        for _ in range(count):
            self.send_one().get(20)

    def send_one(self) -> Any:
        self._count += 1
        return self._producer.send(self._topic, b"value %d" % self._count, partition=0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._producer.close()


def test_a_proxy_is_judged_while_it_goes_on(broker: Broker, new_topic: Callable[[int], str], tmp_path: Path) -> None:
    with Proxy.start(broker=broker, out=tmp_path, title="mine") as proxy:
        assert proxy.arm(LOSE) == ["lose it"]
        with Client(proxy.bootstrap, new_topic(1)) as client:
            client.send(2)
            with pytest.raises(Inconclusive, match=r'"lose it" matched 2 times.*\(nothing-injected\)'):
                proxy.no_duplicates()
            third = client.send_one()
            wait_until(lambda: proxy.observe().wire.acks_dropped)
            with pytest.raises(Inconclusive, match=r"\(no-retry\)"):
                proxy.no_duplicates()
            third.get(20)
            client.send(2)
            proxy.faults_fired("lose it")
            proxy.retried()
            proxy.no_duplicates()
            proxy.nothing_lost()
            proxy.disarm("lose it")
            assert [(fault.armed, fault.fired) for fault in proxy.faults()] == [(False, 1)]
            proxy.remove("lose it")
            proxy.arm("{name: again, at: produce.response, when: {nth: 1}, do: {drop: {}}}")
            sixth = client.send_one()
            wait_until(lambda: proxy.observe().wire.acks_dropped == 2)
            with pytest.raises(Inconclusive, match=r"1 batch lost the ack and may yet be sent again"):
                proxy.no_duplicates()
            sixth.get(20)
            seen = proxy.observe()
            assert (seen.retries, seen.fired, seen.acked) == (2, {"lose it": 1, "again": 1}, 6)
            assert [line.fault for line in seen.attempts if line.fault] == ["lose it", "again"]
            assert [retry.outcome for retry in seen.last_retries] == ["deduplicated", "deduplicated"]
            proxy.no_duplicates()
            report = proxy.verify()
            assert (report.verdict, report.duplicates, report.lost, report.arm.log.records) == ("passed", 0, 0, 6)
    final = proxy.verify()
    assert (final.verdict, final.observed.retries) == ("passed", 2)
    assert {one.expect: one.held for one in final.arm.expectations} == {
        "duplicates from protected retries 0": True,
        "duplicates 0": True,
        "lost 0": True,
        "retries >= 1": True,
        '"lose it" fired >= 1': True,
    }
    told = json.loads((proxy.folder / "report.json").read_text())
    assert (told["verdict"], told["scenario"]["title"]) == ("passed", "mine")
    assert proxy.folder.name.endswith("-mine")
    shown = " ".join(str(final).split())
    assert "PASSED" in shown
    assert '"again" added at' in shown
    assert "by the program" in shown
    with pytest.raises(UsageError, match="the proxy has ended"):
        proxy.arm(LOSE)


def test_a_duplicate_has_its_chain(broker: Broker, new_topic: Callable[[int], str], tmp_path: Path) -> None:
    with Proxy.start(broker=broker, out=tmp_path, scenario="lost-ack", faults=[{**LOSE, "when": {"nth": 5}}]) as proxy:
        with Client(proxy.bootstrap, new_topic(1), idempotence=False) as client:
            client.send(6)
        with pytest.raises(Violated) as caught:
            proxy.no_duplicates()
        proxy.nothing_lost()
        proxy.no_duplicates(allow=["retry-unprotected"])
    final = proxy.verify()
    assert final.verdict == "failed"
    assert [(one.expect, one.actual, one.held) for one in final.arm.expectations[1:]] == [
        ("lost 0", 0, True),
        ("duplicates 0", 2, False),
    ]
    assert "duplicates 0, was 2 ✗" in str(final)
    assert "2 duplicates in the log" in str(caught.value)
    assert 'sent: appended at 2, ack dropped: "lose the third ack"' in str(caught.value)
    assert "sent again, no producer id: appended at 3, ack" in str(caught.value)


async def test_on_the_callers_own_loop(embedded_broker: str, new_topic: Callable[[int], str], tmp_path: Path) -> None:
    topic = await trio.to_thread.run_sync(new_topic, 1)
    async with open_proxy(embedded_broker, out=tmp_path, faults=LOSE) as proxy:
        assert isinstance(proxy, AsyncProxy)

        def produce() -> None:
            with Client(proxy.bootstrap, topic) as client:
                client.send(4)

        await trio.to_thread.run_sync(produce)
        report = await proxy.verify()
        report.no_duplicates()
        report.retried()
        assert (await proxy.observe()).retries == 1
    assert proxy.final is not None
    assert proxy.final.verdict == "passed"


def test_an_error_of_the_block_comes_out_and_the_report_is_there(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Proxy.start(broker=broker, out=tmp_path) as proxy:
        raise ZeroDivisionError
    assert json.loads((proxy.folder / "report.json").read_text())["reasons"][0]["code"] == "nothing-produced"
    assert (proxy.folder / "report.html").is_file()


def test_what_is_wrong_is_said_and_leaves_nothing(broker: Broker, tmp_path: Path) -> None:
    before = threading.active_count()
    wrong = {"do": {}, "a": 1}
    with pytest.raises(ScenarioError, match="unknown key"), Proxy.start(broker=broker, out=tmp_path, faults=wrong):
        pass
    with pytest.raises(UsageError, match="is at workload"):
        Proxy.start(broker=broker, out=tmp_path, scenario="restarted-producer").__enter__()
    with pytest.raises(BrokerError, match="no Kafka broker answers"), Proxy.start("127.0.0.1:1", out=tmp_path):
        pass
    with pytest.raises(UsageError, match="both name one"), Proxy.start("127.0.0.1:1", broker=broker, out=tmp_path):
        pass
    with Proxy.start(broker=broker, out=tmp_path) as proxy:
        with pytest.raises(UsageError, match='no fault "x"'):
            proxy.disarm("x")
        with pytest.raises(ScenarioError, match="did you mean 'drop'"):
            proxy.arm({**LOSE, "do": {"drp": {}}})
        assert proxy.faults() == ()
    assert len(list(tmp_path.iterdir())) == 1
    assert threading.active_count() <= before + 1
