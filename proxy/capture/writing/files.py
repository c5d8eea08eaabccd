"""The files of a capture: one after the other, none larger than it may be, and only so many.

`capture.pcapng` is followed by `capture_00002_20261126163000.pcapng` and so on, as dumpcap names its files; the oldest
is removed once there are too many. Each begins with the same blocks and opens by itself. What the disk did not take is
cut off again, so that a file always ends with a whole block.
"""

from __future__ import annotations

import contextlib
import platform
from datetime import UTC, datetime
from io import FileIO
from itertools import groupby
from pathlib import Path

from ... import __version__
from ...errors import SurroundingsError, UsageError
from . import pcapng

_WHERE = "what is said inside TLS is shown where TLS ends at ackdrop"
_PREAMBLE = (
    pcapng.section(platform.machine(), f"{platform.system()} {platform.release()}", f"ackdrop {__version__}")
    + pcapng.interface("client", f"between clients and ackdrop; {_WHERE}; credentials are blanked")
    + pcapng.interface("broker", f"between ackdrop and brokers; {_WHERE}; credentials are blanked")
)
_LARGE = 8192
"""Parts of so many bytes are written as they are; smaller ones are put together."""
CLIENT, BROKER = 0, 1
"""The numbers of the two interfaces."""


class Files:
    """Blocks wait here until `flush`. `number` counts the files from 1, `paths` are those that are there."""

    def __init__(self, path: Path, limit: int, most: int) -> None:
        self.paths: list[Path] = []
        self.number = 0
        self._first = path
        self._limit = limit
        self._most = most
        self.waiting = 0
        """Bytes that wait."""
        self._parts: list[bytes] = []
        self._written = 0
        self._file = self._opened(path)

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more belong into this file; one block always does."""
        used = (self._written or len(_PREAMBLE)) + self.waiting
        return used + size <= self._limit or used == len(_PREAMBLE)

    def next(self) -> None:
        """Go on in another file; all has to be flushed. Raises OSError where there can be none."""
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        file = self._opened(self._first.with_stem(f"{self._first.stem}_{self.number + 1:05}_{stamp}"))
        self._file.close()
        self._file = file

    def add(self, *block: bytes) -> None:
        """Have a block, in its parts, written with the next `flush`."""
        self._parts += block
        self.waiting += sum(map(len, block))

    def flush(self) -> None:
        """Write what waits. Raises OSError where the disk does not take it; it is gone then."""
        parts = self._parts if self._written else [_PREAMBLE, *self._parts]
        self._parts, self.waiting = [], 0
        try:
            for large, some in groupby(parts, lambda part: len(part) >= _LARGE):
                for portion in some if large else (b"".join(some),):
                    self._write(portion)
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._written)
                self._file.seek(self._written)
            raise
        self._written += sum(map(len, parts))

    def _write(self, portion: bytes) -> None:
        view = memoryview(portion)
        while view:
            view = view[self._file.write(view) :]

    def close(self) -> None:
        """Write what waits, and close. Raises OSError as `flush` does."""
        try:
            self.flush()
        finally:
            self._file.close()

    def _opened(self, path: Path) -> FileIO:
        file = path.open("wb", buffering=0)
        self.number += 1
        self.paths.append(path)
        self._written = 0
        while len(self.paths) > self._most:
            with contextlib.suppress(FileNotFoundError):  # somebody else was faster
                self.paths.pop(0).unlink()
        return file


def check(path: Path) -> None:
    """Whether a capture can be written there. Raises UsageError for something that is there and is no capture."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no file", remedy="name a file with --capture, such as capture.pcapng")
    try:
        with path.open("rb") as file:
            begins = file.read(len(pcapng.MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}", remedy="name another file") from error
    if begins and begins != pcapng.MAGIC:
        raise UsageError(
            f"{path} is there, and is no capture; it would be overwritten", remedy="name another file with --capture"
        )


def opened(path: Path, limit: int, most: int) -> Files:
    """The first file, with its blocks. Raises SurroundingsError where it cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files = Files(path, limit, most)
        files.flush()
    except OSError as error:
        raise SurroundingsError(
            f"cannot write {path}: {error.strerror or error}", remedy="name another file with --capture"
        ) from error
    return files
