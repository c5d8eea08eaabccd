"""The README says what is so: its commands, its scenario, its exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ackdrop.result import EXIT_CODES
from ackdrop.scenario.load import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for line in README.splitlines() if line.startswith("    ")]


def test_its_first_two_commands() -> None:
    """They are a contract: each does everything on a machine with Python alone."""
    assert [line for line in COMMANDS if line.startswith("python3 -m venv")] == [
        "python3 -m venv .venv && .venv/bin/pip install '.[embedded]' && .venv/bin/ackdrop run lost-ack",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[embedded,test]' && .venv/bin/pytest",
    ]


def test_ci_runs_the_test_command() -> None:
    command = next(line for line in COMMANDS if line.endswith("/pytest"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_its_first_screen_says_what_it_is_for_and_shows_a_run() -> None:
    screen = "\n".join(README.splitlines()[:50])
    assert "Is a lost ack my duplicate?" in screen
    assert "idempotence off     idempotence on" in screen
    assert "PASSED" in screen


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_its_scenarios_are_valid(text: str) -> None:
    load(text)


def test_its_exit_codes() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert told == {*EXIT_CODES.values(), 2}


def test_every_verb_and_option_it_names_exists() -> None:
    """Each `ackdrop VERB ... --option` in the README, checked against the help of that verb."""
    lines = [line for line in COMMANDS if line.startswith("ackdrop ")]
    assert lines
    for line in lines:
        words = line.partition(" #")[0].split()
        verb = words[1:3] if words[1] in ("scenario", "broker", "tls") else words[1:2]
        text = subprocess.run(
            [sys.executable, "-m", "ackdrop", *verb, "--help"], check=True, capture_output=True, text=True
        ).stdout
        for option in (word for word in words if word.startswith("--")):
            assert option in text, line


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
