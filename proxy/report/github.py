"""Annotations of GitHub Actions: workflow commands, which the runner reads out of a step's output.

What came from outside is escaped as GitHub's own toolkit does it, so that it ends neither a command nor a line. GitHub
shows ten errors, ten warnings and ten notices of a step: the worst come first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from .finished import Finished
from .notes import Note, in_repository, notes

_ESCAPED = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_ESCAPED_PROPERTY = {**_ESCAPED, ":": "%3A", ",": "%2C"}
_COMMAND = re.compile(r"^(?=\s*::)", re.MULTILINE)


def text(runs: Sequence[Finished]) -> str:
    """A line for each note, with a line break at the end."""
    return shown(notes(runs))


def shown(found: Sequence[Note]) -> str:
    """The same of notes that are made already."""
    return "".join(f"{_annotation(note)}\n" for note in found)


def harmless(output: str) -> str:
    """Output in which the runner finds no command: it looks for `::` where a line begins, and for `##[` anywhere."""
    return _COMMAND.sub(r"\\", output).replace("##[", "#\\#[")


def _annotation(note: Note) -> str:
    spot = note.spot
    properties: dict[str, object] = {"title": note.title or None}
    if spot is not None:
        path = in_repository(spot.file, os.environ.get("GITHUB_WORKSPACE")) or spot.file
        properties = {"file": path, "line": spot.line, "col": spot.column, **properties}
    told = [
        f"{name}={_escaped(str(value), _ESCAPED_PROPERTY)}" for name, value in properties.items() if value is not None
    ]
    text = _escaped("\n".join(note.lines), _ESCAPED)
    return f"{' '.join([f'::{note.level}', *([','.join(told)] if told else [])])}::{text}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)
