"""The lower panel of the timeline: how long the broker took to answer, by powers of ten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from markupsafe import Markup

from ...observations import AttemptStory
from .marks import mark, shape, told
from .plot import LogScale, TimeScale, decades, named
from .svg import number, tag
from .wires import eventful

HEIGHT = 110.0
_SHORTEST = 1e-5


class Latencies:
    """The panel from `top` on. Answers are placed at the time of their request."""

    def __init__(self, stories: Sequence[AttemptStory], zero: float, times: TimeScale, top: float) -> None:
        self._zero = zero
        self._times = times
        self._top = top
        self.bottom = top + HEIGHT
        known = [latency for story in stories if (latency := _latency(story)) is not None]
        self._known = bool(known)
        self._marks = decades(min(known, default=0.001), max(known, default=1.0))
        self._scale = LogScale(self._marks[0], self._marks[-1], self.bottom, top)

    def drawn(self, single: Sequence[AttemptStory], rest: Sequence[AttemptStory], bins: int) -> list[Markup]:
        """Its axis, a mark for each of the single ones, and for the rest a bar from the shortest to the longest."""
        left, right = number(self._times.start), number(self._times.end)
        x = self._times.start - 12
        title = tag("text", "until the broker's answer", class_="tick", x=left, y=self._top - 12)
        if not self._known:
            nothing = tag("text", "no answer was seen", class_="tick", x=left, y=self._top + 20)
            return [title, nothing]
        parts = [title]
        for value in self._marks:
            y = self._scale.at(value)
            parts.append(tag("path", class_="grid", d=f"M{left} {number(y)}H{right}"))
            parts.append(tag("text", named(value), class_="tick", x=x, y=y + 4, text_anchor="end"))
        return [*parts, *self._bars(rest, bins), *self._points(single)]

    def _points(self, stories: Sequence[AttemptStory]) -> list[Markup]:
        plain, special = [], []
        for story in stories:
            latency = _latency(story)
            if latency is None:
                continue
            x, y = self._times.at(story.attempt.at - self._zero), self._scale.at(latency)
            if eventful(story):
                special.append(mark(story, x, y, told(story, self._zero)))
            else:
                plain.append(shape("plain", x, y))
        return [tag("path", class_="plain", d="".join(plain)), *special] if plain else special

    def _bars(self, stories: Sequence[AttemptStory], bins: int) -> list[Markup]:
        wide = (self._times.end - self._times.start) / bins
        found: defaultdict[int, list[float]] = defaultdict(list)
        for story in stories:
            latency = _latency(story)
            if latency is not None:
                place = (self._times.at(story.attempt.at - self._zero) - self._times.start) / wide
                found[min(int(place), bins - 1)].append(latency)
        parts = []
        for place, values in sorted(found.items()):
            x, top, bottom = self._times.start + place * wide, self._scale.at(max(values)), self._scale.at(min(values))
            words = tag("title", f"{len(values):,} answers, half of them within {named(_rounded(median(values)))}")
            high = max(bottom - top, 1.5)
            parts.append(tag("rect", words, class_="bin", x=x, y=top, width=wide - 0.6, height=high))
        return parts


def _latency(story: AttemptStory) -> float | None:
    """Seconds from the request to the broker's answer; no less than a clock can tell."""
    return None if story.answered_at is None else max(story.answered_at - story.attempt.at, _SHORTEST)


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.2g}")
