"""`drop`: bytes in, commands and observations out."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.faults import Delay, Drop
from ackdrop.observations import Acked, Answered, Attempt, Decided, Forwarded

CUTS = [("disconnect", "fin"), ("reset", "reset")]


class TestAtRequests:
    def test_hold_withholds_it_and_all_that_follows(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Drop("hold"), nth=(2,)))
        line = play.connect()
        assert line.client(ask(1), ask(2), ask(3)) == [line.to_broker(ask(1))]
        assert line.client(ask(4)) == []
        assert line.broker(told(1)) == [line.to_client(told(1))]
        assert play.all(Forwarded) == [Forwarded(0.0, 1)]
        assert play.acks == [(2, "none", None), (3, "none", None), (4, "none", None), (1, "delivered", 0)]
        assert play.wire.unsettled == 0

    def test_other_apis_are_withheld_too(self, playbook: Any, on: Any, ask: Any, frames: Any) -> None:
        play = playbook(on("produce.request", Drop("hold")))
        line = play.connect()
        assert line.client(ask(1), frames.request(12, 0, 2, b"x" * 40)) == []
        assert line.client(frames.request(12, 0, 3, b"x" * 40)) == []

    def test_after_its_time_what_comes_goes_through_and_what_was_withheld_does_not(
        self, playbook: Any, on: Any, ask: Any
    ) -> None:
        play = playbook(on("produce.request", Drop("hold", 2.0), nth=(1,)))
        line = play.connect()
        line.client(ask(1))
        play.at(1.9)
        assert line.client(ask(2)) == []
        play.at(2.0)
        assert line.client(ask(3)) == [line.to_broker(ask(3))]

    @pytest.mark.parametrize(("then", "how"), CUTS)
    @pytest.mark.parametrize("together", [True, False])
    def test_a_cut_ends_the_connection_and_nothing_behind_it_goes_on(
        self, playbook: Any, on: Any, ask: Any, told: Any, then: Any, how: str, together: bool
    ) -> None:
        """However its bytes came in pieces."""
        play = playbook(on("produce.request", Drop(then), nth=(2,)))
        line = play.connect()
        if together:
            out = line.client(ask(1), ask(2), ask(3))
        else:
            out = line.client(ask(1)) + line.client(ask(2)) + line.client(ask(3))
        assert out == [line.to_broker(ask(1)), Close(1, Side.CLIENT, how)]
        assert play.wire.unsettled == 1
        assert line.broker(told(1)) == [Close(1, Side.BROKER, "fin")]
        assert play.all(Answered) == [Answered(0.0, 1, 0, 1)]
        assert play.acks[-1] == (1, "withheld", None)
        assert (play.closed, play.wire.unsettled) == ([(1, "ackdrop", how, "fault")], 0)

    def test_skip_takes_out_this_one_alone(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Drop("skip"), nth=(2,)))
        line = play.connect()
        assert line.client(ask(1), ask(2), ask(3)) == [line.to_broker(ask(1), ask(3))]
        assert line.broker(told(1), told(3)) == [line.to_client(told(1), told(3))]
        assert sorted(play.acks) == [(1, "delivered", 0), (2, "none", None), (3, "delivered", 0)]

    def test_the_whole_request_goes_where_one_partition_matches(self, playbook: Any, on: Any, ask: Any) -> None:
        play = playbook(on("produce.request", Drop("skip"), match={"partition": (1,)}))
        line = play.connect()
        assert line.client(ask(1, 0, 1, 2), ask(2, 0, 2)) == [line.to_broker(ask(2, 0, 2))]
        assert [(seen.partition, seen.hit) for seen in play.all(Decided)] == [(1, True)]
        assert [attempt for attempt, *_ in play.acks] == [1, 2, 3]

    def test_without_acks(self, playbook: Any, on: Any, ask: Any) -> None:
        play = playbook(on("produce.request", Drop("skip"), nth=(1,)))
        line = play.connect()
        assert line.client(ask(1, acks=0), ask(2, acks=0)) == [line.to_broker(ask(2, acks=0))]
        assert [seen.attempt for seen in play.all(Forwarded)] == [2]

    def test_what_was_dropped_and_comes_again_is_a_retry(self, playbook: Any, on: Any, ask: Any) -> None:
        play = playbook(on("produce.request", Drop("hold"), nth=(1,)))
        line = play.connect()
        line.client(ask(1, producer=(5, 0, 0)))
        line.client_ends("reset")
        again = play.connect()
        again.client(ask(1, producer=(5, 0, 0)))
        assert play.retries == [(2, 1, 2, False)]

    def test_a_request_of_another_api(self, playbook: Any, on: Any, ask: Any, frames: Any) -> None:
        play = playbook(on("heartbeat.request", Drop("skip"), nth=(1,)))
        line = play.connect()
        first, second = frames.request(12, 0, 1, b"xy"), frames.request(12, 0, 2, b"xy")
        assert line.client(first, ask(3), second) == [line.to_broker(ask(3), second)]
        assert [(seen.topic, seen.partition, seen.attempt) for seen in play.all(Decided)] == [("", -1, None)] * 2


class TestAtAnswers:
    def test_hold_withholds_it_and_later_ones_while_requests_go_on(
        self, playbook: Any, on: Any, ask: Any, told: Any
    ) -> None:
        play = playbook(on("produce.response", Drop("hold"), nth=(1,)))
        line = play.connect()
        line.client(ask(1), ask(2))
        assert line.broker(told(1), told(2)) == []
        assert line.client(ask(3)) == [line.to_broker(ask(3))]
        assert line.broker(told(3)) == []
        assert play.acks == [(1, "dropped", None), (2, "withheld", None), (3, "withheld", None)]
        assert len(play.all(Answered)) == 3
        assert play.wire.unsettled == 0

    def test_skip_takes_out_this_one_alone(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.response", Drop("skip"), nth=(2,)))
        line = play.connect()
        line.client(ask(1), ask(2), ask(3))
        assert line.broker(told(1), told(2), told(3)) == [line.to_client(told(1), told(3))]
        assert play.acks == [(1, "delivered", 0), (2, "dropped", None), (3, "delivered", 0)]

    @pytest.mark.parametrize(("then", "how"), CUTS)
    def test_a_cut(self, playbook: Any, on: Any, ask: Any, told: Any, then: Any, how: str) -> None:
        play = playbook(on("produce.response", Drop(then), nth=(1,)))
        line = play.connect()
        line.client(ask(1), ask(2))
        assert line.broker(told(1)) == [Close(1, Side.CLIENT, how)]
        assert line.broker(told(2)) == [Close(1, Side.BROKER, "fin")]
        assert play.acks == [(1, "dropped", None), (2, "withheld", None)]

    def test_an_answer_of_another_api(self, playbook: Any, on: Any, frames: Any, ask: Any, told: Any) -> None:
        play = playbook(on("heartbeat.response", Drop("hold")))
        line = play.connect()
        line.client(frames.request(12, 0, 1, b"xy"), ask(2))
        assert line.broker(frames.answer(1, b"\0\0"), told(2)) == []
        assert play.acks == [(1, "withheld", None)]


def test_the_first_rule_decides_and_the_later_one_counts(playbook: Any, on: Any, ask: Any) -> None:
    play = playbook(
        on("produce.request", Drop("skip"), "a", nth=(1,)), on("produce.request", Delay(5.0), "b", nth=(1, 2))
    )
    line = play.connect()
    assert line.client(ask(1), ask(2)) == []
    assert [(seen.fault, seen.verdict, seen.fired) for seen in play.all(Decided)] == [
        ("a", "drop", True),
        ("b", "overruled", False),
        ("a", "pass", False),
        ("b", "delay", True),
    ]
    assert play.at(5.0) == [line.to_broker(ask(2))]
    assert [seen.number for seen in play.all(Attempt)] == [1, 2]
    assert [seen.attempt for seen in play.all(Acked)] == [1]
