"""Files that are locked as long as something is under way, which no second ackdrop may do meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from ..errors import BrokerError


def lock_file(path: Path, variable: str) -> IO[str]:
    """The file, open, with its folder made: to be locked with `flock`, until it is closed. BrokerError where the
    folder, which this variable of the environment names, cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w")
    except OSError as error:
        raise BrokerError(
            f"{path.parent} cannot be written: {error.strerror}",
            remedy=f"make it writable or give another folder with {variable}",
        ) from error
