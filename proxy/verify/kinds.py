"""Failures by their kind: which figure of an arm is not as expected, in which direction, and why duplicates are there.

Two runs that fail in the same kinds fail alike, however often each of them did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ..result import ArmResult, Cause, ExpectationResult, Failure
from .listed import LIMIT

_EXPECT = re.compile(r"(?P<figure>.+?) (?:(?P<sign>==|!=|<=?|>=?) )?(?P<number>[0-9]{1,18})")
_HOW: dict[str, Literal["more", "fewer", "other"]] = {"<": "more", "<=": "more", ">": "fewer", ">=": "fewer"}
_COUNTS_COPIES = ("duplicates", "records")
"""Figures of which there is too much where records stand twice."""


def failures(arms: Iterable[ArmResult]) -> list[Failure]:
    """Every kind once, in the order of the arms and their expectations."""
    return list(dict.fromkeys(kind for arm in arms for told in arm.expectations for kind in of_expectation(told, arm)))


def of_expectation(told: ExpectationResult, arm: ArmResult) -> Iterator[Failure]:
    """The kinds that one expectation of the arm failed in; none where it held, or nobody knows."""
    found = _EXPECT.fullmatch(told.expect)
    if told.held is not False or told.actual is None or found is None:
        return
    how = _HOW.get(found["sign"] or "==", "more" if told.actual > int(found["number"]) else "fewer")
    if found["sign"] == "!=":
        how = "other"
    for cause in _causes(found["figure"], how, arm):
        yield Failure(arm.name, found["figure"], how, cause)


def _causes(figure: str, how: str, arm: ArmResult) -> Sequence[Cause | None]:
    """Why the copies are there, where it is they that are too many. None among them: not all are listed."""
    if how != "more" or not figure.startswith(_COUNTS_COPIES):
        return [None]
    listed = [finding.cause for finding in arm.findings if finding.kind == "duplicate"]
    causes = dict.fromkeys(listed) or {None: None}
    return list(causes | ({None: None} if len(listed) >= LIMIT else {}))
