"""Expectations held against the figures: which held, which failed, and which failed because of something seen."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from ..result import Expectation, ExpectationResult
from .case import Case

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

HARMS = frozenset({"duplicates", "lost", "out_of_order", "phantom", "offset_mismatch"})
"""The figures of which one too many was seen, in the log, with its places."""


@dataclass(frozen=True, slots=True)
class Judged:
    """`seen` marks a failed expectation that failed on evidence: there is more harm in the log than it allows.

    One that asks for more than there was fails too, but what it lacks may have many reasons. `undecided`: whether it
    held hangs on copies that cannot be told from records that were meant (`held` is None then).
    """

    result: ExpectationResult
    seen: bool
    undecided: bool = False


def expectations(case: Case) -> list[Judged]:
    """The arm's expectations in order; the built-in ones for a program that is watched, and for a log alone."""
    if case.evidence.watched:
        return [
            _protected(case),
            _none_of("lost", case.log.lost),
        ]
    if case.evidence.alone and not case.evidence.expectations:
        return [_judge(Expectation("duplicates", "==", 0), case)]
    return [_judge(wanted, case) for wanted in case.evidence.expectations]


def figure(case: Case, name: str) -> int | None:
    """The figure that an expectation speaks of; None when it is not known."""
    if name == "retries":
        return case.wire.retries
    home = case.records if name in ("sent", "acked", "failed", "unknown") else case.log
    value: int | None = getattr(home, name)
    return value


def _judge(wanted: Expectation, case: Case) -> Judged:
    actual = figure(case, wanted.figure)
    if actual is None:
        return Judged(ExpectationResult(wanted.text, None, None), False)
    compare = _COMPARE[wanted.comparison]
    held = compare(actual, wanted.number)
    if wanted.figure in ("duplicates", "distinct"):
        unsure = case.duplicates.unsure
        if held != compare(actual - unsure if wanted.figure == "duplicates" else actual + unsure, wanted.number):
            return Judged(ExpectationResult(wanted.text, actual, None), False, undecided=True)
    at_most = wanted.comparison in ("==", "<", "<=") and actual >= wanted.number
    return Judged(ExpectationResult(wanted.text, actual, held), not held and at_most and wanted.figure in HARMS)


def _protected(case: Case) -> Judged:
    """Of a program that is watched. Where copies by an idempotent producer may be retries, or may be meant, none is
    proved and none is ruled out."""
    judged = _none_of("duplicates from protected retries", case.protected_duplicates)
    undecided = judged.result.held is None and case.tally.sure and not case.evidence.whose_unknown
    return Judged(judged.result, judged.seen, undecided)


def _none_of(what: str, actual: int | None) -> Judged:
    held = None if actual is None else actual == 0
    return Judged(ExpectationResult(f"{what} 0", actual, held), held is False)
