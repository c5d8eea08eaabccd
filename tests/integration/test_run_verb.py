"""`ackdrop run` as its users run it: exit codes, interruptions, reports, seeds, and nothing left behind.

Most runs are independent of each other, so they are started together, a few at a time; each test looks at one. A run
takes two to three seconds, for its scenarios force their retry with an error and not with silence.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from ackdrop.broker import embedded
from ackdrop.broker.running import RunningBroker
from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited
from ackdrop.experiment.scenario import ScenarioRun
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.stopping import Stop
from ackdrop.ledger import Ledger
from ackdrop.report.progress import Progress
from ackdrop.scenario.load import load

from .removal import see_gone

pytestmark = pytest.mark.integration

DEADLINE = 60.0
SIDE_BY_SIDE = 4
MARK = "TEST_OF_THE_RUN_VERB"
"""An environment variable that a run hands down to every process of it."""

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A test",
    "seed": 11,
    "workload": {
        "records": 6,
        "pipelined": False,
        "config": {"retries": 5, "request_timeout": "2s", "delivery_timeout": "15s", "retry_backoff": "20ms"},
        "deadline": "40s",
    },
    "faults": [
        {
            "name": "the fault",
            "at": "produce.response",
            "match": {"attempt": "first"},
            "when": {"nth": 3},
            "do": {"error": {"code": "REQUEST_TIMED_OUT"}},
        }
    ],
}


def scenario(*, fault: dict[str, Any] | None = None, workload: dict[str, Any] | None = None, **more: Any) -> str:
    """A scenario's text (JSON is YAML): the base, with some parts of its fault and its workload changed."""
    made = copy.deepcopy(BASE)
    made["faults"][0].update(fault or {})
    made["workload"].update(workload or {})
    return json.dumps({**made, **more})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `result` is what `--json` wrote, None where it wrote nothing; `folders` are its runs'."""

    code: int
    out: str
    err: str
    result: Any
    folders: list[Path]
    seconds: float

    @property
    def codes(self) -> set[str]:
        """The codes of the result's reasons."""
        return {reason["code"] for reason in self.result["reasons"]}

    @property
    def report(self) -> Any:
        """`report.json` of the one run."""
        (folder,) = self.folders
        return json.loads((folder / "report.json").read_text())

    def decisions(self) -> list[tuple[Any, ...]]:
        """The decisions of the one run, in their order, without time and connection."""
        (folder,) = self.folders
        lines = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        words = ("arm", "fault", "client_id", "topic", "partition", "n", "verdict")
        return [tuple(line[word] for word in words) for line in lines if line["event"] == "decided"]


