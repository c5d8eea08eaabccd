"""A run without a broker: a scenario, settings, and a person who writes down what is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ackdrop.errors import AckdropError
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.told import Told
from ackdrop.report.finished import Finished
from ackdrop.report.progress import Progress
from ackdrop.scenario.load import load
from ackdrop.scenario.models import Scenario


@dataclass(slots=True)
class Person:
    """Everything that was said, shown and complained of."""

    said: list[str] = field(default_factory=list)
    shown: list[Finished] = field(default_factory=list)
    complaints: list[AckdropError] = field(default_factory=list)

    def told(self) -> Told:
        return Told(Progress(quiet=True), self.said.append, self.said.append, self.shown.append, self.complaints.append)


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return RunSettings(out=tmp_path / "runs")


@pytest.fixture
def make_scenario(tmp_path: Path) -> Callable[[str], Scenario]:
    """`make_scenario(name)` is a valid scenario from a file of this name."""

    def make(name: str = "mine") -> Scenario:
        file = tmp_path / f"{name}.yaml"
        file.write_text("{version: 1, title: Mine, seed: 7}")
        return load(file)

    return make
