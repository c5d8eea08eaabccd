"""What spans connections: start offsets that are asked for, timers, and what is kept of what has passed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.attempts import IndexLimits
from ackdrop.core.commands import AskStarts, Close, Finish, Side
from ackdrop.faults import Delay, Drop
from ackdrop.observations import Attempt, Forwarded, IndexLetGo, TopicSeen

HEARTBEAT, METADATA, PRODUCE = 12, 3, 0
TOPIC_ID = bytes(range(16))


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    def make(cid: int, topic: str | bytes = "t", partitions: tuple[int, ...] = (0,), **more: Any) -> bytes:
        entries = [(topic, partition, frames.batch(frames.record(b"%d" % cid))) for partition in partitions]
        made: bytes = frames.produce(cid, *entries, **more)
        return made

    return make


class TestAskStarts:
    """A partition's first produce request waits until its start offset is known."""

    def test_known_partitions_pass(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True, starts={("t", 0): 5})
        line = play.connect()
        assert line.client(produce(1)) == [line.to_broker(produce(1))]
        assert play.all(TopicSeen) == [TopicSeen(0.0, "t", 0, 5)]

    def test_nothing_is_asked_unless_it_is_wanted(self, playbook: Any, produce: Any) -> None:
        line = playbook().connect()
        assert line.client(produce(1)) == [line.to_broker(produce(1))]

    def test_it_waits_with_everything_behind_it(self, playbook: Any, frames: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        before, heartbeat = frames.request(HEARTBEAT, 0, 1), frames.request(HEARTBEAT, 0, 3, bytes(100))
        assert line.client(before, produce(2), heartbeat) == [line.to_broker(before), AskStarts("t", None, (0,))]
        assert line.client(produce(4)) == []
        assert play.all(Attempt) == []
        assert play.wire.unsettled == 0
        play.at(3.0)
        assert play.starts(AskStarts("t", None, (0,)), "t", {0: 7, 1: 9}) == [
            line.to_broker(produce(2), heartbeat, produce(4))
        ]
        assert play.all(TopicSeen) == [TopicSeen(3.0, "t", 0, 7)]
        assert [seen.at for seen in play.all(Forwarded)] == [3.0, 3.0]
        answers = [frames.answer(1), frames.produced(2, ("t", 0, 0, 7)), frames.answer(3), frames.answer(5)]
        assert line.broker(*answers[:3]) == [line.to_client(*answers[:3])]

    def test_a_frame_that_is_still_coming_keeps_its_place(self, playbook: Any, frames: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        heartbeat = frames.request(HEARTBEAT, 0, 2, bytes(100))
        (asked,) = line.client(produce(1), heartbeat[:50])
        assert play.starts(asked, "t", {0: 0}) == [line.to_broker(produce(1))]
        assert line.client(heartbeat[50:]) == [line.to_broker(heartbeat)]
        answers = (frames.produced(1, ("t", 0, 0, 0)), frames.answer(2))
        assert line.broker(*answers) == [line.to_client(*answers)]

    def test_it_is_asked_once_for_many_connections(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        lines = [play.connect() for _ in range(5)]
        (asked,) = lines[0].client(produce(1))
        for line in lines[1:]:
            assert line.client(produce(1)) == []
        assert play.starts(asked, "t", {0: 0}) == [line.to_broker(produce(1)) for line in lines]

    def test_only_what_is_not_asked_yet_is_asked(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True, starts={("t", 9): 0})
        first, second = play.connect(), play.connect()
        assert first.client(produce(1, partitions=(0, 9, 0))) == [AskStarts("t", None, (0,))]
        assert second.client(produce(2, partitions=(0, 1, 2))) == [AskStarts("t", None, (1, 2))]
        assert play.starts(AskStarts("t", None, (0,)), "t", {0: 0}) == [
            first.to_broker(produce(1, partitions=(0, 9, 0)))
        ]
        assert play.starts(AskStarts("t", None, (1, 2)), "t", {1: 0, 2: 0}) == [
            second.to_broker(produce(2, partitions=(0, 1, 2)))
        ]

    def test_a_second_topic_behind_the_first_waits_for_its_own(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        assert line.client(produce(1, "t"), produce(2, "u"), produce(3, "t")) == [AskStarts("t", None, (0,))]
        assert play.starts(AskStarts("t", None, (0,)), "t", {0: 0}) == [
            line.to_broker(produce(1, "t")),
            AskStarts("u", None, (0,)),
        ]
        assert play.starts(AskStarts("u", None, (0,)), "u", {0: 0}) == [
            line.to_broker(produce(2, "u"), produce(3, "t"))
        ]

    def test_a_partition_that_the_broker_does_not_tell_is_unknown(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        (asked,) = line.client(produce(1))
        assert play.starts(asked, "t", {}) == [line.to_broker(produce(1))]
        assert play.all(TopicSeen) == [TopicSeen(0.0, "t", 0, -1)]
        assert line.client(produce(2)) == [line.to_broker(produce(2))]

    def test_a_topic_id_is_asked_for_its_name(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        assert line.client(produce(1, TOPIC_ID, version=13)) == [AskStarts("", TOPIC_ID, (0,))]
        line_out = play.starts(AskStarts("", TOPIC_ID, (0,)), "named", {0: 3})
        assert line_out == [line.to_broker(produce(1, TOPIC_ID, version=13))]
        assert play.all(TopicSeen) == [TopicSeen(0.0, "named", 0, 3)]

    def test_a_topic_id_that_nobody_knows_goes_by_itself(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        (asked,) = play.connect().client(produce(1, TOPIC_ID, version=13))
        play.starts(asked, "", {})
        assert play.all(TopicSeen) == [TopicSeen(0.0, f"id:{TOPIC_ID.hex()}", 0, -1)]

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_a_client_that_closes_meanwhile_has_sent_its_requests(
        self, playbook: Any, frames: Any, produce: Any, how: str
    ) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        (asked,) = line.client(produce(1))
        assert line.client_ends(how) == []
        released = play.starts(asked, "t", {0: 0})
        assert released[0] == line.to_broker(produce(1))
        assert [type(command) for command in released[1:]] == ([] if how == "fin" else [Close])
        last = line.broker(frames.produced(1, ("t", 0, 0, 0)))[-1]
        assert last == (Finish(1, Side.BROKER) if how == "fin" else Close(1, Side.BROKER, "reset"))
        assert play.acks == [(1, "none", None)]

    def test_a_broker_that_closes_meanwhile_gets_nothing(self, playbook: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        (asked,) = line.client(produce(1))
        line.broker_ends()
        assert play.starts(asked, "t", {0: 0}) == []
        assert play.all(Attempt) == []
        assert play.wire.unsettled == 0

    def test_a_broker_that_closes_behind_a_hold_gets_nothing(
        self, playbook: Any, rule: Any, frames: Any, produce: Any
    ) -> None:
        play = playbook(rule(Drop()), ask_starts=True, starts={("t", 0): 0})
        line = play.connect()
        line.client(produce(1))
        line.broker(frames.produced(1, ("t", 0, 0, 0)))
        (asked,) = line.client(produce(2, "u"))
        line.broker_ends()
        assert line.client_ends() == []
        assert play.starts(asked, "u", {0: 0}) == [Close(1, Side.CLIENT, "fin")]
        assert len(play.all(Attempt)) == 1
        assert play.closed == [(1, "broker", "fin", "")]

    def test_noise_behind_it_closes_the_connection_alone(self, playbook: Any, frames: Any, produce: Any) -> None:
        play = playbook(ask_starts=True)
        line, other = play.connect(), play.connect()
        noise = frames.framed(struct.pack(">hhih", PRODUCE, 7, 2, 99))
        (asked,) = line.client(produce(1), noise, produce(3))
        other.client(produce(1))
        assert play.starts(asked, "t", {0: 0}) == [
            line.to_broker(produce(1)),
            Close(1, Side.CLIENT, "fin"),
            Close(1, Side.BROKER, "fin"),
            other.to_broker(produce(1)),
        ]
        assert play.undecoded == [(1, "request", True)]
        assert play.wire.unsettled == 1

    def test_a_request_that_cannot_be_read_does_not_wait(self, playbook: Any, frames: Any) -> None:
        play = playbook(ask_starts=True)
        line = play.connect()
        ask = frames.request(PRODUCE, 7, 1, b"\xff")
        assert line.client(ask) == [line.to_broker(ask)]


class TestTimers:
    def test_nothing_is_due_where_nothing_was_planned(self, playbook: Any, frames: Any, produce: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1))
        line.broker(frames.produced(1, ("t", 0, 0, 0)))
        assert play.wire.due is None
        assert play.at(100.0) == []

    def test_many_answers_behind_one_delay_need_one_timer(
        self, playbook: Any, rule: Any, frames: Any, produce: Any
    ) -> None:
        play = playbook(rule(Delay(5.0), nth=(1,)))
        line = play.connect()
        line.client(*(produce(cid) for cid in range(100)))
        for cid in range(100):
            line.broker(frames.produced(cid, ("t", 0, 0, cid)))
        assert len(play.wire.timers) == 1

    def test_timers_go_off_in_their_order(self, playbook: Any, rule: Any, frames: Any, produce: Any) -> None:
        play = playbook(rule(Delay(5.0), "a", match={"topic": ("a",)}), rule(Delay(2.0), "b", match={"topic": ("b",)}))
        lines = {topic: play.connect() for topic in ("a", "b")}
        answers = {}
        for topic, line in lines.items():
            line.client(produce(1, topic))
            answers[topic] = frames.produced(1, (topic, 0, 0, 0))
            assert line.broker(answers[topic]) == []
        assert play.at(10.0) == [lines["b"].to_client(answers["b"]), lines["a"].to_client(answers["a"])]
        assert [number for number, _, _ in play.acks] == [2, 1]

    def test_a_tick_between_times_does_nothing(self, playbook: Any, rule: Any, frames: Any, produce: Any) -> None:
        play = playbook(rule(Delay(5.0)))
        line = play.connect()
        line.client(produce(1))
        line.broker(frames.produced(1, ("t", 0, 0, 0)))
        assert play.wire.tick(4.0) == []
        assert play.wire.due == 5.0


class TestMemory:
    def test_connections_that_ended_are_forgotten(self, playbook: Any, rule: Any, frames: Any, produce: Any) -> None:
        play = playbook()
        for cid in range(50):
            line = play.connect()
            line.client(produce(cid))
            line.broker(frames.produced(cid, ("t", 0, 0, cid)))
            line.client_ends()
            line.broker_ends()
        assert not play.wire._connections
        assert len(play.closed) == 50
        assert len(play.wire.attempts) == 0

    def test_the_index_is_bounded_by_a_setting(self, playbook: Any, produce: Any) -> None:
        """What was let go is told once its answer is lost: then a retry of it would not be known."""
        play = playbook(index=IndexLimits(attempts=3))
        line = play.connect()
        line.client(*(produce(cid) for cid in range(5)))
        assert (len(play.wire.attempts), play.all(IndexLetGo)) == (3, [])
        play.at(4.0)
        line.broker_ends("reset")
        assert [(seen.at, seen.count) for seen in play.all(IndexLetGo)] == [(4.0, 1), (4.0, 1)]

    def test_observations_are_handed_over_once(self, playbook: Any) -> None:
        play = playbook()
        play.wire.open(-1, "peer", 0.0)
        assert len(play.wire.take_observations()) == 1
        assert play.wire.take_observations() == []