class Runner:
    """One `ackdrop run` in a process of its own, with folders of its own. `end` waits for it and looks what it left."""

    def __init__(self, home: Path, files: dict[str, str], arguments: list[str], environment: dict[str, str]) -> None:
        self.home = home
        self.temporary = home / "tmp"
        self.temporary.mkdir()
        for name, text in files.items():
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).write_text(text)
        self.mark = uuid.uuid4().hex
        if "--json" not in arguments:
            arguments = [*arguments, "--json", "result.json"]
        kept = inherited("ACKDROP_")
        own = {"TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "80", MARK: self.mark}
        self._begun = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ackdrop", "run", "--out", "runs", *arguments],
            cwd=home,
            env={**kept, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> Ended:
        """How it ended, once it has. No process and no temporary folder of it is left then."""
        with self.process:
            try:
                out, err = self.process.communicate(timeout=DEADLINE)
            finally:
                self.process.kill()
        seconds = time.monotonic() - self._begun
        assert "Traceback" not in err
        assert "internal error" not in err, err
        assert self.family() == []
        assert os.listdir(self.temporary) == []
        file, runs = self.home / "result.json", self.home / "runs"
        result = json.loads(file.read_text()) if file.exists() else None
        folders = sorted(runs.iterdir()) if runs.is_dir() else []
        return Ended(self.process.returncode, out, err, result, folders, seconds)

    def family(self) -> list[psutil.Process]:
        """Every process that the run started and that has not ended."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def until(self, what: Callable[[], Any]) -> Any:
        """What `what` gives, once it gives something; the run must still be going on."""
        deadline = time.monotonic() + DEADLINE
        while not (found := what()):
            assert time.monotonic() < deadline
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        return found


Start = Callable[..., Runner]
"""`start(*arguments, files={name: text}, env={...}, broker=True)`"""


@pytest.fixture(scope="module")
def start(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts `ackdrop run`, before the session's broker unless `broker` is False."""
    homes = tmp_path_factory.mktemp("verb")

    def begin(
        *arguments: str, files: dict[str, str] | None = None, env: dict[str, str] | None = None, broker: bool = True
    ) -> Runner:
        given = ["--bootstrap", embedded_broker] if broker else []
        home = homes / uuid.uuid4().hex
        home.mkdir()
        return Runner(home, files or {}, [*given, *arguments], env or {})

    return begin


@dataclass(frozen=True, slots=True)
class Case:
    """A run that needs no company: its arguments, and its files by name."""

    arguments: list[str]
    files: dict[str, str]
    env: dict[str, str]
    broker: bool


def case(
    *arguments: str, files: dict[str, str] | None = None, env: dict[str, str] | None = None, broker: bool = True
) -> Case:
    return Case(list(arguments), files or {}, env or {}, broker)


def one(text: str, *arguments: str, **more: Any) -> Case:
    """One scenario in a file."""
    return case("verb.yaml", *arguments, files={"verb.yaml": text}, **more)


CHANCE = scenario(
    fault={"when": {"probability": 0.3}, "match": {"attempt": "first"}},
    workload={"records": 14},
    expect={"off": {"lost": 0}, "on": {"lost": 0}},
)
SPREAD = scenario(
    fault={"when": {"probability": 0.3}},
    workload={"records": 60, "pipelined": True, "topic": {"partitions": 3}, "rate": "200/s"},
    expect={"off": {"lost": 0}, "on": {"lost": 0}},
)
ODD_ARMS = [
    {"name": "A.b_c-1", "idempotence": False},
    {"name": "0123456789-123456789_123456789.123456789", "idempotence": True},
]
ODD_FILE = f"Straße & größer..{'x' * 200}.yaml"

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
    "not-strict": one(scenario(), "--producer", "aiokafka", "--json", "-"),
    "quiet": one(scenario(), "--quiet"),
    "unreachable": case("lost-ack", "--bootstrap", "127.0.0.1:1", broker=False),
    "odd": case(
        ODD_FILE,
        files={ODD_FILE: scenario(arms=ODD_ARMS, expect={ODD_ARMS[1]["name"]: {"duplicates": 0}})},
    ),
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
    "chance": one(CHANCE),
    "chance-again": one(CHANCE),
    "chance-other-seed": one(CHANCE, env={"ACKDROP_SEED": "12"}),
    "spread": one(SPREAD),
    "spread-again": one(SPREAD),
}

Ran = Callable[[str], Ended]


@pytest.fixture(scope="module")
def ran(start: Start) -> Iterator[Ran]:
    """`ran(name)` is how the case of this name ended; all of them are started by the first call."""

    def run(one: Case) -> Ended:
        return start(*one.arguments, files=one.files, env=one.env, broker=one.broker).end()

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs: dict[str, Future[Ended]] = {name: pool.submit(run, one) for name, one in CASES.items()}

        def wait(name: str) -> Ended:
            skip_without_library(CASES[name])
            return runs[name].result(2 * DEADLINE)

        yield wait


def skip_without_library(one: Case) -> None:
    """A user's machine may lack an optional producer; CI has to have it."""
    if "aiokafka" in one.arguments and importlib.util.find_spec("aiokafka") is None and not os.environ.get("CI"):
        pytest.skip("aiokafka is not installed: pip install 'ackdrop[aiokafka]'")


@pytest.fixture
def topics(embedded_broker: str) -> Callable[[str], dict[str, int]]:
    """`topics(prefix)`: the topics whose names begin so, with the number of records in each."""

    async def ask(prefix: str) -> dict[str, int]:
        async with Cluster.connect(embedded_broker) as cluster:
            found = [topic for topic in await cluster.topics(None) if topic.startswith(prefix)]
            return {topic: sum((await cluster.end_offsets(topic)).values()) for topic in found}

    return lambda prefix: trio.run(ask, prefix)


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


# Exit codes


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


# What is said and written


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


# Seeds


def test_the_same_seed_makes_the_same_decisions(ran: Ran) -> None:
    first, again = ran("chance"), ran("chance-again")
    assert first.decisions() == again.decisions()
    verdicts = {verdict for *_, verdict in first.decisions()}
    assert verdicts == {"pass", "error"}
    assert first.decisions()[0][:6] == ("off", "the fault", "ackdrop-off", "ackdrop-verb-off", 0, 1)


def test_another_seed_makes_others(ran: Ran) -> None:
    other = ran("chance-other-seed")
    assert other.result["scenario"]["seed"] == 12
    assert other.decisions() != ran("chance").decisions()


def test_in_flight_each_place_is_decided_alike(ran: Ran) -> None:
    first, again = ({tuple(place): verdict for *place, verdict in ran(name).decisions()} for name in TWICE)
    both = first.keys() & again.keys()
    assert {place[4] for place in both} == {0, 1, 2}
    assert {first[place] for place in both} == {"pass", "error"}
    assert {place: first[place] for place in both} == {place: again[place] for place in both}


TWICE = ("spread", "spread-again")


def test_runs_side_by_side_do_not_meet(ran: Ran) -> None:
    """Both ran at the same time, from files of one name, before one broker."""
    one, other = ran("chance"), ran("chance-again")
    for done in (one, other):
        for arm in done.result["arms"]:
            assert (arm["records"]["sent"], arm["log"]["distinct"], arm["log"]["past_proxy"]) == (14, 14, 0)
    places = [
        {place["topic"] for arm in done.result["arms"] for found in arm["findings"] for place in found["places"]}
        for done in (one, other)
    ]
    assert places[0].isdisjoint(places[1])


# Interruptions

LONG = {"records": 100_000, "rate": "50/s", "deadline": "90s"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_130_when_interrupted_and_what_was_seen_is_reported(
    start: Start, topics: Callable[[str], dict[str, int]], number: signal.Signals, embedded_broker: str
) -> None:
    name = f"long-{uuid.uuid4().hex[:8]}"
    files = {"first.yaml": scenario(workload={"records": 2}), f"{name}.yaml": scenario(workload=LONG)}
    runner = start(f"{name}.yaml", "first.yaml", files=files)
    runner.until(lambda: sum(topics(f"ackdrop-{name}").values()) >= 12)
    runner.process.send_signal(number)
    done = runner.end()
    assert done.code == 130
    long, never = done.result
    assert done.report == long
    assert [result["verdict"] for result in (long, never)] == ["interrupted", "interrupted"]
    assert [reason["code"] for reason in never["reasons"]] == ["interrupted"]
    reasons = {(reason["arm"], reason["code"]) for reason in long["reasons"]}
    assert reasons == {(None, "interrupted"), ("on", "arm-not-run")}
    (off,) = long["arms"]
    assert 10 <= off["records"]["acked"] <= off["records"]["sent"] < 1000
    assert off["records"]["acked"] <= off["log"]["distinct"] <= off["records"]["sent"]
    assert (off["log"]["lost"], off["log"]["duplicates"], off["wire"]["retries"]) == (0, 1, 1)
    assert "INTERRUPTED" in done.out
    assert "not run: first" in done.err
    see_gone(embedded_broker, f"ackdrop-{name}")


class Asking(Progress):
    """Asks for the stop as soon as a phase of this name begins."""

    def __init__(self, stop: Stop, when: str) -> None:
        super().__init__(quiet=True)
        self.stop = stop
        self.when = when

    def phase(self, text: str, total: float | None = None, *, bytes: bool = False) -> None:
        if text == self.when:
            self.stop.ask()


async def test_interrupted_while_it_reads_the_log_the_arm_is_whole_and_the_next_one_does_not_begin(
    embedded_broker: str, tmp_path: Path
) -> None:
    (tmp_path / "verb.yaml").write_text(scenario())
    stop = Stop()
    progress = Asking(stop, "arm off: reading the log")
    run = ScenarioRun(load(tmp_path / "verb.yaml"), RunSettings(out=tmp_path / "runs"), progress, stop)
    result = (await run.run(RunningBroker(embedded_broker, "given"))).result
    assert (result.verdict, result.exit_code) == ("interrupted", 130)
    (off,) = result.arms
    assert (off.verdict, off.log.records, off.log.duplicates) == ("passed", 7, 1)
    assert [(reason.code, reason.arm) for reason in result.reasons] == [("interrupted", None), ("arm-not-run", "on")]


STUBBORN = """
    import pathlib, signal, time
    here = pathlib.Path({here!r})
    signal.signal(signal.SIGTERM, lambda number, frame: (here / "asked-to-end").touch())
    print('{{"hello": "ackdrop"}}', flush=True)
    (here / "started").touch()
    while True:
        time.sleep(60)
"""


def test_a_second_signal_ends_it_at_once(
    start: Start, topics: Callable[[str], dict[str, int]], tmp_path: Path, embedded_broker: str
) -> None:
    """The producer does not listen, which the first signal would be patient with for eight seconds."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n" + textwrap.dedent(STUBBORN.format(here=str(tmp_path))))
    python.chmod(0o755)
    name = f"stubborn-{uuid.uuid4().hex[:8]}"
    runner = start(f"{name}.yaml", "--producer-python", str(python), files={f"{name}.yaml": scenario()})
    runner.until((tmp_path / "started").exists)
    assert topics(f"ackdrop-{name}")
    runner.process.send_signal(signal.SIGINT)
    runner.until((tmp_path / "asked-to-end").exists)
    second = time.monotonic()
    runner.process.send_signal(signal.SIGINT)
    done = runner.end()
    assert time.monotonic() - second < 5
    assert done.code == 130
    assert (done.report["verdict"], done.report["arms"]) == ("interrupted", [])
    assert done.report == done.result
    assert "Ended at once" in done.err
    see_gone(embedded_broker, f"ackdrop-{name}")


def test_interrupted_while_a_broker_starts(start: Start) -> None:
    runner = start("lost-ack", "--broker", "embedded", broker=False)
    runner.until(lambda: list(runner.temporary.glob("ackdrop-broker-*/broker.log")))
    runner.process.send_signal(signal.SIGINT)
    done = runner.end()
    assert (done.code, done.out, done.folders) == (130, "", [])
    assert (done.result["verdict"], done.result["broker"]) == ("interrupted", None)


def test_killed_it_leaves_no_process_and_a_ledger_that_can_be_read(start: Start) -> None:
    runner = start("verb.yaml", "--broker", "embedded", files={"verb.yaml": scenario(workload=LONG)}, broker=False)
    runs = runner.home / "runs"
    runner.until(lambda: recorded(runs) >= 5)
    family = runner.family()
    assert any("kafka.Kafka" in process.cmdline() for process in family)
    assert any("drive_kafka_python.py" in " ".join(process.cmdline()) for process in family)
    runner.process.kill()
    others = [process for process in family if process.pid != runner.process.pid]
    _, alive = psutil.wait_procs(others, timeout=DEADLINE)
    assert alive == []
    done = runner.end()
    assert done.code == -signal.SIGKILL
    assert recorded(runs) >= 5
    (folder,) = done.folders
    assert len(Ledger.open(folder).wire("off").attempts) >= 5


def recorded(runs: Path) -> int:
    """How many decisions the events of the one run hold so far."""
    return sum(file.read_text().count('{"event":"decided"') for file in runs.glob("*/events.jsonl"))


async def test_4_when_the_broker_is_lost_and_what_was_seen_is_reported(start: Start) -> None:
    workload = {"records": 1000, "rate": "50/s", "deadline": "4s"}
    files = {"verb.yaml": scenario(workload=workload), "next.yaml": scenario()}
    async with embedded.broker() as running:
        runner = start("verb.yaml", "--bootstrap", running.bootstrap, files=files, broker=False)
        await trio.to_thread.run_sync(runner.until, lambda: recorded(runner.home / "runs") >= 5)
    done = await trio.to_thread.run_sync(runner.end)
    assert (done.code, done.result["verdict"]) == (4, "error")
    assert done.report == done.result
    assert done.result["reasons"][0]["code"] == "broker-error"
    assert {("off", "log-not-read"), ("on", "arm-not-run")} <= {
        (reason["arm"], reason["code"]) for reason in done.result["reasons"]
    }
    (off,) = done.result["arms"]
    assert off["wire"]["produce_requests"] >= 5
    assert off["records"]["acked"] >= 5
    assert off["log"]["records"] is None
    assert "ERROR" in done.out
    assert running.bootstrap in done.err
    assert "may still be there" in done.out
