"""What a report is drawn from: a run's result, and the folder that holds the rest of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..result import RunResult


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is over. `folder` has its `ledger.db` and `scenario.yaml`; None where there is none, or no more."""

    result: RunResult
    folder: Path | None
