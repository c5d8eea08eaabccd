"""The bytes of a scenario's files, and their text."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from pathlib import Path

from .problems import Diagnostic, Refusal, Source

LIMIT = 128 * 1024
"""Bytes that a file may have."""


def content_of(path: Path, name: str) -> bytes:
    """The bytes of a file that messages call `name`. Raises Refusal."""
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refused(name, f"cannot be read: {reason}", "Name a scenario file.") from error
    if len(content) > LIMIT:
        raise _refused(name, f"larger than {LIMIT // 1024} KiB", "A scenario is a small YAML file.")
    return content


def decoded(content: bytes, name: str) -> str:
    """The text of these bytes. Raises Refusal."""
    content = content.removeprefix(BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        place = Source(name, before).place(len(before))
        byte = content[error.start]
        raise _refused(name, f"not UTF-8: the byte 0x{byte:02X}", "Save the file as UTF-8 text.", place) from error


def slug(path: Path) -> str:
    """The file's name without suffix, as part of a folder's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-.")[:60] or "scenario"


def _refused(name: str, text: str, remedy: str, place: tuple[int, int] | None = None) -> Refusal:
    line, column = place or (None, None)
    shown = f"{name}:{line}:{column}: {text}" if place else f"{name}: {text}"
    return Refusal([Diagnostic(name, line, column, "error", text, remedy, "file", shown)], remedy=remedy)
