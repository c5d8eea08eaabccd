"""How a connection falls silent, and how it ends. Every ending is told once, and leaves nothing unsettled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Finish, Send, Side
from ackdrop.faults import Delay, Drop
from ackdrop.observations import Answered

CLIENT, BROKER = Side.CLIENT, Side.BROKER
HEARTBEAT, FETCH = 12, 1


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    """`produce(n)`: a request with correlation id n and a record of its own."""
    return lambda cid, **more: frames.produce(cid, ("t", 0, frames.batch(frames.record(b"%d" % cid))), **more)


@pytest.fixture
def produced(frames: Any) -> Callable[..., bytes]:
    """`produced(n)`: the answer to it."""
    return lambda cid, error=0: frames.produced(cid, ("t", 0, error, cid))


def settled(play: Any) -> bool:
    """Whether all that was opened is closed, once each, and nothing is awaited or remembered of it."""
    numbers = [closed[0] for closed in play.closed]
    return play.wire.unsettled == 0 and sorted(numbers) == sorted(set(numbers)) and not play.wire._connections


class TestHold:
    """`drop: {then: hold}`: a network that has died one way."""

    def test_this_and_every_later_answer_is_withheld(
        self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop(), nth=(2,)))
        line = play.connect()
        for cid in (1, 2, 3):
            assert line.client(produce(cid)) == [line.to_broker(produce(cid))]
        assert line.broker(produced(1)) == [line.to_client(produced(1))]
        assert line.broker(produced(2), produced(3)) == []
        assert play.acks == [(1, "delivered", 0), (2, "dropped", None), (3, "withheld", None)]

    def test_requests_still_go_through_and_their_answers_do_not(
        self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop(), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        assert line.broker(produced(1)) == []
        heartbeat, fetch = frames.request(HEARTBEAT, 0, 2), frames.request(FETCH, 4, 3)
        for request in (heartbeat, fetch, produce(4)):
            assert line.client(request) == [line.to_broker(request)]
        assert line.broker(frames.answer(2), frames.answer(3, bytes(100)), produced(4)) == []
        assert play.acks == [(1, "dropped", None), (2, "withheld", None)]
        assert [seen.attempt for seen in play.all(Answered)] == [1, 2]
        assert play.wire.unsettled == 0

    def test_other_connections_go_on(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Drop(), nth=(1,)))
        held, free = play.connect(), play.connect()
        held.client(produce(1))
        held.broker(produced(1))
        free.client(produce(2))
        assert free.broker(produced(2)) == [free.to_client(produced(2))]

    def test_it_ends_when_the_client_closes(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Drop(), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1))
        assert line.client_ends() == [Close(1, CLIENT, "fin"), Close(1, BROKER, "fin")]
        assert play.closed == [(1, "client", "fin", "")]
        assert settled(play)

    def test_the_brokers_end_is_not_shown(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Drop(), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1))
        assert line.broker_ends() == [Close(1, BROKER, "fin")]
        assert line.client(produce(2)) == []
        assert play.at(100) == []
        assert line.client_ends() == [Close(1, CLIENT, "fin")]
        assert play.closed == [(1, "broker", "fin", "")]
        assert settled(play)

    def test_after_for_later_answers_flow_and_what_was_withheld_is_gone(
        self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("hold", 2.0), nth=(1,)))
        line = play.connect()
        line.client(produce(1), produce(2), produce(3), frames.request(HEARTBEAT, 0, 4))
        play.at(1.0)
        assert line.broker(produced(1)) == []
        assert play.wire.due == 3.0
        assert play.at(2.9) == []
        assert line.broker(produced(2)) == []
        assert play.at(3.0) == []
        assert line.broker(produced(3), frames.answer(4)) == [line.to_client(produced(3), frames.answer(4))]
        assert play.acks == [(1, "dropped", None), (2, "withheld", None), (3, "delivered", 0)]

    def test_a_streamed_answer_is_withheld_whole(
        self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any
    ) -> None:
        """The hold ends in the middle of it: its second half alone would be noise to the client."""
        play = playbook(rule(Drop("hold", 2.0), nth=(1,)))
        line = play.connect()
        line.client(produce(1), frames.request(FETCH, 4, 2), frames.request(FETCH, 4, 3))
        line.broker(produced(1))
        answer = frames.answer(2, bytes(100))
        assert line.broker(answer[:50]) == []
        play.at(2.0)
        assert line.broker(answer[50:], frames.answer(3)) == [line.to_client(frames.answer(3))]

    def test_when_it_ends_the_brokers_end_is_shown(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Drop("hold", 2.0), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1))
        assert line.broker_ends("reset") == [Close(1, BROKER, "fin")]
        assert play.at(1.9) == []
        assert play.at(2.0) == [Close(1, CLIENT, "fin")]
        assert settled(play)

    def test_what_the_broker_never_answered_was_not_withheld(
        self, playbook: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop(), nth=(1,)))
        line = play.connect()
        line.client(produce(1), produce(2))
        line.broker(produced(1))
        line.broker_ends()
        assert play.acks == [(1, "dropped", None), (2, "none", None)]


@pytest.mark.parametrize(("then", "how"), [("disconnect", "fin"), ("reset", "reset")])
class TestCut:
    """`drop: {then: disconnect | reset}`."""

    def test_the_client_is_cut_off_at_once(
        self, playbook: Any, rule: Any, produce: Any, produced: Any, then: Any, how: str
    ) -> None:
        play = playbook(rule(Drop(then), nth=(2,)))
        line = play.connect()
        line.client(produce(1), produce(2))
        assert line.broker(produced(1), produced(2)) == [
            line.to_client(produced(1)),
            Close(1, CLIENT, how),
            Close(1, BROKER, "fin"),
        ]
        assert play.closed == [(1, "ackdrop", how, "fault")]
        assert play.acks == [(1, "delivered", 0), (2, "dropped", None)]
        assert settled(play)

    def test_answers_on_their_way_are_drained(
        self, playbook: Any, rule: Any, produce: Any, produced: Any, then: Any, how: str
    ) -> None:
        play = playbook(rule(Drop(then), nth=(1,)), drain=5.0)
        line = play.connect()
        line.client(produce(1), produce(2), produce(3))
        assert line.broker(produced(1)) == [Close(1, CLIENT, how)]
        assert line.client(produce(4)) == []
        play.at(4.0)
        half = len(produced(2)) // 2
        assert line.broker(produced(2), produced(3)[:half]) == []
        assert play.closed == []
        assert line.broker(produced(3)[half:]) == [Close(1, BROKER, "fin")]
        assert play.acks == [(1, "dropped", None), (2, "withheld", None), (3, "withheld", None)]
        assert [seen.attempt for seen in play.all(Answered)] == [1, 2, 3]
        assert settled(play)

    def test_the_drain_is_bounded(
        self, playbook: Any, rule: Any, produce: Any, produced: Any, then: Any, how: str
    ) -> None:
        play = playbook(rule(Drop(then), nth=(1,)), drain=5.0)
        line = play.connect()
        play.at(10.0)
        line.client(produce(1), produce(2))
        line.broker(produced(1))
        assert play.at(14.9) == []
        assert play.at(15.0) == [Close(1, BROKER, "fin")]
        assert play.acks == [(1, "dropped", None), (2, "none", None)]
        assert settled(play)

    def test_a_retry_is_certain_before_its_first_answer_is_in(
        self, playbook: Any, rule: Any, produce: Any, produced: Any, then: Any, how: str
    ) -> None:
        """The second batch was outstanding; its client is known to be cut off, so sent again it is a retry."""
        play = playbook(rule(Drop(then), nth=(1,)))
        line, again = play.connect(), play.connect()
        line.client(produce(1), produce(2))
        line.broker(produced(1))
        again.client(produce(2))
        assert play.retries == [(3, 2, 2, False)]


class TestDelay:
    """`delay`: order on the connection is kept."""

    def test_later_answers_wait(self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Delay(2.0), nth=(1,)))
        line = play.connect()
        line.client(produce(1), frames.request(HEARTBEAT, 0, 2), produce(3), frames.request(FETCH, 4, 4))
        tail = (frames.answer(2), produced(3), frames.answer(4, bytes(30)))
        assert line.broker(produced(1), *tail) == []
        assert play.acks == []
        assert play.at(1.9) == []
        assert play.at(2.0) == [line.to_client(produced(1), *tail)]
        assert play.acks == [(1, "delayed", 0), (2, "delayed", 0)]
        line.client(produce(5))
        assert line.broker(produced(5)) == [line.to_client(produced(5))]
        assert play.acks[-1] == (3, "delivered", 0)

    def test_each_delay_counts_from_its_own_answer(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Delay(2.0)))
        line = play.connect()
        line.client(produce(1), produce(2), produce(3))
        line.broker(produced(1))
        play.at(1.0)
        line.broker(produced(2), produced(3))
        assert play.at(2.0) == [line.to_client(produced(1))]
        assert play.at(3.0) == [line.to_client(produced(2), produced(3))]
        assert play.wire.due is None

    def test_a_delay_of_nothing_is_one_all_the_same(
        self, playbook: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Delay(0.0)))
        line = play.connect()
        line.client(produce(1))
        assert line.broker(produced(1)) == [line.to_client(produced(1))]
        assert play.acks == [(1, "delayed", 0)]

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_a_client_that_closes_first_has_not_got_it(
        self, playbook: Any, rule: Any, produce: Any, produced: Any, how: str
    ) -> None:
        """So what it sends again, before or after the delayed answer's time, is a retry."""
        play = playbook(rule(Delay(2.0), nth=(1,)))
        line, again = play.connect(), play.connect()
        line.client(produce(1))
        line.broker(produced(1))
        play.at(1.0)
        line.client_ends(how)
        assert play.acks == [(1, "delayed", None)]
        again.client(produce(1))
        assert play.retries == [(2, 1, 2, False)]
        line.broker_ends()
        play.at(3.0)
        assert [closed[0] for closed in play.closed] == [1]
        assert play.acks == [(1, "delayed", None)]

    def test_a_client_that_only_says_its_end_still_gets_it(
        self, playbook: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Delay(2.0), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1))
        assert line.client_ends() == [Finish(1, BROKER)]
        assert line.broker_ends() == [Close(1, BROKER, "fin")]
        assert play.at(2.0) == [line.to_client(produced(1)), Close(1, CLIENT, "fin")]
        assert settled(play)

    def test_the_brokers_end_waits_as_well(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Delay(2.0), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1))
        assert line.broker_ends() == [Close(1, BROKER, "fin")]
        assert play.at(2.0) == [line.to_client(produced(1)), Close(1, CLIENT, "fin")]
        assert play.acks == [(1, "delayed", 0)]
        assert settled(play)

    def test_a_hold_behind_a_delay_lets_the_delayed_answer_out(
        self, playbook: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        """It was sent before the one that is lost."""
        play = playbook(rule(Delay(2.0), "late", nth=(1,)), rule(Drop(), "lost", nth=(2,)))
        line = play.connect()
        line.client(produce(1), produce(2))
        assert line.broker(produced(1), produced(2)) == []
        assert play.at(2.0) == [line.to_client(produced(1))]
        assert play.acks == [(2, "dropped", None), (1, "delayed", 0)]

    def test_jitter_is_drawn_and_not_timed(self, playbook: Any, rule: Any, produce: Any, produced: Any) -> None:
        def dues() -> list[float]:
            play = playbook(rule(Delay(10.0, 4.0)))
            out = []
            for cid in range(1, 20):
                line = play.connect()
                line.client(produce(cid))
                line.broker(produced(cid))
                out.append(line.connection._to_client.due)
            return out

        first = dues()
        assert dues() == first
        assert all(6.0 <= due < 14.0 for due in first)
        assert len(set(first)) == len(first)


class TestWithoutFaults:
    """What either side does reaches the other."""

    def test_a_clients_end_reaches_the_broker_and_its_answers_the_client(self, playbook: Any, frames: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(frames.request(HEARTBEAT, 0, 1))
        assert line.client_ends() == [Finish(1, BROKER)]
        assert line.broker(frames.answer(1)) == [line.to_client(frames.answer(1))]
        assert line.broker_ends() == [Close(1, BROKER, "fin"), Close(1, CLIENT, "fin")]
        assert play.closed == [(1, "client", "fin", "")]
        assert settled(play)

    def test_the_brokers_end_reaches_the_client(self, playbook: Any) -> None:
        play = playbook()
        assert play.connect().broker_ends() == [Close(1, BROKER, "fin"), Close(1, CLIENT, "fin")]
        assert play.closed == [(1, "broker", "fin", "")]

    def test_a_reset_passes_both_ways(self, playbook: Any) -> None:
        play = playbook()
        assert play.connect().broker_ends("reset") == [Close(1, BROKER, "fin"), Close(1, CLIENT, "reset")]
        assert play.connect().client_ends("reset") == [Close(2, CLIENT, "fin"), Close(2, BROKER, "reset")]
        assert play.closed == [(1, "broker", "reset", ""), (2, "client", "reset", "")]
        assert settled(play)

    @pytest.mark.parametrize(("how", "last"), [("fin", Finish(1, BROKER)), ("reset", Close(1, BROKER, "reset"))])
    def test_produce_answers_are_awaited_before_the_broker_is_told(
        self, playbook: Any, produce: Any, produced: Any, how: str, last: Any
    ) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1))
        assert [type(command) for command in line.client_ends(how)] == ([] if how == "fin" else [Close])
        assert line.broker(produced(1))[-1] == last
        assert play.acks == [(1, "none", None)]
        assert play.wire.unsettled == 0

    def test_a_client_that_only_says_its_end_is_shown_its_answer(
        self, playbook: Any, produce: Any, produced: Any
    ) -> None:
        line = playbook().connect()
        line.client(produce(1))
        line.client_ends()
        assert line.broker(produced(1)) == [line.to_client(produced(1)), Finish(1, BROKER)]

    def test_an_answer_in_the_making_counts_as_awaited(self, playbook: Any, produce: Any, produced: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1)[:20])
        assert line.client_ends("reset") == [Close(1, CLIENT, "fin")]
        assert line.broker(produced(1)[20:]) == [Close(1, BROKER, "reset")]
        assert [seen.attempt for seen in play.all(Answered)] == [1]

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_the_drain_is_bounded_and_ends_both_sides(self, playbook: Any, produce: Any, how: str) -> None:
        play = playbook(drain=5.0)
        line = play.connect()
        line.client(produce(1))
        line.client_ends(how)
        play.at(5.0)
        assert play.acks == [(1, "none", None)]
        assert play.closed == [(1, "client", how, "")]
        assert settled(play)

    def test_after_a_drain_there_is_no_deadline(self, playbook: Any, frames: Any, produce: Any, produced: Any) -> None:
        """The client has closed its half and is still downloading: no time is set for that."""
        play = playbook(drain=5.0)
        line = play.connect()
        line.client(produce(1), frames.request(FETCH, 4, 2))
        line.client_ends()
        line.broker(produced(1))
        assert play.at(100.0) == []
        assert line.broker(frames.answer(2)) == [line.to_client(frames.answer(2))]

    def test_a_retry_after_the_clients_end_is_certain(self, playbook: Any, produce: Any, produced: Any) -> None:
        """A broker that is slow to answer the first attempt makes nothing ambiguous."""
        play = playbook()
        line, again = play.connect(), play.connect()
        line.client(produce(1))
        line.client_ends()
        again.client(produce(1))
        assert play.retries == [(2, 1, 2, False)]
        line.broker(produced(1))
        again.broker(produced(1))
        assert play.acks == [(1, "none", None), (2, "delivered", 0)]
        assert len(play.wire.attempts) == 0

    def test_shut_ends_both(self, playbook: Any, produce: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1))
        assert line.shut("the run is over") == [Close(1, CLIENT, "fin"), Close(1, BROKER, "fin")]
        assert play.acks == [(1, "none", None)]
        assert play.closed == [(1, "ackdrop", "fin", "the run is over")]
        assert settled(play)


@pytest.mark.parametrize("first", ["client fin", "client reset", "broker fin", "broker reset", "shut", "noise"])
def test_an_end_is_told_once_whatever_follows(
    playbook: Any, rule: Any, produce: Any, produced: Any, first: str
) -> None:
    play = playbook(rule(Delay(1.0)))
    line = play.connect()
    line.client(produce(1), produce(2))
    line.broker(produced(1))
    acts = {
        "client fin": line.client_ends,
        "client reset": lambda: line.client_ends("reset"),
        "broker fin": line.broker_ends,
        "broker reset": lambda: line.broker_ends("reset"),
        "shut": line.shut,
        "noise": lambda: line.broker(b"\xff" * 8),
    }
    acts[first]()
    for act in acts.values():
        act()
        play.at(play.now + 10)
        act()
    assert [closed[0] for closed in play.closed] == [1]
    assert sorted(number for number, _, _ in play.acks) == [1, 2]
    assert settled(play)
    ended = [command for command in play.commands if isinstance(command, Close)]
    assert sorted(command.to.value for command in ended) == ["broker", "client"]
    assert not any(isinstance(command, Send) for command in play.commands[play.commands.index(ended[-1]) :])
    assert len(play.wire.timers) == 0 or play.wire.due > play.now
