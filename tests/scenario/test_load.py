from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.faults import Delay, Drop, Error
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.identity import Naming
from ackdrop.result import Expectation
from ackdrop.scenario.load import LIMIT, load
from ackdrop.scenario.models import Arm, ProducerConfig, Workload

from ..effort import calls

WHOLE = """\
version: 1
title: A title
description: Words.
seed: 7
workload:
  producer: aiokafka
  records: 5
  sends: 2
  resend_failed: 3
  rate: 100/s
  pipelined: no
  value: {a: [1, null, "x"], 1: off}
  topic: {partitions: 3, replication: 2}
  config:
    acks: 1
    retries: 5
    request_timeout: 3s
    delivery_timeout: 2m
    retry_backoff: 250ms
    linger: 0ms
    batch_size: 64KiB
    max_in_flight: 1
    compression: none
  client_config: {some.word: 1, other: null}
  deadline: 10s
identity: json:$.order.id
isolation: read_committed
repeat: 3
arms:
  - {name: "off", idempotence: false}
  - {name: "on", idempotence: true}
  - {name: third, idempotence: on}
faults:
  - name: one
    at: produce.response
    match: {topic: [a*, b], partition: [0, 2], client_id: me, idempotent: true, attempt: 2}
    when: {nth: [3, 5], after: 1s, until: 2s, times: 1, per: partition}
    do: {drop: {then: hold, for: 3s}}
  - at: produce.response
    do: {delay: {for: 5s, jitter: 100ms}}
  - at: produce.response
    when: {probability: 0.5}
    do: {error: {code: REQUEST_TIMED_OUT}}
  - at: produce.response
    when: {every: 2}
    do: {error: {code: NOT_LEADER_OR_FOLLOWER}}
expect:
  "off": {duplicates: ">= 1"}
  third: {}
"""


def test_every_key_reaches_its_value() -> None:
    scenario = load(WHOLE)
    assert (scenario.title, scenario.description, scenario.seed) == ("A title", "Words.", 7)
    assert scenario.workload == Workload(
        producer="aiokafka",
        records=5,
        sends=2,
        resend_failed=3,
        rate=100.0,
        pipelined=False,
        value={"a": [1, None, "x"], "1": "off"},
        partitions=3,
        replication=2,
        config=ProducerConfig(1, 5, 3.0, 120.0, 0.25, 0.0, 65536, 1, "none"),
        client_config={"some.word": 1, "other": None},
        deadline=10.0,
    )
    assert scenario.arms == (Arm("off", False), Arm("on", True), Arm("third", True))
    assert (scenario.control, scenario.control_arm) == (True, "off")
    assert (scenario.identity, scenario.isolation, scenario.repeat) == (
        Naming.parse("json:$.order.id"),
        "read_committed",
        3,
    )
    assert (scenario.file, scenario.name) == (None, "scenario")


def test_every_rule_reaches_the_engine() -> None:
    assert load(WHOLE).rules == (
        Rule(
            "one",
            "produce",
            "response",
            Match(("a*", "b"), (0, 2), ("me",), True, 2),
            When(nth=(3, 5), after=1.0, until=2.0, times=1, per="partition"),
            Drop("hold", 3.0),
        ),
        Rule("delay at produce.response", "produce", "response", Match(), When(), Delay(5.0, 0.1)),
        Rule("error at produce.response", "produce", "response", Match(), When(probability=0.5), Error(7)),
        Rule("error at produce.response (2)", "produce", "response", Match(), When(every=2), Error(6)),
    )


def test_an_arm_that_expect_does_not_name_has_the_default() -> None:
    assert load(WHOLE).expect == {
        "off": (Expectation("duplicates", ">=", 1),),
        "on": (Expectation("duplicates", "==", 0), Expectation("lost", "==", 0), Expectation("out_of_order", "==", 0)),
        "third": (),
    }


def test_the_shortest_scenario() -> None:
    scenario = load("version: 1")
    assert scenario.title == "scenario"
    assert scenario.arms == (Arm("off", False), Arm("on", True))
    assert scenario.workload.config == ProducerConfig()
    assert scenario.workload.value == {"key": "value", "count": 1}
    assert scenario.expect["off"] == (Expectation("duplicates", ">=", 1), Expectation("lost", "==", 0))
    assert (scenario.identity, scenario.isolation, scenario.repeat) == (None, "read_uncommitted", 1)


