"""`late`: a request waits on its way until its client has gone on, and still reaches the broker."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.faults import Late
from ackdrop.observations import Answered, Forwarded, Released

WHEN_RETRIED = {"match": {"attempt": "first"}, "nth": (1,)}


def acked(play: Any, frame: bytes, answer: bytes) -> Any:
    """On a new connection, a request goes through and is acked; what came of that elsewhere."""
    line = play.connect()
    assert line.client(frame) == [line.to_broker(frame)]
    out = line.broker(answer)
    assert line.to_client(answer) in out
    return [command for command in out + play.at(play.now) if command.connection != line.number]


class TestUntilRetried:
    def test_it_goes_once_its_retry_was_acked_with_what_waited_behind_it(
        self, playbook: Any, on: Any, ask: Any, told: Any
    ) -> None:
        play = playbook(on("produce.request", Late(), **WHEN_RETRIED))
        line = play.connect()
        first, second = ask(1, producer=(5, 0, 0)), ask(2, producer=(5, 0, 1))
        assert line.client(first, second) == []
        assert play.wire.unsettled == 2
        play.at(3.0)
        assert acked(play, first, told(1)) == [line.to_broker(first, second)]
        assert play.all(Released) == [Released(3.0, 1, "retried")]
        assert [(seen.at, seen.attempt) for seen in play.all(Forwarded)] == [(3.0, 3), (3.0, 1), (3.0, 2)]
        line.broker(told(1), told(2))
        assert (play.wire.unsettled, len(play.wire.detained)) == (0, 0)

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_its_client_may_be_gone(self, playbook: Any, on: Any, ask: Any, told: Any, how: str) -> None:
        play = playbook(on("produce.request", Late(), **WHEN_RETRIED))
        line = play.connect()
        line.client(ask(1))
        line.client_ends(how)
        play.at(60.0)
        assert (play.closed, play.wire.unsettled) == ([], 1)
        assert line.to_broker(ask(1)) in acked(play, ask(1), told(1))
        line.broker(told(1, {0: (0, 7)}))
        assert Answered(60.0, 1, 0, 7) in play.all(Answered)
        assert (1, "none", None) in play.acks
        assert play.wire.unsettled == 0

    def test_an_error_is_no_ack(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Late(), **WHEN_RETRIED))
        line = play.connect()
        line.client(ask(1))
        line.client_ends("reset")
        assert acked(play, ask(1), told(1, {0: (6, -1)})) == []
        assert acked(play, ask(1), told(1)) == [line.to_broker(ask(1))]

    def test_each_of_its_batches_has_to_be_acked(
        self, playbook: Any, on: Any, ask: Any, told: Any, frames: Any
    ) -> None:
        play = playbook(on("produce.request", Late(), **WHEN_RETRIED))
        line = play.connect()
        batches = [frames.batch(frames.record(b"%d" % n), producer=(5, 0, n)) for n in range(2)]
        both = frames.produce(1, ("t", 0, batches[0]), ("t", 1, batches[1]))
        line.client(both)
        line.client_ends("reset")
        assert acked(play, frames.produce(2, ("t", 1, batches[1])), told(2, {1: (0, 3)})) == []
        assert acked(play, frames.produce(3, ("t", 0, batches[0])), told(3)) == [line.to_broker(both)]

    @pytest.mark.parametrize("connections", [1, 2])
    def test_one_batch_may_be_the_retry_of_several(
        self, playbook: Any, on: Any, told: Any, frames: Any, connections: int
    ) -> None:
        """Clients put records into other batches when they send them again."""
        play = playbook(on("produce.request", Late(), match={"attempt": "first"}))
        records = [frames.record(b"%d" % n) for n in range(2)]
        lines = [play.connect() for _ in range(connections)]
        requests = [frames.produce(n, ("t", 0, frames.batch(record))) for n, record in enumerate(records)]
        for n, request in enumerate(requests):
            assert lines[n % connections].client(request) == []
        for line in lines:
            line.client_ends("reset")
        regrouped = frames.produce(9, ("t", 0, frames.batch(*records)))
        out = acked(play, regrouped, told(9))
        assert sum(command.to is Side.BROKER for command in out) >= connections
        assert b"".join(bytes(command.data) for command in out if not isinstance(command, Close)) == b"".join(requests)
        assert [(seen.attempt, seen.why) for seen in play.all(Released)] == [(1, "retried"), (2, "retried")]
        assert (len(play.wire.detained), play.wire.detained._family) == (0, {})

    def test_where_it_is_never_retried_it_goes_at_the_end(self, playbook: Any, on: Any, ask: Any) -> None:
        play = playbook(on("produce.request", Late()))
        line = play.connect()
        line.client(ask(1, 0, 1))
        play.at(9.0)
        play.noted(play.wire.end_detention(9.0))
        assert play.at(9.0) == [line.to_broker(ask(1, 0, 1))]
        assert play.all(Released) == [Released(9.0, 1, "end"), Released(9.0, 2, "end")]

    @pytest.mark.parametrize("acks", [-1, 0])
    def test_where_the_broker_is_gone_it_never_goes(
        self, playbook: Any, on: Any, ask: Any, told: Any, acks: int
    ) -> None:
        play = playbook(on("produce.request", Late(), **WHEN_RETRIED))
        line = play.connect()
        line.client(ask(1, acks=acks))
        assert play.wire.unsettled == 1
        line.broker_ends("reset")
        assert (play.acks, play.wire.unsettled, len(play.wire.detained)) == ([(1, "none", None)], 0, 0)
        assert acked(play, ask(1), told(1)) == []
        assert play.all(Released) == []

    def test_reading_pauses_while_too_much_waits_behind_it(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Late(), **WHEN_RETRIED), backlog=300)
        line = play.connect()
        line.client(ask(1))
        assert line.connection.may_read(Side.CLIENT)
        line.client(ask(2), ask(3), ask(4))
        assert not line.connection.may_read(Side.CLIENT)
        assert acked(play, ask(1), told(1)) == [line.to_broker(ask(1), ask(2), ask(3), ask(4))]
        assert line.connection.may_read(Side.CLIENT)


class TestUntilBatchesAreAcked:
    def test_so_many_newer_batches_of_its_partition(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Late("acked_batches", batches=2), **WHEN_RETRIED))
        line = play.connect()
        line.client(ask(1))
        assert acked(play, ask(2), told(2)) == []
        assert acked(play, ask(3, 1), told(3, {1: (0, 1)})) == []  # another partition
        assert acked(play, ask(4, client="d"), told(4)) == []  # another client
        assert acked(play, ask(5), told(5)) == [line.to_broker(ask(1))]
        assert play.all(Released) == [Released(0.0, 1, "acked_batches")]


class TestForATime:
    def test_it_goes_when_its_time_has_come(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Late("time", seconds=2.0), nth=(1,)))
        line = play.connect()
        assert line.client(ask(1), ask(2)) == []
        line.client_ends("reset")
        assert play.at(2.0) == [line.to_broker(ask(1), ask(2))]
        assert play.all(Released) == [Released(2.0, 1, "time")]

    def test_the_arm_waits_for_one_without_acks(self, playbook: Any, on: Any, ask: Any) -> None:
        play = playbook(on("produce.request", Late("time", seconds=2.0)))
        line = play.connect()
        line.client(ask(1, acks=0))
        assert play.wire.unsettled == 1
        assert play.at(2.0) == [line.to_broker(ask(1, acks=0))]
        assert play.wire.unsettled == 0
