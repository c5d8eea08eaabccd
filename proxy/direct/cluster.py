"""A cluster as we see it directly: its nodes, topics and logs.

Requests about a partition go to its leader. Where the leader is not known, has changed or does not answer, Metadata
is asked again and the request repeated, until the timeout. Every address that a broker advertises may be mapped to
one that can be reached from here; with one broker whose advertised address does not lead to it, the bootstrap address
stands for it, and `notes` says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import trio

from ..errors import BrokerError
from ..kafka.codes import error_code
from ..security import ANYBODY, Security
from . import fetch as fetching
from .approach import Approach
from .authentication import SaslWanted
from .fetch import Fetched
from .leadership import move_leadership
from .link import Link
from .nodes import Address, Nodes, parse_addresses
from .patience import PassingError, check, one, patiently

T = TypeVar("T")

_EARLIEST, _LATEST = -2, -1
"""Timestamps with a meaning in ListOffsets: the log start, and (read uncommitted) the high watermark."""

_OUT_OF_RANGE = error_code("OFFSET_OUT_OF_RANGE")
_UNKNOWN_TOPIC = error_code("UNKNOWN_TOPIC_OR_PARTITION")
_EXISTS = error_code("TOPIC_ALREADY_EXISTS")

ANYONE = (
    "The brokers' certificates were not verified (--upstream-insecure): whoever answers was believed, and can read and"
    " change all that went there."
)

_UNKNOWN_FOR = 2.0
"""For so many seconds a topic may be unknown to the broker that we ask: the news of a new one takes its time."""


class OffsetGone(BrokerError):
    """The offset that was to be read lies before the log's start or after its end."""


