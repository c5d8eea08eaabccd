"""The ten worked examples of the guide, each run as a user runs it: they hold what they claim."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ackdrop.environment import inherited
from ackdrop.scenario.files import shipped

pytestmark = pytest.mark.integration

GUIDE = (shipped()[0].parent / "README.md").read_text(encoding="utf-8")
SECTION = GUIDE.partition("\n## Ten worked examples\n")[2].partition("\n## ")[0]
EXAMPLES = dict(re.findall(r"^### (\d+)\. .*?```yaml\n(.*?)```", SECTION, re.MULTILINE | re.DOTALL))
SIDE_BY_SIDE = 3
DEADLINE = 80.0


def run(text: str, bootstrap: str, home: Path) -> tuple[int, str, Any]:
    """Exit code, standard error and report of one run."""
    home.mkdir()
    (home / "mine.yaml").write_text(text)
    command = [sys.executable, "-m", "ackdrop", "run", "mine.yaml", "--bootstrap", bootstrap, "--json", "result.json"]
    environment = inherited("ACKDROP_")
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=DEADLINE)
    return done.returncode, done.stderr, json.loads((home / "result.json").read_text())


@pytest.fixture(scope="module")
def ran(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, Any]]:
    home = tmp_path_factory.mktemp("guide")
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        done = {
            number: pool.submit(run, text, embedded_broker, home / f"number-{number}")
            for number, text in EXAMPLES.items()
        }
        return {number: future.result() for number, future in done.items()}


def test_there_are_ten() -> None:
    assert len(EXAMPLES) == 10


@pytest.mark.parametrize("number", EXAMPLES)
def test_it_holds_what_it_claims(ran: dict[str, tuple[int, str, Any]], number: str) -> None:
    code, err, report = ran[number]
    assert (code, report["verdict"], report["reasons"]) == (0, "passed", []), err
    assert "warning" not in err
