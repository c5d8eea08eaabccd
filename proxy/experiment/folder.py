"""A run's folder: made anew for each run, named by time and scenario."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path

from ..errors import SurroundingsError, UsageError


def make(out: Path, name: str) -> Path:
    """`OUT/2026-11-23T06-12-09-lost-ack`, with a number behind it where two runs start in one second."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
    for number in itertools.count(1):
        folder = out / (f"{stamp}-{name}" if number == 1 else f"{stamp}-{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not out.is_dir():
                raise SurroundingsError(f"{out} is not a folder", remedy="name another one with --out") from None
            continue
        except OSError as error:
            raise _cannot_make(folder, error) from error
        return folder
    raise AssertionError("counting ends nowhere")


def slug(text: str) -> str:
    """The text as part of a folder's name, its end where it is long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[-80:].strip("-.") or "run"


def made(folder: Path) -> Path:
    """This very folder, made now."""
    try:
        folder.mkdir()
    except OSError as error:
        raise _cannot_make(folder, error) from error
    return folder


def latest(out: Path) -> Path:
    """The folder of the last run in OUT. UsageError: there is none."""
    runs = sorted(path for path in out.iterdir() if (path / "report.json").is_file()) if out.is_dir() else []
    if not runs:
        raise UsageError(f"no run lies in {out}", remedy="name a run's folder, or make one with: ackdrop run")
    return runs[-1]


def _cannot_make(folder: Path, error: OSError) -> SurroundingsError:
    return SurroundingsError(
        f"cannot make {folder}: {error.strerror}", remedy="name a folder that can be written to with --out"
    )
