"""What is known of retries before the log is read: which there were, whether they were protected, what became of them.

An answer with an offset says that the broker appended, or took for a duplicate, what it got. So two tries of one batch
that were given different offsets stand in the log twice. Of the last ones the story is kept, of all others the count.
"""

from __future__ import annotations

from collections import Counter, deque

from ..kafka.codes import ERROR_CODES
from ..observations import Ack, Acked, Answered, Attempt, Passed
from ..passed import expanded, one_of
from .snapshot import Outcome, RetryCounts, RetrySeen

DUPLICATE_SEQUENCE_NUMBER = ERROR_CODES["DUPLICATE_SEQUENCE_NUMBER"]
MOST_STORIES = 20_000
"""Attempts whose fate is followed: a retry whose first try is older than so many is known without it."""
MOST_SETTLED = 1_000
"""Of these, attempts whose success has reached their client, so that hardly any is ever sent again."""
MOST_RETRIES = 1_000
"""Retries that are told one by one."""


class Story:
    """One attempt and what became of it; `of` is the story that it repeats."""

    __slots__ = ("ack", "answered_at", "attempt", "error", "faults", "of", "offset")

    def __init__(self, attempt: Attempt, of: Story | None) -> None:
        self.attempt = attempt
        self.of = of
        self.answered_at: float | None = None
        self.error: int | None = None
        self.offset = -1
        self.ack: Ack | None = None
        self.faults: tuple[str, ...] = ()

    @property
    def earlier(self) -> int | None:
        """The offset of the earliest try that was appended, None where none was seen to be."""
        found, story = None, self.of
        while story is not None:
            if story.error == 0 and story.offset >= 0:
                found = story.offset
            story = story.of
        return found

    @property
    def outcome(self) -> Outcome:
        if self.error is None:
            return "open"
        if self.error == DUPLICATE_SEQUENCE_NUMBER:
            return "deduplicated"
        if self.error:
            return "refused"
        earlier = self.earlier
        if earlier is None:
            return "appended"
        return "deduplicated" if self.offset in (earlier, -1) else "appended-again"


class Retries:
    """Follows attempts. Every method takes an observation; none costs more than a few look-ups."""

    def __init__(self, most: int = MOST_RETRIES, stories: int = MOST_STORIES) -> None:
        self._most = most
        self._stories: dict[int, Story] = {}
        self._most_stories = stories
        self._settled: deque[int] = deque()
        self._passed: deque[tuple[Passed, int]] = deque()
        self._passed_attempts = 0
        self._last: deque[Story] = deque()
        self._gone: Counter[Outcome] = Counter()
        self._gone_records = 0
        self._protected = self._unprotected = self._ambiguous = 0

    def story(self, attempt: int) -> Story | None:
        """What is known of an attempt of this number."""
        return self._stories.get(attempt)

    def passed(self, fact: Passed, attempts: int) -> None:
        """So many attempts by which nothing happened: the last ones are kept, in case that they are sent again."""
        self._passed.append((fact, attempts))
        self._passed_attempts += attempts
        while self._passed_attempts - self._passed[0][1] >= MOST_SETTLED:
            self._passed_attempts -= self._passed.popleft()[1]

    def attempt(self, fact: Attempt) -> Story:
        of = None if fact.retry_of is None or fact.injected else self._first(fact.retry_of)
        story = self._stories[fact.number] = Story(fact, of)
        if len(self._stories) > self._most_stories:
            del self._stories[next(iter(self._stories))]
        if fact.retry_of is not None and not fact.injected:
            self._retry(story)
        return story

    def answered(self, fact: Answered) -> Story | None:
        story = self._stories.get(fact.attempt)
        if story is not None:
            story.answered_at, story.error, story.offset = fact.at, fact.error, fact.base_offset
        return story

    def acked(self, fact: Acked) -> Story | None:
        story = self._stories.get(fact.attempt)
        if story is not None:
            story.ack = fact.ack
            if story.error == 0 and fact.ack in ("delivered", "delayed"):
                self._settle(fact.attempt)
        return story

    def fired(self, attempt: int, fault: str) -> None:
        """A fault fired on this attempt."""
        story = self._stories.get(attempt)
        if story is not None and fault not in story.faults:
            story.faults += (fault,)

    def counts(self) -> RetryCounts:
        """All retries so far."""
        found, records = Counter(self._gone), self._gone_records
        for story in self._last:
            if not story.attempt.ambiguous:
                outcome = story.outcome
                found[outcome] += 1
                records += story.attempt.records if outcome == "appended-again" else 0
        return RetryCounts(
            retries=self._protected + self._unprotected,
            protected=self._protected,
            unprotected=self._unprotected,
            ambiguous=self._ambiguous,
            open=found["open"],
            appended=found["appended"],
            appended_again=found["appended-again"],
            records_appended_again=records,
            deduplicated=found["deduplicated"],
            refused=found["refused"],
        )

    def last(self, most: int = MOST_RETRIES) -> list[RetrySeen]:
        """The last retries, the newest last."""
        return [_told(story) for story in list(self._last)[-most:]]

    def _first(self, attempt: int) -> Story | None:
        """The attempt that is repeated."""
        if attempt not in self._stories:
            for passed, _ in self._passed:
                for found in one_of(passed, attempt):
                    self._stand_for(found)
        return self._stories.get(attempt)

    def _stand_for(self, passed: Passed) -> None:
        for fact in expanded(passed):
            match fact:
                case Attempt():
                    self.attempt(fact)
                case Answered():
                    self.answered(fact)
                case Acked():
                    self.acked(fact)

    def _settle(self, attempt: int) -> None:
        self._settled.append(attempt)
        if len(self._settled) > MOST_SETTLED:
            self._stories.pop(self._settled.popleft(), None)

    def _retry(self, story: Story) -> None:
        if story.attempt.ambiguous:
            self._ambiguous += 1
        elif story.attempt.producer_id >= 0:
            self._protected += 1
        else:
            self._unprotected += 1
        self._last.append(story)
        if len(self._last) > self._most:
            gone = self._last.popleft()
            if not gone.attempt.ambiguous:
                self._gone[gone.outcome] += 1
                self._gone_records += gone.attempt.records if gone.outcome == "appended-again" else 0
            gone.of = None  # else a client that never gives up would leave a chain without an end


def _told(story: Story) -> RetrySeen:
    fact, of = story.attempt, story.of
    assert fact.retry_of is not None
    return RetrySeen(
        at=fact.at,
        attempt=fact.number,
        retry_of=fact.retry_of,
        tries=fact.tries,
        connection=fact.connection,
        client_id=fact.client_id,
        topic=fact.topic,
        partition=fact.partition,
        records=fact.records,
        protected=fact.producer_id >= 0,
        ambiguous=fact.ambiguous,
        first_ack=None if of is None else of.ack,
        faults=() if of is None else of.faults,
        error=story.error,
        offset=story.offset if story.error == 0 and story.offset >= 0 else None,
        earlier_offset=story.earlier,
        outcome=story.outcome,
    )
