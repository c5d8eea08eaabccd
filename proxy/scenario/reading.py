"""The bytes of a scenario's files, and their text."""

from __future__ import annotations

import re
import stat
from codecs import BOM_UTF8
from pathlib import Path

from .problems import Problem, Refusal, Source, unread

LIMIT = 128 * 1024
"""Bytes that a file may have."""

_AS_UTF8 = "Save the file as UTF-8 text."


def content_of(path: Path, name: str) -> bytes:
    """The bytes of a file that messages call `name`. Raises Refusal."""
    try:
        if _may_wait(path):
            raise _refused(name, "cannot be read: a named pipe, which may never end", "Name a scenario file.")
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
        before = Source(name, content[: error.start].decode("utf-8")).text
        source = Source(name, content.decode("utf-8", "replace"))
        problem = Problem(len(before), f"not UTF-8: the byte 0x{content[error.start]:02X}", _AS_UTF8, "file")
        raise Refusal([source.told(problem)]) from error


def slug(path: Path) -> str:
    """The file's name without suffix, as part of a folder's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-.")[:60] or "scenario"


def _refused(name: str, text: str, hint: str) -> Refusal:
    return Refusal([unread(name, text, hint)])


def _may_wait(path: Path) -> bool:
    """Whether it is a pipe of the file system, which nobody may ever write to; one of a shell's `<(...)` is none."""
    return stat.S_ISFIFO(path.stat().st_mode) and path.resolve().exists()
