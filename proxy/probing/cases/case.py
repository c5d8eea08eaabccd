"""A case: a question to a broker, and how it is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..bench import Bench
from ..numbers import span


@dataclass(frozen=True, slots=True)
class Case:
    """`name` stays from version to version, `title` is said to people, `about` is what it has in common with others.
    `partitions` is how many it needs of its own."""

    about: str
    name: str
    title: str
    play: Callable[[Bench], Awaitable[None]]
    partitions: int = 1


def seq(first: int, records: int = 3) -> str:
    """Sequences as a step names them: `sequence 0-2`."""
    return f"sequence {span(first, records)}"
