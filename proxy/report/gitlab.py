"""GitLab's Code Quality report: a JSON array of issues, shown in the merge request beside the scenario's lines.

GitLab compares fingerprints between branches, so an issue keeps its own from run to run, wherever its line moves. What
passed is no issue; where nothing was injected there is one that says so.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from .finished import Finished
from .notes import NOTHING_INJECTED, Note, in_repository, notes


def text(runs: Sequence[Finished]) -> str:
    """The report, in ASCII, with a line break at the end."""
    return shown(notes(runs))


def shown(found: Sequence[Note]) -> str:
    """The same of notes that are made already."""
    return json.dumps([_issue(note) for note in found if note.level != "notice"], indent=2) + "\n"


def _issue(note: Note) -> dict[str, object]:
    path, line = _place(note)
    fingerprint = hashlib.sha256(f"{path}\0{note.key}".encode("utf-8", "backslashreplace")).hexdigest()
    return {
        "description": ": ".join(filter(None, (note.title, *note.lines[:1]))),
        "check_name": f"ackdrop/{note.code}",
        "fingerprint": fingerprint,
        "severity": _severity(note),
        "location": {"path": path, "lines": {"begin": line}},
        "content": {"body": "\n".join(note.lines)},
    }


def _place(note: Note) -> tuple[str, int]:
    """GitLab wants a place of every issue; what is in no file of the repository goes by its bare name."""
    spot = note.spot
    if spot is None:
        return "ackdrop", 1
    return in_repository(spot.file, os.environ.get("CI_PROJECT_DIR")) or Path(spot.file).name, spot.line or 1


def _severity(note: Note) -> str:
    if note.level == "error":
        return "critical"
    return "info" if note.code == NOTHING_INJECTED else "minor"
