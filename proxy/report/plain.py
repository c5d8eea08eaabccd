"""Stories as plain lines, for formats that show a text as it is: JUnit's failure texts, a block of code in Markdown.

Every line is harmless already: nothing in it acts on a terminal, and none of it is XML or Markdown that acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .attempts import moments
from .clean import clean
from .story import Chapter, Story


def chapters(found: Sequence[Chapter]) -> Iterator[str]:
    """The stories of some chapters, each with its attempts and why; the same reason once below those that share it."""
    for chapter in found:
        for n, told in enumerate(chapter.stories):
            following = chapter.stories[n + 1].why if n + 1 < len(chapter.stories) else ""
            yield from story(told, why=told.why != following)
        if chapter.more:
            yield f"and {chapter.more:,} more: see report.json"


def story(told: Story, *, why: bool = True) -> Iterator[str]:
    """One finding: its sentence, its attempts below it, and why it is so."""
    yield clean(told.head)
    for attempt, moment in zip(told.attempts, moments(told.attempts), strict=True):
        yield clean(f"  {moment}{attempt.text}")
    if told.why and why:
        yield clean(f"  {told.why}")
