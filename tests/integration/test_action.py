"""The GitHub Action as the runner does it: the step's own line in bash, its environment, files in place of GitHub's.

The sample project's pipelines run side by side against the embedded Kafka: one passes, one fails, one is inconclusive,
and one is about the project's own program.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ackdrop.environment import inherited

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "tests" / "samples" / "pipeline"
ACTION = YAML(typ="safe").load((ROOT / "action.yml").read_text())
(STEP,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == "ackdrop")


@dataclass(frozen=True, slots=True)
class Done:
    """How the step ended, what it printed, and what is in GitHub's files and in its folder."""

    code: int
    out: str
    summary: str
    outputs: dict[str, str]
    home: Path

    @property
    def annotations(self) -> list[str]:
        """The workflow commands that the runner would take for annotations."""
        lines, stopped = [], ""
        for line in self.out.splitlines():
            if stopped:
                stopped = "" if line == f"::{stopped}::" else stopped
            elif found := re.match(r"::stop-commands::(\w+)", line):
                stopped = found[1]
            elif line.startswith(("::error", "::warning", "::notice")):
                lines.append(line)
        assert not stopped
        return lines

    @property
    def cases(self) -> dict[str, list[str]]:
        """JUnit's cases by their outcome."""
        found: dict[str, list[str]] = {}
        for case in ET.parse(Path(self.outputs["report"]) / "junit.xml").iter("testcase"):
            outcome = next((child.tag for child in case if child.tag != "system-out"), "passed")
            found.setdefault(outcome, []).append(f"{case.get('classname')}: {case.get('name')}")
        return found


