"""What a test does to a broker past any proxy, and a broker of its own that it may break."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import trio

from ackdrop.broker import embedded
from ackdrop.broker.running import RunningBroker
from ackdrop.direct.cluster import Cluster
from ackdrop.errors import BrokerError

DEADLINE = 60.0

T = TypeVar("T")


def at(broker: str | None, ask: Callable[[Cluster], Awaitable[T]]) -> T:
    """What the cluster answers."""
    assert broker is not None

    async def main() -> T:
        async with Cluster.connect(broker) as cluster:
            return await ask(cluster)

    return trio.run(main)


def topics(broker: str | None, prefix: str) -> list[str]:
    async def ask(cluster: Cluster) -> list[str]:
        return [topic for topic in await cluster.topics(None) if topic.startswith(prefix)]

    return at(broker, ask)


def records_in(broker: str | None, topic: str) -> int:
    """How many offsets the topic has used; 0 where it is not there."""

    async def ask(cluster: Cluster) -> int:
        try:
            return sum((await cluster.end_offsets(topic)).values())
        except BrokerError:
            return 0

    return at(broker, ask)


@dataclass(frozen=True, slots=True)
class Hand:
    """What a test does to the broker behind a run's back, with kafka-python."""

    kafka: Any
    broker: str

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        with contextlib.closing(self.kafka.KafkaAdminClient(bootstrap_servers=self.broker)) as client:
            yield client

    def delete_topic(self, topic: str) -> None:
        at(self.broker, lambda cluster: cluster.delete_topic(topic))

    def create_topic(self, topic: str, config: dict[str, str] | None = None) -> None:
        at(self.broker, lambda cluster: cluster.create_topic(topic, config=config))

    def make_anew(self, topic: str) -> None:
        """Another topic of this name is there when this returns: ours, or the one that the producer's own question for
        its topic has made before us."""
        self.delete_topic(topic)
        try:
            self.create_topic(topic)
        except BrokerError as error:
            if "TOPIC_ALREADY_EXISTS" not in str(error):
                raise

    def delete_records(self, topic: str, before: int) -> None:
        """Everything below this offset of partition 0 is gone when this returns."""
        with self.admin() as admin:
            admin.delete_records({self.kafka.TopicPartition(topic, 0): before})

    def refuse_everything(self, topic: str, admin: Any = None) -> None:
        """From now on the topic takes no batch: each is MESSAGE_TOO_LARGE. `admin` asks for it, if given."""
        from kafka.admin import ConfigResource

        with self.admin() if admin is None else contextlib.nullcontext(admin) as client:
            client.alter_configs([ConfigResource("topic", topic, {"max.message.bytes": "10"})])

    def write(self, topic: str, *records: tuple[bytes, list[tuple[str, bytes]]], **config: Any) -> None:
        """Writes (value, headers) to partition 0, past any proxy."""
        settings = {"bootstrap_servers": self.broker, "enable_idempotence": False, **config}
        with contextlib.closing(self.kafka.KafkaProducer(**settings)) as producer:
            for value, headers in records:
                producer.send(topic, value, headers=headers, partition=0).get(DEADLINE)

    @contextlib.contextmanager
    def writing(self, topic: str) -> Iterator[None]:
        """Records of nobody's come to the topic all the time, until it is gone or the block ends."""
        over, begun = threading.Event(), threading.Event()

        def write() -> None:
            with contextlib.closing(self.kafka.KafkaProducer(**settings)) as producer:
                while not over.is_set():
                    try:
                        producer.send(topic, b"noise", partition=0).get(DEADLINE)
                    except self.kafka.errors.KafkaError:
                        if begun.is_set():
                            break
                    else:
                        begun.set()

        settings = {"bootstrap_servers": self.broker, "retries": 0, "enable_idempotence": False, "max_block_ms": 1000}
        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert begun.wait(DEADLINE)
            yield
        finally:
            over.set()
            writer.join()


class WaitingProducer:
    """An interpreter for the producer that begins when it is told to: so that a topic can be spoilt before that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.python = str(folder / "python")
        waits = f"arm=$(ls -t {folder}/*.started 2>/dev/null | wc -l)\ntouch {folder}/$$.started\n"
        go = f"while [ ! -e {folder}/$arm.go ]; do sleep 0.05; done\n"
        Path(self.python).write_text(f'#!/bin/sh\n{waits}{go}exec {sys.executable} "$@"\n')
        Path(self.python).chmod(0o755)

    def go(self, arm: str) -> None:
        """The producer of that arm may begin."""
        (self._folder / f"{['off', 'on'].index(arm)}.go").touch()


class OwnBroker:
    """An embedded broker that a test may stop and kill: in a thread of its own, so that the test need not be async."""

    def __init__(self, port: int | None = None, extra: dict[str, str] | None = None) -> None:
        self._end = trio.Event()
        self._ready = threading.Event()
        self._token: Any = None
        self._failure: BaseException | None = None
        self._running: RunningBroker | None = None
        self._thread = threading.Thread(target=self._run, args=(port, extra), name="a test's own broker")
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def _run(self, port: int | None, extra: dict[str, str] | None) -> None:
        async def main() -> None:
            self._token = trio.lowlevel.current_trio_token()
            async with embedded.broker(port=port, extra=extra) as running:
                self._running = running
                self._ready.set()
                await self._end.wait()

        try:
            trio.run(main)
        except BaseException as error:  # told to the test
            self._failure = error
        finally:
            self._ready.set()

    @property
    def bootstrap(self) -> str:
        assert self._running is not None
        return self._running.bootstrap

    @property
    def java(self) -> psutil.Process:
        """The broker's own process."""
        assert self._running is not None
        assert self._running.pid is not None
        return psutil.Process(self._running.pid)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its power; nothing answers any more when this returns."""
        java = self.java
        java.kill()
        psutil.wait_procs([java], timeout=DEADLINE)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP: it answers nothing, and its connections stay open."""
        java = self.java
        java.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                java.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._thread.is_alive():
            with contextlib.suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._end.set)
            self._thread.join()
