"""What a case works with: it sends batches, waits for what comes back, and reads what the log holds since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import trio

from ..direct.link import Link
from ..direct.patience import PassingError
from . import frames
from .effects import APPENDED, effect
from .ground import Ground, NotMeasured
from .line import Line, Silence
from .log import read
from .model import BUSY, ELSEWHERE, SAYS_NOTHING, Answer, Batch, Exchange, Step, Written
from .sending import Producer, Sending

_NOT_YET = frozenset({"CONCURRENT_TRANSACTIONS", "NOT_ENOUGH_REPLICAS"})
"""Errors of a transactional batch while the end of a transaction is still under way: the second one is what older
versions of Produce have for that."""
_NO_IDS = frozenset({"CLUSTER_AUTHORIZATION_FAILED", "UNSUPPORTED_VERSION"})
"""How a broker refuses to give producer ids where idempotence is off, or not allowed to us."""
_PAUSE = 0.1
_SETTLED = 0.5
"""Seconds after which a log that shows nothing new is taken to stay so, where no answer has said that it is written."""


_NOTHING = Sending(Batch(-1, -1, -1, 0, "", 0))
"""No batch: what is asked of whoever leads the first partition, on its first connection."""


class Bench:
    """One case at work. `steps` are those that were made; `partitions` are the case's own ones in the topic."""

    def __init__(self, ground: Ground, partitions: Sequence[int]) -> None:
        self.ground = ground
        self.partitions = tuple(partitions)
        self.steps: list[Step] = []
        self._log: list[Written] = []
        self._next = dict.fromkeys(range(len(self.partitions)), 0)
        self._lines: dict[tuple[int, int], Line] = {}
        self._kept: list[Line] = []

    # What a case does

    async def send(self, name: str, what: str, *sendings: Sending) -> Step:
        """Sends one batch after the other, each when the one before has its answer."""
        exchanges = [await self._patiently(sending) for sending in sendings]
        return await self._step(name, what, exchanges)

    async def prepare(self, name: str, what: str, *sendings: Sending) -> Step:
        """As `send`, where the case goes on only if all were appended. Raises NotMeasured."""
        step = await self.send(name, what, *sendings)
        if step.effect.rpartition(" x ")[2] != APPENDED:
            said = "; ".join(each.answer.text for each in step.exchanges if each.answer.text)
            raise NotMeasured("inconclusive", f"{what}: {step.effect}" + (f" ({said})" if said else ""))
        return step

    async def together(self, name: str, what: str, *sendings: Sending) -> Step:
        """Sends them all before the answer to the first one is waited for: on one connection in one write."""
        for sending in sendings:  # all that can fail does so here, before anything is sent
            self.ground.version((await self._line(sending)).link, "produce", sending.newest)
        gate = trio.Event()
        found: dict[int, Exchange] = {}

        async def on_one(numbers: Sequence[int]) -> None:
            line = await self._line(sendings[numbers[0]])
            made = [self._frame(sendings[number], line) for number in numbers]
            await gate.wait()
            lost = await line.send([frame for _, frame in made], "produce")
            for number, (version, frame) in zip(numbers, made, strict=True):
                came = lost or await line.receive(frame, "produce")
                found[number] = _produced(sendings[number], version, came)

        by_connection: dict[int, list[int]] = {}
        for number, sending in enumerate(sendings):
            by_connection.setdefault(sending.connection, []).append(number)
        async with trio.open_nursery() as nursery:
            for numbers in by_connection.values():
                nursery.start_soon(on_one, numbers)
            gate.set()
        return await self._step(name, what, [found[number] for number in sorted(found)])

    async def note(self, name: str, what: str, exchange: Exchange, partitions: Iterable[int] = ()) -> Step:
        """A step of another API, and what it left in the log of these partitions."""
        return await self._step(name, what, [exchange], partitions)

    async def producer(self) -> Producer:
        """A producer id that this broker gives. Raises NotMeasured where it gives none."""
        exchange, producer = await self.ask_for_id()
        if producer is None:
            why = exchange.answer.text or exchange.answer.error or exchange.answer.how
            absent = exchange.answer.error in _NO_IDS
            raise NotMeasured("absent" if absent else "inconclusive", f"the broker gives no producer id: {why}")
        return producer

    async def ask_for_id(self) -> tuple[Exchange, Producer | None]:
        """Asks whoever leads the first partition, as any broker may be asked; and again while it is not ready."""
        deadline, tries = trio.current_time() + self.ground.seconds, 0
        while True:
            tries += 1
            line = await self._line(_NOTHING)
            version = self.ground.version(line.link, "init_producer_id")
            came = await line.ask(frames.init_producer_id(version, line.next_id(), None), "init_producer_id")
            answer, given = (silent(came), None) if isinstance(came, Silence) else frames.granted(version, came)
            if answer.error not in BUSY or trio.current_time() + _PAUSE > deadline:
                exchange = Exchange("init_producer_id", version, 1, answer, tries=tries)
                return exchange, None if given is None else Producer(*given)
            await trio.sleep(_PAUSE)

    async def marker(self) -> None:
        """Waits until the log of the first partition has one marker more, of a transaction's end; the coordinator
        writes it in its own time. The next step tells of it."""
        with trio.move_on_after(self.ground.seconds):
            while True:
                if any(each.marker for each in await self._peek(0)):
                    return
                await trio.sleep(_PAUSE)

    async def restart(self, name: str, what: str, word: str) -> None:
        """Restarts the broker (`restart`, `kill`). Raises NotMeasured where it is not ours, and BrokerError."""
        self.may_restart()
        assert self.ground.restart is not None
        self.close()
        await self.ground.restart(word)
        for partition in self.partitions:
            self.ground.cluster.forget_leader(self.ground.topic, partition)
        self.steps.append(Step(name, what, (), (), "restarted"))

    def may_restart(self) -> None:
        """Raises NotMeasured where the broker is not ours, or is one of several: then another one leads meanwhile."""
        if self.ground.restart is None:
            raise NotMeasured("left-out", "this broker is not ackdrop's own to restart")
        if len(self.ground.cluster.nodes) > 1:
            raise NotMeasured("left-out", "this is one broker of several, and another one leads while it is away")

    def may_move(self) -> None:
        """Raises NotMeasured where nobody else could lead."""
        if self.ground.replication < 2:
            raise NotMeasured("left-out", "the probe's topic has one replica, so nobody else can lead (--replication)")

    async def move(self, name: str, what: str) -> None:
        """Another broker leads the case's first partition. Raises NotMeasured where there is none, and BrokerError."""
        self.may_move()
        self._hang_up()
        await self.ground.cluster.move_leadership([(self.ground.topic, self.partitions[0])])
        self.ground.cluster.forget_leader(self.ground.topic, self.partitions[0])
        self.steps.append(Step(name, what, (), (), "moved"))

    async def produce_version(self) -> int:
        """The newest Produce that both sides know."""
        return self.ground.version(await self._leader(self.partitions[0]), "produce")

    def keep(self, line: Line) -> Line:
        """Closes this connection with the others, at the end of the case."""
        self._kept.append(line)
        return line

    def close(self) -> None:
        """Closes the case's connections. Never waits."""
        self._hang_up()
        for line in self._kept:
            line.close()

    def _hang_up(self) -> None:
        """The connections to leaders; the next batch dials again."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    # How it is done

    async def _patiently(self, sending: Sending) -> Exchange:
        """Sends it, and again while the answer is that somebody else leads the partition."""
        deadline, tries = trio.current_time() + self.ground.seconds, 0
        while True:
            tries += 1
            line = await self._line(sending)
            exchange = await self._once(line, sending, tries)
            elsewhere = exchange.answer.error in ELSEWHERE
            not_yet = exchange.answer.error in _NOT_YET and sending.transactional_id is not None
            if not (elsewhere or not_yet) or trio.current_time() + _PAUSE > deadline:
                return exchange
            if elsewhere:
                self._hang_up()
                self.ground.cluster.forget_leader(self.ground.topic, self.partitions[sending.partition])
            await trio.sleep(_PAUSE)

    async def _once(self, line: Line, sending: Sending, tries: int) -> Exchange:
        version, frame = self._frame(sending, line)
        if sending.acks:
            return _produced(sending, version, await line.ask(frame, "produce"), tries)
        lost = await line.send([frame], "produce")
        if lost is None:  # the answer to another question says that this request was read
            version_asked = self.ground.version(line.link, "api_versions")
            came = await line.ask(frames.api_versions(version_asked, line.next_id()), "api_versions")
            lost = came if isinstance(came, Silence) else None
        return _produced(sending, version, lost, tries)

    def _frame(self, sending: Sending, line: Line) -> tuple[int, bytes]:
        version = self.ground.version(line.link, "produce", sending.newest)
        return version, frames.produce(
            version,
            line.next_id(),
            (self.ground.topic, self.ground.topic_id, self.partitions[sending.partition]),
            sending.batch,
            sending.acks,
            sending.transactional_id,
        )

    async def _line(self, sending: Sending) -> Line:
        """The connection of this number to whoever leads the partition; dialled where there is none."""
        key = sending.connection, sending.partition
        if key not in self._lines or not self._lines[key].usable:
            link = await self._leader(self.partitions[sending.partition])
            same = [
                line
                for (number, _), line in self._lines.items()
                if number == sending.connection and line.link is link and line.usable
            ]
            self._lines[key] = same[0] if same else await Line.dial(link, self.ground.seconds)
        return self._lines[key]

    async def _leader(self, partition: int) -> Link:
        deadline = trio.current_time() + self.ground.seconds
        while True:
            try:
                return await self.ground.cluster.leader_link(self.ground.topic, partition)
            except PassingError:
                if trio.current_time() > deadline:
                    raise
            self.ground.cluster.forget_leader(self.ground.topic, partition)
            await trio.sleep(_PAUSE)

    async def _step(self, name: str, what: str, exchanges: Sequence[Exchange], partitions: Iterable[int] = ()) -> Step:
        touched = {each.partition for each in exchanges if each.partition is not None} | set(partitions)
        sure = all(each.answer.how == "answered" and each.acks in (None, -1) for each in exchanges)
        wrote: list[Written] = []
        for partition in sorted(touched):
            wrote += await self._since(partition, sure)
        step = Step(name, what, tuple(exchanges), tuple(wrote), effect(exchanges, self._log, wrote))
        self._log += wrote
        self.steps.append(step)
        for told in {each.answer.error for each in exchanges} & SAYS_NOTHING:
            raise NotMeasured("inconclusive", f"{what}: {told}, for as long as it was asked")
        return step

    async def _since(self, partition: int, sure: bool) -> list[Written]:
        """What the log of a partition holds since the last look; waited for a while where no answer is `sure`."""
        deadline = trio.current_time() + (0 if sure else _SETTLED)
        while True:
            if found := await self._peek(partition):
                self._next[partition] = found[-1].last_offset + 1
                return found
            if trio.current_time() >= deadline:
                return []
            await trio.sleep(_PAUSE)

    async def _peek(self, partition: int) -> list[Written]:
        cluster, topic = self.ground.cluster, self.ground.topic
        return await read(cluster, topic, self.partitions[partition], self._next[partition], partition)


def silent(came: memoryview | Silence) -> Answer:
    """The answer that did not come."""
    return Answer(came.how, text=came.text) if isinstance(came, Silence) else Answer("answered")


def _produced(sending: Sending, version: int, came: memoryview | Silence | None, tries: int = 1) -> Exchange:
    """What came back for a batch; None where nothing was asked for, and the request was read."""
    if came is None:
        answer = Answer("not-asked")
    elif isinstance(came, Silence):
        answer = silent(came)
    else:
        answer = frames.produced(version, came)
    return Exchange(
        "produce", version, sending.connection, answer, sending.partition, sending.acks, sending.batch, tries
    )
