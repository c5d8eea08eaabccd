"""Room on the disk that is kept for the report, so that a run whose ledger has filled the disk can still tell of it."""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from pathlib import Path
from typing import IO

SIZE = 2 << 20
"""Bytes: `report.json` of a run with hundreds of findings, and its page."""


class Reserve:
    """An anonymous file in the run's folder: nothing is left of it, however ackdrop ends. Where the disk does not even
    have that much, there is none."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with its owner
            weakref.finalize(self, self._file.close)
            self._file.write(bytes(SIZE))

    def give_back(self) -> None:
        """Let others have the room; safe to call twice."""
        if self._file is not None:
            self._file.close()
