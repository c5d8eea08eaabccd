from __future__ import annotations

import struct
from typing import Any

import pytest

from ackdrop.errors import UndecodableError
from ackdrop.kafka.batches import (
    codec,
    decompress,
    is_control,
    is_transactional,
    iter_batches,
    log_append_time,
)


def test_batches_one_after_the_other(make_batch: Any) -> None:
    first, second = make_batch(b"ab", 1, base_offset=4), make_batch(b"c", 2, base_offset=5)
    found = list(iter_batches(memoryview(first + second)))
    assert [(one.header.base_offset, bytes(one.data), one.offset) for one in found] == [
        (4, first, 0),
        (5, second, len(first)),
    ]
    assert [bytes(decompress(one)) for one in found] == [b"ab", b"c"]


def test_a_last_batch_that_is_cut_short_is_left_out(make_batch: Any) -> None:
    first, second = make_batch(b"ab", 1), make_batch(b"c", 2)
    for cut in range(len(second)):
        assert [one.header.records for one in iter_batches(first + second[:cut])] == [1]
    assert list(iter_batches(b"")) == []


def test_a_batch_that_is_none_is_refused(make_batch: Any) -> None:
    with pytest.raises(UndecodableError):
        list(iter_batches(make_batch(b"ab", 1) + struct.pack(">qi", 0, -5) + bytes(60)))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (0, ("none", False, False, False)),
        (1, ("gzip", False, False, False)),
        (2 | 8, ("snappy", True, False, False)),
        (3 | 16, ("lz4", False, True, False)),
        (4 | 32 | 16, ("zstd", False, True, True)),
        (5, ("unknown", False, False, False)),
        (7, ("unknown", False, False, False)),
    ],
)
def test_attributes(attributes: int, expected: tuple[str, bool, bool, bool]) -> None:
    found = codec(attributes), log_append_time(attributes), is_transactional(attributes), is_control(attributes)
    assert found == expected


@pytest.mark.parametrize("name", ["gzip", "snappy", "lz4", "zstd"])
def test_captured_batches_of_every_codec(requests: Any, name: str) -> None:
    from ackdrop.kafka.headers import request_header
    from ackdrop.kafka.produce import parse_request

    codecs, records = set(), 0
    for seen in requests:
        if not seen.file.endswith(f"codec-{name}") or seen.api_key != 0:
            continue
        for entry in parse_request(seen.frame, request_header(seen.frame)).entries:
            for batch in iter_batches(memoryview(seen.frame)[entry.start : entry.end]):
                codecs.add(codec(batch.header.attributes))
                assert len(decompress(batch)) > len(batch.data)
                records += batch.header.records
    assert (codecs, records) == ({name}, 60)


def test_an_unknown_codec_is_refused(make_batch: Any) -> None:
    (batch,) = iter_batches(make_batch(b"ab", 1, attributes=6))
    with pytest.raises(UndecodableError):
        decompress(batch)
