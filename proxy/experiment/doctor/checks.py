"""What a probe finds. No secret gets in: of settings there are the names alone, and a home folder is `~`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SCHEMA = "ackdrop/doctor/1"

State = Literal["ok", "note", "warning"]
"""`note`: something is not there that can be done without."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `facts` are the same for programs; `remedy` is what to do, where something is
    missing."""

    area: str
    name: str
    state: State
    text: str
    remedy: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was looked at, in its order."""

    checks: tuple[Check, ...]

    @property
    def warnings(self) -> list[Check]:
        """What ackdrop cannot do as it is."""
        return [check for check in self.checks if check.state == "warning"]

    @property
    def next(self) -> str:
        """What to do next."""
        if any(check.remedy for check in self.warnings):
            return "see what is said behind `try`, and run `ackdrop doctor` again"
        return "ackdrop run lost-ack"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        checks = [dataclasses.asdict(check) for check in self.checks]
        return {"schema": SCHEMA, "warnings": len(self.warnings), "next": self.next, "checks": checks}


def at_home(path: str | Path) -> str:
    """The path with `~` for the home folder, whose name is often a person's."""
    text = str(path)
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    inside = text == home or text.startswith(f"{home}/")
    return f"~{text[len(home) :]}" if inside and home != "/" else text
