"""What the tests of the probe share: values as a probe has them, made in a line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ackdrop.probing.model import Answer, Batch, CaseResult, Exchange, ProbeResult, Step, Written
from ackdrop.result import BrokerInfo

ME = 7
"""The producer id of every batch here."""


def an_exchange(first: int = 0, error: str = "NONE", at: int | None = None, records: int = 3, **more: Any) -> Exchange:
    """A batch, and its answer: at an offset, or with an error."""
    answer = more.pop("answer", Answer("answered", error, -1 if at is None else at))
    partition = more.pop("partition", 0)
    return Exchange("produce", 9, 1, answer, partition, -1, Batch(ME, 0, first, records, "a", 0), **more)


def stands(offset: int, first: int = 0, records: int = 3, producer: int = ME, **more: Any) -> Written:
    """A batch in the log."""
    partition = more.pop("partition", 0)
    return Written(partition, offset, offset + records - 1, producer, 0, first, records, **more)


def a_step(name: str, effect: str, *exchanges: Exchange, wrote: Sequence[Written] = (), what: str = "") -> Step:
    return Step(name, what or f"the step {name}", exchanges or (an_exchange(),), tuple(wrote), effect)


def a_case(name: str, *steps: Step, state: Any = "measured", reason: str | None = None) -> CaseResult:
    return CaseResult(name, f"The case {name}", state, steps, reason)


def a_broker(kind: Any = "kafka", version: str | None = "4.3") -> BrokerInfo:
    return BrokerInfo(kind, version, "given", "127.0.0.1:9092", "abc")


@pytest.fixture
def a_probe() -> Callable[..., ProbeResult]:
    """`a_probe(case, ..., kind=, version=)`."""

    def make(*cases: CaseResult, kind: str = "kafka", version: str | None = "4.3", **more: Any) -> ProbeResult:
        fields = {"at": "2026-11-26T17:00:00+00:00", "ackdrop": "0.1.0", "topic": "ackdrop-probe-x", "summary": ()}
        return ProbeResult(broker=a_broker(kind, version), versions={"produce": 13}, cases=cases, **{**fields, **more})

    return make
