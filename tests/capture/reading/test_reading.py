"""Captures of real conversations: what was said comes out, or an honest hole, whatever became of the packets."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ...talks import Packet, Talk, ipv4, pcap, tcp, write
from .reading_of import CAPTURES, Read, recorded, talks

NAMES = sorted(path.stem.removeprefix("redpanda-22.3.25-") for path in CAPTURES.glob("*.jsonl"))


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_of_a_recorded_conversation_is_told(name: str, tmp_path: Path) -> None:
    rows = recorded(name)
    read = Read(write(tmp_path / "a.pcap", *talks(rows)))
    assert sorted(read.told()) == sorted(row.as_told() for row in rows)
    assert [frame.said.problem for frame in read.frames if frame.said.problem] == []
    assert (read.holes, read.summary.missing, read.summary.skipped, read.summary.others) == ([], 0, {}, {})


def pieces(packet: Packet, random_: random.Random) -> list[Packet]:
    """The same bytes in other segments, some of them twice, and some again with what came before."""
    data, out, at = packet.data, [], 0
    while at < len(data):
        size = random_.randint(1, len(data))
        begin = max(0, at - random_.choice([0, 0, 0, 5]))
        out.append(_part(packet, begin, data[begin : at + size]))
        if random_.random() < 0.2:
            out.append(out[-1])
        at += size
    return out or [packet]


def _part(packet: Packet, at: int, data: bytes) -> Packet:
    return Packet(packet.at, packet.source, packet.target, packet.seq + at, packet.ack, packet.flags, data)


def disturbed(talk: Talk, random_: random.Random, loss: float) -> list[Packet]:
    """What a network may make of it: other pieces, copies, neighbours of one side swapped, and some never seen."""
    out: list[Packet] = []
    for packet in talk.packets:
        parts = pieces(packet, random_)
        random_.shuffle(parts)
        out += [part for part in parts if not part.data or random_.random() >= loss]
    return out


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.sampled_from([100, 2**32 - 200, 2**31 - 50]))
def test_pieces_copies_and_another_order_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int, start: int
) -> None:
    rows, random_ = recorded(name), random.Random(seed)
    file = tmp_path_factory.getbasetemp() / "pieces.pcap"
    for talk in (all_talks := talks(rows)):
        for packet in talk.packets:
            packet.seq, packet.ack = packet.seq + start, packet.ack + start
        talk.packets = disturbed(talk, random_, 0.0)
    read = Read(write(file, *all_talks))
    assert sorted(read.told()) == sorted(row.as_told() for row in rows)
    assert (read.holes, read.summary.missing) == ([], 0)


@settings(max_examples=60, deadline=None)
@example(name="confluent-kafka-idempotence-off-silence", seed=6402581, loss=0.3)  # answers that look like requests
@example(name="confluent-kafka-idempotence-off-close", seed=161, loss=0.3)  # an answer within another one
@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.sampled_from([0.02, 0.1, 0.3]))
def test_what_is_lost_is_told_and_nothing_is_made_up(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int, loss: float
) -> None:
    rows, random_ = recorded(name), random.Random(seed)
    file = tmp_path_factory.getbasetemp() / "loss.pcap"
    for talk in (all_talks := talks(rows)):
        talk.packets = disturbed(talk, random_, loss)
    read = Read(write(file, *all_talks))
    told = read.told()
    real = {row.as_told() for row in rows}
    assert set(told) <= real
    assert len(told) == len(set(told))
    if len(told) < len(real):
        gone = {row[0] for row in real} - {row[0] for row in told}
        unread = [frame for frame in read.frames if not frame.api]
        assert read.holes or read.summary.missing or unread or gone or any(frame.missing for frame in read.frames)


@pytest.mark.parametrize("name", ["kafka-python-idempotence-off-close", "consumer-group", "transaction"])
@pytest.mark.parametrize("skip", [4, 9, 11])
def test_one_that_begins_in_the_middle_is_known_and_read_from_the_first_boundary(
    name: str, skip: int, tmp_path: Path
) -> None:
    rows = recorded(name)
    longest = Counter(row.connection for row in rows).most_common(1)[0][0]
    rows = [row for row in rows if row.connection == longest]
    (talk,) = talks(rows)
    del talk.packets[:skip]
    first = next(packet for packet in talk.packets if packet.data)
    first.data, first.seq = first.data[5:], first.seq + 5  # in the middle of a frame
    read = Read(write(tmp_path / "a.pcap", talk))
    assert [told.begins for told in read.opened] == [False]
    requests = [row.as_told()[1:] for row in rows if row.request]
    told = [each[1:] for each in read.told() if each[1] == "request"]
    assert told
    assert requests[-len(told) :] == told
    assert len(told) >= len(requests) - (skip // 2) - 1


def test_the_same_packets_on_two_interfaces_are_told_once(tmp_path: Path) -> None:
    rows = recorded("kafka-python-idempotence-off-close")
    all_talks = talks(rows)
    again = [(packet.at + 0.00001, packet.bytes) for talk in all_talks for packet in talk.packets]
    read = Read(write(tmp_path / "a.pcap", *all_talks, extra=again))
    assert sorted(read.told()) == sorted(row.as_told() for row in rows)


def test_ports_that_are_used_again_are_another_connection(tmp_path: Path) -> None:
    rows = [row for row in recorded("kafka-python-idempotence-off-close") if row.connection == 1]
    one, two = talks(rows)[0], talks([row._replace(at=row.at + 60) for row in rows])[0]
    for packet in two.packets:
        packet.seq, packet.ack = packet.seq + 70_000, packet.ack + 70_000
    read = Read(write(tmp_path / "a.pcap", one, two))
    assert [end.how for end in read.ends] == ["port", "capture"]
    assert len(read.told()) == 2 * len(rows)


@pytest.mark.parametrize(
    ("data", "speaks"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), "TLS"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
        (b"*1\r\n$4\r\nPING\r\n", "another protocol"),
        (bytes.fromhex("0000002d00000000000000000000000000007530") + bytes(29), "another protocol"),  # ZooKeeper
        (b"\0\0\0\x08\x04\xd2\x16\x2f", "another protocol"),  # PostgreSQL
    ],
)
def test_other_protocols_are_counted_by_what_they_speak(data: bytes, speaks: str, tmp_path: Path) -> None:
    talk = Talk().open().client(data).broker(b"\x15\x03\x03\0\2\1\0").fin(0).fin(1)
    read = Read(write(tmp_path / "a.pcap", talk))
    assert (read.events, dict(read.summary.others), read.summary.kafka) == ([], {speaks: 1}, 0)
    assert read.summary.encrypted == (("10.0.0.1:9092",) if speaks == "TLS" else ())


def test_packets_that_are_none_of_tcp_are_counted_by_what_they_are(tmp_path: Path) -> None:
    source, target = ("10.0.0.1", 1), ("10.0.0.2", 2)
    udp = bytearray(ipv4(source, target, bytes(8)))
    udp[9] = 17
    fragment = ipv4(source, target, tcp(source, target, 1, 1, 16, b"x" * 20), fragment=0x2000)
    (tmp_path / "a.pcap").write_bytes(pcap([(0, bytes(udp)), (1, fragment), (2, b"\x45\0"), (3, b"")]))
    read = Read(tmp_path / "a.pcap")
    assert dict(read.summary.skipped) == {"UDP": 1, "IP fragments": 1, "packets cut off in their headers": 2}


def test_a_snap_length_costs_the_content_and_not_the_place(tmp_path: Path) -> None:
    rows = recorded("kafka-python-idempotence-off-close")
    packets = [(packet.at, packet.bytes) for talk in talks(rows) for packet in talk.packets]
    packets.sort(key=lambda packet: packet[0])
    full = pcap(packets)
    cut, at = [full[:24]], 24
    while at < len(full):
        head, size = full[at : at + 8], int.from_bytes(full[at + 8 : at + 12], "little")
        data = full[at + 16 : at + 16 + size]
        cut.append(head + min(size, 96).to_bytes(4, "little") + size.to_bytes(4, "little") + data[:96])
        at += 16 + size
    (tmp_path / "a.pcap").write_bytes(b"".join(cut))
    read = Read(tmp_path / "a.pcap")
    assert sorted(read.told()) == sorted(row.as_told() for row in rows)
    assert read.summary.missing == sum(frame.missing for frame in read.frames) > 0
    assert read.holes == []


def test_one_direction_alone_tells_requests_and_no_answers(tmp_path: Path) -> None:
    rows = recorded("kafka-python-idempotence-off-close")
    all_talks = talks(rows)
    for talk in all_talks:
        talk.packets = [packet for packet in talk.packets if packet.source[1] != 9092]
    read = Read(write(tmp_path / "a.pcap", *all_talks))
    assert sorted(read.told()) == sorted(row.as_told() for row in rows if row.request)
    assert read.summary.tally.answered == 0
    for talk in (others := talks(rows)):
        talk.packets = [packet for packet in talk.packets if packet.source[1] == 9092]
    assert Read(write(tmp_path / "b.pcap", *others)).summary.kafka == 0


def test_several_files_are_one_capture(tmp_path: Path) -> None:
    rows = recorded("kafka-python-idempotence-on-close")
    packets = sorted(((p.at, p.bytes) for talk in talks(rows) for p in talk.packets), key=lambda packet: packet[0])
    files = []
    for n in range(0, len(packets), 13):
        files.append(tmp_path / f"{n}.pcap")
        files[-1].write_bytes(pcap(packets[n : n + 13]))
    assert len(files) > 3
    assert sorted(Read(*files).told()) == sorted(row.as_told() for row in rows)
