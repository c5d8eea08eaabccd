"""Small English: numbers, lists and plurals, the same in every report."""

from __future__ import annotations

from collections.abc import Sequence

UNKNOWN = "unknown"

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def figure(value: int | None) -> str:
    """A figure with its thousands apart: `12,000`; `unknown` where it cannot be known."""
    return UNKNOWN if value is None else f"{value:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 retry`, `2 retries`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def times(count: int) -> str:
    """How often: `once`, `twice`, `three times`, `12 times`."""
    if count in (1, 2):
        return ("once", "twice")[count - 1]
    return f"{_NUMBERS[count] if count < len(_NUMBERS) else f'{count:,}'} times"


def listed(items: Sequence[str], limit: int = 5) -> str:
    """`a`, `a and b`, `a, b and c`; a long list ends `and 7 more`."""
    if len(items) > limit:
        items = [*items[: limit - 1], f"{len(items) - limit + 1:,} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
