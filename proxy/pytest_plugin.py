"""The pytest plugin: a proxy for each test that asks for one. pytest imports it in every run, so it imports nothing.

Fixtures, all of them sync, for tests of any kind: `ackdrop` (a `Proxy` of `ackdrop.api`), `ackdrop_broker` (what stands
behind, for the session) and `ackdrop_options` (what is said of every proxy; a project's own takes its place).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .api import Broker, Options
    from .api.fixture import TestedProxy

MARKER = "ackdrop"
PROXY = pytest.StashKey["TestedProxy"]()
"""Where a test keeps its proxy."""

_MARKER_HELP = (
    "ackdrop(scenario=..., faults=[...], ...): what the test's `ackdrop` fixture injects from its start, and any other "
    "option of ackdrop.api.Proxy.start"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each option has a line in the ini file, too."""
    group = parser.getgroup("ackdrop", "Kafka faults (ackdrop)")
    group.addoption(
        "--ackdrop-bootstrap",
        metavar="HOST:PORT",
        help="The broker that the fixture `ackdrop` stands in front of. Otherwise that of ACKDROP_BOOTSTRAP, else an "
        "embedded one.",
    )
    group.addoption("--ackdrop-allow-remote", action="store_true", help="Allow a broker that is not on this machine.")
    group.addoption(
        "--ackdrop-inconclusive",
        choices=("fail", "skip"),
        help="What becomes of a test that proves nothing either way: it fails (the default), or is skipped.",
    )
    group.addoption(
        "--ackdrop-out", metavar="DIR", help="Where each proxy's reports go. Otherwise a temporary folder of pytest's."
    )
    parser.addini("ackdrop_bootstrap", "The broker that the fixture `ackdrop` stands in front of.")
    parser.addini("ackdrop_allow_remote", "Allow a broker that is not on this machine.", type="bool", default=False)
    parser.addini("ackdrop_inconclusive", "What becomes of a test that proves nothing: fail or skip.")
    parser.addini("ackdrop_out", "Where each proxy's reports go.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known, under --strict-markers too."""
    config.addinivalue_line("markers", _MARKER_HELP)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A marker that does nothing would let a test pass that proves nothing: refuse it."""
    for item in items:
        if item.get_closest_marker(MARKER) is None:
            continue
        if isinstance(item, pytest.Function) and "ackdrop" not in item.fixturenames:
            raise pytest.UsageError(
                f"{item.nodeid} is marked `ackdrop` and does not use the fixture `ackdrop`: nothing would be injected"
            )
        from .api.fixture import check_markers

        check_markers(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """What happened behind the proxy, below a failure that is not ackdrop's own."""
    outcome = yield
    proxy = item.stash.get(PROXY, None)
    if proxy is not None and call.when == "call" and outcome.get_result().failed:
        outcome.get_result().sections.extend(proxy.sections(call.excinfo))


@pytest.fixture(scope="session")
def ackdrop_options() -> Options:
    """What is said of every proxy of the session: a project's own fixture of this name takes its place."""
    return {}


@pytest.fixture(scope="session")
def ackdrop_broker(pytestconfig: pytest.Config, ackdrop_options: Options) -> Iterator[Broker]:
    """The broker behind the proxies, for the whole session: the one that is named, else an embedded one. A project's
    own fixture of this name may give another `Broker`."""
    from .api.fixture import broker

    with broker(pytestconfig, ackdrop_options) as running:
        yield running


@pytest.fixture
def ackdrop(
    request: pytest.FixtureRequest,
    ackdrop_broker: Broker,
    ackdrop_options: Options,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TestedProxy]:
    """A proxy of this test's own: give `ackdrop.bootstrap` to what is tested, arm faults, and claim what shall hold."""
    from .api.fixture import tested

    with tested(request, ackdrop_broker, ackdrop_options, tmp_path_factory) as proxy:
        request.node.stash[PROXY] = proxy
        yield proxy
