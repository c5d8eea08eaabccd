"""What a suite of JUnit XML says of its run beside its cases: by whom, on what, and the figures."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import ArmRepeat, ArmResult, RunResult
from .combine import FIGURES, known
from .figures import was_watched
from .spreads import runs, spread
from .words import UNKNOWN, again


def properties(result: RunResult) -> Iterator[tuple[str, str]]:
    """Names and values, in an order that does not change. `arm.NAME.FIGURE` is a number, or `unknown`."""
    yield "verdict", result.verdict
    yield "exit_code", str(result.exit_code)
    yield "scenario.title", result.scenario.title
    yield "scenario.file", result.scenario.file or ""
    yield "scenario.seed", str(result.scenario.seed)
    for key, value in result.scenario.combination.items():
        yield f"scenario.matrix.{key}", value
    if result.shard is not None:
        yield "shard", f"{result.shard.number}/{result.shard.of}"
    if result.broker is not None:
        yield "broker.kind", result.broker.kind
        yield "broker.version", result.broker.version or UNKNOWN
        yield "broker.source", result.broker.source
        yield "broker.bootstrap", result.broker.bootstrap
    if result.run is not None:
        yield "run.id", result.run.id or ""
        yield "run.command", again(result) or ""
        for name, version in result.run.versions.items():
            yield f"version.{name}", version
    for arm in result.arms:
        yield from _producer(arm)
    if result.repeat is None:
        for arm in result.arms:
            yield from _figures(arm)
    else:
        yield "repeat", runs(result.repeat)
        yield "repeat.agreement", result.repeat.agreement or UNKNOWN
        for repeated in result.repeat.arms:
            yield from _spreads(repeated)


def _producer(arm: ArmResult) -> Iterator[tuple[str, str]]:
    yield f"arm.{arm.name}.idempotence", {True: "on", False: "off", None: UNKNOWN}[arm.idempotence]
    yield f"arm.{arm.name}.producer", f"{arm.producer.client} {arm.producer.version or ''}".strip()
    yield f"arm.{arm.name}.isolation", arm.isolation


def _figures(arm: ArmResult) -> Iterator[tuple[str, str]]:
    for figure in FIGURES:
        value = known(arm, figure)
        if value is not None or was_watched(arm):
            yield f"arm.{arm.name}.{figure}", UNKNOWN if value is None else str(value)


def _spreads(arm: ArmRepeat) -> Iterator[tuple[str, str]]:
    """`minimum / median / maximum`"""
    for figure, value in arm.figures.items():
        yield f"arm.{arm.name}.{figure}", spread(value)
