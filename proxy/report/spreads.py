"""The comparison of the arms over several runs: each figure as minimum / median / maximum.

Like `figures.py`, for a scenario that was run more than once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..result import ArmRepeat, ArmResult, HeldTally, Repetition, Spread
from .clean import shortened
from .combine import WORST_FIRST
from .figures import Row, heading, in_signs
from .words import UNKNOWN, counted

LEGEND = "minimum / median / maximum"

_LABELS = {
    "sent": "sent",
    "acked": "acked",
    "failed": "failed",
    "unknown": "outcome not known",
    "acks_dropped": "acks dropped",
    "acks_withheld": "acks withheld",
    "acks_delayed": "acks delayed",
    "retries": "retries",
    "records": "records in the log",
    "aborted": "of aborted transactions",
    "duplicates": "duplicates",
    "lost": "lost",
    "out_of_order": "out of order",
    "unacked_present": "in the log, not acked",
    "phantom": "never sent",
    "offset_mismatch": "at another offset",
    "past_proxy": "past the proxy",
}
_ALWAYS = frozenset({"sent", "acked", "retries", "records", "duplicates", "lost", "out_of_order"})


def headings(repeat: Repetition, arms: Sequence[ArmResult]) -> list[str]:
    """What the columns are called. `arms` are those of the run that is shown, which may lack some."""
    shown = {arm.name: heading(arm) for arm in arms}
    return [shown.get(arm.name, shortened(arm.name, 24)) for arm in repeat.arms]


def rows(repeat: Repetition) -> list[Row]:
    """The comparison without the expectations."""
    return list(_rows(repeat.arms))


def runs(repeat: Repetition) -> str:
    """`5 runs: 4 passed, 1 failed`; where they were to be more `3 of 5 runs: 3 passed`."""
    count = f"{repeat.runs:,}" if repeat.runs >= repeat.asked else f"{repeat.runs:,} of {repeat.asked:,}"
    return f"{count} {'run' if repeat.asked == repeat.runs == 1 else 'runs'}: {verdicts(repeat.verdicts)}"


def verdicts(counts: dict[str, int]) -> str:
    """`4 passed, 1 failed`; `2 errors`"""
    known = [(verdict, counts[verdict]) for verdict in reversed(WORST_FIRST) if counts.get(verdict)]
    return ", ".join(counted(count, verdict, "errors" if verdict == "error" else verdict) for verdict, count in known)


def spread(value: Spread) -> str:
    """`0 / 2 / 5`; `2` where all runs agree; `unknown` where none knows."""
    if value.min is None or value.median is None or value.max is None:
        return UNKNOWN
    found = dict.fromkeys((value.min, value.median, value.max))
    return _number(value.min) if len(found) == 1 else " / ".join(map(_number, (value.min, value.median, value.max)))


def tally(result: HeldTally) -> str:
    """`duplicates 0: 5 of 5 ✓`; `✗` where a run did not hold it, `?` where nobody knows of some."""
    return f"{in_signs(result.expect)}: {result.held:,} of {result.of:,} {mark(result)}"


def mark(result: HeldTally) -> str:
    """`✓` where it held in all runs, `✗` where it failed in one, else `?`."""
    if result.held == result.of:
        return "✓"
    return "?" if result.held + result.unknown == result.of else "✗"


def _rows(arms: Sequence[ArmRepeat]) -> Iterator[Row]:
    for figure, label in _LABELS.items():
        found = [arm.figures.get(figure, Spread(None, None, None)) for arm in arms]
        if figure in _ALWAYS or any(value.max for value in found):
            yield Row(label, tuple(spread(value) for value in found))
    yield Row("runs", tuple(verdicts(arm.verdicts) for arm in arms))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
