"""A transactional producer, request by request: its coordinator, its id, its partitions, the end of a transaction."""

from __future__ import annotations

from collections.abc import Callable

import trio

from ..direct.link import Link
from ..errors import BrokerError
from . import frames
from .bench import Bench, silent
from .ground import NotMeasured
from .line import Line, Silence
from .model import BUSY, Answer, Batch, Exchange, Step
from .sending import Producer, Sending

Build = Callable[[int, int], bytes]
"""A frame of this version, with this correlation id."""
Read = Callable[[int, memoryview], tuple[Answer, tuple[int, int] | None]]
"""An answer of this version, and the producer id and epoch in it."""

_ADDED_BY_CLIENTS = 3
"""From version 4 on AddPartitionsToTxn is spoken between brokers (KIP-890)."""
_APIS = {
    "find_coordinator": None,
    "init_producer_id": None,
    "add_partitions_to_txn": _ADDED_BY_CLIENTS,
    "end_txn": None,
}
"""What transactions take, and the newest version of each that is for clients."""
_PAUSE = 0.1


class Transactions:
    """The transactions of one transactional id in the case's first partition, made by `Transactions.begin`."""

    def __init__(self, bench: Bench, name: str, line: Line) -> None:
        self.name = name
        self._bench = bench
        self._line = line

    @classmethod
    async def begin(cls, bench: Bench) -> Transactions:
        """Finds the coordinator. Raises NotMeasured where there are no transactions, or it is not found in time."""
        name = f"{bench.ground.topic}-{bench.partitions[0]}"
        link = bench.ground.cluster.bootstrap_link
        await link.connect()
        for api, newest in _APIS.items():
            bench.ground.version(link, api, newest)
        node = await _coordinator(bench, link, name)
        try:
            coordinator = bench.ground.cluster.node_link(node)
        except BrokerError as error:
            raise NotMeasured("inconclusive", f"the transaction's coordinator cannot be found: {error}") from error
        return cls(bench, name, bench.keep(await Line.dial(coordinator, bench.ground.seconds)))

    def sending(self, batch: Batch, newest: int | None = None) -> Sending:
        """The batch on its way, with the transactional id in its request."""
        return Sending(batch, newest=newest, transactional_id=self.name)

    async def producer(self, name: str, what: str, *, fences: bool = False) -> Producer:
        """InitProducerId: a producer that fences those before it; with `fences` one of them is in a transaction, whose
        marker is waited for. Raises NotMeasured where no producer is given."""
        exchange, given = await self._ask(
            "init_producer_id",
            lambda version, number: frames.init_producer_id(version, number, self.name),
            frames.granted,
        )
        if fences and given is not None:
            await self._bench.marker()
        await self._bench.note(name, what, exchange, [0])
        if given is None:
            raise NotMeasured("inconclusive", f"{what}: {exchange.answer.error or exchange.answer.text}")
        return given

    async def add(self, name: str, what: str, producer: Producer) -> Step:
        """AddPartitionsToTxn."""
        place = self._bench.ground.topic, self._bench.partitions[0]
        exchange, _ = await self._ask(
            "add_partitions_to_txn",
            lambda version, number: frames.add_partition(
                version, number, self.name, (producer.id, producer.epoch), *place
            ),
            frames.added,
            _ADDED_BY_CLIENTS,
        )
        return await self._bench.note(name, what, exchange, [0])

    async def end(self, name: str, what: str, producer: Producer) -> tuple[Step, Producer]:
        """EndTxn, a commit; where it is done, its marker is waited for. Gives the producer that goes on: from version 5
        on a broker answers with a new epoch (KIP-890)."""
        exchange, given = await self._ask(
            "end_txn",
            lambda version, number: frames.end_txn(version, number, self.name, (producer.id, producer.epoch)),
            frames.ended,
        )
        if exchange.answer.error == "NONE":
            await self._bench.marker()
        return await self._bench.note(name, what, exchange, [0]), given or producer

    async def _ask(
        self, api: str, build: Build, read: Read, newest: int | None = None
    ) -> tuple[Exchange, Producer | None]:
        """The answer of the coordinator, asked again while it is busy."""
        deadline, tries = trio.current_time() + self._bench.ground.seconds, 0
        while True:
            tries += 1
            version = self._bench.ground.version(self._line.link, api, newest)
            came = await self._line.ask(build(version, self._line.next_id()), api)
            answer, given = (silent(came), None) if isinstance(came, Silence) else read(version, came)
            if answer.error not in BUSY or trio.current_time() > deadline:
                producer = Producer(*given) if given is not None and answer.error == "NONE" else None
                return Exchange(api, version, 1, answer, tries=tries), producer
            await trio.sleep(_PAUSE)


async def _coordinator(bench: Bench, link: Link, name: str) -> int:
    """The id of the broker that coordinates this transactional id; it may take a while to find one."""
    deadline = trio.current_time() + bench.ground.seconds
    line = bench.keep(await Line.dial(link, bench.ground.seconds))
    while True:
        version = bench.ground.version(link, "find_coordinator")
        came = await line.ask(frames.find_coordinator(version, line.next_id(), name), "find_coordinator")
        answer, node = (silent(came), None) if isinstance(came, Silence) else frames.coordinator(version, came)
        if node is not None:
            return node
        if answer.error not in BUSY or trio.current_time() > deadline:
            raise NotMeasured("inconclusive", f"no coordinator: {answer.text or answer.error}")
        await trio.sleep(_PAUSE)
