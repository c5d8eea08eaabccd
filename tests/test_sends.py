"""Sends in columns are the same sends."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ackdrop.observations import Send
from ackdrop.sends import ACKED, FAILED, OUTCOMES, UNKNOWN, Sends

SEND = st.builds(
    Send,
    producer=st.sampled_from(["p1", "p2", "p3"]),
    record=st.integers(0, 1 << 40),
    send=st.integers(0, 1 << 20),
    order=st.integers(0, 1 << 40),
    outcome=st.sampled_from(OUTCOMES),
    partition=st.none() | st.integers(-1, 1 << 20),
    offset=st.none() | st.integers(-1, 1 << 50),
    error=st.none() | st.text(max_size=5),
)
LISTS = st.lists(SEND, max_size=8)


@given(sends=LISTS)
def test_they_come_back_as_they_were(sends: list[Send]) -> None:
    held = Sends(sends)
    assert list(held) == sends
    assert held == sends
    assert held[1:4] == sends[1:4]
    assert [held[-index] for index in range(1, len(sends) + 1)] == sends[::-1]
    assert [held.outcomes.count(code) for code in (ACKED, FAILED, UNKNOWN)] == [
        sum(send.outcome == outcome for send in sends) for outcome in OUTCOMES
    ]
    assert Sends.of(held) is held


@given(first=LISTS, second=LISTS)
def test_one_after_the_other(first: list[Send], second: list[Send]) -> None:
    held = Sends(first)
    held.extend(Sends(second))
    assert held == [*first, *second]
    assert (held == Sends(first)) == (not second)


@given(sends=st.lists(SEND, min_size=1, max_size=8), data=st.data())
def test_some_of_them_in_another_order(sends: list[Send], data: st.DataObject) -> None:
    indexes = data.draw(st.lists(st.integers(0, len(sends) - 1), max_size=10))
    taken = Sends(sends).taken(indexes)
    assert taken == [sends[index] for index in indexes]
    taken.append(sends[0])
    assert taken[-1] == sends[0]


@given(sends=LISTS)
def test_each_producers_own(sends: list[Send]) -> None:
    held = Sends(sends)
    own = {name: [held[index] for index in indexes] for name, indexes in held.by_producer().items()}
    names = dict.fromkeys(send.producer for send in sends)
    assert own == {name: [send for send in sends if send.producer == name] for name in names}


def test_very_many_take_little_memory() -> None:
    tracemalloc.start()
    try:
        held = Sends(Send("p1", number, 0, number, "acked", 0, number, None) for number in range(50_000))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 60 * len(held)
