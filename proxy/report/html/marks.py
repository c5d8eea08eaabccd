"""What an attempt looks like on the timeline: shapes that are told apart without colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from ...kafka.codes import error_name
from ...observations import AttemptStory
from ..clean import shortened
from ..words import lasted, listed
from .svg import number, tag
from .wires import answer

Glyph = Literal["plain", "unanswered", "retry", "copy", "late", "error", "lost"]

_SHAPES: dict[Glyph, str] = {
    "plain": "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z",
    "unanswered": "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    "retry": "m0 -5l5 5l-5 5l-5 -5z",
    "copy": "m-4 -4h8v8h-8z",
    "late": "m0 -5l5 9h-10z",
    "error": "m0 5l5 -9h-10z",
    "lost": "m-5 -5l10 10m-10 0l10 -10",
}

NAMES: dict[Glyph, str] = {
    "plain": "attempt, acked",
    "retry": "retry",
    "copy": "copy that ackdrop sent",
    "lost": "ack dropped or withheld",
    "late": "ack delayed",
    "error": "error",
    "unanswered": "the client heard nothing",
}
"""What the shapes mean, in the order of the legend."""


@dataclass(frozen=True, slots=True)
class Legend:
    """A shape and what it means."""

    glyph: Markup
    text: str


def glyphs(story: AttemptStory) -> list[Glyph]:
    """The attempt's shapes, one on the other: a retry whose ack was lost again is both."""
    return list(_glyphs(story)) or ["plain"]


def shape(glyph: Glyph, x: float, y: float) -> str:
    """The shape as a path around this place."""
    return f"M{number(x)} {number(y)}{_SHAPES[glyph]}"


def mark(story: AttemptStory, x: float, y: float, words: str) -> Markup:
    """An attempt that is worth a closer look, with what is told of it when it is pointed at."""
    shapes = [tag("path", class_=glyph, d=shape(glyph, x, y)) for glyph in glyphs(story)]
    return tag("g", tag("title", words), *shapes)


def legend(drawn: set[Glyph], faults: bool) -> list[Legend]:
    """The legend of what was drawn; `faults`: there are lines where faults fired."""
    shapes = [Legend(_sample(glyph, shape(glyph, 7, 7)), NAMES[glyph]) for glyph in NAMES if glyph in drawn]
    return [*shapes, Legend(_sample("fired", "M7 0V14"), "fault fired")] if faults else shapes


def told(story: AttemptStory, zero: float) -> str:
    """`0.857 s, connection 2, #3, partition 0: offset 2, ack dropped by “lose the third ack”`"""
    attempt = story.attempt
    by = f" by “{listed([shortened(name, 40) for name in story.faults])}”" if story.faults else ""
    again = f", again #{attempt.retry_of}" if attempt.retry_of is not None else ""
    fate = f"answer: {answer(story)}, ack {story.ack}{by}"
    if story.seen_error:
        fate += f", the client saw {error_name(story.seen_error)}"
    if story.answered_at is not None:
        fate += f", answered in {lasted(story.answered_at - attempt.at)}"
    return f"{attempt.at - zero:.3f} s, connection {attempt.connection}, #{attempt.number}{again}: {fate}"


def _glyphs(story: AttemptStory) -> Iterator[Glyph]:
    attempt = story.attempt
    if attempt.injected:
        yield "copy"
    elif attempt.retry_of is not None:
        yield "retry"
    if story.ack in ("dropped", "withheld"):
        yield "lost"
    elif story.ack == "delayed":
        yield "late"
    elif story.error or story.seen_error:
        yield "error"
    elif story.ack == "none" and attempt.acks != 0 and not attempt.injected:
        yield "unanswered"


def _sample(cls: str, path: str) -> Markup:
    inner = tag("path", class_=cls, d=path)
    return tag("svg", inner, class_="timeline", viewBox="0 0 14 14", width=14, height=14, aria_hidden="true")
