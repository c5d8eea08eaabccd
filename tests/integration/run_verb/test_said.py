"""What `ackdrop run` says and writes: the report, the table, lines of progress, and a matrix in one table."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.scenario.load import load

from .conftest import Ran, Start, case, one, scenario

pytestmark = pytest.mark.integration

ODD_ARMS = [
    {"name": "A.b_c-1", "idempotence": False},
    {"name": "0123456789-123456789_123456789.123456789", "idempotence": True},
]
ODD_FILE = f"Straße & größer..{'x' * 200}.yaml"

CASES = {
    "passes": one(scenario()),
    "never-fires": one(scenario(fault={"when": {"nth": 99}})),
    "not-strict": one(scenario(), "--producer", "aiokafka", "--json", "-"),
    "quiet": one(scenario(), "--quiet"),
    "odd": case(
        ODD_FILE,
        files={ODD_FILE: scenario(arms=ODD_ARMS, expect={ODD_ARMS[1]["name"]: {"duplicates": 0}})},
    ),
    "matrix": case(
        "m.yaml",
        *("--set", "the_fault=3", "--markdown", "m.md"),
        files={
            "parts/base.yaml": scenario(),
            "m.yaml": "include: parts/base.yaml\nfaults: []\ntitle: Of ${code}\nvariables: {the_fault: 9}\n"
            "matrix: {code: [REQUEST_TIMED_OUT, NOT_LEADER_OR_FOLLOWER], max_in_flight: [1]}\nseed: ${the_fault}\n"
            "workload: {records: 4, value: {code: '${code}'}}\n",
        },
    ),
}


def keys(value: Any) -> Any:
    """The keys of a JSON value, those of a list's first item for the list; a leaf is None."""
    if isinstance(value, dict):
        return {key: keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return None


def words(text: str) -> dict[str, None]:
    return dict.fromkeys(text.split())


def test_the_report_has_the_design_s_keys(ran: Ran) -> None:
    done = ran("passes")
    attempt = words(
        "at connection correlation_id topic partition producer_id producer_epoch base_sequence records crc base_offset "
        "error ack number acks retry_of answered_at acked_at fault injected"
    )
    arm = {
        **words("name idempotence verdict isolation"),
        "producer": {**words("client version"), "config": keys(done.result["arms"][0]["producer"]["config"])},
        "records": words("sent acked failed unknown"),
        "wire": {
            **words("connections produce_requests retries acks_dropped acks_withheld acks_delayed undecoded"),
            "faults": [words("name matched fired")],
        },
        "log": words(
            "records distinct duplicates lost unacked_present out_of_order phantom offset_mismatch past_proxy aborted"
        ),
        "findings": [
            {
                **words("kind cause record fault"),
                "places": [words("topic partition offset")],
                "attempts": [attempt],
            }
        ],
        "expectations": [words("expect actual held")],
    }
    arm["producer"]["not_applicable"] = []
    assert keys(done.result) == {
        **words("schema verdict exit_code repeat shard"),
        "failures": [],
        "notes": [],
        "run": keys(done.result["run"]),
        "scenario": {**words("title file seed sha256"), "combination": {}},
        "broker": words("kind version source bootstrap cluster_id"),
        "reasons": [],
        "arms": [arm],
    }
    assert done.result["schema"] == "ackdrop/report/1"
    assert keys(ran("never-fires").result["reasons"]) == [words("code arm text")]
    assert done.result == done.report


def test_without_a_terminal_progress_is_plain_lines_and_the_table_goes_to_standard_output(ran: Ran) -> None:
    done = ran("passes")
    for said in ("looking for a broker", "arm off: producing", "arm on: producing", "arm on: reading the log"):
        assert re.search(rf"^\[ +\d+\.\d s\] {said}$", done.err, re.MULTILINE)
    assert re.search(r"^ +idempotence off +idempotence on$", done.out, re.MULTILINE)
    assert re.search(r"^  duplicates +1 +0$", done.out, re.MULTILINE)
    assert re.search(r"^PASSED  ", done.out, re.MULTILINE)
    assert "\x1b" not in done.out + done.err
    assert max(map(len, done.out.splitlines())) <= 80


def test_json_on_standard_output_is_alone_there(ran: Ran) -> None:
    done = ran("not-strict")
    assert json.loads(done.out) == done.report
    assert "arm on: producing" in done.err
    assert done.report["arms"][0]["producer"]["not_applicable"] == ["retries", "delivery_timeout"]


def test_quiet_says_nothing(ran: Ran) -> None:
    done = ran("quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert done.result["verdict"] == "passed"


def test_a_reader_who_has_seen_enough_changes_nothing(start: Start) -> None:
    runner = start("verb.yaml", "verb.yaml", files={"verb.yaml": scenario(expect={"on": {"duplicates": 7}})})
    assert runner.process.stdout is not None
    runner.process.stdout.close()
    runner.process.stdout = None
    done = runner.end()
    assert (done.code, done.result["verdict"]) == (1, "failed")


def test_kept_topics_stay_and_no_other_one(
    start: Start, topics: Callable[[str], dict[str, int]], embedded_broker: str
) -> None:
    name = f"kept-{uuid.uuid4().hex[:8]}"
    environment = {"ACKDROP_BOOTSTRAP": embedded_broker, "ACKDROP_KEEP": "1"}
    done = start(f"{name}.yaml", files={f"{name}.yaml": scenario()}, env=environment, broker=False).end()
    assert (done.code, done.result["broker"]["source"]) == (0, "given")
    kept = topics(f"ackdrop-{name}")
    arms = {arm["name"]: arm["log"]["records"] for arm in done.result["arms"]}
    assert {topic.split("-")[3]: records for topic, records in kept.items()} == arms == {"off": 7, "on": 6}

    async def remove() -> None:
        async with Cluster.connect(embedded_broker) as cluster:
            for topic in kept:
                await cluster.delete_topic(topic)

    trio.run(remove)


def test_odd_names_are_no_trouble(ran: Ran) -> None:
    done = ran("odd")
    assert (done.code, done.result["verdict"]) == (0, "passed")
    assert [arm["name"] for arm in done.result["arms"]] == [arm["name"] for arm in ODD_ARMS]
    (folder,) = done.folders
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[A-Za-z0-9._-]{1,60}", folder.name)
    topic = done.result["arms"][1]["findings"][0]["places"][0]["topic"]
    assert re.fullmatch(r"ackdrop-[A-Za-z0-9._-]+", topic)
    assert len(topic) <= 249


# A matrix


def test_each_combination_is_run_and_all_stand_in_one_table(ran: Ran) -> None:
    done = ran("matrix")
    assert (done.code, [result["verdict"] for result in done.result]) == (0, ["passed", "passed"])
    assert [result["scenario"]["combination"]["code"] for result in done.result] == [
        "REQUEST_TIMED_OUT",
        "NOT_LEADER_OR_FOLLOWER",
    ]
    table = done.out[done.out.index("2 combinations of code, max_in_flight") :].splitlines()
    rows = table[: table.index("")]
    assert [line.split()[-3:] for line in rows if "passed" in line] == [["passed", "1/0", "1/1"]] * 2
    assert max(map(len, table)) <= 80
    assert done.out.endswith("\n\n2 results: 2 passed\n")


def test_the_scenario_in_the_folder_of_a_combination_means_it_alone(ran: Ran) -> None:
    for folder, result in zip(ran("matrix").folders, ran("matrix").result, strict=True):
        content = (folder / "scenario.yaml").read_bytes()
        alone = load(content.decode())
        assert alone.workload.value == {"code": result["scenario"]["combination"]["code"]}
        assert (alone.workload.records, alone.seed, alone.workload.config.max_in_flight) == (4, 3, 1)
        assert hashlib.sha256(content).hexdigest() == result["scenario"]["sha256"]
        assert "--set" in result["run"]["command"]
