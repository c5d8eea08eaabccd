"""The cases of a run for JUnit XML: which passed, which are red, and what stands in their text. Knows no XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..result import ArmRepeat, ArmResult, ExpectationResult, FindingKind, HeldTally, Reason, RunResult
from . import plain
from .baseline import is_known
from .codes import ABOUT_EXPECTATIONS, NOT_RUN
from .figures import in_signs
from .spreads import spread
from .story import Chapter, chapters
from .verdicts import sentence
from .words import figure

RUN = "run"
"""The group of what is about no single arm."""

_CHAINS = 10
_OPEN = ("inconclusive", "error", "interrupted")


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `group` is the arm, `lines` what stands below the message; `type` is a reason's code."""

    group: str
    name: str
    outcome: Literal["passed", "failure", "error", "skipped"]
    message: str = ""
    type: str = ""
    lines: tuple[str, ...] = ()


def cases(result: RunResult) -> list[Case]:
    """All cases of a run, each of another name in its group. There is one at least, and without a pass a red one; but
    for a run that was left out, because another one is red."""
    found = [*_expectations(result), *_reasons(result)]
    red = any(case.outcome in ("failure", "error") for case in found)
    if result.verdict != "passed" and not red and not _left_out(result):
        kind: Literal["failure", "error"] = "failure" if result.verdict == "failed" else "error"
        found.append(Case(RUN, "verdict", kind, sentence(result), result.verdict))
    elif not found:
        found.append(Case(RUN, "verdict", "passed", lines=(sentence(result),)))
    return list(_apart(found))


def _left_out(result: RunResult) -> bool:
    return {reason.code for reason in result.reasons} == {NOT_RUN}


def _expectations(result: RunResult) -> Iterator[Case]:
    arms = {arm.name: arm for arm in result.arms}
    if result.repeat is None:
        for arm in result.arms:
            for expectation in arm.expectations:
                yield _one(expectation, arm, result)
    else:
        for repeated in result.repeat.arms:
            for tally in repeated.expectations:
                yield _of_all(tally, repeated, arms.get(repeated.name), result)


def _one(expectation: ExpectationResult, arm: ArmResult, result: RunResult) -> Case:
    name = in_signs(expectation.expect)
    evidence = tuple(_evidence(arm, expectation.expect))
    if expectation.held and arm.verdict in _OPEN:
        message = f"held, and proves nothing: the arm is {_because(arm, result.reasons)}"
        return Case(arm.name, name, "skipped", message, arm.verdict)
    if is_known(expectation, arm, result):
        message = f"known from the baseline: expected {name}, was {figure(expectation.actual)}"
        return Case(arm.name, name, "skipped", message, "known", evidence)
    if expectation.held:
        return Case(arm.name, name, "passed", lines=evidence)
    if expectation.held is None:
        message = f"expected {name}, which cannot be known"
        return Case(arm.name, name, "error", message, "figure-unknown", evidence)
    message = f"expected {name}, was {figure(expectation.actual)}"
    return Case(arm.name, name, "failure", message, "expectation-failed", evidence)


def _because(arm: ArmResult, reasons: Sequence[Reason]) -> str:
    codes = dict.fromkeys(reason.code for reason in reasons if reason.arm == arm.name)
    return f"{arm.verdict} ({', '.join(codes)})" if codes else arm.verdict


def _of_all(tally: HeldTally, repeated: ArmRepeat, shown: ArmResult | None, result: RunResult) -> Case:
    """One expectation over all runs; the chains are those of the run that is shown."""
    name, held = in_signs(tally.expect), f"held in {tally.held:,} of {tally.of:,} runs"
    evidence = [held, *_spread(tally.expect, repeated)]
    if shown is not None and result.repeat is not None:
        chains = list(_evidence(shown, tally.expect))
        evidence += [f"run {result.repeat.shown:,}:", *chains] if chains else []
    case = Case(repeated.name, name, "passed", f"expected {name}, {held}", lines=tuple(evidence))
    if tally.held + tally.unknown < tally.of:
        if not _any_new(tally.expect, repeated.name, result):
            return replace(case, outcome="skipped", type="known", message=f"known from the baseline: {case.message}")
        return replace(case, outcome="failure", type="expectation-failed")
    if tally.unknown:
        return replace(case, outcome="error", type="figure-unknown")
    if not repeated.verdicts.get("passed") and not repeated.verdicts.get("failed"):
        return replace(case, outcome="skipped", type="inconclusive", message=f"{held}, and proves nothing")
    return case


def _any_new(expect: str, arm: str, result: RunResult) -> bool:
    """Whether the arm failed in anything new about that figure, in any of the runs; so it is without a baseline."""
    kinds = [kind for kind in result.failures if kind.arm == arm and expect.startswith(f"{kind.figure} ")]
    return not kinds or not all(kind.known for kind in kinds)


def _spread(expect: str, repeated: ArmRepeat) -> Iterator[str]:
    name = expect.partition(" ")[0]
    if name in repeated.figures:
        yield f"{name}: {spread(repeated.figures[name])}"


def _evidence(arm: ArmResult, expect: str) -> Iterator[str]:
    """The chains of what the expectation counts."""
    found = {chapter.kind: chapter for chapter in chapters(arm, _CHAINS)}
    yield from plain.chapters(_about(expect.partition(" ")[0], found))


def _about(counted: str, found: dict[FindingKind, Chapter]) -> list[Chapter]:
    """Where there is no duplicate, the retries that left none are what there is to see."""
    kinds = ["duplicate"] if counted in ("records", "distinct", "duplicates") else [counted]
    told = [chapter for kind, chapter in found.items() if kind in kinds]
    return told or [found["deduplicated"]] if counted == "duplicates" and "deduplicated" in found else told


def _reasons(result: RunResult) -> Iterator[Case]:
    """A case for each reason that is more than the result of an expectation."""
    red = {arm.name for arm in result.arms if any(not expectation.held for expectation in arm.expectations)}
    if result.repeat is not None:
        red = {arm.name for arm in result.repeat.arms if any(t.held < t.of for t in arm.expectations)}
    for reason in result.reasons:
        if reason.code in ABOUT_EXPECTATIONS and reason.arm in red:
            continue
        yield Case(reason.arm or RUN, reason.code, _outcome(reason.code), reason.text, reason.code)


def _outcome(code: str) -> Literal["failure", "error", "skipped"]:
    if code in ("arm-not-run", NOT_RUN):
        return "skipped"
    return "failure" if code == "expectation-failed" else "error"


def _apart(found: Sequence[Case]) -> Iterator[Case]:
    """Two cases of one name would be taken for one."""
    seen: Counter[tuple[str, str]] = Counter()
    for case in found:
        seen[case.group, case.name] += 1
        often = seen[case.group, case.name]
        yield case if often == 1 else replace(case, name=f"{case.name} {often}")
