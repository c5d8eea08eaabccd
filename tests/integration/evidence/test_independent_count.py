"""Every shipped scenario, counted once more by kcat: another client, in another language, that knows nothing of ours.

The scenarios run side by side, a few at a time; kcat prints each arm's log with its headers, and what it shows is held
against the report: every figure that a log alone decides, and the place of every copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from ackdrop.scenario.files import shipped

pytestmark = pytest.mark.integration

SIDE_BY_SIDE = 4
"""Most of a run is waiting for a request timeout."""
WITH_ITS_BROKER = "restarted-broker"
"""Its run has a broker of its own, which is gone with it, and so is the log."""
NAMES = tuple(path.stem for path in shipped() if path.stem != WITH_ITS_BROKER)


@pytest.fixture(scope="module")
def runs(embedded_broker: str, run: Any) -> Iterator[dict[str, Future[Any]]]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {name: pool.submit(run, embedded_broker, name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_another_client_counts_the_same(
    runs: dict[str, Future[Any]], embedded_broker: str, rows: Any, name: str
) -> None:
    done = runs[name].result()
    assert done.report["arms"]
    for arm in done.report["arms"]:
        log = rows(embedded_broker, done.topics[arm["name"]])
        standing = places(log)
        counted = {"records": len(log), "distinct": len(standing), "duplicates": len(log) - len(standing)}
        counted["out_of_order"] = sum(map(late, lanes(log)))
        assert {figure: arm["log"][figure] for figure in counted} == counted
        told = {one["record"]: at(one["places"]) for one in arm["findings"] if one["kind"] == "duplicate"}
        assert told == {record: found for record, found in standing.items() if len(found) > 1}
        once = [place for one in arm["findings"] if one["kind"] == "deduplicated" for place in at(one["places"])]
        assert set(once) <= {found[0] for found in standing.values() if len(found) == 1}
        assert arm["records"]["sent"] == len({row.headers["ackdrop"] for row in log})


def at(found: Any) -> list[tuple[int, int]]:
    return [(place["partition"], place["offset"]) for place in found]


def places(log: Any) -> dict[str, list[tuple[int, int]]]:
    """Record, as producer and number, → where it stands."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in log:
        found.setdefault("/".join(row.identity[1:]), []).append((row.partition, row.offset))
    return found


def lanes(log: Any) -> Iterable[list[int]]:
    """For each partition the positions in which its records were sent, first copies alone, by offset."""
    first = {row.identity: row for row in reversed(log)}
    found: dict[int, list[int]] = {}
    for row in log:
        if first[row.identity] is row:
            found.setdefault(row.partition, []).append(int(row.headers["ackdrop"].split("/")[4]))
    return found.values()


def late(lane: list[int]) -> int:
    """How many stand behind one that was sent later."""
    return sum(number < max(lane[: place + 1]) for place, number in enumerate(lane))
