from __future__ import annotations

import pytest

from ackdrop.direct.fetch import MAX_BYTES, Fetched, parse_answer, request_fields
from ackdrop.errors import UndecodableError, WireError
from ackdrop.kafka import bodies
from ackdrop.kafka.batches import iter_batches

VERSIONS = range(4, 13)
BATCHES = bytes(range(200))


def frame_of(answer, version, records=BATCHES, aborted=2, partitions=1):
    entry = {
        "partition_index": 3,
        "error_code": 0,
        "high_watermark": 512,
        "last_stable_offset": 500,
        "log_start_offset": 12,
        "aborted_transactions": [{"producer_id": 9, "first_offset": at} for at in range(aborted)] if aborted else None,
        "preferred_read_replica": -1,
        "records": records,
    }
    return answer("fetch", version, responses=[{"topic": "töpic", "partitions": [entry] * partitions}])


@pytest.mark.parametrize("aborted", [0, 2])
@pytest.mark.parametrize("records", [BATCHES, b"", None])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_read(answer, version, records, aborted):
    fetched = parse_answer(memoryview(frame_of(answer, version, records, aborted)), version)
    assert fetched == Fetched(0, 512, 12 if version >= 5 else -1, memoryview(records or b""))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frame_that_ends_too_early_is_undecodable(answer, version):
    frame = frame_of(answer, version)
    after_records = 3 if version == 12 else 0  # tagged fields, none of which is read
    for size in range(8, len(frame) - after_records):
        cut = (size - 4).to_bytes(4, "big") + frame[4:size]
        with pytest.raises(WireError):
            parse_answer(memoryview(cut), version)


@pytest.mark.parametrize("version", [11, 12])
def test_more_than_what_was_asked_for_is_undecodable(answer, version):
    with pytest.raises(UndecodableError, match="2 elements"):
        parse_answer(memoryview(frame_of(answer, version, partitions=2)), version)


def test_a_refused_fetch_has_no_records(answer):
    assert parse_answer(memoryview(answer("fetch", 11, error_code=71)), 11) == Fetched(71, -1, -1, memoryview(b""))


def test_a_real_redpandas_answer_is_read(redpanda):
    """The log of a transaction: offsets 0 and 5 are Redpanda's own marks, which a fetch does not show."""
    fetched = [
        parse_answer(memoryview(frame), 11)
        for frame in redpanda["fetch", 11]
        if len(bodies.decode_response("fetch", 11, frame).responses) == 1
        and len(bodies.decode_response("fetch", 11, frame).responses[0].partitions) == 1
    ]
    offsets = [batch.header.base_offset for batch in iter_batches(fetched[0].records)]
    assert (fetched[0].high_watermark, fetched[0].log_start, offsets) == (10, 0, [1, 4, 6, 9])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_request_can_be_said_in_every_version(version):
    assert bodies.encode_request("fetch", version, 1, "ackdrop", **request_fields("t", 0, 5, MAX_BYTES))
