"""Results to be shown: what a run of each shipped kind leaves, with the shapes that verification gives them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ackdrop.report.combine import combine
from ackdrop.report.terminal import render
from ackdrop.result import (
    ArmResult,
    AttemptLine,
    BrokerInfo,
    ExpectationResult,
    FaultCount,
    Finding,
    LogCounts,
    Place,
    ProducerInfo,
    Reason,
    Records,
    RunInfo,
    RunResult,
    ScenarioInfo,
    WireCounts,
)

FAULT = "lose the third ack"
LINE = AttemptLine(0.857, 2, 9, "ackdrop-1-off", 0, -1, -1, -1, 1, 77, 2, None, "dropped")

RUN = RunInfo(
    "5f0c", "2026-11-23T06:12:09.123Z", 9.412, ["ackdrop", "run", "lost-ack", "--seed", "7"], {"ackdrop": "0.1.0"}
)


def change(value, **changes):
    return dataclasses.replace(value, **changes)


def place(*offsets, topic="ackdrop-1-off", partition=0):
    return [Place(topic, partition, offset) for offset in offsets]


def log(**changes):
    return change(LogCounts(200, 200, 0, 0, 0, 0, 0, 0, 0), **changes)


def off_arm():
    again = change(LINE, at=3.9664, connection=3, base_offset=3, ack="delivered")
    return ArmResult(
        name="off",
        idempotence=False,
        verdict="passed",
        producer=ProducerInfo("kafka-python", "3.0.12", {"acks": "all", "retries": 5}),
        records=Records(200, 200, 0, 0),
        wire=WireCounts(3, 201, 1, 1, 0, 0, 0, [FaultCount(FAULT, 201, 1)]),
        log=log(records=201, duplicates=1),
        findings=[Finding("duplicate", "retry-unprotected", "p1/2", place(2, 3), FAULT, [LINE, again])],
        expectations=[ExpectationResult("duplicates >= 1", 1, True), ExpectationResult("lost 0", 0, True)],
    )


def on_arm():
    first = change(LINE, at=0.8641, producer_id=1, producer_epoch=0, base_sequence=2)
    again = change(first, at=3.967, connection=3, ack="delivered")
    return change(
        off_arm(),
        name="on",
        idempotence=True,
        log=log(),
        findings=[Finding("deduplicated", None, "p1/2", place(2), FAULT, [first, again])],
        expectations=[
            ExpectationResult("duplicates 0", 0, True),
            ExpectationResult("lost 0", 0, True),
            ExpectationResult("out_of_order 0", 0, True),
        ],
    )


def run(*arms, **changes):
    result = RunResult(
        scenario=ScenarioInfo("The ack is lost after the append", "scenarios/lost-ack.yaml", 7, "ab" * 32),
        broker=BrokerInfo("redpanda", "22.3.25", "found", "127.0.0.1:9092", "redpanda.1"),
        verdict="passed",
        reasons=[],
        exit_code=0,
        arms=list(arms),
    )
    return change(result, **changes)


def duplicates(count):
    """An on arm that the broker let down, `count` records over."""
    findings = []
    for n in range(count):
        first = change(LINE, producer_id=1, producer_epoch=0, base_sequence=n, base_offset=n)
        again = change(first, at=4.0, connection=12, base_offset=n + 200, ack="delivered")
        cause = "broker-did-not-deduplicate"
        findings.append(Finding("duplicate", cause, f"p1/{n}", place(n, n + 200), FAULT, [first, again]))
    expected = [ExpectationResult("duplicates 0", count, False), ExpectationResult("lost 0", 0, True)]
    return change(
        on_arm(),
        verdict="failed",
        log=log(records=200 + count, duplicates=count),
        findings=findings,
        expectations=expected,
    )


def resend_arm(idempotence):
    name = "on" if idempotence else "off"
    lines = [
        change(LINE, at=0.1 * n, base_offset=n, ack="delivered", connection=1, producer_id=5 if idempotence else -1)
        for n in range(3)
    ]
    lines = [change(line, producer_epoch=0, base_sequence=n) for n, line in enumerate(lines)] if idempotence else lines
    return change(
        off_arm(),
        name=name,
        idempotence=idempotence,
        records=Records(3, 3, 0, 0),
        wire=WireCounts(1, 3, 0, 0, 0, 0, 0, []),
        log=log(records=3, distinct=1, duplicates=2),
        findings=[Finding("duplicate", "application-resend", "p1/0", place(0, 1, 2), None, lines)],
        expectations=[ExpectationResult("duplicates 2", 2, True)],
    )


def foreign_arm():
    """What `ackdrop proxy` knows of a program that is not ours."""
    digest = "3fa9c1d2" * 8
    lines = [
        change(LINE, topic="orders", partition=4, producer_id=1002, producer_epoch=0, base_sequence=17, records=5),
        change(LINE, at=30.9, connection=3, topic="orders", partition=4, producer_id=1002, producer_epoch=0),
    ]
    lines[1] = change(lines[1], base_sequence=17, records=5, ack="delivered")
    saved = Finding(
        "deduplicated", None, f"{digest} to {'77ab01cd' * 8}", place(2, 3, 4, 5, 6, topic="orders"), None, lines
    )
    return change(
        off_arm(),
        name="proxy",
        idempotence=None,
        producer=ProducerInfo("sarama 1.43", None, {}),
        records=Records(None, None, None, None),
        wire=WireCounts(3, 61, 1, 1, 0, 0, 0, []),
        log=LogCounts(300, 300, 0, 0, None, None, 0, None, 0),
        findings=[saved],
        expectations=[ExpectationResult("duplicates 0", 0, True), ExpectationResult("lost 0", 0, True)],
    )


def unknown_arm():
    return change(
        foreign_arm(),
        log=LogCounts(*[None] * 9),
        findings=[],
        expectations=[ExpectationResult("duplicates 0", None, None)],
    )


def unknown_of(expect):
    """A run whose on arm came to its end, without a figure that was asked for."""
    return run(change(on_arm(), expectations=[ExpectationResult(expect, None, None)]))


def repeated(**changes):
    """Five runs were asked for, four came to be: the second failed, the third lacks a figure."""
    runs = [lost_ack(), failed(2), unknown_of("duplicates 0"), lost_ack()]
    return change(combine(runs, ["1", "2", "3", "4"], 5), run=RUN, **changes)


def alone(duplicates=2):
    """A topic's log, verified alone: nobody saw who wrote it."""
    arm = change(
        foreign_arm(),
        name="log",
        producer=ProducerInfo("unknown", None, {}),
        wire=WireCounts(*[None] * 7, []),
        log=LogCounts(300, 300 - duplicates, duplicates, *[None] * 6, aborted=4),
        isolation="read_committed",
        findings=[],
        expectations=[],
    )
    return run(arm, scenario=ScenarioInfo("The log of orders, alone", None, 0, None))


