"""Frames and bytes are counted as they come in, whatever becomes of them, and not lost with their connection."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Side
from ackdrop.core.traffic import Received
from ackdrop.faults import Drop


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_frames_are_counted_once_however_they_are_cut(size: int, playbook: Any, ask: Any, told: Any) -> None:
    play = playbook()
    line = play.connect()
    requests, answers = ask(1) + ask(2), told(1) + told(2)
    line.dribble(Side.CLIENT, requests, size)
    line.dribble(Side.BROKER, answers, size)
    assert play.wire.received == Received(2, len(requests), 2, len(answers))


def test_those_that_stream_through_are_counted_too(playbook: Any, frames: Any) -> None:
    play = playbook()
    line = play.connect()
    fetch = frames.request(1, 4, 1, b"x" * 1000)
    line.dribble(Side.CLIENT, fetch, 100)
    assert play.wire.received == Received(1, len(fetch), 0, 0)


def test_what_a_fault_loses_came_in_all_the_same(playbook: Any, rule: Any, ask: Any, told: Any) -> None:
    play = playbook(rule(Drop("disconnect")))
    line = play.connect()
    line.client(ask(1))
    line.broker(told(1))
    assert play.wire.received == Received(1, len(ask(1)), 1, len(told(1)))


def test_connections_that_are_over_still_count(playbook: Any, ask: Any) -> None:
    play = playbook()
    for _ in range(3):
        line = play.connect()
        line.client(ask(1))
        line.shut()
    play.connect().client(ask(1))
    assert play.wire.received == Received(4, 4 * len(ask(1)), 0, 0)
