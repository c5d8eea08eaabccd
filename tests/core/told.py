"""What was told of a wire, in a form in which two wires that told it otherwise are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ackdrop.observations import (
    Acked,
    Answered,
    Attempt,
    Decided,
    Forwarded,
    LetPass,
    Observation,
    Passed,
    Reached,
)
from ackdrop.passed import expanded, reached

Fate = dict[type, Any]


def stories(seen: Iterable[Observation]) -> dict[int, Fate]:
    """By attempt, all that was told of it."""
    found: dict[int, Fate] = {}
    for fact in seen:
        match fact:
            case Attempt():
                assert fact.number not in found, "told twice"
                found[fact.number] = {Attempt: fact}
            case Forwarded() | Answered() | Acked():
                assert type(fact) not in found[fact.attempt], "told twice"
                found[fact.attempt][type(fact)] = fact
            case Passed():
                singly = stories(expanded(fact))
                assert not found.keys() & singly.keys(), "told twice"
                found |= singly
    return found


TOLD_OTHERWISE = (Attempt, Forwarded, Answered, Acked, Passed, LetPass, Reached, Decided)


def others(seen: Iterable[Observation]) -> Counter[Observation]:
    return Counter(each for each in seen if not isinstance(each, TOLD_OTHERWISE))


def frames_reached(seen: Iterable[Observation]) -> Counter[Reached]:
    """What rules could be asked about."""
    found: Counter[Reached] = Counter()
    for fact in seen:
        if isinstance(fact, Reached):
            found[fact] += 1
        elif isinstance(fact, Passed) and fact.asked is not None:
            found.update(reached(fact))
    return found


def fired(seen: Iterable[Observation]) -> list[Decided]:
    """What rules did, with the count at which they did it."""
    return [fact for fact in seen if isinstance(fact, Decided) and fact.fired]


def let_pass(seen: Iterable[Observation]) -> Counter[str]:
    """How often each rule let pass."""
    found: Counter[str] = Counter()
    for fact in seen:
        if isinstance(fact, LetPass):
            found[fact.fault] += fact.frames
        elif isinstance(fact, Decided) and not fact.fired:
            found[fact.fault] += 1
    return found
