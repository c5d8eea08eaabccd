"""What is known of retries before the log is read."""

from __future__ import annotations

from ackdrop.control.retries import MOST_SETTLED, Retries
from ackdrop.observations import Acked, Answered, Attempt, Decided, Observation

DUPLICATE, OUT_OF_ORDER = 46, 45


def told(retries: Retries, facts: list[Observation]) -> Retries:
    for fact in facts:
        match fact:
            case Attempt():
                retries.attempt(fact)
            case Answered():
                retries.answered(fact)
            case Acked():
                retries.acked(fact)
            case Decided():
                retries.fired(fact.attempt or 0, fact.fault)
    return retries


def test_two_offsets_for_one_batch_say_that_it_was_appended_twice(lost_and_sent_again):
    retries = told(Retries(), lost_and_sent_again(1, 7, 8, records=3))
    (seen,) = retries.last()
    assert (seen.outcome, seen.offset, seen.earlier_offset, seen.protected) == ("appended-again", 8, 7, False)
    assert (seen.retry_of, seen.first_ack, seen.faults) == (1, "dropped", ("lose it",))
    counts = retries.counts()
    assert (counts.retries, counts.unprotected, counts.appended_again, counts.records_appended_again) == (1, 1, 1, 3)


def test_one_offset_for_both_or_its_own_error_says_that_the_broker_knew_it_again(lost_and_sent_again):
    retries = told(Retries(), lost_and_sent_again(1, 7, 7, producer_id=9) + lost_and_sent_again(3, 8, -1, DUPLICATE))
    assert [seen.outcome for seen in retries.last()] == ["deduplicated", "deduplicated"]
    assert (retries.counts().protected, retries.counts().deduplicated) == (1, 2)


def test_an_error_is_a_refusal_and_no_answer_is_open(lost_and_sent_again, attempt):
    retries = told(Retries(), lost_and_sent_again(1, 7, -1, OUT_OF_ORDER))
    retries.attempt(attempt(number=3, retry_of=1, tries=3))
    assert [seen.outcome for seen in retries.last()] == ["refused", "open"]


def test_the_earlier_try_is_any_before_it_and_not_only_the_last(attempt):
    retries = Retries()
    retries.attempt(attempt(number=1))
    retries.answered(Answered(1.0, 1, 0, 7))
    retries.attempt(attempt(number=2, retry_of=1, tries=2))  # never reached the broker
    retries.attempt(attempt(number=3, retry_of=2, tries=3))
    retries.answered(Answered(3.0, 3, 0, 8))
    assert retries.last()[-1].outcome == "appended-again"


def test_a_first_try_without_an_answer_leaves_a_retry_that_was_appended(attempt):
    retries = Retries()
    retries.attempt(attempt(number=1))
    retries.attempt(attempt(number=2, retry_of=1, tries=2))
    retries.answered(Answered(3.0, 2, 0, 7))
    assert retries.last()[-1].outcome == "appended"


def test_what_may_be_meant_is_counted_apart_and_a_copy_of_ours_not_at_all(attempt):
    retries = Retries()
    retries.attempt(attempt(number=1))
    retries.attempt(attempt(number=2, retry_of=1, ambiguous=True))
    retries.attempt(attempt(number=3, retry_of=1, injected=True))
    counts = retries.counts()
    assert (counts.retries, counts.ambiguous, counts.open) == (0, 1, 0)
    assert [seen.attempt for seen in retries.last()] == [2]


def test_the_counts_go_on_when_the_stories_are_gone(lost_and_sent_again):
    retries = Retries(most=2)
    for number in range(1, 20, 2):
        told(retries, lost_and_sent_again(number, 10 * number, 10 * number + 1, records=2))
    counts = retries.counts()
    assert (counts.retries, counts.appended_again, counts.records_appended_again) == (10, 10, 20)
    assert len(retries.last()) == 2


def test_no_more_stories_are_kept_than_there_is_room_for(attempt):
    retries = Retries(stories=10)
    for number in range(1, 100):
        retries.attempt(attempt(number=number))
    assert retries.story(89) is None
    assert retries.story(90) is not None


def test_of_what_has_reached_its_client_only_the_last_is_kept(attempt):
    """What has not may be sent again much later."""
    retries = Retries()
    retries.attempt(attempt(number=0))
    retries.answered(Answered(1.0, 0, 0, 5))
    retries.acked(Acked(1.0, 0, "dropped", None))
    for number in range(1, MOST_SETTLED + 3):
        retries.attempt(attempt(number=number))
        retries.answered(Answered(1.0, number, 0, number))
        retries.acked(Acked(1.0, number, "delivered", 0))
    kept = [number for number in range(MOST_SETTLED + 3) if retries.story(number)]
    assert kept == [0, *range(3, MOST_SETTLED + 3)]


def test_a_client_that_never_gives_up_leaves_no_chain_without_an_end(attempt):
    retries = Retries(most=5, stories=5)
    retries.attempt(attempt(number=1))
    for number in range(2, 100):
        retries.attempt(attempt(number=number, retry_of=number - 1, tries=number))
    story, length = retries.story(99), 0
    while story is not None:
        story, length = story.of, length + 1
    assert length <= 6
