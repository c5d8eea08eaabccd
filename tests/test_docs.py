"""What `docs/while-it-runs.md` says is so: its commands, its faults, its paths and its metrics; the commands of
`docs/probe.md`; and the options, inputs and outputs of the pages about CI."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ackdrop.control.app import application
from ackdrop.control.gathering import Gathering, Sources
from ackdrop.control.metrics import Metrics
from ackdrop.scenario.added import added

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "while-it-runs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_its_faults_are_faults(text: str) -> None:
    assert len(added(text.encode(), []).rules) == 1


def test_its_commands_exist() -> None:
    lines = [line.strip().partition(" #")[0] for line in TEXT.splitlines() if line.startswith("    ackdrop ctl")]
    assert len(lines) == 10
    for line in lines:
        words = re.findall(r'"[^"]*"|\S+', line)[1:]
        verb = words[:3] if words[1] == "faults" else words[:2]
        subprocess.run([sys.executable, "-m", "ackdrop", *verb, "--help"], check=True, capture_output=True)


def test_its_metrics_are_all_that_there_are() -> None:
    told = set(re.findall(r"`(ackdrop_\w+)`", TEXT))
    names = re.findall(
        r"^# TYPE (\w+) ", Metrics(Gathering(Sources(lambda: 0.0)).snapshot).text().decode(), re.MULTILINE
    )
    assert told == set(names)


def test_its_paths_are_all_that_there_are() -> None:
    """A path that its table leaves out, or makes up, is one too many."""
    section = TEXT.partition("## The API")[2].partition("## Metrics")[0]
    paths = {
        found.partition("?")[0] for found in re.findall(r"(/[\w/]*v1/[\w/?=]+|/health|/metrics|/openapi.json)", section)
    }
    paths |= {f"/v1/faults/NAME{what}" for what in re.findall(r"`(/disarm|/reset)`", section)}
    guard = application(_Nobody(), "x" * 20)  # type: ignore[arg-type]
    there = {path.replace("{name}", "NAME") for path in guard._app.openapi()["paths"]}  # type: ignore[attr-defined]
    assert paths - {"/openapi.json"} == there


def test_the_options_of_a_probe_exist() -> None:
    text = (Path(__file__).parent.parent / "docs" / "probe.md").read_text(encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "ackdrop", "probe", "--help"], check=True, capture_output=True, text=True
    )
    options = set(re.findall(r"--[a-z][a-z-]+", text))
    assert len(options) > 8
    assert {option for option in options if option not in told.stdout} == set()


@pytest.mark.parametrize(
    ("page", "verbs"),
    [("in-pipelines.md", ("run", "proxy", "scenario validate", "doctor")), ("in-containers.md", ("proxy", "run"))],
)
def test_the_options_of_a_page_about_ci_exist(page: str, verbs: tuple[str, ...]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    others = {"--build-arg", "--target", "--rm", "--no-healthcheck", "--network", "--build"}  # Docker's
    told = "".join(
        subprocess.run(
            [sys.executable, "-m", "ackdrop", *verb.split(), "--help"], check=True, capture_output=True, text=True
        ).stdout
        for verb in verbs
    )
    assert {option for option in re.findall(r"--[a-z][a-z-]+", text) if option not in told} <= others


def test_the_page_about_pipelines_has_every_input_and_output_of_the_action() -> None:
    text = (DOCS / "in-pipelines.md").read_text(encoding="utf-8")
    action = YAML(typ="safe").load((DOCS.parent / "action.yml").read_text(encoding="utf-8"))
    section = text.partition("## GitHub")[2].partition("## GitLab")[0]
    assert {name for name in (*action["inputs"], *action["outputs"]) if f"`{name}`" not in section} == set()


class _Nobody:
    """A proxy of which nothing is asked."""

    def snapshot(self) -> None:
        raise AssertionError("nobody asks")

    def schema(self, prefix: str) -> dict[str, object]:
        return {}
