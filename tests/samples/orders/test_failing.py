"""A claim that does not hold: the producer retries without idempotence."""

from __future__ import annotations

import pytest
from orders import Orders

LOSE = """
name: lose the third ack
at: produce.response
when: {nth: 3}
do: {drop: {then: disconnect}}
"""


@pytest.mark.ackdrop(faults=LOSE)
def test_an_unprotected_retry_leaves_a_duplicate(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic, idempotent=False) as orders:
        for number in range(5):
            orders.place(number)
    ackdrop.retried()
    ackdrop.no_duplicates()


@pytest.mark.ackdrop(faults=LOSE)
def test_that_fails_by_itself(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic, idempotent=False) as orders:
        assert [orders.place(number) for number in range(5)] == [0, 1, 2, 3, 4]
