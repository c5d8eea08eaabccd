"""Durations, sizes, counts and lists as English says them."""

from __future__ import annotations

from collections.abc import Sequence


def seconds_of(seconds: float) -> str:
    """`3 s`, `250 ms`, `2 min`."""
    if seconds and seconds < 1:
        return f"{seconds * 1000:g} ms"
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"


def as_well(seconds: float | None) -> str:
    """What else is ended within that time."""
    return "" if seconds is None else f", and those that are opened within {seconds_of(seconds)} as well"


def size_of(size: int) -> str:
    """`1 byte`, `20 bytes`, `64 KiB`."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def ordinal(number: int) -> str:
    """`1st`, `12th`, `23rd`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def counted(number: int, what: str) -> str:
    """`1 record`, `12 records`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def listed(words: Sequence[object], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    texts = [str(word) for word in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"
