"""The page's pieces, each a few lines of text for a given width: figures, faults, what happened, keys.

Whatever comes from outside goes through `Ink.text`, which makes it harmless. Nothing says with colour alone what it
says.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ...control.snapshot import FaultState, Happened, Kind, Snapshot
from ..clean import clean
from ..words import counted, times
from .amounts import rate, size

WIDE = 72
"""From so many columns on, figures stand in two columns."""
_LABEL = 14
_COLUMN = 50
_IN_ASCII = str.maketrans({"↑": "up", "↓": "down", "·": "-", "…": "~", "→": "->"})
_STYLES: dict[Kind, str] = {
    "connected": "faint",
    "closed": "faint",
    "retry": "unsure",
    "fault": "bold",
    "acted": "bold",
    "change": "changed",
    "undecoded": "bad",
    "error": "bad",
}


@dataclass(frozen=True, slots=True)
class Ink:
    """How text gets onto the page."""

    ascii_only: bool = False

    def text(self, text: str, style: str = "") -> Text:
        """The only way from a string to the screen."""
        told = clean(text.translate(_IN_ASCII) if self.ascii_only else text, ascii_only=self.ascii_only)
        made = Text(told, no_wrap=True, overflow="crop", end="")
        made.stylize(style)  # a style of the text itself would be that of whatever is put behind it, too
        return made

    def fitted(self, text: str, width: int, style: str = "") -> Text:
        """The same, in exactly so many columns."""
        made = self.text(text, style)
        if made.cell_len > width:
            made = self.text(set_cell_size(made.plain, max(width - 1, 0)), style) + self.text("…"[: max(width, 0)])
        made.truncate(width, pad=True)
        return made


def figures(ink: Ink, snapshot: Snapshot, width: int) -> list[Text]:
    """What flows, on the left; what became of it, on the right, or below where there is no room beside."""
    left, right = _flow(snapshot), _fate(snapshot)
    if width < WIDE:
        return [_figure(ink, *each, width) for each in (*left, *right)]
    half = min(width // 2, _COLUMN)
    lines = []
    for n in range(len(left)):
        line = Text()
        for column, room in ((left, half), (right, width - half)):
            line += _figure(ink, *column[n], room)
        lines.append(line)
    return lines


def _figure(ink: Ink, label: str, value: str, style: str, width: int) -> Text:
    return ink.fitted(label, _LABEL, "faint") + ink.fitted(value, width - _LABEL, style)


def _flow(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    rates, errors = snapshot.rates, snapshot.errors
    return [
        ("connections", f"{snapshot.connections_open:,} open, {snapshot.connections_total:,} in all", ""),
        ("requests", f"{rate(rates.requests)}/s", ""),
        ("produce", f"{rate(rates.produce)}/s, {snapshot.produce_requests:,} in all", ""),
        ("traffic", f"{size(rates.client_bytes)}/s in, {size(rates.broker_bytes)}/s back", ""),
        ("errors", f"{errors:,} from the broker" if errors else "none", _alert(errors)),
    ]


def _fate(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    acks, retries = snapshot.acks, snapshot.retries
    told = f"{retries.retries:,}"
    if retries.retries:
        told += f": {retries.protected:,} protected, {retries.unprotected:,} not"
    again, unread = retries.records_appended_again, snapshot.undecoded
    return [
        ("acks dropped", f"{acks.dropped:,}, {acks.withheld:,} withheld, {acks.delayed:,} late", _alert(acks.dropped)),
        ("retries", told, _alert(retries.retries)),
        ("  recognised", f"{retries.deduplicated:,} by the broker", ""),
        ("  doubled", counted(again, "record"), "bad.bold" if again else ""),
        ("not read", counted(unread, "frame") if unread else "none", "bad" if unread else ""),
    ]


def _alert(count: int) -> str:
    return "unsure" if count else ""


def faults(ink: Ink, found: Sequence[FaultState], selected: int, most: int, width: int, *, keys: bool) -> list[Text]:
    """A line for each fault, at most so many, the selected one among them; and one for those that are left out."""
    if not found:
        return [ink.fitted("no faults: everything passes as it is", width, "faint")]
    shown = most if len(found) <= most else max(most - 1, 1)
    first = min(max(selected - shown + 1, 0), max(len(found) - shown, 0))
    names = min(max(cell_len(clean(each.name)) for each in found), max(width - 47, 16))
    lines = [
        _fault(ink, number, each, names, width, marked=keys and len(found) > 1 and number == selected)
        for number, each in list(enumerate(found))[first : first + shown]
    ]
    if len(found) > shown:
        lines.append(ink.fitted(f"     and {len(found) - shown:,} more", width, "faint"))
    return lines


def _fault(ink: Ink, number: int, state: FaultState, names: int, width: int, *, marked: bool) -> Text:
    resting = "" if state.armed else "faint"
    line = ink.text(">" if marked else " ") + ink.text(f"{number + 1:>2}  ", "faint")
    line += ink.fitted("armed" if state.armed else "off", 7, "good" if state.armed else "faint")
    line += ink.fitted(state.name, names, "bold" if state.armed else "faint") + ink.text("  ")
    line += ink.fitted(f"fired {state.fired:,} of {state.matched:,}", 22, "unsure" if state.fired else resting)
    room = width - line.cell_len
    if room > 8:
        line += ink.fitted(f"{state.do} at {state.at}" if room < cell_len(state.said) else state.said, room, "faint")
    line.truncate(width, pad=True)
    return line


@dataclass(frozen=True, slots=True)
class Note:
    """Something that somebody said. `at` is on the clock of observations."""

    at: float
    text: str


def happened(
    ink: Ink, found: Sequence[Happened | Note], snapshot: Snapshot, wall: float, most: int, width: int
) -> list[Text]:
    """The last things, the newest at the bottom; what happened several times on end has one line, with its last time.

    `wall` is the time of day, in seconds, at the snapshot's `now`.
    """
    if not found:
        return [ink.fitted("nothing yet", width, "faint")]
    lines = [_line(ink, each, count, wall - (snapshot.now - each.at), width) for each, count in _folded(found, most)]
    return lines[::-1]


def _folded(found: Sequence[Happened | Note], most: int) -> list[tuple[Happened | Note, int]]:
    """The last ones, the newest first, each with how often it happened on end."""
    folded: list[tuple[Happened | Note, int]] = []
    for each in reversed(found):
        if folded and _told(each) == _told(folded[-1][0]):
            folded[-1] = folded[-1][0], folded[-1][1] + 1
        elif len(folded) == most:
            break
        else:
            folded.append((each, 1))
    return folded


def _line(ink: Ink, each: Happened | Note, count: int, at: float, width: int) -> Text:
    word, style, text = _told(each)
    if count > 1:
        text = f"({times(count)}) {text}"
    line = ink.text(time.strftime("%H:%M:%S  ", time.localtime(at)), "faint") + ink.fitted(word, 11, style)
    line += ink.fitted(text, max(width - line.cell_len, 0), "faint" if style == "faint" else "")
    line.truncate(width, pad=True)
    return line


def _told(each: Happened | Note) -> tuple[str, str, str]:
    if isinstance(each, Note):
        return "note", "changed", each.text
    text = each.text if each.fault is None else f'"{each.fault}": {each.text}'
    return each.kind, _STYLES[each.kind], text


def footer(ink: Ink, faults: int, width: int, *, keys: bool) -> Text:
    """What can be pressed."""
    if not keys:
        return ink.fitted("Ctrl-C ends it and reports", width, "faint")
    told = ["q ends it and reports"]
    if faults:
        told.append("1 arms or disarms the fault" if faults == 1 else f"1-{min(faults, 9)} arm or disarm a fault")
    if faults > 1:
        told.append("↑ ↓ and space as well")
    return ink.fitted("   ".join(told), width, "faint")
