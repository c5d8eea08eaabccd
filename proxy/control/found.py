"""The control APIs of this user that run: a small file for each in the user's runtime folder.

The proxy writes it when it listens and takes it away at its end; one whose process is gone means nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import SurroundingsError

_SUFFIX = ".control.json"


@dataclass(frozen=True, slots=True)
class Found:
    """A proxy that can be controlled. `token_file` is None where the token was given and not made."""

    pid: int
    control: str
    token_file: str | None
    listen: str
    bootstrap: str


def folder() -> Path:
    """The folder, which is this user's alone. Raises SurroundingsError where it cannot be had."""
    import platformdirs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fallback without XDG_RUNTIME_DIR, which is looked at below
        path = platformdirs.user_runtime_path("ackdrop")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = path.stat(follow_symlinks=False)
    except OSError as error:
        raise SurroundingsError(
            f"{path} cannot be made: {error.strerror or error}", remedy="name another one in XDG_RUNTIME_DIR"
        ) from error
    if about.st_uid != os.getuid() or not stat.S_ISDIR(about.st_mode) or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SurroundingsError(
            f"{path} is not a folder of yours alone", remedy="remove it, or name another one in XDG_RUNTIME_DIR"
        )
    return path


@contextlib.contextmanager
def told(found: Found) -> Iterator[None]:
    """While inside, others of this user find it. Raises SurroundingsError where that cannot be written."""
    path = folder() / f"{found.pid}{_SUFFIX}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(found), file)
    except OSError as error:
        raise SurroundingsError(f"{path} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def running() -> list[Found]:
    """Those of this user that run, by process id. What a process that is gone has left is taken away."""
    found = []
    for path in sorted(folder().glob(f"*{_SUFFIX}")):
        one = _read(path)
        if one is not None and _runs(one.pid):
            found.append(one)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return sorted(found, key=lambda one: one.pid)


def _read(path: Path) -> Found | None:
    try:
        return Found(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
