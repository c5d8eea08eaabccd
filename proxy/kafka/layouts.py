"""What stands where in the answers that carry broker addresses or topic ids: tables, by API and version.

Only as much is said as is needed to step from field to field and to stop where an address or a topic id stands; the
source is Apache Kafka's message definitions (4.3 for the share APIs, KIP-932 and KIP-1222). A field of fixed size is
known by its size alone, and neighbours are added up: `fixed(4 + 2)` is an int32 and an int16.

In flexible versions every structure ends with tagged fields (KIP-482); they are stepped over without a word here,
`Layout.tags` aside, which names those of the whole message that hold something.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import cache
from typing import NamedTuple

from .apis import api_name, flexible_version


class Kind(Enum):
    """What a field is, for the one who steps over it."""

    FIXED = auto()
    """`size` bytes."""
    STRING = auto()
    """A string, or null."""
    DATA = auto()
    """Records with their length before them, or null; read in flexible versions alone."""
    ITEMS = auto()
    """An array of items of `size` bytes each."""
    STRUCT = auto()
    """One structure."""
    STRUCTS = auto()
    """An array of structures."""
    ENDPOINT = auto()
    """A broker's node id (int32), host (string) and port (int32): they stand together everywhere."""
    TOPIC = auto()
    """A topic's name (string, or null) and id (UUID)."""


class Field(NamedTuple):
    """A field, and the first and last version that have it."""

    kind: Kind
    size: int
    fields: tuple[Field, ...]
    since: int
    until: int


class Layout(NamedTuple):
    """The body of an answer. `tags` are its own tagged fields that hold something; `since` is the first version that
    is worth reading, `until` the last that is known."""

    since: int
    until: int
    fields: tuple[Field, ...]
    tags: dict[int, Field]


_EVER = 1 << 15


def fixed(size: int, since: int = 0, until: int = _EVER) -> Field:
    return Field(Kind.FIXED, size, (), since, until)


def string(since: int = 0, until: int = _EVER) -> Field:
    return Field(Kind.STRING, 0, (), since, until)


def items(size: int, since: int = 0, until: int = _EVER) -> Field:
    return Field(Kind.ITEMS, size, (), since, until)


def endpoint(since: int = 0, until: int = _EVER) -> Field:
    return Field(Kind.ENDPOINT, 0, (), since, until)


def topic(since: int = 0, until: int = _EVER) -> Field:
    return Field(Kind.TOPIC, 0, (), since, until)


def structs(*fields: Field, since: int = 0, until: int = _EVER) -> Field:
    return Field(Kind.STRUCTS, 0, fields, since, until)


_DATA = Field(Kind.DATA, 0, (), 0, _EVER)
_LEADER = Field(Kind.STRUCT, 0, (fixed(4 + 4),), 0, _EVER)
_ENDPOINTS = structs(endpoint(), string())
_TOPIC_ID = 16

