"""Exit codes and verdicts of `ackdrop run`, and what it says where nothing could be run."""

from __future__ import annotations

import json
import re
import venv
from pathlib import Path

import pytest

from .conftest import Ran, Start, case, one, scenario

pytestmark = pytest.mark.integration

CASES = {
    "passes": one(scenario()),
    "never-fires": one(scenario(fault={"when": {"nth": 99}})),
    "nobody-notices": one(scenario(fault={"do": {"delay": {"for": "50ms"}}})),
    "fails-in-on": one(scenario(expect={"on": {"duplicates": ">= 1"}})),
    "harm-and-a-gate": one(
        scenario(
            fault={"when": {"nth": 99}},
            workload={"records": 2, "sends": 2},
            control="none",
            expect={"off": {"duplicates": 2}, "on": {"duplicates": 0}},
        )
    ),
    "refused-config": one(scenario(workload={"client_config": {"no_such_setting": 1}})),
    "no-such-python": one(scenario(), "--producer-python", "no/such/python"),
    "strict": one(scenario(), "--producer", "aiokafka", "--strict"),
    "unreachable": case("lost-ack", "--bootstrap", "127.0.0.1:1", broker=False),
    "several": case(
        "many",
        files={
            "many/1-passes.yaml": scenario(),
            "many/2-never.yaml": scenario(fault={"when": {"nth": 99}}),
            "many/3-fails.yaml": scenario(expect={"on": {"duplicates": ">= 1"}}),
        },
    ),
    "several-and-an-error": case(
        "1.yaml",
        "2.yaml",
        files={"1.yaml": scenario(workload={"client_config": {"no_such_setting": 1}}), "2.yaml": scenario()},
    ),
}


def test_0_when_every_expectation_held(ran: Ran) -> None:
    done = ran("passes")
    assert (done.code, done.result["verdict"], done.result["reasons"]) == (0, "passed", [])


def test_3_when_a_fault_never_fires(ran: Ran) -> None:
    done = ran("never-fires")
    assert (done.code, done.result["verdict"]) == (3, "inconclusive")
    assert "fault-never-fired" in done.codes
    assert [arm["wire"]["faults"] for arm in done.result["arms"]] == [
        [{"name": "the fault", "matched": 6, "fired": 0}]
    ] * 2


def test_3_when_the_control_arm_stays_clean(ran: Ran) -> None:
    done = ran("nobody-notices")
    assert (done.code, done.result["verdict"]) == (3, "inconclusive")
    assert "control-clean" in done.codes
    assert "fault-never-fired" not in done.codes
    assert [arm["wire"]["acks_delayed"] for arm in done.result["arms"]] == [1, 1]


def test_1_when_an_expectation_fails_in_the_on_arm(ran: Ran) -> None:
    done = ran("fails-in-on")
    assert (done.code, done.result["verdict"]) == (1, "failed")
    assert [(reason["arm"], reason["code"]) for reason in done.result["reasons"]] == [("on", "expectation-failed")]


def test_1_when_harm_was_seen_although_a_gate_failed(ran: Ran) -> None:
    done = ran("harm-and-a-gate")
    assert (done.code, done.result["verdict"]) == (1, "failed")
    assert {"expectation-failed", "fault-never-fired"} <= done.codes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nworkloda: {}\n", r"verb\.yaml:2:1: .*'workloda'"),
        ("version: [1\n", r"verb\.yaml:\d+:\d+: "),
        ("", r"verb\.yaml"),
    ],
)
def test_2_for_a_broken_file_and_nothing_is_run(start: Start, text: str, said: str) -> None:
    done = start("lost-ack", "verb.yaml", files={"verb.yaml": text}).end()
    assert (done.code, done.result, done.folders, done.out) == (2, None, [], "")
    assert re.search(said, done.err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lost-akc"], "Did you mean lost-ack?"),
        (["lost-ack", "--producer", "kafka_python"], "did you mean kafka-python?"),
        (["lost-ack", "--seed", "-1"], "--seed"),
        (["lost-ack", "--map", "redpanda:9092"], "--map"),
        (["lost-ack", "--broker", "embedded"], "leave one of them out"),
        (["lost-ack", "--json", "/proc/nobody/writes/here"], "name another file"),
    ],
)
def test_2_for_wrong_usage_and_nothing_is_run(start: Start, arguments: list[str], said: str) -> None:
    done = start(*arguments).end()
    assert (done.code, done.result, done.folders, done.out) == (2, None, [], "")
    assert said in done.err


def test_2_for_a_broker_elsewhere(start: Start) -> None:
    done = start("--bootstrap", "192.0.2.1:9092", broker=False).end()
    assert (done.code, done.result) == (2, None)
    assert "--allow-remote" in done.err


def test_4_where_no_broker_answers_saying_what_was_tried(ran: Ran) -> None:
    done = ran("unreachable")
    assert (done.code, done.folders, done.out) == (4, [], "")
    assert done.seconds < 15
    assert "no Kafka broker answers at 127.0.0.1:1; tried 2 times" in done.err
    assert "connection refused" in done.err
    assert "try: " in done.err
    assert (done.result["verdict"], done.codes) == ("error", {"no-broker"})
    assert (done.result["broker"], done.result["arms"]) == (None, [])


def test_4_where_the_producer_s_library_is_missing(start: Start, tmp_path: Path) -> None:
    venv.EnvBuilder(with_pip=False, symlinks=True).create(tmp_path / "bare")
    python = str(tmp_path / "bare" / "bin" / "python")
    done = start("verb.yaml", "--producer-python", python, files={"verb.yaml": scenario()}).end()
    assert (done.code, done.out) == (4, "")
    assert "kafka-python is not installed" in done.err
    assert f"{python} -m pip install kafka-python" in done.err
    assert done.codes == {"producer-not-started", "arm-not-run"}
    assert done.report == done.result


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("refused-config", r"kafka-python refused to start.*no_such_setting(?s:.*)client_config"),
        ("no-such-python", r"no/such/python cannot be started(?s:.*)--producer-python"),
        ("strict", r"aiokafka refused to start: it has no retries, delivery_timeout"),
    ],
)
def test_4_where_the_producer_does_not_start(ran: Ran, name: str, said: str) -> None:
    done = ran(name)
    assert (done.code, done.result["verdict"], done.out) == (4, "error", "")
    assert done.result["reasons"][0]["code"] == "producer-not-started"
    assert re.search(said, done.err)
    assert f"is in {done.folders[0].relative_to(done.folders[0].parents[1])}" in done.err
    assert done.report == done.result


def test_the_worst_of_several_counts(ran: Ran) -> None:
    done = ran("several")
    assert done.code == 1
    assert [result["exit_code"] for result in done.result] == [0, 3, 1]
    assert [Path(result["scenario"]["file"]).name for result in done.result] == [
        "1-passes.yaml",
        "2-never.yaml",
        "3-fails.yaml",
    ]
    assert [json.loads((folder / "report.json").read_text()) for folder in done.folders] == done.result
    assert [word for word in ("PASSED", "INCONCLUSIVE", "FAILED") if word in done.out] == [
        "PASSED",
        "INCONCLUSIVE",
        "FAILED",
    ]
    assert "2-never (2 of 3)" in done.err


def test_an_error_in_one_of_several_does_not_keep_the_others_from_running(ran: Ran) -> None:
    done = ran("several-and-an-error")
    assert done.code == 4
    assert [result["exit_code"] for result in done.result] == [4, 0]
