"""Which replica comes next. That it then leads is in the integration tests, with three brokers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ackdrop.direct.leadership import _next
from ackdrop.direct.patience import PassingError


@pytest.mark.parametrize(
    ("replicas", "leader", "in_sync", "chosen"),
    [
        ([1, 2, 3], 1, [1, 2, 3], 2),
        ([1, 2, 3], 3, [1, 2, 3], 1),
        ([2, 3, 1], 3, [3, 2], 2),
        ([1, 2, 3], 1, [3, 1], 3),
        ([1, 2], -1, [1], 1),
        ([1, 2], -1, [2], 2),
        ([1, 2], 5, [1, 2], 1),
    ],
)
def test_the_next_one_in_sync(replicas: list[int], leader: int, in_sync: list[int], chosen: int) -> None:
    assert _next(replicas, SimpleNamespace(leader_id=leader, isr_nodes=in_sync)) == chosen


def test_where_no_other_is_in_sync_one_may_be_soon() -> None:
    with pytest.raises(PassingError, match="no other replica is in sync with the leader, broker 1"):
        _next([1, 2], SimpleNamespace(leader_id=1, isr_nodes=[1]))
