"""Batches become packets: in order, with comments where they belong, in files that open by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ackdrop.capture.comments import Comment, parse
from ackdrop.capture.writing import files
from ackdrop.capture.writing.child import Child, Settings, Status
from ackdrop.capture.writing.events import DATA, OPENED, Batch
from ackdrop.core.commands import Side
from ackdrop.errors import SurroundingsError, UsageError
from ackdrop.observations import ConnectionClosed, Decided, Flow, LetPass, Passed, Reached

from ...pcapng_files import ACK, FIN, RST, SYN, File, Read, read, tcp

Make = Callable[..., Any]
Message = Callable[..., bytes]


def decided(at: float, fault: str, correlation_id: int, connection: int = 1, verdict: str = "drop") -> Decided:
    topic, partition = ("t", 0) if correlation_id else ("", -1)
    return Decided(at, fault, connection, correlation_id, "c", topic, partition, 1, True, verdict, True, 1)


def reached(at: float, place: str, correlation_id: int, connection: int = 1) -> Reached:
    api, _, side = place.partition(".")
    return Reached(at, place, api, 7, side, "c", connection, -1, False, correlation_id, None, None, (), 0.0)  # type: ignore[arg-type]


def comments(packet: Read) -> list[Comment]:
    return [comment for line in packet.comments if (comment := parse(line))]


def about(found: File, what: str) -> list[tuple[Read, Comment]]:
    return [(packet, comment) for packet in found.packets for comment in comments(packet) if comment.what == what]


def content(found: File, interface: int, inbound: bool) -> bytes:
    chosen = [packet for packet in found.packets if (packet.interface, packet.inbound) == (interface, inbound)]
    return b"".join(tcp(packet.data).content for packet in chosen)


def test_both_sides_of_a_connection_are_there_as_they_went(capture: Make, message: Message) -> None:
    written = capture()
    client, broker = written.connect()
    client.received(memoryview(message(7)), 1.1)
    broker.sent(message(7), 1.101)
    broker.received(memoryview(message(7, b"x", answer=True)), 1.2)
    client.sent(message(7, b"x", answer=True), 1.201)
    client.ended(True, "fin", 1.3)
    broker.ended(False, "reset", 1.3)
    written.hand_over()
    found = written.read()
    assert [name for name, _ in found.interfaces] == ["client", "broker"]
    assert re.fullmatch(r"ackdrop \d+\.\d+\.\d+", found.application)
    told = [(packet.interface, packet.inbound, tcp(packet.data).flags & ~8) for packet in found.packets]
    assert told == [
        *[(0, True, SYN), (0, False, SYN | ACK), (0, True, ACK)],
        *[(1, False, SYN), (1, True, SYN | ACK), (1, False, ACK)],
        *[(0, True, ACK), (1, False, ACK), (1, True, ACK), (0, False, ACK)],
        *[(0, True, FIN | ACK), (1, False, RST | ACK)],
    ]
    assert found.packets[6].at == 1_700_000_001_100_000
    assert content(found, 0, True) == content(found, 1, False) == message(7)
    assert content(found, 0, False) == content(found, 1, True) == message(7, b"x", answer=True)
    words = {"connection": 1, "arm": "on", "node": -1}
    assert [(packet.interface, comment) for packet, comment in about(found, "opened")] == [
        (0, Comment("opened", words | {"side": "client"})),
        (1, Comment("opened", words | {"side": "broker"})),
    ]
    assert written.recorder.ports == {9092, 19092}


def test_a_fault_stands_at_the_packet_in_which_its_frame_ended(capture: Make, message: Message) -> None:
    written = capture()
    _, broker = written.connect()
    whole = message(5, b"1" * 100_000, answer=True) + message(6, b"2" * 100_000, answer=True)
    broker.received(memoryview(whole), 1.2)
    written.hand_over(
        reached(1.2, "produce.response", 5), decided(1.2, 'lose "it"', 5), places={'lose "it"': "produce.response"}
    )
    ((packet, comment),) = about(written.read(), "fault")
    data = [tcp(each.data) for each in written.read().packets if tcp(each.data).content]
    assert tcp(packet.data) == data[1]
    assert len(data) == 4
    assert (packet.interface, packet.inbound) == (1, True)
    assert comment.values == {
        "fault": 'lose "it"',
        "does": "drop",
        "connection": 1,
        "arm": "on",
        "at": "produce.response",
        "api": "produce",
        "version": 7,
        "correlation": 5,
        "topic": "t",
        "partition": 0,
    }


def test_a_request_that_waited_is_told_of_at_what_comes_next(capture: Make, message: Message) -> None:
    written = capture()
    client, broker = written.connect()
    client.received(memoryview(message(5)), 1.1)
    written.hand_over()
    client.received(memoryview(message(6)), 1.2)
    broker.sent(message(5), 1.25)
    written.hand_over(decided(1.22, "f", 5), places={"f": "produce.request"})
    ((packet, comment),) = about(written.read(), "fault")
    assert (packet.interface, packet.at) == (0, 1_700_000_001_200_000)
    assert comment.values["correlation"] == 5


def test_a_fault_without_a_packet_gets_one(capture: Make, message: Message) -> None:
    written = capture()
    client, _ = written.connect()
    client.received(memoryview(message(5)), 1.1)
    written.hand_over()
    written.connect(2, at=1.35)
    written.hand_over(decided(1.3, "f", 0, verdict="throttle"), places={"f": "connection"})
    assert [each.at for each in written.read().packets] == sorted(each.at for each in written.read().packets)
    ((packet, _),) = about(written.read(), "fault")
    segment = tcp(packet.data)
    assert (packet.at, segment.flags, segment.content, packet.inbound) == (1_700_000_001_300_000, ACK, b"", False)
    client.sent(b"", 1.4)
    client.ended(True, "fin", 1.4)
    client.ended(False, "fin", 1.4)
    written.hand_over()
    written.hand_over(decided(1.5, "late", 0, verdict="throttle"), places={"late": "connection"})
    assert len(about(written.read(), "fault")) == 1


@pytest.mark.parametrize(("verdict", "flags"), [("reset", RST | ACK), ("throttle", SYN)])
def test_a_fault_at_a_connection_stands_where_it_shows(capture: Make, verdict: str, flags: int) -> None:
    written = capture()
    client, _ = written.connect(at=1.0)
    client.ended(False, "reset", 1.0002)
    written.hand_over(decided(0.9999, "f", 0, verdict=verdict), places={"f": "connection"})
    ((packet, comment),) = about(written.read(), "fault")
    assert tcp(packet.data).flags == flags
    assert "correlation" not in comment.values


def test_what_befell_no_connection_is_told_at_the_next_packet(capture: Make, message: Message) -> None:
    written = capture()
    written.hand_over(decided(1.3, "stop it", 0, connection=0, verdict="pause"), places={"stop it": "broker"})
    written.connect(at=2.0)
    written.hand_over()
    ((packet, comment),) = about(written.read(), "fault")
    assert packet.at == 1_700_000_002_000_000
    assert comment.values == {"fault": "stop it", "does": "pause", "arm": "on", "at": "broker"}


def test_several_entries_of_a_frame_are_one_fault_and_others_are_none(capture: Make, message: Message) -> None:
    written = capture()
    client, _ = written.connect()
    client.received(memoryview(message(5)), 1.1)
    passed = Decided(1.1, "f", 1, 5, "c", "t", 3, 1, False, "pass", False, 1)
    flow = Flow(2, "c", "", 7, -1, None, "t", 0, -1, -1)
    others = [Passed.of(flow, [(9, 1.0, 4, -1, 1, 0, 90, 1.1, 0)]), LetPass("f", 1)]
    both = [decided(1.1, "f", 5), *others, decided(1.1, "f", 5)]
    written.hand_over(passed, *both, passed, decided(1.1, "g", 5), places={"f": "x.request", "g": "x.request"})
    told = [comment.values for _, comment in about(written.read(), "fault")]
    assert [(each["fault"], each.get("entries"), each.get("partition")) for each in told] == [
        ("f", 2, None),
        ("g", None, 0),
    ]


def test_the_end_says_who_and_why(capture: Make) -> None:
    written = capture()
    client, _ = written.connect()
    client.ended(True, "fin", 1.2)
    client.ended(False, "fin", 1.3)
    client.closed()
    written.hand_over(ConnectionClosed(1.2, 1, "client", "fin", "it\nleft"))
    ((packet, comment),) = about(written.read(), "ended")
    assert packet.interface == 0
    assert tcp(packet.data).flags & FIN
    assert comment.values == {"connection": 1, "arm": "on", "by": "client", "how": "fin", "reason": "it\nleft"}
    client.received(memoryview(b"late"), 1.4)
    written.hand_over()
    assert content(written.read(), 0, True) == b""


def test_a_connection_of_our_own_has_a_broker_alone(capture: Make, message: Message) -> None:
    written = capture(run="second")
    own = written.tap.opened(1.0, 4, Side.BROKER, 2, ("10.0.0.2", 5), ("10.0.0.3", 9092), own=True, tls=True)
    own.sent(message(5), 1.1)
    written.hand_over(ConnectionClosed(1.2, 4, "ackdrop", "fin", ""))
    ((packet, comment),) = about(written.read(), "opened")
    assert packet.interface == 1
    assert comment.values == {
        "connection": 4,
        "arm": "on",
        "run": "second",
        "side": "broker",
        "node": 2,
        "peer": "ackdrop",
        "tls": 1,
    }
    assert len(about(written.read(), "ended")) == 1


def test_credentials_are_blank_and_their_packet_says_so(capture: Make) -> None:
    written = capture()
    client, _ = written.connect()
    head = b"\0\x24\0\1\0\0\0\7\xff\xff\0\0\0\6"
    frame = bytes([0, 0, 0, len(head) + 6]) + head + b"\0a\0pwd"
    client.received(memoryview(frame[:-2]), 1.1)
    client.received(memoryview(frame[-2:]), 1.2)
    written.hand_over()
    assert content(written.read(), 0, True) == frame[:-6] + b"******"
    assert [comment.values for _, comment in about(written.read(), "blanked")] == [
        {"connection": 1, "bytes": 4},
        {"connection": 1, "bytes": 2},
    ]


def test_files_are_rotated_and_each_opens_by_itself(capture: Make, message: Message) -> None:
    written = capture(size=2000, most=3)
    client, _ = written.connect()
    for number in range(30):
        client.received(memoryview(message(number, bytes(300))), 1.1 + number)
        written.hand_over()
    paths = written.files.paths
    assert sorted(written.path.parent.iterdir()) == sorted(paths)
    assert len(paths) == 3
    assert all(re.fullmatch(r"capture_\d{5}_\d{14}\.pcapng", path.name) for path in paths)
    assert all(path.stat().st_size <= 2000 for path in paths)
    for found in written.all():
        assert [name for name, _ in found.interfaces] == ["client", "broker"]
        ((packet, comment),) = about(found, "continued")
        assert packet is found.packets[0]
        assert comment.values["connection"] == 1
    numbers = [tcp(packet.data).sequence for found in written.all() for packet in found.packets]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers) * 314, 314))


def test_a_packet_that_is_larger_than_a_file_may_be_has_one_of_its_own(capture: Make, message: Message) -> None:
    written = capture(size=1, most=100)
    client, _ = written.connect()
    client.received(memoryview(message(1, bytes(300))), 1.1)
    written.hand_over()
    assert [len(found.packets) for found in written.all()] == [1] * 7


def test_what_has_no_room_is_let_go_and_told(capture: Make, message: Message) -> None:
    written = capture(room=3000)
    client, _ = written.connect()
    client.received(memoryview(message(1, bytes(1000))), 1.1)
    client.received(memoryview(message(2, bytes(3000))), 1.2)
    client.received(memoryview(message(3)), 1.3)
    written.hand_over()
    ((packet, comment),) = about(written.read(), "gap")
    assert comment.values == {"connection": 1, "bytes": 3014}
    assert packet.at == 1_700_000_001_300_000
    assert written.recorder.missing == 3014
    segment = tcp(packet.data)
    assert segment.sequence == tcp(written.read().packets[6].data).sequence + 1014 + 3014
    client.received(memoryview(b"\0\0\0\x0a"), 1.4)
    written.hand_over()
    assert len(about(written.read(), "gap")) == 1


class Full:
    """A disk that takes so many bytes more."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self.room = file, room

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        taken: int = self._file.write(data[: self.room])
        self.room -= taken
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_a_full_disk_leaves_whole_files_and_is_told_when_it_is_over(capture: Make, message: Message) -> None:
    written = capture()
    client, _ = written.connect()
    written.hand_over()
    written.files._file = disk = Full(written.files._file, 100)
    client.received(memoryview(message(1, bytes(1000))), 1.1)
    with pytest.raises(OSError, match="No space"):
        written.hand_over()
    assert len(written.read().packets) == 6
    disk.room = 1 << 20
    client.received(memoryview(message(2)), 1.3)
    written.hand_over()
    ((packet, comment),) = about(written.read(), "gap")
    assert comment.values["bytes"] == 1014
    assert tcp(packet.data).content == message(2)
    assert written.recorder.missing == 1014
    assert about(written.read(), "continued")


