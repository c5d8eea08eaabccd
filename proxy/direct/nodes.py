"""The brokers of a cluster: who they are, where they are reached, and which of them leads a partition."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import trio

from ..errors import BrokerError, UsageError
from .approach import PLAINLY, Approach
from .authentication import NotLetIn, SaslWanted
from .connection import ConnectionLost, shown
from .link import Link
from .patience import PassingError, patiently

T = TypeVar("T")

Address = tuple[str, int]

_TOPIC_IDS = 12
"""The first version of Metadata that can be asked for a topic by its id (KIP-516)."""

INITIALIZING = "redpanda.initializing"
"""What Redpanda calls its cluster in its first seconds."""


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Each (host, port) of `HOST:PORT`, or of several with commas between them. Raises UsageError."""
    return tuple(dict.fromkeys(parse_address(each.strip()) for each in text.split(",")))


def parse_address(text: str) -> Address:
    """(host, port) of `HOST:PORT` or `[IPV6]:PORT`. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"{text!r} is no address of a broker", remedy="Write it as HOST:PORT, such as localhost:9092.")
    return host.strip("[]"), int(port)


class Nodes:
    """The brokers of a cluster, by what Metadata said last, and a link to each address that was needed.

    `bootstraps` are asked in their order; `bootstrap` is the one that answered.
    `known` maps broker ids to the addresses that they advertise, `mapping` replaces addresses that cannot be reached
    from here, `leaders` maps (topic, partition) to a broker id, -1 where there is none. `notes` holds sentences.
    `locked` is why nothing can be asked, where nobody is named and the brokers want to know who is speaking.
    """

    def __init__(
        self,
        bootstraps: Sequence[Address],
        mapping: Mapping[Address, Address],
        timeout: float,
        approach: Approach = PLAINLY,
    ) -> None:
        self.bootstraps = tuple(bootstraps)
        self.bootstrap = self.bootstraps[0]
        self.name = shown(*self.bootstrap)
        self.mapping = dict(mapping)
        self.timeout = timeout
        self.known: dict[int, Address] = {}
        self.leaders: dict[tuple[str, int], int] = {}
        self.cluster_id: str | None = None
        self.controller = -1
        self.notes: list[str] = []
        self.locked: SaslWanted | None = None
        self._approach = approach
        self._links: dict[Address, Link] = {}

    def close(self) -> None:
        """Closes every link. Never waits."""
        for link in self._links.values():
            link.close()

    async def meet(self) -> None:
        """Learns the brokers from the bootstrap address, and whether a single one is where it says it is.

        Raises BrokerError when that takes longer than the timeout.
        """
        self.locked = None
        try:
            with trio.fail_after(self.timeout):
                await self._connect()
                await patiently(self._await_brokers, self.timeout, trio.lowlevel.checkpoint)
                await self._try_advertised()
        except SaslWanted as error:
            self.locked = error
            raise
        except trio.TooSlowError:
            raise BrokerError(
                f"{self.name}: the broker did not tell of itself within {self.timeout:g} s",
                remedy="Wait until the broker has started.",
            ) from None

    async def _connect(self) -> None:
        """Find the first bootstrap address that answers. Raises what the first one, and only it, said."""
        failure: BrokerError | None = None
        share = self.timeout / len(self.bootstraps)
        for address in self.bootstraps:
            try:
                with trio.fail_after(share):
                    await self.link(address).connect()
            except BrokerError as error:
                failure = failure or error
            except trio.TooSlowError:
                slow = f"{shown(*address)}: no answer within {share:g} s"
                failure = failure or BrokerError(slow, remedy="See that the broker runs and is not overloaded.")
            else:
                self.bootstrap, self.name = address, shown(*address)
                return
        assert failure is not None
        raise failure

    async def metadata(self, topics: Iterable[str] | None) -> Any:
        """Metadata of these topics (None: all, no topics: only the brokers); makes none. BrokerError without answer.

        The bootstrap address is asked, and where it does not answer the other brokers in turn.
        """
        return await self._metadata(None if topics is None else [{"name": name} for name in topics])

    async def metadata_by_id(self, topic_id: bytes) -> Any:
        """Metadata of the topic with this id of 16 bytes. BrokerError also for a broker that knows no ids yet."""
        link = self.link(self.bootstrap)
        await link.connect()
        if link.version("metadata") < _TOPIC_IDS:
            raise BrokerError(f"{self.name}: the broker cannot tell which topic an id names")
        return await self._metadata([{"topic_id": UUID(bytes=topic_id), "name": None}])

    async def _metadata(self, wanted: list[dict[str, Any]] | None) -> Any:
        failure: BrokerError | None = None
        for address in self._addresses():
            try:
                body = await self.link(address).ask("metadata", topics=wanted, allow_auto_topic_creation=False)
            except BrokerError as error:
                failure = failure or error
            else:
                self._learn(body)
                return body
        raise failure or BrokerError(f"{self.name}: no broker to ask")

    def link(self, address: Address) -> Link:
        """The link to this address; there is one of each."""
        if address not in self._links:
            self._links[address] = Link(*address, self.timeout, self._approach, self._certified(address))
        return self._links[address]

    def _certified(self, address: Address) -> str:
        """What the certificate there has to be for: a broker that is reached elsewhere (`mapping`) is known by what it
        advertises, as clients know it, and a bootstrap address by the name that was given."""
        if address in self.bootstraps:
            return address[0]
        return next((host for (host, _), target in self.mapping.items() if target == address), address[0])

    def address(self, node: int) -> Address:
        """Where this broker is reached from here. Raises KeyError for a broker that is not known."""
        advertised = self.known[node]
        return self.mapping.get(advertised, advertised)

    def node_link(self, node: int) -> Link:
        """The link to a broker by its id. Raises PassingError for an id that is not known (-1: no leader now)."""
        if node not in self.known:
            raise PassingError(f"{self.name}: a partition has no leader")
        return self.link(self.address(node))

    def controller_link(self) -> Link:
        """The link to the controller, or where there is none to the bootstrap address, which knows whom to ask."""
        return self.link(self.address(self.controller) if self.controller in self.known else self.bootstrap)

    async def at_one(self, answer: Awaitable[T]) -> T:
        """What one broker answers. One that is gone may have been followed by another: that passes."""
        try:
            return await answer
        except NotLetIn:
            raise
        except BrokerError as error:
            if len(self.known) > 1 or isinstance(error, ConnectionLost):
                raise PassingError(error.message, remedy=error.remedy) from error
            raise

    def _addresses(self) -> list[Address]:
        return list(dict.fromkeys((self.bootstrap, *map(self.address, self.known), *self.bootstraps)))

    def _learn(self, body: Any) -> None:
        self.known = {broker.node_id: (broker.host, broker.port) for broker in body.brokers}
        self.cluster_id, self.controller = body.cluster_id, body.controller_id
        for topic in body.topics:
            for entry in topic.partitions:
                self.leaders[topic.name, entry.partition_index] = entry.leader_id

    async def _await_brokers(self) -> None:
        await self.metadata([])
        if not self.known:
            raise PassingError(f"{self.name}: names no brokers", remedy="Wait until the broker has started.")

    async def _try_advertised(self) -> None:
        """With one broker, sees whether the address that it advertises leads to it; else takes the bootstrap's."""
        if len(self.known) != 1:
            return
        (advertised,) = self.known.values()
        target = self.mapping.get(advertised, advertised)
        if target == self.bootstrap or await self._leads_here(target):
            return
        self.mapping[advertised] = self.bootstrap
        self.notes.append(
            f"The broker advertises {shown(*advertised)}, which does not lead to it from here: "
            f"{self.name} is used instead."
        )

    async def _leads_here(self, target: Address) -> bool:
        """Whether the same cluster answers at this address; a quarter of the timeout must do."""
        with trio.move_on_after(self.timeout / 4):
            try:
                body = await self.link(target).ask("metadata", topics=[])
            except BrokerError:
                return False
            return body.cluster_id == self.cluster_id or INITIALIZING in (body.cluster_id, self.cluster_id)
        return False
