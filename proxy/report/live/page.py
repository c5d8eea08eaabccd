"""How things stand, laid out as lines for a screen of some size.

Where a screen is low, what happened gives way first, then the figures; the head, one fault and the keys stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ...control.snapshot import Happened, Snapshot
from . import parts
from .amounts import span
from .desk import About
from .parts import Ink, Note

FEWEST = 3
"""What happened gets so many lines before faults get more."""


@dataclass(frozen=True, slots=True)
class Size:
    """A screen, in columns and lines."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be shown. `wall` is the time of day in seconds at the snapshot's `now`; `selected` a fault, counted
    from 0; `keys` whether keys can be pressed."""

    about: About
    snapshot: Snapshot
    wall: float
    selected: int = 0
    notes: tuple[Note, ...] = ()
    keys: bool = True


def page(seen: Seen, size: Size, *, ascii_only: bool = False) -> list[Text]:
    """At most `height` lines, each exactly `width` columns."""
    ink, width, snapshot = Ink(ascii_only), size.width, seen.snapshot
    head = _head(ink, seen, width)
    figures = parts.figures(ink, snapshot, width)
    left = size.height - len(head) - len(figures) - 7  # blank lines, two headings, the keys
    faults = parts.faults(ink, snapshot.faults, seen.selected, max(left - FEWEST, 1), width, keys=seen.keys)
    events: list[Happened | Note] = sorted((*snapshot.recent, *seen.notes), key=lambda each: each.at)
    last = parts.happened(ink, events, snapshot, seen.wall, left - len(faults), width) if left > len(faults) else []
    blank = Text(" " * width)
    lines = [*head, blank, *figures, blank, ink.fitted("faults", width, "bold"), *faults, blank]
    lines += [ink.fitted("what happened", width, "bold"), *last] if last else []
    foot = parts.footer(ink, len(snapshot.faults), width, keys=seen.keys)
    if len(lines) + 1 > size.height:
        lines = [*head, *faults][: max(size.height - 1, 0)]
    lines += [blank] * (size.height - 1 - len(lines))
    return [*lines, foot]


def _head(ink: Ink, seen: Seen, width: int) -> list[Text]:
    about, snapshot = seen.about, seen.snapshot
    long = span(snapshot.seconds)
    if about.seconds is not None:
        long += f" of {span(about.seconds)}"
    title = ink.fitted(about.title, width - len(long) - 1, "bold")
    return [
        title + ink.text(f" {long}", "faint"),
        ink.fitted(f"at {about.address}, in front of {about.broker}", width, "faint"),
    ]
