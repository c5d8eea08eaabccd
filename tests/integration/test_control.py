"""A proxy that is looked at and changed by `ackdrop ctl` while a producer runs through it, before a real broker."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ackdrop.environment import inherited
from ackdrop.experiment.simulate import simulate
from ackdrop.observations import Decided
from ackdrop.scenario.load import load

pytestmark = pytest.mark.integration

LOSE = "{name: lose it, at: produce.response, match: {attempt: first}, when: {nth: 2}, do: {drop: {then: disconnect}}}"
SLOW = "{name: slow, at: connection, match: {client_id: not-ours}, do: {latency: {for: 300ms}}}"


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runtime"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))


@pytest.fixture
def ctl() -> Callable[..., Any]:
    """`ctl(*words, input=...)`: what the command prints as JSON, in a process of its own."""

    def run(*words: str, input: str = "") -> Any:
        command = [sys.executable, "-m", "ackdrop", "ctl", "--format", "json", *words]
        done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=60, env=inherited())
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def producing(library: Any) -> Callable[..., contextlib.AbstractContextManager[Callable[[bytes], int]]]:
    """`with producing(bootstrap, topic, **config) as send`: one producer all along; `send(value)` gives the offset."""
    kafka = library("kafka")

    @contextlib.contextmanager
    def make(bootstrap: str, topic: str, **config: Any) -> Iterator[Callable[[bytes], int]]:
        settings = {"bootstrap_servers": bootstrap, "retries": 5, "client_id": "not-ours", **config}
        with contextlib.closing(kafka.KafkaProducer(**settings)) as made:
            yield lambda value: made.send(topic, value, partition=0).get(20).offset

    return make


def fault(ctl: Callable[..., Any], name: str) -> dict[str, Any]:
    (one,) = [each["state"] for each in ctl("faults", "list") if each["state"]["name"] == name]
    return one


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_fault_is_armed_fires_and_is_disarmed_while_a_producer_runs(
    start_proxy: Any,
    new_topic: Callable[..., str],
    producing: Callable[..., Any],
    ctl: Callable[..., Any],
    idempotent: bool,
) -> None:
    topic, process = new_topic(), start_proxy("--control", "127.0.0.1:0")
    with producing(process.address(), topic, enable_idempotence=idempotent) as send:
        assert [send(b"a%d" % n) for n in range(3)] == [0, 1, 2]

        assert ctl("faults", "add", "-", input=LOSE)["warnings"] == []
        assert send(b"b0") == 3
        assert fault(ctl, "lose it")["fired"] == 0
        ctl("faults", "disarm", "lose it")
        assert send(b"b1") == 4  # would have been the second one
        assert fault(ctl, "lose it")["matched"] == 1
        ctl("faults", "arm", "lose it")
        offset = send(b"b2")
        assert offset == (5 if idempotent else 6)
        assert (fault(ctl, "lose it")["armed"], fault(ctl, "lose it")["fired"]) == (True, 1)
        found = ctl("findings")
        (retry,) = found["last"]
        assert (retry["protected"], retry["first_ack"], retry["faults"]) == (idempotent, "dropped", ["lose it"])
        assert (retry["outcome"], retry["earlier_offset"]) == ("deduplicated" if idempotent else "appended-again", 5)
        assert found["acks"]["dropped"] == 1

        ctl("faults", "remove", "lose it")
        assert send(b"c0") == offset + 1
        assert ctl("status")["snapshot"]["produce_requests"] == 8

    ended = process.end()
    (tally,) = ended.arm["wire"]["faults"]
    assert (tally["name"], tally["fired"]) == ("lose it", 1)
    assert ended.arm["log"]["duplicates"] == (0 if idempotent else 1)
    assert "fault-never-fired" not in ended.codes
    (note,) = [note for note in ended.report["notes"] if note.startswith("Faults were changed while it ran: ")]
    assert [word for word in note.split() if word in ("added", "disarmed", "armed", "removed")] == [
        *("added", "disarmed", "armed", "removed")
    ]
    _asked_again(process.out_folder, LOSE)


def _asked_again(out: Path, *faults: str) -> None:
    """The recording, asked about again by the fault that was added, gives what it had decided."""
    (folder,) = out.iterdir()
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    decided = [event for event in events if event["event"] == "decided"]
    scenario = load("\n".join(["version: 1", "faults:", *(f"  - {each}" for each in faults)]))
    again: list[dict[str, Any]] = []

    def decide(arm: str, one: Decided) -> None:
        again.append({"event": "decided", "arm": arm, **dataclasses.asdict(one)})

    (arm,) = simulate(scenario, folder, decided=decide)
    assert decided
    assert again == decided
    assert arm.lacking == ()


def test_what_lies_on_connections_lies_on_open_ones_and_ends(
    start_proxy: Any, new_topic: Callable[..., str], producing: Callable[..., Any], ctl: Callable[..., Any]
) -> None:
    topic, process = new_topic(), start_proxy("--control", f"unix:{os.environ['XDG_RUNTIME_DIR']}/c.sock")
    with producing(process.address(), topic) as send:
        send(b"a")
        ctl("faults", "add", "-", input=SLOW)
        send(b"b")  # it says who sends it
        begun = time.monotonic()
        send(b"c")
        assert time.monotonic() - begun >= 0.6
        assert fault(ctl, "slow")["fired"] >= 1
        ctl("faults", "disarm", "slow")
        before = _added_latency(ctl)
        send(b"d")
        after = _added_latency(ctl)
    assert after["count", "request"] == before["count", "request"] + 1 == 4
    for direction in ("request", "response"):
        assert before["sum", direction] >= 0.3
        assert after["sum", direction] - before["sum", direction] < 0.3
    ended = process.end()
    assert ended.codes == ["no-retry"]


def _added_latency(ctl: Callable[..., Any]) -> dict[tuple[str, str], float]:
    """By (`count` or `sum`, direction), what the proxy's own metrics say."""
    families = text_string_to_metric_families("\n".join(ctl("metrics").splitlines()))
    (added,) = (family for family in families if family.name == "ackdrop_added_latency_seconds")
    return {
        (sample.name.rpartition("_")[2], sample.labels["direction"]): sample.value
        for sample in added.samples
        if not sample.name.endswith("bucket")
    }


def test_a_fault_that_was_taken_back_holds_nothing_against_the_run(
    start_proxy: Any, new_topic: Callable[..., str], producing: Callable[..., Any], ctl: Callable[..., Any]
) -> None:
    topic, process = new_topic(), start_proxy("--control", "127.0.0.1:0")
    with producing(process.address(), topic, enable_idempotence=True) as send:
        ctl("faults", "add", "-", input=LOSE)
        ctl("faults", "add", "-", input="{name: never, at: metadata.response, when: {nth: 99}, do: {delay: {for: 1s}}}")
        for n in range(3):
            send(b"%d" % n)
        ctl("faults", "disarm", "never")
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (0, [])
