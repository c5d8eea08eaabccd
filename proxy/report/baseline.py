"""`--baseline FILE`: what a run failed in that an earlier one failed in as well is known, and does not fail it.

A baseline is any result that `--json` wrote, of one run or of several, or a run's folder. It knows kinds of failures
(see `Failure`), not how often they came. Only results that passed or failed are believed: any other proves nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..result import EXIT_CODES, ArmResult, ExpectationResult, Failure, Reason, RunResult, Verdict
from ..verify.kinds import failures, of_expectation
from ..verify.of_runs import EXPECTATION_FAILED
from . import as_json
from .words import listed, scenario_name

_HOW = {"more": "too many ", "fewer": "too few ", "other": ""}
_Kinds = frozenset[Failure]


class Baseline:
    """The results of an earlier run. `name` is how it is called in what is said."""

    def __init__(self, results: Sequence[RunResult], name: str) -> None:
        self.name = name
        self._results = results

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Raises UsageError: no result is there."""
        return cls(as_json.read_all(path), path.name)

    def applied(self, result: RunResult) -> RunResult:
        """The result of a run with the verdict that new kinds of failures give it; what is known is told in `failures`
        and in notes. A run that failed in nothing new is what the rest of it says: inconclusive, or passed."""
        known = self._known(result)
        kinds = [dataclasses.replace(kind, known=_plain(kind) in known) for kind in result.failures]
        told = dataclasses.replace(result, failures=kinds)
        notes = [*result.notes, *_known_notes(told, self.name), *self._about(result), *self._gone(told)]
        return _judged(dataclasses.replace(told, notes=notes))

    def of_all(self, combined: RunResult, runs: Sequence[RunResult]) -> RunResult:
        """What several runs say together, each of which it was applied to: a failure is gone where no run has it."""
        gone = {note for run in runs for note in self._gone(run)}
        notes = [*(note for note in combined.notes if note not in gone), *self._gone(combined)]
        return dataclasses.replace(combined, notes=notes)

    def _same(self, result: RunResult) -> list[RunResult]:
        """The results of this scenario."""
        return [told for told in self._results if scenario_name(told) == scenario_name(result)]

    def _used(self, result: RunResult) -> list[RunResult]:
        """Those that count; of several the ones with the same broker and producer, where there are any."""
        used = [told for told in self._same(result) if told.verdict in ("passed", "failed")]
        return [told for told in used if not _made_otherwise(result, told)] or used

    def _known(self, result: RunResult) -> _Kinds:
        return frozenset(_plain(kind) for told in self._used(result) for kind in told.failures or failures(told.arms))

    def _about(self, result: RunResult) -> Iterator[str]:
        """What a reader has to know of the baseline beside this result."""
        same, used = self._same(result), self._used(result)
        if not same:
            yield f"The baseline {self.name} has no result of this scenario: whatever fails is new."
            return
        if not used:
            verdicts = listed(list(dict.fromkeys(told.verdict for told in same)))
            yield f"The baseline {self.name} is not used, for its result of this scenario is {verdicts}."
            return
        arms = {arm.name for told in used for arm in told.arms}
        missing = [arm.name for arm in result.arms if arm.name not in arms]
        if missing:
            yield f"The baseline {self.name} has no arm {listed(missing)}: whatever fails there is new."
        others = list(dict.fromkeys(other for told in used for other in _differences(result, told)))
        if others:
            yield f"The baseline {self.name} was made with {listed(others)}."

    def _gone(self, result: RunResult) -> list[str]:
        """That a known failure is not there any more, where the result can tell."""
        gone = [in_words(kind) for kind in self._known(result) - {_plain(kind) for kind in result.failures}]
        if not gone or result.verdict not in ("passed", "failed"):
            return []
        return [f"In the baseline {self.name}, and here no more: {listed(sorted(gone))}."]


def in_words(kind: Failure) -> str:
    """`on: too many duplicates (new-epoch)`"""
    return f"{kind.arm}: {_HOW[kind.how]}{kind.figure}{f' ({kind.cause})' if kind.cause else ''}"


def is_known(told: ExpectationResult, arm: ArmResult, result: RunResult) -> bool:
    """Whether an expectation of the arm failed, and in nothing but what the result says is known."""
    known = {_plain(kind) for kind in result.failures if kind.known}
    kinds = list(of_expectation(told, arm))
    return bool(kinds) and known.issuperset(kinds)


def _plain(kind: Failure) -> Failure:
    return dataclasses.replace(kind, known=None)


def _known_notes(result: RunResult, name: str) -> Iterator[str]:
    for arm in result.arms:
        for told in arm.expectations:
            if is_known(told, arm, result):
                causes = [kind.cause for kind in of_expectation(told, arm) if kind.cause]
                why = f" ({', '.join(causes)})" if causes else ""
                yield f"Known from the baseline {name}: {arm.name}: expected {told.expect}{why}."


def _judged(result: RunResult) -> RunResult:
    """Without the reasons that are known, and with the verdict of those that are left."""
    if result.verdict not in ("failed", "inconclusive"):
        return result
    reasons = list(_left(result))
    verdict: Verdict = result.verdict
    if len(reasons) < len(result.reasons) and not any(reason.code == EXPECTATION_FAILED for reason in reasons):
        verdict = "inconclusive" if reasons else "passed"
    return dataclasses.replace(result, reasons=reasons, verdict=verdict, exit_code=EXIT_CODES[verdict])


def _left(result: RunResult) -> Iterator[Reason]:
    """The reasons that are not known. An arm's expectations that failed have theirs in the same order."""
    failed = {
        arm.name: iter([is_known(told, arm, result) for told in arm.expectations if told.held is False])
        for arm in result.arms
    }
    for reason in result.reasons:
        known = reason.code == EXPECTATION_FAILED and reason.arm in failed and next(failed[reason.arm], False)
        if not known:
            yield reason


def _made_otherwise(result: RunResult, told: RunResult) -> bool:
    return bool(_producers(result) ^ _producers(told)) or _kind(result) != _kind(told)


def _differences(result: RunResult, told: RunResult) -> Iterator[str]:
    """In what an earlier result is of something else, though its scenario has the same name."""
    if None not in (result.scenario.sha256, told.scenario.sha256) and result.scenario.sha256 != told.scenario.sha256:
        yield "another version of the scenario"
    if _kind(result) != _kind(told):
        yield f"a broker that is {_kind(told)}"
    if others := _producers(told) - _producers(result):
        yield f"the producer {listed(sorted(others))}"


def _producers(result: RunResult) -> set[str]:
    return {arm.producer.client for arm in result.arms}


def _kind(result: RunResult) -> str:
    return "unknown" if result.broker is None else result.broker.kind