LAYOUTS: dict[int, Layout] = {
    # Produce; read from version 10 on, which adds the node endpoints (KIP-951). 13 names topics by their ids.
    0: Layout(
        10,
        13,
        (
            structs(
                string(until=12),
                fixed(_TOPIC_ID, since=13),
                structs(fixed(4 + 2 + 8 + 8 + 8), structs(fixed(4), string()), string()),
            ),
            fixed(4),
        ),
        {0: _ENDPOINTS},
    ),
    # Fetch; read from version 16 on, which adds the node endpoints (KIP-951).
    1: Layout(
        16,
        18,
        (
            fixed(4 + 2 + 4),
            structs(fixed(_TOPIC_ID), structs(fixed(4 + 2 + 8 + 8 + 8), structs(fixed(8 + 8)), fixed(4), _DATA)),
        ),
        {0: _ENDPOINTS},
    ),
    # Metadata; topic ids since version 10.
    3: Layout(
        0,
        13,
        (
            fixed(4, since=3),
            structs(endpoint(), string(since=1)),
            string(since=2),
            fixed(4, since=1),
            structs(
                fixed(2),
                string(until=9),
                topic(since=10),
                fixed(1, since=1),
                structs(fixed(2 + 4 + 4), fixed(4, since=7), items(4), items(4), items(4, since=5)),
                fixed(4, since=8),
            ),
            fixed(4, since=8, until=10),
            fixed(2, since=13),
        ),
        {},
    ),
    # FindCoordinator; many coordinators at once since version 4 (KIP-699).
    10: Layout(
        0,
        6,
        (
            fixed(4, since=1),
            fixed(2, until=3),
            string(since=1, until=3),
            endpoint(until=3),
            structs(string(), endpoint(), fixed(2), string(), since=4),
        ),
        {},
    ),
    # CreateTopics; read from version 7 on, which adds the topic id. It carries no addresses.
    19: Layout(
        7,
        7,
        (
            fixed(4),
            structs(topic(), fixed(2), string(), fixed(4 + 2), structs(string(), string(), fixed(1 + 1 + 1))),
        ),
        {},
    ),
    # DescribeCluster.
    60: Layout(
        0,
        2,
        (
            fixed(4 + 2),
            string(),
            fixed(1, since=1),
            string(),
            fixed(4),
            structs(endpoint(), string(), fixed(1, since=2)),
            fixed(4),
        ),
        {},
    ),
    # ShareFetch; version 0 was an early access that changed its layout under the same number.
    78: Layout(
        1,
        2,
        (
            fixed(4 + 2),
            string(),
            fixed(4),
            structs(
                fixed(_TOPIC_ID),
                structs(fixed(4 + 2), string(), fixed(2), string(), _LEADER, _DATA, structs(fixed(8 + 8 + 2))),
            ),
            _ENDPOINTS,
        ),
        {},
    ),
    # ShareAcknowledge; version 2 adds the acquisition lock's timeout.
    79: Layout(
        0,
        2,
        (
            fixed(4 + 2),
            string(),
            fixed(4, since=2),
            structs(fixed(_TOPIC_ID), structs(fixed(4 + 2), string(), _LEADER)),
            _ENDPOINTS,
        ),
        {},
    ),
}


ELSEWHERE: dict[int, str] = {
    # Raft, between controllers (KIP-595, KIP-853): whoever is told these addresses is one, and does not speak with us.
    52: "vote",
    53: "begin_quorum_epoch",
    54: "end_quorum_epoch",
    59: "fetch_snapshot",
    82: "update_raft_voter",
    # The listeners of the quorum's nodes are controllers', not those of the brokers with the same node ids. No client
    # goes there because of it: a tool shows them, or names them to the quorum.
    55: "describe_quorum",
    # Addresses that Kafka Streams applications give each other for interactive queries (KIP-1071): no broker is there.
    88: "streams_group_heartbeat",
    89: "streams_group_describe",
}
"""API key → its name, for those whose answers carry a host and a port and pass as they are, by decision: no client
comes to a broker by them."""


class Reading(NamedTuple):
    """A layout cut to one version: the fields that it has, neighbours of fixed size added up."""

    flexible: bool
    fields: tuple[Field, ...]
    tags: dict[int, Field]


@cache
def reading(api_key: int, version: int) -> Reading:
    """How to read this API's answer in this version. Raises KeyError where that is not known."""
    layout = LAYOUTS[api_key]
    if not layout.since <= version <= layout.until:
        raise KeyError(f"{api_name(api_key)} v{version}")
    tags = {number: _cut((field,), version)[0] for number, field in layout.tags.items()}
    return Reading(flexible_version(api_key, version), _cut(layout.fields, version), tags)


def _cut(fields: tuple[Field, ...], version: int) -> tuple[Field, ...]:
    cut: list[Field] = []
    for field in fields:
        if not field.since <= version <= field.until:
            continue
        if cut and field.kind is Kind.FIXED and cut[-1].kind is Kind.FIXED:
            cut[-1] = fixed(cut[-1].size + field.size)
        else:
            cut.append(field._replace(fields=_cut(field.fields, version)))
    return tuple(cut)
