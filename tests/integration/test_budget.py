"""A run with a budget, in parts, and with a baseline: what a pipeline gets, from the command to the exit code.

What does not build on each other is started together, a few at a time; each test looks at one of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from ackdrop.report import schema

from .removal import see_gone

pytestmark = pytest.mark.integration

DEADLINE = 90
SIDE_BY_SIDE = 3

PASSES = """
version: 1
title: One retry
seed: 11
workload:
  records: 6
  pipelined: false
  config: {retries: 5, request_timeout: 2s, delivery_timeout: 15s, retry_backoff: 20ms}
  deadline: 40s
faults:
  - name: the fault
    at: produce.response
    match: {attempt: first}
    when: {nth: 3}
    do: {error: {code: REQUEST_TIMED_OUT}}
"""
FAILS = PASSES + 'expect: {"on": {duplicates: ">= 1"}}\n'
FAILS_OTHERWISE = PASSES + 'expect: {"on": {duplicates: ">= 1", acked: 7}}\n'
NEVER_FIRES = PASSES.replace("nth: 3", "nth: 99")
LONG = PASSES.replace("records: 6", "records: 100000\n  rate: 50/s").replace("deadline: 40s", "deadline: 90s")

FALLS_OVER = """
    import os, pathlib, sys
    lives = pathlib.Path({here!r}) / "lives"
    lives.write_text(lives.read_text() + "." if lives.exists() else ".")
    if len(lives.read_text()) <= 2:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    print('{{"hello": "ackdrop"}}', flush=True)
    sys.exit("it fell over")
"""
"""A producer's interpreter that works in both arms of the first run, and falls over in those of the second."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; `file` is what `--json` wrote, `results` what is in it."""

    code: int
    out: str
    err: str
    file: Path

    @property
    def results(self) -> list[Any]:
        found = json.loads(self.file.read_text())
        Draft202012Validator(json.loads(schema.text())).validate(found)
        return found if isinstance(found, list) else [found]

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """Of each result the scenario, or the title where there is none, and the verdict."""
        return [
            (Path(one["scenario"]["file"] or one["scenario"]["title"]).stem, one["verdict"]) for one in self.results
        ]

    def codes(self, number: int = 0) -> list[str]:
        return [reason["code"] for reason in self.results[number]["reasons"]]


Ackdrop = Callable[..., Ended]
"""`ackdrop(verb, *arguments)`, with `--json`, `--junit` and, for `run`, a folder of its own."""


