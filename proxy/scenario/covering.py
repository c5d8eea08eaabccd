"""Whether one rule always decides where another one would."""

from __future__ import annotations

from dataclasses import fields

from ..faults.rule import ANY_API, Match, Rule, When

_ALWAYS = When()


def covers(first: Rule, second: Rule) -> bool:
    """Whether `first`, which is asked first, fires at every frame that `second` can match.

    Rules about connections and processes are left alone: they are not asked about frames.
    """
    if first.side == "event" or first.side != second.side or first.api not in (second.api, ANY_API):
        return False
    limits = (getattr(first.when, field.name) for field in fields(When) if field.name != "per")
    always = [getattr(_ALWAYS, field.name) for field in fields(When) if field.name != "per"]
    return list(limits) == always and _wider(first.match, second.match)


def _wider(first: Match, second: Match) -> bool:
    """Whether each key of `first` lets through what the same key of `second` does."""
    return all(_lets_through(key.name, getattr(first, key.name), getattr(second, key.name)) for key in fields(Match))


def _lets_through(key: str, first: object, second: object) -> bool:
    if first in (getattr(Match(), key), second):
        return True
    if key == "attempt":
        return first == "retry" and isinstance(second, int) and second > 1
    if isinstance(first, tuple) and isinstance(second, tuple):
        return ("*" in first and key != "transactional_id") or set(second) <= set(first)
    return False
