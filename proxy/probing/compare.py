"""Two probes side by side: what a broker does now that it did not do before.

What is compared is each step's effect and what the log held after it; producer ids and topics differ from probe to
probe by nature. A case that was not measured on one side is told, and counts as a change only where its state is known:
a broker that has an API now, or does not have it any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import CaseResult, ProbeResult, Step


@dataclass(frozen=True, slots=True)
class Change:
    """A step that came to something else: `was`, `now`. `step` is empty where it is about the whole case."""

    case: str
    step: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two probes have in common and what not. `alike` counts steps; `uncompared` are cases, each with the reason
    why nothing can be said."""

    before: ProbeResult
    now: ProbeResult
    changes: tuple[Change, ...]
    alike: int
    uncompared: tuple[tuple[str, str], ...]


def compare(before: ProbeResult, now: ProbeResult) -> Comparison:
    """What changed from `before` to `now`."""
    changes: list[Change] = []
    uncompared: list[tuple[str, str]] = []
    alike = 0
    olds = {case.name: case for case in before.cases}
    for case in now.cases:
        old = olds.pop(case.name, None)
        if old is None:
            uncompared.append((case.title, "only in this probe"))
        elif (why := _incomparable(old, case)) is not None:
            uncompared.append((case.title, why))
        elif old.state != case.state:
            changes.append(Change(case.title, "", _stands(old), _stands(case)))
        else:
            found = _steps(old, case)
            changes += found
            alike += len(case.steps) - sum(change.now != _NOT_ASKED for change in found)
    uncompared += [(case.title, "only in the earlier probe") for case in olds.values()]
    return Comparison(before, now, tuple(changes), alike, tuple(uncompared))


_NOT_ASKED = "not asked"


def _incomparable(old: CaseResult, new: CaseResult) -> str | None:
    for case, when in ((old, "then"), (new, "now")):
        if case.state in ("inconclusive", "left-out"):
            return f"not measured {when}: {case.reason}"
    return None


def _stands(case: CaseResult) -> str:
    return "measured" if case.state == "measured" else case.reason or case.state


def _steps(old: CaseResult, new: CaseResult) -> list[Change]:
    before, after = ({step.name: step for step in case.steps} for case in (old, new))
    found = []
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was is None or now is None or _seen(was) != _seen(now):
            told = now or was
            assert told is not None
            found.append(Change(new.title, told.what, *_worded(was, now)))
    return found


def _seen(step: Step) -> tuple[object, ...]:
    """What a step showed, without what differs from probe to probe."""
    answers = tuple((each.answer.how, each.answer.error, each.answer.base_offset) for each in step.exchanges)
    wrote = tuple((each.partition, each.base_offset, each.last_offset, each.marker) for each in step.wrote)
    return step.effect, tuple(sorted(map(repr, answers))), wrote


def _worded(was: Step | None, now: Step | None) -> tuple[str, str]:
    """Both effects; where they are the same, what else differs with them."""
    if was is None or now is None:
        return (_NOT_ASKED if was is None else was.effect), (_NOT_ASKED if now is None else now.effect)
    if was.effect != now.effect:
        return was.effect, now.effect
    return f"{was.effect}, {_details(was)}", f"{now.effect}, {_details(now)}"


def _details(step: Step) -> str:
    offsets = ", ".join(str(each.answer.base_offset) for each in step.exchanges)
    wrote = ", ".join(f"{each.base_offset}-{each.last_offset}" for each in step.wrote) or "nothing"
    return f"answered with offset {offsets}, written {wrote}"
