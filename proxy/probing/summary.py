"""What was measured, in sentences; nothing that was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .effects import APPENDED, DEDUPLICATED
from .model import CaseResult, Step

_BACK = "back-"


def summary(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    """One sentence each on the window, the payload, gaps, epochs, unknown ids, the end of the numbers, and restarts."""
    known = {case.name: {step.name: step for step in case.steps} for case in cases}
    absent = [case for case in cases if case.state == "absent" and case.name == "exact-duplicate"]
    if absent:
        return (f"No producer can be told from another one here: {absent[0].reason}.",)
    return tuple(_sentences(known))


def window(steps: dict[str, Step]) -> int | None:
    """So many of the last batches are known again, in a row from the newest one on; None where none was asked."""
    width = 0
    while step := steps.get(f"{_BACK}{width + 1}"):
        if step.effect != DEDUPLICATED:
            return width
        width += 1
    return width or None


def refusals(steps: dict[str, Step]) -> str | None:
    """How the broker refuses those beyond the window, where it refuses all of them alike."""
    width = window(steps)
    beyond = {step.effect for name, step in steps.items() if name.startswith(_BACK) and _number(name) > (width or 0)}
    return _said(beyond.pop()) if len(beyond) == 1 else None


def _number(name: str) -> int:
    return int(name.removeprefix(_BACK))


def _sentences(known: dict[str, dict[str, Step]]) -> Iterator[str]:
    width = window(known.get("window", {}))
    if width is not None:
        yield _width(width, known["window"])
    for case, step, subject in _ASKED:
        if found := known.get(case, {}).get(step):
            yield f"{subject} {_said(found.effect)}."
    for case, when in _LATER:
        if (left := window(known.get(case, {}))) is not None:
            yield f"{when} it knows {_last(left)} again."
    if old := known.get("after-restart", {}).get("old-after"):
        yield f"After a restart a duplicate of records that are two days old is {_said(old.effect)}."


_LATER = (
    ("after-move", "After a change of the leader"),
    ("after-restart", "After a restart"),
    ("after-kill", "After a kill"),
)
"""(case, when it asks)."""

_ASKED = (
    ("other-payload", "other", "The same sequence with another payload is"),
    ("gap", "gap", "A gap is"),
    ("overlap", "both", "Two known batches sent again as one are"),
    ("older-epoch", "next", "An older epoch is"),
    ("newer-epoch", "new", "A newer epoch that begins with sequence 0 is"),
    ("unknown-producer-ahead", "seven", "An unknown producer id that does not begin with sequence 0 is"),
    ("wrap-around", "zero", "Sequence 0 after 2^31-1 is"),
    ("txn-outside", "outside", "A transactional batch outside of a transaction is"),
)
"""(case, step, how the sentence begins)."""


def _width(width: int, steps: dict[str, Step]) -> str:
    if width == 0:
        return f"This broker knows no batch again: a duplicate is {_said(steps['back-1'].effect)}."
    told = f"This broker remembers {_last(width)} of a producer in a partition"
    if f"{_BACK}{width + 1}" not in steps:
        return f"{told}, or more: no older one was sent again."
    return f"{told}; an older one that is sent again is {refusals(steps) or 'answered in several ways'}."


def _last(width: int) -> str:
    return {0: "no batch", 1: "the last batch"}.get(width, f"the last {width} batches")


def _said(effect: str) -> str:
    """An effect as the end of a sentence."""
    if effect == APPENDED:
        return "appended"
    if effect == DEDUPLICATED:
        return "acked and not written"
    if effect.startswith("refused "):
        return f"refused with {effect.removeprefix('refused ')}"
    return f"met with: {effect}"
