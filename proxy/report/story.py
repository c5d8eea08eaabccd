"""What became of a record, in sentences: where it stands, the attempts that put it there, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..result import ArmResult, Cause, Finding, FindingKind, Place
from .attempts import Told, told
from .clean import shortened
from .words import listed, times

MOST = 3
"""How many findings of one kind and arm are told."""

KINDS: tuple[FindingKind, ...] = (
    "duplicate",
    "deduplicated",
    "lost",
    "out_of_order",
    "unacked_present",
    "phantom",
    "offset_mismatch",
)

_OF_ONE = re.compile(r"(?:(?P<producer>[^/]+)/)?(?P<record>\d+)")
_DIGEST = re.compile(r"[0-9a-f]{16,}")

CAUSES: dict[Cause, str] = {
    "retry-unprotected": "The client sent it again without a producer id, so the broker could not know it again.",
    "broker-did-not-deduplicate": "The broker appended one producer id, epoch and sequence twice: it should not have.",
    "new-epoch": "The client sent it again in a new epoch, and so the broker took it for a new record.",
    "new-producer-id": "The client sent it again under a new producer id, and so the broker took it for a new record.",
    "injected": "ackdrop itself sent the copy, as the scenario asks.",
    "ambiguous": "It cannot be told whether the client or the application sent it again.",
    "application-resend": "The application sent it again itself: each send is a record of its own.",
    "unexplained": "Nothing that was seen on the wire accounts for the copy.",
}


@dataclass(frozen=True, slots=True)
class Story:
    """One finding in words. `why` is its cause in a sentence, empty where there is nothing to explain."""

    head: str
    attempts: list[Told]
    why: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """The stories of one kind in one arm, and how many `more` findings of the kind there are."""

    kind: FindingKind
    stories: list[Story]
    more: int


def chapters(arm: ArmResult, most: int = MOST) -> list[Chapter]:
    """The arm's findings in words, `most` of each kind; kinds without any are left out."""
    names = _Names(arm)
    found: list[Chapter] = []
    for kind in KINDS:
        of_kind = [finding for finding in arm.findings if finding.kind == kind]
        if of_kind:
            stories = [_story(finding, arm, names) for finding in of_kind[:most]]
            found.append(Chapter(kind, stories, max(0, len(of_kind) - most)))
    return found


def _story(finding: Finding, arm: ArmResult, names: _Names) -> Story:
    return Story(_head(finding, names), told(finding), _why(finding, arm))


def _why(finding: Finding, arm: ArmResult) -> str:
    if finding.cause is None:
        return ""
    if finding.cause != "application-resend":
        return f"{CAUSES[finding.cause]} ({finding.cause})"
    often = f"The application sent it {times(len(finding.places))}"
    if all(line.producer_id < 0 for line in finding.attempts):
        return f"{often}: each send is a record of its own. (application-resend)"
    return f"{often}, each send has its own sequence number: idempotence cannot know. (application-resend)"


def _head(finding: Finding, names: _Names) -> str:
    who, places = names.record(finding.record), names.places(finding.places)
    stands = "stand" if " to " in finding.record else "stands"
    match finding.kind:
        case "duplicate":
            return f"{who} {stands} at {places}"
        case "deduplicated":
            return f"{who} {stands} at {places}{' alone' if stands == 'stands' else ', each once'}"
        case "lost":
            return f"{who} was acked and is not in the log{names.seen}"
        case "out_of_order":
            return f"{who} {stands} at {places}, after a record that was sent later"
        case "unacked_present":
            return f"{who} {stands} at {places}, though its producer was not told so"
        case "phantom":
            return f"{who} {stands} at {places}, and was never sent"
        case "offset_mismatch":
            return f"{who} {stands} at {places}, and was acked at another offset"


class _Names:
    """What records and places are called in one arm: no more words than are needed to tell them apart."""

    def __init__(self, arm: ArmResult) -> None:
        self.seen = " that a read_committed consumer sees" if arm.isolation == "read_committed" else ""
        places = [place for finding in arm.findings for place in finding.places]
        topics = {place.topic for place in places}
        self._topics = len(topics) > 1 or not all(topic.startswith("ackdrop-") for topic in topics)
        found = (_OF_ONE.fullmatch(finding.record) for finding in arm.findings)
        self._producers = len({match["producer"] for match in found if match} - {None}) > 1

    def record(self, name: str) -> str:
        """`record 2`, `record 3fa9c1…`, `records 2 to 6`, or what verification calls it."""
        first, to, last = name.partition(" to ")
        one = self._one(first)
        if one is None:
            return shortened(name)
        other = self._one(last) if to else None
        return f"record {one}" if other is None else f"records {one} to {other}"

    def _one(self, name: str) -> str | None:
        if match := _OF_ONE.fullmatch(name):
            return f"{match['record']} of {match['producer']}" if self._producers else match["record"]
        return f"{name[:6]}…" if _DIGEST.fullmatch(name) else None

    def places(self, places: Sequence[Place]) -> str:
        """`offsets 2 and 3 of partition 0`, partition by partition; with the topic where it is not our own."""
        by_partition: dict[tuple[str, int], list[int]] = {}
        for place in places:
            by_partition.setdefault((place.topic, place.partition), []).append(place.offset)
        parts = [f"{_offsets(offsets)} of {self._partition(*key)}" for key, offsets in by_partition.items()]
        return listed(parts) if parts else "no place that is known"

    def _partition(self, topic: str, partition: int) -> str:
        return f"{shortened(topic)}, partition {partition}" if self._topics else f"partition {partition}"


def _offsets(offsets: list[int]) -> str:
    if len(offsets) == 1:
        return f"offset {offsets[0]}"
    if len(offsets) > 2 and offsets == list(range(offsets[0], offsets[-1] + 1)):
        return f"offsets {offsets[0]} to {offsets[-1]}"
    return f"offsets {listed([str(offset) for offset in offsets])}"
