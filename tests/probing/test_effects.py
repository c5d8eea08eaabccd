"""A step in a few words: from what was answered, and from what the log held before and after."""

from __future__ import annotations

import pytest

from ackdrop.probing.effects import effect
from ackdrop.probing.model import Answer, Exchange

from .conftest import an_exchange, stands


@pytest.mark.parametrize(
    ("exchange", "before", "wrote", "said"),
    [
        (an_exchange(at=0), [], [stands(0)], "appended"),
        (an_exchange(at=0), [stands(0)], [], "deduplicated"),
        (an_exchange(at=3), [stands(0)], [stands(3)], "appended"),
        (an_exchange(at=0), [stands(0)], [stands(3)], "deduplicated, yet written again"),
        (an_exchange(at=-1), [stands(0)], [], "acked without an offset, not written"),
        (an_exchange(at=-1), [stands(0)], [stands(3)], "acked without an offset, yet written again"),
        (an_exchange(at=5), [stands(0)], [], "acked with another offset, not written"),
        (an_exchange(at=0), [stands(0, producer=8)], [], "acked with another offset, not written"),
        (an_exchange(at=0), [stands(0, first=9)], [], "acked with another offset, not written"),
        (an_exchange(at=0), [stands(0, partition=1)], [], "acked with another offset, not written"),
        (an_exchange(error="INVALID_RECORD"), [], [], "refused INVALID_RECORD"),
        (an_exchange(error="INVALID_RECORD"), [], [stands(0)], "refused INVALID_RECORD, yet written"),
        (an_exchange(at=0), [], [stands(0), stands(3)], "appended + more was written than was sent"),
        (an_exchange(at=0), [], [stands(0), stands(3, records=1, marker="abort")], "appended"),
    ],
)
def test_an_answer_and_the_log(exchange, before, wrote, said):
    assert effect([exchange], before, wrote) == said


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("not-asked", "no answer asked for"),
        ("closed", "connection closed"),
        ("silent", "no answer"),
        ("unreadable", "an answer that cannot be read"),
    ],
)
def test_where_there_is_no_answer_the_log_is_told(how, said):
    sent = an_exchange(answer=Answer(how))
    assert effect([sent], [], [stands(0)]) == f"{said}, appended"
    assert effect([sent], [stands(0)], []) == f"{said}, not written"


def test_two_at_once():
    """Whichever the broker took first, the other one is its duplicate, and what is said is the same."""
    twice = [an_exchange(at=0), an_exchange(at=0)]
    assert effect(twice, [], [stands(0)]) == "appended + deduplicated"
    assert effect([an_exchange(at=3), an_exchange(at=0)], [], [stands(0), stands(3)]) == "2 x appended"
    known = effect([an_exchange(3, at=3), an_exchange(at=0), an_exchange(3, at=3)], [stands(0)], [stands(3, first=3)])
    assert known == "appended + 2 x deduplicated"
    turned = effect([an_exchange(at=0), an_exchange(3, at=3)], [stands(0)], [stands(3, first=3)])
    assert turned == "appended + deduplicated"


def test_a_request_that_writes_nothing():
    def asked(answer):
        return effect([Exchange("end_txn", 5, 1, answer)], [], [])

    assert asked(Answer("answered", "NONE")) == "done"
    assert asked(Answer("answered", "PRODUCER_FENCED")) == "refused PRODUCER_FENCED"
    assert asked(Answer("silent")) == "no answer"
