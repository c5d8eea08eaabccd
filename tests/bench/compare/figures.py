"""What raw figures say: medians with their spread, what a proxy adds, and ratios to Toxiproxy in the same repetition.

Raw figures (format 1) are what `--json` keeps: `about`, `cells` (each with its `runs`), `memory` and `producers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

MEASURE = "toxiproxy"
"""The peer that ratios are to."""
OURS = "ackdrop"
"""The peer that the targets are of."""
ADDED = 20.0
"""Microseconds that we may add beyond what Toxiproxy adds."""
BIG = 16384
"""From this size of a frame on, more throughput is wanted."""
PER_CONNECTION = 40_000
AT_2000 = 150_000_000
OF_DIRECT = 0.95

Run = dict[str, Any]
RunsOf = dict[str, dict[int, Run]]


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of repetitions, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure | None:
        """None where there are no values."""
        found = sorted(values)
        return cls(median(found), found[0], found[-1]) if found else None


@dataclass(frozen=True, slots=True)
class Target:
    """What was wanted, and whether it is so; None: not measured."""

    name: str
    wanted: str
    found: float | None
    met: bool | None


def runs_of(cell: dict[str, Any]) -> RunsOf:
    """The runs of a cell: peer → repetition → figures."""
    found: RunsOf = {}
    for run in cell["runs"]:
        found.setdefault(run["peer"], {})[run["repetition"]] = run
    return found


def rate(run: Run) -> float:
    """Frames a second."""
    return float(run["frames"] / run["seconds"])


def megabytes(run: Run) -> float:
    """MB a second."""
    return float(run["bytes"] / run["seconds"] / 1e6)


def cpu(run: Run) -> float:
    """Microseconds of the proxy's CPU for a frame."""
    return float(run["proxy_ns"] / run["frames"] / 1e3)


def cpu_of_megabyte(run: Run) -> float:
    """Milliseconds of the proxy's CPU for a MB."""
    return float(run["proxy_ns"] / run["bytes"])


def busy(run: Run) -> float:
    """The part of its core that the proxy has used while it was loaded."""
    return float(run["proxy_ns"] / run["seconds"] / 1e9)


def of(runs: RunsOf, peer: str, what: Callable[[Run], float]) -> Figure | None:
    """A figure of a peer."""
    return Figure.of(what(run) for run in runs.get(peer, {}).values() if what not in _OF_PROXY or "proxy_ns" in run)


def added(runs: RunsOf, peer: str, quantile: str) -> Figure | None:
    """Microseconds beyond those of `direct` in the same repetition."""
    return _both(runs, peer, "direct", lambda run, base: run[quantile] - base[quantile])


def ratio(runs: RunsOf, peer: str, what: Callable[[Run], float], to: str = MEASURE) -> Figure | None:
    """To what the other peer had in the same repetition."""
    return _both(runs, peer, to, lambda run, base: what(run) / what(base))


def beyond(runs: RunsOf, peer: str, quantile: str) -> Figure | None:
    """Microseconds that a peer adds more than Toxiproxy does."""
    return _both(runs, peer, MEASURE, lambda run, base: run[quantile] - base[quantile])


def _both(runs: RunsOf, peer: str, to: str, what: Callable[[Run, Run], float]) -> Figure | None:
    base = runs.get(to, {})
    return Figure.of(what(run, base[number]) for number, run in runs.get(peer, {}).items() if number in base)


def let_go(runs: RunsOf, peer: str) -> int:
    """Observations that the ledger let go, so that what they would have cost is missing."""
    return sum(run.get("let_go", 0) for run in runs.get(peer, {}).values())


def targets(cell: dict[str, Any], peer: str = OURS) -> list[Target]:
    """The targets of a cell."""
    runs = runs_of(cell)
    least = 1.5 if cell["size"] >= BIG else 1.0
    return [
        _target("CPU a frame", "≤ 1.00 ×", ratio(runs, peer, cpu), lambda found: found <= 1.0),
        _target("throughput", f"≥ {least:.2f} ×", ratio(runs, peer, rate), lambda found: found >= least),
        _target("p50 added", f"≤ +{ADDED:g} µs", beyond(runs, peer, "p50"), lambda found: found <= ADDED),
        _target("p99 added", f"≤ +{ADDED:g} µs", beyond(runs, peer, "p99"), lambda found: found <= ADDED),
    ]


def per_connection(entry: dict[str, Any]) -> float:
    """Bytes that an idle connection takes."""
    return float((entry["with"]["pss"] - entry["before"]["pss"]) / entry["connections"])


def of_memory(entries: Iterable[dict[str, Any]], peer: str = OURS) -> list[Target]:
    """The targets of idle connections."""
    found = []
    for entry in entries:
        if entry["peer"] == peer:
            kind = "after one request" if entry["each"] else "that said nothing"
            each, whole = per_connection(entry), entry["with"]["rss"]
            found.append(Target(f"a connection {kind}", "≤ 40 KB", each / 1e3, each <= PER_CONNECTION))
            if entry["connections"] == 2000:
                found.append(Target(f"2,000 {kind}", "< 150 MB", whole / 1e6, whole < AT_2000))
    return found


def of_producers(entries: Iterable[dict[str, Any]], peer: str = OURS) -> list[Target]:
    """The targets of real producers before a real broker."""
    found = []
    for entry in entries:
        part = ratio(runs_of(entry), peer, rate, to="direct")
        name = f"{entry['producer']}, {entry['record']} B"
        found.append(_target(name, f"≥ {OF_DIRECT} × direct", part, lambda value: value >= OF_DIRECT))
    return found


def _target(name: str, wanted: str, figure: Figure | None, met: Callable[[float], bool]) -> Target:
    if figure is None:
        return Target(name, wanted, None, None)
    return Target(name, wanted, figure.median, met(figure.median))


_OF_PROXY = (cpu, cpu_of_megabyte, busy)
