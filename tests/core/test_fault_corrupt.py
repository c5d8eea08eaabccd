"""`corrupt`: which bytes change, and what the wire takes for lost by it."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.faults import Corrupt
from ackdrop.observations import Answered, Forwarded


def changed(before: bytes, after: bytes) -> list[int]:
    assert len(before) == len(after)
    return [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]


def sent(out: Any, before: bytes) -> tuple[bytes, list[int]]:
    (command,) = out
    return bytes(command.data), changed(before, bytes(command.data))


class TestAtRequests:
    def test_the_check_sums_of_the_batches_that_match(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Corrupt("crc"), match={"partition": (1, 2)}))
        line, request = play.connect(), ask(1, 0, 1, 2)
        _, places = sent(line.client(request), request)
        (crc,) = {struct.unpack_from(">I", request, at)[0] for at in places}
        assert (len(places), request.count(struct.pack(">I", crc))) == (2, 3)
        answer = told(1, {0: (0, 5), 1: (2, -1), 2: (2, -1)})
        assert line.broker(answer) == [line.to_client(answer)]
        assert play.acks == [(1, "delivered", 0), (2, "delivered", 2), (3, "delivered", 2)]

    def test_an_answer_to_another_correlation_id_tells_its_client_nothing(
        self, playbook: Any, on: Any, ask: Any, told: Any
    ) -> None:
        play = playbook(on("produce.request", Corrupt("correlation_id"), nth=(1,)))
        line = play.connect()
        data, places = sent(line.client(ask(1, producer=(5, 0, 0))), ask(1, producer=(5, 0, 0)))
        assert places == [8]
        (number,) = struct.unpack_from(">i", data, 8)
        assert line.broker(told(number)) == [line.to_client(told(number))]
        assert play.all(Answered) == [Answered(0.0, 1, 0, number)]
        assert play.acks == [(1, "dropped", None)]
        line.client_ends("reset")
        play.connect().client(ask(1, producer=(5, 0, 0)))
        assert play.retries == [(2, 1, 2, False)]

    def test_the_body(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        play = playbook(on("produce.request", Corrupt("body", 3)))
        line, request = play.connect(), ask(1)
        _, places = sent(line.client(request), request)
        assert len(places) == 3
        assert min(places) >= 15

    def test_one_that_is_never_answered_is_settled_by_the_next(
        self, playbook: Any, on: Any, ask: Any, told: Any
    ) -> None:
        """A broker may close, or say nothing to bytes that it cannot read."""
        play = playbook(on("produce.request", Corrupt("body", 1), nth=(1,)))
        line = play.connect()
        line.client(ask(1), ask(2))
        assert line.broker(told(2)) == [line.to_client(told(2))]
        assert (play.acks, play.wire.unsettled) == ([(1, "none", None), (2, "delivered", 0)], 0)

    @pytest.mark.parametrize("ends", ["broker", "client"])
    def test_after_a_false_length_the_client_may_go_on(
        self, playbook: Any, on: Any, ask: Any, told: Any, ends: str
    ) -> None:
        play = playbook(on("produce.request", Corrupt("length", 7), nth=(1,)), drain=1.0)
        line = play.connect()
        _, places = sent(line.client(ask(1)), ask(1))
        assert all(at < 4 for at in places)
        assert line.client(ask(2)) == [line.to_broker(ask(2))]
        assert play.wire.unsettled == 2
        line.broker_ends("reset") if ends == "broker" else line.client_ends()
        play.at(5.0)
        line.broker_ends()
        assert (play.acks, play.wire.unsettled) == ([(1, "none", None), (2, "none", None)], 0)

    def test_nonsense_that_comes_back_after_a_false_length_is_no_mystery(
        self, playbook: Any, on: Any, ask: Any, told: Any
    ) -> None:
        play = playbook(on("produce.request", Corrupt("length", 7), nth=(1,)))
        line = play.connect()
        line.client(ask(1))
        assert Close(1, Side.CLIENT, "fin") in line.broker(told(99))
        assert (play.undecoded, play.wire.unsettled) == ([], 0)


class TestAtAnswers:
    @pytest.mark.parametrize(("field", "within"), [("correlation_id", (4, 8)), ("body", (8, 999)), ("length", (0, 4))])
    def test_it_counts_as_dropped(
        self, playbook: Any, on: Any, ask: Any, told: Any, field: Any, within: tuple[int, int]
    ) -> None:
        play = playbook(on("produce.response", Corrupt(field, 1), nth=(1,)))
        line = play.connect()
        line.client(ask(1))
        _, places = sent(line.broker(told(1)), told(1))
        assert len(places) == 1
        assert within[0] <= places[0] < within[1]
        assert play.acks == [(1, "dropped", None)]

    def test_what_follows_a_false_length_reaches_nobody(self, playbook: Any, on: Any, ask: Any, told: Any) -> None:
        """The client takes the bytes of the next answer for a part of this one."""
        play = playbook(on("produce.response", Corrupt("length", 5), nth=(1,)))
        line = play.connect()
        line.client(ask(1), ask(2))
        (out,) = line.broker(told(1), told(2))
        assert bytes(out.data).endswith(told(2))
        assert play.acks == [(1, "dropped", None), (2, "withheld", None)]

    def test_an_answer_of_another_api(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook(on("heartbeat.response", Corrupt("body", 2)))
        line = play.connect()
        line.client(frames.request(12, 0, 1, b"xy"))
        answer = frames.answer(1, bytes(20))
        _, places = sent(line.broker(answer), answer)
        assert (len(places), min(places) >= 8) == (2, True)


def test_the_same_seed_changes_the_same_bytes(playbook: Any, on: Any, ask: Any) -> None:
    def run() -> bytes:
        line = playbook(on("produce.request", Corrupt("body", 4))).connect()
        return sent(line.client(ask(1)), ask(1))[0]

    assert run() == run()


def test_a_garbled_request_has_gone_on(playbook: Any, on: Any, ask: Any) -> None:
    play = playbook(on("produce.request", Corrupt("body", 1)))
    play.connect().client(ask(1))
    assert play.all(Forwarded) == [Forwarded(0.0, 1)]
