"""Plans without a broker, and interpreters without a library."""

from __future__ import annotations

import dataclasses
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ackdrop.workload.plan import ProducerPlan

PLAN = ProducerPlan(
    client="confluent-kafka",
    bootstrap="127.0.0.1:1",
    topic="orders",
    partitions=1,
    run_id="run7",
    producer="p1",
    client_id="ackdrop-p1",
    idempotence=True,
    records=5,
    sends=1,
    rate=None,
    pipelined=True,
    value={"key": "value", "count": 1},
    config={"acks": "all"},
    client_config={},
    deadline=30.0,
)
"""Port 1 is closed: confluent-kafka takes the records, and waits for a broker that never comes."""


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., ProducerPlan]:
    def make(**changes: Any) -> ProducerPlan:
        return dataclasses.replace(PLAN, **changes)

    return make


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with the standard library alone."""
    folder = tmp_path_factory.mktemp("bare")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="session")
def drivers() -> list[Path]:
    """Every file that must run in a foreign interpreter."""
    folder = Path(sys.modules["ackdrop.workload.plan"].__file__ or "").parent
    return [
        folder / "channel.py",
        folder / "driving.py",
        folder / "turns.py",
        folder / "words.py",
        *sorted(folder.glob("drive_*.py")),
    ]
