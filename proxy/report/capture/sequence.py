"""The lines of a capture: connection by connection, or all in their order in time.

By connection, lines wait in a temporary file until the capture is read, so that memory does not grow with it. In time,
each is printed as it comes, with its connection's number in front: for a pipe that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...capture.reading.events import Event, Frame, Opened
from ..clean import clean, shortened
from .lines import event
from .spool import Spool

_Key = tuple[str, int, int]
Print = Callable[[str], None]


class ByTime:
    """Prints each event at once."""

    def __init__(self, say: Print, width: int) -> None:
        self._say, self._width = say, width

    def tell(self, told: Event) -> None:
        """One more."""
        label = _label(told)
        if isinstance(told, Opened):
            self._say(f"{label:<5} {told.at:>11.3f} s ┌ {_ends(told)}")
            return
        for line in event(told, self._width - 6):
            self._say(f"{label:<5} {line}")

    def finish(self) -> None:
        """Nothing more comes."""


class ByConnection:
    """Prints a chapter for each connection, at the end. `only_frames`: one without a frame that is told is left out."""

    def __init__(self, say: Print, width: int, *, only_frames: bool) -> None:
        self._say, self._width, self._only_frames = say, width, only_frames
        self._spool = Spool()
        self._headings: dict[_Key, list[str]] = {}
        self._clients: dict[_Key, str] = {}
        self._filled: set[_Key] = set()

    def tell(self, told: Event) -> None:
        """One more."""
        key = told.where.arm, told.where.connection, told.where.turn
        if isinstance(told, Opened):
            self._headings.setdefault(key, []).append(_ends(told))
            return
        if isinstance(told, Frame):
            self._filled.add(key)
            if told.client_id:
                self._clients.setdefault(key, told.client_id)
        self._headings.setdefault(key, [])
        for line in event(told, self._width):
            self._spool.add(key, line + "\n")

    def finish(self) -> None:
        """Print all of it."""
        first = True
        for key, ends in self._headings.items():
            if self._only_frames and key not in self._filled:
                continue
            if not first:
                self._say("")
            first = False
            for line in self._heading(key, ends):
                self._say(line)
            for text in self._spool.texts(key):
                self._say(text.removesuffix("\n"))
        self._spool.close()

    def _heading(self, key: _Key, ends: list[str]) -> Iterator[str]:
        arm, number, turn = key
        client = shortened(clean(self._clients.get(key, "")), 40)
        parts = [
            f"connection {number}{f' of run {turn + 1}' if turn else ''}",
            f"arm {shortened(clean(arm), 20)}" if arm else "",
            client,
        ]
        yield "  ".join(part for part in parts if part)
        for end in ends:
            yield f"  {end}"


def _label(told: Event) -> str:
    arm = f"{shortened(clean(told.where.arm), 8)} " if told.where.arm else ""
    return f"{arm}{told.where.connection}"


def _ends(told: Opened) -> str:
    hop = {"client": "client ", "broker": "broker "}.get(told.where.hop, "")
    begins = "" if told.begins else ", its beginning is not in the capture"
    return f"{hop}{told.client} → {told.broker}{begins}"


def is_news(told: Event) -> bool:
    """Whether it is told besides frames: what was told on the other side of ackdrop is not told again."""
    return not (isinstance(told, Frame) and told.passed_on)