def test_without_control_only_loss_is_expected_not_to_be() -> None:
    scenario = load("version: 1\ncontrol: none")
    assert (scenario.control, scenario.control_arm) == (False, None)
    assert set(scenario.expect.values()) == {(Expectation("lost", "==", 0),)}


@pytest.mark.parametrize("text", ["key", "value", "header:order-id", "'header:ce:id'", "json:$['a b'].c"])
def test_what_names_a_record(text: str) -> None:
    assert str(load(f"version: 1\nidentity: {text}").identity) == text.strip("'")


def test_an_expectation_may_speak_of_aborted_records() -> None:
    assert load("version: 1\nexpect: {on: {aborted: '> 0'}}").expect["on"] == (Expectation("aborted", ">", 0),)


@pytest.mark.parametrize("off", ["off", '"off"', "'off'", "Off", "OFF", "false", "False", '"false"'])
@pytest.mark.parametrize("key", ["off", '"off"', "OFF", "false", "FALSE"])
def test_every_spelling_means_the_arm(off: str, key: str) -> None:
    scenario = load(
        f"version: 1\narms: [{{name: {off}, idempotence: no}}, {{name: true, idempotence: yes}}]\n"
        f"expect:\n  {key}: {{lost: 1}}\n  on: {{}}\n"
    )
    assert [arm.name for arm in scenario.arms] == ["off", "on"]
    assert scenario.expect["off"] == (Expectation("lost", "==", 1),)


def test_the_first_unprotected_arm_is_the_control_where_none_is_called_off() -> None:
    text = "version: 1\narms: [{name: a, idempotence: true}, {name: b, idempotence: false}]"
    assert load(text).control_arm == "b"


@pytest.mark.parametrize("acks", ["all", '"all"', "-1", "0", "1"])
def test_acks_in_every_spelling(acks: str) -> None:
    assert load(f"version: 1\nworkload: {{config: {{acks: {acks}}}}}").workload.config.acks in ("all", 0, 1)


def test_a_file_gives_its_name_and_its_hash(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfversion: 1\r\ntitle: \xc3\xa9\r\n"
    path = tmp_path / "my first.yaml"
    path.write_bytes(content)
    scenario = load(path)
    assert (scenario.name, scenario.file, scenario.title) == ("my-first", str(path), "é")
    assert scenario.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "f.yaml:1:1: the file is empty"),
        (b"- version: 1", "f.yaml:1:1: a scenario is a mapping of keys, not a list"),
        (b"hello", "f.yaml:1:1: a scenario is a mapping of keys, not nothing but a single value"),
        (b"---\n", "f.yaml:2:1: a scenario is a mapping of keys, not nothing"),
        (b"title: x\n", "f.yaml:1:1: the key 'version' is missing"),
        (b"a: 1\nb: \xff\n", "f.yaml:2:4: not UTF-8: the byte 0xFF"),
        (b"\xff\xfea\x00", "f.yaml:1:1: not UTF-8: the byte 0xFF"),
        (b"#" * (LIMIT + 1), "f.yaml: larger than 128 KiB"),
    ],
)
def test_files_that_are_no_scenario(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert caught.value.problems[0].removeprefix(f"{tmp_path}/").startswith(said)
    assert len(caught.value.problems) == 1


def test_a_byte_that_is_no_text_is_shown_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes("a: 1\r\né: x\xff\n".encode("latin-1").replace(b"\xe9", "é".encode()))
    with pytest.raises(ScenarioError) as caught:
        load(path)
    said = f"{path}:2:5: not UTF-8: the byte 0xFF"
    assert caught.value.problems == [
        f"{said}\n    é: x\N{REPLACEMENT CHARACTER}\n        ^\n    Save the file as UTF-8 text."
    ]


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f.yaml")
    with pytest.raises(ScenarioError, match="a named pipe, which may never end"):
        load(tmp_path / "f.yaml")


def test_a_pipe_of_a_shell_is_read() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(b"version: 1\ntitle: from a pipe\n")
    try:
        assert load(Path(f"/dev/fd/{reading}")).title == "from a pipe"
    finally:
        os.close(reading)


def test_many_errors_come_quickly(tmp_path: Path) -> None:
    def read(keys: int) -> None:
        with pytest.raises(ScenarioError) as caught:
            load("version: 1\n" + "".join(f"k{number}: 1\n" for number in range(keys)))
        assert len(caught.value.problems) == keys

    assert calls(lambda: read(4900)) < 11 * calls(lambda: read(490))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.yaml", Path("nul\0byte")):
        with pytest.raises(ScenarioError, match="cannot be read"):
            load(path)
