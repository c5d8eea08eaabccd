"""What bash completes, asked of a real bash that has read what `ackdrop completion bash` prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
ASK = """
eval "$(ackdrop completion bash)"
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ackdrop_completion ackdrop
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words: str, folder: Path | None = None) -> list[str]:
    """What bash offers for the last of these words, behind `ackdrop`."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", "ackdrop", *words],
        env=ENVIRONMENT,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pro"], ["proxy", "probe"]),
        (["scenario", "v"], ["validate"]),
        (["run", "--prod"], ["--producer", "--producer-python"]),
        (["run", "--producer", "k"], ["kafka-python"]),
        (["run", "lost-ack-r"], ["lost-ack-reset"]),
        (["proxy", "--scenario", "given"], ["given-up"]),
        (["exec", "--broker", "e"], ["embedded"]),
        (["report", "--format", "gitl"], ["gitlab"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes(words: list[str], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_files_where_no_scenario_is_called_so() -> None:
    """`file` leaves it to bash, whose own completion of files goes on then."""
    assert completed("run", "./my-") == []
    asked = {**ENVIRONMENT, "_ACKDROP_COMPLETE": "bash_complete", "COMP_WORDS": "ackdrop run ./my-", "COMP_CWORD": "2"}
    done = subprocess.run(["ackdrop"], env=asked, capture_output=True, text=True, timeout=60)
    assert done.stdout == "file,./my-\n"


def test_the_first_word_imports_no_verb() -> None:
    """A key press is to be quick."""
    code = (
        "import json, sys; from ackdrop.cli import ackdrop; import click; "
        "ackdrop.shell_complete(click.Context(ackdrop), ''); "
        "print(json.dumps([m for m in sys.modules if m.startswith('ackdrop.cli.')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert set(json.loads(done.stdout)) == {"ackdrop.cli.failing", "ackdrop.cli.streams"}


@pytest.mark.parametrize(("shell", "begins"), [("zsh", "#compdef ackdrop"), ("fish", "function _ackdrop_completion")])
def test_the_other_shells(shell: str, begins: str) -> None:
    command = [BIN / "ackdrop", "completion", shell]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith(begins)
    assert f"_ACKDROP_COMPLETE={shell}_complete" in done.stdout


def test_another_shell_is_a_usage_error() -> None:
    done = subprocess.run([BIN / "ackdrop", "completion", "tcsh"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.stderr