@pytest.fixture(scope="module")
def ackdrop(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Ackdrop:
    where = tmp_path_factory.mktemp("budget")
    texts = {
        "passes": PASSES,
        "fails": FAILS,
        "never": NEVER_FIRES,
        "long-budget": LONG,
        "other/fails": FAILS_OTHERWISE,
        "all/1-passes": PASSES,
        "all/2-never": NEVER_FIRES,
        "all/3-passes": PASSES,
    }
    for name, text in texts.items():
        (where / f"{name}.yaml").parent.mkdir(exist_ok=True)
        (where / f"{name}.yaml").write_text(text)
    python = where / "python"
    python.write_text(f"#!{sys.executable}\n" + textwrap.dedent(FALLS_OVER.format(here=str(where))))
    python.chmod(0o755)

    def call(verb: str, *arguments: str) -> Ended:
        home = tmp_path_factory.mktemp("call")
        own = ["--bootstrap", embedded_broker, "--out", str(home / "runs")] if verb == "run" else []
        files = ["--json", str(home / "result.json"), "--junit", str(home / "result.xml")]
        command = [sys.executable, "-m", "ackdrop", verb, *arguments, *own, *files]
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert "Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout, done.stderr, home / "result.json")

    return call


RUNS = {
    "time": ("long-budget.yaml", "passes.yaml", "--max-time", "10s"),
    "time-for-some": ("passes.yaml", "--repeat", "40", "--max-time", "12s"),
    "fail-fast": ("fails.yaml", "passes.yaml", "--fail-fast"),
    "broken": ("fails.yaml", "--repeat", "2"),
    "flaky": ("passes.yaml", "--repeat", "2", "--producer-python", "./python"),
    "shard-1": ("all", "--shard", "1/2"),
    "shard-2": ("all", "--shard", "2/2"),
}

Ran = Callable[[str], Ended]


@pytest.fixture(scope="module")
def ran(ackdrop: Ackdrop) -> Iterator[Ran]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs = {name: pool.submit(ackdrop, "run", *arguments) for name, arguments in RUNS.items()}
        yield lambda name: runs[name].result(2 * DEADLINE)


def test_when_the_time_is_up_what_runs_is_ended_and_nothing_passes(ran: Ran, embedded_broker: str) -> None:
    done = ran("time")
    assert done.code == 3
    assert done.verdicts == [("long-budget", "inconclusive"), ("passes", "inconclusive")]
    assert done.codes(0)[0] == "out-of-time"
    assert set(done.codes(0)[1:]) == {"arm-not-run"}
    assert done.codes(1) == ["out-of-time"]
    for off in done.results[0]["arms"]:  # there is none where not even its producer could start in that time
        assert off["records"]["acked"] <= off["log"]["distinct"] <= off["records"]["sent"] < 1000
        assert off["log"]["lost"] == 0
    assert "The time is up (10.0 s)" in done.err
    assert "The time was up; not run: passes" in done.err
    see_gone(embedded_broker, "ackdrop-long-budget")


def test_runs_for_which_the_time_is_not_enough_are_no_pass(ran: Ran) -> None:
    done = ran("time-for-some")
    (result,) = done.results
    assert (done.code, result["verdict"]) == (3, "inconclusive")
    before = result["repeat"]["runs"] - 1
    assert 0 <= before < 39
    assert result["repeat"]["verdicts"] == {"inconclusive": 1} | ({"passed": before} if before else {})
    assert result["repeat"]["agreement"] != "flaky"
    assert done.codes()[0] == "out-of-time"


def test_the_first_failure_leaves_out_what_follows(ran: Ran) -> None:
    done = ran("fail-fast")
    assert (done.code, done.verdicts) == (1, [("fails", "failed"), ("passes", "inconclusive")])
    assert done.codes(1) == ["not-run"]
    assert "not run: passes" in done.err
    root = ElementTree.parse(done.file.with_suffix(".xml")).getroot()
    assert (root.get("failures"), root.get("errors")) == ("1", "0")


def test_flaky_is_told_from_broken(ran: Ran) -> None:
    broken, flaky = ran("broken"), ran("flaky")
    assert (broken.code, broken.results[0]["repeat"]["agreement"]) == (1, "broken")
    assert "FAILED  Broken: all 2 runs failed. Run 1:" in broken.out
    assert (flaky.code, flaky.results[0]["repeat"]["agreement"]) == (3, "flaky")
    assert "INCONCLUSIVE  Flaky: of 2 runs 1 passed, 1 inconclusive. Run 2:" in flaky.out


def test_shards_make_the_whole_and_a_missing_one_is_missed(ran: Ran, ackdrop: Ackdrop) -> None:
    one, other = ran("shard-1"), ran("shard-2")
    assert sorted(one.verdicts + other.verdicts) == [
        ("1-passes", "passed"),
        ("2-never", "inconclusive"),
        ("3-passes", "passed"),
    ]
    assert "shard 1 of 2" in one.out
    whole = ackdrop("report", "merge", str(other.file), str(one.file))
    assert (whole.code, whole.verdicts) == (3, sorted(one.verdicts + other.verdicts))
    assert whole.out.endswith("\n3 results: 2 passed, 1 inconclusive\n")
    folders = ackdrop("report", "merge", str(one.file.parent / "runs"), str(other.file.parent / "runs"))
    assert folders.results == whole.results
    part = ackdrop("report", "merge", str(one.file))
    assert part.code == 3
    assert part.verdicts[-1] == ("Shard 2 of 2", "inconclusive")
    twice = ackdrop("report", "merge", str(one.file), str(one.file.parent / "runs"))
    assert twice.code == 2
    assert f"is in {one.file} and {one.file.parent / 'runs'}" in twice.err


def test_what_the_baseline_knows_does_not_fail_and_what_is_new_does(ran: Ran, ackdrop: Ackdrop) -> None:
    known = str(ran("broken").file)
    done = ackdrop("run", "fails.yaml", "--baseline", known)
    assert (done.code, done.verdicts) == (0, [("fails", "passed")])
    assert [kind["known"] for kind in done.results[0]["failures"]] == [True]
    assert "PASSED  Nothing new" in done.out
    assert "Known from the baseline result.json: on: expected duplicates >= 1." in done.out
    other = ackdrop("run", "other/fails.yaml", "--baseline", known)
    assert (other.code, other.codes()) == (1, ["expectation-failed"])
    assert [(kind["figure"], kind["known"]) for kind in other.results[0]["failures"]] == [
        ("duplicates", True),
        ("acked", False),
    ]
    assert "was made with another version of the scenario" in " ".join(other.out.split())
