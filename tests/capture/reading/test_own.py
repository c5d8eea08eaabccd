"""Captures of ackdrop's own: two sides of a connection are one story, and its comments are understood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ackdrop.capture.comments import render
from ackdrop.capture.reading.events import Fault, Noted
from ackdrop.capture.reading.verdicts import verdict
from ackdrop.capture.writing import pcapng

from ...core.frames import Frames
from ...talks import Talk
from .reading_of import Read

FRAMES = Frames()
PROXY, BROKER = ("10.0.0.1", 19092), ("10.0.0.9", 9092)
HEAD = pcapng.section("", "", "ackdrop") + pcapng.interface("client", "") + pcapng.interface("broker", "")


def ask(cid: int, value: bytes = b"v") -> bytes:
    return FRAMES.produce(cid, ("t", 0, FRAMES.batch(FRAMES.record(value))))


def told(cid: int, offset: int, error: int = 0) -> bytes:
    return FRAMES.produced(cid, ("t", 0, error, offset))


class Own:
    """A capture with connections that have two sides each."""

    def __init__(self) -> None:
        self.talks: list[tuple[Talk, int, str]] = []

    def sides(self, number: int, at: float, *, arm: str = "off") -> tuple[Talk, Talk]:
        client = Talk(("10.0.0.2", 40000 + number), PROXY, at=at).open()
        broker = Talk(("10.0.0.1", 50000 + number), BROKER, at=at).open()
        for side, talk in enumerate((client, broker)):
            name = ("client", "broker")[side]
            opened = render("opened", connection=number, arm=arm, side=name, node=1, peer="10.0.0.2:1", tls=0)
            self.talks.append((talk, side, opened))
        return client, broker

    def write(self, path: Path, comments: dict[int, Sequence[str]] | None = None, *, skip: int = 0) -> Path:
        """`comments` by the id of a packet; `skip` leaves out so many packets of each connection's sides."""
        rows: list[tuple[float, bytes]] = []
        for talk, side, opened in self.talks:
            near = PROXY if side == 0 else talk.packets[0].source
            for n, packet in enumerate(talk.packets[skip:]):
                said = [*(comments or {}).get(id(packet), ())]
                if n == 0:
                    said.append(opened if not skip else opened.replace("opened", "continued", 1))
                data = pcapng.packet(
                    side, round(packet.at * 1e6), packet.bytes, inbound=packet.source != near, comments=said
                )
                rows.append((packet.at, data))
        rows.sort(key=lambda row: row[0])
        path.write_bytes(HEAD + b"".join(data for _, data in rows))
        return path


def passed_on(client: Talk, broker: Talk, frame: bytes) -> None:
    client.client(frame, acked=False)
    broker.now = client.now
    broker.client(frame, acked=False, after=0.0001)


def answered(client: Talk, broker: Talk, frame: bytes) -> None:
    broker.broker(frame, acked=False)
    client.now = broker.now
    client.broker(frame, acked=False, after=0.0001)


def test_an_ack_that_was_dropped_is_told_from_both_sides(tmp_path: Path) -> None:
    own = Own()
    client, broker = own.sides(1, 1.0)
    passed_on(client, broker, ask(5))
    broker.broker(told(5, 7), acked=False)
    lost = broker.packets[-1]
    client.fin(0, after=2.0).fin(1)
    client, broker = own.sides(2, 4.0)
    passed_on(client, broker, ask(9))
    answered(client, broker, told(9, 8))
    said = render("fault", fault="lose it", does="drop", connection=1, arm="off", at="produce.response", correlation=5)
    read = Read(own.write(tmp_path / "own.pcapng", {id(lost): [said]}))
    (chain,) = read.chains
    assert [(each.base_offset, each.fate, each.forwarded) for each in chain.attempts] == [
        (7, "unacknowledged", True),
        (8, "acknowledged", True),
    ]
    assert chain.attempts[0].faults == [Fault("lose it", "drop")]
    assert verdict(chain).word == "duplicate"
    assert [(each.where.hop, each.way, each.passed_on) for each in read.frames] == [
        ("client", "request", False),
        ("broker", "request", True),
        ("broker", "answer", False),
        ("client", "request", False),
        ("broker", "request", True),
        ("broker", "answer", False),
        ("client", "answer", True),
    ]


