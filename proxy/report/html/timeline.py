"""The timeline of one arm: its attempts over time, a lane for each connection, and below it how long answers took.

At most `MOST` attempts are drawn one by one, those first of whom there is more to tell than that they were acked. The
rest are counted in bins, and the note says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...observations import ArmWire, AttemptStory
from ..words import lasted
from .latency import Latencies
from .marks import Glyph, Legend, glyphs, legend, mark, shape, told
from .plot import TimeScale, named, time_scale
from .svg import SIZE, fitting, number, tag
from .wires import eventful

MOST = 2_000
"""How many attempts of an arm are drawn one by one."""

MOST_LANES = 12
BINS = 150
WIDTH = 900
_LEFT, _RIGHT = 128, 888
_TOP = 20.0
_LANE = 22.0
_MOST_LINKS = 300
_MOST_FAULTS = 500
_MOST_LINES = 30


@dataclass(frozen=True, slots=True)
class Timeline:
    """One arm's drawing, under its heading. `notes` say what was not drawn one by one, `legend` what shapes mean."""

    arm: str
    svg: Markup
    legend: list[Legend]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Lanes:
    names: list[str]
    of: Callable[[AttemptStory], int]
    what: str


def timeline(wire: ArmWire, scale: TimeScale, *, arm: str, label: str, most: int = MOST) -> Timeline | None:
    """The arm's timeline on this scale; None for an arm without attempts.

    `arm` is its heading, `label` begins the ids of its elements.
    """
    if not wire.attempts or wire.zero is None:
        return None
    single, rest = _chosen(wire.attempts, most)
    lanes = _lanes(wire.attempts)
    bottom = _TOP + _LANE * len(lanes.names)
    latencies = Latencies(wire.attempts, wire.zero, scale, bottom + 34)
    parts = [
        *_grid(scale, bottom, latencies.bottom),
        *_folds(scale, latencies.bottom),
        *_names(lanes),
        *_faults(wire, scale, latencies.bottom),
        *_binned(rest, lanes, scale, wire.zero),
        *_links(single, lanes, scale, wire.zero),
        *_marks(single, lanes, scale, wire.zero),
        *latencies.drawn(single, rest, BINS),
    ]
    height = latencies.bottom + 24
    svg = tag(
        "svg",
        tag("title", f"Timeline: {arm}", id=f"{label}-title"),
        tag("desc", _described(wire, lanes), id=f"{label}-desc"),
        *parts,
        class_="timeline",
        viewBox=f"0 0 {WIDTH} {number(height)}",
        width=WIDTH,
        height=height,
        font_size=SIZE,
        role="img",
        aria_labelledby=f"{label}-title {label}-desc",
    )
    drawn: set[Glyph] = {glyph for story in single for glyph in glyphs(story)}
    faults = any(story.faults for story in wire.attempts)
    return Timeline(arm, svg, legend(drawn, faults), _notes(wire, single, rest, lanes))


def scale_of(wires: Iterable[ArmWire]) -> TimeScale:
    """One scale for all arms: from the first produce request to the last thing that was seen of an attempt."""
    moments = (
        at - wire.zero
        for wire in wires
        if wire.zero is not None
        for story in wire.attempts
        for at in (story.attempt.at, story.answered_at, story.acked_at)
        if at is not None
    )
    return time_scale(moments, _LEFT, _RIGHT)


def _chosen(stories: Sequence[AttemptStory], most: int) -> tuple[list[AttemptStory], list[AttemptStory]]:
    """Those that are drawn one by one, and those that are counted in bins."""
    if len(stories) <= most:
        return list(stories), []
    told = [story for story in stories if eventful(story)]
    single = told[:most]
    drawn = {story.attempt.number for story in single}
    return single, [story for story in stories if story.attempt.number not in drawn]


def _lanes(stories: Sequence[AttemptStory]) -> _Lanes:
    """By connection; where there are too many of them by partition; and the last lane for all that are left."""
    links = Counter(story.attempt.connection for story in stories)
    if len(links) <= MOST_LANES:
        order = {link: n for n, link in enumerate(sorted(links))}
        return _Lanes([f"connection {link}" for link in order], lambda s: order[s.attempt.connection], "connection")
    found = Counter((story.attempt.topic, story.attempt.partition) for story in stories)
    many = len({topic for topic, _ in found}) > 1
    kept = sorted(found) if len(found) <= MOST_LANES else sorted(key for key, _ in found.most_common(MOST_LANES - 1))
    place = {key: n for n, key in enumerate(kept)}
    names = [f"{topic} {partition}" if many else f"partition {partition}" for topic, partition in kept]
    if len(found) > len(kept):
        names.append(f"{len(found) - len(kept):,} others")
    return _Lanes(names, lambda s: place.get((s.attempt.topic, s.attempt.partition), len(kept)), "partition")


def _middle(lane: int) -> float:
    return _TOP + _LANE * (lane + 0.5)


def _grid(scale: TimeScale, bottom: float, end: float) -> list[Markup]:
    """The time axis: a line through both panels for each round number of seconds."""
    parts = []
    for second, x in scale.ticks():
        parts.append(tag("path", class_="grid", d=f"M{number(x)} {number(_TOP - 4)}V{number(bottom + 4)}"))
        parts.append(tag("path", class_="grid", d=f"M{number(x)} {number(bottom + 28)}V{number(end)}"))
        parts.append(tag("text", named(second), class_="tick", x=x, y=end + 16, text_anchor="middle"))
    return parts


