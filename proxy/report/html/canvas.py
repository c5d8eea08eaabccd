"""What a sequence diagram is drawn on: four lanes, a gutter for the times, and a place to go on from, downwards."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from .svg import SIZE, fitting, joined, tag

WIDTH = 500
PRODUCER, PROXY, BROKER, LOG = 108, 224, 340, 452
EDGE = 88
"""The right edge of the gutter."""

_LANES = {"producer": PRODUCER, "proxy": PROXY, "broker": BROKER, "log": LOG}
_TOP = 28.0
_LINE = 15.0
_SMALL = 11.0


class Canvas:
    """Draws below what is there already. `down` goes on; all else draws at the place where it is."""

    def __init__(self) -> None:
        self._y = _TOP + 4
        self._parts: list[Markup] = []
        self._pauses: list[tuple[float, float]] = []

    def down(self, by: float) -> float:
        """Go on by so much. Returns where that is."""
        self._y += by
        return self._y

    def lines(self, lines: Sequence[str], x: float, *, anchor: str = "start", cls: str = "words") -> None:
        """Lines of text, one below the other, each going on by its height."""
        for line in lines:
            self._text(line, x, self.down(_LINE), anchor, cls)

    def beside(self, text: str, x: float, *, cls: str) -> None:
        """A line of text on the height of the line that comes next."""
        self._text(text, x, self._y + _LINE, "start", cls)

    def gutter(self, y: float, moment: str, below: str = "") -> None:
        """When it was, and in smaller letters by which connection."""
        if moment:
            self._text(fitting(moment, EDGE - 4), EDGE, y + 4, "end", "moment")
        if below:
            self._text(fitting(below, EDGE - 4, _SMALL), EDGE, y + 4 + _LINE, "end", "link", _SMALL)

    def pause(self, by: float, words: str | None) -> None:
        """A wait that is drawn shorter than it was: the lanes are dotted meanwhile."""
        top = self._y + 2
        if words is not None:
            by = max(by, _LINE + 6)
            self._text(words, (PRODUCER + BROKER) / 2, top + by / 2 + 4, "middle", "pause")
        self._y = top + by + 2
        self._pauses.append((top, top + by))

    def line(self, x1: float, x2: float, y: float, cls: str) -> None:
        """A line without a head."""
        self._parts.append(tag("line", class_=cls, x1=x1, y1=y, x2=x2, y2=y))

    def arrow(self, x1: float, x2: float, y: float, cls: str, *, head: bool = True) -> None:
        """An arrow to `x2`."""
        back = -7 if x2 > x1 else 7
        self.line(x1, x2 + back / 2 if head else x2, y, cls)
        if head:
            shape = f"M{x2:.1f} {y:.1f}l{back} -4v8z"
            self._parts.append(tag("path", class_=f"head {cls}", d=shape))

    def dot(self, x: float, y: float) -> None:
        """Passing through."""
        self._parts.append(tag("circle", class_="through", cx=x, cy=y, r=2.5))

    def stop(self, x: float, y: float) -> None:
        """The end of a request that went no further."""
        self._parts.append(tag("path", class_="stop", d=f"M{x:.1f} {y - 7:.1f}v14"))

    def cross(self, x: float, y: float) -> None:
        """Where an answer breaks off."""
        self._parts.append(tag("path", class_="broken", d=f"M{x - 5:.1f} {y - 5:.1f}l10 10m-10 0l10 -10"))

    def cell(self, y: float, wide: float, text: str, cls: str) -> None:
        """A place in the log."""
        box = tag("rect", class_=f"cell {cls}", x=LOG - wide / 2, y=y - 10, width=wide, height=20, rx=3)
        self._parts.append(box)
        self._text(text, LOG, y + 4, "middle", f"offset {cls}")

    def finished(self) -> tuple[Markup, float]:
        """All that was drawn, lanes behind the rest, and how high it is."""
        end = self._y + 8
        names = [tag("text", name, class_="lane-name", x=x, y=18, text_anchor="middle") for name, x in _LANES.items()]
        return joined([*self._lanes(end), *names, *self._parts]), end + 4

    def _lanes(self, end: float) -> list[Markup]:
        solid: list[tuple[float, float]] = []
        top = _TOP
        for start, stop in self._pauses:
            solid.append((top, start))
            top = stop
        solid.append((top, end))
        paths = [("lane", solid), ("lane pause", self._pauses)]
        return [tag("path", class_=cls, d=_strokes(spans)) for cls, spans in paths if spans]

    def _text(self, text: str, x: float, y: float, anchor: str, cls: str, size: float = SIZE) -> None:
        small = None if size == SIZE else size
        where = None if anchor == "start" else anchor
        self._parts.append(tag("text", text, class_=cls, x=x, y=y, text_anchor=where, font_size=small))


def _strokes(spans: Sequence[tuple[float, float]]) -> str:
    return "".join(f"M{x} {top:.1f}V{end:.1f}" for x in _LANES.values() for top, end in spans)
