"""A probe in words: what came back, what the log held, what was promised. Knows no format."""

from __future__ import annotations

from collections.abc import Sequence

from ..probing.model import TITLES, Answer, CaseResult, Exchange, ProbeResult, Step, Verdict, Written
from ..probing.numbers import span
from .words import counted

KINDS = {"kafka": "Kafka", "redpanda": "Redpanda"}

_STATES = {"inconclusive": "NOT MEASURED", "absent": "not there", "left-out": "left out"}


def versions(result: ProbeResult) -> str:
    """`Produce 13, InitProducerId 5`: the newest versions that were spoken."""
    return ", ".join(f"{TITLES.get(api, api)} {version}" for api, version in result.versions.items())


def came_back(step: Step) -> str:
    """All answers of a step: `ok, offset 0`, an error's name, or that there was none."""
    answers = [_answer(exchange) for exchange in step.exchanges]
    if not answers:
        return "moved" if step.effect == "moved" else "answers again"
    first, last = step.exchanges[0].answer, step.exchanges[-1].answer
    if len(answers) > 3 and all(exchange.answer.error == "NONE" for exchange in step.exchanges):
        return f"{len(answers)} times ok, offsets {first.base_offset} to {last.base_offset}"
    return "; ".join(answers)


def _answer(exchange: Exchange) -> str:
    answer = exchange.answer
    if answer.how != "answered":
        return _unanswered(answer)
    if answer.error != "NONE":
        return answer.error or "?"
    if exchange.batch is None:
        return "ok"
    return "ok, without an offset" if answer.base_offset == -1 else f"ok, offset {answer.base_offset}"


def _unanswered(answer: Answer) -> str:
    told = {"not-asked": "nothing (acks=0)", "closed": "CONNECTION CLOSED", "silent": "NO ANSWER IN TIME"}
    return told.get(answer.how, "NO ANSWER THAT CAN BE READ")


def in_the_log(step: Step) -> str:
    """What the log held after the step, and not before: each batch's offsets, its sequences in brackets."""
    if not step.exchanges:
        return ""
    if len(step.wrote) > 3:
        return (
            f"{step.wrote[0].base_offset}-{step.wrote[-1].last_offset}: {counted(len(step.wrote), 'batch', 'batches')}"
        )
    return ", ".join(map(_written, step.wrote)) or "nothing new"


def _written(batch: Written) -> str:
    if batch.marker is not None:
        return f"{batch.base_offset} {batch.marker} marker"
    where = f"{batch.partition}/" if batch.partition else ""
    return f"{where}{_span(batch.base_offset, batch.last_offset)} ({span(batch.base_sequence, batch.records)})"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def state(case: CaseResult) -> str:
    """Why a case was not measured."""
    return f"{_STATES[case.state]}: {case.reason}"


def promised(verdict: Verdict) -> str:
    """What is promised, by whom, and for which releases where it is not for all."""
    promise = verdict.promise
    meant = "" if promise.releases == "all" else f", {promise.releases}"
    return f"{KINDS[promise.of]}: {promise.says} [{promise.source}{meant}]"


def differing(result: ProbeResult) -> list[CaseResult]:
    """The cases in which the broker does not do what is promised."""
    return [case for case in result.cases if any(verdict.kept is False for verdict in case.promises)]


def closing(result: ProbeResult) -> str:
    """The last sentence: how many cases were measured, and in how many of them a promise is not kept."""
    measured = [case for case in result.cases if case.state == "measured"]
    told = [f"{counted(len(measured), 'case')} of {len(result.cases)} measured"]
    if different := len(differing(result)):
        told.append(f"{different} of them not as documented")
    if result.interrupted:
        told.append("interrupted before the end")
    return ", ".join(told) + "."


def together(cases: Sequence[CaseResult]) -> dict[str, list[CaseResult]]:
    """Reason -> the cases that were not measured for it, in which nothing was seen at all."""
    found: dict[str, list[CaseResult]] = {}
    for case in cases:
        if case.state != "measured" and not case.steps:
            found.setdefault(state(case), []).append(case)
    return found
