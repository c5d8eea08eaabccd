"""Claims that nothing was done to prove: the fault waits for an answer that never comes."""

from __future__ import annotations

import pytest
from orders import Orders


@pytest.mark.ackdrop(faults={"name": "too late", "at": "produce.response", "when": {"nth": 50}, "do": {"drop": {}}})
def test_a_fault_that_never_fires_proves_nothing(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic) as orders:
        for number in range(5):
            orders.place(number)
    ackdrop.no_duplicates()