def hostile(name):
    """A result that says `name` wherever something comes from outside, with enough around it to be a name."""
    name = f"x{name}y"
    off = off_arm()
    producer = change(off.producer, client=name, version=name, not_applicable=[name], config={name: name})
    lines = [change(line, topic=name, error=name, fault=name) for line in off.findings[0].attempts]
    finding = change(off.findings[0], record=name, places=place(1, 2, topic=name), fault=name, attempts=lines)
    expected = [ExpectationResult("duplicates 0", 1, False), ExpectationResult(name, None, None)]
    wire = change(off.wire, faults=[FaultCount(name, 1, 1)])
    arm = change(off, name=name, producer=producer, wire=wire, findings=[finding], expectations=expected)
    info = change(RUN, id=name, started=name, command=["ackdrop", name], versions={name: name})
    return run(
        arm,
        verdict="failed",
        exit_code=1,
        scenario=ScenarioInfo(name, f"/x/{name}.yaml".replace("/", "-"), 7, name),
        broker=BrokerInfo("kafka", name, "given", name, name),
        reasons=[Reason(name, name, name), Reason("no-retry", None, name)],
        notes=[name],
        run=info,
    )


def lost_ack():
    return run(off_arm(), on_arm())


def inconclusive():
    text = 'The fault "lose the third ack" matched 0 times, so it never fired: see its `match` (topic, partition).'
    reasons = [Reason("fault-never-fired", "off", text), Reason("control-clean", None, "No retry left a duplicate.")]
    wire = WireCounts(3, 200, 0, 0, 0, 0, 0, [FaultCount(FAULT, 0, 0)])
    arms = [change(arm, wire=wire, log=log(), findings=[]) for arm in (off_arm(), on_arm())]
    arms[0] = change(arms[0], expectations=[ExpectationResult("duplicates >= 1", 0, False)])
    return run(*arms, verdict="inconclusive", exit_code=3, reasons=reasons)


def failed(count=7):
    reasons = [Reason("expectation-failed", "on", f"Expected duplicates 0, counted {count}: the findings show where.")]
    return run(off_arm(), duplicates(count), verdict="failed", exit_code=1, reasons=reasons)


@pytest.fixture
def results() -> SimpleNamespace:
    """The makers of results, by name."""
    return SimpleNamespace(
        change=change,
        run=run,
        off_arm=off_arm,
        on_arm=on_arm,
        duplicates=duplicates,
        resend_arm=resend_arm,
        foreign_arm=foreign_arm,
        unknown_arm=unknown_arm,
        place=place,
        line=LINE,
        unknown_of=unknown_of,
        lost_ack=lost_ack,
        repeated=repeated,
        alone=alone,
        hostile=hostile,
        run_info=RUN,
        failed=failed,
        inconclusive=inconclusive,
        resend=lambda: run(resend_arm(False), resend_arm(True)),
        proxy=lambda: run(foreign_arm(), scenario=ScenarioInfo("What passed the proxy", None, 7, None)),
        unknown=lambda: run(unknown_arm(), verdict="inconclusive", exit_code=3),
    )


@pytest.fixture
def shown() -> Callable[..., str]:
    """The result as text without colour."""

    def show(result: RunResult, width: int = 80, folder: Path | None = None, notes=(), **options) -> str:
        file = io.StringIO()
        render(result, Console(file=file, width=width, color_system=None, **options), folder, notes)
        return file.getvalue()

    return show
