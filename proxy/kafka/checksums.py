"""The check sums of record batches: CRC-32C (Castagnoli, RFC 3720 appendix B.4) with magic 2, CRC-32 before."""

from __future__ import annotations

import zlib

from .batch_headers import crc_at
from .primitives import Buffer

_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (_POLYNOMIAL if entry & 1 else 0)
        entries.append(entry)
    return tuple(entries)


_TABLE = _table()


def crc32c(data: Buffer) -> int:
    """The CRC-32C of some bytes. In Python alone: five million bytes take about a second."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[crc & 0xFF ^ byte] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def batch_crc(batch: Buffer) -> int:
    """What the check sum of this whole batch, or message, has to be: that of everything behind the check sum itself."""
    rest = memoryview(batch)[crc_at(batch, 0) + 4 :]
    return crc32c(rest) if batch[16] == 2 else zlib.crc32(rest)
