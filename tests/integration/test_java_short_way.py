"""Java's producer puts the batches of all partitions that are ready into one request: nearly all go the short way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.broker import jars
from ackdrop.core.wire import WireSettings
from ackdrop.faults import Drop
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Attempt, Observation, Passed, Reached
from ackdrop.relay.proxy import Proxy, ProxySettings

pytestmark = pytest.mark.integration

SOURCE = Path(__file__).parents[1] / "bench" / "compare" / "Produce.java"
RECORDS, SIZE, PARTITIONS = 40_000, 200, 4
ELSEWHERE = Rule("elsewhere", "produce", "response", Match(topic=("nobody-writes-here",)), When(), Drop("hold"))


@pytest.fixture(scope="module")
def produce(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the producer, without its arguments."""
    path = ":".join(map(str, trio.run(jars.provide)))
    folder = tmp_path_factory.mktemp("produce")
    subprocess.run([tool("javac"), "-cp", path, "-d", str(folder), str(SOURCE)], check=True)
    return [tool("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{path}:{folder}", "Produce"]


async def _seen(command: list[str], broker: str, topic: str, *rules: Rule) -> list[Observation]:
    """What was seen of a producer that has sent all of its records through a proxy."""
    host, _, port = broker.rpartition(":")
    seen: list[Observation] = []
    settings = ProxySettings(((host, int(port)),), wire=WireSettings(told_singly=0))
    proxy = Proxy(settings, Engine(rules, seed=1, arm="on"), seen.extend)
    async with trio.open_nursery() as nursery:
        bootstrap = await nursery.start(proxy.serve)
        words = [bootstrap, topic, str(RECORDS), str(SIZE)]
        with trio.fail_after(60):
            await trio.run_process([*command, *words], capture_stdout=True, stderr=subprocess.DEVNULL)
        nursery.cancel_scope.cancel()
    return seen


@pytest.mark.parametrize("rules", [(), (ELSEWHERE,)], ids=["no rule", "a rule elsewhere"])
def test_nearly_all_requests_go_the_short_way(
    produce: list[str], embedded_broker: str, new_topic: Callable[..., str], rules: tuple[Any, ...]
) -> None:
    topic = new_topic(PARTITIONS)
    seen = trio.run(_seen, produce, embedded_broker, topic, *rules)
    passed = [each for each in seen if isinstance(each, Passed)]
    singly = [each for each in seen if isinstance(each, Attempt)]
    short = [each for some in passed for each in some.attempts]
    assert sum(each.records for each in singly) + sum(each[4] for each in short) == RECORDS + RECORDS // 10
    # Each partition's first batch goes the long way, and what is open meanwhile.
    assert len(singly) <= 10 * PARTITIONS
    assert len(short) > 5 * len(singly)
    requests = {
        (flow.connection, each[2]) for some in passed for flow, _, attempts in some.by_flow() for each in attempts
    }
    assert len(requests) == sum(some.requests for some in passed)
    assert len(requests) < 0.8 * len(short), "most requests were for one partition"
    together = [each for each in seen if isinstance(each, Reached) and len(each.entries) > 1]
    assert bool(together) == bool(rules)
