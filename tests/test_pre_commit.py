"""The pre-commit hook: its manifest, the files that it is for, and its entry as pre-commit runs it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests" / "samples" / "pipeline"
HOOKS: list[dict[str, Any]] = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
(HOOK,) = HOOKS


def committed(folder: Path, *names: str, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Pre-commit splits the entry as a shell does, finds its program in the hook's environment, and appends arguments
    and file names."""
    program, *rest = shlex.split(HOOK["entry"])
    command = [str(Path(sys.executable).parent / program), *rest, *arguments, *names]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_manifest_has_what_pre_commit_asks_for() -> None:
    assert {"id", "name", "entry", "language"} <= set(HOOK)
    used = YAML(typ="safe").load((SAMPLE / ".pre-commit-config.yaml").read_text())
    assert [hook["id"] for repository in used["repos"] for hook in repository["hooks"]] == [HOOK["id"]]


@pytest.mark.parametrize(
    ("name", "checked"),
    [
        ("scenarios/lost-ack.yaml", True),
        ("services/orders/chaos/a.yml", True),
        ("scenarios/parts/common.yaml", False),
        ("scenarios/README.md", False),
        ("my-scenarios/a.yaml", False),
        ("values.yaml", False),
    ],
)
def test_the_files_it_is_for(name: str, checked: bool) -> None:
    assert bool(re.search(HOOK["files"], name)) is checked


def test_valid_files_pass() -> None:
    names = [str(path.relative_to(SAMPLE)) for path in sorted((SAMPLE / "scenarios").iterdir())]
    assert len(names) == 3
    assert committed(SAMPLE, *names).returncode == 0


def test_a_wrong_one_stops_the_commit_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_bytes((SAMPLE / "scenarios" / "passing.yaml").read_bytes())
    (tmp_path / "bad.yaml").write_text("version: 1\nfaults:\n  - at: produce.respons\n    do: {drop: {}}\n")
    done = committed(tmp_path, "good.yaml", "bad.yaml")
    assert done.returncode == 2
    assert "bad.yaml:3:9: " in done.stderr


def test_arguments_of_the_users_configuration(tmp_path: Path) -> None:
    """`args: [--strict]`: then a warning stops it as well."""
    text = (SAMPLE / "scenarios" / "passing.yaml").read_text().replace("{attempt: first}", "{topic: orders}")
    (tmp_path / "warned.yaml").write_text(text)
    assert committed(tmp_path, "warned.yaml").returncode == 0
    assert committed(tmp_path, "warned.yaml", arguments=("--strict",)).returncode == 2
