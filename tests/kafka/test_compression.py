from __future__ import annotations

import random
import struct

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka.compression import compress, expand

XERIAL = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
COMPRESS = {
    "none": bytes,
    "gzip": cramjam.gzip.compress,
    "snappy": cramjam.snappy.compress_raw,
    "lz4": cramjam.lz4.compress,
    "zstd": cramjam.zstd.compress,
}


def xerial(*blocks: bytes) -> bytes:
    packed = [bytes(cramjam.snappy.compress_raw(block)) for block in blocks]
    return XERIAL + b"".join(struct.pack(">i", len(block)) + block for block in packed)


@pytest.mark.parametrize("codec", list(COMPRESS))
@settings(deadline=None, max_examples=20)
@given(data=st.binary(max_size=200))
def test_what_was_compressed_comes_back(codec: str, data: bytes) -> None:
    assert bytes(expand(codec, memoryview(bytes(COMPRESS[codec](data))))) == data


def test_xerial_blocks() -> None:
    assert bytes(expand("snappy", memoryview(xerial(b"abc" * 9, b"", b"def")))) == b"abc" * 9 + b"def"
    assert bytes(expand("snappy", memoryview(xerial()))) == b""


@pytest.mark.parametrize("cut", range(8, len(xerial(b"abc" * 9))))
def test_xerial_cut_short(cut: int) -> None:
    if cut == len(XERIAL):
        return
    with pytest.raises(UndecodableError):
        expand("snappy", memoryview(xerial(b"abc" * 9)[:cut]))


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_bytes_that_are_no_such_thing(codec: str) -> None:
    for data in (b"", b"nothing of the kind", b"\xff" * 40):
        with pytest.raises(UndecodableError):
            expand(codec, memoryview(data))


def test_a_size_that_nothing_holds_is_not_believed() -> None:
    with pytest.raises(UndecodableError, match="4294967295"):
        expand("snappy", memoryview(b"\xff\xff\xff\xff\x0fabc"))


def test_an_unknown_codec() -> None:
    with pytest.raises(UndecodableError):
        expand("unknown", memoryview(b""))


@pytest.mark.parametrize("codec", list(COMPRESS))
@pytest.mark.parametrize("size", [0, 1, 5_000, 200_000])
def test_what_we_compress_comes_back(codec: str, size: int) -> None:
    """Sizes of several blocks, of what can be made smaller and of what cannot."""
    for data in (bytes(size), random.Random(size).randbytes(size)):
        packed = compress(codec, data)
        assert bytes(expand(codec, memoryview(packed))) == data
        if codec == "lz4":
            assert packed[4] & 0x20, "Apache Kafka takes no blocks that depend on each other"


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_nothing_is_expanded_beyond_a_limit(codec: str) -> None:
    packed = memoryview(compress(codec, bytes(300_000)))
    assert len(expand(codec, packed, 300_000)) == 300_000
    with pytest.raises(UndecodableError, match="299999"):
        expand(codec, packed, 299_999)
