"""What becomes of each frame: passed on, paired with its request, or refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.faults import Delay, Drop
from ackdrop.observations import Attempt, ConnectionOpened

CLIENT, BROKER = Side.CLIENT, Side.BROKER
HEARTBEAT, FETCH, METADATA, API_VERSIONS, PRODUCE = 12, 1, 3, 18, 0


def closing(number: int) -> list[Close]:
    return [Close(number, CLIENT, "fin"), Close(number, BROKER, "fin")]


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    return lambda cid, **more: frames.produce(cid, ("t", 0, frames.batch(frames.record(b"%d" % cid))), **more)


@pytest.fixture
def produced(frames: Any) -> Callable[..., bytes]:
    return lambda cid, error=0: frames.produced(cid, ("t", 0, error, cid))


def test_a_connection_is_told_when_it_opens(playbook: Any) -> None:
    play = playbook()
    play.at(3.0)
    play.connect(node=7)
    play.noted([])
    assert play.all(ConnectionOpened) == [ConnectionOpened(3.0, 1, 7, "peer")]


def test_pipelined_requests_are_answered_in_order(playbook: Any, frames: Any, produce: Any, produced: Any) -> None:
    play = playbook()
    line = play.connect()
    asks = [frames.request(METADATA, 1, 1), produce(2), frames.request(FETCH, 4, 3), produce(4)]
    assert line.client(*asks) == [line.to_broker(*asks)]
    assert play.wire.unsettled == 2
    answers = [frames.answer(1, bytes(16)), produced(2), frames.answer(3, bytes(40)), produced(4)]
    answers[0] = frames.answer(1, struct.pack(">iii", 0, 1, 0))
    assert line.broker(*answers) == [line.to_client(*answers)]
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 0)]
    assert play.wire.unsettled == 0


def test_an_api_that_nobody_knows_passes(playbook: Any, frames: Any) -> None:
    line = playbook().connect()
    ask, answer = frames.request(999, 3, 1, bytes(50)), frames.answer(1, bytes(60))
    assert line.client(ask) == [line.to_broker(ask)]
    assert line.broker(answer) == [line.to_client(answer)]


class TestAcksZero:
    """Such a request gets no answer: the next one belongs to the next request."""

    def test_the_next_answer_is_the_next_requests(self, playbook: Any, frames: Any, produce: Any) -> None:
        play = playbook()
        line = play.connect()
        asks = [produce(1, acks=0), frames.request(HEARTBEAT, 0, 2)]
        assert line.client(*asks) == [line.to_broker(*asks)]
        assert play.wire.unsettled == 0
        assert line.broker(frames.answer(2)) == [line.to_client(frames.answer(2))]
        assert play.undecoded == []

    def test_it_is_recorded_and_its_repetition_is_no_retry(self, playbook: Any, produce: Any) -> None:
        play = playbook()
        play.connect().client(produce(1, acks=0))
        play.connect().client(produce(1, acks=0), produce(1))
        assert [attempt.acks for attempt in play.all(Attempt)] == [0, 0, -1]
        assert play.acks == [(1, "none", None), (2, "none", None)]
        assert play.retries == []

    def test_one_that_cannot_be_read_may_be_one(self, playbook: Any, frames: Any) -> None:
        play = playbook()
        line = play.connect()
        broken = frames.request(PRODUCE, 7, 1, b"\xff\xff\0")
        assert line.client(broken, broken, frames.request(HEARTBEAT, 0, 2)) != []
        assert line.broker(frames.answer(2)) == [line.to_client(frames.answer(2))]
        assert play.undecoded == [(1, "produce", False)] * 2

    def test_one_that_cannot_be_read_may_be_answered(self, playbook: Any, frames: Any, produced: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(frames.request(PRODUCE, 7, 1, b"\xff\xff\0"), frames.request(HEARTBEAT, 0, 2))
        answers = (produced(1), frames.answer(2))
        assert line.broker(*answers) == [line.to_client(*answers)]
        assert play.acks == []
        assert play.wire.unsettled == 0


class TestRefused:
    """Bytes that make no sense end their connection, are reported, and harm no other."""

    @pytest.fixture(
        params=[
            struct.pack(">i", -1),
            struct.pack(">i", 1 << 30),
            struct.pack(">ihh", 4, HEARTBEAT, 0),
            struct.pack(">ihhi", 8, PRODUCE, 7, 1),
            struct.pack(">ihhih", 10, API_VERSIONS, 0, 1, 99),
            struct.pack(">ihhihB", 11, PRODUCE, 9, 1, -1, 0xFF),
        ],
        ids=["negative size", "size over the limit", "too short", "no client id", "client id too long", "broken tags"],
    )
    def noise(self, request: pytest.FixtureRequest) -> bytes:
        made: bytes = request.param
        return made

    def test_requests(self, playbook: Any, frames: Any, produce: Any, produced: Any, noise: bytes) -> None:
        play = playbook(frame_limit=1000)
        line, other = play.connect(), play.connect()
        before, after = produce(1), frames.request(HEARTBEAT, 0, 2)
        assert line.client(before, noise, after) == [line.to_broker(before), *closing(1)]
        assert line.client(after) == []
        assert line.broker(produced(1)) == []
        assert play.undecoded == [(1, "request", True)]
        assert [closed[:3] for closed in play.closed] == [(1, "ackdrop", "fin")]
        assert play.acks == [(1, "none", None)]
        assert play.wire.unsettled == 0
        assert other.client(after) == [other.to_broker(after)]

    @pytest.mark.parametrize(
        "noise",
        [struct.pack(">i", -1), struct.pack(">i", 1 << 30), struct.pack(">ih", 2, 0), struct.pack(">ii", 4, 77)],
        ids=["negative size", "size over the limit", "too short", "nobody waits for it"],
    )
    def test_answers(self, playbook: Any, frames: Any, produce: Any, produced: Any, noise: bytes) -> None:
        play = playbook(frame_limit=1000)
        line, other = play.connect(), play.connect()
        line.client(produce(1))
        assert line.broker(produced(1), noise, produced(2)) == [line.to_client(produced(1)), *closing(1)]
        assert play.undecoded == [(1, "answer", True)]
        assert [closed[:3] for closed in play.closed] == [(1, "ackdrop", "fin")]
        assert play.wire.unsettled == 0
        after = frames.request(HEARTBEAT, 0, 2)
        assert other.client(after) == [other.to_broker(after)]

    @pytest.mark.parametrize("key", [HEARTBEAT, METADATA, PRODUCE])
    def test_a_wrong_correlation_id(self, playbook: Any, frames: Any, produce: Any, produced: Any, key: int) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1) if key == PRODUCE else frames.request(key, 0, 1), produce(2))
        assert line.broker(produced(3), produced(2)) == closing(1)
        assert play.undecoded == [(1, "answer", True)]
        assert {ack for _, ack, _ in play.acks} == {"none"}
        assert len(play.acks) == len(play.all(Attempt))
        assert play.wire.unsettled == 0

    def test_an_answer_before_any_request(self, playbook: Any, frames: Any) -> None:
        play = playbook()
        assert play.connect().broker(frames.answer(1)) == closing(1)
        assert play.undecoded == [(1, "answer", True)]

    def test_the_broker_ends_in_the_middle_of_an_answer(self, playbook: Any, produce: Any, produced: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1))
        line.broker(produced(1)[:-1])
        assert line.broker_ends() == closing(1)[::-1]
        assert play.acks == [(1, "none", None)]
        assert play.wire.unsettled == 0

    def test_an_old_produce_answer_that_cannot_be_read_passes(self, playbook: Any, frames: Any, produce: Any) -> None:
        """It carries no address; but nobody can say what became of its attempts."""
        play = playbook()
        line = play.connect()
        line.client(produce(1))
        assert line.broker(frames.answer(1, b"\xff")) == [line.to_client(frames.answer(1, b"\xff"))]
        assert play.undecoded == [(1, "produce", False)]
        assert play.acks == [(1, "delivered", None)]
        assert play.wire.unsettled == 0

    def test_a_new_produce_answer_that_cannot_be_read_does_not(self, playbook: Any, frames: Any, produce: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(produce(1, version=12), produce(2))
        assert line.broker(frames.answer(1, b"\xff")) == closing(1)
        assert play.undecoded == [(1, "produce", True)]
        assert play.acks == [(1, "none", None), (2, "none", None)]
        assert play.wire.unsettled == 0


class TestStreaming:
    def test_a_large_fetch_answer_passes_chunk_by_chunk(self, playbook: Any, frames: Any) -> None:
        """50 MB, of which nothing is kept."""
        line = playbook().connect()
        line.client(frames.request(FETCH, 11, 1), frames.request(HEARTBEAT, 0, 2))
        size, chunk, passed = 50 << 20, bytes(1 << 20), 0
        data = struct.pack(">iii", size + 8, 1, 0)
        assert line.broker(data) == [line.to_client(data)]
        for _ in range(50):
            (sent,) = line.connection.received(BROKER, memoryview(chunk), 0.0)
            passed += len(sent.data)
            assert line.connection._answer_frames.buffered == 0
        assert passed == size
        assert line.broker(frames.answer(2)) == [line.to_client(frames.answer(2))]

    def test_of_a_large_fetch_answer_with_addresses_only_the_end_is_kept(self, playbook: Any, frames: Any) -> None:
        """They are the last of 3 MiB, and their frame's length is out before."""
        line = playbook(translate=lambda node, host, port: ("proxy", node)).connect()

        def answer(host: bytes, port: int) -> bytes:
            end = (
                b"\2" + struct.pack(">i", 7) + frames.uvarint(len(host) + 1) + host + struct.pack(">i", port) + b"\0\0"
            )
            return frames.answer(1, head + records + b"\0" + b"\1\0" + frames.uvarint(len(end)) + end)

        records = frames.uvarint((3 << 20) + 1) + bytes(3 << 20) + b"\0"
        head = b"\0" + bytes(10) + b"\2" + bytes(16) + b"\2" + bytes(30) + b"\1" + bytes(4)
        line.client(frames.request(FETCH, 17, 1, tags=b"\0"))
        data, kept = answer(b"kafka", 9092), []
        out = b""
        for at in range(0, len(data), 100_000):
            out += b"".join(bytes(sent.data) for sent in line.broker(data[at : at + 100_000]))
            kept.append(at + 100_000 - len(out))
        assert out == answer(b"proxy", 7)
        assert max(kept[:-1]) == 0
        assert line.connection._answer_frames.buffered == 0

    def test_a_large_fetch_answer_that_contradicts_itself_ends_its_connection(self, playbook: Any, frames: Any) -> None:
        play = playbook()
        line = play.connect()
        line.client(frames.request(FETCH, 17, 1, tags=b"\0"))
        data = frames.answer(1, b"\0" + bytes(10) + b"\2" + bytes(16) + b"\xff\xff\xff\xff\x7f" + b"\xff" * (2 << 20))
        commands = line.dribble(BROKER, data[:500_000], 50_000)
        assert commands[-2:] == closing(1)
        assert play.undecoded == [(1, "answer", True)]

    def test_an_answer_may_be_larger_than_any_request(self, playbook: Any, frames: Any) -> None:
        """A client that asks for more than 100 MiB at once gets it."""
        line = playbook(frame_limit=1000).connect()
        line.client(frames.request(FETCH, 11, 1), frames.request(METADATA, 0, 2))
        data = frames.answer(1, bytes(100_000))
        assert line.dribble(BROKER, data, 999) == [line.to_client(data)]
        assert line.broker(struct.pack(">iii", 1001, 2, 0)) == closing(1)

    def test_a_large_request_that_nobody_reads_passes_chunk_by_chunk(self, playbook: Any, frames: Any) -> None:
        line = playbook().connect()
        ask = frames.request(HEARTBEAT, 0, 1, bytes(10_000))
        assert line.dribble(CLIENT, ask, 999) == [line.to_broker(ask)]
        assert line.connection._request_frames.buffered == 0

    def test_what_is_read_is_kept_until_it_is_whole(self, playbook: Any, frames: Any, produce: Any) -> None:
        line = playbook().connect()
        assert line.client(produce(1)[:-1]) == []
        assert line.client(produce(1)[-1:]) == [line.to_broker(produce(1))]

    def test_a_client_cut_off_gets_no_more_of_a_stream(self, playbook: Any, frames: Any) -> None:
        line = playbook().connect()
        line.client(frames.request(FETCH, 4, 1))
        answer = frames.answer(1, bytes(100))
        assert line.broker(answer[:50]) == [line.to_client(answer[:50])]
        line.client_ends("reset")
        assert line.broker(answer[50:]) == []


