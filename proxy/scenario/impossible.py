"""Expectations that no run can meet, by what the figures mean."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import Expectation
from .complaint import Complaint, Step
from .models import Scenario
from .spec import ScenarioSpec

CODE = "never-holds"
_UNBOUNDED = 10**18


def expectations(spec: ScenarioSpec, made: Scenario) -> Iterator[tuple[tuple[Step, ...], Complaint]]:
    """What the file expects of each arm and can never hold."""
    for arm in spec.expect:
        ranges = {str(expected.figure): _range(expected) for expected in made.expect[arm]}
        for figure, (low, high) in ranges.items():
            most = _most(figure, made)
            if high < 0:
                yield _wrong(arm, figure, f"no figure is below 0, so {figure} cannot be")
            elif low > most:
                yield _wrong(arm, figure, f"{figure} is never more than {most:,} with this workload")
        if arm == made.control_arm and ranges.get("duplicates", (1, 1))[1] == 0:
            text = "this arm is the control, which must show a duplicate: else the run is inconclusive"
            yield _wrong(arm, "duplicates", text, "say 'control: none' where no arm is meant to duplicate")
        yield from _sum(arm, ranges)


def _sum(arm: str, ranges: dict[str, tuple[int, int]]) -> Iterator[tuple[tuple[Step, ...], Complaint]]:
    """`records` are `distinct` and `duplicates` together."""
    parts = [ranges.get(figure, (0, _UNBOUNDED)) for figure in ("distinct", "duplicates")]
    low, high = (sum(part[end] for part in parts) for end in (0, 1))
    records = ranges.get("records", (0, _UNBOUNDED))
    if min(high, *(part[1] for part in (*parts, records))) >= 0 and (records[0] > high or records[1] < low):
        yield _wrong(arm, "records", "records is distinct and duplicates together, which these three never are")


def _most(figure: str, made: Scenario) -> int:
    """A producer that is started again sends again what the dead one was not told of, so nobody knows how often."""
    workload = made.workload
    if figure == "distinct":
        return workload.records
    if figure == "acked":
        return workload.records * workload.sends
    if figure in ("sent", "failed", "unknown") and not any(rule.api == "workload" for rule in made.rules):
        return workload.most_sends
    return _UNBOUNDED


def _range(expected: Expectation) -> tuple[int, int]:
    """The least and the most that is allowed."""
    number = expected.number
    match expected.comparison:
        case "==":
            return number, number
        case "<":
            return 0, number - 1
        case "<=":
            return 0, number
        case ">":
            return number + 1, _UNBOUNDED
        case ">=":
            return number, _UNBOUNDED
    return 0, _UNBOUNDED


def _wrong(arm: str, figure: str, text: str, hint: str | None = None) -> tuple[tuple[Step, ...], Complaint]:
    return ("expect", arm, figure), Complaint(text, hint=hint, code=CODE)
