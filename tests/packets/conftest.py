"""What the tests of the packets room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scapy.config import conf


@pytest.fixture(autouse=True)
def _no_silence() -> Iterator[None]:
    """A dissector's exception is one, and not a quiet `Raw`."""
    before, conf.debug_dissector = conf.debug_dissector, True
    yield
    conf.debug_dissector = before