def _folds(scale: TimeScale, end: float) -> list[Markup]:
    """The waits that are folded, and how long they were."""
    parts = []
    for fold in scale.folds:
        x, middle = fold.start + 9, (fold.start + fold.end) / 2
        words = tag("title", f"{lasted(fold.last - fold.first)} without an event, drawn shorter")
        box = tag(
            "rect", words, class_="fold", x=x, y=_TOP - 4, width=fold.end - fold.start - 18, height=end - _TOP + 4
        )
        parts += [box, tag("text", lasted(fold.last - fold.first), class_="tick", x=middle, y=12, text_anchor="middle")]
    return parts


def _names(lanes: _Lanes) -> list[Markup]:
    parts = []
    for n, name in enumerate(lanes.names):
        y = _middle(n)
        parts.append(tag("text", fitting(name, _LEFT - 18), class_="tick", x=_LEFT - 12, y=y + 4, text_anchor="end"))
        parts.append(tag("path", class_="lane", d=f"M{_LEFT} {number(y)}H{_RIGHT}"))
    return parts


def _faults(wire: ArmWire, scale: TimeScale, end: float) -> list[Markup]:
    """Where a fault touched an attempt, named when it is pointed at: a line through both panels, as long as they are
    few; of many, short ones above the lanes."""
    touched = [story for story in wire.attempts if story.faults][:_MOST_FAULTS]
    down = end if len(touched) <= _MOST_LINES else _TOP - 2
    parts = []
    for story in touched:
        x = number(scale.at(_fired_at(story) - (wire.zero or 0.0)))
        words = tag("title", ", ".join(story.faults))
        parts.append(tag("path", words, class_="fired", d=f"M{x} {number(_TOP - 9)}V{number(down)}"))
    return parts


def _fired_at(story: AttemptStory) -> float:
    """When the fault touched the attempt: at its answer where that became another's or did not go on, else at once."""
    of_the_answer = story.ack in ("dropped", "withheld", "delayed") or story.seen_error not in (None, story.error)
    return story.answered_at if of_the_answer and story.answered_at is not None else story.attempt.at


def _marks(stories: Sequence[AttemptStory], lanes: _Lanes, scale: TimeScale, zero: float) -> list[Markup]:
    """The everyday ones in one path, since they are many; each of the others with its words, and on top."""
    plain, special = [], []
    for story in stories:
        x, y = scale.at(story.attempt.at - zero), _middle(lanes.of(story))
        if eventful(story):
            special.append(mark(story, x, y, told(story, zero)))
        else:
            plain.append(shape("plain", x, y))
    return [tag("path", class_="plain", d="".join(plain)), *special] if plain else special


def _links(stories: Sequence[AttemptStory], lanes: _Lanes, scale: TimeScale, zero: float) -> list[Markup]:
    """From an attempt to the one that repeats it."""
    drawn = {story.attempt.number: story for story in stories}
    paths: list[str] = []
    for story in stories:
        first = drawn.get(story.attempt.retry_of or 0)
        if first is not None and len(paths) < _MOST_LINKS:
            start = scale.at(first.attempt.at - zero), _middle(lanes.of(first))
            end = scale.at(story.attempt.at - zero), _middle(lanes.of(story))
            paths.append("M{} {}L{} {}".format(*map(number, (*start, *end))))
    return [tag("path", class_="again", d="".join(paths))] if paths else []


def _binned(rest: Sequence[AttemptStory], lanes: _Lanes, scale: TimeScale, zero: float) -> list[Markup]:
    """Bars for attempts that are not drawn one by one: the more in a bin, the higher."""
    wide = (_RIGHT - _LEFT) / BINS
    found = Counter(
        (lanes.of(story), min(int((scale.at(story.attempt.at - zero) - _LEFT) / wide), BINS - 1)) for story in rest
    )
    most = max(found.values(), default=1)
    parts = []
    for (lane, place), count in sorted(found.items()):
        high = max(2.0, (_LANE - 4) * count / most)
        x, y = _LEFT + place * wide, _middle(lane) - high / 2
        words = tag("title", f"{count:,} attempts")
        parts.append(tag("rect", words, class_="bin", x=x, y=y, width=wide - 0.6, height=high))
    return parts


def _described(wire: ArmWire, lanes: _Lanes) -> str:
    retries = sum(story.attempt.retry_of is not None and not story.attempt.injected for story in wire.attempts)
    return (
        f"{len(wire.attempts):,} attempts by {lanes.what}, {retries:,} of them retries; "
        f"{wire.acks_dropped:,} acks dropped, {wire.acks_withheld:,} withheld, {wire.acks_delayed:,} delayed. "
        "The table of attempts has the same in words."
    )


def _notes(wire: ArmWire, single: Sequence[AttemptStory], rest: Sequence[AttemptStory], lanes: _Lanes) -> list[str]:
    notes = []
    if rest:
        left = sum(map(eventful, rest))
        told = (
            f"{len(single):,} of {len(wire.attempts):,} attempts are drawn one by one, those first that were retried, "
        )
        notes.append(told + "lost, delayed or failed. Bars stand for the others: the higher, the more.")
        if left:
            notes.append(f"{left:,} eventful attempts are among the others, for there are too many of them.")
    if sum(bool(story.faults) for story in wire.attempts) > _MOST_FAULTS:
        notes.append(f"Faults are marked the first {_MOST_FAULTS} times.")
    if wire.let_go:
        notes.append(f"The ledger let go of {wire.let_go:,} observations: attempts may lack a part.")
    folded = sum(part.attempts for part in wire.ranges)
    if folded:
        notes.append(f"{folded:,} more attempts were acked at once and are known by their offsets alone.")
    return notes
