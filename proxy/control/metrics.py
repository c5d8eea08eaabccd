"""Prometheus metrics, made out of one snapshot when they are asked for: nothing is counted for them.

In a registry of their own: what else the process may register is not told, and nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from .. import __version__
from .snapshot import Histogram, Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(Collector):
    """All metrics of a proxy, each time out of a new snapshot."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        now = self._snapshot()
        yield InfoMetricFamily("ackdrop", "The version of ackdrop.", {"version": __version__})
        yield GaugeMetricFamily("ackdrop_uptime_seconds", "Since the proxy began.", now.seconds)
        yield from _traffic(now)
        yield from _produce(now)
        yield from _faults(now)
        yield GaugeMetricFamily(
            "ackdrop_ledger_lag_observations", "Observations that the ledger has not written yet.", now.ledger.waiting
        )
        yield CounterMetricFamily(
            "ackdrop_ledger_let_go_observations", "Observations that were never written.", now.ledger.let_go
        )


def _traffic(now: Snapshot) -> Iterator[Metric]:
    traffic = now.traffic
    yield GaugeMetricFamily("ackdrop_connections_open", "Clients' connections.", now.connections_open)
    yield CounterMetricFamily("ackdrop_connections", "Clients' connections so far.", now.connections_total)
    frames = CounterMetricFamily("ackdrop_frames", "Frames that came in, before any fault.", labels=["direction"])
    size = CounterMetricFamily("ackdrop_bytes", "Bytes that came in, before any fault.", labels=["direction"])
    for direction, count, total in (
        ("request", traffic.client_frames, traffic.client_bytes),
        ("response", traffic.broker_frames, traffic.broker_bytes),
    ):
        frames.add_metric([direction], count)
        size.add_metric([direction], total)
    yield frames
    yield size
    yield CounterMetricFamily("ackdrop_undecoded_frames", "Frames that mattered and could not be read.", now.undecoded)


def _produce(now: Snapshot) -> Iterator[Metric]:
    yield CounterMetricFamily("ackdrop_produce_requests", "Produce requests of clients.", now.produce_requests)
    yield CounterMetricFamily("ackdrop_produce_records", "Records in them, retries included.", now.records)
    yield CounterMetricFamily("ackdrop_produce_errors", "Errors that the broker answered to produce.", now.errors)
    yield CounterMetricFamily("ackdrop_injected_attempts", "Produce attempts that ackdrop itself sent.", now.injected)
    retries = CounterMetricFamily("ackdrop_retries", "Attempts that repeat another one.", labels=["kind"])
    retries.add_metric(["protected"], now.retries.protected)
    retries.add_metric(["unprotected"], now.retries.unprotected)
    retries.add_metric(["ambiguous"], now.retries.ambiguous)
    yield retries
    outcomes = GaugeMetricFamily("ackdrop_retry_outcomes", "What the broker made of retries.", labels=["outcome"])
    for outcome in ("open", "appended", "appended_again", "deduplicated", "refused"):
        outcomes.add_metric([outcome], getattr(now.retries, outcome))
    yield outcomes
    acks = CounterMetricFamily("ackdrop_acks", "Produce answers that a fault kept from their client.", labels=["fate"])
    for fate in ("dropped", "withheld", "delayed"):
        acks.add_metric([fate], getattr(now.acks, fate))
    yield acks
    added = HistogramMetricFamily(
        "ackdrop_added_latency_seconds", "By how much produce requests and answers were later.", labels=["direction"]
    )
    _add(added, "request", now.added_to_requests)
    _add(added, "response", now.added_to_answers)
    yield added


def _faults(now: Snapshot) -> Iterator[Metric]:
    labels = ["fault", "at", "do"]
    armed = GaugeMetricFamily("ackdrop_fault_armed", "1 where the fault is armed, 0 where it rests.", labels=labels)
    matched = CounterMetricFamily("ackdrop_fault_matched", "Frames that the fault has matched.", labels=labels)
    fired = CounterMetricFamily("ackdrop_fault_fired", "Frames on which the fault has fired.", labels=labels)
    for fault in now.faults:
        values = [fault.name, fault.at, fault.do]
        armed.add_metric(values, int(fault.armed))
        matched.add_metric(values, fault.total_matched)
        fired.add_metric(values, fault.total_fired)
    yield from (armed, matched, fired)


def _add(family: HistogramMetricFamily, direction: str, histogram: Histogram) -> None:
    buckets, count = [], 0
    for bound, more in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        count += more
        buckets.append((bound, float(count)))
    family.add_metric([direction], buckets, histogram.total)