class TestBackPressure:
    def test_delayed_bytes_count(self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any) -> None:
        play = playbook(rule(Delay(1.0)), backlog=1000)
        line = play.connect()
        line.client(produce(1), frames.request(FETCH, 4, 2))
        line.broker(produced(1))
        assert line.connection.may_read(BROKER)
        line.broker(frames.answer(2, bytes(1000)))
        assert not line.connection.may_read(BROKER)
        assert line.connection.may_read(CLIENT)
        play.at(1.0)
        assert line.connection.may_read(BROKER)

    def test_withheld_bytes_do_not(self, playbook: Any, rule: Any, frames: Any, produce: Any, produced: Any) -> None:
        line = playbook(rule(Drop()), backlog=1000).connect()
        line.client(produce(1), frames.request(FETCH, 4, 2))
        line.broker(produced(1), frames.answer(2, bytes(5000)))
        assert line.connection.may_read(BROKER)

    def test_parked_bytes_count(self, playbook: Any, frames: Any) -> None:
        play = playbook(backlog=1000, ask_starts=True)
        line = play.connect()
        (asked,) = line.client(frames.produce(1, ("t", 0, frames.batch(frames.record(bytes(2000))))))
        assert not line.connection.may_read(CLIENT)
        assert line.connection.may_read(BROKER)
        play.starts(asked, "t", {0: 0})
        assert line.connection.may_read(CLIENT)


@pytest.mark.parametrize(
    ("side", "first", "said"),
    [
        (
            Side.CLIENT,
            b"\x16\x03\x01\x02\0\1\0",
            "no frames but TLS; with --tls-cert and --tls-key the proxy does, too",
        ),
        (Side.CLIENT, b"GET / HTTP/1.1\r\n", "no frames but HTTP"),
        (Side.BROKER, b"\x15\x03\x03\0\2\2\x50", "no frames but TLS; with --upstream-tls the proxy does, too"),
        (Side.BROKER, b"HTTP/1.1 400 Bad Request\r\n", "no frames but HTTP"),
    ],
)
def test_who_speaks_something_else_is_told_of(playbook: Any, frames: Any, side: Side, first: bytes, said: str) -> None:
    play = playbook()
    line = play.connect()
    line.client(frames.request(999, 0, 1))
    line.dribble(side, first)
    ((_, by, _, reason),) = play.closed
    assert by == "ackdrop"
    assert reason == said