def test_a_request_that_was_never_sent_on_has_left_no_copy(tmp_path: Path) -> None:
    own = Own()
    client, _ = own.sides(1, 1.0)
    client.client(ask(5), acked=False).fin(0, after=2.0).fin(1)
    client, broker = own.sides(2, 4.0)
    passed_on(client, broker, ask(9))
    answered(client, broker, told(9, 8))
    read = Read(own.write(tmp_path / "own.pcapng"))
    (chain,) = read.chains
    assert verdict(chain).word == "once"
    assert "never sent on" in verdict(chain).why


def test_an_error_that_ackdrop_has_written_is_what_the_client_was_told(tmp_path: Path) -> None:
    own = Own()
    client, broker = own.sides(1, 1.0)
    passed_on(client, broker, ask(5))
    broker.broker(told(5, 7), acked=False)
    client.now = broker.now
    client.broker(told(5, -1, 7), acked=False)
    broker.now = client.now
    passed_on(client, broker, ask(6))
    answered(client, broker, told(6, 8))
    (chain,) = Read(own.write(tmp_path / "own.pcapng")).chains
    first, again = chain.attempts
    assert (first.error, first.base_offset, first.seen_error, first.fate) == (0, 7, 7, "acknowledged")
    assert (again.base_offset, verdict(chain).word) == (8, "duplicate")


def test_copies_that_ackdrop_has_sent_are_nobodys_retries(tmp_path: Path) -> None:
    own = Own()
    client, broker = own.sides(1, 1.0)
    passed_on(client, broker, ask(5))
    broker.client(ask(5), acked=False)
    answered(client, broker, told(5, 7))
    broker.broker(told(5, 8), acked=False)
    _, copy = own.sides(3, 2.0)
    copy.client(ask(5), acked=False).broker(told(5, 9), acked=False)
    read = Read(own.write(tmp_path / "own.pcapng"))
    assert (read.chains, read.summary.tally.attempts, read.summary.tally.retries) == ([], 1, 0)


@pytest.mark.parametrize("skip", [3, 4, 5])
def test_a_part_that_begins_in_the_middle_knows_its_connections(skip: int, tmp_path: Path) -> None:
    own = Own()
    client, broker = own.sides(4, 1.0, arm="on")
    for cid in range(5, 9):
        passed_on(client, broker, ask(cid, b"%d" % cid))
        answered(client, broker, told(cid, cid))
    read = Read(own.write(tmp_path / "own.pcapng", skip=skip))
    assert sorted((each.where.arm, each.where.connection, each.where.hop) for each in read.opened) == [
        ("on", 4, "broker"),
        ("on", 4, "client"),
    ]
    told_by = {(each.correlation_id, each.where.hop) for each in read.frames if each.way == "request"}
    assert told_by >= {(cid, hop) for cid in (7, 8) for hop in ("client", "broker")}
    assert read.summary.others == {}


def test_a_fault_at_a_connection_is_told(tmp_path: Path) -> None:
    own = Own()
    client, broker = own.sides(1, 1.0)
    passed_on(client, broker, ask(5))
    said = render("fault", fault="slow", does="latency", connection=1, arm="off", at="connection")
    read = Read(own.write(tmp_path / "own.pcapng", {id(client.packets[0]): [said]}))
    assert [(each.fault, each.text) for each in read.all(Noted)] == [(Fault("slow", "latency"), "connection")]


def test_two_runs_in_one_file_are_told_apart(tmp_path: Path) -> None:
    own = Own()
    for at in (1.0, 10.0):
        client, broker = own.sides(1, at)
        passed_on(client, broker, ask(5, b"%d" % at))
        answered(client, broker, told(5, 7))
        for talk in (client, broker):
            talk.fin(0).fin(1)
    read = Read(own.write(tmp_path / "own.pcapng"))
    assert sorted({(each.where.connection, each.where.turn) for each in read.frames}) == [(1, 0), (1, 1)]
    assert sum(each.passed_on for each in read.frames) == 4
