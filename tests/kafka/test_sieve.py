from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.layouts import LAYOUTS
from ackdrop.kafka.sieve import LARGEST_TAIL, Sieve, can_sieve

FETCH = 1
VERSIONS = range(LAYOUTS[FETCH].since, LAYOUTS[FETCH].until + 1)


def fetched(version: int, nodes: list[dict[str, Any]], records: bytes = b"r" * 500) -> bytes:
    """A Fetch answer with two partitions, and these node endpoints."""
    message = bodies._message_class("fetch", "Response")
    partition = {"partition_index": 0, "records": records, "aborted_transactions": [{"producer_id": 1}]}
    leader = {"leader_id": 7, "leader_epoch": 2}
    partitions = [partition, {**partition, "partition_index": 1, "current_leader": leader, "error_code": 6}]
    responses = [{"topic_id": None, "partitions": partitions}]
    if not nodes:
        fields: dict[str, Any] = {"responses": responses}
    else:
        fields = {"responses": responses, "node_endpoints": nodes}
    del responses[0]["topic_id"]
    made = bodies._build(message, message._struct, version, fields)
    made.with_header(correlation_id=5)
    return bytes(made.encode(header=True, framed=True))


def node(host: str, port: int = 9092, number: int = 7) -> dict[str, Any]:
    return {"node_id": number, "host": host, "port": port, "rack": None}


def sieved(version: int, frame: bytes, translate: Any, cuts: list[int]) -> bytes:
    """All that comes out, where the frame comes in pieces of these sizes."""
    sieve = Sieve(FETCH, version, len(frame), translate)
    out, at = b"", 0
    for cut in [*cuts, len(frame)]:
        buffer = bytearray(frame[at : at + cut])
        out += b"".join(map(bytes, sieve.feed(memoryview(buffer)))) if buffer else b""
        at += len(buffer)
    return out


def nodes_of(version: int, frame: bytes) -> list[tuple[str, int]]:
    return [(each.host, each.port) for each in bodies.decode_response("fetch", version, frame).node_endpoints]


def test_which_answers_have_all_their_addresses_at_the_end() -> None:
    found = {
        (key, version) for key in (0, 1, 3, 10, 60, 78, 79, 999) for version in range(20) if can_sieve(key, version)
    }
    assert found == {
        *((0, version) for version in range(10, 14)),
        *((1, version) for version in (16, 17, 18)),
        *((78, version) for version in (1, 2)),
        *((79, version) for version in (0, 1, 2)),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_but_the_addresses_passes_in_any_pieces(arbitrary: Any, version: int) -> None:
    @settings(deadline=None, max_examples=60)
    @given(st.data(), st.lists(st.integers(1, 90), max_size=30), st.text("x.", min_size=1, max_size=200))
    def check(data: st.DataObject, cuts: list[int], host: str) -> None:
        _, frame = arbitrary(data, "fetch", "Response", version)
        out = sieved(version, frame, lambda node, host_, port: (host, 1), cuts)
        assert len(out) == len(frame)
        before = bodies.decode_response("fetch", version, frame).to_dict(json=False)
        after = bodies.decode_response("fetch", version, out).to_dict(json=False)
        was, told = before.pop("node_endpoints"), after.pop("node_endpoints")
        assert after == before
        expected = [{**one, "host": host, "port": 1} if one["host"] and one["port"] > 0 else one for one in was]
        assert told in (expected, [])

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_shorter_addresses_leave_a_gap_that_is_filled(version: int) -> None:
    """Only where one or two bytes are left there is no field that would fill them."""
    frame = fetched(version, [node("h" * 301), node("same", 1, 8)])
    for by in range(300):
        host = "h" * (301 - by)
        out = sieved(
            version, frame, lambda number, old, port, host=host: (host if number == 7 else old, port), [9, 400]
        )
        assert len(out) == len(frame)
        assert nodes_of(version, out) == ([] if by in (1, 2) else [(host, 9092), ("same", 1)])


@pytest.mark.parametrize("version", VERSIONS)
def test_longer_addresses_are_left_out(version: int) -> None:
    frame = fetched(version, [node("short")])
    out = sieved(version, frame, lambda number, host, port: ("much-longer.example", port), [1] * 50)
    assert (len(out), nodes_of(version, out)) == (len(frame), [])
    assert bodies.decode_response("fetch", version, out).responses[0].partitions[1].current_leader.leader_id == 7


@pytest.mark.parametrize("version", VERSIONS)
def test_without_addresses_no_byte_changes_and_nothing_is_copied(version: int) -> None:
    frame = fetched(version, [], bytes(3_000_000))
    sieve = Sieve(FETCH, version, len(frame), lambda *address: ("never", 1))
    view = memoryview(frame)
    first = sieve.feed(view[:2_000_000])
    assert len(first) == 1
    assert isinstance(first[0], memoryview)
    assert first[0].obj is frame
    assert bytes(first[0]) + b"".join(sieve.feed(view[2_000_000:])) == frame


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_is_spoilt_raises_nothing_but_an_error_of_ours(version: int) -> None:
    draw = random.Random(version)
    frame = fetched(version, [node("broker.example"), node("other")], b"r" * 20)
    refused = 0
    for _ in range(3000):
        spoilt = bytearray(frame)
        for _ in range(draw.randint(1, 3)):
            spoilt[draw.randrange(4, len(spoilt))] = draw.choice((0, 1, 2, 0x7F, 0x80, 0xFF))
        try:
            out = sieved(version, bytes(spoilt), lambda *address: ("127.0.0.1", 1), [draw.randint(1, 90)])
        except UndecodableError:
            refused += 1
        else:
            assert len(out) == len(frame)
    assert 300 < refused < 3000


def test_tagged_fields_at_the_end_that_are_too_large_are_refused() -> None:
    frame = fetched(17, [])[:-1] + b"\1\x99\x99\1" + b"\xff\xff\xff\x7f"
    frame = struct.pack(">i", len(frame) - 4 + LARGEST_TAIL * 2) + frame[4:]
    sieve = Sieve(FETCH, 17, len(frame) + LARGEST_TAIL * 2, lambda *address: ("127.0.0.1", 1))
    with pytest.raises(UndecodableError, match="its end has"):
        sieve.feed(memoryview(frame))
