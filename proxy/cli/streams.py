"""Standard output and standard error that cannot be written: a full disk behind them, a reader who has gone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from ..errors import SurroundingsError


class _Forgiving:
    """A stream that leaves out what cannot be written; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def forgive_standard_error() -> None:
    """What is said there ends nothing where nobody can hear it, a proxy between programs least of all."""
    if sys.stderr is not None and not isinstance(sys.stderr, _Forgiving):
        sys.stderr = cast(TextIO, _Forgiving(sys.stderr))


@contextlib.contextmanager
def writing(stream: TextIO) -> Iterator[None]:
    """A reader who has seen enough (`| head`) does not change how a command ends. Raises SurroundingsError where the
    report cannot be written for any other reason."""
    try:
        yield
    except BrokenPipeError:
        _give_up(stream)
    except OSError as error:
        _give_up(stream)
        raise SurroundingsError(
            f"the report cannot be written: {error.strerror or error}",
            remedy="`ackdrop report RUN_DIR` shows it again from the run's folder",
        ) from error


def _give_up(stream: TextIO) -> None:
    """What is left in its buffer goes nowhere, also when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
