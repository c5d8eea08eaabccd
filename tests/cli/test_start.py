"""What `ackdrop proxy` has imported by the time it listens. How long that takes is measured by `bench/start_up.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "scapy", "pydantic", "pydantic_core", "ruamel", "jinja2", "markupsafe", "junitparser", "rich", "kafka", "fastapi",
    "hypercorn", "prometheus_client", "cryptography", "trustme", "psutil", "jsonpath", "cramjam", "jgo", "asyncio",
    "multiprocessing", "http.client", "urllib.request",
)  # fmt: skip
"""Libraries that a proxy can do without until something asks for them: together most of a second."""
ROOMS = (
    "ackdrop.packets", "ackdrop.probing", "ackdrop.workload.run", "ackdrop.verify.verdict", "ackdrop.verify.reader",
    "ackdrop.broker.choose", "ackdrop.broker.embedded", "ackdrop.broker.docker", "ackdrop.capture.writing.writer",
    "ackdrop.scenario.spec", "ackdrop.scenario.files", "ackdrop.report.terminal",
)  # fmt: skip
"""The same of our own modules."""

SHOW_MODULES = """
import json, signal, sys

class Listener:
    def write(self, text):
        if "listens on" in text:
            print(json.dumps(sorted(sys.modules)), flush=True)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return len(text)
    def flush(self): pass
    def isatty(self): return False

sys.stderr = Listener()
sys.argv = ["ackdrop", "proxy", *{arguments!r}]
from ackdrop.cli import main
main()
"""

NOBODY = ["--bootstrap", "127.0.0.1:1"]
"""A port on which no broker listens: the proxy listens all the same."""


def imported(folder: Path, *arguments: str) -> set[str]:
    code = SHOW_MODULES.format(arguments=[*arguments, "--listen", "127.0.0.1:0", "--no-verify"])
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[0]))


def test_a_proxy_listens_without_what_it_does_not_need_yet(tmp_path: Path) -> None:
    modules = imported(tmp_path, *NOBODY)
    assert "ackdrop.relay.proxy" in modules
    assert sorted(modules.intersection(HEAVY + ROOMS)) == []


@pytest.mark.integration
def test_nor_does_meeting_the_broker_need_it(tmp_path: Path, embedded_broker: str) -> None:
    modules = imported(tmp_path, "--bootstrap", embedded_broker)
    assert "ackdrop.kafka.asked" in modules
    assert sorted(modules.intersection(HEAVY + ROOMS)) == []


def test_a_scenario_costs_what_reads_it_and_no_more(tmp_path: Path) -> None:
    modules = imported(tmp_path, *NOBODY, "--scenario", "lost-ack")
    assert {"pydantic", "ruamel"} <= modules
    of_scenarios = {"pydantic", "pydantic_core", "ruamel", "ackdrop.scenario.spec", "ackdrop.scenario.files"}
    assert modules.intersection(HEAVY + ROOMS) <= of_scenarios
