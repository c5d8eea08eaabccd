"""What became of each transaction, told from the log alone; integration/test_reader.py asks consumers the same."""

from __future__ import annotations

import json
import struct
import warnings
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.direct.fetch import parse_answer
from ackdrop.kafka import bodies
from ackdrop.kafka.batches import Batch, iter_batches
from ackdrop.kafka.produce import BatchHeader
from ackdrop.verify.log import Log
from ackdrop.verify.log_records import PartitionLog
from ackdrop.verify.parse import Parser, Producers
from ackdrop.verify.shelf import Shelf
from ackdrop.verify.store import Spill

CAPTURE = Path(__file__).parent.parent / "captures" / "redpanda-22.3.25-transaction.jsonl"
ABORT, COMMIT, LEADER_CHANGE = 0, 1, 2
TRANSACTIONAL, CONTROL = 0x10, 0x20


def batch(offset: int, producer_id: int = -1, values: int = 1, marker: int | None = None, attributes: int = 0) -> Batch:
    """Records of a producer, transactional where it has an id; or the broker's marker that ends its transaction."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builders = import_module("aiokafka.record.default_records")
    builder = builders.DefaultRecordBatchBuilder(2, 0, False, producer_id, 0, 0, 1 << 20)
    for at in range(values):
        key = None if marker is None else struct.pack(">hh", 0, marker)
        assert builder.append(at, 1000, key, b"%d" % (offset + at), []) is not None
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, offset)
    if producer_id >= 0 or marker is not None:
        attributes |= TRANSACTIONAL
    struct.pack_into(">h", data, 21, attributes | (0 if marker is None else CONTROL))
    (made,) = iter_batches(bytes(data))
    return made


def read(*batches: Batch, start: int = 0, isolation="read_uncommitted", end: int = 1000) -> tuple[Log, PartitionLog]:
    shelf = Shelf("t", 0, Spill(), ours=False, named=False)
    log = PartitionLog(shelf, start, end, Parser("t", 0, None, None, Producers()))
    for one in batches:
        log.take(one)
    shelf.seal()
    return Log([shelf], isolation=isolation), log


def told(*batches: Batch, **details) -> dict[int, str]:
    return {one.offset: one.transaction for one in read(*batches, **details)[0].records()}


def test_a_transaction_is_what_its_marker_says():
    assert told(batch(0, 7), batch(1, 7, marker=COMMIT), batch(2, 7), batch(3, 7, marker=ABORT), batch(4, 7)) == {
        0: "committed",
        2: "aborted",
        4: "open",
    }


def test_a_marker_ends_the_transaction_of_its_own_producer_alone():
    assert told(
        batch(0, 7), batch(1, 8), batch(2), batch(3, 7), batch(4, 8, marker=ABORT), batch(5, 7, marker=COMMIT)
    ) == {0: "committed", 1: "aborted", 2: "none", 3: "committed"}


def test_all_batches_of_a_transaction_end_together():
    found = told(batch(0, 7, values=3), batch(3, 7, values=2), batch(5, 7, marker=ABORT))
    assert set(found.values()) == {"aborted"}
    assert len(found) == 5


def test_a_marker_of_another_kind_ends_nothing():
    assert told(batch(0, 7), batch(1, 7, marker=LEADER_CHANGE)) == {0: "open"}


def test_a_marker_of_what_came_before_the_reading_ends_nothing_that_was_read():
    assert told(batch(4, 7, marker=ABORT), batch(5, 7), batch(6, 7, marker=COMMIT), start=4) == {5: "committed"}


def test_a_marker_behind_the_end_is_not_known():
    assert told(batch(0, 7), batch(1, 7, marker=COMMIT), end=1) == {0: "open"}


def test_an_idempotent_batch_without_a_transaction_belongs_to_none():
    plain = batch(0, 7)
    data = bytearray(plain.data)
    struct.pack_into(">h", data, 21, 0)
    (plain,) = iter_batches(bytes(data))
    assert told(plain, batch(1, 7, marker=ABORT)) == {0: "none"}


def test_a_marker_that_cannot_be_read_is_said():
    broken = batch(1, 7, marker=ABORT)
    data = bytearray(broken.data)
    data[61:66] = b"\xff" * 5
    (broken,) = iter_batches(bytes(data))
    log, partition = read(batch(0, 7), broken, end=2)
    assert [one.transaction for one in log.records()] == ["open"]
    assert partition.gone[0].startswith("the marker at offset 1 of t/0 cannot be read: ")


STEPS = st.lists(
    st.tuples(st.sampled_from([7, 8, 9, -1]), st.sampled_from(["write", "write", "commit", "abort"])), max_size=25
)


@settings(deadline=None)
@given(steps=STEPS)
def test_both_isolation_levels_come_from_one_reading(steps):
    """Against a reckoning that goes backwards: a record is what the next marker of its producer says."""
    batches, expected = [], {}
    for offset, (producer, what) in enumerate(steps):
        if what == "write" or producer < 0:
            batches.append(batch(offset, producer))
            after = [one for who, one in steps[offset:] if who == producer and one != "write"]
            end = {"commit": "committed", "abort": "aborted"}[after[0]] if after else "open"
            expected[offset] = "none" if producer < 0 else end
        else:
            batches.append(batch(offset, producer, marker=COMMIT if what == "commit" else ABORT))
    assert told(*batches) == expected
    seen = {at: state for at, state in expected.items() if state in ("none", "committed")}
    assert told(*batches, isolation="read_committed") == seen
    log, _ = read(*batches, isolation="read_committed")
    assert (len(log), log.aborted) == (len(seen), len(expected) - len(seen))


@pytest.fixture(scope="module")
def redpanda() -> list[Batch]:
    """The log of a real Redpanda: one transaction committed, one aborted."""
    for line in CAPTURE.read_text().splitlines():
        seen = json.loads(line)
        if (seen["api_key"], seen["direction"]) == (1, "response"):
            frame = bytes.fromhex(seen["frame"])
            if len(bodies.decode_response("fetch", seen["api_version"], frame).responses) == 1:
                return list(iter_batches(parse_answer(memoryview(frame), seen["api_version"]).records))
    raise AssertionError("no such answer")


def test_a_real_redpandas_transactions(redpanda):
    """Its own mark ahead of each transaction is not shown by a fetch, and is no record that is gone."""
    log, partition = read(*redpanda, end=10)
    assert [(one.offset, one.transaction) for one in log.records()] == [
        *((at, "committed") for at in (1, 2, 3)),
        *((at, "aborted") for at in (6, 7, 8)),
    ]
    assert (partition.gone, partition.control_batches) == ([], 2)
    assert all(isinstance(one.header, BatchHeader) for one in redpanda)