def step(home: Path, **inputs: str) -> Done:
    """Run the step in a checkout of the sample project."""
    project = home / "project"
    shutil.copytree(SAMPLE, project)
    (home / "temp").mkdir()
    wanted = (
        {name: told.get("default", "") for name, told in ACTION["inputs"].items()} | {"version": "installed"} | inputs
    )
    environment = {name: evaluated(text, wanted) for name, text in STEP["env"].items()}
    kept = inherited("ACKDROP_", "GITHUB_", "CI_")
    script = home / "step.sh"
    script.write_text(STEP["run"])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=project,
        env={
            **kept,
            **environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(project),
            "GITHUB_OUTPUT": str(home / "output"),
            "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
            "RUNNER_TEMP": str(home / "temp"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    outputs = dict(line.split("=", 1) for line in (home / "output").read_text().splitlines())
    summary = (home / "summary.md").read_text() if (home / "summary.md").exists() else ""
    return Done(done.returncode, done.stdout, summary, outputs, home)


def evaluated(text: str, inputs: dict[str, str]) -> str:
    """An expression of the step's environment: an input, or the Python of a step that does not run here."""
    (expression,) = re.fullmatch(r"\$\{\{ (\S+) \}\}", text).groups()  # type: ignore[union-attr]
    kind, _, name = expression.partition(".")
    return inputs[name] if kind == "inputs" else sys.executable


@pytest.fixture(scope="module")
def pipelines(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """The sample project's pipelines that run its scenarios, two at a time."""
    names = ("passing", "failing", "inconclusive")

    homes = [tmp_path_factory.mktemp(name) for name in names]

    def one(name: str, home: Path) -> Done:
        return step(home, scenarios=f"scenarios/{name}.yaml", bootstrap=embedded_broker)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(one, names, homes), strict=True))


@pytest.mark.integration
def test_a_pipeline_that_passes(pipelines: dict[str, Done]) -> None:
    done = pipelines["passing"]
    assert done.code == 0, done.out
    assert {name: done.outputs[name] for name in ("verdict", "exit-code", "runs", "passed", "failed")} == {
        **{"verdict": "passed", "exit-code": "0", "runs": "1", "passed": "1", "failed": "0"}
    }
    assert {name: done.outputs[name] for name in ("faults-fired", "retries", "duplicates", "lost")} == {
        **{"faults-fired": "2", "retries": "2", "duplicates": "0", "lost": "0"}
    }
    assert list(done.cases) == ["passed"]
    assert done.summary.startswith("## ✓ PASSED: The broker says that the third append took too long")
    (notice,) = done.annotations
    assert notice.startswith("::notice file=scenarios/passing.yaml,line=2,col=1,title=PASSED passing::With idempotence")


@pytest.mark.integration
def test_a_pipeline_that_fails(pipelines: dict[str, Done]) -> None:
    done = pipelines["failing"]
    assert done.code == 1, done.out
    assert (done.outputs["verdict"], done.outputs["exit-code"], done.outputs["failed"]) == ("failed", "1", "1")
    assert done.outputs["duplicates"] == "4"
    assert done.cases == {"passed": ["failing.on: lost 0"], "failure": ["failing.on: duplicates 0"]}
    assert done.summary.startswith("## ✗ FAILED: An order is sent twice")
    assert "application-resend" in done.summary
    (error,) = done.annotations
    line = (SAMPLE / "scenarios" / "failing.yaml").read_text().splitlines().index("    duplicates: 0") + 1
    assert error.startswith(f"::error file=scenarios/failing.yaml,line={line},col=5,title=FAILED failing%2C on")


@pytest.mark.integration
def test_a_pipeline_that_is_inconclusive(pipelines: dict[str, Done]) -> None:
    """Every expectation of its own held, and it is no pass."""
    done = pipelines["inconclusive"]
    assert done.code == 3, done.out
    assert (done.outputs["verdict"], done.outputs["exit-code"], done.outputs["passed"]) == ("inconclusive", "3", "0")
    assert (done.outputs["inconclusive"], done.outputs["faults-fired"], done.outputs["duplicates"]) == ("1", "0", "0")
    assert done.cases["failure"] == ["inconclusive.off: duplicates ≥ 1"]
    assert "passed" not in done.cases
    assert "inconclusive.on: fault-never-fired" in done.cases["error"]
    assert done.summary.startswith("## ? INCONCLUSIVE: The fault that never comes")
    assert all(line.startswith("::warning ") for line in done.annotations)
    line = (
        (SAMPLE / "scenarios" / "inconclusive.yaml").read_text().splitlines().index("  - name: lose the hundredth ack")
    )
    assert any(f"line={line + 1},col=5" in told and "fault-never-fired" in told for told in done.annotations)


@pytest.mark.integration
def test_what_is_uploaded(pipelines: dict[str, Done]) -> None:
    folder = Path(pipelines["passing"].outputs["report"])
    assert {path.name for path in folder.iterdir()} == {
        *("report.json", "junit.xml", "report.html", "summary.md", "runs")
    }
    assert json.loads((folder / "report.json").read_text())["verdict"] == "passed"
    assert (folder / "report.html").read_text().lower().startswith("<!doctype html>")
    names = {done.outputs["artifact"] for done in pipelines.values()}
    assert len(names) == 3


@pytest.mark.integration
def test_a_program_of_the_projects_own(embedded_broker: str, new_topic: Callable[..., str], tmp_path: Path) -> None:
    done = step(
        tmp_path,
        scenarios="scenarios/passing.yaml",
        bootstrap=embedded_broker,
        command=f"export TOPIC={new_topic(1)}\npython produce.py",
        arms="off=IDEMPOTENCE=false\non=IDEMPOTENCE=true\n",
    )
    assert done.code == 0, done.out
    assert (done.outputs["verdict"], done.outputs["retries"], done.outputs["duplicates"]) == ("passed", "2", "0")


def test_inputs_are_no_text_of_a_shell(tmp_path: Path) -> None:
    """What a shell would run is the name of a scenario that is not there; what looks like an option is one, too."""
    done = step(tmp_path, scenarios="'$(touch one); `touch two`; touch three' --keep")
    assert (done.code, done.outputs["verdict"], done.outputs["exit-code"]) == (2, "error", "2")
    assert "no such file or folder" in done.out
    assert {path.name for path in (tmp_path / "project").iterdir()} == {path.name for path in SAMPLE.iterdir()}
    assert done.annotations[0].startswith("::error title=ackdrop::$(touch one)")
    assert "could not run" in done.summary


def test_no_step_writes_an_input_into_a_shell() -> None:
    steps = ACTION["runs"]["steps"]
    assert [line for step in steps for line in [step.get("run", "")] if "${{" in line] == []
    assert {text for text in STEP["env"].values() if "inputs." in text} == {
        f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"] if name not in ("python", "artifact")
    }


def test_every_output_is_one_of_the_step() -> None:
    for name, told in ACTION["outputs"].items():
        assert told["value"] == f"${{{{ steps.ackdrop.outputs.{name} }}}}"


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({"arms": "off=A=1"}, "there is no command"),
        ({"scenarios": "a b", "command": "true"}, "`scenarios` are 2"),
        ({"arguments": "'open"}, "`arguments`: No closing quotation"),
        ({"version": "0.1.0; touch x"}, "is no version"),
        ({"version": "", "extras": "--index-url=http://x"}, "is no list of names"),
        ({"arguments": "--no-such-option"}, "reported nothing: see the log"),
    ],
)
def test_wrong_inputs_are_said_and_nothing_is_run(tmp_path: Path, inputs: dict[str, str], text: str) -> None:
    done = step(tmp_path, **inputs)
    assert (done.code, done.outputs["verdict"]) == (2, "error")
    assert text in done.annotations[0]
    assert text in done.summary
    assert "Traceback" not in done.out


def test_every_output_of_the_step_is_told(pipelines: dict[str, Done]) -> None:
    told: set[Any] = set(pipelines["passing"].outputs)
    assert set(ACTION["outputs"]) <= told
