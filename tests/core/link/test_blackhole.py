"""A connection that swallows: what is kept, what is lost, and what the ledger is told."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Finish, Side
from ackdrop.faults import (
    Blackhole,
    Drop,
    Latency,
)
from ackdrop.observations import Forwarded

from .conftest import ends, only


class TestBlackhole:
    def test_nothing_passes_until_the_client_closes(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(), after=1.0))
        line = play.connect()
        line.client(produce(1), produce(2))
        play.at(1.0)
        assert line.client(produce(3)) == []
        assert line.broker(produced(1)) == []
        assert play.at(60.0) == []
        assert play.acks == []
        assert ends(line.client_ends()) == [(1, Side.CLIENT, "fin")]
        assert sorted(play.acks) == [(1, "withheld", None), (3, "none", None)]

    def test_what_waited_is_never_forwarded(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(), match={"connection": only(1)}))
        line = play.connect()
        assert line.client(produce(1)) == []
        assert line.client_ends() == [Close(1, Side.CLIENT, "fin"), Close(1, Side.BROKER, "fin")]
        assert play.all(Forwarded) == []
        assert play.wire.unsettled == 0

    def test_after_for_all_goes_on_in_order(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.at(2.0)
        line.client(produce(2))
        line.client(produce(3))
        line.broker(produced(1))
        assert play.at(3.99) == []
        assert play.at(4.0) == [line.to_broker(produce(2), produce(3)), line.to_client(produced(1))]
        assert play.acks == [(1, "delayed", 0)]
        assert line.client(produce(4)) == [line.to_broker(produce(4))]

    def test_all_connections_heal_together(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0))
        one = play.connect()
        one.client(produce(1))
        play.at(3.0)
        two = play.connect()
        assert two.client(produce(2)) == []
        one.client(produce(3))
        assert play.at(4.0) == [one.to_broker(produce(3)), two.to_broker(produce(2))]
        three = play.connect()
        assert three.client(produce(4)) == [three.to_broker(produce(4))]

    def test_without_a_moment_each_heals_by_itself(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(3.0)))
        one = play.connect()
        one.client(produce(1))
        play.at(1.0)
        two = play.connect()
        two.client(produce(2))
        assert play.at(3.0) == [one.to_broker(produce(1))]
        assert play.at(4.0) == [two.to_broker(produce(2))]

    def test_the_end_of_a_client_that_has_gone_waits_too(
        self, playbook: Any, on: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(on(Blackhole(3.0), match={"connection": only(1)}))
        line = play.connect()
        line.client(produce(1))
        assert line.client_ends() == []
        play.at(2.0)
        assert play.at(3.0) == [line.to_broker(produce(1))]
        assert line.broker(produced(1)) == [line.to_client(produced(1)), Finish(1, Side.BROKER)]
        assert play.acks == [(1, "none", None)]

    def test_the_reset_of_a_client_waits_too(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(3.0)))
        line = play.connect()
        line.client(produce(1))
        assert line.client_ends("reset") == [Close(1, Side.CLIENT, "fin")]
        assert play.at(3.0) == [line.to_broker(produce(1))]
        assert line.broker(produced(1)) == [Close(1, Side.BROKER, "reset")]

    @pytest.mark.parametrize("seconds", [None, 3.0])
    def test_a_request_that_it_swallowed_is_known_again(
        self, playbook: Any, on: Any, produce: Any, seconds: float | None
    ) -> None:
        play = playbook(on(Blackhole(seconds), match={"connection": only(1)}))
        one, two = play.connect(), play.connect()
        one.client(produce(1))
        one.client_ends()
        play.at(1.0)
        assert two.client(produce(1)) == [two.to_broker(produce(1))]
        assert play.retries == [(2, 1, 2, False)]

    @pytest.mark.parametrize("seconds", [None, 3.0])
    def test_a_request_whose_answer_it_swallowed_is_known_again(
        self, playbook: Any, on: Any, frames: Any, produced: Any, seconds: float | None
    ) -> None:
        """Without numbers: that the client closed tells that it never had the answer."""
        again = frames.produce(1, ("t", 0, frames.batch(frames.record(b"1"), at=5)))
        play = playbook(on(Blackhole(seconds), match={"connection": only(1)}, after=1.0))
        one, two = play.connect(), play.connect()
        one.client(again)
        play.at(1.0)
        one.broker(produced(1))
        play.at(2.0)
        one.client_ends()
        two.client(again)
        assert play.acks == [(1, "withheld", None)]
        assert play.retries == [(2, 1, 2, False)]

    def test_the_brokers_end_is_not_seen(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.at(2.0)
        assert ends(line.broker_ends()) == [(1, Side.BROKER, "fin")]
        assert ends(play.at(3.9)) == []
        assert ends(play.at(4.0)) == [(1, Side.CLIENT, "fin")]

    def test_until_lifts_it(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(), after=1.0, until=2.5))
        line = play.connect()
        line.client(produce(1))
        play.at(1.5)
        line.client(produce(2))
        assert play.at(2.5) == [line.to_broker(produce(2))]

    def test_until_of_one_that_began_before_the_first_request(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(), until=2.0))
        line = play.connect()
        play.at(5.0)
        assert line.client(produce(1)) == []
        assert play.at(7.0) == [line.to_broker(produce(1))]

    def test_what_can_never_go_takes_no_room(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole()), backlog=100)
        line = play.connect()
        for n in range(50):
            line.client(produce(n))
        assert line.connection.may_read(Side.CLIENT)

    def test_reading_pauses_for_what_waits(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0), backlog=100)
        line = play.connect()
        for n in range(1, 5):
            line.client(produce(n))
        play.at(1.0)
        line.client(produce(5), produce(6))
        assert not line.connection.may_read(Side.CLIENT)
        line.broker(*map(produced, range(1, 5)))
        assert not line.connection.may_read(Side.BROKER)
        play.at(4.0)
        assert line.connection.may_read(Side.CLIENT)
        assert line.connection.may_read(Side.BROKER)

    def test_a_disconnect_of_a_dropped_ack_is_not_seen_either(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("disconnect"), nth=(1,)), on(Blackhole(3.0), after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.at(1.0)
        assert ends(line.broker(produced(1))) == []
        assert ends(play.at(3.99)) == []
        assert sorted(ends(play.at(4.0)), key=str) == [(1, Side.BROKER, "fin"), (1, Side.CLIENT, "fin")]
        assert play.closed == [(1, "ackdrop", "fin", "fault")]

    def test_it_comes_after_the_client_has_said_its_end(self, playbook: Any, on: Any, produce: Any) -> None:
        """The client has closed already, so nothing else would ever end the connection."""
        play = playbook(on(Blackhole(), after=1.0))
        line = play.connect()
        line.client(produce(1))
        assert line.client_ends() == []
        assert ends(play.at(1.0)) == [(1, Side.CLIENT, "fin")]
        assert ends(play.at(60.0)) == [(1, Side.BROKER, "fin")]
        assert play.closed == [(1, "client", "fin", "")]
        assert play.wire.unsettled == 0

    def test_it_comes_after_a_disconnect_that_is_still_on_the_line(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("disconnect")), on(Latency(0.5), "slow"), on(Blackhole(), after=1.7))
        line = play.connect()
        line.client(produce(1))
        play.at(1.5)
        assert ends(line.broker(produced(1))) == [(1, Side.BROKER, "fin")]
        assert ends(play.at(60.0)) == []
        assert ends(line.client_ends()) == [(1, Side.CLIENT, "fin")]
        assert play.closed == [(1, "ackdrop", "fin", "fault")]

    def test_the_brokers_side_ends_too_where_a_disconnect_was_swallowed(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("disconnect"), nth=(1,)), on(Blackhole(), after=1.0))
        line = play.connect()
        line.client(produce(1), produce(2))
        play.at(1.0)
        assert ends(line.broker(produced(1))) == []
        assert ends(line.client_ends()) == [(1, Side.CLIENT, "fin")]
        assert ends(line.broker(produced(2))) == [(1, Side.BROKER, "fin")]
        assert play.closed == [(1, "ackdrop", "fin", "fault")]
        assert play.wire.unsettled == 0
