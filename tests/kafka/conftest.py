"""What the tests of the kafka room share: captured frames, batches made by hand, and any message of kafka-python's."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from .. import messages
from ..messages import Captured


@pytest.fixture(scope="session")
def captured() -> list[Captured]:
    """Every frame of every capture."""
    return list(messages.captured())


@pytest.fixture(scope="session")
def requests(captured: list[Captured]) -> list[Captured]:
    return [seen for seen in captured if seen.direction == "request"]


@pytest.fixture(scope="session")
def responses(captured: list[Captured]) -> list[Captured]:
    return [seen for seen in captured if seen.direction == "response"]


class MakeBatch:
    """Makes a record batch of magic 2, field by field, and not by the code under test. The CRC is left zero."""

    def __call__(
        self,
        records: bytes = b"",
        count: int = 0,
        *,
        base_offset: int = 0,
        attributes: int = 0,
        timestamps: tuple[int, int] = (0, 0),
        producer: tuple[int, int, int] = (-1, -1, -1),
    ) -> bytes:
        after_length = struct.pack(">iBI", -1, 2, 0) + struct.pack(
            ">hiqqqhii", attributes, max(count - 1, 0), *timestamps, *producer, count
        )
        return struct.pack(">qi", base_offset, len(after_length) + len(records)) + after_length + records


@pytest.fixture(scope="session")
def make_batch() -> MakeBatch:
    return MakeBatch()


@pytest.fixture(scope="session")
def framed() -> Callable[[bytes], bytes]:
    """Puts the four length bytes before a message."""
    return lambda message: struct.pack(">i", len(message)) + message


@pytest.fixture(scope="session")
def arbitrary() -> Callable[..., Any]:
    """Draws any message of kafka-python's, as `messages.arbitrary` does."""
    return messages.arbitrary
