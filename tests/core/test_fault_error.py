"""`error`: the client is told an error; at a request the broker never hears of what it is told of."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from ackdrop.core.commands import Send
from ackdrop.faults import Error
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request, parse_response
from ackdrop.observations import Acked, Answered, Forwarded, Undecoded

VERSIONS = [3, 7, 9, 12]


def errors(out: Any, version: int) -> list[tuple[int, int, int]]:
    """(partition, error, base offset) of the one answer that is sent."""
    (sent,) = out
    assert isinstance(sent, Send)
    return [(each.partition, each.error, each.base_offset) for each in parse_response(bytes(sent.data), version)]


def asked(out: Any) -> list[int]:
    """The partitions in the one request that is sent."""
    (sent,) = out
    frame = bytes(sent.data)
    return [entry.partition for entry in parse_request(frame, request_header(frame)).entries]


@pytest.mark.parametrize("version", VERSIONS)
class TestAtRequests:
    def test_all_of_it(self, playbook: Any, on: Any, ask: Any, version: int) -> None:
        play = playbook(on("produce.request", Error(7)))
        line = play.connect()
        assert errors(line.client(ask(1, 0, 1, version=version)), version) == [(0, 7, -1), (1, 7, -1)]
        assert (play.all(Forwarded), play.wire.unsettled) == ([], 0)
        assert play.acks == [(1, "delivered", 7), (2, "delivered", 7)]

    def test_some_of_its_partitions(self, playbook: Any, on: Any, ask: Any, told: Any, version: int) -> None:
        play = playbook(on("produce.request", Error(7), match={"partition": (1,)}))
        line = play.connect()
        assert asked(line.client(ask(1, 0, 1, 2, version=version))) == [0, 2]
        assert [seen.attempt for seen in play.all(Forwarded)] == [1, 3]
        out = line.broker(told(1, {0: (0, 5), 2: (6, -1)}, version=version))
        assert errors(out, version) == [(0, 0, 5), (1, 7, -1), (2, 6, -1)]
        assert play.acks == [(1, "delivered", 0), (2, "delivered", 7), (3, "delivered", 6)]
        assert [seen.attempt for seen in play.all(Answered)] == [1, 3]

    def test_a_partition_without_records_is_not_matched_and_goes_on(
        self, playbook: Any, on: Any, frames: Any, version: int
    ) -> None:
        play = playbook(on("produce.request", Error(7)))
        line = play.connect()
        request = frames.produce(1, ("t", 0, frames.batch(frames.record(b"a"))), ("u", 4, None), version=version)
        assert asked(line.client(request)) == [4]
        out = line.broker(frames.produced(1, ("u", 4, 0, -1), version=version))
        assert errors(out, version) == [(0, 7, -1), (4, 0, -1)]
        assert (play.acks, play.wire.unsettled) == ([(1, "delivered", 7)], 0)


class TestItsTurn:
    def test_behind_the_answers_to_earlier_requests(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Error(7), nth=(2,)))
        line = play.connect()
        assert line.client(ask(1), ask(2), ask(3)) == [line.to_broker(ask(1), ask(3))]
        (out,) = line.broker(told(1))
        assert bytes(out.data).startswith(told(1))
        assert line.broker(told(3)) == [line.to_client(told(3))]
        assert play.acks == [(1, "delivered", 0), (2, "delivered", 7), (3, "delivered", 0)]

    def test_behind_an_answer_that_streams_through(
        self, playbook: Any, on: Any, ask: Any, told: Any, frames: Any
    ) -> None:
        play = playbook(on("produce.request", Error(7)))
        line, beaten = play.connect(), frames.answer(1, bytes(500))
        assert line.client(frames.request(1, 4, 1, b"xy")) != []
        assert line.broker(beaten[:100]) == [line.to_client(beaten[:100])]
        assert line.client(ask(2)) == []
        (out,) = line.broker(beaten[100:])
        assert bytes(out.data).startswith(beaten[100:])
        assert play.acks == [(1, "delivered", 7)]

    def test_between_two_answers_of_one_chunk(self, playbook: Any, on: Any, ask: Any, frames: Any) -> None:
        play = playbook(on("produce.request", Error(7)))
        line = play.connect()
        line.client(frames.request(1, 4, 1, b"xy"), ask(2), frames.request(1, 4, 3, b"xy"))
        (out,) = line.broker(frames.answer(1, bytes(50)), frames.answer(3, bytes(50)))
        ids = [struct.unpack_from(">i", bytes(out.data), at)[0] for at in (4, 62, len(out.data) - 54)]
        assert ids == [1, 2, 3]

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_its_client_is_gone_before(self, playbook: Any, on: Any, ask: Any, told: Any, how: str) -> None:
        play = playbook(on("produce.request", Error(7), nth=(2,)))
        line = play.connect()
        line.client(ask(1), ask(2))
        line.client_ends(how)
        line.broker(told(1))
        assert (dict(play_acks(play)), play.wire.unsettled) == ({1: "none", 2: "none"}, 0)

    def test_the_broker_is_gone_before(self, playbook: Any, on: Any, ask: Any) -> None:
        play = playbook(on("produce.request", Error(7), nth=(2,)))
        line = play.connect()
        line.client(ask(1), ask(2))
        line.broker_ends("reset")
        assert (dict(play_acks(play)), play.wire.unsettled) == ({1: "none", 2: "none"}, 0)


def play_acks(play: Any) -> list[tuple[int, str]]:
    return [(seen.attempt, seen.ack) for seen in play.all(Acked)]


def test_without_acks_nothing_is_answered(playbook: Any, on: Any, ask: Any) -> None:
    play = playbook(on("produce.request", Error(7), match={"partition": (0,)}))
    line = play.connect()
    assert line.client(ask(1, acks=0)) == []
    assert asked(line.client(ask(2, 0, 1, acks=0))) == [1]
    assert [seen.attempt for seen in play.all(Forwarded)] == [3]
    assert ([attempt for attempt, *_ in play.acks], play.wire.unsettled) == ([1, 2, 3], 0)


def test_an_answer_that_cannot_be_merged_ends_the_connection(playbook: Any, on: Any, ask: Any, frames: Any) -> None:
    play = playbook(on("produce.request", Error(7), match={"partition": (1,)}))
    line = play.connect()
    line.client(ask(1, 0, 1))
    line.broker(frames.answer(1, b"\0\0\0\x09nonsense"))
    assert play.undecoded[-1] == (1, "produce", True)
    assert (dict(play_acks(play)), play.wire.unsettled) == ({1: "none", 2: "none"}, 0)
    assert play.closed == [(1, "ackdrop", "fin", "produce answer not decoded")]


@pytest.mark.parametrize("version", VERSIONS)
def test_at_an_answer_the_entries_that_match_alone(playbook: Any, on: Any, ask: Any, told: Any, version: int) -> None:
    play = playbook(on("produce.response", Error(7), match={"partition": (1,)}))
    line = play.connect()
    line.client(ask(1, 0, 1, version=version))
    out = line.broker(told(1, {0: (0, 5), 1: (0, 6)}, version=version))
    assert errors(out, version) == [(0, 0, 5), (1, 7, -1)]
    assert [(seen.error, seen.base_offset) for seen in play.all(Answered)] == [(0, 5), (0, 6)]
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 7)]


def test_at_both_places(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    play = playbook(
        on("produce.request", Error(7), "a", match={"partition": (1,)}), on("produce.response", Error(6), "b")
    )
    line = play.connect()
    line.client(ask(1, 0, 1))
    assert errors(line.broker(told(1)), 7) == [(0, 6, -1), (1, 7, -1)]
    assert play.acks == [(1, "delivered", 6), (2, "delivered", 7)]


class TestOtherApis:
    def test_at_a_request_the_broker_never_hears_of_it(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook(on("init_producer_id.request", Error(51)))
        line = play.connect()
        (out,) = line.client(frames.request(22, 1, 8, b"\xff\xff" + bytes(4)))
        assert struct.unpack_from(">iih", bytes(out.data), 4) == (8, 0, 51)
        assert play.wire.unsettled == 0

    def test_at_an_answer(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook(on("init_producer_id.response", Error(51)))
        line = play.connect()
        line.client(frames.request(22, 1, 8, b"\xff\xff" + bytes(4)))
        (out,) = line.broker(frames.answer(8, struct.pack(">ihqh", 0, 0, 5, 3)))
        assert struct.unpack_from(">iihqh", bytes(out.data), 4) == (8, 0, 51, 5, 3)

    def test_where_there_is_no_error_code_it_goes_on_and_that_is_told(
        self, playbook: Any, on: Any, frames: Any
    ) -> None:
        play = playbook(on("*.request", Error(51)))
        line, request = play.connect(), frames.request(3, 1, 8, bytes(4))
        assert line.client(request) == [line.to_broker(request)]
        assert [(seen.api, seen.closed) for seen in play.all(Undecoded)] == [("metadata", False)]
