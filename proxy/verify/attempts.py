"""What an attempt's story says about itself, and which attempts belong together because one repeats the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..kafka.codes import error_name
from ..observations import AttemptStory
from ..result import AttemptLine


def located(story: AttemptStory) -> bool:
    """The broker answered success with an offset: it appended the batch, or took it for one that stands there."""
    return story.error == 0 and story.base_offset is not None and story.base_offset >= 0


def base(story: AttemptStory) -> int:
    """The base offset of the answer, -1 where there is none."""
    return -1 if story.base_offset is None else story.base_offset


def offsets(story: AttemptStory) -> range:
    """The offsets that a located attempt was answered with; an old message set without a count gives its first."""
    first = base(story)
    return range(first, first + max(story.attempt.records, 1))


def told(story: AttemptStory) -> bool:
    """The client got this attempt's success, in time or late."""
    return story.ack in ("delivered", "delayed") and story.seen_error == 0


def certain(story: AttemptStory) -> bool:
    """The client sent it, and not ackdrop; and if it repeats another one, then for certain."""
    return not story.attempt.ambiguous and not story.attempt.injected


def line(story: AttemptStory, zero: float | None, fault: str | None) -> AttemptLine:
    """The attempt as a finding's chain shows it; `zero` is the clock at the arm's first produce request, `fault` the
    one that touched this attempt."""
    attempt = story.attempt
    zero = zero or 0.0
    return AttemptLine(
        at=attempt.at - zero,
        connection=attempt.connection,
        correlation_id=attempt.correlation_id,
        topic=attempt.topic,
        partition=attempt.partition,
        producer_id=attempt.producer_id,
        producer_epoch=attempt.producer_epoch,
        base_sequence=attempt.base_sequence,
        records=attempt.records,
        crc=attempt.crc,
        base_offset=story.base_offset,
        error=_told(story),
        ack=story.ack,
        number=attempt.number,
        acks=attempt.acks,
        retry_of=attempt.retry_of,
        answered_at=None if story.answered_at is None else story.answered_at - zero,
        acked_at=None if story.acked_at is None else story.acked_at - zero,
        fault=fault,
        injected=attempt.injected,
    )


class Families:
    """Attempts linked by `retry_of`, directly or through others: a batch and everything that repeats it.

    Most attempts are alone and take no room here. `stories` come in the order of their numbers.
    """

    def __init__(self, stories: Sequence[AttemptStory]) -> None:
        self._root: dict[int, int] = {}
        self._members: defaultdict[int, list[AttemptStory]] = defaultdict(list)
        for story in stories:
            repeats = story.attempt.retry_of
            if repeats is not None:
                self._root[story.attempt.number] = self._root.setdefault(repeats, repeats)
        for story in stories if self._root else ():
            root = self._root.get(story.attempt.number)
            if root is not None:
                self._members[root].append(story)

    def of(self, story: AttemptStory) -> Sequence[AttemptStory]:
        """The whole family of this attempt, in the order in which it was sent; itself alone where none repeats it."""
        root = self._root.get(story.attempt.number)
        return (story,) if root is None else self._members[root]

    def related(self, one: AttemptStory, other: AttemptStory) -> bool:
        """One of the two is, through however many steps, a retry of the other or of what the other repeats."""
        root = self._root.get(one.attempt.number)
        return root is not None and root == self._root.get(other.attempt.number)

    def repeated(self) -> list[Sequence[AttemptStory]]:
        """The families of two attempts and more, by their first attempt."""
        return [members for members in self._members.values() if len(members) > 1]

    def sent_again(self) -> set[int]:
        """The numbers of the attempts that were followed by a retry: `certain` ones alone are proof of that."""
        again: set[int] = set()
        for members in self.repeated():
            last = max((i for i, member in enumerate(members) if certain(member)), default=0)
            again.update(member.attempt.number for member in members[:last])
        return again


def _told(story: AttemptStory) -> str | None:
    """The error by name: what the client was told, which a fault may have written, else what the broker answered."""
    code = story.seen_error if story.seen_error is not None else story.error
    return error_name(code) if code else None