class Cluster:
    """A conversation with a cluster, made by `Cluster.connect`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self.timeout = nodes.timeout

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        bootstrap: str,
        *,
        mapping: Mapping[Address, Address] | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109
        security: Security = ANYBODY,
    ) -> AsyncIterator[Cluster]:
        """A cluster whose nodes are known, `timeout` seconds from now at the latest; else BrokerError.

        `timeout` is also how long a later request may go without an answer, and be repeated where it is refused for
        reasons that pass. Raises UsageError for a `bootstrap` that is not HOST:PORT, or
        several of them with commas between, and for files of `security` that cannot be used; NotLetIn where the broker
        does not speak with us as we are.
        """
        async with cls.not_met(bootstrap, mapping=mapping, timeout=timeout, security=security) as cluster:
            await cluster.meet()
            yield cluster

    @classmethod
    @asynccontextmanager
    async def not_met(
        cls,
        bootstrap: str,
        *,
        mapping: Mapping[Address, Address] | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109
        security: Security = ANYBODY,
    ) -> AsyncIterator[Cluster]:
        """As `connect`, without a question: `meet` asks the first one."""
        nodes = Nodes(parse_addresses(bootstrap), mapping or {}, timeout, Approach.of(security))
        if security.tls is not None and not security.tls.verify:
            nodes.notes.append(ANYONE)
        try:
            yield cls(nodes)
        finally:
            nodes.close()

    async def meet(self) -> None:
        """Learn the brokers. Raises BrokerError; it can be asked again then."""
        await self._nodes.meet()

    @property
    def nodes(self) -> dict[int, Address]:
        """Broker id → the address that the broker advertises, before any mapping."""
        return self._nodes.known

    @property
    def mapping(self) -> dict[Address, Address]:
        """Advertised address → where it is reached: the mapping that was given, and the one that had to be made."""
        return self._nodes.mapping

    @property
    def notes(self) -> list[str]:
        """Sentences about what is unusual, such as an advertised address that had to be replaced."""
        return self._nodes.notes

    @property
    def locked(self) -> SaslWanted | None:
        """Why nothing can be asked, where `meet` found that the brokers want to know who is speaking."""
        return self._nodes.locked

    @property
    def cluster_id(self) -> str | None:
        """What the cluster calls itself; `redpanda.initializing` while Redpanda starts."""
        return self._nodes.cluster_id

    @property
    def bootstrap(self) -> Address:
        """The bootstrap address that answered."""
        return self._nodes.bootstrap

    @property
    def bootstraps(self) -> tuple[Address, ...]:
        """All bootstrap addresses, in the order in which they are asked."""
        return self._nodes.bootstraps

    @property
    def bootstrap_link(self) -> Link:
        """The link to the bootstrap address, which holds what that broker told of its versions and features."""
        return self._nodes.link(self._nodes.bootstrap)

    def address(self, node: int) -> Address:
        """Where this broker is reached from here. Raises KeyError for a broker that is not known."""
        return self._nodes.address(node)

    async def refresh(self) -> None:
        """Asks for the nodes and the cluster id again."""
        await self._nodes.metadata([])

    # Topics

    async def topics(self, names: Iterable[str] | None = None) -> dict[str, dict[int, int]]:
        """Topic → partition → leader's id (-1: none now). None asks for all topics; unknown ones are left out."""
        body = await self._nodes.metadata(names)
        return {
            topic.name: {entry.partition_index: entry.leader_id for entry in topic.partitions}
            for topic in body.topics
            if topic.error_code == 0
        }

    async def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic, in order. Raises BrokerError for a topic that does not exist."""
        return sorted(await self._leaders(topic))

    async def topic_id(self, topic: str) -> bytes | None:
        """The id of 16 bytes that this topic got when it was made (KIP-516); None where there is none to be known."""
        for told in (await self._nodes.metadata([topic])).topics:
            topic_id = getattr(told, "topic_id", None)
            if told.error_code == 0 and topic_id is not None and topic_id.int:
                return bytes(topic_id.bytes)
        return None

    async def topic_name(self, topic_id: bytes) -> str:
        """The name of the topic with this id (16 bytes). Raises BrokerError where no topic has it."""

        async def ask() -> str:
            what = f"{self._nodes.name}: topic id {topic_id.hex()} is not known"
            topic = one((await self._nodes.metadata_by_id(topic_id)).topics, what)
            check(topic.error_code, what)
            return str(topic.name)

        return await self._patiently(ask)

    async def create_topic(
        self, name: str, partitions: int = 1, replication: int = 1, config: Mapping[str, str] | None = None
    ) -> None:
        """Makes a topic and waits until the leader of each partition knows that it is one: brokers tell of leaders a
        moment earlier. BrokerError where it exists already."""
        what = f"{self._nodes.name}: topic {name!r} could not be made"
        wish = {
            "name": name,
            "num_partitions": partitions,
            "replication_factor": replication,
            "assignments": [],
            "configs": [{"name": key, "value": str(value)} for key, value in (config or {}).items()],
        }

        lost = False

        async def make() -> None:
            nonlocal lost
            link = self._nodes.controller_link()
            before, again, lost = link.reopened, lost, True
            answer = await self._nodes.at_one(
                link.ask("create_topics", topics=[wish], timeout_ms=self._milliseconds, validate_only=False)
            )
            made, lost = one(answer.topics, what), False
            # After a lost connection the topic may be there because our own first request arrived.
            if made.error_code != _EXISTS or (link.reopened == before and not again):
                check(made.error_code, what, made.error_message)

        if await self.topics([name]):
            check(_EXISTS, what)
        await self._patiently(make)
        await self._patiently(lambda: self._await_leaders(name, partitions))
        await self.end_offsets(name, range(partitions))

    async def delete_topic(self, name: str) -> None:
        """Removes a topic; one that does not exist is no error."""

        async def remove() -> None:
            link = self._nodes.controller_link()
            answer = await self._nodes.at_one(
                link.ask("delete_topics", topic_names=[name], timeout_ms=self._milliseconds)
            )
            what = f"{self._nodes.name}: topic {name!r} could not be removed"
            if (error := one(answer.responses, what).error_code) != _UNKNOWN_TOPIC:
                check(error, what)

        await self._patiently(remove)

    async def move_leadership(self, places: Iterable[tuple[str, int]], to: int | None = None) -> None:
        """Another broker (`to`, or any in sync) becomes the leader of these partitions: see leadership.py."""
        await move_leadership(self._nodes, places, to)

    # Offsets and logs

    async def start_offsets(self, topic: str) -> dict[int, int]:
        """Partition → the offset at which its log starts."""
        return await self._offsets(topic, _EARLIEST)

    async def end_offsets(self, topic: str, partitions: Collection[int] | None = None) -> dict[int, int]:
        """Partition → its high watermark: the offset after the last record that is safe on every replica in sync.

        Of these partitions alone it costs no more where the topic has thousands; one that does not exist is left out.
        """
        return await self._offsets(topic, _LATEST, partitions)

    async def fetch(self, topic: str, partition: int, offset: int, max_bytes: int = fetching.MAX_BYTES) -> Fetched:
        """The batches from the one that holds `offset` on, about `max_bytes` of them, without waiting for more.

        Raises OffsetGone for an offset before the log's start or after its end, BrokerError, and UndecodableError.
        """
        fields = fetching.request_fields(topic, partition, offset, max_bytes)

        async def read() -> Fetched:
            link = await self.leader_link(topic, partition)
            version, frame = await self._nodes.at_one(link.ask_raw("fetch", **fields))
            fetched = fetching.parse_answer(frame, version)
            if fetched.error == _OUT_OF_RANGE:
                raise OffsetGone(f"{link.address}: {topic}/{partition} has no offset {offset}")
            check(fetched.error, f"{link.address}: {topic}/{partition} could not be read")
            return fetched

        async def ask_for_leader() -> None:
            self.forget_leader(topic, partition)

        return await patiently(read, self.timeout, ask_for_leader)

    async def _offsets(self, topic: str, timestamp: int, wanted: Collection[int] | None = None) -> dict[int, int]:
        """ListOffsets for every partition of a topic, or those that are wanted, one request for each leader."""
        found: dict[int, int] = {}

        async def ask() -> None:
            leaders: dict[int, list[int]] = {}
            for partition, leader in (await self._leaders_of(topic, wanted)).items():
                if partition not in found:
                    leaders.setdefault(leader, []).append(partition)
            for leader, partitions in leaders.items():
                found.update(await self._offsets_at(self._nodes.node_link(leader), topic, partitions, timestamp))

        async def ask_for_leaders() -> None:
            for partition in wanted or ():
                self.forget_leader(topic, partition)
            await self.refresh()

        await patiently(ask, self.timeout, ask_for_leaders)
        return dict(sorted(found.items()))

    async def _offsets_at(self, link: Link, topic: str, partitions: list[int], timestamp: int) -> dict[int, int]:
        wanted = [
            {"partition_index": partition, "current_leader_epoch": -1, "timestamp": timestamp}
            for partition in partitions
        ]
        answer = await self._nodes.at_one(
            link.ask("list_offsets", replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": wanted}])
        )
        offsets = {}
        for entry in one(answer.topics, f"{link.address}: the offsets of {topic} are not told").partitions:
            check(entry.error_code, f"{link.address}: the offsets of {topic}/{entry.partition_index} are not told")
            offsets[entry.partition_index] = entry.offset
        return offsets

    # Leaders, and patience with them

    async def _leaders(self, topic: str) -> dict[int, int]:
        """Partition → leader's id of a topic that must exist."""
        deadline = trio.current_time() + _UNKNOWN_FOR
        while True:
            if found := (await self.topics([topic])).get(topic):
                return found
            if trio.current_time() >= deadline:
                break
            await trio.sleep(0.1)
        raise BrokerError(f"{self._nodes.name}: there is no topic {topic!r}", remedy="Make it first, or see its name.")

    async def _leaders_of(self, topic: str, wanted: Collection[int] | None) -> dict[int, int]:
        """The same of the wanted partitions alone; nothing is asked where all of their leaders are known."""
        if wanted is None:
            return await self._leaders(topic)
        known = self._nodes.leaders
        if any(known.get((topic, partition), -1) < 0 for partition in wanted):
            every = await self._leaders(topic)
            return {partition: every[partition] for partition in wanted if partition in every}
        return {partition: known[topic, partition] for partition in wanted}

    async def _await_leaders(self, name: str, partitions: int) -> None:
        leaders = (await self.topics([name])).get(name, {})
        led = sum(leader in self._nodes.known for leader in leaders.values())
        if led < partitions:
            raise PassingError(f"{self._nodes.name}: {led} of {partitions} partitions of {name!r} have a leader")

    async def leader_link(self, topic: str, partition: int) -> Link:
        """The link to whoever led this partition when that was asked last. Raises BrokerError, PassingError where
        there is no leader now."""
        if (topic, partition) not in self._nodes.leaders:
            await self._leaders(topic)
        return self._nodes.node_link(self._nodes.leaders.get((topic, partition), -1))

    def forget_leader(self, topic: str, partition: int) -> None:
        """Ask for the leader again before the next request about this partition."""
        self._nodes.leaders.pop((topic, partition), None)

    def node_link(self, node: int) -> Link:
        """The link to a broker by its id. Raises PassingError for one that is not known."""
        return self._nodes.node_link(node)

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        return await patiently(attempt, self.timeout, self.refresh)

    @property
    def _milliseconds(self) -> int:
        return int(self.timeout * 1000)