def test_a_disk_that_takes_nothing_is_tried_now_and_then(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "capture.pcapng"
    child = Child(Settings(str(path), 1 << 30, 10, 0))

    def tell(at: float) -> Status:
        opened = (OPENED, int(at), at, 1, False, -1, ("10.0.0.2", 1), ("10.0.0.1", 2), False, False)
        data = (DATA, int(at), at, True, message(1))
        child.take(Batch("on", None, [opened, data], [], {}).packed())
        return child.status

    child._files._file = disk = Full(child._files._file, 0)  # type: ignore[assignment]
    assert tell(1.0) == Status([str(path)], 0, 14, [1], "No space left on device")
    disk.room = 1 << 20
    assert tell(2.0).missing == 28
    child._again = 0.0
    assert tell(3.0) == Status([str(path)], 4, 28, [1], None)
    child.close()
    assert len(read(path.read_bytes()).packets) == 4


def test_a_file_that_is_no_capture_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("version: 1")
    with pytest.raises(UsageError, match="is no capture"):
        files.check(path)
    with pytest.raises(UsageError, match="no file"):
        files.check(tmp_path)
    files.check(tmp_path / "new.pcapng")
    (tmp_path / "empty").touch()
    files.check(tmp_path / "empty")
    files.opened(tmp_path / "in" / "a.pcapng", 100, 1).close()
    files.check(tmp_path / "in" / "a.pcapng")
    with pytest.raises(SurroundingsError, match="cannot write"):
        files.opened(path / "x.pcapng", 100, 1)
