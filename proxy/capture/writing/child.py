"""The process that writes a capture: it gets parcels on its standard input, and says on its standard output what became
of each. It ends with its input, whole, whatever has become of ackdrop.

Messages go both ways as `marshal` has them, with their size before them.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from time import monotonic
from typing import IO, NamedTuple

from .events import Parcel
from .files import Files
from .recorder import Recorder

AGAIN = 1.0
"""Seconds after which a disk that took nothing is tried again."""
SIZE = Struct("<I")
_NICE = 5


class Settings(NamedTuple):
    """The first message: the first file, the bytes that each may have, how many are kept, and what is added to the
    times of events for microseconds since 1970."""

    path: str
    size: int
    files: int
    wall: int


class Status(NamedTuple):
    """What there is by now. `failure` says why the last write failed, None where it did not."""

    paths: list[str]
    written: int
    missing: int
    ports: list[int]
    failure: str | None


def send(pipe: IO[bytes], message: bytes) -> None:
    """Send a message on an unbuffered pipe."""
    for part in (SIZE.pack(len(message)), message):
        view = memoryview(part)
        while view:
            view = view[pipe.write(view) :]


def receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None at the end, also where it comes in the middle of one."""
    head = _read(pipe, SIZE.size)
    return None if head is None else _read(pipe, SIZE.unpack(head)[0])


def _read(pipe: IO[bytes], count: int) -> bytes | None:
    out = bytearray(count)
    view = memoryview(out)
    while view:
        read = pipe.readinto(view)  # type: ignore[attr-defined]
        if not read:
            return None
        view = view[read:]
    return bytes(out)


class Child:
    """Writes parcels. A failing disk is tried again now and then; what comes meanwhile is lost and counted."""

    def __init__(self, settings: Settings) -> None:
        self._files = Files(Path(settings.path), settings.size, settings.files)
        self._recorder = Recorder(self._files, settings.wall)
        self._failure: str | None = None
        self._again = 0.0
        self._attempt(self._files.flush)

    def take(self, content: bytes) -> None:
        """Write a parcel."""
        write = self._failure is None or monotonic() >= self._again
        parcel = Parcel.unpacked(content)
        if not write:
            self._recorder.take(parcel, write=False)
        else:
            self._attempt(lambda: self._recorder.take(parcel))

    def close(self) -> None:
        """Write what is left."""
        self._attempt(self._files.close)

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._failure = error.strerror or str(error)
            self._again = monotonic() + AGAIN
        else:
            self._failure = None

    @property
    def status(self) -> Status:
        recorder, paths = self._recorder, [str(path) for path in self._files.paths]
        return Status(paths, recorder.written, recorder.missing, sorted(recorder.ports), self._failure)


def main() -> None:
    """Until standard input ends. Whoever relays goes first where there are few processors."""
    os.nice(_NICE)
    with open(0, "rb", 0, closefd=False) as given, open(1, "wb", 0, closefd=False) as told:
        first = receive(given)
        if first is not None:
            _serve(Child(Settings(*marshal.loads(first))), given, told)


def _serve(child: Child, given: IO[bytes], told: IO[bytes]) -> None:
    try:
        while (message := receive(given)) is not None:
            child.take(message)
            send(told, marshal.dumps(tuple(child.status)))
    except BrokenPipeError:  # nobody is there to be told
        pass
    finally:
        child.close()


if __name__ == "__main__":
    main()
