"""Answers that have to be read or rewritten on the way to the client, whatever the faults are.

Broker addresses in Metadata, FindCoordinator, DescribeCluster, and in the NodeEndpoints of Produce, Fetch, ShareFetch
and ShareAcknowledge answers become the proxy's own; ApiVersions offers no version that could not be rewritten; topic
ids are learnt from Metadata and CreateTopics. An answer that carries addresses and cannot be read is never passed on:
its client would leave the proxy unseen.
"""

from __future__ import annotations

from collections.abc import Callable

from ..kafka import addresses
from ..kafka.apis import api_key
from ..kafka.layouts import LAYOUTS
from ..kafka.sieve import Sieve, can_sieve

API_VERSIONS = api_key("api_versions")
_NAMES_TOPICS = frozenset({api_key("metadata"), api_key("create_topics")})

_PRODUCE = api_key("produce")
_READ = frozenset({_PRODUCE, API_VERSIONS, *_NAMES_TOPICS})

KEPT_WHOLE = 1 << 20
"""Bytes that an answer to Fetch or ShareFetch may have to be read whole. Of a larger one only the end is kept
(`kafka/sieve.py`)."""

Translate = Callable[[int, str, int], tuple[str, int]]
"""(node id, host, port) as the broker tells them -> (host, port) as the client is told."""


def wanted_whole(key: int, version: int) -> bool:
    """Whether an answer of this API and version has to be seen whole; all others stream through as they come.

    Those that are read, and those that carry addresses, or may: only a version that is known to be too old for them
    streams, such as Fetch up to 15, whose answers hold tens of megabytes.
    """
    if key in _READ:
        return True
    return key in addresses.MAX_VERSIONS and not addresses.MIN_VERSIONS.get(key, 0) <= version < LAYOUTS[key].since


def sieve(key: int, version: int, size: int, translate: Translate) -> Sieve | None:
    """What lets an answer of so many bytes through as it comes, with its addresses translated; None for one that is
    small, or that has to be seen whole for another reason."""
    if size <= KEPT_WHOLE or key in _READ or not can_sieve(key, version):
        return None
    return Sieve(key, version, size, translate)


def rewritten(key: int, version: int, frame: memoryview, translate: Translate) -> bytes | memoryview:
    """The answer as the client may see it; the very same bytes where nothing had to change.

    Raises UndecodableError where the answer cannot be read.
    """
    if key == API_VERSIONS:
        return addresses.clamp_api_versions(frame, version) or frame
    if key in addresses.MAX_VERSIONS:
        return addresses.rewrite(key, version, frame, translate) or frame
    return frame


def topic_ids(key: int, version: int, frame: memoryview) -> list[tuple[str, bytes]]:
    """The (name, id) pairs that this answer teaches. Raises UndecodableError where it cannot be read."""
    return addresses.topic_ids(key, version, frame) if key in _NAMES_TOPICS else []
