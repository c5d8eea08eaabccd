"""A scenario that was run several times, as one result: the worst of the runs in full, and the spread over all."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median
from typing import get_args

from ..result import (
    Agreement,
    ArmRepeat,
    ArmResult,
    ExpectedFigure,
    HeldTally,
    Reason,
    Records,
    Repetition,
    RunResult,
    Spread,
    Verdict,
)
from ..verify.of_runs import OUT_OF_TIME

WORST_FIRST: tuple[Verdict, ...] = ("interrupted", "error", "failed", "inconclusive", "passed")
"""The order in which verdicts count where there are several: by exit code 130, 4, 1, 3, 0."""

FIGURES: tuple[str, ...] = (*get_args(ExpectedFigure), "acks_dropped", "acks_withheld", "acks_delayed")
"""The figures whose spread is kept."""

_OF_RECORDS = frozenset(field.name for field in dataclasses.fields(Records))
_NUMBER = re.compile(r"\d[\d,.]*")
_Key = tuple[str, str | None, str, int]


def combine(results: Sequence[RunResult], folders: Sequence[str], asked: int) -> RunResult:
    """All runs of one scenario as one result.

    The first run with the worst verdict is shown in full, with its exit code. `reasons` and `notes` are those of all
    runs, equal ones once, and so are `failures`; `run` is that of the one that is shown. `folders` are the runs' own,
    one for each. Where one run was asked for, it is the result itself. ValueError: no results, or not as many folders.
    """
    if not results or len(folders) != len(results):
        raise ValueError(f"{len(results)} results with {len(folders)} folders cannot be combined")
    if asked <= 1 and len(results) == 1:
        return results[0]
    shown = min(range(len(results)), key=lambda n: WORST_FIRST.index(results[n].verdict))
    return dataclasses.replace(
        results[shown],
        reasons=_reasons(results, shown),
        notes=list(dict.fromkeys(note for result in results for note in result.notes)),
        repeat=Repetition(
            asked=asked,
            runs=len(results),
            shown=shown + 1,
            verdicts=_verdicts([result.verdict for result in results]),
            arms=[_arm(name, arms) for name, arms in _by_name(results).items()],
            folders=[str(folder) for folder in folders],
            agreement=_agreement(results),
        ),
        failures=list(dict.fromkeys(kind for result in results for kind in result.failures)),
    )


def known(arm: ArmResult, figure: str) -> int | None:
    """A figure of `FIGURES` in one arm, None where it cannot be known."""
    part = arm.records if figure in _OF_RECORDS else arm.log if hasattr(arm.log, figure) else arm.wire
    value: int | None = getattr(part, figure)
    return value


def _agreement(results: Sequence[RunResult]) -> Agreement | None:
    """By the runs that came to a verdict of their own: not those that were broken off, or could not be done."""
    verdicts = [result.verdict for result in results if _came_to_its_end(result)]
    if len(verdicts) < 2:
        return None
    if len(set(verdicts)) > 1:
        return "flaky"
    return "broken" if verdicts[0] == "failed" else "steady"


def _came_to_its_end(result: RunResult) -> bool:
    if result.verdict == "inconclusive":
        return all(reason.code != OUT_OF_TIME for reason in result.reasons)
    return result.verdict in ("passed", "failed")


def _by_name(results: Sequence[RunResult]) -> dict[str, list[ArmResult]]:
    """Each arm in all runs that came to it, in the order in which a whole run has them."""
    found: dict[str, list[ArmResult]] = {arm.name: [] for result in results for arm in result.arms}
    for result in results:
        for arm in result.arms:
            found[arm.name].append(arm)
    return found


def _arm(name: str, arms: Sequence[ArmResult]) -> ArmRepeat:
    figures = {figure: _spread([known(arm, figure) for arm in arms]) for figure in FIGURES}
    return ArmRepeat(name, figures, list(_tallies(arms)), _verdicts([arm.verdict for arm in arms]))


def _spread(values: Sequence[int | None]) -> Spread:
    """Over the runs that know the figure."""
    found = [float(value) for value in values if value is not None]
    return Spread(min(found), median(found), max(found)) if found else Spread(None, None, None)


def _tallies(arms: Sequence[ArmResult]) -> Iterator[HeldTally]:
    held: dict[str, list[bool | None]] = {}
    for arm in arms:
        for expectation in arm.expectations:
            held.setdefault(expectation.expect, []).append(expectation.held)
    for expect, found in held.items():
        yield HeldTally(expect, found.count(True), len(found), found.count(None))


def _verdicts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in reversed(WORST_FIRST) if counts[verdict]}


def _reasons(results: Sequence[RunResult], shown: int) -> list[Reason]:
    """The reasons of all runs, those of the shown one first. Reasons that differ in their numbers alone are equal."""
    first: dict[_Key, Reason] = {}
    often: Counter[_Key] = Counter()
    for result in (results[shown], *results[:shown], *results[shown + 1 :]):
        for key, reason in _keyed(result.reasons):
            first.setdefault(key, reason)
            often[key] += 1
    return [_in_runs(reason, often[key], len(results)) for key, reason in first.items()]


def _keyed(reasons: Sequence[Reason]) -> Iterator[tuple[_Key, Reason]]:
    """One run's reasons with what they are known by in another; the last part tells equal ones of one run apart."""
    seen: Counter[tuple[str, str | None, str]] = Counter()
    for reason in reasons:
        key = reason.code, reason.arm, _NUMBER.sub("#", reason.text)
        yield (*key, seen[key]), reason
        seen[key] += 1


def _in_runs(reason: Reason, often: int, runs: int) -> Reason:
    if runs == 1:
        return reason
    where = f"In all {runs:,} runs" if often == runs else f"In {often:,} of {runs:,} runs"
    return dataclasses.replace(reason, text=f"{where}: {reason.text}")
