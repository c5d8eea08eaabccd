"""The bytes of a real Redpanda and four clients go through the core as they were, and the lost ack is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Finish, Send, Side
from ackdrop.faults import Drop
from ackdrop.kafka.addresses import MAX_VERSIONS, cluster_nodes, rewrite
from ackdrop.observations import Acked, Attempt

CHUNKS = [pytest.param("frames", id="frame by frame"), pytest.param("bytes", id="byte by byte"), "joined"]
BROKER = ("127.0.0.1", 39092)


def runs(frames: list[Any]) -> list[list[Any]]:
    """Neighbouring frames of one side of one connection, together."""
    out: list[list[Any]] = []
    for frame in frames:
        if out and (out[-1][0].connection, out[-1][0].side) == (frame.connection, frame.side):
            out[-1].append(frame)
        else:
            out.append([frame])
    return out


class Replay:
    """Replays a capture; `out` holds what came out, by (connection in the capture, side), `into` what went in.

    A client closes after its last frame, and where the recorder closed its connection; the broker closes then as well.
    """

    def __init__(self, play: Any, frames: list[Any], chunks: str) -> None:
        self.play = play
        self.into: dict[tuple[int, Side], bytes] = {}
        self.out: dict[tuple[int, Side], bytes] = {}
        lines: dict[int, Any] = {}
        last = {frame.connection: frame for frame in frames}
        for run in runs(frames) if chunks == "joined" else [[frame] for frame in frames]:
            first = run[0]
            play.at(first.at)
            line = lines.get(first.connection) or lines.setdefault(first.connection, play.connect())
            data = b"".join(frame.data for frame in run)
            key = (first.connection, first.side.other)
            self.into[key] = self.into.get(key, b"") + data
            self._note(first.connection, line.dribble(first.side, data, 1 if chunks == "bytes" else len(data)))
            if last[first.connection] is run[-1] or run[-1].fault == "close":
                self._note(first.connection, line.client_ends())
        play.at(play.now + 60)
        for line in lines.values():
            line.broker_ends()

    def _note(self, connection: int, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, Send):
                key = (connection, command.to)
                self.out[key] = self.out.get(key, b"") + bytes(command.data)
            else:
                assert isinstance(command, (Close, Finish))


@pytest.fixture(params=CHUNKS)
def chunks(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_the_captures_are_there(request: pytest.FixtureRequest) -> None:
    files = list((request.path.parent.parent / "captures").glob("*.jsonl"))
    assert len(files) == 21
    assert sum("-idempotence-" in file.name for file in files) == 14


def test_every_byte_passes_as_it_was(playbook: Callable[..., Any], capture: Any, chunks: str) -> None:
    play = playbook()
    replay = Replay(play, capture[1], chunks)
    assert replay.out == replay.into
    assert play.undecoded == []
    assert play.wire.unsettled == 0
    assert len(play.closed) == len({frame.connection for frame in capture[1]})
    # Java's capture ends with a request whose answer the recorder did not see any more.
    assert {acked.ack for acked in play.all(Acked)} <= {"delivered", "none"}


def test_only_addresses_change(playbook: Callable[..., Any], capture: Any) -> None:
    """Every answer that tells of the broker tells of the proxy, and turned back it is what the broker sent."""

    def there(node: int, host: str, port: int) -> tuple[str, int]:
        assert (host, port) == BROKER
        return "a.longer.host.name", 19000 + node

    def back(node: int, host: str, port: int) -> tuple[str, int]:
        assert (host, port) == ("a.longer.host.name", 19000 + node)
        return BROKER

    play, lines, rewritten = playbook(translate=there), {}, 0
    for frame in capture[1]:
        line = lines.get(frame.connection) or lines.setdefault(frame.connection, play.connect())
        (sent,) = line.dribble(frame.side, frame.data, 7)
        if frame.side is Side.BROKER and cluster_nodes(frame.api_key, frame.api_version, frame.data):
            rewritten += 1
            assert rewrite(frame.api_key, frame.api_version, sent.data, back) == frame.data
        else:
            assert sent.data == frame.data
    carrying = [f for f in capture[1] if f.side is Side.BROKER and f.api_key in MAX_VERSIONS and f.api_key in (3, 10)]
    assert rewritten > 0
    assert len(carrying) >= rewritten


def test_the_lost_ack_and_its_retry_are_found(
    playbook: Callable[..., Any], rule: Callable[..., Any], lost_ack: Any, chunks: str
) -> None:
    name, frames = lost_ack
    play = playbook(rule(Drop("disconnect" if name.endswith("-close") else "hold"), "lose the third ack", nth=(3,)))
    Replay(play, frames, chunks)
    assert play.undecoded == []
    assert play.wire.unsettled == 0
    dropped = [number for number, ack, _ in play.acks if ack == "dropped"]
    retries = play.retries
    if name == "aiokafka-idempotence-off-silence":  # it gives up and tells the application
        assert (dropped, retries) == ([3], [])
        return
    # Java had two batches in flight: both were sent again, and one frame holds the third.
    of = [3, 4] if "java" in name else [3]
    assert dropped == [3]
    assert sorted(retry[1] for retry in retries) == of
    assert {(tries, ambiguous) for _, _, tries, ambiguous in retries} == {(2, False)}
    attempts = {attempt.number: attempt for attempt in play.all(Attempt)}
    for number, first, _, _ in retries:
        assert attempts[number].records == attempts[first].records
        assert attempts[number].connection != attempts[first].connection
        if "idempotence-on" in name:
            assert attempts[number].base_sequence == attempts[first].base_sequence
            assert attempts[number].producer_id == attempts[first].producer_id >= 0
        else:
            assert attempts[number].producer_id == -1
    assert len(play.wire.attempts) == 0


def test_the_client_is_silenced_where_the_recorder_lost_the_ack(
    playbook: Callable[..., Any], rule: Callable[..., Any], lost_ack: Any
) -> None:
    """Of a connection with the lost ack, the client gets what came before it, and nothing after."""
    frames = lost_ack[1]
    replay = Replay(playbook(rule(Drop("hold"), nth=(3,))), frames, "frames")
    at = next(i for i, frame in enumerate(frames) if frame.fault is not None)
    connection = frames[at].connection
    before = [f.data for f in frames[:at] if (f.connection, f.side) == (connection, Side.BROKER)]
    assert replay.out[connection, Side.CLIENT] == b"".join(before)
    for key in replay.into.keys() - {(connection, Side.CLIENT)}:
        assert replay.out[key] == replay.into[key]
