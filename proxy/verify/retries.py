"""The gates that ask what was put to the test: an ack that was lost, a retry, and what the broker made of it."""

from __future__ import annotations

from collections.abc import Iterator

from ..clients import CLIENTS
from ..kafka.codes import error_code, error_name
from ..observations import AttemptStory
from .attempts import certain, told
from .case import Case

Failure = tuple[str, str]
"""The code and the text of a reason."""

_OF_ITS_NUMBERS = frozenset(
    map(
        error_code,
        ("OUT_OF_ORDER_SEQUENCE_NUMBER", "DUPLICATE_SEQUENCE_NUMBER", "INVALID_PRODUCER_EPOCH", "UNKNOWN_PRODUCER_ID"),
    )
)
"""Errors by which a broker refuses a batch for its producer id, epoch or sequence: it has looked at them (KIP-98)."""


def put_to_the_test(case: Case) -> Iterator[Failure]:
    """A batch was appended, its ack did not arrive, and it was sent again."""
    if not case.evidence.control:
        return
    written = case.trail.appended()
    again = case.trail.families.sent_again() | case.duplicates.sent_again
    unheard = [story for story in written if _unheard(story, again)]
    if (written or case.trail.folded) and not unheard:
        yield (
            "no-lost-ack",
            "Every ack of an appended batch reached the producer, so nothing was put to the test. Let a fault fire on "
            "the answer of a produce request: see its `match` and `when`.",
        )
    elif unheard and not any(story.attempt.number in again for story in unheard):
        yield (
            "no-retry",
            f"{counted(len(unheard), 'appended batch', 'appended batches')} lost the ack, and the producer sent none "
            f"again. {_how_to_retry(case)}",
        )
    elif unheard:
        yield from _refused(case, [story for story in unheard if story.attempt.number in again])


def _how_to_retry(case: Case) -> str:
    evidence = case.evidence
    silent = [each.name for each in CLIENTS.values() if not each.resends_after_silence]
    name = next(filter(evidence.producer.client.startswith, silent), None)
    if name is not None and evidence.idempotence is False:
        return (
            f"{name} with idempotence off does not retry after silence: it tells the application of a failure. "
            "Close the connection in place of the answer (`then: disconnect`), or take another client."
        )
    return "Let it retry: `retries` above 0, and a `request_timeout` well below `delivery_timeout`."


def _refused(case: Case, first: list[AttemptStory]) -> Iterator[Failure]:
    """How the broker treats a repeated batch shows only where it took a retry, or refused it for its numbers."""
    retries = [
        later
        for story in first
        for later in case.trail.families.of(story)
        if later.attempt.number > story.attempt.number and certain(later)
    ]
    doubled = any(story.attempt.number in case.duplicates.sent_again for story in first)
    if not doubled and not _any_judged(case, retries):
        yield _refusal(retries)


def _any_judged(case: Case, retries: list[AttemptStory]) -> bool:
    if any(story.error == 0 or story.error in _OF_ITS_NUMBERS for story in retries):
        return True
    appended = {story.attempt.number for story in case.trail.appended()}
    return any(story.attempt.number in appended for story in retries)


def _refusal(retries: list[AttemptStory]) -> Failure:
    errors = dict.fromkeys("nothing" if story.error is None else error_name(story.error) for story in retries)
    return (
        "retry-refused",
        "The broker took no retry, and refused none for being a repetition, so how it treats one was not seen: it "
        f"answered {', '.join(errors)}. See why in the broker's log and the topic's settings, and run again.",
    )


def retried_at_all(case: Case) -> Iterator[Failure]:
    """A program of someone else, watched: without a retry there is nothing to say of retries."""
    evidence = case.evidence
    if not evidence.watched or evidence.control or not case.trail.stories:
        return
    retries = [s for s in case.trail.stories if s.attempt.retry_of is not None and certain(s)]
    if retries and not _any_judged(case, retries):
        yield _refusal(retries)
    elif not retries:
        yield (
            "no-retry",
            "The program sent nothing again, so nothing can be said of its retries. "
            + (
                "See that the scenario's faults match its answers, or watch for longer."
                if evidence.rules
                else "Lose an ack with a scenario (`--scenario lost-ack`), or watch for longer."
            ),
        )


def _unheard(story: AttemptStory, again: set[int]) -> bool:
    """An ack was asked for and did not reach the client, or only after the client had sent the batch again."""
    if story.attempt.acks == 0:
        return False
    return not told(story) or (story.ack == "delayed" and story.attempt.number in again)


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
