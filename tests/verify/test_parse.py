"""What one batch holds: the fast way through our own records, against a reader of identity headers by the book."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop import identity
from ackdrop.identity import HEADER, Identity, Naming
from ackdrop.kafka.batches import Batch, iter_batches
from ackdrop.kafka.digests import digests
from ackdrop.kafka.records import iter_records
from ackdrop.verify import ours as fast
from ackdrop.verify.parse import ANY_RUN, LARGEST, Parser, Producers

RUN = "run-1"

NUMBERS = st.integers(0, 3) | st.sampled_from([63, 64, 8191, 8192, LARGEST - 1, LARGEST, 10**30])
OURS = st.builds(Identity, st.sampled_from([RUN, "run-2"]), st.sampled_from(["p1", "p2"]), NUMBERS, NUMBERS, NUMBERS)
ODD = st.sampled_from(
    [
        b"run-1/p1/1/0/x",
        b"run-1/p1/1//1",
        b"run-1/p1/1/0",
        b"run-1/p1/1/0/0/0",
        b"run-1//1/0/0",
        b"run-1/p\xff/1/0/0",
        b"run-1/p1/ 1/0/0",
        b"run-1/p1/1/0/1_0",
        b"/p1/1/0/0",
        b"",
    ]
)
HEADER_LISTS = st.one_of(
    st.just([]),
    OURS.map(lambda one: [(HEADER, identity.write(one))]),
    ODD.map(lambda value: [(HEADER, value)]),
    OURS.map(lambda one: [("trace", b"x"), (HEADER, identity.write(one))]),
    OURS.map(lambda one: [(HEADER, identity.write(one)), ("trace", b"x")]),
    st.just([("trace", b"x")]),
    st.just([("ackdroq", b"run-1/p1/1/0/0")]),
)
KEYS = st.none() | st.sampled_from([b"", b"k", b"k" * 70])
VALUES = st.none() | st.sampled_from([b"", b"v", b"v" * 100, b"v" * 9000])
RECORDS = st.lists(st.tuples(st.sampled_from([1000, 1001, 70_000]), KEYS, VALUES, HEADER_LISTS), min_size=1, max_size=6)


def batch_of(records: list[Any]) -> Batch:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builders = import_module("aiokafka.record.default_records")
    builder = builders.DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    for offset, (timestamp, key, value, headers) in enumerate(records):
        assert builder.append(offset, timestamp, key, value, headers) is not None
    (batch,) = iter_batches(bytes(builder.build()))
    return batch


def parser(run_id: str | None = RUN, naming: str | None = None, topic: str = "t", partition: int = 0) -> Parser:
    return Parser(topic, partition, run_id, None if naming is None else Naming.parse(naming), Producers())


@pytest.mark.parametrize("run_id", [RUN, ANY_RUN])
@settings(deadline=None, max_examples=80)
@given(records=RECORDS)
def test_the_fast_way_says_what_the_general_one_says(run_id: str, records: list[Any]) -> None:
    batch, read = batch_of(records), parser(run_id)
    found = fast.contents(batch, read)
    if found is not None:
        assert found._replace(names=None) == read._decoded(batch, None)._replace(deltas=None)


@settings(deadline=None, max_examples=80)
@given(records=RECORDS)
def test_a_record_is_ours_as_its_header_says(records: list[Any]) -> None:
    batch, read = batch_of(records), parser()
    found = read.contents(batch)
    assert found.ours is not None
    for record, numbers in zip(iter_records(batch), zip(*found.ours, strict=True), strict=True):
        named = identity.read(record.headers)
        if named is None or named.run != RUN or max(named.record, named.send, named.order) >= LARGEST:
            assert numbers == (-1, -1, -1, -1)
        else:
            assert (read.producers.names[numbers[0]], *numbers[1:]) == (
                named.producer,
                named.record,
                named.send,
                named.order,
            )


def ours(*names: tuple[str, int, int]) -> list[Any]:
    return [
        (1000, None, b"v", [(HEADER, identity.write(Identity(RUN, producer, record, send, order)))])
        for order, (producer, record, send) in enumerate(names)
    ]


def test_what_our_workload_writes_takes_the_fast_way() -> None:
    assert fast.contents(batch_of(ours(*[("p1", number, 0) for number in range(300)])), parser()) is not None


def test_two_sends_of_one_record_are_copies_of_it_wherever_they_stand() -> None:
    first, again, other, elsewhere = (
        parser().contents(batch_of(ours(("p1", 3, 0), ("p1", 3, 1), ("p1", 4, 0), ("p2", 3, 0)))).digests
    )
    assert first == again
    assert len({first, other, elsewhere}) == 3
    assert parser(topic="u", partition=7).contents(batch_of(ours(("p1", 3, 0)))).digests == [first]


def test_of_any_run_each_runs_producers_are_their_own() -> None:
    headers = [[(HEADER, identity.write(Identity(run, "p1", 1, 0, 0)))] for run in ("run-1", "run-2")]
    read = parser(ANY_RUN)
    found = read.contents(batch_of([(1000, None, b"v", one) for one in headers]))
    assert read.producers.names == ["run-1/p1", "run-2/p1"]
    assert len(set(found.digests)) == 2


def test_without_a_run_the_fast_digests_are_all_there_is() -> None:
    batch, read = batch_of(ours(("p1", 3, 0))), parser(None)
    found = read.contents(batch)
    assert (found.ours, found.names, found.digests) == (None, None, digests(batch, read.salt).digests)


def named(naming: str, *records: tuple[bytes | None, bytes | None, dict[str, bytes]], **where: Any) -> Any:
    read = parser(None, naming, **where)
    return read.contents(
        batch_of([(1000 + at, key, value, list(headers.items())) for at, (key, value, headers) in enumerate(records)])
    )


@pytest.mark.parametrize(
    ("naming", "same", "other", "name"),
    [
        ("header:order-id", (b"a", b"1", {"order-id": b"17"}), (b"a", b"1", {"order-id": b"18"}), b"17"),
        ("key", (b"17", b"1", {}), (b"18", b"1", {}), b"17"),
        ("value", (b"a", b"17", {}), (b"a", b"18", {}), b"17"),
        ("json:$.id", (b"a", b'{"id": 17, "n": 1}', {}), (b"a", b'{"id": 18, "n": 1}', {}), b"17"),
    ],
)
def test_a_named_record_is_known_by_its_name_on_the_whole_topic(
    naming: str, same: Any, other: Any, name: bytes
) -> None:
    found = named(naming, same, same, other)
    assert found.names[:2] == [name, name]
    assert found.digests[0] == found.digests[1] != found.digests[2]
    assert named(naming, same, partition=5).digests == found.digests[:1]
    assert named(naming, same, topic="u").digests != found.digests[:1]


def test_a_record_without_the_name_is_known_as_without_a_naming() -> None:
    found = named("header:order-id", (b"a", b"1", {}), (b"a", b"1", {"order-id": b"17"}))
    assert found.names == [None, b"17"]
    plain = parser(None).contents(batch_of([(1000, b"a", b"1", [])]))
    assert found.digests[0] == plain.digests[0]


def test_our_own_header_counts_more_than_a_name() -> None:
    read = parser(RUN, "value")
    found = read.contents(batch_of([*ours(("p1", 3, 0)), (1000, None, b"v", [])]))
    assert found.names == [None, b"v"]
    assert found.ours is not None
    assert found.ours.records == [3, -1]
